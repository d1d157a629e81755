/**
 * Planted faults: changes of the source text, applied to a copy of `src/protocol` that is imported in its place.
 *
 * Holds: text that is no longer there, or there twice, is an error: a table of faults keeps up with the code.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Code } from './session-pair.ts'

export interface Fault {
  readonly rule: string
  readonly name: string
  /** The law that must break. */
  readonly law: string
  readonly file: string
  /** What stands in the file (or in another) and what takes its place. */
  readonly changes: readonly (readonly [from: string, to: string, file?: string])[]
}

export function fault(
  rule: string,
  name: string,
  law: string,
  file: string,
  ...changes: (readonly [from: string, to: string, file?: string])[]
): Fault {
  return { rule, name, law, file, changes }
}

const SOURCE = join(import.meta.dirname, '../../src/protocol')
const MODULES = join(import.meta.dirname, '../../node_modules')

/** A copy of the protocol with the fault in it, in a folder of its own that is gone when the test is. */
export async function planted(fault: Fault): Promise<{ code: Code; [Symbol.dispose](): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'planted-'))
  const dispose = () => rmSync(folder, { recursive: true })
  try {
    return { code: await copied(folder, fault), [Symbol.dispose]: dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

async function copied(folder: string, { name, file, changes }: Fault): Promise<Code> {
  symlinkSync(MODULES, join(folder, 'node_modules'), 'dir')
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const copy = join(folder, 'protocol')
  cpSync(SOURCE, copy, { recursive: true, filter: (path) => !path.endsWith('tsconfig.json') })
  for (const [from, to, elsewhere = file] of changes) {
    const path = join(copy, elsewhere)
    const text = readFileSync(path, 'utf8')
    if (text.split(from).length !== 2) throw new Error(`${name}: "${from}" is not once in ${elsewhere}`)
    writeFileSync(
      path,
      text.replace(from, () => to),
    )
  }
  return import(/* @vite-ignore */ pathToFileURL(join(copy, 'index.ts')).href)
}
