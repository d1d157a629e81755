/**
 * Text of other people, made harmless for a terminal, and laid out in columns.
 *
 * Holds: no control character, escape sequence or bidi override of a peer's text reaches the terminal.
 */

/** C0 and C1 controls, line and paragraph separators: a terminal may obey them. */
const CONTROL = /[\p{Cc}\u2028\u2029]/gu
const CONTROL_BUT_NEWLINE = /(?!\n)[\p{Cc}\u2028\u2029]/gu
/** What changes the direction of the text around it. */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** One line: line breaks become spaces. */
export function plainLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').replaceAll(CONTROL, '\ufffd').replaceAll(BIDI, '').trim()
}

/** Several lines, each after the first begun with `indent`. */
export function plainText(text: string, indent = ''): string {
  const lines = text.replaceAll('\r\n', '\n').replaceAll('\t', '  ')
  return lines.replaceAll(CONTROL_BUT_NEWLINE, '\ufffd').replaceAll(BIDI, '').replaceAll('\n', `\n${indent}`)
}

/** JSON for one line of a terminal or a pipe: what a terminal might obey is written as an escape, so the value is the same. */
export function jsonLine(value: unknown): string {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replaceAll(CONTROL, escaped).replaceAll(BIDI, escaped)
}

const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** How many columns of a terminal a text takes, as nearly as can be known. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const { segment } of graphemes.segment(text)) columns += NO_WIDTH.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1
  return columns
}

/** Rows under headings, in aligned columns two apart; cells are made plain here. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map(plainLine))]
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => columnsOf(row[column] ?? ''))))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - columnsOf(cell))).join('  ')
  return cells.map((row) => line(row).trimEnd()).join('\n')
}
