/**
 * What is found in a status, that the worst comes first, and that a terminal has words for each of it.
 */
import { expect, test } from 'vitest'
import type { Contact, Finding, RelayStatus, Status } from '../../src/node/api.ts'
import { findingWords } from '../../src/node/cli/finding-words.ts'
import { findingsOf } from '../../src/node/findings.ts'

const NO_RELAYS: RelayStatus = {
  at: [],
  fromOutside: false,
  forContacts: true,
  places: 0,
  for: [],
  relayed: 0,
  bytes: 0,
  paths: [],
}

const WELL: Omit<Status, 'findings'> = {
  phase: 'open',
  self: null,
  online: true,
  peers: 1,
  addresses: ['/ip6/2001:db8::7/tcp/50000', '/ip4/192.0.2.7/tcp/50000'],
  queued: 0,
  contacts: { total: 1, reached: 1 },
  network: 'internet-unknown',
  lan: { on: true, peers: 2, only: false },
  isPrivate: false,
  dht: { on: true, mode: 'server', servers: 4, stored: 0, published: 1 },
  reach: { observed: ['/ip4/192.0.2.7'], publiclyReachable: 'yes', natMapping: 'none' },
  relays: NO_RELAYS,
  storage: { path: '/somewhere', bytes: 1, trouble: null },
  version: '0',
  startedAt: '2026-01-01T00:00:00.000Z',
}

const person = (name: string, more: Partial<Contact> = {}): Contact =>
  ({
    id: name[0]?.toLowerCase().repeat(52),
    name,
    state: 'active',
    online: true,
    reason: null,
    carrier: 'on',
    ...more,
  }) as Contact
const ANA = person('Ana')

type Change = Partial<Omit<Status, 'findings'>>

/** Messages wait for whoever is away. */
const found = (status: Change, contacts: readonly Contact[] = [ANA]): readonly Finding[] =>
  findingsOf(
    { ...WELL, ...status },
    contacts,
    new Map(contacts.filter(({ online }) => !online).map(({ id }) => [id, 3])),
  )
const codes = (status: Change, contacts?: readonly Contact[]) => found(status, contacts).map(({ code }) => code)
const levels = (status: Change, contacts?: readonly Contact[]) => found(status, contacts).map(({ level }) => level)
const said = (status: Change, contacts: readonly Contact[] = [ANA]): string => {
  const now = { ...WELL, ...status, findings: found(status, contacts) }
  const names = new Map(contacts.map(({ id, name }) => [id, name]))
  return now.findings
    .map((one) => findingWords(one, now, names))
    .map(({ what, todo }) => `${what} ${todo}`)
    .join('\n')
}

test('where all is well, only that is said', () => {
  expect(new Set(levels({}))).toEqual(new Set(['good']))
})

