/**
 * The language of the window: the browser's, or the one chosen in the settings.
 *
 * Holds: the page's `lang` says which language its words are in; dates and numbers follow it.
 */
import { createEffect, createMemo, createRoot, createSignal } from 'solid-js'
import { kept } from '../primitives/kept.ts'
import { en, type Words } from './en.ts'
import { fr } from './fr.ts'
import { ro } from './ro.ts'

export const languages = { en: 'English', fr: 'Français', ro: 'Română' } as const
export type Language = keyof typeof languages

const tables: Record<Language, Words> = { en, fr, ro }

const isLanguage = (tag: string): tag is Language => tag in languages

const fromBrowser = (): Language =>
  navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en'

const choice = kept('tulnic.language')
const [chosen, setChosen] = createSignal(choice.get() ?? '')

/** What was chosen; `''`: as the browser. */
export const chosenLanguage = chosen

export function chooseLanguage(next: string): void {
  choice.set(next)
  setChosen(next)
}

/** The language now; reactive. */
export const language = createRoot(() => {
  const now = createMemo<Language>(() => {
    const wanted = chosen()
    return isLanguage(wanted) ? wanted : fromBrowser()
  })
  createEffect(() => {
    document.documentElement.lang = now()
  })
  return now
})

/** The language with its country, where the browser names one: 11:38 in en-GB is 11:38 AM in en-US. */
export const locale = (): string =>
  navigator.languages.find((tag) => tag.toLowerCase().startsWith(language()) && isTag(tag)) ?? language()

/** A browser in the C locale of POSIX names `en-US@posix`, which Intl throws at. */
function isTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1
  } catch {
    return false
  }
}

/** Things in a row, as the language joins them: `a, b and c`. */
export const listOf = (things: readonly string[]): string =>
  new Intl.ListFormat(locale(), { type: 'conjunction' }).format(things)

/** The words now; reactive: `const t = useWords()`, then `t().list.search`. */
export const useWords = (): (() => Words) => () => tables[language()]
