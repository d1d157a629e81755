/**
 * A stream between kad-dht and the net: kad-dht writes a question and reads an answer as from a peer; what goes over the wire
 * meanwhile, how much of it and for how long is decided here and not there.
 *
 * Holds: one question, one answer; bytes beyond are left unread.
 */
import type { Logger } from '@libp2p/interface'
import { AbstractStream } from '@libp2p/utils'
import { concat } from '../../../protocol/index.ts'
import { QUESTION_BYTES, readVarint } from './messages.ts'
import type { Exchange } from '../exchange.ts'
import { Broken } from '../failures.ts'

/** The message that comes next on a stream, without its length; `undefined` for one longer than `most` bytes, or none. */
export async function readMessage(exchange: Exchange, most: number): Promise<Uint8Array | undefined> {
  let head: Uint8Array = new Uint8Array()
  while (head.length < 3) {
    const byte = await exchange.read(1)
    if (byte === undefined) return undefined
    head = concat(head, byte)
    const length = readVarint(head, 0)
    if (length !== undefined) return length.value <= most ? exchange.read(length.value) : undefined
  }
  return undefined
}

type Sent = ReturnType<AbstractStream['sendData']>

export class Asking extends AbstractStream {
  readonly #ask: (question: Uint8Array) => Promise<Uint8Array | undefined>
  #written: Uint8Array = new Uint8Array()
  #asked = false

  /** `ask` answers a question; both with their length before them. */
  constructor(protocol: string, log: Logger, ask: (question: Uint8Array) => Promise<Uint8Array | undefined>) {
    super({ id: 'asking', protocol, log, direction: 'outbound' })
    this.#ask = ask
  }

  override sendData(data: Parameters<AbstractStream['sendData']>[0]): Sent {
    const sentBytes = data.byteLength
    if (!this.#asked && this.#written.length + sentBytes <= QUESTION_BYTES) {
      this.#written = concat(this.#written, data.subarray())
      const length = readVarint(this.#written, 0)
      if (length !== undefined && this.#written.length >= length.end + length.value) void this.#go()
    }
    return { sentBytes, canSendMore: true }
  }

  async #go(): Promise<void> {
    this.#asked = true
    const answer = await this.#ask(this.#written)
    if (this.status !== 'open') return
    if (answer === undefined) this.abort(new Broken('no answer'))
    else this.onData(answer)
  }

  override sendReset(): void {}
  override sendPause(): void {}
  override sendResume(): void {}
  override async sendCloseWrite(): Promise<void> {}
  override async sendCloseRead(): Promise<void> {}
}
