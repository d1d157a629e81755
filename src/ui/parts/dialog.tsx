/**
 * A question on top of everything else: the browser's own modal dialog.
 *
 * Holds: focus starts on the safe answer, stays inside, and goes back where it was; Escape is the safe answer.
 */
import { For, type JSX, onCleanup, onMount, Show } from 'solid-js'
import { Icon } from './icon.tsx'

let dialogs = 0

/** `onClose`: Escape was pressed. Children come in order, the first button or field with `autofocus` has the focus. */
export function Dialog(props: { title: string; onClose: () => void; children: JSX.Element; alert?: boolean }) {
  const id = `dialog-${++dialogs}`
  let element: HTMLDialogElement | undefined
  onMount(() => {
    element?.showModal()
    element?.querySelector<HTMLElement>('[data-first]')?.focus()
  })
  // Closing, unlike leaving the page, gives the focus back.
  onCleanup(() => element?.close())
  return (
    <dialog
      ref={element}
      class="dialog"
      role={props.alert ? 'alertdialog' : undefined}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        props.onClose()
      }}
    >
      <h2 id={id}>{props.title}</h2>
      {props.children}
    </dialog>
  )
}

/** A question with what happens as points, the safe answer first, the verb of the title on the other. */
export const Question = (props: {
  title: string
  points: readonly string[]
  safe: string
  act: string
  onSafe: () => void
  onAct: () => void
}) => (
  <Dialog title={props.title} onClose={props.onSafe} alert>
    <ul class="points">
      <For each={props.points}>
        {(point) => (
          <li>
            <Icon name="warn" small class="larch" />
            <span>{point}</span>
          </li>
        )}
      </For>
    </ul>
    <div class="acts">
      <button class="btn" type="button" data-first onClick={() => props.onSafe()}>
        {props.safe}
      </button>
      <button class="btn danger" type="button" onClick={() => props.onAct()}>
        {props.act}
      </button>
    </div>
  </Dialog>
)

/** One sentence of trouble under what caused it, said aloud at once. */
export const Trouble = (props: { text: string | null | undefined; id?: string }) => (
  <div role="alert" id={props.id}>
    <Show when={props.text}>
      <p class="trouble">
        <Icon name="warn" small />
        <span>{props.text}</span>
      </p>
    </Show>
  </div>
)
