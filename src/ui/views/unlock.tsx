/** The passphrase of a profile that is there. */
import { useNode } from '../node-context.ts'
import { PassphraseForm } from '../parts/passphrase-form.tsx'
import { useWords } from '../words/words.ts'
import { StartFrame } from './start-frame.tsx'

export const Unlock = () => {
  const t = useWords()
  const { api } = useNode()
  return (
    <StartFrame>
      <PassphraseForm
        asked
        act={t().unlock.unlock}
        open={(passphrase) => api.unlock({ passphrase: passphrase ?? '' })}
        foot={<p class="hint">{t().unlock.forgot}</p>}
      >
        <div>
          <h1>{t().unlock.title}</h1>
          <p class="hint">{t().unlock.lede}</p>
        </div>
      </PassphraseForm>
    </StartFrame>
  )
}
