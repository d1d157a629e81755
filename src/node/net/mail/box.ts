/**
 * `/tulnic/box/1`: mail is left in a box at its carrier, and handed over to the box's owner. Both ends. (docs/protocol.md, "Mail")
 *
 *     visitor                                  carrier
 *       role 1 ‖ box 16 ‖ nonce 32 ──▶                        0 to leave mail, 1 to fetch it
 *       ◀── nonce 32 ‖ signature 64                           the carrier's, over role, box, nonces and both PeerIDs; none where there is no such box
 *
 *     leaving:  length 4 ‖ envelope ──▶
 *               ◀── status 1                                  once it is stored there; one after the other
 *     fetching: signature 64 ──▶                              the owner's, over the same
 *               ◀── length 4 ‖ letter …                       as they come, for as long as the stream lasts
 *               count 2 ‖ ids of 16 bytes … ──▶               stored here, to be forgotten there
 *
 * Holds: who does not carry the box learns its name and nothing else; who leaves mail proves nothing but, inside the envelope, a
 * token; every wait and every length has a bound.
 */
import type { Stream } from '@libp2p/interface'
import { type BoxPurpose, type BoxVisit, concat, ENVELOPE_MOST_BYTES } from '../../../protocol/index.ts'
import type { DepositStatus } from '../../engine/input.ts'
import { Exchange } from '../exchange.ts'
import type { Limits } from '../protocols.ts'

const PURPOSES: readonly BoxPurpose[] = ['leave', 'fetch']
const STATUSES: readonly DepositStatus[] = ['ok', 'full', 'no-token']

const BOX_BYTES = 16
const NONCE_BYTES = 32
const SIGNATURE_BYTES = 64
const ID_BYTES = 16
/** Ids in one message. */
const IDS_EACH = 256

/** Begins as the visitor; `isCarrier` judges the signature. `undefined`: nobody there who proved it in time. */
export async function visit(
  stream: Stream,
  purpose: BoxPurpose,
  box: Uint8Array,
  nonce: Uint8Array,
  limits: Limits,
  signal: AbortSignal,
  isCarrier: (visit: BoxVisit, signature: Uint8Array) => boolean,
): Promise<{ readonly exchange: Exchange; readonly visit: BoxVisit } | undefined> {
  const exchange = new Exchange(stream, limits.mailUnread, signal)
  exchange.write(concat(Uint8Array.of(PURPOSES.indexOf(purpose)), box, nonce))
  const answer = await exchange.read(NONCE_BYTES + SIGNATURE_BYTES, AbortSignal.timeout(limits.mailMs))
  const made = answer && { box, nonces: { visitor: nonce, carrier: answer.slice(0, NONCE_BYTES) } }
  if (answer !== undefined && made !== undefined && isCarrier(made, answer.slice(NONCE_BYTES)))
    return { exchange, visit: made }
  exchange.abort('not the carrier')
  return undefined
}

/** What a visitor wants; `undefined` for nonsense, or nothing in time. */
export async function readVisit(
  exchange: Exchange,
  limits: Limits,
): Promise<{ readonly purpose: BoxPurpose; readonly box: Uint8Array; readonly nonce: Uint8Array } | undefined> {
  const opening = await exchange.read(1 + BOX_BYTES + NONCE_BYTES, AbortSignal.timeout(limits.mailMs))
  const purpose = opening && PURPOSES[opening[0] ?? PURPOSES.length]
  if (opening === undefined || purpose === undefined) return undefined
  return { purpose, box: opening.slice(1, 1 + BOX_BYTES), nonce: opening.slice(1 + BOX_BYTES) }
}

/** The carrier's answer. */
export const writeProof = (exchange: Exchange, nonce: Uint8Array, signature: Uint8Array): boolean =>
  exchange.write(concat(nonce, signature))

/** The owner's proof. */
export const readSignature = (exchange: Exchange, limits: Limits): Promise<Uint8Array | undefined> =>
  exchange.read(SIGNATURE_BYTES, AbortSignal.timeout(limits.mailMs))

export function writeMail(exchange: Exchange, bytes: Uint8Array): boolean {
  const message = new Uint8Array(4 + bytes.length)
  new DataView(message.buffer).setUint32(0, bytes.length)
  message.set(bytes, 4)
  return exchange.write(message)
}

/** The next envelope or letter; `undefined` where the other side ends, stays silent until the signal, or says too much. */
export async function readMail(exchange: Exchange, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  const head = await exchange.read(4, signal)
  if (head === undefined) return undefined
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0)
  return length < 1 || length > ENVELOPE_MOST_BYTES ? undefined : exchange.read(length, signal)
}

export const writeStatus = (exchange: Exchange, status: DepositStatus): boolean =>
  exchange.write(Uint8Array.of(STATUSES.indexOf(status)))

export async function readStatus(exchange: Exchange, limits: Limits): Promise<DepositStatus | undefined> {
  const status = await exchange.read(1, AbortSignal.timeout(limits.mailMs))
  return status && STATUSES[status[0] ?? STATUSES.length]
}

export function writeTaken(exchange: Exchange, ids: readonly Uint8Array[]): void {
  for (let at = 0; at < ids.length; at += IDS_EACH) {
    const some = ids.slice(at, at + IDS_EACH)
    exchange.write(concat(Uint8Array.of(some.length >> 8, some.length & 255), ...some))
  }
}

/** Ids that the owner took; `undefined` at the end, or for nonsense. */
export async function readTaken(exchange: Exchange): Promise<readonly Uint8Array[] | undefined> {
  const [high, low] = (await exchange.read(2)) ?? []
  if (high === undefined || low === undefined) return undefined
  const count = high * 256 + low
  if (count < 1 || count > IDS_EACH) return undefined
  const joined = await exchange.read(count * ID_BYTES)
  return joined && Array.from({ length: count }, (_, at) => joined.slice(at * ID_BYTES, (at + 1) * ID_BYTES))
}
