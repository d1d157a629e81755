/** Add someone: nearby, by showing my link, or with a link of theirs. */
import { createSignal, createUniqueId, Match, onMount, Show, Switch } from 'solid-js'
import { useNode } from '../node-context.ts'
import { Trouble } from '../parts/dialog.tsx'
import { Icon } from '../parts/icon.tsx'
import { FileButton } from '../parts/mail-by-hand.tsx'
import { Page } from '../parts/page.tsx'
import { QrCode } from '../parts/qr-code.tsx'
import { Scanner } from '../parts/scanner.tsx'
import { createCall } from '../primitives/create-call.ts'
import { inviteIn, saveInvite } from '../primitives/mail-file.ts'
import { now } from '../primitives/now.ts'
import { chatHref, go } from '../route.ts'
import { date } from '../words/dates.ts'
import { useWords } from '../words/words.ts'
import { Nearby } from './nearby.tsx'

const LINK = /tulnic:[A-Za-z0-9_-]+/
/** A file's text, as it is pasted out of a letter. */
const INVITE_FILE = /tulnic invite 1\s[\s\S]*?\scheck [a-z2-7]{8}/

const MyLink = () => {
  const t = useWords()
  const { api, state, setInvite } = useNode()
  const call = createCall()
  const hint = createUniqueId()
  const [copied, setCopied] = createSignal(false)
  const make = () => {
    setCopied(false)
    return call.run(async () => setInvite(await api.createInvite({ file: true })))
  }
  onMount(() => {
    const kept = state.invite
    if (!kept || Date.parse(kept.expiresAt) < now()) void make()
  })
  const isCarried = () => Object.values(state.conversations).some(({ contact }) => contact.carrier === 'on')
  async function copy(link: string): Promise<void> {
    setCopied(
      await navigator.clipboard.writeText(link).then(
        () => true,
        () => false,
      ),
    )
  }
  return (
    <section class="card">
      <h2>
        <Icon name="copy" />
        {t().add.linkTitle}
      </h2>
      <Trouble text={call.trouble()} />
      <Show
        when={state.invite}
        fallback={
          <Show
            when={call.busy()}
            fallback={
              <button class="btn" type="button" onClick={make}>
                {t().add.linkMake}
              </button>
            }
          >
            <p role="status">{t().add.linkMaking}</p>
          </Show>
        }
      >
        {(invite) => (
          <div class="ways">
            <QrCode text={invite().link} label={t().add.linkQr} />
            <div class="stack">
              <p>{t().add.linkLede}</p>
              <div class="linkbox">
                <input
                  readonly
                  value={invite().link}
                  aria-label={t().add.linkLabel}
                  onFocus={(event) => event.currentTarget.select()}
                />
                <button class="btn" type="button" onClick={() => void copy(invite().link)}>
                  <Icon name="copy" small />
                  <span aria-live="polite">{copied() ? t().add.copied : t().add.copy}</span>
                </button>
              </div>
              <ul class="points">
                <li>
                  <Icon name="wait" small />
                  <span>
                    {t().add.linkUses(invite().uses, date(invite().expiresAt))} {isCarried() ? '' : t().add.linkOnline}
                  </span>
                </li>
                <li>
                  <Icon name="warn" small class="larch" />
                  <span>{t().add.linkAddresses}</span>
                </li>
              </ul>
              <div class="row">
                <Show when={invite().file}>
                  {(file) => (
                    <button class="btn" type="button" aria-describedby={hint} onClick={() => saveInvite(file())}>
                      {t().add.linkFile}
                    </button>
                  )}
                </Show>
                <button class="btn" type="button" disabled={call.busy()} onClick={make}>
                  {t().add.linkNew}
                </button>
              </div>
              <Show when={invite().file}>
                <p class="hint" id={hint}>
                  {t().add.linkFileHint}
                </p>
              </Show>
            </div>
          </div>
        )}
      </Show>
    </section>
  )
}

const TheirLink = () => {
  const t = useWords()
  const { api, refresh } = useNode()
  const call = createCall()
  const [text, setText] = createSignal('')
  /** The whole file of which the field, a line long, shows the link. */
  const [file, setFile] = createSignal<string>()
  const [none, setNone] = createSignal<'pasteNone' | 'openNone' | null>(null)
  const [scanning, setScanning] = createSignal(false)
  const id = createUniqueId()
  async function add(given: string): Promise<void> {
    const link = LINK.exec(given)?.[0]
    setNone(link === undefined ? 'pasteNone' : null)
    if (link !== undefined) await accept(file() ?? link)
  }
  function write(given: string, whole?: string): void {
    setText(given)
    setFile(whole)
    setNone(null)
    call.clear()
  }
  function paste(event: ClipboardEvent): void {
    const whole = INVITE_FILE.exec(event.clipboardData?.getData('text/plain') ?? '')?.[0]
    if (whole === undefined) return
    event.preventDefault()
    write(LINK.exec(whole)?.[0] ?? '', whole)
  }
  /** `link`: one, or the text of a file that holds more. */
  async function accept(link: string): Promise<void> {
    await call.run(async () => {
      const contact = await api.addContact({ link })
      refresh(contact.id)
      write('')
      go(chatHref(contact.id))
    })
  }
  async function open(file: File): Promise<void> {
    const link = await inviteIn(file)
    call.clear()
    setNone(link === undefined ? 'openNone' : null)
    if (link !== undefined) await accept(link)
  }
  return (
    <section class="card">
      <h2>
        <Icon name="add" />
        {t().add.pasteTitle}
      </h2>
      <form
        aria-busy={call.busy()}
        onSubmit={(event) => {
          event.preventDefault()
          void add(text())
        }}
      >
        <label class="hidden" for={id}>
          {t().add.paste}
        </label>
        <div class="row given">
          <input
            class="field grow"
            id={id}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder={t().add.pasteHint}
            aria-invalid={none() === 'pasteNone' ? 'true' : undefined}
            value={text()}
            onPaste={paste}
            onInput={(event) => write(event.currentTarget.value)}
          />
          <button class="btn" type="submit" disabled={call.busy()}>
            {t().add.pasteAdd}
          </button>
          <button class="btn" type="button" onClick={() => setScanning(true)}>
            {t().add.scan}
          </button>
          <FileButton label={t().add.openFile} busy={call.busy()} onFile={(file) => void open(file)} />
        </div>
        <p role="status" class="hint">
          <Show when={call.busy()}>{t().add.adding}</Show>
        </p>
        <Switch fallback={<Trouble text={call.trouble()} />}>
          <Match when={none()}>{(missing) => <Trouble text={t().add[missing()]} />}</Match>
        </Switch>
      </form>
      <Show when={scanning()}>
        <Scanner
          onClose={() => setScanning(false)}
          onFound={(found) => {
            setScanning(false)
            setText(found)
            void add(found)
          }}
        />
      </Show>
    </section>
  )
}

export const Add = () => {
  const t = useWords()
  return (
    <Page title={t().add.title}>
      <Nearby />
      <MyLink />
      <TheirLink />
    </Page>
  )
}
