/**
 * Names that people gave themselves, made fit to be shown.
 *
 * Holds: a clean name has 1 to 64 code points in NFC; no control, bidi override or invisible character, no line break,
 * at most four marks on one letter; cleaning twice changes nothing. A name is a claim and identifies nobody.
 */
import { NAME_CODE_POINTS } from './limits.ts'

/** What stands for a name of which nothing was left. */
export const NO_NAME = '?'

/** The name without what could deceive or break a screen. */
export function cleanName(text: string): string {
  // What is cut here could not be shown anyway; the bound keeps a hostile 60 KiB from costing time.
  const visible = text
    .slice(0, 8 * NAME_CODE_POINTS)
    .replace(/[\s\p{Z}]+/gu, ' ')
    .replace(/(?!\u200D)[\p{C}\u{115F}\u{1160}\u{3164}\u{FFA0}]/gu, '')
    .normalize('NFC')
    .replace(/(\p{M}{4})\p{M}+/gu, '$1')
    .replace(/ {2,}/g, ' ')
  const edges = /^(?: |\u200D|\p{M})+|(?: |\u200D)+$/gu
  const cut = [...visible.replace(edges, '')].slice(0, NAME_CODE_POINTS).join('').replace(edges, '')
  return cut === '' ? NO_NAME : cut
}
