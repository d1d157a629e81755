import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createSocket } from 'node:dgram'
import { expect, onTestFinished, test } from 'vitest'
import type { Input } from '../../../src/node/engine/input.ts'
import { Links } from '../../../src/node/net/links.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { stunAnswer } from '../../../src/node/net/relay/stun.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import { compare, concat } from '../../../src/protocol/index.ts'
import { hostile } from './hostile.ts'
import { DEADLINE_MS, friends, numbers, online, person, random } from './world.ts'

const RELAY = '12D3KooWBtp1AcgweFSArD7dbKWYpAr8MZR1tofwNwLFLjeNGLWa'

interface Path {
  readonly relayed: boolean
  /** Whether the lower PeerID dialed it. */
  readonly byLower: boolean
}

/** One end's table, and what is left of several connections to one peer that are settled in an order. */
function left(self: PeerId, other: PeerId, isLower: boolean, paths: readonly Path[]): string[] {
  const inputs: Input[] = []
  const notice = { reached: () => {}, lost: () => {}, closed: () => {} }
  const links = new Links(
    nodejsMachine(),
    LIMITS,
    self.toMultihash().bytes,
    numbers(),
    (input) => inputs.push(input),
    notice,
  )
  const found = { contact: person().id, device: person().keys.id }
  for (const [i, { relayed, byLower }] of paths.entries()) {
    const dialed = byLower === isLower
    const at = relayed
      ? `/ip4/127.0.0.1/tcp/5/p2p/${RELAY}/p2p-circuit/p2p/${other}`
      : `/ip4/127.0.0.1/tcp/5/p2p/${other}`
    const whole = {
      id: `c${i}`,
      remotePeer: other,
      direction: dialed ? 'outbound' : 'inbound',
      remoteAddr: multiaddr(at),
      streams: [],
      newStream: () => new Promise(() => {}),
      abort: () => links.closed(whole as unknown as Connection),
    }
    links.settle(links.open(whole as unknown as Connection), found, null)
  }
  for (const input of inputs) expect(['connected', 'disconnected']).toContain(input.type)
  return links.all().map(({ via, dialed }) => `${via} by ${dialed === isLower ? 'lower' : 'higher'}`)
}

test('of all connections to one run of a device one stays, the same at both ends, in whatever order they come', async () => {
  const ids = await Promise.all([1, 2].map(async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
  const [low, high] = ids.toSorted((x, y) => compare(x.toMultihash().bytes, y.toMultihash().bytes)) as [PeerId, PeerId]
  const all = [true, false].flatMap((relayed) => [true, false].map((byLower) => ({ relayed, byLower })))
  const orders = <T>(items: readonly T[]): T[][] =>
    items.length === 0
      ? [[]]
      : items.flatMap((one) => orders(items.filter((other) => other !== one)).map((rest) => [one, ...rest]))
  for (const order of orders(all)) {
    expect(left(low, high, true, order)).toEqual(['lan by lower'])
    expect(left(high, low, false, order)).toEqual(['lan by lower'])
  }
  for (const order of orders(all.filter(({ relayed }) => relayed))) {
    expect(left(low, high, true, order)).toEqual(['relayed by lower'])
    expect(left(high, low, false, order)).toEqual(['relayed by lower'])
  }
  for (const order of orders(all.filter(({ relayed, byLower }) => relayed === byLower))) {
    expect(left(low, high, true, order), 'a direct one of the higher before a relayed one').toEqual(['lan by higher'])
    expect(left(high, low, false, order)).toEqual(['lan by higher'])
  }
})

test.each(['/ip4/127.0.0.1/tcp/PORT/ws', '/ip4/127.0.0.1/udp/PORT/webrtc-direct'])(
  'listens on %s where asked to, and is dialed there',
  async (where) => {
    const { alice, bob } = friends()
    const listen = where.replace('PORT', String(await nodejsMachine().freePort(0)))
    const b = await online(bob, { config: { listen: [listen] } })
    const at = b.net.addresses().filter((address) => address.startsWith(listen))
    expect(at).toHaveLength(1)
    const a = await online(alice)
    a.want(bob, at)
    const { connection } = await a.heard.next('connected')
    a.net.perform({ type: 'send', connection, frames: [{ id: random(16), bytes: random(5000) }] })
    await b.heard.frames(1)
  },
)

test('listens on TCP alone where it was not asked for more', async () => {
  const b = await online(person())
  for (const address of b.net.addresses()) expect(address).toMatch(/^\/ip[46]\/[^/]+\/tcp\/\d+$/)
})

const question = (): Uint8Array =>
  concat(
    Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42),
    Uint8Array.from({ length: 12 }, (_, i) => i + 1),
  )

test('STUN: the answer is that of RFC 5769 for its mapped addresses, and there is none for anything else', () => {
  // RFC 5769 §2.2 and §2.3: the transaction, and XOR-MAPPED-ADDRESS without the other attributes.
  const transaction = Buffer.from('b7e7a701bc34d686fa87dfae', 'hex')
  const asked = concat(Uint8Array.of(0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42), transaction)
  const four = stunAnswer(asked, { address: '192.0.2.1', family: 4, port: 32853 })
  expect(Buffer.from(four ?? []).toString('hex')).toBe(
    '0101000c2112a442b7e7a701bc34d686fa87dfae' + '002000080001a147e112a643',
  )
  const six = stunAnswer(asked, { address: '2001:db8:1234:5678:11:2233:4455:6677', family: 6, port: 32853 })
  expect(Buffer.from(six ?? []).toString('hex')).toBe(
    '010100182112a442b7e7a701bc34d686fa87dfae' + '002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9',
  )
  const from = { address: '192.0.2.1', family: 4, port: 1 } as const
  const good = question()
  expect(stunAnswer(good, from)).toBeDefined()
  for (let i = 0; i < good.length; i++) expect(stunAnswer(good.subarray(0, i), from)).toBeUndefined()
  for (const at of [0, 1, 2, 3, 4, 5, 6, 7]) {
    expect(
      stunAnswer(
        good.map((byte, i) => (i === at ? byte ^ 0x40 : byte)),
        from,
      ),
      `byte ${at}`,
    ).toBeUndefined()
  }
  expect(stunAnswer(new Uint8Array(2000), from)).toBeUndefined()
  for (let i = 0; i < 2000; i++) stunAnswer(random(i % 64), from)
})

test('STUN: who is connected is answered, and nobody else', async () => {
  const b = await online(person())
  const port = Number(b.address.split('/')[4])
  const asker = () => {
    const socket = createSocket('udp4')
    onTestFinished(() => new Promise<void>((resolve) => socket.close(() => resolve())))
    const answers: Buffer[] = []
    socket.on('message', (bytes) => answers.push(bytes))
    const ask = (): Promise<void> =>
      new Promise((resolve) => socket.send(question(), port, '127.0.0.1', () => resolve()))
    return { socket, answers, ask }
  }
  const [before, after] = [asker(), asker()]
  await before.ask()
  const h = await hostile()
  await h.dialAsStranger(b.address)
  const answered = async (): Promise<number> => {
    await after.ask()
    return after.answers.length
  }
  await expect.poll(answered, { timeout: DEADLINE_MS }).toBeGreaterThan(0)
  expect(after.answers[0]?.readUInt16BE(26)).toBe(after.socket.address().port ^ 0x2112)
  expect(before.answers, 'what was asked first would have been answered first').toEqual([])
})
