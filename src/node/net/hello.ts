/**
 * `/tulnic/hello/1`: who is at the other end? Both ends. (PROTOCOL §5)
 *
 *     dialer                                listener
 *       day 2 ‖ nonce 32 ‖ 32 tags of 16 ──────▶
 *       ◀────── nonce 32 ‖ tag 16 ‖ proof
 *       proof ─────────────────────────────────▶
 *
 * Holds: every message has one length, and random bytes stand where there is nothing to show, so that who does not
 * share a secret cannot tell a stranger from somebody who was not recognised.
 */
import type { Stream } from '@libp2p/interface'
import {
  concat,
  decodeHelloAnswer,
  decodeHelloOpening,
  encodeHelloAnswer,
  encodeHelloOpening,
  HELLO_ANSWER_BYTES,
  HELLO_NONCE_BYTES,
  HELLO_OPENING_BYTES,
  HELLO_TAGS,
  PROOF_BYTES,
  TAG_BYTES,
} from '../../protocol/index.ts'
import type { AccountId, DeviceId } from '../../protocol/index.ts'
import type { Ends } from '../engine/input.ts'
import { Exchange } from './exchange.ts'
import type { Acquaintances } from './net.ts'

/** Somebody whose device proved itself. */
export interface Acquainted {
  readonly contact: AccountId
  readonly device: DeviceId
}

/**
 * The dialer's side: shows at most 32 tags. `undefined`: there was no answer, or `proceed` said that we do not want this
 * connection: then we prove nothing, and the other end never takes it for one.
 */
export async function greet(
  stream: Stream,
  acquaintances: Acquaintances,
  ends: Ends,
  show: (day: number) => readonly Uint8Array[],
  proceed: (found: Acquainted) => boolean,
  signal: AbortSignal,
): Promise<Acquainted | 'stranger' | undefined> {
  const exchange = new Exchange(stream, HELLO_ANSWER_BYTES, signal)
  const { random } = acquaintances
  const day = acquaintances.day()
  const nonce = random(HELLO_NONCE_BYTES)
  exchange.write(encodeHelloOpening({ day, nonce, tags: filled(show(day), random) }))
  const bytes = await exchange.read(HELLO_ANSWER_BYTES)
  const answer = bytes && decodeHelloAnswer(bytes)
  if (answer === undefined) {
    exchange.abort('no answer')
    return undefined
  }
  const nonces = concat(nonce, answer.nonce)
  const contact = acquaintances.recognise([answer.tag], day, 'listener', ends)
  const device = contact && acquaintances.check(contact, 'listener', ends, nonces, answer.proof)
  const found = contact === undefined || device === undefined ? undefined : { contact, device }
  if (found !== undefined && !proceed(found)) {
    exchange.abort('connected already')
    return undefined
  }
  exchange.write(found ? acquaintances.prove(found.contact, 'dialer', ends, nonces) : random(PROOF_BYTES))
  void exchange.finish()
  return found ?? 'stranger'
}

/** The listener's side. `undefined`: the dialer showed no tag of a contact, or could not prove it. */
export async function answerGreeting(
  stream: Stream,
  acquaintances: Acquaintances,
  ends: Ends,
  signal: AbortSignal,
): Promise<Acquainted | undefined> {
  const exchange = new Exchange(stream, HELLO_OPENING_BYTES + PROOF_BYTES, signal)
  const { random } = acquaintances
  const bytes = await exchange.read(HELLO_OPENING_BYTES)
  const opening = bytes && decodeHelloOpening(bytes)
  if (opening === undefined) {
    exchange.abort('no greeting')
    return undefined
  }
  const { day, tags } = opening
  const nonce = random(HELLO_NONCE_BYTES)
  const nonces = concat(opening.nonce, nonce)
  const contact = acquaintances.recognise(tags, day, 'dialer', ends)
  const tag = contact && acquaintances.tag(contact, day, 'listener', ends)
  const shown =
    contact !== undefined && tag !== undefined
      ? { tag, proof: acquaintances.prove(contact, 'listener', ends, nonces) }
      : { tag: random(TAG_BYTES), proof: random(PROOF_BYTES) }
  exchange.write(encodeHelloAnswer({ nonce, ...shown }))
  const proof = await exchange.read(PROOF_BYTES)
  if (proof === undefined) exchange.abort('no proof')
  else void exchange.finish()
  if (proof === undefined || contact === undefined) return undefined
  const device = acquaintances.check(contact, 'dialer', ends, nonces, proof)
  return device === undefined ? undefined : { contact, device }
}

/** Always 32 tags: the rest is random. */
function filled(tags: readonly Uint8Array[], random: (n: number) => Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: HELLO_TAGS }, (_, i) => tags[i] ?? random(TAG_BYTES))
}
