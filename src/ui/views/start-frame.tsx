/** The frame of the pages before the profile is open: the mountains and one form beside them. */
import { For, type JSX, Show } from 'solid-js'
import { Mark } from '../parts/icon.tsx'
import { Mountains } from '../parts/land.tsx'
import { useWords } from '../words/words.ts'

/** `step`: 0, 1 or 2 of the first run; none on the unlock page. */
export const StartFrame = (props: { step?: number; children: JSX.Element }) => {
  const t = useWords()
  const steps = () => [t().start.stepYou, t().start.stepPhrase, t().start.stepContact]
  return (
    <div class="start">
      <header class="scene">
        <p class="brand">
          <Mark />
          tulnic
        </p>
        <p class="say">{t().start.scene}</p>
        <Mountains />
      </header>
      <main class="form">
        <div class="col">
          <Show when={props.step !== undefined}>
            <ol class="steps" aria-label={t().start.steps}>
              <For each={steps()}>
                {(word, index) => (
                  <li aria-current={index() === props.step ? 'step' : undefined}>
                    <i aria-hidden="true">{index() + 1}</i>
                    {word}
                  </li>
                )}
              </For>
            </ol>
          </Show>
          {props.children}
        </div>
      </main>
    </div>
  )
}
