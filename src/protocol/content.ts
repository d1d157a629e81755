/**
 * What people and their devices say inside a session (L6): a message is a list of contents.
 *
 *     text       [1, counter, lamport, sent at, text, reply to 16 | null]     its id is {@link messageId}
 *     receipt    [2, received, shown]           each a flat list: from, to, from, to …
 *     profile    [3, version, name]
 *     addresses  [4, version, [address …]]
 *     secret     [5, generation, secret 32]
 *     devices    [6, device log]
 *     repair     [7]                            "I cannot decrypt": believed inside a fresh INIT only
 *     grant      [9, version, grant]            where the sender's records will lie (rendezvous.ts)
 *     compare    [10, from, to]                 "which texts of mine are stored there?"
 *     digests    [11, from, [digest 16 | null …]]   the answer
 *     differing  [12, counters]                 goes with a receipt: what came with one text first and another later
 *     13 … 16                                   about mail: `mail-content.ts`
 *
 * 8 was another form of the last, and stands for nothing.
 *
 * Holds: any bytes give contents or `undefined`; a kind that is not known is skipped, so later versions may add; a bad
 * form of a known kind spoils the message. Names come out clean, whatever went in.
 */
import type { AccountKey, DeviceId } from './brand.ts'
import { compare, concat, fromUtf8, utf8 } from './bytes.ts'
import type { Primitives } from './crypto/primitives.ts'
import { deviceIdBytes } from './identity.ts'
import { LABELS } from './labels.ts'
import {
  ADDRESS_COUNT,
  COMPARED_AT_ONCE,
  CONTENTS_BYTES,
  CONTENTS_COUNT,
  COUNTER_MOST,
  DEVICE_LOG_BYTES,
  RECEIPT_RANGES,
  ADDRESS_CHARACTERS,
  TEXT_BYTES,
} from './limits.ts'
import { MAIL_KINDS, type MailContent, plainMail } from './mail-content.ts'
import { cleanName } from './name.ts'
import type { Range, Ranges } from './ranges.ts'
import { type AudienceGrant, decodeGrant, encodeGrant, GRANT_BYTES } from './rendezvous.ts'
import { isAddress } from './wire/address.ts'
import type { Decoder, Plain } from './wire/codec.ts'
import { bytes, decode, encode, integer, list, literal, mapped, nullable, text, tuple } from './wire/codec.ts'

export type Content =
  | {
      readonly kind: 'text'
      /** Of the author device in this conversation, from 1, without gaps. */
      readonly counter: number
      readonly lamport: number
      /** Milliseconds since 1970 by the author's clock: to be shown, never to be ordered by. */
      readonly sentAt: number
      /** At most 16 KiB of UTF-8. */
      readonly text: string
      /** Id of the message that this answers. */
      readonly replyTo: Uint8Array | null
    }
  /** Counters of the recipient's messages that are stored here, and that a person has seen. At most 64 ranges each. */
  | { readonly kind: 'receipt'; readonly received: Ranges; readonly shown: Ranges }
  | { readonly kind: 'profile'; readonly version: number; readonly name: string }
  | { readonly kind: 'addresses'; readonly version: number; readonly addresses: readonly string[] }
  /** A contact secret, 32 bytes. */
  | { readonly kind: 'secret'; readonly generation: number; readonly secret: Uint8Array }
  | { readonly kind: 'devices'; readonly log: Uint8Array }
  | { readonly kind: 'repair' }
  /** Counters of the recipient's that came with one text first and with another later. At most 64 ranges. */
  | { readonly kind: 'differing'; readonly counters: Ranges }
  /** Asks what is stored under these counters of the sender's: COMPARED_AT_ONCE at most. */
  | { readonly kind: 'compare'; readonly from: number; readonly to: number }
  /**
   * {@link textDigest} of what is stored under the recipient's counters, one after another; `null`: nothing. {@link NOT_KNOWN}:
   * something was, and is removed. Fewer than were asked for are an answer too.
   */
  | { readonly kind: 'digests'; readonly from: number; readonly digests: readonly (Uint8Array | null)[] }
  /** The audience that the recipient belongs to; the highest version counts. */
  | { readonly kind: 'grant'; readonly version: number; readonly grant: AudienceGrant }
  | MailContent

