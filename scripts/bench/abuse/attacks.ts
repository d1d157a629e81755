/**
 * What one abusive peer does to a node: as anybody, and as a contact that turned against it.
 *
 * Each attack goes on as fast as its process is let, and begins again whatever is taken from it, until it is told to stop.
 *
 * Holds: an attack counts what it did, so that one which does nothing is seen.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { HOP } from '../../../src/node/net/relay/circuit.ts'
import { connect, type Socket } from 'node:net'
import { setTimeout as elapsed } from 'node:timers/promises'
import type { Libp2p } from 'libp2p'
import type { Node } from '../../../src/node/api.ts'
import { encodeMessage, TYPE } from '../../../src/node/net/dht/messages.ts'
import type { Acquaintances } from '../../../src/node/net/net.ts'
import { BUNDLE, ENVELOPE, HELLO, KAD, PAIR, REACH } from '../../../src/node/net/protocols.ts'
import { nodejs as p } from '../../../src/node/platform/nodejs-primitives.ts'
import { concat, dhtKey, sealSlot, slotOf, type SlotRecord } from '../../../src/protocol/index.ts'
import {
  contactsHello,
  dial,
  drained,
  frameMessage,
  init,
  message,
  random,
  sessionMessage,
  soon,
  strangersHello,
  write,
} from './raw.ts'

/** What an attack has to work with. */
export interface Means {
  /** Where the victim listens: `/ip4/127.0.0.1/tcp/…`. */
  readonly address: string
  /** The loopback address from which the attack comes. */
  readonly from: string
  readonly raw: Libp2p
  /** The victim's contact, for those who are one: its node for as long as that may be online, and what it knows. */
  readonly contact: { readonly node: Node; readonly acquaintances: Acquaintances; readonly victim: string } | undefined
  readonly stop: AbortSignal
  readonly tally: Tally
}

export interface Tally {
  /** Things done: dials, streams, messages. */
  done: number
  /** Things that failed: refused, cut off. */
  refused: number
}

export interface Attack {
  readonly name: string
  readonly as: 'stranger' | 'contact'
  run(means: Means): Promise<void>
}

const stranger = (name: string, run: Attack['run']): Attack => ({ name, as: 'stranger', run })
const contact = (name: string, run: Attack['run']): Attack => ({ name, as: 'contact', run })

