/**
 * A peer that keeps to libp2p and to nothing else, at a loopback address of its own, and what it says on our protocols.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { byteStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { randomBytes } from 'node:crypto'
import { createLibp2p, type Libp2p } from 'libp2p'
import { greet } from '../../../src/node/net/hello.ts'
import type { Acquaintances } from '../../../src/node/net/net.ts'
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

const PATIENCE_MS = 10_000

/** Node.js knows this option of a socket; libp2p's types do not. */
const dialingFrom = (localAddress: string): object => ({ localAddress })

export const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
export const soon = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(PATIENCE_MS) })

/** Listens nowhere; dials from `from`. Envelope streams that others open on it are read and forgotten. */
export async function rawNode(from: string): Promise<Libp2p> {
  const node = await createLibp2p({
    transports: [tcp({ dialOpts: dialingFrom(from) })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ enableKeepAlive: false, maxOutboundStreams: 4096 })],
    connectionMonitor: { enabled: false },
    connectionManager: { maxParallelDials: 1024, maxConnections: 4096, reconnectRetries: 0 },
  })
  await node.handle(ENVELOPE, (stream) => stream.addEventListener('message', () => {}))
  return node
}

export const dial = (node: Libp2p, address: string): Promise<Connection> =>
  node.dial(multiaddr(address), { ...soon(), force: true })

/** Says hello as somebody does whom nobody knows. */
export async function strangersHello(connection: Connection): Promise<void> {
  const stream = await connection.newStream(HELLO, soon())
  const tags = Array.from({ length: HELLO_TAGS }, () => random(TAG_BYTES))
  stream.send(encodeHelloOpening({ day: 20_000, nonce: random(32), tags }))
  await byteStream(stream).read({ bytes: HELLO_ANSWER_BYTES, ...soon() })
  stream.send(random(PROOF_BYTES))
  await stream.close(soon())
}

/** Says hello as who has these acquaintances. Rejects where it is not recognised. */
export async function contactsHello(node: Libp2p, connection: Connection, acquaintances: Acquaintances): Promise<void> {
  const ends = { local: node.peerId.toMultihash().bytes, remote: connection.remotePeer.toMultihash().bytes }
  const stream = await connection.newStream(HELLO, soon())
  const show = (day: number): readonly Uint8Array[] => acquaintances.tags(day, 'dialer', ends)
  const found = await greet(stream, acquaintances, ends, null, show, () => true, soon().signal)
  if (found === undefined || found === 'stranger') throw new Error('not recognised')
}

/** A message of the envelope stream. */
export function message(kind: number, body: Uint8Array): Uint8Array {
  const head = new Uint8Array(5)
  new DataView(head.buffer).setUint32(0, body.length + 1)
  head[4] = kind
  return concat(head, body)
}

export const frameMessage = (frame: Uint8Array): Uint8Array => message(1, padFrame(frame))

/** Random bytes that look like an INIT, or like a message of a session. */
export const init = (length = 3000): Uint8Array => random(length).fill(1, 0, 1)
export const sessionMessage = (length = 200): Uint8Array => random(length).fill(2, 0, 1)

/** Writes, and waits where no more is taken for now. Throws when the stream has ended, and when nothing is taken for long. */
export async function write(stream: Stream, bytes: Uint8Array): Promise<void> {
  if (!stream.send(bytes)) await drained(stream)
}

/**
 * Libp2p's own onDrain waits once: after the first time it resolves at once, and who relies on it fills its own memory with what
 * never leaves (@libp2p/utils 7.4).
 */
export async function drained(writable: Pick<Stream, 'addEventListener' | 'removeEventListener'>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const taken = (): void => resolve()
  const failed = (): void => reject(new Error('ended, or stuck'))
  const { signal } = soon()
  writable.addEventListener('drain', taken, { once: true })
  writable.addEventListener('close', failed, { once: true })
  signal.addEventListener('abort', failed, { once: true })
  try {
    await promise
  } finally {
    writable.removeEventListener('drain', taken)
    writable.removeEventListener('close', failed)
    signal.removeEventListener('abort', failed)
  }
}
