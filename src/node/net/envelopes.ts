/**
 * `/tulnic/envelope/1`: frames, and what came of them. Both ends. (PROTOCOL §2, "Wire of the direct path")
 *
 *     message = length 4 (of what follows) ‖ kind 1 ‖ body
 *       frame         body = a frame, padded to its bucket
 *       acknowledged  body = ids of 16 bytes: stored at the other side
 *       no session    body = ids of 16 bytes: nothing at the other side opens them
 *       ping, pong    no body: is somebody there?
 *
 * Each side opens one stream and only writes to it; it lasts as long as the connection.
 *
 * Holds: at most `credit` bytes of frames are written and unanswered; at most `unanswered` bytes, and one window of
 * yamux, are read and not answered by the engine: above it the reader pauses, and the sender feels it.
 */
import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { concat, equal, padFrame, unpadFrame } from '../../protocol/index.ts'
import { Broken, tried } from './failures.ts'
import type { Limits } from './protocols.ts'

const KIND = { frame: 1, acknowledged: 2, noSession: 3, ping: 4, pong: 5 } as const
const HEAD_BYTES = 5
const ID_BYTES = 16
/** Ids in one message; more go in several. */
const IDS_EACH = 1024

type Bytes = Uint8Array

/** Ours to write. Opens its stream at the first need. */
export class EnvelopeWriter {
  readonly #open: () => Promise<Stream | undefined>
  readonly #broken: () => void
  readonly #credit: number
  #stream: Stream | 'none' | 'opening' | 'closed' = 'none'
  #waiting: Bytes[] = []
  #flushing = false
  readonly #inFlight = new Map<number, Written>()
  #inFlightBytes = 0

  /** `broken` is called once when the stream cannot be opened or ends: nothing more gets through. */
  constructor(limits: Limits, open: () => Promise<Stream | undefined>, broken: () => void) {
    this.#credit = limits.credit
    this.#open = open
    this.#broken = broken
  }

