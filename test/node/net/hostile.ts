/**
 * A peer that keeps to libp2p and to nothing else: says what a test tells it.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { byteStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { onTestFinished } from 'vitest'
import { greet } from '../../../src/node/net/hello.ts'
import { ENVELOPE, HELLO } from '../../../src/node/net/protocols.ts'
import {
  concat,
  encodeHelloOpening,
  HELLO_ANSWER_BYTES,
  HELLO_TAGS,
  PROOF_BYTES,
  padFrame,
  TAG_BYTES,
} from '../../../src/protocol/index.ts'
import { acquaintancesOf, DEADLINE_MS, type Person, random } from './world.ts'

const soon = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) })

export class Hostile {
  readonly node: Libp2p
  /** What comes on envelope streams that the other side opens. */
  onEnvelope: (data: Uint8Array) => void = () => {}

  constructor(node: Libp2p) {
    this.node = node
  }

  get peer(): Uint8Array {
    return this.node.peerId.toMultihash().bytes
  }

  get address(): string {
    return this.node.getMultiaddrs()[0]?.decapsulateCode(421).toString() ?? ''
  }

  dial(address: string): Promise<Connection> {
    return this.node.dial(multiaddr(address), { ...soon(), force: true })
  }

  /** Says hello as a stranger would. */
  async dialAsStranger(address: string): Promise<Connection> {
    const connection = await this.dial(address)
    await strangersHello(connection)
    return connection
  }
}

export async function hostile(): Promise<Hostile> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { inboundConnectionThreshold: 1000 },
  })
  onTestFinished(async () => node.stop())
  const made = new Hostile(node)
  await node.handle(ENVELOPE, (stream) => {
    stream.addEventListener('message', ({ data }) => made.onEnvelope(Uint8Array.from(data.subarray())))
  })
  return made
}

export const randomOpening = (): Uint8Array =>
  encodeHelloOpening({
    day: 20_000,
    nonce: random(32),
    tags: Array.from({ length: HELLO_TAGS }, () => random(TAG_BYTES)),
  })

/** The answer to a stranger's hello. */
export async function strangersHello(connection: Connection, opening = randomOpening()): Promise<Uint8Array> {
  const stream = await connection.newStream(HELLO, soon())
  stream.send(opening)
  const answer = await readExactly(stream, HELLO_ANSWER_BYTES)
  stream.send(random(PROOF_BYTES))
  await stream.close(soon())
  return answer
}

export async function readExactly(stream: Stream, bytes: number): Promise<Uint8Array> {
  const list = await byteStream(stream).read({ bytes, ...soon() })
  return Uint8Array.from(list.subarray())
}

/** Resolves when the other side has ended the stream, or the connection. */
export function ended(one: Stream | Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    if (one.status !== 'open') return resolve()
    const deadline = setTimeout(() => reject(new Error('still open')), DEADLINE_MS)
    const done = (): void => {
      clearTimeout(deadline)
      resolve()
    }
    const target = one as Stream
    target.addEventListener('close', done, { once: true })
    target.addEventListener('remoteCloseWrite', done, { once: true })
  })
}

export const envelopeStream = (connection: Connection): Promise<Stream> => connection.newStream(ENVELOPE, soon())

/** A message of the envelope stream. */
export function message(kind: number, body: Uint8Array): Uint8Array {
  const head = new Uint8Array(5)
  new DataView(head.buffer).setUint32(0, body.length + 1)
  head[4] = kind
  return concat(head, body)
}

export const frameMessage = (frame: Uint8Array): Uint8Array => message(1, padFrame(frame))

/** Says hello as `me`, a contact of whoever listens there, and then does as the test says. */
export async function dialAsContact(raw: Hostile, me: Person, address: string): Promise<Connection> {
  const connection = await raw.dial(address)
  await greetAsContact(raw, me, connection)
  return connection
}

/** Says hello as `me` on a connection; `proceed` false: finds out who is there, and then proves nothing. */
export async function greetAsContact(raw: Hostile, me: Person, connection: Connection, proceed = true): Promise<void> {
  const stream = await connection.newStream(HELLO, soon())
  const acquaintances = acquaintancesOf(me)
  const ends = { local: raw.peer, remote: connection.remotePeer.toMultihash().bytes }
  const show = (day: number): readonly Uint8Array[] => acquaintances.tags(day, 'dialer', ends)
  const found = await greet(stream, acquaintances, ends, null, show, () => proceed, soon().signal)
  if (proceed && (found === undefined || found === 'stranger')) throw new Error('not recognised')
}

/** Writes as fast as the stream takes it. */
export async function pour(stream: Stream, messages: Iterable<Uint8Array>): Promise<void> {
  for (const one of messages) if (!stream.send(one)) await stream.onDrain()
}

/** Asks a relay for a place, byte by byte. Its status, or a rejection where there is no answer. */
export async function reserve(connection: Connection): Promise<string> {
  const stream = await connection.newStream('/libp2p/circuit/relay/0.2.0/hop', soon())
  const bytes = byteStream(stream)
  // HopMessage { type: RESERVE }, with its length before it.
  await bytes.write(Uint8Array.of(2, 0x08, 0), soon())
  const head = (await bytes.read({ bytes: 1, ...soon() })).get(0)
  const more = head >= 128 ? (await bytes.read({ bytes: 1, ...soon() })).get(0) : undefined
  const length = more === undefined ? head : (head & 127) | (more << 7)
  const message = (await bytes.read({ bytes: length, ...soon() })).subarray()
  // The status is the last field: number 5, a varint of one byte or two.
  const [field, low, high] = message.subarray(-3)
  const status = field === 0x28 ? ((low ?? 0) & 127) | ((high ?? 0) << 7) : (high ?? 0)
  return STATUS[status] ?? `status ${status}`
}

const STATUS: Record<number, string> = { 100: 'OK', 200: 'RESERVATION_REFUSED', 202: 'PERMISSION_DENIED' }
