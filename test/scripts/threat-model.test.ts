/**
 * S11: every *cannot* of the threat model names a test that exists.
 */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const text = readFileSync(new URL('../../docs/threat-model.md', import.meta.url), 'utf8')
const named = [...text.matchAll(/`(test\/[\w/.-]+\.test\.ts)`\s+"([^"]+)"/g)].map(([, file, title]) => ({
  file: file ?? '',
  title: title ?? '',
}))

/** A title as it stands in a source: what is filled in at run time is left out of the comparison. */
function stands(source: string, title: string): boolean {
  return source.includes(title) || source.includes(title.replaceAll("'", "\\'"))
}

test.each(named)('$file holds "$title"', ({ file, title }) => {
  const path = new URL(`../../${file}`, import.meta.url)
  expect(existsSync(path), `${file} does not exist`).toBe(true)
  expect(stands(readFileSync(path, 'utf8'), title), `${file} has no such test`).toBe(true)
})

test('every line under "Cannot" names a test', () => {
  const sections = text.split(/^Cannot:$/m).slice(1)
  const lines = sections.flatMap((section) =>
    (section.split(/^(?:#|Can:)/m)[0] ?? '').split('\n').filter((line) => line.startsWith('- ')),
  )
  expect(lines.length).toBeGreaterThan(20)
  expect(lines.filter((line) => !/`test\//.test(line))).toEqual([])
})
