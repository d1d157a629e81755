/** The pairing that is going on, over whatever page is open. */
import { Match, Show, Switch } from 'solid-js'
import { useNode } from '../node-context.ts'
import { Dialog } from '../parts/dialog.tsx'
import { createPairing } from '../primitives/create-pairing.ts'
import type { Pairing } from '../primitives/create-session.ts'
import { useWords } from '../words/words.ts'

const grouped = (code: string): string => code.replace(/(\d{3})(?=\d)/g, '$1 ')

const Body = (props: { pairing: Pairing }) => {
  const t = useWords()
  const pairing = createPairing()
  const name = () => props.pairing.name
  return (
    <Switch>
      <Match when={props.pairing.step === 'asking'}>
        <p role="status">{t().pairing.askingHint}</p>
        <div class="acts">
          <button class="btn" type="button" data-first onClick={() => pairing.stop(false)}>
            {t().app.cancel}
          </button>
        </div>
      </Match>
      <Match when={props.pairing.step === 'wanted'}>
        <p>{t().pairing.wantedHint}</p>
        <div class="acts">
          <button class="btn" type="button" data-first onClick={() => pairing.stop(false)}>
            {t().pairing.decline}
          </button>
          <button class="btn main" type="button" onClick={() => void pairing.ask(props.pairing.peer, name())}>
            {t().pairing.accept}
          </button>
        </div>
      </Match>
      <Match when={props.pairing.step === 'code' && props.pairing.code}>
        {(code) => (
          <>
            <p class="code" role="status" aria-label={t().pairing.code(grouped(code()))}>
              {grouped(code())}
            </p>
            <p class="hint">{t().pairing.hint}</p>
            <div class="acts">
              <button class="btn" type="button" data-first onClick={() => pairing.stop(true)}>
                {t().pairing.different}
              </button>
              <button class="btn main" type="button" onClick={() => void pairing.same()}>
                {t().pairing.same}
              </button>
            </div>
          </>
        )}
      </Match>
      <Match when={props.pairing.step === 'confirming'}>
        <p role="status">{t().pairing.confirming(name())}</p>
        <div class="acts">
          <button class="btn" type="button" data-first onClick={() => pairing.stop(false)}>
            {t().app.cancel}
          </button>
        </div>
      </Match>
      <Match when={props.pairing.step === 'failed' || props.pairing.step === 'differed'}>
        <p role="alert">{props.pairing.step === 'failed' ? t().pairing.failed : t().pairing.differed}</p>
        <div class="acts">
          <button class="btn" type="button" data-first onClick={() => pairing.stop(false)}>
            {t().pairing.ok}
          </button>
        </div>
      </Match>
    </Switch>
  )
}

export const PairingDialog = () => {
  const t = useWords()
  const { state } = useNode()
  const pairing = createPairing()
  const title = (now: Pairing): string => {
    if (now.step === 'code' || now.step === 'confirming') return t().pairing.question(now.name)
    if (now.step === 'wanted') return t().pairing.wanted(now.name)
    return now.step === 'asking' ? t().pairing.asking(now.name) : t().pairing.failedTitle
  }
  return (
    <Show when={state.pairing?.step} keyed>
      <Show when={state.pairing}>
        {(now) => (
          <Dialog title={title(now())} onClose={() => pairing.stop(false)}>
            <Body pairing={now()} />
          </Dialog>
        )}
      </Show>
    </Show>
  )
}