test.each<[string, Change, RegExp]>([
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

test('without a network nothing is said of what only a network has', () => {
  expect(codes({ network: 'none' })).toEqual(['no-network', 'stored', 'nothing-waits'])
})

test.each([
  ['locked', ['locked']],
  ['empty', ['no-profile']],
] as const)('a profile that is %s is the problem, not its network', (phase, expected) => {
  const { dht: _d, reach: _r, relays: _l, ...nothingRuns } = WELL
  const closed = { ...nothingRuns, phase, network: 'none', addresses: [] } as const
  expect(findingsOf(closed, [], new Map()).map(({ code }) => code)).toEqual(expected)
})

test('a disk that fails under what ran is not a lost network', () => {
  const { dht: _d, reach: _r, relays: _l, ...nothingRuns } = WELL
  const suspended = { ...nothingRuns, network: 'none', storage: { path: '/x', bytes: 0, trouble: 'Full.' } } as const
  expect(findingsOf(suspended, [], new Map()).map(({ code }) => code)).toEqual(['not-stored'])
})

const NOBODY = { observed: [], publiclyReachable: 'no', natMapping: 'unknown' } as const

test('a node that nobody reaches is told which port to open, or to have a relay', () => {
  expect(said({ reach: NOBODY })).toMatch(/Nobody outside.*TCP port 50000.*relays for you/)
  expect(levels({ reach: NOBODY })[0]).toBe('note')
  const at = [
    { contact: ANA.id, state: 'held' },
    { contact: 'b'.repeat(52), state: 'refused' },
  ] as const
  const relays = { ...NO_RELAYS, at, fromOutside: true }
  expect(said({ reach: NOBODY, relays })).toContain('from outside, through the node of Ana.')
  // A relay that is nearby itself helps nobody outside.
  expect(codes({ reach: NOBODY, relays: { ...relays, fromOutside: false } })).toContain('not-reachable')
  expect(levels({ reach: NOBODY, relays })).not.toContain('note')
})

test.each([
  ['lost', /The node of Ana relayed for this one, and is not reached any more\./],
  ['refused', /The node of Ana has no place for this one now\./],
  ['no-relay', /The node of Ana does not relay\./],
] as const)('a contact’s node that has no place is named, and why, unless another has one: %s', (state, sentence) => {
  const at = [{ contact: ANA.id, state }] as const
  expect(said({ reach: NOBODY, relays: { ...NO_RELAYS, at } })).toMatch(sentence)
  const held = { contact: 'b'.repeat(52), state: 'held' } as const
  const relays = { ...NO_RELAYS, at: [...at, held], fromOutside: true }
  expect(said({ reach: NOBODY, relays })).not.toMatch(sentence)
})

test.each([
  ['endpoint-dependent', /not directly: Ana\. The router here opens another door .*forward TCP port 50000/],
  [
    'endpoint-independent',
    /not directly: Ana\. The router here would let.*their side seems not to\. Messages go all the same\.$/m,
  ],
  ['none', /not directly: Ana\. No router stands before this machine/],
  ['unknown', /not directly: Ana\. .* is not known yet/],
] as const)('why no direct path was found is said where it was looked for: %s', (natMapping, sentence) => {
  const reach = { ...NOBODY, natMapping }
  const relays = (tries: number | null) => ({ ...NO_RELAYS, paths: [{ contact: ANA.id, tries }] })
  expect(said({ reach, relays: relays(1) })).toMatch(sentence)
  for (const tries of [0, null]) expect(said({ reach, relays: relays(tries) })).not.toContain('not directly')
})

test('what is not known yet asks for nothing, and on a network of its own nobody is outside', () => {
  const reach = { observed: [], publiclyReachable: 'unknown', natMapping: 'unknown' } as const
  expect(said({ reach })).toMatch(/not known yet.*by itself.* null$/m)
  const lan = { on: true, peers: 0, only: true }
  expect(codes({ reach: NOBODY, lan, network: 'local' })).toEqual([
    'lan-only',
    'stored',
    'looks-nearby',
    'dht-well',
    'mail-carried',
    'nothing-waits',
  ])
  expect(said({ lan })).toMatch(/--lan-only/)
  expect(said({ isPrivate: true })).toMatch(/same network key/)
  expect(said({ lan: { ...WELL.lan, on: false } })).toMatch(/not looked for.*--no-mdns/)
})

test('an empty hash table, and one that is off, say what helps', () => {
  const dht = { on: true, mode: 'client', servers: 0, stored: 0, published: 0 } as const
  expect(said({ dht })).toMatch(/No other node of the hash table.*--bootstrap/)
  expect(said({ dht: { ...dht, on: false, mode: 'off' } })).toMatch(/off.*--no-dht/)
})

test('messages that wait name for whom, ten at most, and a dead link is a problem', () => {
  const away = person('Bogdan', { online: false })
  const dead = person('Clara', { state: 'invited', reason: 'invite-used', online: false })
  expect(said({ queued: 3 }, [ANA, away])).toMatch(/3 of my messages wait for Bogdan\..*goes by itself/)
  expect(levels({}, [ANA, dead])[0]).toBe('problem')
  expect(codes({ queued: 3 }, [ANA, dead])).not.toContain('messages-wait')
  expect(said({}, [ANA, dead])).toMatch(/link of Clara leads nowhere.*new one/)
  const many = Array.from({ length: 500 }, (_, n) => person('x', { id: `${n}`, online: false }))
  expect(found({ queued: 3 }, many).find(({ code }) => code === 'messages-wait')).toMatchObject({ more: 490 })
  expect(said({ queued: 3 }, many)).toMatch(/and 490 more\./)
})

test('whoever is reached through relays alone is named while there is none', () => {
  const hidden = person('Dan', { relayOnly: true, online: false })
  expect(said({}, [ANA, hidden])).toMatch(/Reached through relays alone.*: Dan\. .*relay-only off/)
  const at = [{ contact: ANA.id, state: 'held' }] as const
  expect(codes({ relays: { ...NO_RELAYS, at } }, [ANA, hidden])).not.toContain('no-relay-for')
  expect(codes({}, [{ ...hidden, online: true }])).not.toContain('no-relay-for')
})

test('that nobody carries mail is said until somebody was asked, and who does', () => {
  const nobody = person('Ana', { carrier: null })
  expect(said({}, [nobody])).toMatch(/Nobody carries mail for me.*contact carrier on/)
  expect(codes({}, [person('Ana', { carrier: 'full' })])).toContain('no-carrier')
  for (const carrier of ['asked', 'on'] as const)
    expect(codes({}, [nobody, person('Bogdan', { carrier })])).not.toContain('no-carrier')
  expect(codes({}, [person('Ana', { carrier: 'asked' })])).not.toContain('mail-carried')
  expect(said({}, [ANA, person('Bogdan'), person('Clara', { carrier: 'off' })])).toContain('wait with Ana and Bogdan.')
  // Nobody can be asked before they answered.
  expect(codes({}, [person('Ana', { state: 'invited', carrier: null })])).not.toContain('no-carrier')
})

test('nobody yet', () => {
  expect(said({ contacts: { total: 0, reached: 0 } }, [])).toMatch(/no contacts yet.*tulnic invite/)
})

test.each([
  ['open', /lets others in, as it says/],
  ['refused', /and refused/],
  ['behind-another', /another one before it/],
  ['none', /No router here offers/],
] as const)('a router that says "%s" is told of, where nobody reaches this node', (router, words) => {
  expect(said({ reach: { observed: [], publiclyReachable: 'no', natMapping: 'unknown', router } })).toMatch(words)
  expect(said({ reach: { observed: [], publiclyReachable: 'yes', natMapping: 'unknown', router } })).not.toMatch(words)
})