export const ATTACKS: readonly Attack[] = [
  stranger('dials', (means) => sockets(means, 16, async () => {})),
  stranger('half-open handshakes', (means) => sockets(means, 256, (socket) => ended(socket, means.stop))),
  stranger('slow handshakes', (means) => sockets(means, 256, (socket) => dribble(socket, means.stop))),
  stranger('handshakes without a hello', (means) => repeat(means, 64, () => held(means, dialed(means)))),
  stranger('hellos', (means) =>
    repeat(means, 8, async () => {
      const connection = await dialed(means)
      await until(means, connection, () => strangersHello(connection))
    }),
  ),
  stranger('half a hello', (means) =>
    repeat(means, 64, async () => {
      const connection = await dialed(means)
      await say(await connection.newStream(HELLO, soon()), Uint8Array.of(0))
      await held(means, Promise.resolve(connection))
    }),
  ),
  stranger('streams opened and reset', (means) =>
    onConnections(means, 4, 32, async (connection, i) => {
      const protocol = PROTOCOLS[i % PROTOCOLS.length] ?? BUNDLE
      ;(await connection.newStream(protocol, soon())).abort(new Error('reset'))
    }),
  ),
  stranger('streams that nobody speaks', (means) =>
    onConnections(means, 4, 32, async (connection) => {
      await connection.newStream('/nobody/1', soon()).catch(() => undefined)
    }),
  ),
  stranger('slow streams of every protocol', (means) =>
    onConnections(means, 8, 48, async (connection, i) => {
      const stream = await connection.newStream(PROTOCOLS[i % PROTOCOLS.length] ?? BUNDLE, soon())
      while (stream.status === 'open' && !means.stop.aborted) {
        await say(stream, Uint8Array.of(1))
        await elapsed(200)
      }
    }),
  ),
  stranger('tiny frames', (means) => onConnections(means, 4, 1, (connection) => dribbledFrames(means, connection))),
  stranger('pings of the multiplexer', (means) =>
    onConnections(means, 2, 1, (connection) =>
      frames(means, connection, () => ({ type: 2, flag: 1, streamID: 0, length: 7 })),
    ),
  ),
  stranger('tiny data on no stream', (means) =>
    onConnections(means, 2, 1, (connection) => frames(means, connection, onNoStream(1), random(1))),
  ),
  stranger('much data on no stream', (means) =>
    onConnections(means, 2, 1, (connection) => frames(means, connection, onNoStream(60_000), random(60_000))),
  ),
  stranger('INITs', (means) => envelopes(means, 8, () => frameMessage(init()))),
  stranger('questions for bundles', (means) =>
    onConnections(means, 8, 2, async (connection) => {
      const stream = await connection.newStream(BUNDLE, soon())
      await say(stream, concat(Uint8Array.of(1), random(32)))
      await answered(stream)
    }),
  ),
  stranger('reservations', (means) => hops(means, Uint8Array.of(2, 0x08, 0))),
  stranger('circuits', (means) => hops(means, circuitTo(means.raw.peerId.toMultihash().bytes))),
  stranger('questions of the DHT', (means) =>
    onConnections(means, 8, 8, (connection) => askKad(connection, { type: TYPE.get, record: undefined }, random(32))),
  ),
  stranger('records put', (means) => {
    const records = Array.from({ length: 64 }, record)
    return onConnections(means, 8, 8, (connection, i) => {
      const { value, name } = records[i % records.length] as SlotRecord
      return askKad(connection, { type: TYPE.put, record: value }, name)
    })
  }),
  stranger('records that nobody signed', (means) => {
    const { name, value } = record()
    return onConnections(means, 8, 8, (connection) =>
      askKad(connection, { type: TYPE.put, record: concat(value.subarray(0, 960), random(64)) }, name),
    )
  }),
  stranger('dials back', (means) =>
    onConnections(means, 8, 2, async (connection) => {
      const back = Uint8Array.of(0, 10, 2, 8, 4, ...means.from.split('.').map(Number), 6, 0, 9)
      const stream = await connection.newStream(REACH, soon())
      await say(stream, back)
      await answered(stream)
    }),
  ),
  stranger('pairings', (means) =>
    onConnections(means, 8, 4, async (connection) => {
      const stream = await connection.newStream(PAIR, soon())
      await say(stream, Uint8Array.of(1))
      for (let i = 0; i < 16 && stream.status === 'open'; i++)
        await write(stream, concat(Uint8Array.of(0x40, 0), random(0x4000))).catch(() => undefined)
      await answered(stream)
    }),
  ),

  contact('contact: messages that nothing opens', (means) => envelopes(means, 1, () => frameMessage(sessionMessage()))),
  contact('contact: large messages that nothing opens', (means) =>
    envelopes(means, 1, () => frameMessage(sessionMessage(60_000))),
  ),
  contact('contact: INITs', (means) => envelopes(means, 1, () => frameMessage(init()))),
  contact('contact: frames in single bytes', (means) =>
    onConnections(means, 1, 1, (connection) => dribbledFrames(means, connection)),
  ),
  contact('contact: acknowledgements for nothing', (means) => envelopes(means, 1, () => message(2, random(16 * 1024)))),
  contact('contact: refusals of nothing', (means) => envelopes(means, 1, () => message(3, random(16 * 1024)))),
  contact('contact: pings', (means) => {
    const pings = concat(...Array.from({ length: 200 }, () => message(4, new Uint8Array())))
    return envelopes(means, 1, () => pings)
  }),
  contact('contact: streams opened and reset', (means) =>
    onConnections(means, 1, 32, async (connection, i) => {
      const protocol = PROTOCOLS[i % PROTOCOLS.length] ?? BUNDLE
      ;(await connection.newStream(protocol, soon())).abort(new Error('reset'))
    }),
  ),
  contact('contact: questions for bundles', (means) =>
    onConnections(means, 1, 2, async (connection) => {
      const stream = await connection.newStream(BUNDLE, soon())
      await say(stream, new Uint8Array(33))
      await answered(stream)
    }),
  ),
  contact('contact: hellos again', (means) =>
    repeat(means, 2, async () => {
      const connection = await greeted(means)
      await until(means, connection, () => strangersHello(connection))
    }),
  ),
]

