/** The passphrase of a profile that is there. */
import { createSignal } from 'solid-js'
import { useNode } from '../node-context.ts'
import { Trouble } from '../parts/dialog.tsx'
import { SecretField } from '../parts/secret-field.tsx'
import { createCall } from '../primitives/create-call.ts'
import { useWords } from '../words/words.ts'
import { StartFrame } from './start-frame.tsx'

export const Unlock = () => {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  const [passphrase, setPassphrase] = createSignal('')
  return (
    <StartFrame>
      <form
        aria-busy={call.busy()}
        onSubmit={(event) => {
          event.preventDefault()
          if (passphrase()) void call.run(() => api.unlock({ passphrase: passphrase() }))
        }}
      >
        <div>
          <h1>{t().unlock.title}</h1>
          <p class="hint">{t().unlock.lede}</p>
        </div>
        <SecretField
          label={t().unlock.passphrase}
          value={passphrase()}
          onInput={setPassphrase}
          autocomplete="current-password"
          invalid={call.trouble() !== null}
          autofocus
        />
        <Trouble text={call.trouble()} />
        <button class="btn main wide" type="submit" disabled={call.busy()}>
          {call.busy() ? t().unlock.working : t().unlock.unlock}
        </button>
        <p class="hint">{t().unlock.forgot}</p>
      </form>
    </StartFrame>
  )
}
