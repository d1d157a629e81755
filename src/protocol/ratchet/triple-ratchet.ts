/**
 * The Triple Ratchet: the elliptic and the post-quantum half side by side, one message key out of both.
 *
 *     header = ratchet key 32 ‖ PN 4 ‖ N 4 ‖ epoch 4 ‖ index 4 ‖ attached 1 [‖ encapsulation key or ciphertext, and mac]
 *
 * Spec: Signal "Triple Ratchet".
 * Holds: each half steps exactly once a message; what either refuses, both refuse.
 */
import type { Primitives, Random } from '../crypto/primitives.ts'
import { SKIPPED_PER_SESSION } from '../limits.ts'
import {
  dropEmpty,
  dropExpiredEc,
  type EcPosition,
  type EcState,
  type Found,
  neededEcRow,
  receiveEc,
  sendEc,
} from './double-ratchet.ts'
import { joinMessageKey, type MessageKey } from './message-key.ts'
import {
  ATTACHED_CT,
  ATTACHED_EK,
  ATTACHED_NOTHING,
  ATTACHMENT_BYTES,
  type Attached,
  dropExpiredPq,
  neededPqRow,
  type PqPosition,
  type PqState,
  receivePq,
  sendPq,
} from './pq-ratchet.ts'
import { giveUpOldest, type SkippedKey } from './skipped-keys.ts'

export interface TripleState {
  readonly ec: EcState
  readonly pq: PqState
}

export interface Position {
  readonly ec: EcPosition
  readonly pq: PqPosition
}

const FIXED_BYTES = 49

/** The lengths that a header can have, nothing attached first. */
export const HEADER_BYTES: readonly number[] = ATTACHMENT_BYTES.map((bytes) => FIXED_BYTES + bytes)

export function encodePosition({ ec, pq }: Position): Uint8Array {
  const bytes = new Uint8Array(FIXED_BYTES + pq.attachment.length)
  bytes.set(ec.publicKey)
  putCounter(bytes, 32, ec.previousLength)
  putCounter(bytes, 36, ec.n)
  putCounter(bytes, 40, pq.epoch)
  putCounter(bytes, 44, pq.index)
  bytes[48] = pq.attached
  bytes.set(pq.attachment, FIXED_BYTES)
  return bytes
}

export function decodePosition(bytes: Uint8Array): Position | undefined {
  const attached = attachedOf(bytes[48])
  if (attached === undefined || bytes.length !== HEADER_BYTES[attached]) return undefined
  return {
    ec: { publicKey: bytes.slice(0, 32), previousLength: counterAt(bytes, 32), n: counterAt(bytes, 36) },
    pq: {
      epoch: counterAt(bytes, 40),
      index: counterAt(bytes, 44),
      attached,
      attachment: bytes.subarray(FIXED_BYTES),
    },
  }
}

function attachedOf(byte: number | undefined): Attached | undefined {
  return byte === ATTACHED_NOTHING || byte === ATTACHED_EK || byte === ATTACHED_CT ? byte : undefined
}

/** Takes the key of the next message; `headerKey` seals `header`. */
export function sendTriple(
  p: Primitives,
  random: Random,
  state: TripleState,
  nowSeconds: number,
): { state: TripleState; header: Uint8Array; headerKey: Uint8Array; messageKey: MessageKey } {
  const ec = sendEc(p, random, state.ec)
  const pq = sendPq(p, random, state.pq, nowSeconds)
  return {
    state: { ec: ec.state, pq: pq.state },
    header: encodePosition({ ec: ec.position, pq: pq.position }),
    headerKey: ec.headerKey,
    messageKey: joinMessageKey(p, ec.messageKey, pq.messageKey),
  }
}

/** The rows of skipped keys that a message needs, elliptic half first, `null` for none; `undefined` where it cannot be opened. */
export function neededRows(
  state: TripleState,
  found: Found,
  position: Position,
): readonly [ec: string | null, pq: string | null] | undefined {
  const ec = neededEcRow(state.ec, found, position.ec)
  const pq = neededPqRow(state.pq, position.pq)
  return ec === undefined || pq === undefined ? undefined : [ec, pq]
}

