/**
 * Words of a text, as search sees them: the one place that decides what is found, for every adapter.
 *
 * Holds: case, accents, widths and vowel points do not matter; scripts written without spaces (Chinese, Japanese, Thai,
 * Lao, Khmer, Burmese) are cut by the dictionary of `Intl.Segmenter`, in texts and in queries alike.
 */

const ASCII = /^[\0-\x7f]*$/
const ASCII_WORDS = /[a-z0-9]+/g
const WORDS = /[\p{L}\p{N}\p{M}\p{Co}]+/gu
/** Combining accents, Hebrew and Arabic points, and the Arabic stretch. */
const POINTS = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670]/g
const NO_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

const segmenter = new Intl.Segmenter('und', { granularity: 'word' })

/** The words in order, folded, repeats included. */
export function words(text: string): readonly string[] {
  if (ASCII.test(text)) return text.toLowerCase().match(ASCII_WORDS) ?? []
  const found: string[] = []
  for (const run of fold(text).match(WORDS) ?? []) {
    if (!NO_SPACES.test(run)) found.push(run)
    else for (const part of segmenter.segment(run)) if (part.isWordLike !== false) found.push(part.segment)
  }
  return found
}

function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(POINTS, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('ς', 'σ')
    .normalize('NFKC')
}

/** What is looked for: every whole word, and a word that begins with `prefix`. */
export interface Query {
  readonly whole: readonly string[]
  readonly prefix: string
}

/** `null` where the text holds no word: such a search finds nothing. */
export function query(text: string): Query | null {
  const all = words(text)
  const prefix = all.at(-1)
  return prefix === undefined ? null : { whole: [...new Set(all.slice(0, -1))], prefix }
}

/** Whether a text holds what is looked for. */
export function matches(text: string, wanted: Query): boolean {
  const found = words(text)
  return found.some((word) => word.startsWith(wanted.prefix)) && wanted.whole.every((word) => found.includes(word))
}
