/**
 * Who is who: accounts, phrases, safety numbers, labels.
 */
import { describe, expect, test } from 'vitest'
import {
  accountFromEntropy,
  accountId,
  accountKeyOf,
  deviceIdBytes,
  deviceKeys,
  entropyOf,
  noble as p,
  parseAccountId,
  phraseOf,
  safetyNumber,
} from '../../src/protocol/index.ts'
import { parseDeviceKeys } from '../../src/protocol/identity.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { person, secrets } from './people.ts'
import { hex, seeded } from './seeded.ts'

const random = seeded(1)
const alice = person(random)
const bob = person(random)

test('an account is its entropy: 24 words bring it back', () => {
  const entropy = random(32)
  const phrase = phraseOf(entropy)
  expect(phrase.split(' ')).toHaveLength(24)
  const again = entropyOf(`  ${phrase.toUpperCase().replaceAll(' ', '\n ')} `)
  expect(again).toEqual(entropy)
  expect(accountFromEntropy(p, again!)).toEqual(accountFromEntropy(p, entropy))
})

test('the phrase of 32 zeros is the one of the BIP-39 test vectors', () => {
  expect(phraseOf(new Uint8Array(32))).toBe(`${'abandon '.repeat(23)}art`)
})

test.each([
  ['a wrong last word', `${'abandon '.repeat(23)}able`],
  ['two words exchanged', phraseOf(seeded(5)(32)).split(' ').toReversed().join(' ')],
  ['12 words', `${'abandon '.repeat(11)}about`],
  ['a word of no list', `${'abandon '.repeat(22)}tulnic art`],
  ['nothing', ''],
  ['a book', 'abandon '.repeat(10_000)],
])('%s is no phrase', (_, phrase) => {
  expect(entropyOf(phrase)).toBeUndefined()
})

test('an account id is 52 characters, and only those of a good key', () => {
  const id = accountId(alice.account.key)
  expect(id).toMatch(/^[a-z2-7]{52}$/)
  expect(parseAccountId(id)).toBe(id)
  expect(hex(accountKeyOf(id))).toBe(hex(alice.account.key))
  for (const bad of [id.toUpperCase(), `${id} `, id.slice(1), `${id}a`, `${id.slice(0, 51)}b`, 'a'.repeat(52), '']) {
    expect(parseAccountId(bad), bad).toBeUndefined()
  }
})

test('a device id hangs on both of its keys', () => {
  const device = secrets(random)
  const ids = [device, { ...device, dhSeed: random(32) }, { ...device, signingSeed: random(32) }].map(
    (each) => deviceKeys(p, each).id,
  )
  expect(new Set(ids).size).toBe(3)
  expect(deviceIdBytes(ids[0]!)).toHaveLength(16)
  const { signing, dh, id } = deviceKeys(p, device)
  expect(parseDeviceKeys(p, signing, dh)?.id).toBe(id)
  expect(parseDeviceKeys(p, signing, new Uint8Array(32))).toBeUndefined()
  expect(parseDeviceKeys(p, new Uint8Array(32), dh)).toBeUndefined()
})

test('misuse throws', () => {
  expect(() => accountFromEntropy(p, new Uint8Array(16))).toThrow(RangeError)
  expect(() => phraseOf(new Uint8Array(16))).toThrow(RangeError)
  expect(() => accountKeyOf('abc' as never)).toThrow(RangeError)
  expect(() => deviceIdBytes('abc' as never)).toThrow(RangeError)
})

describe('safety number', () => {
  test('is the same for both sides, 60 digits, and another for anybody else', () => {
    const [a, b, c] = [alice, bob, person(random)].map(({ account }) => account.key)
    const number = safetyNumber(p, a!, b!)
    expect(number).toMatch(/^\d{60}$/)
    expect(safetyNumber(p, b!, a!)).toBe(number)
    expect(safetyNumber(p, a!, c!)).not.toBe(number)
    expect(safetyNumber(p, b!, c!)).not.toBe(number)
  })
})

describe('labels', () => {
  const labels = Object.values(LABELS).map((label) => String.fromCharCode(...label))

  test('none is the beginning of another', () => {
    for (const label of labels) {
      expect(label).toMatch(/^tulnic\/[a-z-]+\/[1-9]$/)
      expect(labels.filter((other) => other.startsWith(label))).toEqual([label])
    }
  })
})