/** Stands for the digest of a text that was stored and is not here any more: equal to no other. */
export const NOT_KNOWN = new Uint8Array(16)

/** Latest time that a `Date` can hold. */
const TIME_MOST = 8.64e15

/**
 * The plaintext of a session message. Throws for contents beyond the bounds of `limits.ts`; names are cleaned, and
 * addresses that nobody may dial, or too many, are left out.
 */
export function encodeContents(contents: readonly Content[]): Uint8Array {
  const encoded = encode(contents.map(plain))
  if (contents.length > CONTENTS_COUNT || encoded.length > CONTENTS_BYTES)
    throw new RangeError('contents out of bounds')
  return encoded
}

/** The contents of a plaintext, those of unknown kinds left out. */
export function decodeContents(encoded: Uint8Array): readonly Content[] | undefined {
  const contents = decode(encoded, CONTENTS_BYTES, CONTENTS)
  return contents?.filter((content) => content !== 'unknown')
}

/**
 * The id of a message, 16 bytes: a function of its conversation (32 bytes), its author's device and that device's counter
 * there. So nobody can claim the id of another message, and one that is sent again is the same.
 *
 *     hash of conversation, device and ⌊counter / 2^16⌋   14
 *     counter mod 2^16, big endian                         2
 *
 * Texts that follow each other so have ids that do, and an index of ids is touched where the conversation was touched before.
 * Who makes keys of their own has to try 2^56 of them for two ids that agree, and 2^112 for the id of somebody else.
 */
export function messageId(p: Primitives, conversation: Uint8Array, device: DeviceId, counter: number): Uint8Array {
  if (conversation.length !== 32 || !Number.isSafeInteger(counter) || counter < 1)
    throw new RangeError('no such message')
  const number = new Uint8Array(8)
  new DataView(number.buffer).setBigUint64(0, BigInt(counter))
  const [run, place] = [number.subarray(0, 6), number.subarray(6)]
  const hash = p.sha256(concat(LABELS.messageId, conversation, deviceIdBytes(device), run))
  return concat(hash.subarray(0, 14), place)
}

/**
 * Tells two texts of one counter apart, 16 bytes: of all that its author wrote into it. The lamport time is not in it: who stores
 * the text may have cut that.
 */
export function textDigest(
  p: Primitives,
  written: Pick<Extract<Content, { kind: 'text' }>, 'counter' | 'sentAt' | 'text' | 'replyTo'>,
): Uint8Array {
  const { counter, sentAt, text, replyTo } = written
  return p.sha256(concat(LABELS.textDigest, encode([counter, sentAt, wellFormed(text), replyTo]))).slice(0, 16)
}

/** The id of the conversation of two people, 32 bytes, the same on both sides. */
export function conversationId(p: Primitives, a: AccountKey, b: AccountKey): Uint8Array {
  return p.sha256(compare(a, b) <= 0 ? concat(LABELS.conversationId, a, b) : concat(LABELS.conversationId, b, a))
}

function plain(content: Content): Plain {
  switch (content.kind) {
    case 'text': {
      if (utf8(content.text).length > TEXT_BYTES) throw new RangeError('a text is at most 16 KiB')
      if (content.replyTo !== null && content.replyTo.length !== 16) throw new RangeError('an id has 16 bytes')
      const { counter, lamport, sentAt, text: written, replyTo } = content
      return [1, counter, lamport, sentAt, wellFormed(written), replyTo]
    }
    case 'receipt':
      return [2, flat(content.received), flat(content.shown)]
    case 'profile':
      return [3, content.version, cleanName(content.name)]
    case 'addresses':
      return [4, content.version, content.addresses.filter(isAddress).slice(0, ADDRESS_COUNT)]
    case 'secret':
      return [5, content.generation, content.secret]
    case 'devices':
      return [6, content.log]
    case 'repair':
      return [7]
    case 'grant':
      return [9, content.version, encodeGrant(content.grant)]
    case 'differing':
      return [12, flat(content.counters)]
    case 'compare':
      if (content.to - content.from >= COMPARED_AT_ONCE) throw new RangeError('too many counters to compare')
      return [10, content.from, content.to]
    case 'digests':
      if (content.digests.length > COMPARED_AT_ONCE) throw new RangeError('too many digests')
      return [11, content.from, content.digests]
    case 'carry':
    case 'carrying':
    case 'boxes':
    case 'stored':
      return plainMail(content)
  }
}

