/**
 * How hard a passphrase is to guess, from its shape alone.
 *
 * Holds: it only ever says too little or about right of what a guesser must do for a phrase chosen at random; it cannot know
 * that a phrase is a line of a song, and the words beside it say so.
 */

export type Strength = 'none' | 'weak' | 'fair' | 'good' | 'strong'

/** Bits of one word chosen at random from some 2 000 common ones: what attackers try first. */
const BITS_A_WORD = 11
/** Bits below which a level is not reached, with Argon2id in front: hours, years and centuries for one strong machine. */
const LEVELS: readonly (readonly [number, Strength])[] = [
  [55, 'strong'],
  [44, 'good'],
  [33, 'fair'],
]
const COMMON =
  /^(?:(?:password|passwort|parola|motdepasse|qwerty|azerty|letmein|iloveyou|admin|welcome|tulnic)\W*\d*\W*|\d+)$/iu

function alphabet(text: string): number {
  const classes: readonly (readonly [RegExp, number])[] = [
    [/\p{Ll}/u, 26],
    [/\p{Lu}/u, 26],
    [/\d/, 10],
    [/[^\p{L}\d\s]/u, 20],
    [/\p{Lo}/u, 40],
  ]
  return classes.reduce((sum, [pattern, size]) => sum + (pattern.test(text) ? size : 0), 0) || 1
}

/** Different characters in sequence count; repeated (`aaaa`) and following ones (`abcd`, `1234`) hardly do. */
function surprising(text: string): number {
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0)
  return codes.filter((code, i) => i === 0 || Math.abs(code - (codes[i - 1] ?? 0)) > 1).length
}

export function strength(passphrase: string): Strength {
  const text = passphrase.trim()
  if (!text) return 'none'
  if (COMMON.test(text)) return 'weak'
  const words = text
    .toLowerCase()
    .split(/[\s\-_.,]+/)
    .filter((word) => word.length > 1)
  const byLetters = surprising(text) * Math.log2(alphabet(text))
  const byWords = new Set(words).size * BITS_A_WORD
  const bits = words.length > 2 ? Math.min(byLetters, byWords) : byLetters * 0.6
  return LEVELS.find(([least]) => bits >= least)?.[1] ?? 'weak'
}
