/**
 * A session's state as opaque bytes, about 1 kB: the form in which it lies in the store.
 *
 *     version 1 ‖ flags 1 ‖ phase 1 ‖ old chains 1 ‖ epochs 1 ‖ session id 16 ‖ transcript 32 ‖ sent 4 ‖ received 4
 *     elliptic  root 32 ‖ next send header key 32 ‖ next receive header key 32 ‖ PN 4
 *               [own private 32 ‖ own public 32] [peer key 32]
 *               [sending: key 32 ‖ next 4 ‖ header key 32]
 *               [receiving: key 32 ‖ next 4 ‖ header key 32 ‖ number 4 ‖ skipped 4]
 *               each old chain: header key 32 ‖ number 4 ‖ skipped 4 ‖ retired at 4
 *     PQ        epoch 4 ‖ unanswered 4 ‖ messages 4 ‖ since 4 ‖ root 32 ‖ authenticator 64 ‖ [seed 64 | ciphertext 1088]
 *               each epoch: epoch 4 ‖ receive key 32 ‖ next 4 ‖ skipped 4 ‖ retired at 4 ‖ sends 1 [‖ send key 32 ‖ next 4]
 *
 * Counters are big-endian. Old versions are read here only; there is none yet.
 * Holds: decoding is total and strict: other versions, lengths, flags and combinations give `undefined`. Decoded keys
 * are views into the bytes, which nobody changes. A private ML-KEM key is its 64-byte seed. Skipped keys are not here.
 */
import { OLD_CHAINS, PQ_EPOCHS } from './limits.ts'
import type { EcState, OldChain, ReceivingChain, SendingChain } from './ratchet/double-ratchet.ts'
import { CT_BYTES, type PqEpoch, type PqPhase, type PqState } from './ratchet/pq-ratchet.ts'
import { counterAt, putCounter } from './ratchet/triple-ratchet.ts'

export interface SessionState {
  /** 16 bytes, equal on both sides. */
  readonly id: Uint8Array
  /** Hash of the handshake, 32 bytes: associated data of every message. */
  readonly transcript: Uint8Array
  /** Messages sealed and opened, for people. */
  readonly sent: number
  readonly received: number
  readonly ec: EcState
  readonly pq: PqState
}

const VERSION = 1
const INITIATOR = 1
const OWN = 2
const PEER = 4
const SENDING = 8
const RECEIVING = 16
const KEY = 32
const PHASES = ['ek-due', 'ek-sent', 'ek-wait', 'ct-send'] as const

/** Parts of fixed length: before the elliptic half, in it, and in the other; then a chain, an old chain, an epoch. */
const FIXED_BYTES = 61 + 100 + 112
const CHAIN_BYTES = 68
const OLD_CHAIN_BYTES = 44
const EPOCH_BYTES = 49
const EPOCH_SEND_BYTES = 36

export function encodeSessionState({ id, transcript, sent, received, ec, pq }: SessionState): Uint8Array {
  const writer = new Writer(lengthOf(ec, pq))
  writer.byte(VERSION)
  writer.byte(flagsOf(ec, pq))
  writer.byte(PHASES.indexOf(pq.phase.name))
  writer.byte(ec.old.length)
  writer.byte(pq.epochs.length)
  writer.put(id)
  writer.put(transcript)
  writer.counter(sent)
  writer.counter(received)
  writeEc(writer, ec)
  writePq(writer, pq)
  return writer.done()
}

function lengthOf(ec: EcState, pq: PqState): number {
  let length = FIXED_BYTES + ec.old.length * OLD_CHAIN_BYTES
  if (ec.own !== null) length += 2 * KEY
  if (ec.peerKey !== null) length += KEY
  if (ec.sending !== null) length += CHAIN_BYTES
  if (ec.receiving !== null) length += CHAIN_BYTES + 8
  if (pq.phase.name === 'ek-sent') length += pq.phase.seed.length
  if (pq.phase.name === 'ct-send') length += CT_BYTES
  for (const epoch of pq.epochs) length += epoch.send === null ? EPOCH_BYTES : EPOCH_BYTES + EPOCH_SEND_BYTES
  return length
}

