/**
 * The comparison of the safety number: read aloud, scanned, or typed.
 *
 * Holds: the mark is given by the node and only for equal digits; what was scanned or typed is compared there, not here.
 */
import { createSignal, createUniqueId, For, onMount, Show } from 'solid-js'
import type { ContactId } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { Question, Trouble } from '../parts/dialog.tsx'
import { ContactFace } from '../parts/face.tsx'
import { Icon } from '../parts/icon.tsx'
import { Page } from '../parts/page.tsx'
import { QrCode } from '../parts/qr-code.tsx'
import { Scanner } from '../parts/scanner.tsx'
import { createCall } from '../primitives/create-call.ts'
import { chatHref, go } from '../route.ts'
import { useWords } from '../words/words.ts'

const DIGITS = 60

/** The digits of a text, if there are 60 of them. */
const digitsOf = (text: string): string | null => {
  const digits = text.replace(/\D/g, '')
  return digits.length === DIGITS ? digits : null
}

export function Verify(props: { contact: ContactId }) {
  const t = useWords()
  const { api, state } = useNode()
  const call = createCall()
  const [number, setNumber] = createSignal<string | null>(null)
  const [typed, setTyped] = createSignal('')
  const [notDigits, setNotDigits] = createSignal(false)
  const [scanning, setScanning] = createSignal(false)
  const [differ, setDiffer] = createSignal(false)
  const [done, setDone] = createSignal(false)
  const typeId = createUniqueId()
  const contact = () => state.conversations[props.contact]?.contact

  onMount(() => void call.run(async () => setNumber((await api.safetyNumber({ to: props.contact })).number)))

  async function compare(given: string): Promise<void> {
    const digits = digitsOf(given)
    setNotDigits(digits === null)
    setDone(false)
    if (digits !== null) setDone(await call.run(() => api.verifyContact({ to: props.contact, number: digits })))
  }
  async function block(): Promise<void> {
    setDiffer(false)
    if (await call.run(() => api.blockContact({ to: props.contact }))) go(chatHref(props.contact))
  }

  return (
    <Show when={contact()}>
      {(found) => (
        <Page
          title={t().verify.title(found().name)}
          back={{ href: chatHref(props.contact), label: t().app.backToChat }}
          slim
          face={<ContactFace contact={found()} size="s" />}
        >
          <p class="lede">{t().verify.lede}</p>
          <section class="card">
            <div class="verify">
              <Show when={number()}>
                {(digits) => (
                  <>
                    <QrCode text={digits().replace(/\D/g, '')} label={t().verify.qr} />
                    <div class="stack">
                      <fieldset class="digits" aria-label={t().verify.digits}>
                        <For each={digits().match(/\d{5}/g) ?? []}>{(group) => <span>{group}</span>}</For>
                      </fieldset>
                      <p class="hint">{t().verify.same}</p>
                    </div>
                  </>
                )}
              </Show>
            </div>
          </section>
          <div role="status">
            <Show when={done()}>
              <p class="good">
                <Icon name="verified" />
                {t().verify.verified}
              </p>
            </Show>
          </div>
          <Trouble text={notDigits() ? t().verify.typedWrong : call.trouble()} />
          <div class="row acts2">
            <button
              class="btn main"
              type="button"
              disabled={number() === null}
              onClick={() => void compare(number() ?? '')}
            >
              <Icon name="verified" small />
              {t().verify.match}
            </button>
            <button class="btn" type="button" onClick={() => setScanning(true)}>
              {t().verify.scan}
            </button>
            <span class="grow" />
            <button class="btn danger" type="button" onClick={() => setDiffer(true)}>
              {t().verify.differ}
            </button>
          </div>
          <form
            class="sec2"
            onSubmit={(event) => {
              event.preventDefault()
              void compare(typed())
            }}
          >
            <label for={typeId}>{t().verify.type}</label>
            <div class="row">
              <input
                class="field grow"
                id={typeId}
                inputmode="numeric"
                autocomplete="off"
                value={typed()}
                onInput={(event) => setTyped(event.currentTarget.value)}
              />
              <button class="btn" type="submit">
                {t().verify.typed}
              </button>
            </div>
          </form>
          <Show when={scanning()}>
            <Scanner
              onClose={() => setScanning(false)}
              onFound={(text) => {
                setScanning(false)
                void compare(text)
              }}
            />
          </Show>
          <Show when={differ()}>
            <Question
              title={t().verify.differTitle}
              points={t().verify.differPoints}
              safe={t().verify.differKeep}
              act={t().verify.differBlock}
              onSafe={() => setDiffer(false)}
              onAct={() => void block()}
            />
          </Show>
        </Page>
      )}
    </Show>
  )
}
