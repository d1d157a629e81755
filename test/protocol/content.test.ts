/**
 * Contents and names: bounds, later versions, and what hostile texts become.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Content, Ranges } from '../../src/protocol/index.ts'
import {
  cleanName,
  concat,
  conversationId,
  createAudience,
  createGrant,
  decodeContents,
  encodeContents,
  encodeGrant,
  fromUtf8,
  messageId,
  NO_NAME,
  noble as p,
  textDigest,
  utf8,
} from '../../src/protocol/index.ts'
import {
  ADDRESS_COUNT,
  COMPARED_AT_ONCE,
  CONTENTS_BYTES,
  CONTENTS_COUNT,
  COUNTER_MOST,
  NAME_CODE_POINTS,
  RECEIPT_RANGES,
  TEXT_BYTES,
} from '../../src/protocol/limits.ts'
import type { Plain } from '../../src/protocol/wire/codec.ts'
import { encode } from '../../src/protocol/wire/codec.ts'
import { NOW, person } from './people.ts'
import { hex, seeded, seedOfRun } from './seeded.ts'

const SEED = seedOfRun(11)
const random = seeded(SEED)
const alice = person(random)
const bob = person(random)
const text = { kind: 'text', counter: 1, lamport: 1, sentAt: NOW, text: 'hello', replyTo: null } as const
const item = (...fields: Plain[]): Uint8Array => encode([fields])

/** Texts that have broken other programs. */
const NAUGHTY = [
  '',
  ' ',
  '\0',
  '\n\r\t',
  '\u202Egpj.exe',
  '\u2066\u2067\u2068\u2069',
  '\uFEFF',
  '\u200B\u200C',
  'e\u0301'.repeat(40),
  `Z${'\u0300'.repeat(200)}`,
  '👩‍👩‍👧‍👦'.repeat(30),
  '\uD800',
  'a\uDFFFb',
  '<script>alert(1)</script>',
  '{{7*7}}',
  '../../etc/passwd',
  "'; DROP TABLE message;--",
  'ﷺ'.repeat(70),
  '\u3164',
  '\u115F\u1160',
  'مرحبا',
  '\u{E0041}\u{E007F}',
  '‏עברית‎',
  '\u0085\u2028\u2029',
  'İ',
  '\u{1F1E9}\u{1F1EA}',
  '\u00AD',
  '𝕋𝕦𝕝𝕟𝕚𝕔',
  '%s%n',
  '__proto__',
]

describe('names', () => {
  test.each(NAUGHTY)('%j becomes something that can be shown', (name) => {
    const clean = cleanName(name)
    expect([...clean].length).toBeGreaterThanOrEqual(1)
    expect([...clean].length).toBeLessThanOrEqual(NAME_CODE_POINTS)
    expect(clean).not.toMatch(/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069\u200B\u200E\u200F\u2028\u2029\uFEFF]/u)
    expect(clean).not.toMatch(/\p{M}{5}/u)
    expect(clean).toBe(clean.normalize('NFC').trim())
    expect(cleanName(clean)).toBe(clean)
    expect(decodeContents(item(3, 1, fixSurrogates(name)))).toEqual([
      { kind: 'profile', version: 1, name: cleanName(fixSurrogates(name)) },
    ])
  })

  test.each([
    ['Alice', 'Alice'],
    ['  Ana  María ', 'Ana María'],
    ['Zoe\u0308', 'Zoë'],
    ['👩‍👩‍👧‍👦 us', '👩‍👩‍👧‍👦 us'],
    ['a\nb\tc', 'a b c'],
    ['Bob\u202Eevil', 'Bobevil'],
    ['\u200D\u200D', NO_NAME],
    ['x'.repeat(100), 'x'.repeat(64)],
  ])('%j is shown as %j', (name, shown) => {
    expect(cleanName(name)).toBe(shown)
  })

  test('cleaning twice changes nothing, and 60 KiB cost no time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        const clean = cleanName(name)
        expect(cleanName(clean)).toBe(clean)
        expect([...clean].length).toBeLessThanOrEqual(NAME_CODE_POINTS)
      }),
      { seed: SEED, numRuns: 2000 },
    )
    expect(cleanName('\u0300'.repeat(60_000))).toBe(NO_NAME)
  })
})

