/**
 * Who is reached how, near to far: a picture that is also headings and lists.
 *
 * Holds: a ridge is drawn only where somebody stands or could stand; what the node does not know is not said.
 */
import { For, type JSX, Show } from 'solid-js'
import type { Contact } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { Trouble } from '../parts/dialog.tsx'
import { ContactFace } from '../parts/face.tsx'
import { Icon, type IconName, Mark } from '../parts/icon.tsx'
import { Hill, type HillName } from '../parts/land.tsx'
import { Page } from '../parts/page.tsx'
import { createCall } from '../primitives/create-call.ts'
import { chatHref } from '../route.ts'
import { moment } from '../words/dates.ts'
import { useWords } from '../words/words.ts'

const Band = (props: {
  hill: HillName
  icon: IconName
  title: string
  contacts: readonly Contact[]
  line: (contact: Contact) => string
}): JSX.Element => {
  const t = useWords()
  return (
    <section class={`band ${props.hill}`}>
      <Hill name={props.hill} />
      <h2>
        <Icon name={props.icon} />
        <span>{props.title}</span>
        <span class="n">{t().network.people(props.contacts.length)}</span>
      </h2>
      <ul class="folk">
        <For each={props.contacts}>
          {(contact) => (
            <li>
              <a class="person" href={chatHref(contact.id)}>
                <ContactFace contact={contact} size="s" />
                <span>
                  <b>
                    <bdi>{contact.name}</bdi>
                  </b>
                  <Show when={props.line(contact)}>{(line) => <small>{line()}</small>}</Show>
                </span>
              </a>
            </li>
          )}
        </For>
      </ul>
    </section>
  )
}

export const Network = () => {
  const t = useWords()
  const { api, state } = useNode()
  const call = createCall()
  const all = () => Object.values(state.conversations).map((one) => one.contact)
  const by = (via: Contact['via']) => all().filter((contact) => contact.via === via)
  const waiting = (contact: Contact): string => {
    if (contact.state === 'blocked') return t().network.blocked
    if (contact.lastSeen) return t().network.since(moment(contact.lastSeen))
    return contact.state === 'invited' ? t().network.invited : t().network.never
  }
  const reached = () => all().filter((contact) => contact.online).length
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
      <div class="land-of">
        <Band hill="b4" icon="wait" title={t().network.waiting} contacts={by(null)} line={waiting} />
        <Show when={by('relayed').length > 0}>
          <Band hill="b3" icon="relay" title={t().network.relayed} contacts={by('relayed')} line={() => ''} />
        </Show>
        <Band
          hill="b2"
          icon="direct"
          title={t().network.direct}
          contacts={by('direct')}
          line={() => t().network.seesYou}
        />
        <Band hill="b1" icon="lan" title={t().network.lan} contacts={by('lan')} line={() => ''} />
        <section class="band b0">
          <Hill name="b0" />
          <Mark class="logo" />
          <div class="grow">
            <b>{t().network.here}</b>
            <small>{(state.status?.addresses.length ?? 0) > 0 ? t().network.listens : t().network.deaf}</small>
          </div>
        </section>
      </div>
      <Show when={state.status}>
        {(status) => (
          <div class="pair">
            <section class="card">
              <h2>
                <Icon name="wait" />
                {t().network.queuedTitle}
              </h2>
              <p>{status().queued > 0 ? t().network.queued(status().queued) : t().network.queuedNone}</p>
              <p class="hint">{t().network.state[status().network]}</p>
              <p class="hint">{status().lan.on ? t().network.lanOn : t().network.lanOff}</p>
            </section>
            <section class="card">
              <h2>
                <Icon name="direct" />
                {t().network.addressesTitle}
              </h2>
              <ul class="addresses">
                <For each={status().addresses}>{(address) => <li>{address}</li>}</For>
              </ul>
              <p class="hint">{t().network.addresses}</p>
            </section>
          </div>
        )}
      </Show>
    </Page>
  )
}
