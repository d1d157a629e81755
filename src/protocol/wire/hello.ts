/**
 * The three messages of `/tulnic/hello/1`, of fixed size whoever speaks.
 *
 *     dialer   ▶ day 2 ‖ nonce 32 ‖ 32 tags of 16       546 bytes
 *     listener ▶ nonce 32 ‖ tag 16 ‖ proof 152          200 bytes; tag and proof are random where no tag was known
 *     dialer   ▶ proof 152                              random where the listener's did not hold
 *
 * Holds: every field is random or looks so, except the day.
 */
import { concat } from '../bytes.ts'
import { PROOF_BYTES, TAG_BYTES } from '../hello.ts'
import { uint16 } from './codec.ts'

export const HELLO_TAGS = 32
export const HELLO_NONCE_BYTES = 32
export const HELLO_OPENING_BYTES = 2 + HELLO_NONCE_BYTES + HELLO_TAGS * TAG_BYTES
export const HELLO_ANSWER_BYTES = HELLO_NONCE_BYTES + TAG_BYTES + PROOF_BYTES

export interface HelloOpening {
  /** Days since 1970 by the dialer's clock. */
  readonly day: number
  readonly nonce: Uint8Array
  /** Exactly 32: real ones and random ones. */
  readonly tags: readonly Uint8Array[]
}

export interface HelloAnswer {
  readonly nonce: Uint8Array
  readonly tag: Uint8Array
  readonly proof: Uint8Array
}

export function encodeHelloOpening({ day, nonce, tags }: HelloOpening): Uint8Array {
  return sized(concat(uint16(day), nonce, ...tags), HELLO_OPENING_BYTES)
}

export function decodeHelloOpening(bytes: Uint8Array): HelloOpening | undefined {
  if (bytes.length !== HELLO_OPENING_BYTES) return undefined
  const day = new DataView(bytes.buffer, bytes.byteOffset).getUint16(0)
  const tagsAt = 2 + HELLO_NONCE_BYTES
  const tags = Array.from({ length: HELLO_TAGS }, (_, n) =>
    bytes.slice(tagsAt + n * TAG_BYTES, tagsAt + (n + 1) * TAG_BYTES),
  )
  return { day, nonce: bytes.slice(2, tagsAt), tags }
}

export function encodeHelloAnswer({ nonce, tag, proof }: HelloAnswer): Uint8Array {
  return sized(concat(nonce, tag, proof), HELLO_ANSWER_BYTES)
}

export function decodeHelloAnswer(bytes: Uint8Array): HelloAnswer | undefined {
  if (bytes.length !== HELLO_ANSWER_BYTES) return undefined
  const proofAt = HELLO_NONCE_BYTES + TAG_BYTES
  return {
    nonce: bytes.slice(0, HELLO_NONCE_BYTES),
    tag: bytes.slice(HELLO_NONCE_BYTES, proofAt),
    proof: bytes.slice(proofAt),
  }
}

function sized(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new RangeError(`a hello of ${length} bytes cannot have ${bytes.length}`)
  return bytes
}
