import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Address, parseAddress } from '../../../src/node/net/addresses.ts'
import { Dialing, type Want } from '../../../src/node/net/dialing.ts'
import type { InterfaceAddress, Machine } from '../../../src/node/net/machine.ts'
import { LIMITS, type Limits } from '../../../src/node/net/protocols.ts'
import { type AccountId, noble } from '../../../src/protocol/index.ts'

/** Dialing alone, in virtual time: what is dialed is written down, and answered as the test says. */
function world(
  options: { limits?: Partial<Limits>; lanOnly?: boolean; interfaces?: readonly InterfaceAddress[] } = {},
) {
  vi.useFakeTimers()
  const dialed: { to: string; at: number; signal: AbortSignal; answer: (reached: boolean) => void }[] = []
  const notReached: number[] = []
  const connected = new Set<AccountId>()
  const also = new Map<AccountId, readonly Address[]>()
  const interfaces: readonly InterfaceAddress[] = options.interfaces ?? [
    { address: '192.168.7.2', family: 4, prefix: 24, internal: false, name: 'lan0' },
  ]
  const machine: Machine = {
    primitives: noble,
    transports: () => [],
    nextTurn: () => () => {},
    interfaces: () => interfaces,
    freePort: () => Promise.resolve(1),
    multicast: () => ({ ask: () => {}, refresh: () => {}, stop: () => Promise.resolve() }),
    gateways: () => [],
    search: () => ({ stop: async () => {} }),
    http: async () => undefined,
    datagrams: () => ({ send: () => {}, stop: () => Promise.resolve() }),
    now: Date.now,
  }
  /** By which PeerIDs a relay goes or went. */
  const names = new Map<string, string[]>()
  const dialing = new Dialing(machine, { ...LIMITS, ...options.limits }, options.lanOnly ?? false, {
    reach: (address, _want, signal) =>
      new Promise((resolve) => {
        dialed.push({ to: address.text, at: Date.now(), signal, answer: resolve })
        signal.addEventListener('abort', () => resolve(false))
      }),
    reaches: (contact) => connected.has(contact),
    alsoAt: (contact) => also.get(contact) ?? [],
    namesOf: (relay) => names.get(relay) ?? [relay],
    notReached: () => notReached.push(Date.now()),
    random: (n) => new Uint8Array(n).fill(255),
  })
  return { dialing, dialed, notReached, connected, also, names }
}

const anna = 'anna' as AccountId
const near = '/ip4/192.168.7.9/tcp/4001'
const far = '/ip4/198.51.100.7/tcp/4001'
const farther = '/ip4/203.0.113.7/tcp/4001'
const want = (addresses: readonly string[], more: Partial<Want> = {}): Want => ({
  type: 'want',
  contact: anna,
  addresses,
  stranger: false,
  relayOnly: false,
  now: false,
  ...more,
})

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

