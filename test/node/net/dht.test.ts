import { tcp } from '@libp2p/tcp'
import { expect, test } from 'vitest'
import { type DhtMessage, TYPE } from '../../../src/node/net/dht/messages.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { concat, dhtKey, equal, type SlotRecord } from '../../../src/protocol/index.ts'
import { askKad, type Answering, honest, hostileServer, parsed } from './dht-hostile.ts'
import { dhtNode, dhtNodes, find, owner, publish, recordOf, until } from './dht-world.ts'
import { hostile } from './hostile.ts'
import { bytesOfAddress } from '../../../src/node/net/reach/told.ts'
import { friends, machineWith, online, person, random } from './world.ts'

const put = ({ kind, name, value }: SlotRecord): DhtMessage => {
  const key = dhtKey(kind, name)
  return { type: TYPE.put, key, record: { key, value }, closer: [] }
}

const get = ({ kind, name }: SlotRecord): DhtMessage => ({
  type: TYPE.get,
  key: dhtKey(kind, name),
  record: undefined,
  closer: [],
})

test('two nodes: one publishes, the other finds', async () => {
  const a = await dhtNode([])
  const b = await dhtNode([a])
  await until('they know each other', () => a.net.dht().servers === 1 && b.net.dht().servers === 1)
  const slot = owner()
  const record = recordOf(slot)
  await publish(a, [record])
  expect(await find(b, slot)).toMatchObject({ found: [record], asked: 1 })
  expect(b.net.dht()).toEqual({ on: true, mode: 'server', servers: 1, stored: 1, published: 0 })
})

test('twelve nodes: what one publishes, each finds; with half of them gone at once, each of the rest', async () => {
  const nodes = await dhtNodes(12)
  const slots = [owner(), owner('iv1'), owner()]
  const records = slots.map((slot) => recordOf(slot))
  const rv = [slots[0]!, slots[2]!]
  await publish(nodes[3]!, records)
  const found = await Promise.all(nodes.map((node) => find(node, ...rv)))
  expect(found.map((one) => one.found)).toEqual(nodes.map(() => [records[0], records[2]]))
  expect((await find(nodes[7]!, slots[1]!)).found).toEqual([records[1]])

  const gone = nodes.filter((_, i) => i % 2 === 1)
  const rest = nodes.filter((_, i) => i % 2 === 0)
  await Promise.all(gone.map((node) => node.stop()))
  const again = await Promise.all(rest.map((node) => find(node, ...rv)))
  expect(again.map((one) => one.found)).toEqual(rest.map(() => [records[0], records[2]]))
  expect(Math.min(...again.map(({ asked }) => asked))).toBeGreaterThan(0)
})

test('the newer record wins, and nobody puts an older one in its place', async () => {
  const [a, b, c] = await dhtNodes(3)
  const slot = owner()
  const older = recordOf(slot, 1)
  const newer = recordOf(slot, 2)
  await publish(a!, [older])
  await publish(a!, [newer])
  const connection = await (await hostile()).dialAsStranger(b!.address)
  await expect(askKad(connection, put(older))).rejects.toThrow()
  expect((await askKad(connection, get(newer)))?.record?.value).toEqual(newer.value)
  expect((await find(c!, slot)).found).toEqual([newer])
})

test.for<[string, (older: SlotRecord) => Answering]>([
  [
    'holds an older record and refuses the newer one',
    (older) => (question) =>
      question.type === TYPE.put
        ? undefined
        : { ...honest(question), record: question.type === TYPE.get ? put(older).record : undefined },
  ],
  ['answers 10 MB', () => () => new Uint8Array(10_000_000).fill(0xff, 0, 3)],
  [
    'answers 10 MB, the first 2 MB of them as one message',
    () => () => concat(Uint8Array.of(0x80, 0x89, 0x7a), new Uint8Array(10_000_000)),
  ],
  ['answers garbage', () => () => random(500)],
  ['never answers', () => () => undefined],
  [
    'answers with a record that nobody signed',
    () => (question) => ({ ...honest(question), record: { key: question.key, value: random(1024) } }),
  ],
  [
    'answers with the record of another slot',
    () => (question) => ({ ...honest(question), record: put(recordOf(owner(), 9)).record }),
  ],
])('a record is found although a server %s', async ([, answering]) => {
  const [a, b, c] = await dhtNodes(3, { limits: { dhtMs: 2000, dhtLeastMs: 800 } })
  const slot = owner()
  const older = recordOf(slot, 1)
  const newer = recordOf(slot, 2)
  const misbehaving = answering(older)
  // Until it is asked for records, it looks like any other.
  const bad = await hostileServer((question) =>
    question.type === TYPE.find ? honest(question) : misbehaving(question),
  )
  await Promise.all([a!, b!, c!].map((node) => bad.meet(node)))
  await until('it is taken for a server', () => [a!, b!, c!].every(({ net }) => net.dht().servers === 3))
  await publish(a!, [newer])
  // Somebody who comes later, and does not keep it itself.
  const reader = await dhtNode([a!, b!, c!], { limits: { dhtMs: 2000, dhtLeastMs: 800 } })
  await bad.meet(reader)
  await until('the reader knows all of them', () => reader.net.dht().servers === 4)
  expect((await find(reader, slot)).found).toEqual([newer])
  expect(reader.net.dht().stored).toBe(0)
  const wrong = bad.asked.filter(({ type }) => type !== TYPE.find).length
  expect(wrong).toBeGreaterThan(0)
  // A window of yamux each time, and what was on its way.
  expect(bad.poured / wrong).toBeLessThan(1_000_000)
})

