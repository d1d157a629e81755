/**
 * Which page the window shows: no way to the node, first run, locked, or the app itself.
 *
 * Holds: a window that once showed a profile keeps showing it, with a banner, while its node is away; the recovery phrase
 * stays until the person has dealt with it.
 */
import { createSignal, Match, Switch } from 'solid-js'
import { useNode } from './node-context.ts'
import { Announcer } from './parts/announcer.tsx'
import './primitives/theme.ts'
import { setWrittenDown } from './primitives/written-down.ts'
import { go } from './route.ts'
import { FirstRun } from './views/first-run.tsx'
import { NoDoor } from './views/no-door.tsx'
import { RecoveryPhrase } from './views/recovery-phrase.tsx'
import { Shell } from './views/shell.tsx'
import { Unlock } from './views/unlock.tsx'

export const App = () => {
  const { state } = useNode()
  const [phrase, setPhrase] = createSignal<string | null>(null)
  // The profile opens a moment before the call that made it brings the phrase: the form stays until then.
  const [making, setMaking] = createSignal(false)
  const joined = () => state.door.phase === 'open'
  return (
    <Switch fallback={<NoDoor />}>
      <Match when={phrase()}>
        {(words) => (
          <RecoveryPhrase
            phrase={words()}
            onDone={() => {
              setPhrase(null)
              if (state.self) setWrittenDown(state.self.id)
              go('#/add')
            }}
          />
        )}
      </Match>
      <Match when={making() || (joined() && state.phase === 'empty')}>
        <FirstRun onMaking={setMaking} onMade={setPhrase} />
      </Match>
      <Match when={state.phase === 'open' && state.ready}>
        <Shell />
        <Announcer />
      </Match>
      <Match when={joined() && state.phase === 'locked'}>
        <Unlock />
      </Match>
    </Switch>
  )
}
