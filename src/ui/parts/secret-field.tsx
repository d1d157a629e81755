/** A field for a passphrase that can be shown. */
import { createSignal, createUniqueId, type JSX } from 'solid-js'
import { useWords } from '../words/words.ts'

export const SecretField = (props: {
  label: string
  value: string
  onInput: (value: string) => void
  autocomplete: 'new-password' | 'current-password'
  describedBy?: string
  invalid?: boolean
  autofocus?: boolean
  children?: JSX.Element
}) => {
  const t = useWords()
  const [shown, setShown] = createSignal(false)
  const id = createUniqueId()
  return (
    <div>
      <label for={id}>{props.label}</label>
      <div class="withbtn">
        <input
          class="field"
          id={id}
          ref={(element) => props.autofocus && queueMicrotask(() => element.focus())}
          type={shown() ? 'text' : 'password'}
          autocomplete={props.autocomplete}
          autocapitalize="off"
          spellcheck={false}
          aria-describedby={props.describedBy}
          aria-invalid={props.invalid ? 'true' : undefined}
          value={props.value}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
        <button
          class="btn plain"
          type="button"
          aria-pressed={shown()}
          aria-label={t().start.showPassphrase}
          onClick={() => setShown(!shown())}
        >
          {shown() ? t().start.hide : t().start.show}
        </button>
      </div>
      {props.children}
    </div>
  )
}
