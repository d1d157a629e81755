import { createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, onTestFinished, test } from 'vitest'
import type { Input } from '../../../src/node/engine/input.ts'
import type { Link } from '../../../src/node/net/link.ts'
import { Links } from '../../../src/node/net/links.ts'
import type { InterfaceAddress } from '../../../src/node/net/machine.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { compare } from '../../../src/protocol/index.ts'
import { dialAsContact, hostile } from './hostile.ts'
import { friends, machineWith, numbers, type Online, online, person, random } from './world.ts'

const portOf = (node: Online): number => Number(node.address.split('/')[4])
const nothingThere = '/ip4/127.0.0.1/tcp/9'

async function listening(host = '127.0.0.1'): Promise<{ address: string; server: Server; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // Unread, it would never say that it ended.
    socket.resume()
    sockets.push(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const at = server.address()
  if (at === null || typeof at === 'string') throw new Error('no port')
  return { address: `/ip4/${host}/tcp/${at.port}`, server, sockets }
}

test('a contact that restarts on its port under a new PeerID is reached again', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const first = await online(bob)
  const listenPort = portOf(first)
  a.want(bob, [first.address])
  const { connection } = await a.heard.next('connected')
  a.net.perform({ type: 'send', connection, frames: [{ id: random(16), bytes: random(50) }] })
  await first.heard.frames(1)
  await first.stop()
  expect(await a.heard.next('disconnected')).toMatchObject({ connection })
  const again = await online(bob, { config: { listenPort } })
  expect(await a.heard.next('connected', 2)).toMatchObject({
    contact: bob.id,
    device: bob.keys.id,
    address: first.address,
  })
  expect(await again.heard.next('connected')).toMatchObject({ contact: alice.id, dialed: false })
  expect(a.heard.of('acknowledged'), 'what was not acknowledged is not, whatever happened to it').toEqual([])
})

test('a live address is reached beside dead ones, which are then let go', async () => {
  const { alice, bob } = friends()
  const silent = [await listening(), await listening(), await listening()]
  const a = await online(alice, { limits: { addressMs: 3_600_000, staggerMs: 5 } })
  const b = await online(bob)
  // In the order of the list: all are as near.
  const gone = silent.map(
    ({ server }) =>
      new Promise<void>((resolve) => server.on('connection', (socket) => socket.on('close', () => resolve()))),
  )
  a.want(bob, [nothingThere, ...silent.map(({ address }) => address), b.address])
  await a.heard.next('connected')
  expect(silent.map(({ sockets }) => sockets.length > 0)).toEqual([true, true, true])
  await Promise.all(gone)
  expect(a.heard.of('not-reached')).toEqual([])
})

test('of several addresses of one node one connection is made', async () => {
  const { alice, bob } = friends()
  const a = await online(alice, { limits: { staggerMs: 0 } })
  const b = await online(bob)
  const port = portOf(b)
  const listen = await Promise.all([1, 2, 3].map(() => nodejsMachine().freePort(0)))
  a.want(bob, [b.address, `/ip6/::1/tcp/${port}`, ...listen.map((free) => `/ip4/127.0.0.1/tcp/${free}`)])
  const { connection } = await a.heard.next('connected')
  const toA = (await b.heard.next('connected')).connection
  a.net.perform({ type: 'send', connection, frames: [{ id: random(16), bytes: random(50) }] })
  expect(await b.heard.next('frames')).toMatchObject({ connection: toA })
  expect([...a.heard.of('disconnected'), ...b.heard.of('disconnected')]).toEqual([])
  expect([a.heard.of('connected').length, b.heard.of('connected').length]).toEqual([1, 1])
})

test('an address where somebody else is now is not the contact, and the others are tried', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const stranger = await online(person())
  const b = await online(bob)
  a.want(bob, [stranger.address, b.address])
  await a.heard.next('connected')
  expect(a.heard.of('reached-stranger')).toEqual([])
})

