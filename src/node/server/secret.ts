/**
 * The secrets of the door: its token, and the single-use codes by which a browser gets it.
 *
 * Holds: comparisons take the same time whatever differs; a code works once and for 60 seconds; neither is ever logged.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 32 random bytes as 43 characters of base64url: a door's token, or a code. */
export function randomSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** What a {@link randomSecret} looks like. */
export const SECRET_FORM = /^[A-Za-z0-9_-]{43}$/

/** Whether two secrets are the same text, in constant time (over their hashes, so that lengths do not show either). */
export function sameSecret(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()
  return timingSafeEqual(hash(a), hash(b))
}

/** Long enough to start a browser, short enough to be worthless when found later. */
const CODE_LIFE_MS = 60_000
/** Codes that wait at once: the oldest goes when one more is made. */
const CODES_AT_ONCE = 8
/** Wrong codes taken in a minute before all are refused for its rest. */
const WRONG_PER_MINUTE = 20

/** The codes of one door. */
export interface Codes {
  create(): string
  /** Uses a code up. `limited`: too many wrong ones lately, this one was not looked at. */
  take(code: string): 'good' | 'wrong' | 'limited'
}

/** `now`: milliseconds on a clock that only rises. */
export function makeCodes(now: () => number): Codes {
  let codes: readonly { readonly code: string; readonly until: number }[] = []
  let wrong: readonly number[] = []
  return {
    create: () => {
      const code = randomSecret()
      codes = [...codes.filter((known) => known.until > now()), { code, until: now() + CODE_LIFE_MS }].slice(
        -CODES_AT_ONCE,
      )
      return code
    },
    take: (code) => {
      wrong = wrong.filter((at) => at > now() - 60_000)
      if (wrong.length >= WRONG_PER_MINUTE) return 'limited'
      codes = codes.filter((known) => known.until > now())
      const before = codes.length
      codes = codes.filter((known) => !sameSecret(known.code, code))
      if (codes.length < before) return 'good'
      wrong = [...wrong, now()]
      return 'wrong'
    },
  }
}