export interface TripleOpening {
  readonly state: TripleState
  readonly messageKey: MessageKey
  readonly put: readonly SkippedKey[]
  /** Names of chains whose rows are to go. */
  readonly dropped: readonly string[]
  /** Whether the rows of the session exceed their bound, so that the oldest are to go. */
  readonly trim: boolean
}

/** Takes the key of a received message; `rows` answer {@link neededRows}. `undefined`: not to be opened. */
export function receiveTriple(
  p: Primitives,
  random: Random,
  state: TripleState,
  found: Found,
  position: Position,
  rows: readonly [ec: Uint8Array | undefined, pq: Uint8Array | undefined],
  nowSeconds: number,
): TripleOpening | undefined {
  const ec = receiveEc(p, state.ec, found, position.ec, rows[0], nowSeconds)
  if (ec === undefined) return undefined
  const pq = receivePq(p, random, state.pq, position.pq, found === 'next', rows[1], nowSeconds)
  if (pq === undefined) return undefined
  const kept = dropExpired({ ec: ec.state, pq: pq.state }, nowSeconds)
  const bounded = bound(kept.state)
  return {
    state: bounded.state,
    messageKey: joinMessageKey(p, ec.messageKey, pq.messageKey),
    put: [...ec.put, ...pq.put],
    dropped: [...ec.dropped, ...pq.dropped, ...kept.dropped, ...bounded.dropped],
    trim: bounded.trim,
  }
}

function dropExpired(state: TripleState, nowSeconds: number): { state: TripleState; dropped: readonly string[] } {
  const ec = dropExpiredEc(state.ec, nowSeconds)
  const pq = dropExpiredPq(state.pq, nowSeconds)
  return { state: { ec: ec.state, pq: pq.state }, dropped: [...ec.dropped, ...pq.dropped] }
}

/** How many rows of skipped keys the session has. */
export function skippedOf({ ec, pq }: TripleState): number {
  let count = ec.receiving === null ? 0 : ec.receiving.skipped
  for (const chain of ec.old) count += chain.skipped
  for (const chains of pq.epochs) count += chains.skipped
  return count
}

/** Lowers the counts as the store will lower the rows: a lost message has a row in each half, so each gives half. */
function bound(state: TripleState): { state: TripleState; dropped: readonly string[]; trim: boolean } {
  const excess = skippedOf(state) - SKIPPED_PER_SESSION
  if (excess <= 0) return { state, dropped: [], trim: false }
  const { ec, pq } = state
  const pqCounts = pq.epochs.map((e) => e.skipped)
  const ecCounts = ec.old.map((chain) => chain.skipped)
  if (ec.receiving !== null) ecCounts.push(ec.receiving.skipped)
  const pqTotal = sum(pqCounts)
  const ecShare = Math.min(sum(ecCounts), Math.max(Math.ceil(excess / 2), excess - pqTotal))
  const ecLeft = giveUpOldest(ecCounts, ecShare)
  const pqLeft = giveUpOldest(pqCounts, excess - ecShare)
  const { old, dropped } = dropEmpty(ec.old.map((chain, i) => ({ ...chain, skipped: ecLeft[i] ?? 0 })))
  const receiving = ec.receiving === null ? null : { ...ec.receiving, skipped: ecLeft.at(-1) ?? 0 }
  const epochs = pq.epochs.map((e, i) => ({ ...e, skipped: pqLeft[i] ?? 0 }))
  return { state: { ec: { ...ec, receiving, old }, pq: { ...pq, epochs } }, dropped, trim: true }
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

/** Writes a 32-bit big-endian counter. */
export function putCounter(bytes: Uint8Array, at: number, n: number): void {
  bytes[at] = n >>> 24
  bytes[at + 1] = n >>> 16
  bytes[at + 2] = n >>> 8
  bytes[at + 3] = n
}

/** Reads a 32-bit big-endian counter; the caller checked the length. */
export function counterAt(bytes: Uint8Array, at: number): number {
  return (
    byteAt(bytes, at) * 0x100_0000 +
    ((byteAt(bytes, at + 1) << 16) | (byteAt(bytes, at + 2) << 8) | byteAt(bytes, at + 3))
  )
}

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0