test.for([
  ['after three records', { dhtGraceMs: 60_000 }],
  ['some time after the first one', { dhtQuorum: 100, dhtGraceMs: 50 }],
] as const)('a look-up does not wait for servers that never answer: it is left %s', async ([, limits]) => {
  const holders = await dhtNodes(3)
  const slot = owner()
  await publish(holders[0]!, [recordOf(slot)])
  const patient = { dhtMs: 60_000, dhtLeastMs: 60_000, dhtQueryMs: 120_000 }
  const reader = await dhtNode(holders, { limits: { ...patient, ...limits } })
  const silent = await hostileServer((question) => (question.type === TYPE.find ? honest(question) : undefined))
  await silent.meet(reader)
  await until('the reader knows all of them', () => reader.net.dht().servers === 4)
  expect((await find(reader, slot)).found).toHaveLength(1)
})

test('of several records the newest counts, whoever answers first', async () => {
  const a = await dhtNode([])
  const slots = Array.from({ length: 4 }, () => owner())
  const pairs = slots.map((slot) => [recordOf(slot, 1), recordOf(slot, 2)])
  const holding =
    (swapped: number): Answering =>
    (question) => {
      const at = pairs.findIndex(([one]) => equal(put(one!).key, question.key))
      const held = pairs[at]?.[(at + swapped) % 2]
      return { ...honest(question), record: held && put(held).record }
    }
  const servers = [await hostileServer(holding(0)), await hostileServer(holding(1))]
  await Promise.all(servers.map((server) => server.meet(a)))
  await until('both are taken for servers', () => a.net.dht().servers === 2)
  expect((await find(a, ...slots)).found).toEqual(pairs.map(([, newer]) => newer))
})

test('a server that stops answering leaves the routing table', async () => {
  const a = await dhtNode([], { limits: { dhtMs: 200, dhtLeastMs: 100 } })
  const silent = await hostileServer(() => undefined)
  await silent.meet(a)
  await until('it is taken for a server', () => a.net.dht().servers === 1)
  const slot = owner()
  for (let i = 0; i < 2; i++) await find(a, slot)
  await until('it left', () => a.net.dht().servers === 0)
  expect(await find(a, slot)).toMatchObject({ found: [], asked: 0 })
})

test('where others are, nobody can be told who has no business there, and nobody makes us dial it', async () => {
  const { dialed, transports } = watchedTcp()
  const a = await dhtNode([], {
    machine: machineWith({ transports: () => transports, interfaces: loopbackOnly }),
    config: { lanOnly: true },
  })
  const victims = [
    '/ip4/203.0.113.9/tcp/25',
    '/ip4/10.1.2.3/tcp/22',
    '/ip4/0.0.0.0/tcp/22',
    '/ip6/::ffff:127.0.0.1/tcp/22',
  ]
  const listening = await hostileServer(honest)
  const liar = await hostileServer((question) => ({
    ...honest(question),
    record: undefined,
    closer: [
      ...victims.map((text) => ({ id: idOf(), addresses: [bytesOfAddress(parsed(text))] })),
      {
        id: listening.raw.peer,
        addresses: [...victims, listening.raw.address].map((text) => bytesOfAddress(parsed(text))),
      },
    ],
  }))
  await liar.meet(a)
  await until('it is taken for a server, and whom it told of', () => a.net.dht().servers === 2)
  await find(a, owner())
  const hosts = new Set(dialed.map((address) => address.split('/p2p/')[0]))
  expect(hosts).toContain(listening.raw.address)
  hosts.delete(listening.raw.address)
  // The liar itself may be looked for where it says it is.
  expect([...hosts].filter((host) => host !== liar.raw.address)).toEqual([])
})

