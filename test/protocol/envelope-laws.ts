/**
 * What holds of envelopes, and of files of them, against a carrier, whoever has a file in hand, and a sender without manners.
 */
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { concat, type Random, utf8 } from '../../src/protocol/index.ts'
import { expand } from '../../src/protocol/crypto/hkdf.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { uint16, uint32 } from '../../src/protocol/wire/codec.ts'
import { commonBytes } from './common-bytes.ts'
import { flipped, type Law, replaced } from './mail.ts'
import { hex, seeded } from './seeded.ts'
import { type Code, law } from './session-pair.ts'
import { forTwoKeys } from './two-keys.ts'

const CLEAR_BYTES = 34
const BOX_AT = 1
const LIFE_AT = 17
const TOKEN_AT = 18

const headOf = (random: Random) => ({ box: random(16), life: 14, token: random(16) })

/** An envelope of 1024 bytes whose owner of the key put this into it; zeros behind. */
function holding(code: Code, random: Random, key: Uint8Array, used: Uint8Array, size = 1024): Uint8Array {
  const { box, token } = headOf(random)
  const clear = concat(Uint8Array.of(1), box, Uint8Array.of(14), token)
  const plaintext = replaced(new Uint8Array(size - CLEAR_BYTES - 72), 0, used)
  return concat(clear, code.seal(p, random, key, LABELS.envelope, plaintext, clear))
}