function flagsOf(ec: EcState, pq: PqState): number {
  return (
    (pq.initiator ? INITIATOR : 0) |
    (ec.own === null ? 0 : OWN) |
    (ec.peerKey === null ? 0 : PEER) |
    (ec.sending === null ? 0 : SENDING) |
    (ec.receiving === null ? 0 : RECEIVING)
  )
}

function writeEc(writer: Writer, ec: EcState): void {
  writer.put(ec.root)
  writer.put(ec.nextSendHeaderKey)
  writer.put(ec.nextReceiveHeaderKey)
  writer.counter(ec.previousLength)
  if (ec.own !== null) {
    writer.put(ec.own.privateKey)
    writer.put(ec.own.publicKey)
  }
  if (ec.peerKey !== null) writer.put(ec.peerKey)
  if (ec.sending !== null) writeChain(writer, ec.sending)
  if (ec.receiving !== null) {
    writeChain(writer, ec.receiving)
    writer.counter(ec.receiving.number)
    writer.counter(ec.receiving.skipped)
  }
  for (const chain of ec.old) {
    writer.put(chain.headerKey)
    writer.counter(chain.number)
    writer.counter(chain.skipped)
    writer.counter(chain.retiredAt)
  }
}

function writeChain(writer: Writer, chain: SendingChain): void {
  writer.put(chain.key)
  writer.counter(chain.next)
  writer.put(chain.headerKey)
}

function writePq(writer: Writer, pq: PqState): void {
  writer.counter(pq.epoch)
  writer.counter(pq.unanswered)
  writer.counter(pq.messages)
  writer.counter(pq.since)
  writer.put(pq.root)
  writer.put(pq.authRoot)
  writer.put(pq.authKey)
  if (pq.phase.name === 'ek-sent') writer.put(pq.phase.seed)
  if (pq.phase.name === 'ct-send') writer.put(pq.phase.ciphertext)
  for (const epoch of pq.epochs) {
    writer.counter(epoch.epoch)
    writer.put(epoch.receive.key)
    writer.counter(epoch.receive.next)
    writer.counter(epoch.skipped)
    writer.counter(epoch.retiredAt)
    writer.byte(epoch.send === null ? 0 : 1)
    if (epoch.send !== null) {
      writer.put(epoch.send.key)
      writer.counter(epoch.send.next)
    }
  }
}

/** The state, or `undefined` for bytes that this version did not write. */
export function decodeSessionState(bytes: Uint8Array): SessionState | undefined {
  const reader = new Reader(bytes)
  if (reader.byte() !== VERSION) return undefined
  const flags = reader.byte()
  const phaseName = PHASES[reader.byte()]
  const oldCount = reader.byte()
  const epochCount = reader.byte()
  if (flags > 31 || phaseName === undefined || oldCount > OLD_CHAINS || epochCount > PQ_EPOCHS) return undefined
  const id = reader.take(16)
  const transcript = reader.take(32)
  const sent = reader.counter()
  const received = reader.counter()
  const ec = readEc(reader, flags, oldCount)
  const pq = readPq(reader, (flags & INITIATOR) !== 0, phaseName, epochCount)
  if (!reader.isDone() || !isSoundEc(ec) || !isSoundPq(pq)) return undefined
  return { id, transcript, sent, received, ec, pq }
}

function readEc(reader: Reader, flags: number, oldCount: number): EcState {
  return {
    root: reader.take(KEY),
    nextSendHeaderKey: reader.take(KEY),
    nextReceiveHeaderKey: reader.take(KEY),
    previousLength: reader.counter(),
    own: (flags & OWN) === 0 ? null : { privateKey: reader.take(KEY), publicKey: reader.take(KEY) },
    peerKey: (flags & PEER) === 0 ? null : reader.take(KEY),
    sending: (flags & SENDING) === 0 ? null : readChain(reader),
    receiving: (flags & RECEIVING) === 0 ? null : readReceiving(reader),
    old: Array.from({ length: oldCount }, () => readOldChain(reader)),
  }
}