describe('a round', () => {
  afterEach(() => vi.useRealTimers())

  test('begins nearby, and tries the next address beside one that does not answer', async () => {
    const { dialing, dialed } = world()
    dialing.want(want([far, farther, near]))
    await pass(0)
    expect(dialed.map(({ to }) => to)).toEqual([near])
    await pass(LIMITS.staggerMs)
    expect(dialed.map(({ to }) => to)).toEqual([near, far])
    dialed[1]?.answer(false)
    await pass(0)
    expect(dialed.map(({ to }) => to)).toEqual([near, far, farther])
  })

  test('ends for all when one address reaches the contact', async () => {
    const { dialing, dialed, notReached } = world()
    dialing.want(want([far, farther, near]))
    await pass(2 * LIMITS.staggerMs)
    dialed[2]?.answer(true)
    await pass(0)
    expect(dialed.map(({ signal }) => signal.aborted)).toEqual([true, true, true])
    await pass(3_600_000)
    expect(notReached).toEqual([])
    expect(dialed).toHaveLength(3)
  })

  test('says that nobody was reached, and comes again after 1, 2, 4 … seconds, at most 2 minutes', async () => {
    const { dialing, dialed, notReached } = world()
    dialing.want(want([near]))
    for (let i = 0; i < 12; i++) {
      await pass(0)
      expect(dialed).toHaveLength(i + 1)
      dialed[i]?.answer(false)
      await pass(0)
      expect(notReached).toHaveLength(i + 1)
      await vi.advanceTimersToNextTimerAsync()
    }
    const pauses = dialed.slice(1).map(({ at }, i) => at - (dialed[i]?.at ?? 0))
    expect(pauses.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 64].map((seconds) => seconds * 1000))
    expect(pauses.slice(7)).toEqual(Array.from({ length: pauses.length - 7 }, () => 120_000))
  })

  test('comes at once when the network changes, when asked to, and with a new address', async () => {
    const { dialing, dialed } = world()
    dialing.want(want([near]))
    const fail = async (): Promise<void> => {
      await pass(0)
      dialed.at(-1)?.answer(false)
      await pass(0)
    }
    for (let i = 0; i < 5; i++) {
      await fail()
      await vi.advanceTimersToNextTimerAsync()
    }
    await fail()
    const before = dialed.length
    dialing.again()
    await fail()
    expect(dialed).toHaveLength(before + 1)
    dialing.want(want([near], { now: true }))
    await fail()
    expect(dialed).toHaveLength(before + 2)
    dialing.want(want([near]))
    await pass(0)
    expect(dialed, 'nothing new was said').toHaveLength(before + 2)
    dialing.want(want([near, far]))
    await fail()
    await fail()
    expect(dialed).toHaveLength(before + 4)
    await pass(1000)
    expect(dialed, 'the pause begins with a second again').toHaveLength(before + 5)
  })

  test('is not begun for who is connected, and ends when they connect', async () => {
    const { dialing, dialed, connected, notReached } = world()
    connected.add(anna)
    dialing.want(want([near]))
    await pass(10_000)
    expect(dialed).toEqual([])
    connected.delete(anna)
    dialing.lost(anna, undefined)
    await pass(1000)
    expect(dialed).toHaveLength(1)
    connected.add(anna)
    dialing.reached(anna, true)
    await pass(0)
    expect(dialed[0]?.signal.aborted).toBe(true)
    await pass(3_600_000)
    expect([dialed.length, notReached.length]).toEqual([1, 0])
  })

  test('ends with the wish', async () => {
    const { dialing, dialed, notReached } = world()
    dialing.want(want([near]))
    await pass(0)
    dialing.unwant(anna)
    await pass(3_600_000)
    expect(dialed[0]?.signal.aborted).toBe(true)
    expect([dialed.length, notReached.length]).toEqual([1, 0])
  })

  test('keeps an address that led to somebody else for the end, and does not hurry back', async () => {
    const { dialing, dialed, connected } = world()
    dialing.want(want([near, far], { stranger: true }))
    await pass(0)
    connected.add(anna)
    dialing.reached(anna, false)
    dialed[0]?.answer(true)
    await pass(0)
    connected.delete(anna)
    dialing.lost(anna, near)
    await pass(1000)
    await pass(LIMITS.staggerMs)
    expect(dialed.map(({ to }) => to)).toEqual([near, far, near])
  })

  test('dials one address once at a time, whoever wants it, and no more than the limit together', async () => {
    const { dialing, dialed } = world({ limits: { dials: 2 } })
    dialing.want(want([near]))
    dialing.want(want([near], { contact: 'bela' as AccountId }))
    dialing.want(want([far], { contact: 'carl' as AccountId }))
    dialing.want(want([farther], { contact: 'dora' as AccountId }))
    await pass(0)
    expect(dialed.map(({ to }) => to)).toEqual([near, far])
    dialed[1]?.answer(false)
    await pass(0)
    expect(dialed.map(({ to }) => to)).toEqual([near, far, farther])
    dialed[0]?.answer(true)
    await pass(0)
    expect(dialed.map(({ to }) => to)).toEqual([near, far, farther, near])
  })

  test('asks no name, and with lan-only nobody outside', async () => {
    const names = [
      '/dns4/example.org/tcp/1',
      '/dnsaddr/example.org',
      '/ip4/1.2.3.4/udp/9/quic-v1',
      'nonsense',
      '/ip4/1.2.3.4/tcp/0',
    ]
    const open = world()
    open.dialing.want(want([...names, far]))
    await pass(LIMITS.staggerMs)
    expect(open.dialed.map(({ to }) => to)).toEqual([far])
    const closed = world({ lanOnly: true })
    const allowed = [near, '/ip4/127.0.0.1/tcp/5', '/ip6/::1/tcp/5', '/ip4/169.254.3.3/tcp/5']
    closed.dialing.want(want([far, farther, '/ip4/192.168.8.9/tcp/5', '/ip6/2001:db8::1/tcp/5', ...allowed]))
    await pass(LIMITS.staggerMs * 10)
    expect(closed.dialed.map(({ to }) => to).toSorted()).toEqual(allowed.toSorted())
  })

  test('tries where the contact was met on this network, too', async () => {
    const { dialing, dialed, also } = world()
    also.set(
      anna,
      [parseAddress(near)].filter((address) => address !== undefined),
    )
    dialing.want(want([]))
    await pass(0)
    expect(dialed.map(({ to }) => to)).toEqual([near])
  })

  const PEER = '12D3KooWSd2zi8ieyfbxNJeyFsJgY68Y11v95fb3wP9uaqpinouJ'
  const RELAY = '12D3KooWBtp1AcgweFSArD7dbKWYpAr8MZR1tofwNwLFLjeNGLWa'
  const by = (relay: string): string => `${relay}/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`

  test('goes through relays last, and never to nobody', async () => {
    const { dialing, dialed } = world()
    dialing.want(want([by(near), `${far}/p2p/${RELAY}/p2p-circuit`, far]))
    await pass(10 * LIMITS.staggerMs)
    expect(dialed.map(({ to }) => to)).toEqual([far, by(near)])
  })

  test('with lan-only, goes to relays of this network alone', async () => {
    const { dialing, dialed } = world({ lanOnly: true })
    dialing.want(want([by(near), by(far)]))
    await pass(10 * LIMITS.staggerMs)
    expect(dialed.map(({ to }) => to)).toEqual([by(near)])
  })

  test('only through relays: no direct address, not even where the contact was met', async () => {
    const { dialing, dialed, also } = world()
    also.set(
      anna,
      [parseAddress(near)].filter((address) => address !== undefined),
    )
    dialing.want(want([far, by(far), farther], { relayOnly: true }))
    await pass(10 * LIMITS.staggerMs)
    expect(dialed.map(({ to }) => to)).toEqual([by(far)])
    expect([dialing.directly(anna), dialing.isHidden(anna), [...dialing.hidden()]]).toEqual([undefined, true, [anna]])
    dialed[0]?.answer(false)
    dialing.want(want([far, by(far), farther]))
    await pass(0)
    expect(dialed[1]?.to, 'at once when there is nothing to hide any more').toBe(near)
    expect(dialing.directly(anna)?.addresses.map(({ text }) => text)).toEqual([near, far, farther])
    expect([...dialing.hidden()]).toEqual([])
  })

  test('begins at once when a relay is there that leads to the contact, by whatever name, and does not break off for it', async () => {
    const { dialing, dialed, names } = world()
    dialing.want(want([by(far)], { relayOnly: true }))
    dialing.want(want([farther], { contact: 'bela' as AccountId }))
    await pass(0)
    for (const { answer } of dialed) answer(false)
    await pass(0)
    const before = dialed.length
    dialing.relayCame('12D3KooWsomebodyelse')
    await pass(0)
    expect(dialed).toHaveLength(before)
    dialing.relayCame(RELAY)
    await pass(0)
    expect(dialed.slice(before).map(({ to }) => to)).toEqual([by(far)])
    dialing.relayCame(RELAY)
    await pass(0)
    expect(dialed).toHaveLength(before + 1)
    expect(dialed.at(-1)?.signal.aborted).toBe(false)
    dialed.at(-1)?.answer(false)
    await pass(0)
    names.set('12D3KooWitsnextname', ['12D3KooWitsnextname', RELAY])
    dialing.relayCame('12D3KooWitsnextname')
    await pass(0)
    expect(dialed).toHaveLength(before + 2)
  })

  test('comes at once when a relayed connection ran out, but not in a circle', async () => {
    const { dialing, dialed, connected } = world()
    dialing.want(want([by(far)]))
    await pass(0)
    connected.add(anna)
    dialing.reached(anna, true)
    dialed[0]?.answer(true)
    await pass(0)
    connected.delete(anna)
    dialing.lost(anna, undefined, true)
    await pass(0)
    expect(dialed).toHaveLength(2)
    dialed[1]?.answer(false)
    await pass(0)
    dialing.lost(anna, undefined, true)
    await pass(0)
    expect(dialed, 'after a failure the pause holds').toHaveLength(2)
  })
})
