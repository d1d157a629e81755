/**
 * Applies the rules of rules.ts to sources: reads each file's imports and names from its syntax tree.
 *
 * Holds: every import counts, also `import('…')` in types and values; a file that does not parse is a finding, not a pass.
 */
import { posix } from 'node:path'
import { parseSync } from 'vite'
import type { BarrelRule, CycleRule, ImportRule, ReservedRule, Rule, WordRule } from './rules.ts'

export interface Finding {
  readonly file: string
  readonly line: number
  readonly rule: string
  readonly says: string
}

/** An import: the project's path for a relative one, else the package as written. */
interface Import {
  readonly target: string
  readonly typeOnly: boolean
  readonly line: number
}

interface Source {
  readonly file: string
  readonly imports: readonly Import[]
  /** Each used name, `object.member` pair and syntax word, with the line where it first stands. */
  readonly words: ReadonlyMap<string, number>
  readonly reExports: readonly number[]
  readonly declares: readonly number[]
  readonly broken: string | undefined
}

/** All that the rules find in the given files (path from the project's root → text), in the order of the rules. */
export function findings(files: ReadonlyMap<string, string>, rules: readonly Rule[]): Finding[] {
  const sources = [...files].map(([file, text]) => readSource(file, text))
  const broken = sources.flatMap(({ file, broken: says }) => (says ? [{ file, line: 1, rule: 'parses', says }] : []))
  return [...broken, ...rules.flatMap((rule) => apply(rule, sources))]
}

function apply(rule: Rule, sources: readonly Source[]): Finding[] {
  switch (rule.kind) {
    case 'imports':
      return sources.flatMap((source) => importFindings(rule, source))
    case 'reserved':
      return sources.flatMap((source) => reservedFindings(rule, source))
    case 'words':
      return sources.flatMap((source) => wordFindings(rule, source))
    case 'barrels':
      return sources.flatMap((source) => barrelFindings(rule, source))
    case 'cycles':
      return cycleFindings(rule, sources)
  }
}

function importFindings(rule: ImportRule, { file, imports }: Source): Finding[] {
  if (!rule.files.test(file) || rule.except?.test(file)) return []
  return imports
    .filter(({ target, typeOnly }) => {
      const may = typeOnly ? [...rule.may, ...(rule.mayType ?? [])] : rule.may
      return !may.some((each) => each.test(target))
    })
    .map(({ target, typeOnly, line }) => {
      const what = typeOnly ? `types of ${target}` : target
      return { file, line, rule: rule.name, says: `imports ${what}: ${rule.teaches}` }
    })
}

function reservedFindings(rule: ReservedRule, { file, imports }: Source): Finding[] {
  if (rule.onlyIn.test(file)) return []
  return imports
    .filter(({ target }) => rule.what.test(target))
    .map(({ target, line }) => ({ file, line, rule: rule.name, says: `imports ${target}: ${rule.teaches}` }))
}

function wordFindings(rule: WordRule, { file, words }: Source): Finding[] {
  if (!rule.files.test(file) || rule.except?.test(file)) return []
  return rule.words.flatMap((word) => {
    const line = words.get(word)
    return line === undefined ? [] : [{ file, line, rule: rule.name, says: `uses ${word}: ${rule.teaches}` }]
  })
}

function barrelFindings(rule: BarrelRule, { file, reExports, declares }: Source): Finding[] {
  const isIndex = rule.onlyIn.test(file)
  const wrong = isIndex && /\/protocol\//.test(file) ? declares : isIndex || !file.startsWith('src/') ? [] : reExports
  const does = isIndex ? 'declares something' : 're-exports'
  return wrong.map((line) => ({ file, line, rule: rule.name, says: `${does}: ${rule.teaches}` }))
}

/** Each cycle once, from its first file in the order of names. */
function cycleFindings(rule: CycleRule, sources: readonly Source[]): Finding[] {
  const bySource = new Map(sources.map((source) => [source.file, source]))
  const done = new Set<string>()
  const found: Finding[] = []
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) {
      const cycle = [...path.slice(at), file].join(' → ')
      found.push({ file, line: 1, rule: rule.name, says: `${cycle}: ${rule.teaches}` })
    }
    if (done.has(file) || at >= 0) return
    for (const { target } of bySource.get(file)?.imports ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const { file } of sources) visit(file, [])
  return found
}