function readChain(reader: Reader): SendingChain {
  return { key: reader.take(KEY), next: reader.counter(), headerKey: reader.take(KEY) }
}

function readReceiving(reader: Reader): ReceivingChain {
  return { ...readChain(reader), number: reader.counter(), skipped: reader.counter() }
}

function readOldChain(reader: Reader): OldChain {
  return {
    headerKey: reader.take(KEY),
    number: reader.counter(),
    skipped: reader.counter(),
    retiredAt: reader.counter(),
  }
}

function readPq(reader: Reader, initiator: boolean, phaseName: (typeof PHASES)[number], epochCount: number): PqState {
  return {
    initiator,
    epoch: reader.counter(),
    unanswered: reader.counter(),
    messages: reader.counter(),
    since: reader.counter(),
    root: reader.take(KEY),
    authRoot: reader.take(KEY),
    authKey: reader.take(KEY),
    phase: readPhase(reader, phaseName),
    epochs: Array.from({ length: epochCount }, () => readEpoch(reader)),
  }
}

function readPhase(reader: Reader, name: (typeof PHASES)[number]): PqPhase {
  if (name === 'ek-sent') return { name, seed: reader.take(64) }
  if (name === 'ct-send') return { name, ciphertext: reader.take(CT_BYTES) }
  return { name }
}

function readEpoch(reader: Reader): PqEpoch {
  const epoch = reader.counter()
  const receive = { key: reader.take(KEY), next: reader.counter() }
  const skipped = reader.counter()
  const retiredAt = reader.counter()
  const send = reader.flag() ? { key: reader.take(KEY), next: reader.counter() } : null
  return { epoch, send, receive, skipped, retiredAt }
}

/** Who sends has a key pair and a peer; who received has a peer; old chains are older than the current one. */
function isSoundEc(ec: EcState): boolean {
  if (ec.own === null && ec.peerKey === null) return false
  if (ec.sending !== null && (ec.own === null || ec.peerKey === null)) return false
  if (ec.sending === null && ec.own !== null && ec.peerKey !== null) return false
  if (ec.receiving === null) return ec.old.length === 0
  if (ec.peerKey === null) return false
  const numbers = [...ec.old.map((chain) => chain.number), ec.receiving.number]
  return isAscending(numbers) && ec.old.every((chain) => chain.skipped > 0)
}

/** Epochs ascend, the sending one can send, and none is beyond what the phase knows. */
function isSoundPq(pq: PqState): boolean {
  const numbers = pq.epochs.map((epoch) => epoch.epoch)
  const current = pq.epochs.find((epoch) => epoch.epoch === pq.epoch - 1)
  const newest = pq.phase.name === 'ct-send' ? pq.epoch : pq.epoch - 1
  return isAscending(numbers) && current !== undefined && current.send !== null && numbers.at(-1) === newest
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? n))
}

/** Writes into one buffer of the right length. */
class Writer {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(length: number) {
    this.#bytes = new Uint8Array(length)
  }

  byte(value: number): void {
    this.#bytes[this.#at++] = value
  }

  counter(n: number): void {
    putCounter(this.#bytes, this.#at, n)
    this.#at += 4
  }

  put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** Throws where the parts are not those that the length was counted for. */
  done(): Uint8Array {
    if (this.#at !== this.#bytes.length) throw new Error(`wrote ${this.#at} of ${this.#bytes.length} bytes`)
    return this.#bytes
  }
}

/** Reads on beyond the end as zeros and remembers that it did: one check at the end is enough. */
class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  #isSound = true

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  flag(): boolean {
    const value = this.byte()
    if (value > 1) this.#isSound = false
    return value === 1
  }

  counter(): number {
    this.#at += 4
    return counterAt(this.#bytes, this.#at - 4)
  }

  take(length: number): Uint8Array {
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  isDone(): boolean {
    return this.#isSound && this.#at === this.#bytes.length
  }
}
