/** About a contact: how they are reached, whether they are verified, and what can be changed. */
import { createSignal, createUniqueId, type JSX, Match, Show, Switch } from 'solid-js'
import type { Contact, ContactId, Via } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { Dialog, Question, Trouble } from '../parts/dialog.tsx'
import { ContactFace } from '../parts/face.tsx'
import { nameIn, type NameOf } from '../parts/finding-words.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { Switch as OnOff } from '../parts/switch.tsx'
import { createCall } from '../primitives/create-call.ts'
import { chatHref, go, listHref, verifyHref } from '../route.ts'
import { moment } from '../words/dates.ts'
import type { Words } from '../words/en.ts'
import { useWords } from '../words/words.ts'

const Fact = (props: { icon: IconName; tone?: string; title: string; hint: string; children?: JSX.Element }) => (
  <li>
    <Icon name={props.icon} class={props.tone ?? ''} />
    <span>
      <b>{props.title}</b>
      <span class="mute">{props.hint}</span>
    </span>
  </li>
)

function pathHint(t: Words, { relayedBy, punched }: Contact, via: NonNullable<Via>, nameOf: NameOf): string {
  if (relayedBy !== null) return t.details.friend(nameOf(relayedBy))
  return punched ? t.details.punched : t.details.reachedHint[via]
}

const Reach = (props: { contact: Contact; waiting: boolean }) => {
  const t = useWords()
  const session = useNode()
  const since = () =>
    props.contact.lastSeen ? t().details.lastReached(moment(props.contact.lastSeen)) : t().details.neverReached
  return (
    <section class="sec">
      <h3>{t().details.reachTitle(props.contact.name)}</h3>
      <ul class="facts">
        <Show
          when={props.contact.via}
          fallback={
            <Fact
              icon="wait"
              tone="larch"
              title={props.contact.state === 'invited' ? t().details.invited : t().details.waiting}
              hint={since()}
            />
          }
        >
          {(via) => (
            <Fact
              icon={via() === 'lan' ? 'lan' : via() === 'direct' ? 'direct' : 'relay'}
              tone="moss"
              title={t().details.reached[via()]}
              hint={pathHint(t(), props.contact, via(), nameIn(session))}
            />
          )}
        </Show>
        <Show when={props.waiting}>
          <Fact icon="wait" title={t().details.queued} hint={t().details.queuedHint} />
        </Show>
      </ul>
    </section>
  )
}

/** Whether they may learn from where one connects: what it hides, what it cannot hide, what it costs. */
const Hiding = (props: { contact: Contact; busy: boolean; onTurn: (on: boolean) => void }) => {
  const t = useWords()
  const { state } = useNode()
  const isAlone = () => {
    const held = state.status?.relays?.at.some((relay) => relay.state === 'held')
    return props.contact.relayOnly && !props.contact.online && !held
  }
  return (
    <section class="sec">
      <h3>{t().details.addressTitle}</h3>
      <OnOff label={t().details.hide} on={props.contact.relayOnly} busy={props.busy} onTurn={props.onTurn}>
        <ul class="points mute">
          <li>
            <Icon name="check" small />
            <span>{t().details.hideWhat(props.contact.name)}</span>
          </li>
          <li>
            <Icon name="warn" small />
            <span>{t().details.hideNot(props.contact.name)}</span>
          </li>
          <li>
            <Icon name="wait" small />
            <span>{t().details.hideCost}</span>
          </li>
        </ul>
      </OnOff>
      <p role="status" class="larch">
        {isAlone() ? t().details.hideAlone(props.contact.name) : ''}
      </p>
    </section>
  )
}

/** Those that a node may have at once: docs/protocol.md. */
const CARRIERS = 5

/** Whether their node keeps mail for me while I am away: what it does, what it shows them, what it needs. */
const Carrying = (props: { contact: Contact; busy: boolean; onTurn: (on: boolean) => void }) => {
  const t = useWords()
  const { state } = useNode()
  const isOn = () => props.contact.carrier !== null
  const isMost = () =>
    !isOn() && Object.values(state.conversations).filter(({ contact }) => contact.carrier !== null).length >= CARRIERS
  const words = () => {
    const { carrier } = props.contact
    if (isMost()) return t().mail.most(CARRIERS)
    return carrier === null ? '' : t().mail.state[carrier]
  }
  return (
    <Show when={props.contact.state === 'active' || isOn()}>
      <section class="sec">
        <h3>{t().mail.title}</h3>
        <OnOff label={t().mail.carries} on={isOn()} busy={props.busy || isMost()} onTurn={props.onTurn}>
          <ul class="points mute">
            <li>
              <Icon name="check" small />
              <span>{t().mail.what(props.contact.name)}</span>
            </li>
            <li>
              <Icon name="warn" small />
              <span>{t().mail.sees(props.contact.name)}</span>
            </li>
            <li>
              <Icon name="wait" small />
              <span>{t().mail.needs(props.contact.name)}</span>
            </li>
          </ul>
        </OnOff>
        <p role="status" classList={{ larch: props.contact.carrier !== 'on' }}>
          {words()}
        </p>
      </section>
    </Show>
  )
}

