/**
 * The first page: a name, a passphrase or none, and what each of them protects.
 *
 * Holds: nothing is made before the person goes on; the passphrase lives in this form and in one call.
 */
import { createSignal, createUniqueId, For, Show } from 'solid-js'
import { useNode } from '../node-context.ts'
import { Question, Trouble } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { SecretField } from '../parts/secret-field.tsx'
import { createCall } from '../primitives/create-call.ts'
import { type Strength, strength } from '../primitives/strength.ts'
import { useWords } from '../words/words.ts'
import { StartFrame } from './start-frame.tsx'

const BARS: readonly Strength[] = ['weak', 'fair', 'good', 'strong']

const StrengthBar = (props: { strength: Strength; id: string }) => {
  const t = useWords()
  const words = () =>
    ({
      none: t().start.strengthNone,
      weak: t().start.strengthWeak,
      fair: t().start.strengthFair,
      good: t().start.strengthGood,
      strong: t().start.strengthStrong,
    })[props.strength]
  const level = () => BARS.indexOf(props.strength)
  return (
    <>
      <div class="strength" aria-hidden="true">
        <For each={BARS}>{(_, index) => <i classList={{ on: index() <= level() }} />}</For>
      </div>
      <p class="hint" id={props.id} role="status">
        {words()}
      </p>
    </>
  )
}

export const Protects = (props: { protects: string; cannot: string }) => {
  const t = useWords()
  return (
    <div class="protects">
      <section>
        <h2>{t().start.protectsTitle}</h2>
        <p class="point">
          <Icon name="verified" small class="moss" />
          <span>{props.protects}</span>
        </p>
      </section>
      <section>
        <h2>{t().start.cannotTitle}</h2>
        <p class="point">
          <Icon name="warn" small class="larch" />
          <span>{props.cannot}</span>
        </p>
      </section>
    </div>
  )
}

/** `onMaking` says that the profile is being made; `onMade` gets the recovery phrase, once. */
export function FirstRun(props: { onMaking: (making: boolean) => void; onMade: (phrase: string) => void }) {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  const [name, setName] = createSignal('')
  const [passphrase, setPassphrase] = createSignal('')
  const [missing, setMissing] = createSignal<'name' | 'passphrase' | null>(null)
  const [asking, setAsking] = createSignal(false)
  const [nameId, nameHint, strengthId, troubleId] = [
    createUniqueId(),
    createUniqueId(),
    createUniqueId(),
    createUniqueId(),
  ]
  let nameField: HTMLInputElement | undefined

  async function make(secret: string | null): Promise<void> {
    props.onMaking(true)
    await call.run(async () => {
      const { phrase } = await api.createProfile({ name: name().trim(), passphrase: secret })
      setPassphrase('')
      props.onMade(phrase)
    })
    props.onMaking(false)
  }

  function named(): boolean {
    if (name().trim()) return true
    setMissing('name')
    nameField?.focus()
    return false
  }

  function submit(event: Event): void {
    event.preventDefault()
    if (!named()) return
    if (!passphrase()) return void setMissing('passphrase')
    setMissing(null)
    void make(passphrase())
  }

  const trouble = () => {
    const which = missing()
    if (which === 'name') return t().start.nameMissing
    return which === 'passphrase' ? t().start.passphraseMissing : call.trouble()
  }
  return (
    <StartFrame step={0}>
      <form onSubmit={submit} aria-busy={call.busy()}>
        <div>
          <h1>{t().start.title}</h1>
          <p class="hint">{t().start.lede}</p>
        </div>
        <div>
          <label for={nameId}>{t().start.name}</label>
          <input
            class="field"
            id={nameId}
            ref={(element) => {
              nameField = element
              queueMicrotask(() => element.focus())
            }}
            dir="auto"
            maxlength="64"
            autocomplete="nickname"
            aria-describedby={nameHint}
            aria-invalid={missing() === 'name' ? 'true' : undefined}
            value={name()}
            onInput={(event) => {
              setName(event.currentTarget.value)
              setMissing(null)
            }}
          />
          <p class="hint" id={nameHint}>
            {t().start.nameHint}
          </p>
        </div>
        <SecretField
          label={t().start.passphrase}
          value={passphrase()}
          onInput={(value) => {
            setPassphrase(value)
            setMissing(null)
          }}
          autocomplete="new-password"
          describedBy={strengthId}
          invalid={missing() === 'passphrase'}
        >
          <StrengthBar strength={strength(passphrase())} id={strengthId} />
        </SecretField>
        <Protects protects={t().start.protects} cannot={t().start.cannot} />
        <Trouble text={trouble()} id={troubleId} />
        <button class="btn main wide" type="submit" disabled={call.busy()}>
          {call.busy() ? t().start.working : t().start.go}
        </button>
        <p class="row">
          <button class="btn plain" type="button" disabled={call.busy()} onClick={() => named() && setAsking(true)}>
            {t().start.without}
          </button>
        </p>
      </form>
      <Show when={asking()}>
        <Question
          title={t().start.withoutTitle}
          points={[t().start.withoutPoint, t().start.withoutPointStart]}
          safe={t().start.withoutKeep}
          act={t().start.withoutGo}
          onSafe={() => setAsking(false)}
          onAct={() => {
            setAsking(false)
            void make(null)
          }}
        />
      </Show>
    </StartFrame>
  )
}
