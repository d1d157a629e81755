/**
 * The envelope: frames on their way through somebody else's hands, a carrier's or those of whoever has a file of them.
 *
 *     envelope  = version 1 ‖ box 16 ‖ life 1 (days) ‖ token 16 ‖ commitment 32 ‖ nonce 24 ‖ ciphertext ‖ tag 16
 *                 └─────────────── clear ─────────────────────┘└────────── sealed (crypto/aead.ts) ───────────┘
 *     plaintext = count 2 ‖ (length 4 ‖ frame) … ‖ zeros         in all of a size of `wire/buckets.ts`
 *
 * The clear bytes are the associated data of the sealed ones: what is sealed for one box, with one token, is nothing in another. Of
 * a sender they say nothing: two envelopes of one hand have in common what all envelopes to that box with that life have.
 *
 * Holds: any bytes are taken or refused, never thrown at; one encoding for given frames, key, clear bytes and nonce.
 */
import { concat } from './bytes.ts'
import { open, SEAL_OVERHEAD, seal } from './crypto/aead.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import { LABELS } from './labels.ts'
import { ENVELOPE_LIFE_DAYS, ENVELOPE_ROOM, FRAMES_IN_ENVELOPE } from './limits.ts'
import { paddedSize } from './wire/buckets.ts'
import { uint16, uint32 } from './wire/codec.ts'

/** What anybody reads of an envelope. */
export interface Envelope {
  /** 16 bytes. */
  readonly box: Uint8Array
  /** Days, 1 to 30, that it is to be kept from when it was accepted, by its keeper's own running time. */
  readonly life: number
  /** 16 bytes, good for one envelope. */
  readonly token: Uint8Array
}

const VERSION = 1
const BOX_BYTES = 16
const LIFE_AT = 1 + BOX_BYTES
const TOKEN_AT = LIFE_AT + 1
const TOKEN_BYTES = 16
const CLEAR_BYTES = TOKEN_AT + TOKEN_BYTES
const COUNT_BYTES = 2
const LENGTH_BYTES = 4
const KEY_BYTES = 32

/** The largest envelope: what whoever keeps one must be ready to take. */
export const ENVELOPE_MOST_BYTES = paddedSize(
  CLEAR_BYTES + SEAL_OVERHEAD + COUNT_BYTES + FRAMES_IN_ENVELOPE * LENGTH_BYTES + ENVELOPE_ROOM,
)

/** 1 to FRAMES_IN_ENVELOPE frames, at most ENVELOPE_ROOM bytes together, sealed under a 32-byte key. Throws beyond these bounds. */
export function sealEnvelope(
  p: Primitives,
  random: Random,
  boxKey: Uint8Array,
  { box, life, token }: Envelope,
  frames: readonly Uint8Array[],
): Uint8Array {
  if (boxKey.length !== KEY_BYTES || box.length !== BOX_BYTES || token.length !== TOKEN_BYTES || !isLife(life))
    throw new RangeError('a part of the envelope has a wrong length, or its life is no number of days')
  const clear = concat(Uint8Array.of(VERSION), box, Uint8Array.of(life), token)
  return concat(clear, seal(p, random, boxKey, LABELS.envelope, packed(frames), clear))
}

/** What anybody reads of these bytes, if they have the form of an envelope. */
export function readEnvelope(bytes: Uint8Array): Envelope | undefined {
  const life = bytes[LIFE_AT] ?? 0
  const hasSize = bytes.length <= ENVELOPE_MOST_BYTES && bytes.length === paddedSize(bytes.length)
  if (bytes[0] !== VERSION || !hasSize || !isLife(life)) return undefined
  return { box: bytes.slice(1, LIFE_AT), life, token: bytes.slice(TOKEN_AT, CLEAR_BYTES) }
}

/** The frames in an envelope, if it was sealed under this 32-byte key with these clear bytes. */
export function openEnvelope(p: Primitives, boxKey: Uint8Array, bytes: Uint8Array): readonly Uint8Array[] | undefined {
  if (readEnvelope(bytes) === undefined) return undefined
  const clear = bytes.subarray(0, CLEAR_BYTES)
  const plaintext = open(p, boxKey, LABELS.envelope, bytes.subarray(CLEAR_BYTES), clear)
  return plaintext && unpacked(plaintext)
}

/** Names an envelope by its bytes, 16 bytes: the same one that comes twice is known by it. */
export function envelopeId(p: Primitives, bytes: Uint8Array): Uint8Array {
  return p.sha256(concat(LABELS.envelopeId, bytes)).slice(0, 16)
}

function packed(frames: readonly Uint8Array[]): Uint8Array {
  const room = frames.reduce((sum, frame) => sum + frame.length, 0)
  if (!isCount(frames.length) || room > ENVELOPE_ROOM || frames.some((frame) => frame.length === 0))
    throw new RangeError(`${frames.length} frames of ${room} bytes are not for one envelope`)
  const parts = frames.flatMap((frame) => [uint32(frame.length), frame])
  const used = concat(uint16(frames.length), ...parts)
  const plaintext = new Uint8Array(plaintextBytes(used.length))
  plaintext.set(used)
  return plaintext
}

function unpacked(plaintext: Uint8Array): readonly Uint8Array[] | undefined {
  const view = new DataView(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength)
  const count = view.getUint16(0)
  if (!isCount(count)) return undefined
  const frames: Uint8Array[] = []
  let at = COUNT_BYTES
  let room = 0
  while (frames.length < count) {
    const from = at + LENGTH_BYTES
    const length = from <= plaintext.length ? view.getUint32(at) : 0
    at = from + length
    room += length
    if (length === 0 || room > ENVELOPE_ROOM || at > plaintext.length) return undefined
    frames.push(plaintext.subarray(from, at))
  }
  const isPadded = plaintext.length === plaintextBytes(at) && plaintext.subarray(at).every((byte) => byte === 0)
  return isPadded ? frames : undefined
}

function plaintextBytes(used: number): number {
  return paddedSize(CLEAR_BYTES + SEAL_OVERHEAD + used) - CLEAR_BYTES - SEAL_OVERHEAD
}

function isCount(count: number): boolean {
  return count >= 1 && count <= FRAMES_IN_ENVELOPE
}

function isLife(life: number): boolean {
  return Number.isInteger(life) && life >= 1 && life <= ENVELOPE_LIFE_DAYS
}