/** What a contact that is online says with our own words: texts as long as may be, and names that deceive. */
export const NAUGHTY: readonly string[] = [
  '\u202egnp.exe\u202c',
  '\u200b\u200c\u200d\u2060\ufeff',
  'Bob\u2066\u2067\u2068\u2069',
  'Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319'.repeat(20),
  '<img src=x onerror=alert(1)>',
  '\u001b[2J\u001b]0;owned\u0007',
  '\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67\u200d\ud83d\udc66'.repeat(30),
  "'; DROP TABLE message; --",
  '\u0000\u0001\u001f\u007f\u0085',
  '\ufdfd'.repeat(64),
]

const PROTOCOLS = [HELLO, ENVELOPE, BUNDLE, PAIR, REACH, KAD]

// Loops

/** `parallel` times at once: again and again until it is time to stop. Whatever fails is tried once more. */
async function repeat({ stop, tally }: Means, parallel: number, once: (i: number) => Promise<void>): Promise<void> {
  let i = 0
  const loop = async (): Promise<void> => {
    while (!stop.aborted) {
      try {
        await once(i++)
        tally.done++
      } catch {
        tally.refused++
        await elapsed(5)
      }
    }
  }
  await Promise.all(Array.from({ length: parallel }, loop))
}

/** The same on one connection for as long as it lasts. */
async function until({ stop, tally }: Means, connection: Connection, once: () => Promise<void>): Promise<void> {
  while (!stop.aborted && connection.status === 'open') {
    await once()
    tally.done++
  }
}

/** On each of some connections, after hello, `parallel` at once; a connection that was cut off is made again. */
function onConnections(
  means: Means,
  connections: number,
  parallel: number,
  once: (connection: Connection, i: number) => Promise<void>,
): Promise<void> {
  return repeat(means, connections, async () => {
    const connection = await greeted(means)
    let i = 0
    const each = async (): Promise<void> => {
      while (!means.stop.aborted && connection.status === 'open') {
        await once(connection, i++).then(
          () => means.tally.done++,
          () => elapsed(5, means.tally.refused++),
        )
      }
    }
    await Promise.all(Array.from({ length: parallel }, each))
    if (!means.stop.aborted) throw new Error('cut off')
  })
}

/** Messages on envelope streams, as many as are taken. */
function envelopes(means: Means, connections: number, make: () => Uint8Array): Promise<void> {
  return onConnections(means, connections, 1, async (connection) => {
    const stream = await connection.newStream(ENVELOPE, soon())
    while (!means.stop.aborted && stream.status === 'open') {
      await write(stream, make())
      means.tally.done++
      // The loop of this process must come to hear of what the other end does.
      if (means.tally.done % 16 === 0) await elapsed(0)
    }
  })
}

// Connections

async function dialed({ raw, address }: Means): Promise<Connection> {
  return dial(raw, address)
}

/** After hello: as a contact, where this attack is one. */
async function greeted(means: Means): Promise<Connection> {
  const connection = await dialed(means)
  try {
    if (means.contact === undefined) await strangersHello(connection)
    else await contactsHello(means.raw, connection, means.contact.acquaintances)
    return connection
  } catch (error) {
    connection.abort(new Error('no hello'))
    throw error
  }
}

/** Kept open for as long as the other side lets it. */
async function held({ stop, tally }: Means, dialing: Promise<Connection>): Promise<void> {
  const connection = await dialing
  tally.done++
  if (connection.status === 'open')
    await new Promise<void>((resolve) => {
      connection.addEventListener('close', () => resolve(), { once: true })
      stop.addEventListener('abort', () => resolve(), { once: true })
    })
}

