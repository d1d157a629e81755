/**
 * `tulnic doctor`: what is found in a status, and that the worst comes first.
 */
import { expect, test } from 'vitest'
import type { Contact, Status } from '../../../src/node/api.ts'
import { examine } from '../../../src/node/cli/doctor.ts'

const WELL: Status = {
  phase: 'open',
  self: null,
  online: true,
  peers: 1,
  addresses: ['/ip4/192.0.2.7/tcp/50000'],
  queued: 0,
  contacts: { total: 1, reached: 1 },
  network: 'internet-unknown',
  lan: { on: true, peers: 2 },
  dht: { on: true, mode: 'server', servers: 4, stored: 0, published: 1 },
  reach: { observed: ['/ip4/192.0.2.7'], publiclyReachable: 'yes' },
  relays: { at: [], forContacts: true, places: 0, relayed: 0 },
  storage: { path: '/somewhere', bytes: 1, trouble: null },
  version: '0',
  startedAt: '2026-01-01T00:00:00.000Z',
}

const ANA = { id: 'a'.repeat(52), name: 'Ana', state: 'active', online: true, reason: null } as unknown as Contact

const levels = (status: Partial<Status>, contacts: readonly Contact[] = [ANA]): readonly string[] =>
  examine({ ...WELL, ...status }, contacts).map(({ level }) => level)
const said = (status: Partial<Status>, contacts: readonly Contact[] = [ANA]): string =>
  examine({ ...WELL, ...status }, contacts)
    .map(({ what, todo }) => `${what} ${todo}`)
    .join('\n')

test('where all is well, only that is said', () => {
  expect(new Set(levels({}))).toEqual(new Set(['good']))
})

test.each<[string, Partial<Status>, RegExp]>([
  ['a locked profile', { phase: 'locked' }, /locked.*passphrase/],
  [
    'a full disk',
    { storage: { path: '/x', bytes: 1, trouble: 'The disk is full.' } },
    /disk is full.*goes on by itself/,
  ],
  ['no network', { network: 'none' }, /no network.*wait/],
])('%s is a problem, and the first thing said', (_what, status, sentence) => {
  expect(levels(status)[0]).toBe('problem')
  expect(said(status)).toMatch(sentence)
})

test('a node that nobody reaches is told which port to open, or to have a relay', () => {
  const reach = { observed: [], publiclyReachable: 'no' } as const
  expect(said({ reach })).toMatch(/cannot reach this node.*TCP port 50000.*relays for you/)
  expect(said({ reach: { ...reach, router: 'none' } })).toMatch(/No router here offers/)
  expect(said({ reach: { ...reach, router: 'open' } })).toMatch(/two nodes elsewhere have to try it/)
  expect(levels({ reach })[0]).toBe('note')
  const at = [
    { contact: ANA.id, state: 'held' },
    { contact: 'b'.repeat(52), state: 'refused' },
  ] as const
  expect(said({ reach, relays: { at, forContacts: true, places: 0, relayed: 0 } })).toContain(
    'through the node of Ana.',
  )
  expect(levels({ reach, relays: { at, forContacts: true, places: 0, relayed: 0 } })).not.toContain('note')
})

test('an empty hash table, and one that is off, say what helps', () => {
  const dht = { on: true, mode: 'client', servers: 0, stored: 0, published: 0 } as const
  expect(said({ dht })).toMatch(/No other node of the hash table.*--bootstrap/)
  expect(said({ dht: { ...dht, on: false, mode: 'off' } })).toMatch(/off.*--no-dht/)
})

test('messages that wait name who is not reached, and a dead link is a problem', () => {
  const away = { ...ANA, name: 'Bogdan', online: false } as Contact
  const dead = { ...ANA, name: 'Clara', state: 'invited', reason: 'invite-used' } as Contact
  expect(said({ queued: 3 }, [ANA, away])).toMatch(/3 of my messages wait\. Not reached: Bogdan\./)
  expect(levels({}, [ANA, dead])[0]).toBe('problem')
  expect(said({}, [ANA, dead])).toMatch(/link of Clara leads nowhere.*new one/)
})