function readSource(file: string, text: string): Source {
  const { program, errors } = parseSync(file, text)
  const imports: Import[] = []
  const words = new Map<string, number>()
  const reExports: number[] = []
  const declares: number[] = []
  const lineOf = (node: Node): number => text.slice(0, node.start).split('\n').length
  const declared = new Set<string>()
  const note = (word: string, node: Node): void => {
    if (!words.has(word)) words.set(word, lineOf(node))
  }
  walk(program, (node, parent, role) => {
    const from = node.source
    if (isNode(from) && typeof from.value === 'string') {
      imports.push({ target: resolve(file, from.value), typeOnly: isTypeOnly(node), line: lineOf(node) })
      if (node.type.startsWith('Export')) reExports.push(lineOf(node))
    }
    if (isDeclaration(node, parent, role)) declared.add(String(node.name))
    for (const word of wordsOf(node, parent, role)) note(word, node)
    if (parent?.type === 'Program' && !isReExport(node)) declares.push(lineOf(node))
  })
  for (const name of declared) words.delete(name)
  return { file, imports, words, reExports, declares, broken: errors[0]?.message }
}

interface Node {
  readonly type: string
  readonly start: number
  readonly [field: string]: unknown
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Visits every node with its parent and the parent's field that holds it. */
function walk(root: unknown, visit: (node: Node, parent: Node | undefined, role: string) => void): void {
  const go = (value: unknown, parent: Node | undefined, role: string): void => {
    if (Array.isArray(value)) for (const each of value) go(each, parent, role)
    if (!isNode(value)) return
    visit(value, parent, role)
    for (const [field, child] of Object.entries(value)) {
      if (typeof child === 'object') go(child, value, field)
    }
  }
  go(root, undefined, '')
}

function isReExport(node: Node): boolean {
  return node.type.startsWith('Export') && isNode(node.source)
}

function isTypeOnly(node: Node): boolean {
  if (node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type') return true
  const specifiers = Array.isArray(node.specifiers) ? node.specifiers.filter(isNode) : []
  return specifiers.length > 0 && specifiers.every((each) => each.importKind === 'type' || each.exportKind === 'type')
}

const SYNTAX: Readonly<Record<string, string>> = {
  AwaitExpression: 'await',
  TSBigIntKeyword: 'bigint',
  TSSymbolKeyword: 'symbol',
  TSAnyKeyword: 'any',
}

function wordsOf(node: Node, parent: Node | undefined, role: string): string[] {
  const words = node.async === true ? ['async'] : []
  const syntax = SYNTAX[node.type]
  if (syntax) words.push(syntax)
  if (node.type === 'ForOfStatement' && node.await === true) words.push('await')
  if (node.type === 'Identifier' && typeof node.name === 'string' && isUse(parent, role)) words.push(node.name)
  const member = memberOf(node)
  if (member) words.push(member)
  return words
}

/** Not the name of a property, a key, a label or a declaration's own field. */
function isUse(parent: Node | undefined, role: string): boolean {
  if (role === 'property' || role === 'key' || role === 'imported' || role === 'exported' || role === 'label') {
    return parent?.computed === true || (role === 'key' && parent?.shorthand === true)
  }
  return !(parent?.type === 'TSQualifiedName' && role === 'right')
}

/** A name that the file gives to something of its own is not the global of that name. */
function isDeclaration(node: Node, parent: Node | undefined, role: string): boolean {
  if (node.type !== 'Identifier') return false
  return role === 'id' || role === 'params' || role === 'local' || (role === 'value' && parent?.type === 'Property')
}

/** `Math.random`; a global behind `globalThis.` counts as the global itself. */
function memberOf({ type, object, property }: Node): string | undefined {
  if (type !== 'MemberExpression' || !isNode(object) || !isNode(property)) return undefined
  if (typeof object.name !== 'string') return undefined
  const member = property.name ?? property.value
  if (typeof member !== 'string') return undefined
  return object.name === 'globalThis' ? member : `${object.name}.${member}`
}

function resolve(file: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier
}
