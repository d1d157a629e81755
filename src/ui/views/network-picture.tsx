/**
 * Who is reached how, far to near: ridges under a sky, and at the same time headings and lists.
 *
 * Holds: a ridge shows a dozen people until more are asked for; stars are as many as nodes are known that can be asked,
 * and say nothing that the words below them do not say.
 */
import { createMemo, createSignal, createUniqueId, For, type JSX, Show } from 'solid-js'
import type { Contact, Conversation, Status } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { ContactFace } from '../parts/face.tsx'
import { names, nameIn } from '../parts/finding-words.ts'
import { Icon, type IconName, Mark } from '../parts/icon.tsx'
import { Hill, type HillName, Stars } from '../parts/land.tsx'
import { chatHref } from '../route.ts'
import { moment } from '../words/dates.ts'
import type { Words } from '../words/en.ts'
import { useWords } from '../words/words.ts'

/** What fits on a ridge. */
const AT_FIRST = 12

const Person = (props: { contact: Contact; line: string }) => (
  <li>
    <a class="person" href={chatHref(props.contact.id)}>
      <ContactFace contact={props.contact} size="s" />
      <span>
        <b>
          <bdi>{props.contact.name}</bdi>
        </b>
        <Show when={props.line}>
          <small>{props.line}</small>
        </Show>
      </span>
    </a>
  </li>
)

const Band = (props: {
  hill: HillName
  icon: IconName
  title: string
  contacts: readonly Contact[]
  line: (contact: Contact) => string
}): JSX.Element => {
  const t = useWords()
  const [all, setAll] = createSignal(false)
  const list = createUniqueId()
  const shown = () => (all() ? props.contacts : props.contacts.slice(0, AT_FIRST))
  return (
    <section class={`band ${props.hill}`}>
      <Hill name={props.hill} />
      <h2>
        <Icon name={props.icon} />
        <span>{props.title}</span>
        <span class="n">{t().network.people(props.contacts.length)}</span>
      </h2>
      <div>
        <ul class="folk" id={list}>
          <For each={shown()}>{(contact) => <Person contact={contact} line={props.line(contact)} />}</For>
        </ul>
        <Show when={props.contacts.length > AT_FIRST}>
          <button
            class="btn more"
            type="button"
            aria-expanded={all()}
            aria-controls={list}
            onClick={() => setAll(!all())}
          >
            {all() ? t().network.showFewer : t().network.showMore(props.contacts.length - AT_FIRST)}
          </button>
        </Show>
      </div>
    </section>
  )
}

/** Above all ridges: strangers' nodes, by whom one finds each other again. */
const Sky = (props: { status: Status }) => {
  const t = useWords()
  const words = () => {
    const { dht, network } = props.status
    const { well, off, alone, away } = t().network.again
    if (!dht?.on) return off
    if (network === 'none') return away
    return dht.servers > 0 ? well(dht.servers, dht.published) : alone
  }
  return (
    <section class="sky">
      <Stars count={props.status.dht?.servers ?? 0} />
      <h2>
        <Icon name="search" />
        <span>{t().network.again.title}</span>
      </h2>
      <p>{words()}</p>
    </section>
  )
}

const Here = (props: { status: Status }) => {
  const t = useWords()
  const session = useNode()
  const words = () => {
    const { network, lan, reach, relays } = props.status
    const said = t().network.reach
    if (network === 'none') return said.none
    if (lan.only) return said.lan
    if (reach?.publiclyReachable === 'yes') return said.direct
    const held = relays?.at.filter(({ state }) => state === 'held').map(({ contact }) => contact) ?? []
    if (relays?.fromOutside) return said.through(names(t(), [...new Set(held)], 0, nameIn(session)))
    return reach?.publiclyReachable === 'no' ? said.no : said.unknown
  }
  return (
    <section class="band b0">
      <Hill name="b0" />
      <Mark class="logo" />
      <div class="grow">
        <h2>{t().network.here}</h2>
        <small>{words()}</small>
      </div>
    </section>
  )
}

const collator = new Intl.Collator(undefined, { numeric: true })
const byName = (a: Contact, b: Contact): number => collator.compare(a.name, b.name)
/** Who was there last first; who was never there last. */
const byLastSeen = (a: Contact, b: Contact): number =>
  (b.lastSeen ?? '').localeCompare(a.lastSeen ?? '') || byName(a, b)

export const Picture = (props: { conversations: readonly Conversation[]; status: Status }) => {
  const t = useWords()
  const session = useNode()
  const contacts = createMemo(() => props.conversations.map(({ contact }) => contact))
  const reached = (via: Contact['via']) =>
    createMemo(() =>
      contacts()
        .filter((one) => one.via === via)
        .toSorted(via === null ? byLastSeen : byName),
    )
  const [away, relayed, direct, near] = [reached(null), reached('relayed'), reached('direct'), reached('lan')]
  const relays = createMemo(() => {
    const held = props.status.relays?.at.filter(({ state }) => state === 'held') ?? []
    return new Set(held.map(({ contact }) => contact))
  })
  const forYou = ({ id }: Contact) => (relays().has(id) ? [t().network.relaysForYou] : [])
  const way = ({ relayedBy }: Contact) =>
    relayedBy === null ? t().network.relayedBySomebody : t().network.relayedBy(nameIn(session)(relayedBy))
  const open = (contact: Contact) =>
    [...forYou(contact), ...(contact.punched ? [t().network.punched] : []), t().network.seesYou].join(' · ')
  return (
    <section class="land-of" aria-label={t().network.picture}>
      <Sky status={props.status} />
      <Band
        hill="b4"
        icon="wait"
        title={t().network.waiting}
        contacts={away()}
        line={(one) => waiting(t(), one, session.state.conversations[one.id]?.queued ?? 0)}
      />
      <Show when={relayed().length > 0}>
        <Band hill="b3" icon="relay" title={t().network.relayed} contacts={relayed()} line={way} />
      </Show>
      <Show when={direct().length > 0 || !props.status.lan.only}>
        <Band hill="b2" icon="direct" title={t().network.direct} contacts={direct()} line={open} />
      </Show>
      <Band hill="b1" icon="lan" title={t().network.lan} contacts={near()} line={(one) => forYou(one).join('')} />
      <Here status={props.status} />
    </section>
  )
}

function waiting(t: Words, contact: Contact, queued: number): string {
  if (contact.state === 'blocked') return t.network.blocked
  const since = contact.lastSeen
    ? t.network.since(moment(contact.lastSeen))
    : contact.state === 'invited'
      ? t.network.invited
      : t.network.never
  return queued > 0 ? `${since} · ${t.network.queued(queued)}` : since
}
