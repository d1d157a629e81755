/**
 * How the network stands: the picture of who is reached how, what stands in the way and what helps, who relays for whom.
 *
 * Holds: what is wrong comes first, what is well last; what the node does not know is not said.
 */
import { For, Show } from 'solid-js'
import type { ContactId, Finding, MailStatus, RelayStatus, Status } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { Trouble } from '../parts/dialog.tsx'
import { ContactFace } from '../parts/face.tsx'
import { findingWords, isShown, nameIn, type Shown } from '../parts/finding-words.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { SaveMail, TakeMail } from '../parts/mail-by-hand.tsx'
import { Page } from '../parts/page.tsx'
import { Switch } from '../parts/switch.tsx'
import { createCall } from '../primitives/create-call.ts'
import { bytes } from '../words/dates.ts'
import { listOf, useWords } from '../words/words.ts'
import { Picture } from './network-picture.tsx'

function lookOf(level: Finding['level'], hasRemedy: boolean): { name: IconName; class: string } {
  if (level === 'problem') return { name: 'warn', class: 'rowan' }
  if (level === 'good') return { name: 'check', class: 'moss' }
  return hasRemedy ? { name: 'warn', class: 'larch' } : { name: 'wait', class: '' }
}

const Findings = (props: { title: string; level: Finding['level']; all: readonly Shown[]; none?: string }) => {
  const t = useWords()
  const session = useNode()
  return (
    <section class="card" classList={{ alarm: props.level === 'problem' }}>
      <h2>{props.title}</h2>
      <Show when={props.all.length > 0} fallback={<p class="hint">{props.none}</p>}>
        <ul class="facts">
          <For each={props.all}>
            {(found) => {
              const words = () => findingWords(t(), found, nameIn(session))
              return (
                <li>
                  <Icon {...lookOf(found.level, words().todo !== null)} />
                  <span>
                    {words().what}
                    <Show when={words().todo}>{(todo) => <span class="mute todo">{todo()}</span>}</Show>
                    <Show when={found.code === 'no-contacts'}>
                      <a href="#/add">{t().list.add}</a>
                    </Show>
                  </span>
                </li>
              )
            }}
          </For>
        </ul>
      </Show>
    </section>
  )
}

const Faced = (props: { contact: ContactId; line: string }) => {
  const session = useNode()
  const contact = () => session.state.conversations[props.contact]?.contact
  return (
    <Show when={contact()}>
      {(found) => (
        <li>
          <ContactFace contact={found()} size="s" />
          <span>
            <b>
              <bdi>{found().name}</bdi>
            </b>
            <span class="mute">{props.line}</span>
          </span>
        </li>
      )}
    </Show>
  )
}

const ForYou = (props: { status: Status; relays: RelayStatus }) => {
  const t = useWords()
  const none = () =>
    props.status.reach?.publiclyReachable === 'yes' ? t().network.forYouNoNeed : t().network.forYouNone
  return (
    <section class="card">
      <h2>
        <Icon name="relay" />
        {t().network.forYou}
      </h2>
      <Show when={props.relays.at.length > 0} fallback={<p class="hint">{none()}</p>}>
        <ul class="facts faced">
          <For each={props.relays.at}>
            {({ contact, state }) => <Faced contact={contact} line={t().network.relayState[state]} />}
          </For>
        </ul>
      </Show>
    </section>
  )
}

const YouRelay = (props: { relays: RelayStatus }) => {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  const none = () => (props.relays.forContacts ? t().network.youRelayNone : t().network.youRelayOff)
  const strangers = () => props.relays.places - props.relays.for.length
  return (
    <section class="card">
      <h2>
        <Icon name="relay" />
        {t().network.youRelay}
      </h2>
      <Show when={props.relays.places > 0} fallback={<p class="hint">{none()}</p>}>
        <ul class="facts faced">
          <For each={props.relays.for}>{(contact) => <Faced contact={contact} line={t().network.youRelayFor} />}</For>
          <Show when={strangers() > 0}>
            <li>
              <Icon name="people" />
              <span>{t().network.strangers(strangers())}</span>
            </li>
          </Show>
        </ul>
      </Show>
      <Show when={props.relays.relayed > 0 || props.relays.bytes > 0}>
        <p class="hint">{t().network.traffic(props.relays.relayed, bytes(props.relays.bytes))}</p>
      </Show>
      <Switch
        label={t().network.relaying}
        on={props.relays.forContacts}
        busy={call.busy()}
        onTurn={(forContacts) => void call.run(() => api.setRelaying({ forContacts }))}
      >
        <p class="mute">{t().network.relayingHint}</p>
      </Switch>
      <Trouble text={call.trouble()} />
    </section>
  )
}

