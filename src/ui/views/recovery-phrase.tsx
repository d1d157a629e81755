/**
 * The 24 words: to write down, and to check three of them from the paper. Right after a profile was made, and on the page
 * that shows them again.
 *
 * Holds: the words are in these components and on the screen, in no storage and no address.
 */
import { createSignal, createUniqueId, For, Show } from 'solid-js'
import { Dynamic } from 'solid-js/web'
import { Trouble } from '../parts/dialog.tsx'
import { useWords } from '../words/words.ts'
import { Protects } from './first-run.tsx'
import { StartFrame } from './start-frame.tsx'

/** Three different places, in order, chosen anew each time so that the eye cannot keep them. */
function threePlaces(count: number): readonly number[] {
  const places = new Set<number>()
  while (places.size < Math.min(3, count)) {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1))
    places.add(random % count)
  }
  return [...places].sort((a, b) => a - b)
}

const plain = (word: string): string => word.trim().toLowerCase().normalize('NFKD')

type Heading = 'h1' | 'h2'

const Check = (props: { words: readonly string[]; heading: Heading; onRight: () => void; onAgain: () => void }) => {
  const t = useWords()
  const places = threePlaces(props.words.length)
  const [given, setGiven] = createSignal<readonly string[]>(places.map(() => ''))
  const [wrong, setWrong] = createSignal<number | null>(null)
  const id = createUniqueId()
  function submit(event: Event): void {
    event.preventDefault()
    const bad = places.find((place, i) => plain(given()[i] ?? '') !== plain(props.words[place] ?? ''))
    setWrong(bad ?? null)
    if (bad === undefined) props.onRight()
  }
  return (
    <form onSubmit={submit}>
      <div>
        <Dynamic component={props.heading}>{t().phrase.checkTitle}</Dynamic>
        <p class="hint">{t().phrase.checkLede}</p>
      </div>
      <For each={places}>
        {(place, i) => (
          <div>
            <label for={`${id}${place}`}>{t().phrase.word(place + 1)}</label>
            <input
              class="field"
              id={`${id}${place}`}
              ref={(element) => i() === 0 && queueMicrotask(() => element.focus())}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              aria-invalid={wrong() === place ? 'true' : undefined}
              onInput={(event) => setGiven(given().with(i(), event.currentTarget.value))}
            />
          </div>
        )}
      </For>
      <Trouble text={wrong() === null ? null : t().phrase.wrong((wrong() ?? 0) + 1)} />
      <button class="btn main wide" type="submit">
        {t().phrase.confirm}
      </button>
      <p class="row">
        <button class="btn plain" type="button" onClick={() => props.onAgain()}>
          {t().phrase.again}
        </button>
      </p>
    </form>
  )
}

/** The words, and the two ways to say that they are on paper. The heading takes the focus. */
export function PhraseSteps(props: { phrase: string; heading: Heading; title: string; onDone: () => void }) {
  const t = useWords()
  const [checking, setChecking] = createSignal(false)
  const words = () => props.phrase.trim().split(/\s+/)
  return (
    <Show
      when={!checking()}
      fallback={
        <Check
          words={words()}
          heading={props.heading}
          onRight={() => props.onDone()}
          onAgain={() => setChecking(false)}
        />
      }
    >
      <div class="flow">
        <div>
          <Dynamic
            component={props.heading}
            tabindex="-1"
            ref={(element: HTMLElement) => queueMicrotask(() => element.focus())}
          >
            {props.title}
          </Dynamic>
          <p class="hint">{t().phrase.lede}</p>
        </div>
        <ol class="phrase" aria-label={t().phrase.list}>
          <For each={words()}>{(word) => <li>{word}</li>}</For>
        </ol>
        <Protects protects={t().phrase.protects} cannot={t().phrase.cannot} />
        <button class="btn main wide" type="button" onClick={() => setChecking(true)}>
          {t().phrase.check}
        </button>
        <button class="btn wide" type="button" onClick={() => props.onDone()}>
          {t().phrase.written}
        </button>
      </div>
    </Show>
  )
}

export const RecoveryPhrase = (props: { phrase: string; onDone: () => void }) => {
  const t = useWords()
  return (
    <StartFrame step={1}>
      <PhraseSteps phrase={props.phrase} heading="h1" title={t().phrase.title} onDone={props.onDone} />
    </StartFrame>
  )
}