/** TCP that writes down what is dialed; nothing outside this machine is. */
function watchedTcp() {
  const dialed: string[] = []
  const inner = tcp()
  const make = (components: Parameters<typeof inner>[0]) => {
    const transport = inner(components)
    const dial = transport.dial.bind(transport)
    transport.dial = (address, options) => {
      dialed.push(address.toString())
      return address.toString().startsWith('/ip4/127.') ? dial(address, options) : Promise.reject(new Error('no route'))
    }
    return transport
  }
  return { dialed, transports: [make] }
}

test('however many peers are said to be at a host where nobody is, it is left alone soon', async () => {
  const { dialed, transports } = watchedTcp()
  const a = await dhtNode([], { machine: machineWith({ transports: () => transports }) })
  const at = (port: number) => [bytesOfAddress(parsed(`/ip4/203.0.113.9/tcp/${port}`))]
  const liar = await hostileServer((question) => ({
    ...honest(question),
    record: undefined,
    closer: Array.from({ length: 20 }, (_, i) => ({ id: idOf(), addresses: at(1000 + i) })),
  }))
  await liar.meet(a)
  await until('it is taken for a server', () => a.net.dht().servers === 1)
  for (let i = 0; i < 10; i++) await find(a, owner())
  expect(liar.asked.length).toBeGreaterThan(9)
  expect(dialed.length).toBeGreaterThan(0)
  expect(dialed.length).toBeLessThan(20)
})

const loopbackOnly = () =>
  nodejsMachine()
    .interfaces()
    .filter(({ internal }) => internal)

/** A PeerID of ours, made up. */
function idOf(): Uint8Array {
  const id = random(38)
  id.set([0x00, 0x24, 0x08, 0x01, 0x12, 0x20])
  return id
}

test('a flood of good records stays within the quotas, and honest records stay', async () => {
  const limits = { records: 60, recordBytes: 40 * 1024, recordsOfPrefix: 30, dhtQuestionsAtOnce: 400 }
  const a = await dhtNode([], { limits })
  const b = await dhtNode([a])
  const slots = [owner(), owner()]
  const records = slots.map((slot) => recordOf(slot))
  await until('they know each other', () => a.net.dht().servers === 1)
  await publish(b, records)
  const flood = await (await hostile()).dialAsStranger(a.address)
  const later = Date.now() + 20 * 3_600_000
  const taken = []
  for (let i = 0; i < 80; i++) taken.push(await askKad(flood, put(recordOf(owner(), 1, later))).catch(() => 'refused'))
  expect(taken.filter((one) => one !== 'refused')).toHaveLength(28)
  expect(a.net.dht().stored).toBe(30)
  expect((await askKad(flood, get(records[0]!)))?.record?.value).toEqual(records[0]!.value)
  expect((await askKad(flood, get(records[1]!)))?.record?.value).toEqual(records[1]!.value)
})

test('who asks too much is not answered, and others are', async () => {
  const a = await dhtNode([], { limits: { dhtQuestions: 1, dhtQuestionsAtOnce: 5 } })
  const connection = await (await hostile()).dialAsStranger(a.address)
  const answers = []
  for (let i = 0; i < 12; i++) answers.push(await askKad(connection, get(recordOf(owner()))).catch(() => 'refused'))
  expect(answers.filter((one) => one === 'refused').length).toBeGreaterThan(4)
  expect(connection.status).toBe('open')
})

test('without a DHT, and without anybody in it, a look-up says so', async () => {
  const off = await online(person())
  const alone = await dhtNode([])
  expect(off.net.dht()).toEqual({ on: false, mode: 'off', servers: 0, stored: 0, published: 0 })
  expect(alone.net.dht()).toEqual({ on: true, mode: 'client', servers: 0, stored: 0, published: 0 })
  for (const node of [off, alone]) expect(await find(node, owner())).toMatchObject({ found: [], asked: 0 })
})

test('what is published while nobody is there is put when the first server comes', async () => {
  const a = await dhtNode([])
  const slot = owner()
  const record = recordOf(slot)
  a.net.perform({ type: 'publish', records: [record] })
  const b = await dhtNode([a])
  await until('put', () => a.net.dht().published === 1)
  await a.stop()
  expect((await find(b, slot)).found).toEqual([record])
})

