/**
 * The field to write in, with one line above that says what will happen to the message before it is written.
 *
 * Holds: Enter sends, Shift+Enter and Enter inside an input method's word do not; what the node has not answered for stands
 * above the field, what it refused comes back into it, with the sentence that says why.
 */
import { createEffect, createMemo, createSignal, For, on, onCleanup, onMount, Show, untrack } from 'solid-js'
import type { Contact, Message } from '../../node/api.ts'
import type { CallError } from '../node-client.ts'
import { useNode } from '../node-context.ts'
import { Trouble } from '../parts/dialog.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { createDraft } from '../primitives/create-draft.ts'
import type { Outgoing } from '../primitives/create-outgoing.ts'
import { useWords } from '../words/words.ts'

/** The most one message holds, in bytes of UTF-8 (NodeApi.send). */
const MOST_BYTES = 16_384
const encoder = new TextEncoder()
/** Code points of a name in a line above the field: a longer one would push the conversation away. */
const NAME_SHOWN = 32

const shortened = (name: string): string => {
  const letters = [...name]
  return letters.length > NAME_SHOWN ? `${letters.slice(0, NAME_SHOWN - 1).join('')}…` : name
}

const WillBe = (props: { contact: Contact }) => {
  const t = useWords()
  const icon = (): IconName => {
    const { via } = props.contact
    if (via === null) return 'wait'
    return via === 'lan' ? 'lan' : via === 'direct' ? 'direct' : 'relay'
  }
  const words = () => {
    const { via, state } = props.contact
    const name = shortened(props.contact.name)
    if (via !== null) return t().compose.willGo[via](name)
    return state === 'invited' ? t().compose.willWaitInvite(name) : t().compose.willWait(name)
  }
  return (
    <p class="willbe" id="willbe">
      <Icon name={icon()} small />
      <span>{words()}</span>
    </p>
  )
}

/** An answer takes a few milliseconds: what is waited for longer is shown. */
const SHOWN_AFTER_MS = 300

/** Whether the node takes its time with an answer, or is not there: then a text is in this window alone. */
function createHeld(waiting: () => readonly Outgoing[]): () => boolean {
  const { state } = useNode()
  const [late, setLate] = createSignal(false)
  createEffect(
    on(
      () => waiting().length > 0,
      (some) => {
        setLate(false)
        if (!some) return
        const timer = setTimeout(() => setLate(true), SHOWN_AFTER_MS)
        onCleanup(() => clearTimeout(timer))
      },
    ),
  )
  return () => late() || state.door.phase !== 'open'
}

/** Texts that left the field and that the node has not answered for, and where they are. */
const Held = (props: { waiting: readonly Outgoing[] }) => {
  const t = useWords()
  return (
    <>
      <Show when={props.waiting.length > 0}>
        <ul class="unanswered" aria-label={t().compose.unanswered}>
          <For each={props.waiting}>
            {(one) => (
              <li>
                <bdi>{one.text}</bdi>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <p class="willbe held" id="willbe">
        <Icon name="wait" small />
        <span>{t().compose.unansweredHint}</span>
      </p>
    </>
  )
}

/** A field that grows with its text where the browser does not do it by itself. */
function grow(field: HTMLTextAreaElement): void {
  if (CSS.supports('field-sizing', 'content')) return
  field.style.blockSize = 'auto'
  field.style.blockSize = `${field.scrollHeight}px`
}

export function Composer(props: {
  contact: Contact
  replyTo: Message | null
  replyName: string
  onReplyDone: () => void
  /** A refused text answered this message. */
  onReply: (message: Message) => void
}) {
  const t = useWords()
  const { outgoing } = useNode()
  const [refusal, setRefusal] = createSignal<CallError['code'] | null>(null)
  let field: HTMLTextAreaElement | undefined
  const contact = props.contact.id
  const draft = createDraft(contact, () => document.activeElement === field)
  const over = createMemo(() => Math.max(0, encoder.encode(draft.text()).length - MOST_BYTES))
  const canSend = () => draft.text().trim() !== '' && over() === 0

  onMount(() => {
    // Under a finger the keyboard would cover what one came to read.
    if (matchMedia('(pointer: fine)').matches) field?.focus({ preventScroll: true })
    if (field) grow(field)
  })

  function send(): void {
    if (!canSend()) return
    setRefusal(null)
    outgoing.send(contact, draft.hand(), props.replyTo)
    props.onReplyDone()
    if (field) grow(field)
  }

  function takeBack({ key, text, replyTo, refusal }: Outgoing): void {
    outgoing.drop(key)
    draft.write([text, draft.text()].filter((part) => part !== '').join('\n'))
    if (replyTo) props.onReply(replyTo)
    setRefusal(refusal)
    if (field) grow(field)
  }

  const texts = createMemo(() => outgoing.of(contact))
  createEffect(() => {
    const refused = texts().find((one) => one.refusal !== null)
    if (refused) untrack(() => takeBack({ ...refused }))
  })
  const held = createHeld(texts)
  const trouble = () => {
    const code = refusal()
    return over() > 0 ? t().compose.tooLong(over()) : code && t().error[code]
  }

  return (
    <form
      class="compose"
      aria-label={t().compose.form(props.contact.name)}
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <Trouble text={trouble()} />
      <div role="status">
        <Show when={held()}>
          <Held waiting={texts()} />
        </Show>
      </div>
      <Show when={!held()}>
        <WillBe contact={props.contact} />
      </Show>
      <Show when={props.replyTo}>
        {(quoted) => (
          <div class="replying">
            <span class="quote">
              <b>
                <bdi>{props.replyName}</bdi>
              </b>
              <bdi class="cut">{quoted().text.slice(0, 200)}</bdi>
            </span>
            <button class="ib" type="button" aria-label={t().chat.noReply} onClick={() => props.onReplyDone()}>
              <Icon name="close" />
            </button>
          </div>
        )}
      </Show>
      <div class="inbox">
        <textarea
          ref={field}
          rows="1"
          dir="auto"
          placeholder={t().compose.form(shortened(props.contact.name))}
          aria-label={t().compose.form(props.contact.name)}
          aria-describedby="willbe"
          value={draft.text()}
          onInput={(event) => {
            draft.write(event.currentTarget.value)
            grow(event.currentTarget)
          }}
          onBlur={draft.flush}
          onKeyDown={(event) => {
            if (event.key === 'Escape' && props.replyTo) {
              event.stopPropagation()
              props.onReplyDone()
            }
            // 229: an input method's Enter in browsers that end the composition before they say the key.
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return
            event.preventDefault()
            send()
          }}
        />
        <button class="ib main" type="submit" aria-label={t().compose.send} aria-disabled={!canSend()}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  )
}
