/**
 * `/tulnic/hello/1`: who is at the other end? Both ends. (PROTOCOL §5)
 *
 *     dialer                                          listener
 *       (mac 32) ‖ day 2 ‖ nonce 32 ‖ 32 tags of 16 ──────▶
 *       ◀────── (mac 32) ‖ nonce 32 ‖ tag 16 ‖ proof
 *       proof ───────────────────────────────────────────▶
 *
 * The macs are there in a closed network alone: HMAC(network key, role ‖ dialer's PeerID ‖ listener's). Who cannot make one is
 * answered nothing.
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
  equal,
  HELLO_ANSWER_BYTES,
  HELLO_NONCE_BYTES,
  HELLO_OPENING_BYTES,
  HELLO_TAGS,
  noble,
  PROOF_BYTES,
  TAG_BYTES,
  utf8,
} from '../../protocol/index.ts'
import type { AccountId, DeviceId } from '../../protocol/index.ts'
import type { Ends } from '../engine/input.ts'
import { Exchange } from './exchange.ts'
import type { Acquaintances, HelloRole } from './net.ts'

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
  networkKey: Uint8Array | null,
  show: (day: number) => readonly Uint8Array[],
  proceed: (found: Acquainted) => boolean,
  signal: AbortSignal,
): Promise<Acquainted | 'stranger' | undefined> {
  const { local, remote } = ends
  const exchange = new Exchange(stream, MAC_BYTES + HELLO_ANSWER_BYTES, signal)
  const { random } = acquaintances
  const day = acquaintances.day()
  const nonce = random(HELLO_NONCE_BYTES)
  const opening = encodeHelloOpening({ day, nonce, tags: filled(show(day), random) })
  exchange.write(concat(mac(networkKey, 'dialer', local, remote), opening))
  const isMember = await shows(exchange, mac(networkKey, 'listener', local, remote))
  const bytes = isMember ? await exchange.read(HELLO_ANSWER_BYTES) : undefined
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

/** The listener's side. `stranger`: the dialer showed no tag of a contact, or could not prove it; `undefined`: not of this network. */
export async function answerGreeting(
  stream: Stream,
  acquaintances: Acquaintances,
  ends: Ends,
  networkKey: Uint8Array | null,
  signal: AbortSignal,
): Promise<Acquainted | 'stranger' | undefined> {
  const { local, remote } = ends
  const exchange = new Exchange(stream, MAC_BYTES + HELLO_OPENING_BYTES + PROOF_BYTES, signal)
  const { random } = acquaintances
  if (!(await shows(exchange, mac(networkKey, 'dialer', remote, local)))) {
    exchange.abort('not of this network')
    return undefined
  }
  const bytes = await exchange.read(HELLO_OPENING_BYTES)
  const opening = bytes && decodeHelloOpening(bytes)
  if (opening === undefined) {
    exchange.abort('no greeting')
    return 'stranger'
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
  exchange.write(concat(mac(networkKey, 'listener', remote, local), encodeHelloAnswer({ nonce, ...shown })))
  const proof = await exchange.read(PROOF_BYTES)
  if (proof === undefined) exchange.abort('no proof')
  else void exchange.finish()
  if (proof === undefined || contact === undefined) return 'stranger'
  const device = acquaintances.check(contact, 'dialer', ends, nonces, proof)
  return device === undefined ? 'stranger' : { contact, device }
}

const MAC_BYTES = 32

/** Empty in an open network. */
function mac(key: Uint8Array | null, role: HelloRole, dialer: Uint8Array, listener: Uint8Array): Uint8Array {
  return key === null ? new Uint8Array() : noble.hmac(key, concat(utf8(role), dialer, listener))
}

async function shows(exchange: Exchange, expected: Uint8Array): Promise<boolean> {
  const shown = await exchange.read(expected.length)
  return shown !== undefined && equal(shown, expected)
}

/** Always 32 tags: the rest is random. */
function filled(tags: readonly Uint8Array[], random: (n: number) => Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: HELLO_TAGS }, (_, i) => tags[i] ?? random(TAG_BYTES))
}
