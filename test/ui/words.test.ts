/** The three languages: nothing missing, nothing left in English, numbers and punctuation as each language has them. */
import { describe, expect, test } from 'vitest'
import { en } from '../../src/ui/words/en.ts'
import { fr } from '../../src/ui/words/fr.ts'
import { isolate } from '../../src/ui/words/plural.ts'
import { ro } from '../../src/ui/words/ro.ts'

/** Every sentence of a table by its path; a function is called with stand-ins. */
function sentences(table: object, path = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(table)) {
    const here = path ? `${path}.${key}` : key
    if (typeof value === 'string') found.set(here, value)
    else if (typeof value === 'function') found.set(here, String(value(3, 3)))
    else for (const [inner, text] of sentences(value, here)) found.set(inner, text)
  }
  return found
}

/** What is the same word in both languages. */
const SAME = new Set([
  'app.colon',
  'chat.said',
  'list.label',
  'list.messages',
  'live.message',
  'settings.notify',
  'settings.version',
])

describe.each([
  ['fr', fr],
  ['ro', ro],
] as const)('%s', (_, table) => {
  const english = sentences(en)
  const other = sentences(table)
  test('has every sentence and no other', () => {
    expect([...other.keys()].sort()).toEqual([...english.keys()].sort())
  })
  test('leaves nothing in English and nothing empty', () => {
    const same = [...other].filter(([path, text]) => text === english.get(path) && !SAME.has(path))
    expect(same).toEqual([])
    expect([...other].filter(([, text]) => text.trim() === '')).toEqual([])
  })
  test('holds no exclamation mark from the app', () => {
    expect([...other].filter(([, text]) => text.includes('!'))).toEqual([])
  })
})

test('English holds no exclamation mark either', () => {
  expect([...sentences(en)].filter(([, text]) => text.includes('!'))).toEqual([])
})

test('French keeps its signs from the next line', () => {
  const loose = [...sentences(fr)].filter(([, text]) => / [;?!:»]/.test(text) || /« /.test(text))
  expect(loose).toEqual([])
  expect(fr.door.stopped).toContain('\u00a0:')
  expect(fr.start.title).toContain('\u202f?')
})

test('Romanian writes comma below, never cedilla', () => {
  expect([...sentences(ro)].filter(([, text]) => /[şţŞŢ]/.test(text))).toEqual([])
})

test('numbers take the form of their language', () => {
  expect([1, 2].map(en.network.people)).toEqual(['1 person', '2 people'])
  expect([0, 1, 2].map(fr.network.people)).toEqual(['0 personne', '1 personne', '2 personnes'])
  expect([1, 2, 19, 20, 101, 120].map(ro.network.people)).toEqual([
    'o persoană',
    '2 persoane',
    '19 persoane',
    '20 de persoane',
    '101 persoane',
    '120 de persoane',
  ])
})

test('a name cannot turn the sentence around it', () => {
  const name = '\u202eevil'
  for (const table of [en, fr, ro]) expect(table.list.invited(name)).toContain(isolate(name))
})

test('a name is never bent: not after de or que, not in a genitive', () => {
  const bent = [...sentences(fr)].filter(([, text]) => /\b(?:de|que|d’|qu’) ?\u2068/.test(text))
  expect(bent).toEqual([])
  expect([...sentences(ro)].filter(([, text]) => /\b(?:lui|al|ale|a) \u2068/.test(text))).toEqual([])
})
