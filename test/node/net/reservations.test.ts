import { afterEach, expect, test, vi } from 'vitest'
import type { Reserved } from '../../../src/node/net/relay/circuit.ts'
import type { Link } from '../../../src/node/net/link.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { Reservations } from '../../../src/node/net/relay/reservations.ts'
import { Upgrading } from '../../../src/node/net/relay/upgrading.ts'
import { type Address, parseAddress } from '../../../src/node/net/addresses.ts'
import type { Want } from '../../../src/node/net/dialing.ts'
import type { AccountId } from '../../../src/protocol/index.ts'

afterEach(() => vi.useRealTimers())

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

const SELF = '12D3KooWSd2zi8ieyfbxNJeyFsJgY68Y11v95fb3wP9uaqpinouJ'

/** Places alone, in virtual time: who is asked is written down, and answered as the test says. */
function world() {
  vi.useFakeTimers()
  const asked: { relay: string; at: number; answer: (reserved: Reserved) => void }[] = []
  const links: Link[] = []
  const state = { reachable: undefined as boolean | undefined, changed: 0, released: 0, forgotten: [] as string[] }
  const circuit = {
    reserve: (relay: { toString(): string }) =>
      new Promise<Reserved>((answer) => asked.push({ relay: relay.toString(), at: Date.now(), answer })),
    release: () => {
      state.released++
    },
    forget: (relay: { toString(): string }) => {
      state.forgotten.push(relay.toString())
    },
  }
  const places = new Reservations(circuit, LIMITS, {
    self: SELF,
    reachable: () => state.reachable,
    candidates: () => links,
    changed: () => {
      state.changed++
    },
    now: Date.now,
    random: (n) => new Uint8Array(n).fill(255),
  })
  const join = (peer: string, via: 'lan' | 'direct' = 'direct'): void => {
    links.push({
      peer,
      via,
      dialed: true,
      address: `/ip4/198.51.100.${links.length + 1}/tcp/5`,
      openedAt: links.length,
      standing: { phase: 'known', contact: peer as AccountId, device: peer },
      connection: { remotePeer: { toString: () => peer } },
    } as unknown as Link)
    places.review()
  }
  const leave = (peer: string): void => {
    links.splice(
      links.findIndex((link) => link.peer === peer),
      1,
    )
    places.lost(peer)
    places.review()
  }
  const answer = async (peer: string, reserved: Reserved): Promise<void> => {
    asked.findLast(({ relay }) => relay === peer)?.answer(reserved)
    await pass(0)
  }
  /** Who was joined says whether it relays. */
  const tell = (peer: string, isRelay: boolean): void => {
    const link = links.find((one) => one.peer === peer)
    if (link !== undefined) places.told(link, isRelay)
  }
  return { places, asked, state, join, leave, answer, tell }
}

const GIVEN: Reserved = { kind: 'reserved', addresses: [] }

test('three places at most, beyond the local network first, and the next when one is lost', async () => {
  const { places, asked, state, join, leave, answer } = world()
  state.reachable = true
  for (const peer of ['near', 'a', 'b', 'c', 'd']) join(peer, peer === 'near' ? 'lan' : 'direct')
  expect(asked).toEqual([])
  state.reachable = false
  places.review()
  expect(asked.map(({ relay }) => relay)).toEqual(['a', 'b', 'c'])
  for (const peer of ['a', 'b', 'c']) await answer(peer, GIVEN)
  expect(asked).toHaveLength(3)
  expect(places.addresses()).toEqual([
    `/ip4/198.51.100.2/tcp/5/p2p/a/p2p-circuit/p2p/${SELF}`,
    `/ip4/198.51.100.3/tcp/5/p2p/b/p2p-circuit/p2p/${SELF}`,
    `/ip4/198.51.100.4/tcp/5/p2p/c/p2p-circuit/p2p/${SELF}`,
  ])
  leave('b')
  expect(asked.slice(3).map(({ relay }) => relay)).toEqual(['d'])
  expect(places.addresses()).toHaveLength(2)
})