test('both dial at once: one connection stays, and no frame is lost without a word', async () => {
  for (let round = 0; round < 8; round++) {
    const { alice, bob } = friends()
    const sides = [await online(alice), await online(bob)] as const
    const [a, b] = sides
    const sent = new Map<string, number>()
    const settled = new Set<string>()
    const key = (side: number, id: Uint8Array): string => `${side} ${id.join()}`
    for (const [side, one] of sides.entries()) {
      const other = sides[1 - side]!
      const handled = new Set<Input>()
      // An engine of three lines: speaks when connected, stores and acknowledges what comes.
      void one.heard
        .until('the end', (inputs) => {
          for (const input of inputs) {
            if (handled.has(input)) continue
            handled.add(input)
            if (input.type === 'connected') {
              const frame = { id: random(16), bytes: random(40) }
              frame.bytes.set(frame.id)
              sent.set(key(side, frame.id), input.connection)
              one.net.perform({ type: 'send', connection: input.connection, frames: [frame] })
            } else if (input.type === 'frames') {
              const ids = input.frames.map((bytes) => bytes.slice(0, 16))
              one.net.perform({ type: 'acknowledge', connection: input.connection, ids })
            } else if (input.type === 'acknowledged') {
              for (const id of input.ids) settled.add(key(side, id))
            }
          }
          return undefined
        })
        .catch(() => undefined)
      expect(other).toBeDefined()
    }
    a.want(bob, [b.address])
    b.want(alice, [a.address])
    const open = ({ heard }: Online): number[] => {
      const ended = new Set(heard.of('disconnected').map(({ connection }) => connection))
      return heard.of('connected').flatMap(({ connection }) => (ended.has(connection) ? [] : [connection]))
    }
    const told = (side: number, one: Online): boolean =>
      [...sent].every(
        ([frame, connection]) => !frame.startsWith(`${side} `) || settled.has(frame) || !open(one).includes(connection),
      )
    for (const [side, one] of sides.entries()) {
      const done = (): true | undefined => (open(one).length === 1 && told(side, one) ? true : undefined)
      await one.heard.until('one connection, every frame accounted for', done)
    }
    const [ofA] = open(a)
    const [ofB] = open(b)
    const dialedByA = a.heard.of('connected').find(({ connection }) => connection === ofA)?.dialed
    const dialedByB = b.heard.of('connected').find(({ connection }) => connection === ofB)?.dialed
    expect([dialedByA, dialedByB].filter(Boolean), 'the same one on both sides').toHaveLength(1)
    await Promise.all([a.stop(), b.stop()])
  }
})