const CarryForYou = () => {
  const t = useWords()
  const { state } = useNode()
  const carriers = () => Object.values(state.conversations).filter(({ contact }) => contact.carrier !== null)
  return (
    <section class="card">
      <h2>
        <Icon name="letter" />
        {t().mail.forYou}
      </h2>
      <Show when={carriers().length > 0} fallback={<p class="hint">{t().mail.forYouNone}</p>}>
        <ul class="facts faced">
          <For each={carriers()}>
            {({ contact }) => <Faced contact={contact.id} line={t().mail.forYouState[contact.carrier ?? 'asked']} />}
          </For>
        </ul>
      </Show>
    </section>
  )
}

const YouCarry = (props: { mail: MailStatus }) => {
  const t = useWords()
  const words = () => {
    const { on, boxes, letters, bytes: size } = props.mail
    if (boxes > 0) return t().mail.youCarryNow(boxes, letters, bytes(size))
    return on ? t().mail.youCarryNone : t().mail.youCarryOff
  }
  return (
    <section class="card">
      <h2>
        <Icon name="letter" />
        {t().mail.youCarry}
      </h2>
      <p class="hint">{words()}</p>
    </section>
  )
}

const ByHand = () => {
  const t = useWords()
  return (
    <section class="card">
      <h2>
        <Icon name="letter" />
        {t().mail.byHand}
      </h2>
      <p class="hint">{t().mail.byHandLede}</p>
      <div class="row files">
        <SaveMail />
        <TakeMail />
      </div>
    </section>
  )
}

const Addresses = (props: { status: Status }) => {
  const t = useWords()
  const hosts = () => props.status.reach?.observed.map((address) => address.split('/')[2] ?? '') ?? []
  return (
    <section class="card">
      <h2>
        <Icon name="direct" />
        {t().network.addressesTitle}
      </h2>
      <Show when={props.status.addresses.length > 0} fallback={<p class="hint">{t().network.addressesNone}</p>}>
        <ul class="addresses">
          <For each={props.status.addresses}>{(address) => <li>{address}</li>}</For>
        </ul>
        <p class="hint">{t().network.addresses}</p>
      </Show>
      <Show when={hosts().length > 0}>
        <p class="hint">{t().network.observed(listOf(hosts()))}</p>
      </Show>
    </section>
  )
}

export const Network = () => {
  const t = useWords()
  const { api, state } = useNode()
  const call = createCall()
  const all = () => Object.values(state.conversations)
  const reached = () => all().filter(({ contact }) => contact.online).length
  const line = () => (all().length > 0 ? t().network.reached(reached(), all().length) : t().network.nobody)
  return (
    <Page
      title={t().app.network}
      line={line()}
      acts={
        <button class="btn" type="button" disabled={call.busy()} onClick={() => void call.run(() => api.reachNow({}))}>
          {t().network.check}
        </button>
      }
    >
      <p role="status" class="hidden">
        {call.busy() ? t().network.checking : ''}
      </p>
      <Trouble text={call.trouble()} />
      <Show when={state.status}>
        {(status) => {
          const found = (level: Finding['level']) =>
            status()
              .findings.filter(isShown)
              .filter((one) => one.level === level)
          return (
            <>
              <Show when={found('problem').length > 0}>
                <Findings title={t().network.problems} level="problem" all={found('problem')} />
              </Show>
              <Picture conversations={all()} status={status()} />
              <div class="pair">
                <Findings title={t().network.notes} level="note" all={found('note')} none={t().network.notesNone} />
                <Findings title={t().network.goods} level="good" all={found('good')} />
                <Show when={status().relays}>
                  {(relays) => (
                    <>
                      <ForYou status={status()} relays={relays()} />
                      <YouRelay relays={relays()} />
                    </>
                  )}
                </Show>
                <CarryForYou />
                <Show when={status().mail}>{(mail) => <YouCarry mail={mail()} />}</Show>
                <ByHand />
                <Addresses status={status()} />
              </div>
            </>
          )
        }}
      </Show>
    </Page>
  )
}