function flat(ranges: Ranges): readonly number[] {
  if (ranges.length > RECEIPT_RANGES) throw new RangeError(`a receipt has at most ${RECEIPT_RANGES} ranges`)
  return ranges.flat()
}

/** The text with lone surrogates replaced: they have no UTF-8. */
function wellFormed(written: string): string {
  return fromUtf8(utf8(written)) ?? ''
}

const COUNTER = integer(1, COUNTER_MOST)
const VERSION = integer(0, COUNTER_MOST)

const TEXT = mapped(
  tuple(
    literal(1),
    COUNTER,
    VERSION,
    integer(0, TIME_MOST),
    mapped(text(TEXT_BYTES), (written) => (utf8(written).length <= TEXT_BYTES ? written : undefined)),
    nullable(bytes(16)),
  ),
  ([, counter, lamport, sentAt, written, replyTo]): Content => ({
    kind: 'text',
    counter,
    lamport,
    sentAt,
    text: written,
    replyTo,
  }),
)

const RANGES = mapped(list(COUNTER, 0, 2 * RECEIPT_RANGES), (flat): Ranges | undefined => {
  const ranges: Range[] = []
  let least = 1
  for (let at = 0; at < flat.length; at += 2) {
    const from = flat[at]
    const to = flat[at + 1]
    if (from === undefined || to === undefined || from < least || to < from) return undefined
    ranges.push([from, to])
    least = to + 2
  }
  return ranges
})

/** A content by its number. A name of any length is taken and cleaned: the whole message is bounded already. */
const KINDS: ReadonlyMap<unknown, Decoder<Content>> = new Map<unknown, Decoder<Content>>([
  [1, TEXT],
  [2, mapped(tuple(literal(2), RANGES, RANGES), ([, received, shown]) => ({ kind: 'receipt', received, shown }))],
  [
    3,
    mapped(tuple(literal(3), VERSION, text(CONTENTS_BYTES)), ([, version, name]) => ({
      kind: 'profile',
      version,
      name: cleanName(name),
    })),
  ],
  [
    4,
    mapped(
      tuple(
        literal(4),
        VERSION,
        list(
          mapped(text(ADDRESS_CHARACTERS), (address) => (isAddress(address) ? address : undefined)),
          0,
          ADDRESS_COUNT,
        ),
      ),
      ([, version, addresses]) => ({ kind: 'addresses', version, addresses }),
    ),
  ],
  [
    5,
    mapped(tuple(literal(5), VERSION, bytes(32)), ([, generation, secret]) => ({ kind: 'secret', generation, secret })),
  ],
  [6, mapped(tuple(literal(6), bytes(1, DEVICE_LOG_BYTES)), ([, log]) => ({ kind: 'devices', log }))],
  [7, mapped(tuple(literal(7)), () => ({ kind: 'repair' }))],
  [
    10,
    mapped(tuple(literal(10), COUNTER, COUNTER), ([, from, to]) =>
      to < from || to - from >= COMPARED_AT_ONCE ? undefined : { kind: 'compare', from, to },
    ),
  ],
  [
    11,
    mapped(tuple(literal(11), COUNTER, list(nullable(bytes(16)), 1, COMPARED_AT_ONCE)), ([, from, digests]) => ({
      kind: 'digests',
      from,
      digests,
    })),
  ],
  [
    9,
    mapped(tuple(literal(9), VERSION, mapped(bytes(1, GRANT_BYTES), decodeGrant)), ([, version, grant]) => ({
      kind: 'grant',
      version,
      grant,
    })),
  ],
  [12, mapped(tuple(literal(12), RANGES), ([, counters]) => ({ kind: 'differing', counters }))],
  ...MAIL_KINDS,
])

const CONTENTS: Decoder<readonly (Content | 'unknown')[]> = list(
  (item) => {
    if (!Array.isArray(item) || integer(0, COUNTER_MOST)(item[0]) === undefined) return undefined
    const decoder = KINDS.get(item[0])
    return decoder === undefined ? 'unknown' : decoder(item)
  },
  0,
  CONTENTS_COUNT,
)
