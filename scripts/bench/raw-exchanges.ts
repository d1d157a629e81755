/**
 * The exchanges that a raw libp2p stream is measured with, both sides of each: what P2 and P3 cost without us.
 *
 *     echo      each message comes back                                        the transport alone
 *     stored    commit ─▶ message ─▶ commit ─▶ receipt ─▶ commit (raw-rows.ts)   the least that our promise costs
 *     flood     messages as fast as the stream takes them; back come counters   the transport alone, with acknowledgements
 *
 * Messages and receipts have the sizes of our padded frames.
 */
import type { Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { multiaddr } from '@multiformats/multiaddr'
import { padFrame } from '../../src/protocol/index.ts'
import { addressOf, bare, nextOf, readEach } from './raw-libp2p.ts'
import { RECEIPT_FRAME_BYTES, RawRows, TEXT_FRAME_BYTES } from './raw-rows.ts'

const ECHO = '/tulnic-bench/echo/1'
const STORED = '/tulnic-bench/stored/1'
const FLOOD = '/tulnic-bench/flood/1'
const COUNTER_BYTES = 4
/** Messages in one write of a flood: our engine hands over whole batches too, and one write for each would be the slower. */
const MESSAGES_A_WRITE = 64

/** Bytes of a message. */
export const MESSAGE_BYTES = padFrame(new Uint8Array(TEXT_FRAME_BYTES)).length

const MESSAGE = padFrame(new Uint8Array(TEXT_FRAME_BYTES).fill(7))
const RECEIPT = padFrame(new Uint8Array(RECEIPT_FRAME_BYTES).fill(7))

/** A bare node with a database, which answers all three and begins them. */
export class RawSide {
  readonly #node: Libp2p
  readonly #rows: RawRows
  /** Streams that last, by protocol: they are opened before anything is timed. */
  readonly #open = new Map<string, Exchange>()

  private constructor(node: Libp2p, rows: RawRows) {
    this.#node = node
    this.#rows = rows
  }

  /** `file` is where its database is made. */
  static async start(file: string): Promise<RawSide> {
    const node = await bare()
    const rows = new RawRows(file)
    await node.handle(ECHO, (stream) => readEach(stream, MESSAGE.length, () => stream.send(MESSAGE)))
    await node.handle(STORED, (stream) =>
      readEach(stream, MESSAGE.length, () => {
        rows.beforeAcknowledging()
        stream.send(RECEIPT)
      }),
    )
    await node.handle(FLOOD, (stream) => countMessages(stream))
    return new RawSide(node, rows)
  }

  get address(): string {
    return addressOf(this.#node)
  }

  /** Milliseconds of each round trip, in order. */
  async echo(to: string, count: number): Promise<readonly number[]> {
    const { stream, next } = await this.#exchange(ECHO, to, MESSAGE.length)
    return timed(count, async () => {
      stream.send(MESSAGE)
      await next()
    })
  }

  /** Milliseconds from before the first commit to after the third, of each message in order. */
  async stored(to: string, count: number): Promise<readonly number[]> {
    const { stream, next } = await this.#exchange(STORED, to, RECEIPT.length)
    return timed(count, async () => {
      this.#rows.beforeSending()
      stream.send(MESSAGE)
      await next()
      this.#rows.beforeTelling()
    })
  }

  /** Milliseconds until the last of `count` messages was counted at the other side. Throws where the count is another. */
  async flood(to: string, count: number): Promise<number> {
    const { stream, next } = await this.#exchange(FLOOD, to, COUNTER_BYTES)
    const before = performance.now()
    const sending = sendAll(stream, count)
    let counted = 0
    while (counted < count) {
      const now = new DataView(Uint8Array.from(await next()).buffer).getUint32(0)
      if (now <= counted || now > count) throw new Error(`the raw stream counted ${now} after ${counted} of ${count}`)
      counted = now
    }
    const ms = performance.now() - before
    await sending
    this.#open.delete(FLOOD)
    await stream.close()
    return ms
  }

  async stop(): Promise<void> {
    await this.#node.stop()
    this.#rows.close()
  }

  async #exchange(protocol: string, to: string, answerBytes: number): Promise<Exchange> {
    const open = this.#open.get(protocol)
    if (open !== undefined) return open
    const stream = await this.#node.dialProtocol(multiaddr(to), protocol)
    const exchange = { stream, next: nextOf(stream, answerBytes) }
    this.#open.set(protocol, exchange)
    return exchange
  }
}

interface Exchange {
  readonly stream: Stream
  /** The next whole answer. */
  next(): Promise<Uint8Array>
}

async function timed(count: number, once: () => Promise<void>): Promise<readonly number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const before = performance.now()
    await once()
    times.push(performance.now() - before)
  }
  return times
}

async function sendAll(stream: Stream, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += MESSAGES_A_WRITE) {
    const each = Math.min(MESSAGES_A_WRITE, count - sent)
    const mayGoOn = stream.send(Buffer.concat(Array.from({ length: each }, () => MESSAGE)))
    if (!mayGoOn) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  }
}

/** Answers with how many messages of this stream have arrived, once for each piece of it. */
function countMessages(stream: Stream): void {
  let count = 0
  let told = 0
  readEach(stream, MESSAGE.length, () => count++)
  stream.addEventListener('message', () => {
    if (count === told) return
    told = count
    const counter = new Uint8Array(COUNTER_BYTES)
    new DataView(counter.buffer).setUint32(0, count)
    stream.send(counter)
  })
}
