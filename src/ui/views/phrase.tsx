/**
 * The recovery phrase again: asked for by a press, and by the passphrase where the profile has one.
 *
 * Holds: the words leave the page with it, and with the press that hides them; the passphrase lives in this form and in one call.
 */
import { createSignal, Match, Show, Switch } from 'solid-js'
import { CallError } from '../node-client.ts'
import { useNode } from '../node-context.ts'
import { Trouble } from '../parts/dialog.tsx'
import { Page } from '../parts/page.tsx'
import { SecretField } from '../parts/secret-field.tsx'
import { createCall } from '../primitives/create-call.ts'
import { isWrittenDown, setWrittenDown } from '../primitives/written-down.ts'
import { useWords } from '../words/words.ts'
import { Protects } from './first-run.tsx'
import { PhraseSteps } from './recovery-phrase.tsx'

/** `onShown` gets the words; `needed`: the profile has a passphrase. */
const Ask = (props: { needed: boolean; onNeeded: () => void; onShown: (phrase: string) => void }) => {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  const [passphrase, setPassphrase] = createSignal('')

  /** Without a passphrase first: only the node knows whether there is one. */
  async function show(): Promise<void> {
    const given = props.needed ? passphrase() : null
    if (given === '') return
    await call.run(async () => {
      try {
        const { phrase } = await api.recoveryPhrase({ passphrase: given })
        setPassphrase('')
        props.onShown(phrase)
      } catch (error) {
        if (given !== null || !(error instanceof CallError) || error.code !== 'passphrase-wrong') throw error
        props.onNeeded()
      }
    })
  }
  return (
    <form
      class="flow"
      aria-busy={call.busy()}
      onSubmit={(event) => {
        event.preventDefault()
        void show()
      }}
    >
      <Show when={props.needed}>
        <SecretField
          label={t().unlock.passphrase}
          value={passphrase()}
          onInput={setPassphrase}
          autocomplete="current-password"
          invalid={call.trouble() !== null}
          autofocus
        >
          <p class="hint">{t().phrase.askHint}</p>
        </SecretField>
      </Show>
      <Trouble text={call.trouble()} />
      <button class="btn main wide" type="submit" disabled={call.busy()}>
        {call.busy() ? t().unlock.working : t().phrase.show}
      </button>
    </form>
  )
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
