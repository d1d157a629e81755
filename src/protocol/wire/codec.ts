/**
 * Canonical CBOR (RFC 8949 §4.2.1, integers, byte strings, texts, arrays and null only) and total decoders into types.
 *
 * Holds: exactly one encoding is accepted for a value, because what was decoded is encoded again and compared; any bytes
 * give a value or `undefined`, never a throw. Types are arrays, not maps: order is the contract.
 */
import * as cbor from 'cborg'
import { concat, equal, fromUtf8 } from '../bytes.ts'

/** What our wire types are made of. */
export type Plain = number | string | null | Uint8Array | readonly Plain[]

/** Turns a decoded item into a `T`, or `undefined` where it is none. */
export type Decoder<T> = (item: unknown) => T | undefined

const STRICT = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: false,
  allowNaN: false,
  allowInfinity: false,
  retainStringBytes: true,
}

/** Reads texts by our own strict UTF-8: cborg's drops a byte order mark at the beginning, so such a text would be refused. */
class Tokens extends cbor.Tokenizer {
  override next(): cbor.Token {
    const token = super.next()
    if (token.byteValue !== undefined) token.value = fromUtf8(token.byteValue)
    return token
  }
}

/** The one encoding of a value, in a plain array of its own: under Node.js cborg gives a part of a shared Buffer. */
export function encode(value: Plain): Uint8Array {
  return new Uint8Array(cbor.encode(value))
}

/** The value in at most `maxBytes` canonical bytes, if `decoder` takes it. */
export function decode<T>(bytes: Uint8Array, maxBytes: number, decoder: Decoder<T>): T | undefined {
  if (bytes.length > maxBytes) return undefined
  try {
    const item: unknown = cbor.decode(bytes, { ...STRICT, tokenizer: new Tokens(bytes, STRICT) })
    return equal(cbor.encode(item), bytes) ? decoder(item) : undefined
  } catch {
    return undefined
  }
}

/** An integer from `least` to `most`. */
export function integer(least: number, most: number): Decoder<number> {
  return (item) =>
    typeof item === 'number' && Number.isSafeInteger(item) && item >= least && item <= most ? item : undefined
}

/** A byte string of `least` to `most` bytes (`most` defaults to `least`). */
export function bytes(least: number, most = least): Decoder<Uint8Array> {
  return (item) => (item instanceof Uint8Array && item.length >= least && item.length <= most ? item : undefined)
}

/** A byte string that is `least` to `most` parts of `size` bytes, cut into them (`most` defaults to `least`). */
export function parts(size: number, least: number, most = least): Decoder<readonly Uint8Array[]> {
  return mapped(bytes(size * least, size * most), (whole) =>
    whole.length % size === 0
      ? Array.from({ length: whole.length / size }, (_, at) => whole.slice(at * size, (at + 1) * size))
      : undefined,
  )
}

/** What {@link parts} reads. Throws for a part of another size. */
export function joinedParts(size: number, each: readonly Uint8Array[]): Uint8Array {
  if (each.some((part) => part.length !== size)) throw new RangeError(`each part has ${size} bytes`)
  return concat(...each)
}

/** A text of at most `most` UTF-16 units: a first, cheap bound. */
export function text(most: number): Decoder<string> {
  return (item) => (typeof item === 'string' && item.length <= most ? item : undefined)
}

/** Exactly this number. */
export function literal<const T extends number>(expected: T): Decoder<T> {
  return (item) => (item === expected ? expected : undefined)
}

/** `null`, or what `decoder` takes. */
export function nullable<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (item) => (item === null ? null : decoder(item))
}

/** An array of `least` to `most` items that `decoder` takes. */
export function list<T>(decoder: Decoder<T>, least: number, most: number): Decoder<readonly T[]> {
  return (item) => {
    if (!Array.isArray(item) || item.length < least || item.length > most) return undefined
    const values: T[] = []
    for (const each of item) {
      const value = decoder(each)
      if (value === undefined) return undefined
      values.push(value)
    }
    return values
  }
}

/** An array of exactly these items. */
export function tuple<T extends readonly unknown[]>(...decoders: { [K in keyof T]: Decoder<T[K]> }): Decoder<T> {
  return (item) => {
    if (!Array.isArray(item) || item.length !== decoders.length) return undefined
    const values: unknown[] = []
    for (const [at, decoder] of decoders.entries()) {
      const value = decoder(item[at])
      if (value === undefined) return undefined
      values.push(value)
    }
    // Each item passed its own decoder: what the compiler cannot see through the loop.
    return values as unknown as T
  }
}

/** What `decoder` takes, turned by `map` (which may refuse). */
export function mapped<A, B>(decoder: Decoder<A>, map: (value: A) => B | undefined): Decoder<B> {
  return (item) => {
    const value = decoder(item)
    return value === undefined ? undefined : map(value)
  }
}

/** Parts of changing length joined so that no two lists of parts give the same bytes: each behind its length in 4 bytes. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [uint32(part.length), part]))
}

/** A number below 2^32 in 4 bytes, big-endian. */
export function uint32(value: number): Uint8Array {
  const four = new Uint8Array(4)
  new DataView(four.buffer).setUint32(0, value)
  return four
}

/** A number below 2^16 in 2 bytes, big-endian. */
export function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff)
}