/** TCP connections of which libp2p hears nothing here. */
function sockets(means: Means, parallel: number, then: (socket: Socket) => Promise<void>): Promise<void> {
  const [, , host, , port] = means.address.split('/')
  return repeat(means, parallel, async () => {
    const socket = connect({ host, port: Number(port), localAddress: means.from })
    const failed = new Promise<never>((_, reject) => socket.once('error', reject))
    failed.catch(() => undefined)
    try {
      await Promise.race([new Promise<void>((resolve) => socket.once('connect', resolve)), failed])
      means.tally.done++
      await then(socket)
      await elapsed(1)
    } finally {
      socket.destroy()
    }
  })
}

function ended(socket: Socket, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    socket.resume()
    for (const event of ['close', 'error', 'end']) socket.once(event, () => resolve())
    stop.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** The beginning of a handshake, byte by byte, and never its end. */
async function dribble(socket: Socket, stop: AbortSignal): Promise<void> {
  const bytes = [0x13, ...new TextEncoder().encode('/multistream/1.0.0\n')]
  const over = ended(socket, stop)
  for (const byte of bytes) {
    if (socket.destroyed || stop.aborted) return
    socket.write(Uint8Array.of(byte))
    await Promise.race([elapsed(250), over])
  }
  await over
}

// Streams

/** Says it at once: what does not leave is not said. */
async function say(stream: Stream, bytes: Uint8Array): Promise<void> {
  stream.send(bytes)
}

/** The other end has said what it says. */
async function answered(stream: Stream): Promise<void> {
  await new Promise<void>((resolve) => {
    if (stream.status !== 'open') return resolve()
    for (const event of ['message', 'close', 'remoteCloseWrite'] as const)
      stream.addEventListener(event, () => resolve(), { once: true })
  })
  if (stream.status === 'open') await stream.close(soon())
}

/** A frame in single bytes, each of which travels alone. */
async function dribbledFrames(means: Means, connection: Connection): Promise<void> {
  const stream = await connection.newStream(ENVELOPE, soon())
  const bytes = frameMessage(init(60_000))
  for (let at = 0; at < bytes.length && !means.stop.aborted; at++) {
    await write(stream, bytes.subarray(at, at + 1))
    means.tally.done++
    if (at % 64 === 0) await elapsed(0)
  }
}

interface FrameHead {
  readonly type: number
  readonly flag: number
  readonly streamID: number
  readonly length: number
}

interface Muxer {
  readonly maConn: Parameters<typeof drained>[0]
  sendFrame(head: FrameHead, data?: Uint8Array): boolean
}

const onNoStream = (length: number) => (): FrameHead => ({ type: 0, flag: 0, streamID: 999_999, length })

/** Frames of the multiplexer itself, which libp2p would not send. */
async function frames(means: Means, connection: Connection, head: () => FrameHead, data?: Uint8Array): Promise<void> {
  const { muxer } = connection as unknown as { muxer: Muxer }
  while (!means.stop.aborted && connection.status === 'open') {
    for (let i = 0; i < 16; i++) {
      if (connection.status !== 'open') return
      const writable = muxer.sendFrame(head(), data)
      means.tally.done++
      if (!writable) await drained(muxer.maConn)
    }
    await elapsed(0)
  }
}

async function askKad(
  connection: Connection,
  { type, record: value }: { type: number; record: Uint8Array | undefined },
  name: Uint8Array,
): Promise<void> {
  const key = dhtKey('rv1', name)
  const stream = await connection.newStream(KAD, soon())
  await say(stream, encodeMessage({ type, key, record: value && { key, value }, closer: [] }))
  await answered(stream)
}

function record(): SlotRecord {
  return sealSlot(p, random, 'rv1', slotOf(p, random(32)), random(32), { seq: 1, nowMs: Date.now() }, random(100))
}

const hops = (means: Means, question: Uint8Array): Promise<void> =>
  onConnections(means, 8, 8, async (connection) => {
    const stream = await connection.newStream(HOP, soon())
    await say(stream, question)
    await answered(stream)
  })

/** HopMessage { type: CONNECT, peer: { id } }, with its length before it. */
function circuitTo(peer: Uint8Array): Uint8Array {
  const inner = concat(Uint8Array.of(0x0a, peer.length), peer)
  const body = concat(Uint8Array.of(0x08, 1, 0x12, inner.length), inner)
  return concat(Uint8Array.of(body.length), body)
}