test('records are put again from time to time, and where there are more servers than before', async () => {
  const a = await dhtNode([], { limits: { dhtPutAgainMs: 50 } })
  const server = await hostileServer(honest)
  const puts = (one: typeof server): number => one.asked.filter(({ type }) => type === TYPE.put).length
  await server.meet(a)
  await publish(a, [recordOf(owner())])
  await until('put again', () => puts(server) >= 3)

  const b = await dhtNode([])
  const servers = [await hostileServer(honest), await hostileServer(honest)]
  await servers[0]!.meet(b)
  await publish(b, [recordOf(owner())])
  await servers[1]!.meet(b)
  await until('put at the newcomer', () => puts(servers[1]!) >= 1)
})

test('a set that is published replaces the one before', async () => {
  const [a, b] = await dhtNodes(2)
  const records = [owner(), owner()].map((slot) => recordOf(slot))
  await publish(a!, records)
  a!.net.perform({ type: 'publish', records: records.slice(1) })
  expect(a!.net.dht().published).toBe(1)
  expect(b!.net.dht().stored).toBe(2)
})

test('servers are told for the next start, and that start finds them', async () => {
  const [a, b] = await dhtNodes(2)
  await b!.stop()
  expect(b!.heard.of('dht-servers').at(-1)?.addresses).toEqual([a!.address])
  const c = await dhtNode([], {
    config: { bootstrap: ['/ip4/127.0.0.1/tcp/1', ...b!.heard.of('dht-servers')[0]!.addresses] },
  })
  await until('found', () => c.net.dht().servers === 1)
})

test('when all servers are gone, they are looked for again', async () => {
  const a = await dhtNode([])
  const port = Number(a.address.split('/')[4])
  const b = await dhtNode([a], { limits: { dhtCheckMs: 100 } })
  await until('they know each other', () => b.net.dht().servers === 1)
  await a.stop()
  await until('it is gone', () => b.net.dht().servers === 0)
  await dhtNode([], { config: { listenPort: port } })
  await until('it is back', () => b.net.dht().servers === 1)
})

test('what all who held it took along is put again when there is a server again', async () => {
  const a = await dhtNode([])
  const port = Number(a.address.split('/')[4])
  const b = await dhtNode([a], { limits: { dhtCheckMs: 100 } })
  await publish(b, [recordOf(owner())])
  await a.stop()
  await until('it is gone', () => b.net.dht().servers === 0)
  const back = await dhtNode([], { config: { listenPort: port } })
  await until('put again', () => back.net.dht().stored === 1)
})

test('a server that did not answer at first gets other chances', async () => {
  const a = await dhtNode([])
  const server = await hostileServer(honest)
  server.deaf = true
  await server.meet(a)
  await until('it was asked', () => server.unheard > 0)
  server.deaf = false
  await until('it is taken for a server', () => a.net.dht().servers === 1)
})

test('peers of one address prefix get their share of the routing table, and no more', async () => {
  const a = await dhtNode([], { limits: { dhtPeersOfPrefix: 3 } })
  const crowd = await Promise.all(
    Array.from({ length: 6 }, (_, i) => hostileServer(honest, `/ip4/203.0.113.${i}/tcp/1`)),
  )
  for (const one of crowd) await one.meet(a)
  await until('their share', () => a.net.dht().servers === 3)
  await (await hostileServer(honest, '/ip4/198.51.100.1/tcp/1')).meet(a)
  await until('somebody else', () => a.net.dht().servers === 4)
})

test('a contact that is connected is a server to begin with', async () => {
  const { alice, bob } = friends()
  const [a, b] = await Promise.all([alice, bob].map((who) => online(who, { config: { dht: true } })))
  a!.want(bob, [b!.address])
  await until('each knows the other', () => a!.net.dht().servers === 1 && b!.net.dht().servers === 1)
  expect([a!.heard.of('connected').length, b!.heard.of('connected').length]).toEqual([1, 1])
})

test('connections that the DHT dialed are few', async () => {
  const servers = await Promise.all(Array.from({ length: 6 }, () => hostileServer(honest)))
  const knows: Answering = (question) => ({
    ...honest(question),
    record: undefined,
    closer: servers.map(({ raw }) => ({ id: raw.peer, addresses: [bytesOfAddress(parsed(raw.address))] })),
  })
  const all = await hostileServer(knows)
  const a = await dhtNode([], { limits: { dhtConnections: 2, dhtDials: 1 } })
  await all.meet(a)
  await until('all are known', () => a.net.dht().servers === 7)
  for (let i = 0; i < 3; i++) await find(a, owner())
  await until('few are connected', () => servers.filter(({ raw }) => raw.node.getConnections().length > 0).length <= 2)
})
