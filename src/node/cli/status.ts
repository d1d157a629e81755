/**
 * `tulnic status`: how it stands with the node, one line each for who is reached how, who reaches it, and who finds it.
 */
import type { Contact, Status } from '../api.ts'
import type { Command } from './command.ts'
import { withNode } from './connection.ts'
import { plainLine } from './plain-text.ts'
import { contactNames, type Names, VIA_WORDS } from './views.ts'

const PHASE_WORDS = { empty: 'there is none yet', locked: 'locked: waits for its passphrase', open: 'open' } as const

export const status: Command = {
  name: 'status',
  takes: '',
  help: 'who is reached, who reaches and finds this node, what waits',
  options: {},
  count: [0, 0],
  run: async (context) => {
    const { now, contacts } = await withNode(context, async (client) => {
      const told = await client.call('status')
      return { now: told, contacts: isRunning(told) ? await client.call('contacts') : [] }
    })
    context.out.result(now, statusText(now, contacts))
  },
}

/** While nothing runs, there is nothing to say of its network. */
const isRunning = ({ relays }: Status): boolean => relays !== undefined

function statusText(now: Status, contacts: readonly Contact[]): string {
  const names = contactNames(contacts)
  const rows: readonly (readonly [string, string])[] = [
    ['profile', now.self === null ? PHASE_WORDS[now.phase] : `${plainLine(now.self.name)} (${now.self.id})`],
    ...(isRunning(now) ? runningRows(now, contacts, names) : []),
    ['stored', now.storage.trouble ?? `${megabytes(now.storage.bytes)} in ${now.storage.path}`],
    ['running', `tulnic ${now.version} since ${now.startedAt}`],
  ]
  const problems = now.findings.filter(({ level }) => level === 'problem').length
  const hint = problems === 0 ? '' : '\n\nSomething stands in the way: "tulnic doctor" says what, and what to do.'
  return rows.map(([name, value]) => `${name.padEnd(10)}  ${value}`).join('\n') + hint
}

function runningRows(now: Status, contacts: readonly Contact[], names: Names): readonly (readonly [string, string])[] {
  return [
    ['contacts', contactsText(now, contacts)],
    ['waiting', now.queued === 0 ? 'nothing' : counted(now.queued, 'message')],
    ['network', networkText(now)],
    ['reached by', reachText(now, names)],
    ['router', ROUTER_WORDS[now.reach?.natMapping ?? 'unknown']],
    ['relays for', relayingText(now, names)],
    ['found by', foundText(now)],
    ['listening', now.addresses.length === 0 ? 'nowhere' : now.addresses.join('\n            ')],
  ]
}

function contactsText({ contacts: { total, reached } }: Status, contacts: readonly Contact[]): string {
  if (total === 0) return 'none yet'
  const ways = (['lan', 'direct', 'relayed'] as const).flatMap((via) => {
    const count = contacts.filter((contact) => contact.via === via).length
    return count === 0 ? [] : [`${count} ${VIA_WORDS[via]}`]
  })
  return `${reached} of ${total} reached${ways.length === 0 ? '' : `: ${ways.join(', ')}`}`
}

function networkText({ network, lan, isPrivate }: Status): string {
  if (network === 'none') return 'none'
  const scope = lan.only ? 'the local network alone (--lan-only)' : 'there is one'
  const nearby = lan.on ? `${lan.peers} seen nearby` : 'not looking nearby (--no-mdns)'
  return `${scope}${isPrivate ? ', private (--network-key)' : ''}; ${nearby}`
}

function reachText({ network, lan, reach, relays }: Status, names: Names): string {
  if (network === 'none') return 'nobody, without a network'
  if (lan.only) return 'the local network alone'
  if (reach?.publiclyReachable === 'yes') return 'others anywhere, directly'
  const held = relays?.at.filter(({ state }) => state === 'held').map(({ contact }) => contact) ?? []
  const through = held.length === 0 ? '' : ` through the node of ${listed(held, names)}`
  if (relays?.fromOutside) return `others anywhere,${through}`
  return reach?.publiclyReachable === 'no'
    ? `the local network alone${through}: nobody outside gets in`
    : `the local network${through}; whether others get in is not known yet`
}

const ROUTER_WORDS: Readonly<Record<NonNullable<Status['reach']>['natMapping'], string>> = {
  none: 'none before this machine',
  'endpoint-independent': 'one port for everybody: others behind routers can be met directly',
  'endpoint-dependent': 'another port for everybody: others behind routers are reached through relays',
  unknown: 'not known yet',
}

function relayingText({ relays }: Status, names: Names): string {
  if (relays === undefined || relays.places === 0)
    return relays?.forContacts === false ? 'no contact: switched off' : 'nobody at the moment'
  const strangers = relays.places - relays.for.length
  const who = [
    ...(relays.for.length === 0 ? [] : [listed(relays.for, names)]),
    ...(strangers > 0 ? [counted(strangers, 'stranger')] : []),
  ]
  return `${who.join(', ')}; ${counted(relays.relayed, 'connection')} now, ${megabytes(relays.bytes)} since the start`
}

function foundText({ network, dht }: Status): string {
  if (dht === undefined || !dht.on) return 'who knows an address: the hash table is off (--no-dht)'
  if (network === 'none') return 'nobody, without a network'
  if (dht.servers === 0) return 'who knows an address: no other node of the hash table is known yet'
  const part = dht.mode === 'server' ? `; keeps ${counted(dht.stored, 'record')} for others` : ''
  return `the hash table: ${counted(dht.servers, 'node')} known, ${counted(dht.published, 'record')} there${part}`
}

const listed = (ids: readonly string[], names: Names): string =>
  [...new Set(ids)].map((id) => plainLine(names.get(id) ?? id.slice(0, 8))).join(', ')

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`
