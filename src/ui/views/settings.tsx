/** Settings: who I am, how the window looks and speaks, this device, and what tulnic does not hide. */
import { createSignal, createUniqueId, For, Show } from 'solid-js'
import { useNode } from '../node-context.ts'
import { notifies, turnNotifications } from '../parts/announcer.tsx'
import { Question, Trouble } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { Page } from '../parts/page.tsx'
import { createCall } from '../primitives/create-call.ts'
import { chooseTheme, theme } from '../primitives/theme.ts'
import { isWrittenDown } from '../primitives/written-down.ts'
import { bytes } from '../words/dates.ts'
import { chooseLanguage, chosenLanguage, languages, useWords } from '../words/words.ts'

const You = () => {
  const t = useWords()
  const { api, state } = useNode()
  const call = createCall()
  const [name, setName] = createSignal(state.self?.name ?? '')
  const [saved, setSaved] = createSignal(false)
  const [id, hint] = [createUniqueId(), createUniqueId()]
  async function save(event: Event): Promise<void> {
    event.preventDefault()
    if (name().trim()) setSaved(await call.run(() => api.rename({ name: name().trim() })))
  }
  return (
    <section class="card">
      <h2>{t().settings.you}</h2>
      <form onSubmit={save}>
        <label for={id}>{t().settings.name}</label>
        <div class="row">
          <input
            class="field grow"
            id={id}
            dir="auto"
            maxlength="64"
            autocomplete="nickname"
            aria-describedby={hint}
            value={name()}
            onInput={(event) => {
              setName(event.currentTarget.value)
              setSaved(false)
            }}
          />
          <button class="btn" type="submit">
            {t().settings.save}
          </button>
        </div>
        <p class="hint" id={hint}>
          {t().settings.nameHint}
        </p>
        <p role="status">{saved() ? t().settings.saved : ''}</p>
        <Trouble text={call.trouble()} />
      </form>
      <h3 class="label">{t().settings.id}</h3>
      <p class="address">{state.self?.id}</p>
    </section>
  )
}

const Phrase = () => {
  const t = useWords()
  const { state } = useNode()
  const written = () => state.self !== null && isWrittenDown(state.self.id)
  return (
    <section class="card">
      <h2>{t().phrase.title}</h2>
      <div class="row">
        <p class="grow">{written() ? t().phrase.isWritten : t().phrase.notWritten}</p>
        <a class="btn" href="#/phrase">
          {t().phrase.see}
        </a>
      </div>
    </section>
  )
}

const Choice = (props: {
  label: string
  value: string
  options: readonly (readonly [string, string])[]
  onChoose: (value: string) => void
}) => {
  const id = createUniqueId()
  return (
    <div class="choice">
      <label for={id}>{props.label}</label>
      <select class="field" id={id} onChange={(event) => props.onChoose(event.currentTarget.value)}>
        <For each={props.options}>
          {([value, word]) => (
            <option value={value} selected={value === props.value}>
              {word}
            </option>
          )}
        </For>
      </select>
    </div>
  )
}

const Look = () => {
  const t = useWords()
  return (
    <section class="card">
      <h2>{t().settings.look}</h2>
      <div class="choices">
        <Choice
          label={t().settings.language}
          value={chosenLanguage()}
          options={[['', t().settings.languageAuto], ...Object.entries(languages)]}
          onChoose={chooseLanguage}
        />
        <Choice
          label={t().settings.theme}
          value={theme()}
          options={[
            ['', t().settings.themeAuto],
            ['light', t().settings.themeLight],
            ['dark', t().settings.themeDark],
          ]}
          onChoose={chooseTheme}
        />
      </div>
    </section>
  )
}

const Notifications = () => {
  const t = useWords()
  const [denied, setDenied] = createSignal(false)
  const turn = async () => setDenied(!(await turnNotifications(!notifies())))
  return (
    <Show when={'Notification' in window}>
      <section class="card">
        <h2>{t().settings.notify}</h2>
        <div class="row">
          <p class="grow">{t().settings.notifyHint}</p>
          <button class="btn" type="button" onClick={() => void turn()}>
            {notifies() ? t().settings.notifyOff : t().settings.notifyOn}
          </button>
        </div>
        <Trouble text={denied() ? t().settings.notifyDenied : null} />
      </section>
    </Show>
  )
}

const Device = () => {
  const t = useWords()
  const { api, state, refreshStatus } = useNode()
  const [asking, setAsking] = createSignal(false)
  refreshStatus()
  return (
    <section class="card">
      <h2>{t().settings.device}</h2>
      <Show when={state.status}>
        {(status) => (
          <>
            <p>{t().settings.storage(bytes(status().storage.bytes), status().storage.path)}</p>
            <p class="mute">{t().settings.version(status().version)}</p>
          </>
        )}
      </Show>
      <div class="row acts2">
        <button class="btn danger" type="button" onClick={() => setAsking(true)}>
          {t().settings.stop}
        </button>
      </div>
      <Show when={asking()}>
        <Question
          title={t().settings.stopTitle}
          points={t().settings.stopPoints}
          safe={t().settings.stopKeep}
          act={t().settings.stop}
          onSafe={() => setAsking(false)}
          onAct={() => {
            setAsking(false)
            // A node that stops may close the wire before it answers: that is what was asked for.
            api.stop().catch(() => undefined)
          }}
        />
      </Show>
    </section>
  )
}

export const Settings = () => {
  const t = useWords()
  return (
    <Page title={t().app.settings} slim>
      <You />
      <Phrase />
      <Look />
      <Notifications />
      <Device />
      <section class="card">
        <h2>{t().settings.about}</h2>
        <ul class="points">
          <For each={t().settings.aboutPoints}>
            {(point) => (
              <li>
                <Icon name="warn" small class="larch" />
                <span>{point}</span>
              </li>
            )}
          </For>
        </ul>
      </section>
    </Page>
  )
}