export const ENVELOPE_LAWS: readonly Law[] = [
  {
    name: 'an envelope that was changed anywhere does not open',
    check(code, seed) {
      const random = seeded(seed)
      const key = random(32)
      const envelope = code.sealEnvelope(p, random, key, headOf(random), [random(40)])
      law(code.openEnvelope(p, key, envelope) !== undefined, 'what was sealed opens')
      for (let at = 0; at < envelope.length; at += at < 120 || at > 1000 ? 1 : 13)
        law(code.openEnvelope(p, key, flipped(envelope, at)) === undefined, `byte ${at} does not matter`)
    },
  },
  {
    name: 'an envelope is for one box, with one token, for one life',
    check(code, seed) {
      const random = seeded(seed)
      const key = random(32)
      const envelope = code.sealEnvelope(p, random, key, headOf(random), [random(40)])
      const opens = (moved: Uint8Array) => {
        law(code.readEnvelope(moved) !== undefined, 'a carrier takes it for an envelope')
        return code.openEnvelope(p, key, moved) !== undefined
      }
      law(!opens(replaced(envelope, BOX_AT, random(16))), 'it opens with another box on it')
      law(!opens(replaced(envelope, TOKEN_AT, random(16))), 'it opens with another token on it')
      for (const life of [1, 13, 15, 30])
        law(!opens(replaced(envelope, LIFE_AT, Uint8Array.of(life))), 'it opens with another life on it')
      for (let at = BOX_AT; at < CLEAR_BYTES; at++)
        law(at === LIFE_AT || !opens(flipped(envelope, at)), `it opens with another byte ${at} on it`)
    },
  },
  {
    name: 'an envelope opens under one key, and says which',
    check(code, seed) {
      const random = seeded(seed)
      const [key, other] = [random(32), random(32)]
      const envelope = code.sealEnvelope(p, random, key, headOf(random), [random(40)])
      law(code.openEnvelope(p, other, envelope) === undefined, 'another key opens it')
      const commitment = random(32)
      law(
        code.openEnvelope(p, key, replaced(envelope, CLEAR_BYTES, commitment)) === undefined,
        'no commitment is asked for',
      )
      const head = envelope.slice(CLEAR_BYTES, CLEAR_BYTES + 4)
      law(
        code.openEnvelope(p, key, replaced(envelope, CLEAR_BYTES, concat(head, random(28)))) === undefined,
        'a part of it is enough',
      )
      const [nonce, clear] = [random(24), envelope.slice(0, CLEAR_BYTES)]
      const [ours, theirs] = [key, other].map((each) => expand(p, each, concat(LABELS.envelope, nonce), 64))
      const data = concat(LABELS.envelope, clear)
      const [first, second] = [ours?.subarray(0, 32), theirs?.subarray(0, 32)] as [Uint8Array, Uint8Array]
      const both = forTwoKeys(first, second, nonce, data)
      for (const each of [first, second])
        law(p.aeadOpen(each, nonce, both, data) !== undefined, 'the control: without a commitment, it opens under both')
      const opens = (each: Uint8Array) =>
        code.open(p, each, LABELS.envelope, concat(ours?.subarray(32) ?? key, nonce, both), clear) !== undefined
      law(opens(key) && !opens(other), 'one text was sealed for two keys')
    },
  },
  {
    name: 'two envelopes of one hand have in common what any two to that box have',
    check(code, seed) {
      const random = seeded(seed)
      const frames = [random(300), random(200)]
      const [one, other] = [headOf(random), headOf(random)]
      const key = random(32)
      const to = (head: typeof one, under = key) => [code.sealEnvelope(p, random, under, head, frames)]
      const outside = ([envelope = new Uint8Array(0)]: Uint8Array[]) => [envelope.subarray(LIFE_AT)]
      law(commonBytes(to(one), to(other, random(32))).length === 0, 'two boxes: something links them')
      law(commonBytes(to(one), to(other)).length === 0, 'two boxes and one key: something links them')
      const again = { ...one, token: random(16) }
      law(commonBytes(outside(to(one)), outside(to(again))).length === 0, 'one box: something but its name links them')
    },
  },
  {
    name: 'what has not the form of an envelope is none, whoever is asked',
    check(code, seed) {
      const random = seeded(seed)
      const key = random(32)
      const envelope = code.sealEnvelope(p, random, key, headOf(random), [random(40)])
      const isOne = (bytes: Uint8Array) => {
        const read = code.readEnvelope(bytes)
        law(read !== undefined || code.openEnvelope(p, key, bytes) === undefined, 'it opens and cannot be read')
        return read !== undefined
      }
      const sized = (length: number) => replaced(new Uint8Array(length), 0, envelope.subarray(0, 34))
      const most = code.ENVELOPE_MOST_BYTES
      for (const size of [1024, 2048, 4096, 4352, 8192, 65_536, most]) law(isOne(sized(size)), `${size} bytes are none`)
      for (const size of [
        34,
        106,
        512,
        1023,
        1025,
        2047,
        3072,
        4095,
        4097,
        4608 - 1,
        most - 1,
        most + 1,
        most + 2048,
        131_072,
      ])
        law(!isOne(sized(size)), `${size} bytes are one`)
      for (const life of [1, 30]) law(isOne(replaced(envelope, LIFE_AT, Uint8Array.of(life))), `${life} days are none`)
      for (const life of [0, 31, 255])
        law(!isOne(replaced(envelope, LIFE_AT, Uint8Array.of(life))), `${life} days are one`)
      for (const version of [0, 2, 255])
        law(!isOne(replaced(envelope, 0, Uint8Array.of(version))), `version ${version} is one`)
      law(!isOne(new Uint8Array(0)) && !isOne(new Uint8Array(1024)), 'nothing is one')
    },
  },
  {
    name: 'what is in an envelope has one form',
    check(code, seed) {
      const random = seeded(seed)
      const key = random(32)
      const frame = random(20)
      const framed = concat(uint32(20), frame)
      const opens = (used: Uint8Array, size?: number) =>
        code.openEnvelope(p, key, holding(code, random, key, used, size)) !== undefined
      law(opens(concat(uint16(1), framed)), 'the good form opens')
      law(opens(concat(uint16(2), framed, framed)), 'a frame that stands there twice opens')
      const bad: readonly (readonly [string, Uint8Array, number?])[] = [
        ['no frames', uint16(0)],
        ['more frames than there are', concat(uint16(2), framed)],
        ['something in the padding', concat(uint16(1), framed, framed)],
        [
          'something at the end of the padding',
          replaced(new Uint8Array(918), 0, concat(uint16(1), framed)).fill(1, 917),
        ],
        ['a larger size than it needs', concat(uint16(1), framed), 2048],
        ['an empty frame', concat(uint16(1), uint32(0))],
        ['an empty frame among others', concat(uint16(2), framed, uint32(0))],
        ['a frame that ends behind it', concat(uint16(1), uint32(913), frame)],
        ['a frame of 2^32 - 1 bytes', concat(uint16(1), uint32(2 ** 32 - 1), frame)],
        [
          '257 frames',
          concat(uint16(257), ...Array.from({ length: 257 }, () => concat(uint32(1), frame.subarray(0, 1)))),
          2048,
        ],
        ['65535 frames', uint16(65_535)],
      ]
      for (const [what, used, size] of bad) law(!opens(used, size), `${what}: opens`)
      const most = code.ENVELOPE_ROOM
      const many = (bytes: number) =>
        concat(
          uint16(2),
          uint32(most - 9),
          new Uint8Array(most - 9).fill(1),
          uint32(bytes),
          new Uint8Array(bytes).fill(1),
        )
      law(opens(many(9), 67_584), 'as much as has room: does not open')
      law(!opens(many(10), 67_584), 'one byte more than has room: opens')
    },
  },
]