describe('contents', () => {
  test('random ones come back as they were', () => {
    const counter = fc.integer({ min: 1, max: 2 ** 40 })
    const id = fc.uint8Array({ minLength: 16, maxLength: 16 })
    const content: fc.Arbitrary<Content> = fc.oneof(
      fc.record({
        kind: fc.constant('text' as const),
        counter,
        lamport: counter,
        sentAt: counter,
        text: fc.string({ unit: 'grapheme' }),
        replyTo: fc.option(id),
      }),
      fc.record({
        kind: fc.constant('secret' as const),
        generation: counter,
        secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      }),
      fc.record({ kind: fc.constant('profile' as const), version: counter, name: fc.string().map(cleanName) }),
      fc.record({ kind: fc.constant('receipt' as const), received: ranges(), shown: ranges() }),
      fc.constant({ kind: 'repair' as const }),
      fc.record({ kind: fc.constant('differing' as const), counters: ranges() }),
      fc
        .tuple(counter, fc.integer({ min: 0, max: COMPARED_AT_ONCE - 1 }))
        .map(([from, more]) => ({ kind: 'compare' as const, from, to: from + more })),
      fc.record({
        kind: fc.constant('digests' as const),
        from: counter,
        digests: fc.array(fc.option(id), { minLength: 1, maxLength: 20 }),
      }),
    )
    fc.assert(
      fc.property(fc.array(content, { maxLength: 8 }), (contents) => {
        expect(decodeContents(encodeContents(contents))).toEqual(contents)
      }),
      { seed: SEED },
    )
  })

  test('a grant comes back as it was; one of a wrong form spoils the message, and nothing throws', () => {
    const grant = createGrant(p, createAudience(random), 1_800_000_000_000)
    const encoded = encodeContents([{ kind: 'grant', version: 7, grant }])
    expect(decodeContents(encoded)).toEqual([{ kind: 'grant', version: 7, grant }])
    const bare = encodeGrant(grant)
    for (const bad of [bare.subarray(1), concat(bare, Uint8Array.of(0)), new Uint8Array(0), new Uint8Array(2000)])
      expect(decodeContents(encode([[9, 7, bad]]))).toBeUndefined()
    expect(decodeContents(encode([[9, -1, bare]]))).toBeUndefined()
  })

  test('an unknown kind is skipped, so a later version can still be read in part', () => {
    const encoded = encode([[99, 'future', [1, [2]]], [7], [0]])
    expect(decodeContents(encoded)).toEqual([{ kind: 'repair' }])
  })

  test('a text of lone surrogates leaves as UTF-8', () => {
    expect(decodeContents(encodeContents([{ ...text, text: 'a\uD800b' }]))).toEqual([{ ...text, text: 'a\uFFFDb' }])
  })

  test('addresses that nobody may dial stay at home, and so do more than ten', () => {
    const addresses = ['/dns4/x/tcp/1', ...Array.from({ length: 12 }, (_, n) => `/ip4/10.0.0.${n}/tcp/1`)]
    const [sent] = decodeContents(encodeContents([{ kind: 'addresses', version: 1, addresses }]))!
    expect(sent).toEqual({ kind: 'addresses', version: 1, addresses: addresses.slice(1, 1 + ADDRESS_COUNT) })
  })

  const flat = (n: number) => Array.from({ length: 2 * n }, (_, at) => 1 + 2 * Math.floor(at / 2))
  const good = [1, 1, 1, NOW, 'hello', null] as const
  const changed = (at: number, value: Plain) => encode([good.map((field, n) => (n === at ? value : field))])

  test('the control: the good form of what follows is taken', () => {
    expect(decodeContents(encode([good]))).toEqual([text])
    expect(decodeContents(item(2, flat(RECEIPT_RANGES), []))).toBeDefined()
    expect(decodeContents(item(2, [1, 3, 5, 5], [2, 2]))).toBeDefined()
    expect(decodeContents(item(12, [1, 1]))).toBeDefined()
    expect(decodeContents(item(10, 7, 6 + COMPARED_AT_ONCE))).toBeDefined()
    expect(decodeContents(item(11, 7, [random(16), null]))).toBeDefined()
    expect(decodeContents(item(11, 7, Array(COMPARED_AT_ONCE).fill(null)))).toBeDefined()
    expect(decodeContents(changed(4, 'x'.repeat(TEXT_BYTES)))).toBeDefined()
    expect(decodeContents(changed(1, COUNTER_MOST))).toBeDefined()
  })

  test.each<[string, Uint8Array]>([
    ['a counter of 0', changed(1, 0)],
    ['a counter beyond its bound', changed(1, COUNTER_MOST + 1)],
    ['a lamport time below 0', changed(2, -1)],
    ['a lamport time that would end all time', changed(2, Number.MAX_SAFE_INTEGER)],
    ['a time that no date holds', changed(3, 8.64e15 + 2)],
    ['a text too long in UTF-16', changed(4, 'x'.repeat(TEXT_BYTES + 1))],
    ['a text too long in UTF-8 only', changed(4, 'é'.repeat(TEXT_BYTES / 2 + 1))],
    ['a text of bytes', changed(4, utf8('hello'))],
    ['an answer to 15 bytes', changed(5, random(15))],
    ['a field more', item(...good, 0)],
    ['a field less', item(...good.slice(0, 5))],
    ['ranges that touch', item(2, [1, 2, 3, 4], [])],
    ['ranges that overlap', item(2, [1, 5, 3, 9], [])],
    ['ranges in the wrong order', item(2, [8, 9, 1, 2], [])],
    ['a range from the end', item(2, [5, 4], [])],
    ['a range from 0', item(2, [0, 4], [])],
    ['half a range', item(2, [1, 2, 4], [])],
    ['too many ranges', item(2, flat(RECEIPT_RANGES + 1), [])],
    ['a name that is none', item(3, 1, 7)],
    ['an address by name', item(4, 1, ['/dns4/tracker.example/tcp/80'])],
    ['eleven addresses', item(4, 1, Array(11).fill('/ip4/1.1.1.1/tcp/1'))],
    ['a secret of 31 bytes', item(5, 1, random(31))],
    ['an empty device log', item(6, new Uint8Array(0))],
    ['a repair with more', item(7, 1)],
    ['differing ranges that touch', item(12, [1, 2, 3, 4])],
    ['a question from the end', item(10, 7, 6)],
    ['a question from 0', item(10, 0, 6)],
    ['a question about too many', item(10, 7, 7 + COMPARED_AT_ONCE)],
    ['an answer to nothing', item(11, 7, [])],
    ['a digest of 15 bytes', item(11, 1, [random(15)])],
    ['too many digests', item(11, 7, Array(COMPARED_AT_ONCE + 1).fill(null))],
    ['a content without a kind', encode([[]])],
    ['a content of another type', encode(['text'])],
    ['a list that is none', encode(7)],
    ['too many contents', encode(Array(CONTENTS_COUNT + 1).fill([7]))],
    ['too many bytes', encode([[99, random(CONTENTS_BYTES)]])],
  ])('%s spoils the message', (_, encoded) => {
    expect(decodeContents(encoded)).toBeUndefined()
  })

  test.each<[string, Content]>([
    ['a text too long', { ...text, text: 'é'.repeat(TEXT_BYTES / 2 + 1) }],
    ['an answer to 15 bytes', { ...text, replyTo: random(15) }],
    [
      'too many ranges',
      {
        kind: 'receipt',
        received: Array.from({ length: RECEIPT_RANGES + 1 }, (_, n) => [2 * n + 1, 2 * n + 1] as const),
        shown: [],
      },
    ],
    ['a question about too many', { kind: 'compare', from: 1, to: COMPARED_AT_ONCE + 1 }],
    ['too many digests', { kind: 'digests', from: 1, digests: Array(COMPARED_AT_ONCE + 1).fill(null) }],
  ])('%s throws for the one who sends it', (_, content) => {
    expect(() => encodeContents([content])).toThrow(RangeError)
  })

  test('too much at once throws for the one who sends it', () => {
    expect(() => encodeContents(Array(CONTENTS_COUNT + 1).fill({ kind: 'repair' }))).toThrow(RangeError)
    expect(() => encodeContents(Array(5).fill({ ...text, text: 'x'.repeat(TEXT_BYTES) }))).toThrow(RangeError)
  })
})

