import { describe, expect, it } from 'vitest'
import { meets } from '../../../src/node/cli/messages.ts'
import { columnsOf, jsonLine, plainLine, plainText, table } from '../../../src/node/cli/plain-text.ts'

describe('text of others in a terminal', () => {
  const hostile = [
    '\u001b[31mred',
    '\u001b]0;title\u0007',
    '\u009b31m',
    'a\rb',
    'a\bb',
    '\u0000',
    '\u007f',
    '\u2028x',
    '\u202egnp.exe',
    '\u2066x\u2069',
    '\u200fx',
    '\u061cx',
  ]
  it.each(hostile)('holds nothing that a terminal would obey: %j', (text) => {
    const obeyed = /(?!\n)[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
    expect(plainLine(text)).not.toMatch(obeyed)
    expect(plainLine(text)).not.toContain('\n')
    expect(plainText(text)).not.toMatch(obeyed)
    expect(jsonLine({ text })).not.toMatch(obeyed)
    expect(JSON.parse(jsonLine({ text }))).toEqual({ text })
  })

  it('keeps what people write', () => {
    for (const text of ['Bună ziua, ce faci?', 'שלום', '日本語', '👩‍👩‍👧‍👦 é', 'a  b'])
      expect(plainText(text)).toBe(text)
    expect(plainText('one\ntwo', '  ')).toBe('one\n  two')
    expect(plainLine('one\n two\t three ')).toBe('one two three')
  })

  it('is laid out in columns by what is seen', () => {
    expect(columnsOf('abc')).toBe(3)
    expect(columnsOf('日本')).toBe(4)
    expect(columnsOf('e\u0301')).toBe(1)
    expect(columnsOf('👩‍👩‍👧‍👦')).toBe(2)
    expect(
      table(
        ['A', 'B'],
        [
          ['日本', 'x'],
          ['a\u001b[0m', 'y'],
        ],
      ),
    ).toBe('A      B\n日本   x\na\ufffd[0m  y')
  })
})

describe('waiting for a state', () => {
  it('is met by that state or a later one; sent and carried do not satisfy each other', () => {
    const met = (['sent', 'carried', 'delivered', 'read'] as const).map((wait) =>
      (['queued', 'sent', 'carried', 'delivered', 'read', 'failed'] as const).filter((state) => meets(state, wait)),
    )
    expect(met).toEqual([
      ['sent', 'delivered', 'read'],
      ['carried', 'delivered', 'read'],
      ['delivered', 'read'],
      ['read'],
    ])
  })
})