/** Three PeerIDs, the lowest first. */
async function threePeers(): Promise<[PeerId, PeerId, PeerId]> {
  const ids = await Promise.all([1, 2, 3].map(async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
  return ids.toSorted((x, y) => compare(x.toMultihash().bytes, y.toMultihash().bytes)) as [PeerId, PeerId, PeerId]
}

/** The links of one PeerID, over connections on which nothing is ever heard, and what is told of them. */
function table(self: PeerId, now = Date.now) {
  const inputs: Input[] = []
  const notice = { reached: () => {}, lost: () => {}, closed: () => {} }
  const local = self.toMultihash().bytes
  const links = new Links(machineWith({ now }), LIMITS, local, numbers(), (input) => inputs.push(input), notice)
  let made = 0
  const open = (remotePeer: PeerId, direction: 'inbound' | 'outbound'): Link => {
    const connection = {
      id: `c${++made}`,
      remotePeer,
      direction,
      remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/5'),
      streams: [],
    }
    const whole = {
      ...connection,
      newStream: () => new Promise(() => {}),
      abort: () => links.closed(whole as unknown as Connection),
    }
    return links.open(whole as unknown as Connection)
  }
  const told = (): string[] => inputs.map((input) => `${input.type} ${'connection' in input ? input.connection : ''}`)
  return { links, open, told }
}

test('of two connections to one run of a device the one that the lower PeerID dialed stays; of two runs the newer', async () => {
  const [low, middle, high] = await threePeers()
  const found = { contact: person().id, device: person().keys.id }
  const lower = table(low)
  const dialed = lower.open(high, 'outbound')
  expect(lower.links.settle(dialed, found, null)).toBe(true)
  expect(lower.links.settle(lower.open(high, 'inbound'), found, null), 'the higher dialed it').toBe(false)
  expect(lower.told()).toEqual(['connected 1'])

  const higher = table(high)
  const mine = higher.open(low, 'outbound')
  expect(higher.links.settle(mine, found, null)).toBe(true)
  expect(higher.links.settle(higher.open(low, 'inbound'), found, null), 'the lower dialed it').toBe(true)
  expect(higher.told()).toEqual(['connected 1', 'connected 2', 'disconnected 1'])

  const runs = table(middle)
  runs.links.settle(runs.open(low, 'inbound'), found, null)
  runs.links.settle(runs.open(high, 'inbound'), found, null)
  expect(runs.told(), 'a device runs once').toEqual(['connected 1', 'connected 2', 'disconnected 1'])
})

test('a connection that stays before another has to show soon that it leads there: else the next one is taken', async () => {
  const [low, , high] = await threePeers()
  const found = { contact: person().id, device: person().keys.id }
  let now = 0
  const { links, open, told } = table(low, () => now)
  const first = open(high, 'outbound')
  links.settle(first, found, null)
  const isTaken = (): boolean => links.settle(open(high, 'inbound'), found, null)
  const after = (ms: number): void => {
    now += ms
    links.tick(now, false)
  }
  // What is heard speaks for it.
  expect(isTaken()).toBe(false)
  first.hear(now)
  after(LIMITS.pongHurryMs)
  expect(told()).toEqual(['connected 1'])
  // Whoever tries again and again does not put off the end.
  expect(isTaken()).toBe(false)
  after(LIMITS.pongHurryMs - 1000)
  expect(isTaken()).toBe(false)
  after(1000)
  expect(told()).toEqual(['connected 1', 'disconnected 1'])
  expect(isTaken()).toBe(true)
})

test('a machine that slept dials at once, however long the pause was', async () => {
  const { alice, bob } = friends()
  let slept = 0
  const machine = machineWith({ now: () => Date.now() + slept })
  const limits = { tickMs: 10, againMs: 3_600_000, againMaxMs: 3_600_000 }
  const later = await listening()
  const { port } = later.server.address() as { port: number }
  const a = await online(alice, { machine, limits })
  later.server.close()
  a.want(bob, [`/ip4/127.0.0.1/tcp/${port}`])
  await a.heard.next('not-reached')
  await online(bob, { config: { listenPort: port } })
  slept = 3_600_000
  await a.heard.next('connected')
})

test('a machine that slept asks who is still there', async () => {
  const { alice, bob } = friends()
  let slept = 0
  const a = await online(alice, {
    machine: machineWith({ now: () => Date.now() + slept }),
    limits: { tickMs: 10, pongMs: 50 },
  })
  await dialAsContact(await hostile(), bob, a.address)
  await a.heard.next('connected')
  slept = 3_600_000
  await a.heard.next('disconnected')
})

test('another network is told to the engine, and everybody is dialed again', async () => {
  const { alice, bob } = friends()
  const home: InterfaceAddress = { address: '192.168.7.2', family: 4, prefix: 24, internal: false, name: 'lan0' }
  let interfaces = [home]
  const limits = { tickMs: 10, againMs: 3_600_000, againMaxMs: 3_600_000 }
  const later = await listening()
  const { port } = later.server.address() as { port: number }
  const a = await online(alice, { machine: machineWith({ interfaces: () => interfaces }), limits })
  const own = portOf(a)
  expect((await a.heard.next('addresses')).addresses).toEqual([`/ip4/192.168.7.2/tcp/${own}`])
  later.server.close()
  a.want(bob, [`/ip4/127.0.0.1/tcp/${port}`])
  await a.heard.next('not-reached')
  await online(bob, { config: { listenPort: port } })
  interfaces = [{ ...home, address: '10.1.1.1' }]
  expect((await a.heard.next('addresses', 2)).addresses).toEqual([`/ip4/10.1.1.1/tcp/${own}`])
  await a.heard.next('connected')
})

test('a taken port is not an error: the next free one is taken and told', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const b = await online(bob, { config: { listenPort: portOf(a) } })
  expect(portOf(b)).toBeGreaterThan(portOf(a))
  a.want(bob, [b.address])
  await a.heard.next('connected')
})

test('a port that is taken between the look and the listening costs another port, not the start', async () => {
  const { alice, bob } = friends()
  const taken = await listening()
  const { port } = taken.server.address() as { port: number }
  const looks: number[] = []
  // What it is told to be free is not: only for the first look.
  const freePort = (wanted: number): Promise<number> => {
    looks.push(wanted)
    return looks.length === 1 ? Promise.resolve(port) : nodejsMachine().freePort(wanted)
  }
  const a = await online(alice, { machine: machineWith({ freePort }), config: { listenPort: port } })
  expect(looks).toEqual([port, port])
  expect(portOf(a)).not.toBe(port)
  expect((await a.heard.next('addresses')).addresses.every((one) => one.endsWith(`/tcp/${portOf(a)}`))).toBe(true)
  const b = await online(bob)
  b.want(alice, [a.address])
  await a.heard.next('connected')
  await b.heard.next('connected')
  await b.stop()
  const again = await online(bob)
  a.want(bob, [again.address])
  await a.heard.next('connected', 2)
})

test('an address that cannot be had is a mistake of whoever asked for it: the start says so, and leaves nothing open', async () => {
  const taken = await listening()
  const listenPort = await unusedPort()
  const start = online(person(), { config: { listenPort, listen: [taken.address] } })
  await expect(start).rejects.toThrow(taken.address)
  expect(await nodejsMachine().freePort(listenPort)).toBe(listenPort)
})

/** Below the ports that systems give to outgoing connections, so that none of those takes it meanwhile. */
async function unusedPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (free) return port
  }
}

