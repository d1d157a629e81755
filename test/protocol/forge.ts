/**
 * Frames of a peer that has the session's keys and does not keep to the rules.
 */
import { concat, type Primitives, type Random } from '../../src/protocol/index.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { decodePosition, encodePosition, type Position, sendTriple } from '../../src/protocol/ratchet/triple-ratchet.ts'
import { decodeSessionState, type SessionState } from '../../src/protocol/session-state.ts'
import { NOW } from './people.ts'
import { LOW_ORDER } from './points.ts'
import { HEADS, same } from './session-pair.ts'

export interface Forgery {
  readonly position?: (honest: Position) => Position
  readonly commitment?: Uint8Array
}

export function decoded(state: Uint8Array): SessionState {
  const session = decodeSessionState(state)
  if (session === undefined) throw new Error('not a state')
  return session
}

/** The next message of a state, honest but for what `forgery` changes. */
export function forge(p: Primitives, random: Random, state: Uint8Array, forgery: Forgery): Uint8Array {
  const session = decoded(state)
  const sending = sendTriple(p, random, session, Math.floor(NOW / 1000))
  const honest = decodePosition(sending.header)
  if (honest === undefined) throw new Error('not a header')
  const { transcript } = session
  const header = encodePosition(forgery.position?.(honest) ?? honest)
  const nonce = random(24)
  const length = header.length + 16
  const prefix = concat(Uint8Array.of(2, length >>> 8, length), nonce)
  const sealedHeader = p.aeadSeal(sending.headerKey, nonce, header, concat(LABELS.messageHeader, transcript, prefix))
  const clear = concat(prefix, sealedHeader, forgery.commitment ?? sending.messageKey.commitment)
  const body = concat(HEADS.own, HEADS.peer)
  const data = concat(LABELS.messageBody, transcript, clear)
  return concat(clear, p.aeadSeal(sending.messageKey.key, nonce, body, data))
}

/** A frame with another header of the same nonce in the place of its own; `state` is the sender's after sealing it. */
export function reheaded(
  p: Primitives,
  state: Uint8Array,
  frame: Uint8Array,
  change: (honest: Position) => Position,
): Uint8Array {
  const { ec, transcript } = decoded(state)
  const end = 27 + (((frame[1] ?? 0) << 8) | (frame[2] ?? 0))
  const data = concat(LABELS.messageHeader, transcript, frame.subarray(0, 27))
  const key = ec.sending?.headerKey ?? new Uint8Array(32)
  const nonce = frame.slice(3, 27)
  const position = decodePosition(p.aeadOpen(key, nonce, frame.subarray(27, end), data) ?? new Uint8Array(0))
  if (position === undefined) throw new Error('not a frame of this state')
  const header = p.aeadSeal(key, nonce, encodePosition(change(position)), data)
  return concat(frame.subarray(0, 27), header, frame.subarray(end))
}

/** Primitives whose owner sends a low-order public key in the place of its own, and takes all its DH outputs to be zero. */
export function lowOrderSender(p: Primitives, isOurs: (privateKey: Uint8Array) => boolean): Primitives {
  const [point = new Uint8Array(32)] = LOW_ORDER
  return {
    ...p,
    x25519KeyPair: (seed) => (isOurs(seed) ? { privateKey: seed, publicKey: point } : p.x25519KeyPair(seed)),
    x25519PublicKey: (key) => (isOurs(key) ? point : p.x25519PublicKey(key)),
    x25519: (key, theirs) => (isOurs(key) ? new Uint8Array(32) : p.x25519(key, theirs)),
  }
}

/** `random`, and the first thing that it gave. */
export function remembering(random: Random): { random: Random; isFirst: (bytes: Uint8Array) => boolean } {
  let first: Uint8Array | undefined
  return {
    random: (n) => {
      const bytes = random(n)
      first ??= bytes
      return bytes
    },
    isFirst: (bytes) => first !== undefined && same(bytes, first),
  }
}
