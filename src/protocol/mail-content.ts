/**
 * What contacts say to each other about mail, inside a session (`content.ts`).
 *
 *     carry      [13, version, null | [box 16, owner key 32, hashes]]       owner → carrier: "keep mail for me", or no longer
 *     carrying   [14, version, box 16, 1 | 2 | [carrier key 32, grant]]     carrier → owner: full, off, or yes
 *     boxes      [15, version, [[box 16, box key 32, carrier key 32, tag 16, grant, tokens] …]]      owner → sender
 *     stored     [16, ids]                                                  recipient → sender: these frames are stored here
 *
 * Hashes, tokens and ids are each one byte string of so many times 16 bytes.
 *
 * Holds: every form has one encoding; keys are good points; no box stands twice in one list. What is encoded was read by the decoder
 * of the other side first, so our own mistakes throw here.
 */
import type { BoxCarrier, BoxGrant, BoxRequest } from './box.ts'
import { compare, equal } from './bytes.ts'
import { isSigningKey } from './crypto/points.ts'
import { BOX_TOKENS, BOXES_OF_DEVICE, COUNTER_MOST, STORED_IDS, TOKEN_HASHES } from './limits.ts'
import { decodeGrant, encodeGrant, GRANT_BYTES } from './rendezvous.ts'
import type { Decoder, Plain } from './wire/codec.ts'
import { bytes, integer, joinedParts, list, literal, mapped, nullable, parts, tuple } from './wire/codec.ts'

export type MailContent =
  /** Keep mail in this box: the highest version counts, and its hashes are all that are good. `null`: no longer. */
  | { readonly kind: 'carry'; readonly version: number; readonly request: BoxRequest | null }
  /** `full`: no room for one more box; `off`: not carrying for the one who asked. */
  | {
      readonly kind: 'carrying'
      readonly version: number
      /** The box of the request. */
      readonly box: Uint8Array
      readonly answer: 'full' | 'off' | BoxCarrier
    }
  /** Where mail may be left for the sender of this: at most five. The set replaces the one before; tokens add to those of the same box. */
  | { readonly kind: 'boxes'; readonly version: number; readonly boxes: readonly BoxGrant[] }
  /** Ids of the recipient's frames that are stored here, 16 bytes each, at most 256. */
  | { readonly kind: 'stored'; readonly ids: readonly Uint8Array[] }

const FULL = 1
const OFF = 2

const VERSION = integer(0, COUNTER_MOST)
const SIXTEEN = bytes(16)
const SIGNING_KEY = mapped(bytes(32), (key) => (isSigningKey(key) ? key : undefined))
const GRANT = mapped(bytes(1, GRANT_BYTES), (encoded) => decodeGrant(encoded))
const HASHES = mapped(parts(16, 0, TOKEN_HASHES), (hashes) => (isAscending(hashes) ? hashes : undefined))

const REQUEST = mapped(
  tuple(SIXTEEN, SIGNING_KEY, HASHES),
  ([box, ownerKey, hashes]): BoxRequest => ({ box, ownerKey, hashes }),
)
const CARRIER = mapped(tuple(SIGNING_KEY, GRANT), ([carrierKey, grant]): BoxCarrier => ({ carrierKey, grant }))
const ANSWER: Decoder<'full' | 'off' | BoxCarrier> = (item) =>
  item === FULL ? 'full' : item === OFF ? 'off' : CARRIER(item)
const BOX_GRANT = mapped(
  tuple(SIXTEEN, bytes(32), SIGNING_KEY, SIXTEEN, GRANT, parts(16, 0, BOX_TOKENS)),
  ([box, key, carrierKey, tag, grant, tokens]): BoxGrant => ({ box, key, carrierKey, tag, grant, tokens }),
)
const BOXES = mapped(list(BOX_GRANT, 0, BOXES_OF_DEVICE), (boxes) => (hasNoBoxTwice(boxes) ? boxes : undefined))

/** A content about mail by its number. */
export const MAIL_KINDS: readonly (readonly [number, Decoder<MailContent>])[] = [
  [
    13,
    mapped(tuple(literal(13), VERSION, nullable(REQUEST)), ([, version, request]) => ({
      kind: 'carry',
      version,
      request,
    })),
  ],
  [
    14,
    mapped(tuple(literal(14), VERSION, SIXTEEN, ANSWER), ([, version, box, answer]) => ({
      kind: 'carrying',
      version,
      box,
      answer,
    })),
  ],
  [15, mapped(tuple(literal(15), VERSION, BOXES), ([, version, boxes]) => ({ kind: 'boxes', version, boxes }))],
  [16, mapped(tuple(literal(16), parts(16, 0, STORED_IDS)), ([, ids]) => ({ kind: 'stored', ids }))],
]

/** The plain form of a content. Throws for one that the other side would refuse. */
export function plainMail(content: MailContent): Plain {
  const plain = plainOf(content)
  const decoder = MAIL_KINDS.find(([kind]) => kind === plain[0])?.[1]
  if (decoder?.(plain) === undefined) throw new RangeError(`no such content: ${content.kind}`)
  return plain
}

function plainOf(content: MailContent): readonly [number, ...Plain[]] {
  switch (content.kind) {
    case 'carry':
      return [13, content.version, content.request && plainRequest(content.request)]
    case 'carrying':
      return [14, content.version, content.box, plainAnswer(content.answer)]
    case 'boxes':
      return [15, content.version, content.boxes.map(plainGrant)]
    case 'stored':
      return [16, joinedParts(16, content.ids)]
  }
}

function plainRequest({ box, ownerKey, hashes }: BoxRequest): Plain {
  return [box, ownerKey, joinedParts(16, [...hashes].sort(compare))]
}

function plainAnswer(answer: 'full' | 'off' | BoxCarrier): Plain {
  if (answer === 'full') return FULL
  return answer === 'off' ? OFF : [answer.carrierKey, encodeGrant(answer.grant)]
}

function plainGrant({ box, key, carrierKey, tag, grant, tokens }: BoxGrant): Plain {
  return [box, key, carrierKey, tag, encodeGrant(grant), joinedParts(16, tokens)]
}

/** Whether no two are equal and each comes after the one before. */
function isAscending(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash, at) => at === 0 || compare(hashes[at - 1] ?? hash, hash) < 0)
}

function hasNoBoxTwice(boxes: readonly { readonly box: Uint8Array }[]): boolean {
  return boxes.every(({ box }, at) => boxes.findIndex((each) => equal(each.box, box)) === at)
}
