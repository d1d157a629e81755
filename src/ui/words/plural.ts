/**
 * Numbers and names inside sentences.
 *
 * Holds: which form a number takes is asked of Intl.PluralRules, never guessed; a name keeps its own direction to itself.
 */

/** One form for each category the language has; `other` always. `#` stands for the number. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string }

/** Chooses a form by number and writes the number into it. */
export function pluralOf(language: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language)
  const digits = new Intl.NumberFormat(language)
  return (count, forms) => (forms[rules.select(count)] ?? forms.other).replace('#', digits.format(count))
}

/** Wraps somebody's name or text in bidi isolates, so that it cannot turn the sentence around it. */
export const isolate = (name: string): string => `\u2068${name}\u2069`
