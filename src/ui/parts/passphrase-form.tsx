/**
 * Something that the passphrase opens: asked for, tried, and asked for again if it is not the one.
 *
 * Holds: the passphrase lives in this form and in one call.
 */
import { createSignal, type JSX, Show } from 'solid-js'
import { createCall } from '../primitives/create-call.ts'
import { useWords } from '../words/words.ts'
import { Trouble } from './dialog.tsx'
import { SecretField } from './secret-field.tsx'

/** `open` gets `null` while nothing is `asked`. */
export const PassphraseForm = (props: {
  asked: boolean
  act: string
  open: (passphrase: string | null) => Promise<unknown>
  hint?: string
  children?: JSX.Element
  foot?: JSX.Element
}) => {
  const t = useWords()
  const call = createCall()
  const [passphrase, setPassphrase] = createSignal('')
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const given = props.asked ? passphrase() : null
    if (given !== '' && (await call.run(() => props.open(given)))) setPassphrase('')
  }
  return (
    <form class="flow" aria-busy={call.busy()} onSubmit={submit}>
      {props.children}
      <Show when={props.asked}>
        <SecretField
          label={t().unlock.passphrase}
          value={passphrase()}
          onInput={setPassphrase}
          autocomplete="current-password"
          invalid={call.trouble() !== null}
          autofocus
        >
          <Show when={props.hint}>
            <p class="hint">{props.hint}</p>
          </Show>
        </SecretField>
      </Show>
      <Trouble text={call.trouble()} />
      <button class="btn main wide" type="submit" disabled={call.busy()}>
        {call.busy() ? t().unlock.working : props.act}
      </button>
      {props.foot}
    </form>
  )
}