describe('ids', () => {
  const conversation = conversationId(p, alice.account.key, bob.account.key)

  test('a conversation has one id on both sides', () => {
    expect(conversation).toHaveLength(32)
    expect(conversationId(p, bob.account.key, alice.account.key)).toEqual(conversation)
    expect(conversationId(p, bob.account.key, bob.account.key)).not.toEqual(conversation)
  })

  test('a message has one id for its conversation, device and counter', () => {
    const ids = [
      messageId(p, conversation, alice.keys.id, 1),
      messageId(p, conversation, alice.keys.id, 2),
      messageId(p, conversation, bob.keys.id, 1),
      messageId(p, random(32), alice.keys.id, 1),
    ].map(hex)
    expect(new Set(ids).size).toBe(4)
    expect(hex(messageId(p, conversation, alice.keys.id, 1))).toBe(ids[0])
    expect(() => messageId(p, random(31), alice.keys.id, 1)).toThrow(RangeError)
    expect(() => messageId(p, conversation, alice.keys.id, 0)).toThrow(RangeError)
  })

  test('the ids of texts that follow each other follow each other, and no counter shares its id', () => {
    const counters = [1, 2, 3, 65_535, 65_536, 65_537, 131_072, 2 ** 32, 2 ** 32 + 1, 2 ** 48 - 1]
    const ids = counters.map((counter) => hex(messageId(p, conversation, alice.keys.id, counter)))
    expect(ids.every((id) => id.length === 32)).toBe(true)
    expect(new Set(ids).size).toBe(counters.length)
    const run = ids.slice(0, 4)
    expect(run.toSorted()).toEqual(run)
    expect(new Set(run.map((id) => id.slice(0, 28))).size).toBe(1)
    expect(new Set(ids.map((id) => id.slice(0, 28))).size).toBe(5)
    expect(ids[0]?.slice(28)).toBe('0001')
  })

  test('a digest tells apart all that the author wrote, and not what the recipient may have cut', () => {
    const of = (change: Partial<typeof text> = {}) => hex(textDigest(p, { ...text, ...change } as typeof text))
    const others = [{ counter: 2 }, { sentAt: NOW + 1 }, { text: 'Hello' }, { replyTo: random(16) }]
    expect(new Set([of(), ...others.map((change) => of(change as never))]).size).toBe(5)
    expect(of({ lamport: 9 } as never)).toBe(of())
    expect(of({ text: 'a\uD800' } as never)).toBe(of({ text: 'a\uFFFD' } as never))
  })
})

function fixSurrogates(name: string): string {
  return fromUtf8(utf8(name)) ?? ''
}

function ranges(): fc.Arbitrary<Ranges> {
  return fc
    .array(fc.tuple(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 0, max: 9 })), { maxLength: 6 })
    .map((steps) => {
      let at = 0
      return steps.map(([gap, length]) => {
        const from = at + gap
        at = from + length
        return [from, at] as const
      })
    })
}