const Rename = (props: { contact: Contact; onDone: () => void }) => {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  const [name, setName] = createSignal(props.contact.name)
  const id = createUniqueId()
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    if (name().trim() && (await call.run(() => api.renameContact({ to: props.contact.id, name: name().trim() }))))
      props.onDone()
  }
  return (
    <Dialog title={t().details.renameTitle(props.contact.name)} onClose={props.onDone}>
      <form onSubmit={submit}>
        <input
          class="field"
          data-first
          dir="auto"
          maxlength="64"
          aria-label={t().details.renameTitle(props.contact.name)}
          aria-describedby={id}
          value={name()}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <p class="hint" id={id}>
          {t().details.renameHint}
        </p>
        <Trouble text={call.trouble()} />
        <div class="acts">
          <button class="btn" type="button" onClick={() => props.onDone()}>
            {t().details.renameKeep}
          </button>
          <button class="btn main" type="submit">
            {t().details.renameDo}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

const Safety = (props: { contact: Contact; onUnverify: () => void }) => {
  const t = useWords()
  return (
    <section class="sec">
      <h3>{t().details.safety}</h3>
      <ul class="facts">
        <Show
          when={props.contact.verified}
          fallback={<Fact icon="warn" tone="larch" title={t().details.unverified} hint={t().details.unverifiedHint} />}
        >
          <Fact icon="verified" tone="moss" title={t().details.verified} hint={t().details.verifiedHint} />
        </Show>
      </ul>
      <div class="opts">
        <a href={verifyHref(props.contact.id)}>
          <span>{props.contact.verified ? t().details.compareAgain : t().details.compare}</span>
          <span>{t().details.digits}</span>
        </a>
        <Show when={props.contact.verified}>
          <button class="opt" type="button" onClick={() => props.onUnverify()}>
            {t().details.unverify}
          </button>
        </Show>
      </div>
    </section>
  )
}

export function Details(props: { contact: ContactId; shown: boolean }) {
  const t = useWords()
  const { api, state } = useNode()
  const call = createCall()
  const [asked, setAsked] = createSignal<'rename' | 'block' | 'remove' | null>(null)
  const contact = () => state.conversations[props.contact]?.contact
  const to = () => ({ to: props.contact })
  const close = () => setAsked(null)
  async function act(work: () => Promise<unknown>, then?: () => void): Promise<void> {
    close()
    if (await call.run(work)) then?.()
  }
  const waiting = () => {
    const last = state.conversations[props.contact]?.last
    return last?.from === state.self?.id && last?.state === 'queued'
  }
  return (
    <Show when={contact()}>
      {(found) => (
        <section class="pane details" classList={{ show: props.shown }} aria-label={t().details.label(found().name)}>
          <Show when={props.shown}>
            <h1 class="hidden">{found().name}</h1>
          </Show>
          <header class="bar">
            <a class="ib back" href={chatHref(found().id)} aria-label={t().app.backToChat}>
              <Icon name="back" flip />
            </a>
            <h2 class="grow" tabindex="-1" data-heading>
              {t().details.title}
            </h2>
          </header>
          <div class="in">
            <div class="hero">
              <ContactFace contact={found()} size="l" bare />
              <p class="heroname">
                <bdi>{found().name}</bdi>
              </p>
              <Show when={found().ownName !== null && found().ownName !== found().name && found().ownName}>
                {(own) => <p class="mute">{t().details.ownName(own())}</p>}
              </Show>
            </div>
            <Trouble text={call.trouble()} />
            <Reach contact={found()} waiting={waiting()} />
            <Carrying
              contact={found()}
              busy={call.busy()}
              onTurn={(on) => void act(() => api.setCarrier({ ...to(), on }))}
            />
            <Safety contact={found()} onUnverify={() => void act(() => api.verifyContact({ ...to(), number: null }))} />
            <Hiding
              contact={found()}
              busy={call.busy()}
              onTurn={(on) => void act(() => api.setRelayOnly({ ...to(), on }))}
            />
            <section class="sec">
              <h3>{t().details.chatTitle}</h3>
              <div class="opts">
                <button class="opt" type="button" onClick={() => setAsked('rename')}>
                  {t().details.rename}
                </button>
                <Show
                  when={found().state === 'blocked'}
                  fallback={
                    <button class="opt rowan" type="button" onClick={() => setAsked('block')}>
                      {t().details.block}
                    </button>
                  }
                >
                  <button class="opt" type="button" onClick={() => void act(() => api.unblockContact(to()))}>
                    {t().details.unblock}
                  </button>
                </Show>
                <button class="opt rowan" type="button" onClick={() => setAsked('remove')}>
                  {t().details.remove}
                </button>
              </div>
            </section>
          </div>
          <Switch>
            <Match when={asked() === 'rename'}>
              <Rename contact={found()} onDone={close} />
            </Match>
            <Match when={asked() === 'block'}>
              <Question
                title={t().details.blockTitle(found().name)}
                points={t().details.blockPoints}
                safe={t().details.blockKeep}
                act={t().details.block}
                onSafe={close}
                onAct={() => void act(() => api.blockContact(to()))}
              />
            </Match>
            <Match when={asked() === 'remove'}>
              <Question
                title={t().details.removeTitle(found().name)}
                points={t().details.removePoints}
                safe={t().details.removeKeep}
                act={t().details.remove}
                onSafe={close}
                onAct={() =>
                  void act(
                    () => api.removeContact(to()),
                    () => go(listHref),
                  )
                }
              />
            </Match>
          </Switch>
        </section>
      )}
    </Show>
  )
}
