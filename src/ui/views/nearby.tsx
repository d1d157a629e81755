/**
 * Who is on this network and lets it be seen.
 *
 * Holds: one is visible only while this page is open and the time shown runs.
 */
import { createEffect, createSignal, For, onCleanup, Show } from 'solid-js'
import { useNode } from '../node-context.ts'
import { Trouble } from '../parts/dialog.tsx'
import { Face } from '../parts/face.tsx'
import { Icon } from '../parts/icon.tsx'
import { createCall } from '../primitives/create-call.ts'
import { createPairing } from '../primitives/create-pairing.ts'
import { countdown } from '../words/dates.ts'
import { useWords } from '../words/words.ts'

/** Long enough to find each other's page, short enough to be forgotten safely. */
const VISIBLE_SECONDS = 300

export const Nearby = () => {
  const t = useWords()
  const { api, state, setNearby } = useNode()
  const call = createCall()
  const pairing = createPairing()
  const [left, setLeft] = createSignal(0)

  async function show(): Promise<void> {
    await call.run(async () => {
      setNearby(await api.nearby({ seconds: VISIBLE_SECONDS }))
      setLeft(VISIBLE_SECONDS)
    })
  }
  function hide(): void {
    setLeft(0)
    setNearby([])
    // Whoever cannot be told is not running, and so not visible.
    api.nearby({ seconds: 0 }).catch(() => undefined)
  }

  createEffect(() => {
    if (left() === 0) return
    const end = Date.now() + left() * 1000
    const timer = setInterval(() => {
      const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000))
      setLeft(seconds)
      if (seconds === 0) setNearby([])
    }, 1000)
    onCleanup(() => clearInterval(timer))
  })
  onCleanup(() => left() > 0 && hide())

  return (
    <section class="card">
      <h2>
        <Icon name="lan" />
        {t().add.nearTitle}
      </h2>
      <Trouble text={call.trouble()} />
      <Show
        when={left() > 0}
        fallback={
          <div class="row">
            <div class="grow">
              <p>{t().add.nearOff}</p>
              <p class="hint">{t().add.nearHint}</p>
            </div>
            <button class="btn" type="button" disabled={call.busy()} onClick={() => void show()}>
              {t().add.nearOn}
            </button>
          </div>
        }
      >
        <div class="row">
          <p class="grow" role="timer">
            {t().add.nearLeft(countdown(left()))}
          </p>
          <button class="btn" type="button" onClick={hide}>
            {t().add.nearHide}
          </button>
        </div>
        <Show
          when={state.nearby.length > 0}
          fallback={
            <p class="hint" role="status">
              {t().add.nearNobody}
            </p>
          }
        >
          <p class="hint">{t().add.unproven}</p>
          <ul class="near" aria-label={t().add.nearList}>
            <For each={state.nearby}>
              {(peer) => (
                <li>
                  <Face id={peer.peer} name={peer.name} here size="s" />
                  <b class="grow">
                    <bdi>{peer.name}</bdi>
                  </b>
                  <button
                    class="btn"
                    type="button"
                    aria-label={t().add.pairWith(peer.name)}
                    onClick={() => void pairing.ask(peer.peer, peer.name)}
                  >
                    {t().add.pair}
                  </button>
                </li>
              )}
            </For>
          </ul>
        </Show>
      </Show>
    </section>
  )
}