test('who refuses is asked again after 15 s, 30 s … 30 min, who does not relay never, and at once when the network changed', async () => {
  const { places, asked, join, answer } = world()
  join('a')
  join('b')
  await answer('b', { kind: 'no-relay' })
  for (let i = 0; i < 10; i++) {
    await answer('a', { kind: 'refused' })
    await vi.advanceTimersToNextTimerAsync()
  }
  const pauses = asked.filter(({ relay }) => relay === 'a').map(({ at }, i, all) => at - (all[i - 1]?.at ?? at))
  expect(pauses.slice(1)).toEqual([15, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800].map((seconds) => seconds * 1000))
  await answer('a', { kind: 'broken' })
  expect(places.states()).toEqual([
    { contact: 'a', state: 'lost' },
    { contact: 'b', state: 'no-relay' },
  ])
  const before = asked.length
  places.again()
  expect(asked.slice(before).map(({ relay }) => relay)).toEqual(['a'])
})

test('a place that went with its connection is told as lost until that contact is there again; three such are remembered', async () => {
  const { places, join, leave, answer } = world()
  for (const peer of ['a', 'b', 'c', 'd']) {
    join(peer)
    await answer(peer, GIVEN)
    leave(peer)
  }
  const lost = (peer: string) => ({ contact: peer, state: 'lost' })
  expect(places.states()).toEqual(['b', 'c', 'd'].map(lost))
  join('c')
  expect(places.states()).toEqual([{ contact: 'c', state: 'asking' }, lost('b'), lost('d')])
  // One that never gave a place is nobody to us once it is gone.
  join('e')
  await answer('e', { kind: 'refused' })
  leave('e')
  expect(places.states()).toEqual([{ contact: 'c', state: 'asking' }, lost('b'), lost('d')])
})

test('who says that it does not relay is not asked however long, nor when the network changed; but when it says that it does', async () => {
  const { places, asked, join, answer, tell } = world()
  join('a')
  await answer('a', { kind: 'refused' })
  tell('a', false)
  await pass(24 * 3600_000)
  places.again()
  expect(asked).toHaveLength(1)
  expect(places.states()).toEqual([{ contact: 'a', state: 'no-relay' }])
  tell('a', true)
  expect(asked).toHaveLength(2)
  await answer('a', GIVEN)
  expect(places.holds('a')).toBe(true)
  // It says so again: nothing is new.
  tell('a', true)
  expect(asked).toHaveLength(2)
})

test('a place at who does not relay any more is given up for another, also one that was being asked for', async () => {
  const { places, asked, state, join, answer, tell } = world()
  for (const peer of ['a', 'b', 'c', 'd']) join(peer)
  for (const peer of ['a', 'b']) await answer(peer, GIVEN)
  const before = state.changed
  tell('a', false)
  expect(state.changed).toBe(before + 1)
  expect(state.forgotten).toEqual(['a'])
  expect(places.addresses().some((address) => address.includes('/p2p/a/'))).toBe(false)
  expect(asked.map(({ relay }) => relay)).toEqual(['a', 'b', 'c', 'd'])
  tell('c', false)
  await answer('c', GIVEN)
  expect(places.holds('c')).toBe(false)
  expect(state.forgotten).toEqual(['a', 'c'])
  // While others reach us nobody is asked; who does not relay is remembered.
  state.reachable = true
  places.review()
  state.reachable = false
  places.review()
  expect(asked.slice(4).map(({ relay }) => relay)).toEqual(['b', 'd'])
})

test('a place lost on a connection that another replaced is asked for again at once, but not in a circle', async () => {
  const { places, asked, join, answer } = world()
  join('a')
  await answer('a', GIVEN)
  places.lost('a')
  expect(asked).toHaveLength(2)
  await answer('a', GIVEN)
  places.lost('a')
  expect(asked).toHaveLength(2)
  await pass(2 * LIMITS.relayAgainMs)
  expect(asked).toHaveLength(3)
  await answer('a', GIVEN)
  await pass(2 * LIMITS.relayAgainMs)
  places.lost('a')
  expect(asked, 'it had lasted').toHaveLength(4)
})

test('who is reached directly gives all places up, and asks nobody', async () => {
  const { places, asked, state, join, answer } = world()
  join('a')
  await answer('a', GIVEN)
  expect([places.addresses().length, state.changed]).toEqual([1, 1])
  state.reachable = true
  places.review()
  expect([places.addresses().length, state.changed, state.released]).toEqual([0, 2, 1])
  join('b')
  await pass(3_600_000)
  expect(asked).toHaveLength(1)
})

