/**
 * Keys of rows that have a form: what they are made of, checked in one place for every adapter.
 *
 * Holds: a key without its table's form is a caller's mistake and throws a `TypeError`.
 */
import { fromBase32, toBase32 } from '../../protocol/index.ts'
import type { LetterRow } from './records.ts'

/** Session, kind and chain, number: of a skipped message key. */
export type SkippedParts = readonly [session: string, chain: string, number: number]

export function skippedParts(key: string): SkippedParts {
  const first = key.indexOf('/')
  const last = key.lastIndexOf('/')
  if (first <= 0 || last <= first) throw new TypeError(`"${key}" is no key of a skipped message key`)
  return [key.slice(0, first), key.slice(first + 1, last), decimal(key.slice(last + 1))]
}

/** A box and what is named within it, both in base32. */
export function boxParts(key: string): readonly [box: string, rest: string] {
  const [box, rest, ...more] = key.split('/')
  if (!box || !rest || more.length > 0) throw new TypeError(`"${key}" is no key of something in a box`)
  return [box, rest]
}

/** The same of a letter, whose row says both too. */
export function letterParts(
  key: string,
  { box, id }: Pick<LetterRow, 'box' | 'id'>,
): readonly [box: string, id: string] {
  const parts = boxParts(key)
  if (parts[0] !== box || parts[1] !== toBase32(id)) throw new TypeError('the key of a letter is its box and its id')
  return parts
}

/** A whole number from 0, written in the one usual way. */
export function decimal(key: string): number {
  const number = Number(key)
  if (!Number.isSafeInteger(number) || number < 0 || String(number) !== key)
    throw new TypeError(`"${key}" is no decimal number`)
  return number
}

/** The message id, 16 bytes, that a message's key is the base32 of. */
export function messageId(key: string): Uint8Array {
  const id = fromBase32(key)
  if (id === undefined) throw new TypeError(`"${key}" is no key of a message`)
  return id
}
