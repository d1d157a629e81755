/**
 * `tulnic doctor`: what stands in the way of messages, and what to do about it.
 *
 * Holds: it says only what the node knows, the worst first; what is well is said too, so that silence means nothing.
 */
import type { Contact, Status } from '../api.ts'
import type { Command } from './command.ts'
import { withNode } from './connection.ts'
import { plainLine } from './plain-text.ts'

export interface Finding {
  readonly level: 'problem' | 'note' | 'good'
  readonly what: string
  /** What helps; `null` where nothing need be done. */
  readonly todo: string | null
}

const ORDER: readonly Finding['level'][] = ['problem', 'note', 'good']
const LEVEL_WORDS = { problem: 'problem', note: 'note', good: 'well' } as const

export const doctor: Command = {
  name: 'doctor',
  takes: '',
  help: 'what is wrong, and what to do about it',
  options: {},
  count: [0, 0],
  run: async (context) => {
    const findings = await withNode(context, async (client) => {
      const status = await client.call('status')
      return examine(status, status.phase === 'open' ? await client.call('contacts') : [])
    })
    context.out.result({ findings }, findings.map(findingText).join('\n'))
  },
}

function findingText({ level, what, todo }: Finding): string {
  return `${LEVEL_WORDS[level].padEnd(8)} ${plainLine(what)}${todo === null ? '' : `\n         → ${plainLine(todo)}`}`
}

/** All findings, the worst first. */
export function examine(status: Status, contacts: readonly Contact[]): readonly Finding[] {
  const found = [
    ...profile(status),
    ...storage(status),
    ...surroundings(status),
    ...reachability(status, contacts),
    ...hashTable(status),
    ...people(status, contacts),
  ]
  return found.toSorted((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level))
}

const problem = (what: string, todo: string): Finding => ({ level: 'problem', what, todo })
const note = (what: string, todo: string | null = null): Finding => ({ level: 'note', what, todo })
const good = (what: string): Finding => ({ level: 'good', what, todo: null })

function profile({ phase }: Status): readonly Finding[] {
  if (phase === 'locked')
    return [
      problem(
        'The profile is locked: nothing is received.',
        'Enter its passphrase in the app, or start with --passphrase-file.',
      ),
    ]
  if (phase === 'empty')
    return [problem('There is no profile yet.', 'Make one in the app, or by "tulnic init --name NAME".')]
  return []
}

function storage({ storage: { trouble, path } }: Status): readonly Finding[] {
  if (trouble === null) return [good(`What is written is stored in ${path}.`)]
  return [problem(trouble, 'The node goes on by itself as soon as it can store again.')]
}

function surroundings({ network, lan }: Status): readonly Finding[] {
  if (network === 'none') return [problem('This machine is on no network.', 'Join one: messages wait here until then.')]
  if (!lan.on) return [note('People on this network are not looked for.', 'Start without --no-mdns to find them.')]
  return [good(lan.peers === 1 ? 'One other node is seen nearby.' : `${lan.peers} other nodes are seen nearby.`)]
}

function reachability({ reach, relays, addresses }: Status, contacts: readonly Contact[]): readonly Finding[] {
  if (reach === undefined || relays === undefined) return []
  if (reach.publiclyReachable === 'yes') return [good('Others reach this node directly.')]
  const held = relays.at.filter(({ state }) => state === 'held')
  if (held.length > 0) {
    const names = held.map(({ contact }) => contacts.find(({ id }) => id === contact)?.name ?? contact.slice(0, 8))
    return [good(`Others reach this node through the node of ${names.join(' and ')}.`)]
  }
  const what =
    reach.publiclyReachable === 'no'
      ? 'Others cannot reach this node from outside its network: it can only reach them.'
      : 'Whether others reach this node from outside its network is not known yet: two nodes elsewhere have to try it.'
  const port = portOf(addresses)
  const forward = port === null ? 'Let others in by your router' : `Forward TCP port ${port} in your router`
  return [
    ...router(reach),
    note(what, `${forward}, or have one contact whose node others reach: it then relays for you by itself.`),
  ]
}

const ROUTER_WORDS = {
  asking: null,
  open: 'The router lets others in, as it says: two nodes elsewhere have to try it.',
  refused: 'The router offers to let others in (UPnP), and refused.',
  'behind-another': 'The router has no public address itself: there is another one before it.',
  none: 'No router here offers to let others in (UPnP).',
} as const

function router({ router: offer = 'asking' }: NonNullable<Status['reach']>): readonly Finding[] {
  const what = ROUTER_WORDS[offer]
  return what === null ? [] : [note(what)]
}

function portOf(addresses: readonly string[]): string | null {
  return /^\/ip4\/[\d.]+\/tcp\/(\d+)$/.exec(addresses.find((address) => !address.includes('/p2p')) ?? '')?.[1] ?? null
}

function hashTable({ dht }: Status): readonly Finding[] {
  if (dht === undefined) return []
  if (!dht.on)
    return [note('The hash table is off: contacts whose address changed are not found.', 'Start without --no-dht.')]
  if (dht.servers > 0)
    return [good(`The hash table is reached: ${dht.servers} servers known, ${dht.published} of my records there.`)]
  return [
    note(
      'No other node of the hash table is known: contacts whose address changed are found only nearby, or when they come.',
      'It fills by itself from contacts and people nearby; or start with --bootstrap and the address of a node that others reach.',
    ),
  ]
}

function people({ queued, contacts: { total, reached } }: Status, contacts: readonly Contact[]): readonly Finding[] {
  if (total === 0)
    return [note('There are no contacts yet.', 'Make a link by "tulnic invite", or add one by "tulnic add".')]
  const dead = contacts
    .filter(({ reason }) => reason === 'invite-used' || reason === 'invite-expired')
    .map(({ name }) => problem(`The link of ${name} leads nowhere any more.`, 'Ask for a new one.'))
  if (queued === 0) return [...dead, good(`${reached} of ${total} contacts are reached, and nothing waits.`)]
  const away = contacts.filter(({ online, state }) => !online && state === 'active').map(({ name }) => name)
  const who = away.length === 0 ? '' : ` Not reached: ${away.slice(0, 10).join(', ')}${away.length > 10 ? ' …' : ''}.`
  return [
    ...dead,
    note(`${queued} of my messages wait.${who}`, 'They go by themselves as soon as their recipients are reached.'),
  ]
}