test('more addresses can be listened on, and are told', async () => {
  const first = `/ip4/127.0.0.1/tcp/${await unusedPort()}`
  const a = await online(person(), { config: { listen: [first] } })
  expect(a.net.addresses()[0]).toBe(first)
  const { alice, bob } = friends()
  const b = await online(alice)
  const second = `/ip4/127.0.0.1/tcp/${await unusedPort()}`
  const c = await online(bob, { config: { listen: [second] } })
  b.want(bob, [second])
  await b.heard.next('connected')
  await c.heard.next('connected')
})

const outward = Object.values(networkInterfaces()).flatMap((all = []) =>
  all.filter(({ family, internal }) => family === 'IPv4' && !internal),
)[0]

test.skipIf(outward === undefined)(
  'lan-only: nothing outside is dialed, and nobody outside gets in (needs a network interface)',
  async () => {
    const { alice, bob } = friends()
    const outside = await listening(outward?.address)
    // To this machine its own address now lies outside: it has no subnet.
    const listenPort = await nodejsMachine().freePort(0)
    const machine = machineWith({ interfaces: () => [], freePort: () => Promise.resolve(listenPort) })
    const a = await online(alice, { machine, config: { lanOnly: true } })
    a.want(bob, [outside.address])
    await a.heard.next('not-reached', 2)
    expect(outside.sockets).toEqual([])
    const raw = await hostile()
    await raw.dialAsStranger(`/ip4/127.0.0.1/tcp/${listenPort}`)
    await expect(raw.dialAsStranger(`/ip4/${outward?.address}/tcp/${listenPort}`)).rejects.toThrow()
    await a.stop()

    const free = await online(alice, { machine })
    await raw.dialAsStranger(`/ip4/${outward?.address}/tcp/${listenPort}`)
    free.want(bob, [outside.address])
    await new Promise<void>((resolve) => outside.server.once('connection', () => resolve()))
  },
)