/** Upgrading alone, in virtual time. */
function upgrades(isLower: boolean, relayOnly = false) {
  vi.useFakeTimers()
  const tried: { how: string; at: number; answer: (reached: boolean) => void; signal: AbortSignal }[] = []
  const attempt = (how: string, signal: AbortSignal): Promise<boolean> =>
    new Promise((answer) => {
      tried.push({ how, at: Date.now(), answer, signal })
      signal.addEventListener('abort', () => answer(false))
    })
  const addresses = ['/ip4/198.51.100.1/tcp/1', '/ip4/198.51.100.2/tcp/2'].flatMap((text) => parseAddress(text) ?? [])
  const upgrading = new Upgrading(LIMITS, {
    directly: () => (relayOnly ? undefined : { want: {} as Want, addresses }),
    reachDirectly: (address: Address, _want, signal) => attempt(address.text, signal),
    reachThrough: (_link, _want, signal) => attempt('webrtc', signal),
    now: Date.now,
    random: (n) => new Uint8Array(n).fill(255),
  })
  const [local, remote] = isLower ? [Uint8Array.of(1), Uint8Array.of(2)] : [Uint8Array.of(2), Uint8Array.of(1)]
  const link = (via: string): Link => ({ via, ends: { local, remote }, openedAt: Date.now() }) as unknown as Link
  return { upgrading, tried, link, how: () => tried.map(({ how }) => how) }
}

const anna = 'anna' as AccountId
const DIRECT = ['/ip4/198.51.100.1/tcp/1', '/ip4/198.51.100.2/tcp/2']

test('the lower PeerID tries addresses, and WebRTC beside those that do not answer; the higher waits, and does not negotiate', async () => {
  const lower = upgrades(true)
  lower.upgrading.reached(anna, lower.link('direct'))
  await pass(60_000)
  expect(lower.how()).toEqual([])
  lower.upgrading.reached(anna, lower.link('relayed'))
  await pass(0)
  expect(lower.how()).toEqual(DIRECT)
  await pass(LIMITS.upgradeWaitMs)
  expect(lower.how()).toEqual([...DIRECT, 'webrtc'])
  lower.tried[2]?.answer(true)
  await pass(3_600_000)
  expect(lower.tried, 'done').toHaveLength(3)
  expect(lower.tried[0]?.signal.aborted).toBe(true)
  const higher = upgrades(false)
  higher.upgrading.reached(anna, higher.link('relayed'))
  await pass(LIMITS.upgradeWaitMs - 1)
  expect(higher.how()).toEqual([])
  await pass(LIMITS.upgradeWaitMs + 1)
  expect(higher.how()).toEqual(DIRECT)
})

test('again after 2 s, 4 s … 30 min, at once when the network changed, not after the link has ended', async () => {
  const { upgrading, tried, link } = upgrades(true)
  const relayed = link('relayed')
  upgrading.reached(anna, relayed)
  const fail = async (): Promise<void> => {
    for (let round = 0; round < 2; round++) {
      for (const { answer } of tried) answer(false)
      await pass(0)
    }
  }
  await pass(0)
  for (const seconds of [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800]) {
    await fail()
    const before = tried.length
    await pass(seconds * 1000 - 1)
    expect(tried).toHaveLength(before)
    await pass(1)
    expect(tried, `after ${seconds} s`).toHaveLength(before + 2)
  }
  await fail()
  const before = tried.length
  upgrading.again()
  await pass(0)
  expect(tried.length).toBe(before + 2)
  await fail()
  upgrading.closed(relayed)
  const after = tried.length
  await pass(3_600_000)
  expect(tried).toHaveLength(after)
})

test('a direct link that breaks at once is not taken in a circle, and one that lasted is forgiven', async () => {
  const { upgrading, tried, link } = upgrades(true)
  const breaks = async (afterMs: number): Promise<void> => {
    const direct = link('direct')
    upgrading.reached(anna, direct)
    await pass(afterMs)
    upgrading.closed(direct)
  }
  for (const pause of [0, 2000, 4000]) {
    const [relayed, before] = [link('relayed'), tried.length]
    upgrading.reached(anna, relayed)
    if (pause > 0) {
      await pass(pause - 1)
      expect(tried).toHaveLength(before)
    }
    await pass(1)
    expect(tried, `after ${pause} ms`).toHaveLength(before + 2)
    upgrading.closed(relayed)
    await breaks(1000)
  }
  await breaks(60_000)
  const before = tried.length
  upgrading.reached(anna, link('relayed'))
  await pass(0)
  expect(tried).toHaveLength(before + 2)
})

test('for who is only reached through relays nothing is tried, however often one looks', async () => {
  const { upgrading, how, link } = upgrades(true, true)
  upgrading.reached(anna, link('relayed'))
  await pass(3_600_000)
  expect(how()).toEqual([])
})
