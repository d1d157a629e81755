/**
 * What stands in the way of messages, and what is well: found in one place for the window and for `tulnic doctor`.
 *
 * Holds: it says only what the node knows, the worst first; what is well is said too, so that silence means nothing; a
 * profile that is not open has no network to complain of. Words for people are the window's and the command line's.
 */
import type { Contact, ContactId, Finding, RelayStatus, Status } from './api.ts'

const ORDER: readonly Finding['level'][] = ['problem', 'note', 'good']
/** Contacts that one finding names. */
const NAMED = 10

type Known = Omit<Status, 'findings'>
/** How many messages of mine wait for whom. */
type Queued = ReadonlyMap<ContactId, number>

/** All findings, the worst first. */
export function findingsOf(status: Known, contacts: readonly Contact[], queued: Queued): readonly Finding[] {
  const found = [
    ...profile(status),
    ...storage(status),
    ...(isRunning(status)
      ? [
          ...surroundings(status),
          ...reachability(status),
          ...notDirect(status),
          ...hashTable(status),
          ...people(status, contacts, queued),
        ]
      : []),
  ]
  return found.toSorted((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level))
}

/** Something runs, whose network can be judged. */
const isRunning = ({ reach }: Known): boolean => reach !== undefined

function profile({ phase }: Known): readonly Finding[] {
  if (phase === 'locked') return [{ level: 'problem', code: 'locked' }]
  return phase === 'empty' ? [{ level: 'problem', code: 'no-profile' }] : []
}

function storage({ phase, storage: { trouble } }: Known): readonly Finding[] {
  if (trouble !== null) return [{ level: 'problem', code: 'not-stored' }]
  return phase === 'open' ? [{ level: 'good', code: 'stored' }] : []
}

function surroundings({ network, lan, isPrivate }: Known): readonly Finding[] {
  const closed: readonly Finding[] = isPrivate ? [{ level: 'note', code: 'private-network' }] : []
  if (network === 'none') return [{ level: 'problem', code: 'no-network' }, ...closed]
  const only: readonly Finding[] = lan.only ? [{ level: 'note', code: 'lan-only' }] : []
  const nearby: Finding = lan.on
    ? { level: 'good', code: 'looks-nearby', peers: lan.peers }
    : { level: 'note', code: 'not-nearby' }
  return [...only, ...closed, nearby]
}

/** Whether others can begin a connection from outside; on a network of its own nobody is outside. */
function reachability({ network, lan, reach, relays, addresses }: Known): readonly Finding[] {
  if (network === 'none' || lan.only || reach === undefined || relays === undefined) return []
  if (reach.publiclyReachable === 'yes') return [{ level: 'good', code: 'reached-directly' }]
  const held = relays.at.filter(({ state }) => state === 'held').map(({ contact }) => contact)
  if (held.length > 0 && relays.fromOutside)
    return [{ level: 'good', code: 'reached-through', relays: [...new Set(held)] }]
  const why = held.length > 0 ? [] : withoutPlace(relays)
  if (reach.publiclyReachable === 'unknown') return [...router(reach), { level: 'note', code: 'reach-unknown' }, ...why]
  return [...router(reach), { level: 'note', code: 'not-reachable', port: portOf(addresses) }, ...why]
}

/** Nothing is said of a router that was not asked, or has not answered yet. */
function router({ router: offer = 'asking' }: NonNullable<Known['reach']>): readonly Finding[] {
  return offer === 'asking' ? [] : [{ level: 'note', code: `router-${offer}` }]
}

/** Why contacts' nodes do not relay for this one. */
function withoutPlace({ at }: RelayStatus): readonly Finding[] {
  return WITHOUT_PLACE.flatMap(([code, wanted]) => {
    const those = at.filter(({ state }) => state === wanted).map(({ contact }) => contact)
    return those.length === 0 ? [] : [{ level: 'note' as const, code, ...named(those) }]
  })
}

const WITHOUT_PLACE = [
  ['relay-lost', 'lost'],
  ['relay-refused', 'refused'],
  ['relay-none', 'no-relay'],
] as const

/** Who is reached through a relay although a direct path was looked for. */
function notDirect({ network, lan, reach, relays, addresses }: Known): readonly Finding[] {
  if (network === 'none' || lan.only || reach === undefined || relays === undefined) return []
  const those = relays.paths.filter(({ tries }) => tries !== null && tries > 0).map(({ contact }) => contact)
  if (those.length === 0) return []
  const { natMapping } = reach
  return [{ level: 'note', code: 'not-direct', natMapping, port: portOf(addresses), ...named(those) }]
}

function portOf(addresses: readonly string[]): number | null {
  const ports = addresses.map((address) => /^\/ip[46]\/[^/]+\/tcp\/(\d+)$/.exec(address)?.[1])
  const port = ports.find((one) => one !== undefined)
  return port === undefined ? null : Number(port)
}

function hashTable({ network, dht }: Known): readonly Finding[] {
  if (dht === undefined || network === 'none') return []
  if (!dht.on) return [{ level: 'note', code: 'dht-off' }]
  if (dht.servers === 0) return [{ level: 'note', code: 'dht-alone' }]
  return [{ level: 'good', code: 'dht-well', servers: dht.servers, published: dht.published }]
}

function people(status: Known, contacts: readonly Contact[], queued: Queued): readonly Finding[] {
  const { total, reached } = status.contacts
  if (total === 0) return [{ level: 'note', code: 'no-contacts' }]
  const found: Finding[] = contacts
    .filter(isDead)
    .map(({ id }) => ({ level: 'problem', code: 'link-dead', contact: id }) as const)
  found.push(...withoutRelay(status, contacts), ...mail(status, contacts))
  if (status.queued === 0) return [...found, { level: 'good', code: 'nothing-waits', reached, total }]
  // What was written to the others does not go by itself.
  const waited = contacts.filter((one) => queued.has(one.id) && !isDead(one) && one.state !== 'blocked')
  const messages = waited.reduce((sum, { id }) => sum + (queued.get(id) ?? 0), 0)
  return messages === 0
    ? found
    : [...found, { level: 'note', code: 'messages-wait', messages, ...named(waited.map(idOf)) }]
}

/** Whose link leads nowhere any more. */
const isDead = ({ reason }: Contact): boolean => reason === 'invite-used' || reason === 'invite-expired'

/** Who is reached through relays alone, while no contact's node relays for this one. */
function withoutRelay({ network, relays }: Known, contacts: readonly Contact[]): readonly Finding[] {
  if (network === 'none') return []
  const away = contacts.filter(({ relayOnly, online, state }) => relayOnly && !online && state === 'active')
  if (away.length === 0 || relays?.at.some(({ state }) => state === 'held')) return []
  return [{ level: 'note', code: 'no-relay-for', ...named(away.map(idOf)) }]
}

/** Who carries mail for me; of whom was asked and has not answered, nothing is said yet. */
function mail({ network }: Known, contacts: readonly Contact[]): readonly Finding[] {
  if (network === 'none' || !contacts.some(({ state }) => state === 'active')) return []
  const carriers = contacts.filter(({ carrier }) => carrier === 'on')
  if (carriers.length > 0) return [{ level: 'good', code: 'mail-carried', ...named(carriers.map(idOf)) }]
  return contacts.some(({ carrier }) => carrier === 'asked') ? [] : [{ level: 'note', code: 'no-carrier' }]
}

const idOf = ({ id }: Contact): ContactId => id

function named(all: readonly ContactId[]): { readonly contacts: readonly ContactId[]; readonly more: number } {
  return { contacts: all.slice(0, NAMED), more: Math.max(0, all.length - NAMED) }
}