export const MAIL_FILE_LAWS: readonly Law[] = [
  {
    name: 'of a damaged file of mail all that is whole is given, and nothing else',
    check(code, seed) {
      const random = seeded(seed)
      const envelopes = [40, 50, 60].map((length) =>
        code.sealEnvelope(p, random, random(32), headOf(random), [random(length)]),
      )
      const file = code.encodeMailPiece(p, envelopes)
      const known = new Set(envelopes.map(hex))
      const read = (bytes: Uint8Array) => {
        const found = code.decodeMailPiece(p, bytes)
        for (const each of found?.envelopes ?? [])
          law(known.has(hex(each)), 'something is given that was not put there')
        return found
      }
      law(read(file)?.whole === true, 'what is whole is called damaged')
      law(read(file)?.envelopes.length === 3, 'what is whole is not given')
      const entry = 20 + 1024
      for (let at = 0; at < file.length; at += at < 60 ? 1 : 29) {
        const found = read(flipped(file, at))
        if (at < 14) law(found === undefined, `byte ${at}: it is no file of mail`)
        else law(found?.whole === false, `byte ${at}: it is called whole`)
        const isLength = at < 18 || (at - 18) % entry < 4
        if (at >= 14 && !isLength)
          law(found?.envelopes.length === (at < file.length - 32 ? 2 : 3), `byte ${at}: others are lost`)
      }
      for (let length = 0; length < file.length; length += 7) {
        const found = read(file.subarray(0, length))
        law(found?.whole !== true, `cut to ${length}: it is called whole`)
        law(
          (found?.envelopes.length ?? 0) === Math.max(0, Math.floor((length - 18) / entry)),
          `cut to ${length}: some are lost`,
        )
      }
      law(read(concat(file, Uint8Array.of(0)))?.whole === false, 'one byte more: it is called whole')
      law(read(concat(file, file))?.whole === false, 'twice in one: it is called whole')
      const pieceOf = (body: Uint8Array, length = body.length + 32): Uint8Array => {
        const before = concat(file.subarray(0, 14), uint32(length), body)
        return concat(before, p.sha256(before))
      }
      const first = file.subarray(18, 18 + entry)
      law(read(pieceOf(first))?.whole === true, 'a shorter piece is read')
      law(read(pieceOf(first, entry + 33))?.whole === false, 'a length that is not true is called whole')
      const foreign = concat(uint32(1024), random(16), new Uint8Array(1024))
      law(read(pieceOf(foreign))?.whole === false, 'what is no envelope is called whole')
      const stranger = concat(uint32(9), code.envelopeId(p, utf8('not mail!')), utf8('not mail!'))
      law(read(pieceOf(stranger))?.whole === false, 'what has the form of none is called whole')
    },
  },
]
