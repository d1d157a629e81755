/**
 * The recovery phrase again: asked for by a press, and by the passphrase where the profile has one.
 *
 * Holds: the words leave the page with it, and with the press that hides them.
 */
import { createSignal, Match, Switch } from 'solid-js'
import { CallError } from '../node-client.ts'
import { useNode } from '../node-context.ts'
import { Page } from '../parts/page.tsx'
import { PassphraseForm } from '../parts/passphrase-form.tsx'
import { isWrittenDown, setWrittenDown } from '../primitives/written-down.ts'
import { useWords } from '../words/words.ts'
import { Protects } from './first-run.tsx'
import { PhraseSteps } from './recovery-phrase.tsx'

/** `onShown` gets the words; `needed`: the profile has a passphrase. */
const Ask = (props: { needed: boolean; onNeeded: () => void; onShown: (phrase: string) => void }) => {
  const t = useWords()
  const { api } = useNode()

  /** Without a passphrase first: only the node knows whether there is one. */
  async function show(passphrase: string | null): Promise<void> {
    try {
      props.onShown((await api.recoveryPhrase({ passphrase })).phrase)
    } catch (error) {
      if (passphrase !== null || !(error instanceof CallError) || error.code !== 'passphrase-wrong') throw error
      props.onNeeded()
    }
  }
  return <PassphraseForm asked={props.needed} act={t().phrase.show} hint={t().phrase.askHint} open={show} />
}

export const Phrase = () => {
  const t = useWords()
  const { state } = useNode()
  const [phrase, setPhrase] = createSignal<string | null>(null)
  const [needed, setNeeded] = createSignal(false)
  const written = () => state.self !== null && isWrittenDown(state.self.id)
  function hide(): void {
    setPhrase(null)
    setNeeded(false)
  }
  function done(): void {
    hide()
    if (state.self) setWrittenDown(state.self.id)
    document.querySelector<HTMLElement>('.page [data-heading]')?.focus()
  }
  return (
    <Page title={t().phrase.title} back={{ href: '#/settings', label: t().app.backToSettings }} slim>
      <section class="card paper">
        <Switch
          fallback={
            <div class="flow">
              <p role="status">{written() ? t().phrase.isWritten : t().phrase.notWritten}</p>
              <Protects protects={t().phrase.protects} cannot={t().phrase.cannot} />
              <p class="hint">{t().phrase.alone}</p>
              <Ask needed={needed()} onNeeded={() => setNeeded(true)} onShown={setPhrase} />
            </div>
          }
        >
          <Match when={phrase()}>
            {(words) => (
              <div class="flow">
                <PhraseSteps phrase={words()} heading="h2" title={t().phrase.words} onDone={done} />
                <button class="btn wide" type="button" onClick={hide}>
                  {t().phrase.hide}
                </button>
              </div>
            )}
          </Match>
        </Switch>
      </section>
    </Page>
  )
}
