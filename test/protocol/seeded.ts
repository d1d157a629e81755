/**
 * Repeatable randomness and hex for tests.
 *
 * Holds: one seed gives one stream of bytes on every machine; no secret is made of it.
 */
import type { Random } from '../../src/protocol/index.ts'

/** Bytes that only depend on the seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return (n) => {
    const bytes = new Uint8Array(n)
    for (let at = 0; at < n; at++) {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = state
      mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      bytes[at] = (mixed ^ (mixed >>> 14)) >>> 0
    }
    return bytes
  }
}

/** A whole number below `most`, drawn from seeded bytes. */
export function below(random: Random, most: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = random(4)
  return (((a * 256 + b) * 256 + c) * 256 + d) % most
}

/** The seed of this run: `SEED` of the environment, else fixed, so that a failure repeats. */
export function seedOfRun(fallback: number): number {
  const given = process.env.SEED
  return given === undefined ? fallback : Number(given)
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function unhex(text: string): Uint8Array {
  const clean = text.replace(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/.test(clean)) throw new Error('not hex')
  return new Uint8Array(Buffer.from(clean, 'hex'))
}