  /** Frames that were written and not answered yet. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  get #isClosed(): boolean {
    return this.#stream === 'closed'
  }

  /** Opens the stream, so that the first frame need not wait for it. */
  prepare(): void {
    if (this.#stream === 'none') void this.#start()
  }

  /** Throws where the caller sends on although a whole credit window waits for its answer. */
  send(frames: readonly { readonly id: Bytes; readonly bytes: Bytes }[]): void {
    for (const { id, bytes } of frames) {
      const padded = padFrame(bytes)
      if (this.#inFlightBytes + padded.length > this.#credit) {
        throw new RangeError(`more than ${this.#credit} bytes of frames wait for their acknowledgement`)
      }
      const key = keyOf(id)
      this.#inFlightBytes += padded.length - (this.#inFlight.get(key)?.bytes ?? 0)
      this.#inFlight.set(key, { id, bytes: padded.length })
      this.#queue(KIND.frame, padded)
    }
  }

  acknowledge(ids: readonly Bytes[]): void {
    this.#queueIds(KIND.acknowledged, ids)
  }

  noSession(ids: readonly Bytes[]): void {
    this.#queueIds(KIND.noSession, ids)
  }

  ping(): void {
    this.#queue(KIND.ping, new Uint8Array())
  }

  pong(): void {
    this.#queue(KIND.pong, new Uint8Array())
  }

  /** Those among the ids that were in flight: no longer. */
  answered(ids: readonly Bytes[]): readonly Bytes[] {
    const answered: Bytes[] = []
    for (const id of ids) {
      // Somebody may answer a thousand frames that were never sent.
      if (this.#inFlight.size === 0) break
      const key = keyOf(id)
      const written = this.#inFlight.get(key)
      if (written === undefined || !equal(written.id, id)) continue
      this.#inFlight.delete(key)
      this.#inFlightBytes -= written.bytes
      answered.push(written.id)
    }
    return answered
  }

  close(): void {
    const stream = this.#stream
    this.#stream = 'closed'
    this.#waiting = []
    if (typeof stream === 'object') stream.abort(new Broken('closed'))
  }

  #queueIds(kind: number, ids: readonly Bytes[]): void {
    for (let i = 0; i < ids.length; i += IDS_EACH) this.#queue(kind, concat(...ids.slice(i, i + IDS_EACH)))
  }

  /** All that is queued in one turn of the loop leaves in one write. */
  #queue(kind: number, body: Bytes): void {
    if (this.#stream === 'closed') return
    const head = new Uint8Array(HEAD_BYTES)
    new DataView(head.buffer).setUint32(0, body.length + 1)
    head[4] = kind
    this.#waiting.push(head, body)
    if (this.#stream === 'none') void this.#start()
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    const stream = this.#stream
    if (typeof stream !== 'object' || this.#waiting.length === 0 || stream.writeStatus !== 'writable') return
    const bytes = concat(...this.#waiting)
    this.#waiting = []
    if (!tried(() => stream.send(bytes))) this.#end()
  }

  async #start(): Promise<void> {
    this.#stream = 'opening'
    const stream = await this.#open()
    if (this.#isClosed) return stream?.abort(new Broken('closed'))
    if (stream === undefined || stream.status !== 'open') return this.#end()
    this.#stream = stream
    stream.addEventListener('close', () => this.#end(), { once: true })
    this.#flush()
  }

  #end(): void {
    if (this.#stream === 'closed') return
    this.close()
    this.#broken()
  }
}

/** Where what was read goes. */
export interface EnvelopeSink {
  frames(frames: readonly Bytes[]): void
  acknowledged(ids: readonly Bytes[]): void
  noSession(ids: readonly Bytes[]): void
  /** It asked so many times whether somebody is there. */
  pinged(times: number): void
  /** Any message, whole or in part, arrived. */
  heard(): void
  /** What a stranger may send differs from what a contact may. */
  accepts(frame: Bytes): boolean
  /** Bytes of frames that may wait for the engine's answer. */
  maxUnanswered(): number
  now(): number
}

/** Ours to read: one stream of the other side. */
export class EnvelopeReader {
  readonly #stream: Stream
  readonly #limits: Limits
  readonly #sink: EnvelopeSink
  /** Bytes of a message that is not whole yet, and how many there must be before it is worth a look. */
  #held: Bytes[] = []
  #heldBytes = 0
  #needed = HEAD_BYTES
  /** Sizes of the frames that the engine has not answered, oldest first. */
  readonly #unanswered: number[] = []
  #unansweredBytes = 0
  /** Since when the reader pauses. */
  #pausedAt: number | undefined

  constructor(stream: Stream, limits: Limits, sink: EnvelopeSink) {
    this.#stream = stream
    this.#limits = limits
    this.#sink = sink
    stream.addEventListener('message', (event) => this.#read(event))
    this.#resume()
  }

  get pausedAt(): number | undefined {
    return this.#pausedAt
  }

  /** The engine answered `count` frames. Returns how many bytes they had. */
  answered(count: number): number {
    const bytes = this.#unanswered.splice(0, count).reduce((sum, size) => sum + size, 0)
    this.#unansweredBytes -= bytes
    if (this.#unansweredBytes <= this.#sink.maxUnanswered() / 2) this.#resume()
    return bytes
  }

  #resume(): void {
    this.#pausedAt = undefined
    if (this.#stream.readStatus === 'paused') tried(() => this.#stream.resume())
  }

  #read(event: StreamMessageEvent): void {
    this.#sink.heard()
    const data = plain(event.data.subarray())
    this.#held.push(data)
    this.#heldBytes += data.length
    if (this.#heldBytes < this.#needed) return
    const held = this.#held.length === 1 ? data : concat(...this.#held)
    const read = readMessages(held, this.#limits.envelope)
    if (!this.#deliver(read.messages) || read.needed === Number.POSITIVE_INFINITY) {
      return this.#stream.abort(new Broken('not an envelope'))
    }
    this.#held = read.used === held.length ? [] : [held.slice(read.used)]
    this.#heldBytes = held.length - read.used
    this.#needed = read.needed
    this.#pauseIfFull()
  }

  /**
   * Hands on what one event brought, in order within each kind; `false` for what must not be. Acknowledgements go first: the
   * receipt that follows one is doubted by an engine that has not heard it, and asked about.
   */
  #deliver(messages: readonly Message[]): boolean {
    const frames: Bytes[] = []
    const acknowledged: Bytes[] = []
    const noSession: Bytes[] = []
    let pings = 0
    let good = true
    for (const { kind, body } of messages) {
      if (kind === KIND.frame) {
        const frame = unpadFrame(body)
        good &&= frame !== undefined && this.#sink.accepts(frame)
        if (!good || frame === undefined) break
        frames.push(frame)
        this.#unanswered.push(body.length)
        this.#unansweredBytes += body.length
      } else if (kind === KIND.acknowledged) good &&= takeIds(body, acknowledged)
      else if (kind === KIND.noSession) good &&= takeIds(body, noSession)
      else if (kind === KIND.ping && body.length === 0) pings++
      else good &&= kind === KIND.pong && body.length === 0
      if (!good) break
    }
    if (pings > 0) this.#sink.pinged(pings)
    if (acknowledged.length > 0) this.#sink.acknowledged(acknowledged)
    if (frames.length > 0) this.#sink.frames(frames)
    if (noSession.length > 0) this.#sink.noSession(noSession)
    return good
  }

  #pauseIfFull(): void {
    if (this.#unansweredBytes <= this.#sink.maxUnanswered()) return
    // Not within the event: libp2p's resume() delivers synchronously and would then undo the pause.
    queueMicrotask(() => {
      if (this.#unansweredBytes <= this.#sink.maxUnanswered() || this.#stream.readStatus !== 'readable') return
      this.#pausedAt = this.#sink.now()
      this.#stream.pause()
    })
  }
}

interface Message {
  readonly kind: number
  readonly body: Bytes
}

/** The whole messages at the start of `held`, how many bytes they are, and how many the next needs: `Infinity` for an impossible length. */
function readMessages(held: Bytes, max: number): { messages: readonly Message[]; used: number; needed: number } {
  const view = new DataView(held.buffer, held.byteOffset, held.byteLength)
  const messages: Message[] = []
  let used = 0
  while (used + HEAD_BYTES <= held.length) {
    const length = view.getUint32(used)
    if (length === 0 || length > max) return { messages, used, needed: Number.POSITIVE_INFINITY }
    const end = used + 4 + length
    if (end > held.length) return { messages, used, needed: end - used }
    messages.push({ kind: view.getUint8(used + 4), body: held.subarray(used + HEAD_BYTES, end) })
    used = end
  }
  return { messages, used, needed: HEAD_BYTES }
}

function takeIds(body: Bytes, ids: Bytes[]): boolean {
  if (body.length === 0 || body.length % ID_BYTES !== 0) return false
  for (let i = 0; i < body.length; i += ID_BYTES) ids.push(body.subarray(i, i + ID_BYTES))
  return true
}

/** The same bytes, but not as a Buffer, whose slice() does not copy. */
const plain = ({ buffer, byteOffset, length }: Bytes): Bytes => new Uint8Array(buffer, byteOffset, length)

/** A frame that waits for its answer. */
interface Written {
  readonly id: Bytes
  readonly bytes: number
}

/**
 * 53 bits of an id, cheaper to look for than all of it: should two that wait ever share them, the older is taken for unanswered, and
 * goes again.
 */
function keyOf({ buffer, byteOffset }: Bytes): number {
  const view = new DataView(buffer, byteOffset)
  return view.getUint32(0) * 2 ** 21 + (view.getUint32(4) >>> 11)
}
