/** What is shown when there is no way to the node: what is the matter, and what to do. */
import { type JSX, Match, Show, Switch } from 'solid-js'
import { useNode } from '../node-context.ts'
import { Mark } from '../parts/icon.tsx'
import { SmallRidge } from '../parts/land.tsx'
import { useWords } from '../words/words.ts'

/** A page with nothing but its sentence and its way out. */
const Alone = (props: { title: string; children: JSX.Element }) => (
  <main class="alone">
    <div class="empty">
      <p class="brand">
        <Mark />
        tulnic
      </p>
      <SmallRidge />
      <h1>{props.title}</h1>
      {props.children}
    </div>
  </main>
)

const OpenAgain = (props: { why: string }) => (
  <>
    <p>{props.why}</p>
    <code class="command">tulnic open</code>
  </>
)

export const NoDoor = () => {
  const t = useWords()
  const { state, joinNow } = useNode()
  const closed = () => (state.door.phase === 'closed' ? state.door.why : null)
  return (
    <Switch
      fallback={
        <main class="alone">
          <p class="empty late" role="status">
            {t().door.joining}
          </p>
        </main>
      }
    >
      <Match when={state.door.phase === 'stopped'}>
        <Alone title={t().door.stoppedTitle}>
          <p>{t().door.stopped}</p>
          <code class="command">tulnic start</code>
          <p class="mute">{t().door.stoppedHint}</p>
          <button class="btn main" type="button" onClick={joinNow}>
            {t().door.tryNow}
          </button>
        </Alone>
      </Match>
      <Match when={closed() === 'no-code'}>
        <Alone title={t().door.noCodeTitle}>
          <OpenAgain why={t().door.noCode} />
        </Alone>
      </Match>
      <Match when={closed() === 'code-spent'}>
        <Alone title={t().door.spentTitle}>
          <OpenAgain why={t().door.spent} />
        </Alone>
      </Match>
      <Match when={closed() === 'token-refused'}>
        <Alone title={t().door.refusedTitle}>
          <OpenAgain why={t().door.refused} />
        </Alone>
      </Match>
    </Switch>
  )
}

/** Over everything: the node is there and can store nothing. */
export const StorageBanner = () => {
  const t = useWords()
  const { state } = useNode()
  return (
    <div role="alert">
      <Show when={state.door.phase === 'open' && state.status?.storage.trouble}>
        <div class="banner">
          <p>{t().door.storage}</p>
        </div>
      </Show>
    </div>
  )
}

/** Over a window that was open: what it shows may be old. */
export const StoppedBanner = () => {
  const t = useWords()
  const { state, joinNow } = useNode()
  return (
    <div role="alert">
      <Show when={state.door.phase === 'stopped' || state.door.phase === 'closed'}>
        <div class="banner">
          <p>{t().door.banner}</p>
          <button class="btn" type="button" onClick={joinNow}>
            {t().door.tryNow}
          </button>
        </div>
      </Show>
    </div>
  )
}
