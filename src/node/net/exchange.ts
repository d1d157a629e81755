/**
 * Reading exact amounts from a stream whose other end nobody trusts: bounded in bytes, and by one signal in time.
 *
 * Holds: nothing here rejects or throws for what the remote does; the answer is then `undefined` or `false`.
 */
import type { Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { attempt, Broken, tried } from './failures.ts'

/** How long the other side may take to say that it has said all, too. */
const FINISH_MS = 10_000

export class Exchange {
  readonly #stream: Stream
  readonly #bytes: ReturnType<typeof byteStream<Stream>>
  readonly #signal: AbortSignal
  /** Resolves once the remote sends no more. */
  readonly ended: Promise<void>

  /** `maxUnread`: bytes the remote may send ahead. The signal ends every wait, and the stream with it. */
  constructor(stream: Stream, maxUnread: number, signal: AbortSignal) {
    this.#stream = stream
    this.#bytes = byteStream(stream, { maxBufferSize: maxUnread })
    this.#signal = signal
    this.ended = new Promise((resolve) => {
      if (stream.remoteWriteStatus === 'closed') return resolve()
      for (const end of ['remoteCloseWrite', 'close'] as const) stream.addEventListener(end, () => resolve())
    })
    if (signal.aborted) this.abort('too late')
    else signal.addEventListener('abort', this.#expired, { once: true })
    stream.addEventListener('close', () => signal.removeEventListener('abort', this.#expired), { once: true })
  }

  readonly #expired = (): void => this.abort('too late')

  /** Exactly `n` bytes (0 or more), or `undefined`. */
  async read(n: number, signal: AbortSignal = this.#signal): Promise<Uint8Array | undefined> {
    if (n === 0) return new Uint8Array()
    const list = await attempt(this.#bytes.read({ bytes: n, signal }))
    // A copy that is no Buffer, whose slice() would not copy.
    return list?.byteLength === n ? Uint8Array.from(list.subarray()) : undefined
  }

  /** Two bytes of length, then as many bytes; `undefined` above `max`. */
  async readSized(max: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const head = await this.read(2, signal)
    if (head === undefined) return undefined
    const length = new DataView(head.buffer, head.byteOffset).getUint16(0)
    return length <= max ? this.read(length, signal) : undefined
  }

  /** Queues bytes; `false` when the stream is gone. */
  write(bytes: Uint8Array): boolean {
    return this.#stream.writeStatus === 'writable' && tried(() => this.#stream.send(bytes))
  }

  writeSized(bytes: Uint8Array): boolean {
    const message = new Uint8Array(2 + bytes.length)
    new DataView(message.buffer).setUint16(0, bytes.length)
    message.set(bytes, 2)
    return this.write(message)
  }

  /**
   * Says that we have said all; the stream ends when both have. From now on the signal ends nothing: what was said last may be
   * on its way still, when whoever dialed has what it wanted.
   */
  async finish(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#expired)
    await attempt(this.#stream.close({ signal: AbortSignal.timeout(FINISH_MS) }))
    if (['open', 'closing'].includes(this.#stream.status)) this.abort('not finished')
  }

  abort(reason: string): void {
    this.#stream.abort(new Broken(reason))
  }
}
