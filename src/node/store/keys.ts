/**
 * Keys of rows that have a form: what they are made of, checked in one place for every adapter.
 *
 * Holds: a key without its table's form is a caller's mistake and throws a `TypeError`.
 */
import { fromBase32 } from '../../protocol/index.ts'

/** Session, kind and chain, number: of a skipped message key. */
export type SkippedParts = readonly [session: string, chain: string, number: number]

export function skippedParts(key: string): SkippedParts {
  const first = key.indexOf('/')
  const last = key.lastIndexOf('/')
  if (first <= 0 || last <= first) throw new TypeError(`"${key}" is no key of a skipped message key`)
  return [key.slice(0, first), key.slice(first + 1, last), decimal(key.slice(last + 1))]
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
