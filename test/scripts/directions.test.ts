import { describe, expect, test } from 'vitest'
import { findings } from '../../scripts/directions/directions.ts'
import { rules } from '../../scripts/directions/rules.ts'

type Files = Readonly<Record<string, string>>

/** For each rule a file that breaks it, and one as near as can be that does not. */
const planted: Readonly<Record<string, { bad: readonly Files[]; good: readonly Files[] }>> = {
  'the protocol imports itself, noble, the word list and the codecs': {
    bad: [
      { 'src/protocol/a.ts': "import { x } from '../node/api.ts'" },
      { 'src/protocol/a.ts': "import type { x } from 'libp2p'" },
      { 'src/protocol/a.ts': "type X = import('../node/api.ts').X" },
      { 'src/protocol/a.ts': "const x = import('ws')" },
    ],
    good: [{ 'src/protocol/wire/a.ts': "import { b } from '../bytes.ts'\nimport { c } from '@noble/hashes/sha2.js'" }],
  },
  'the protocol is told the time and the random bytes, and never waits': {
    bad: [
      { 'src/protocol/a.ts': 'export const t = () => Date.now()' },
      { 'src/protocol/a.ts': 'export const t = () => new Date()' },
      { 'src/protocol/a.ts': 'export const t = () => globalThis.Date' },
      { 'src/protocol/a.ts': "export const t = () => globalThis['Date']" },
      { 'src/protocol/a.ts': 'export const t = () => Math.random()' },
      { 'src/protocol/a.ts': 'export async function f() {}' },
      { 'src/protocol/a.ts': 'export const f = async () => {}' },
      { 'src/protocol/a.ts': 'export class A { async f() {} }' },
      { 'src/protocol/a.ts': 'setTimeout(f, 1)' },
      { 'src/protocol/a.ts': 'export type P = Promise<string>' },
    ],
    good: [{ 'src/protocol/a.ts': 'export const f = (now: number, x: { Date: 1 }) => Math.floor(now) + x.Date' }],
  },
  'the engine imports the protocol and itself': {
    bad: [
      { 'src/node/engine/a.ts': "import { x } from '../net/net.ts'" },
      { 'src/node/engine/a.ts': "import { x } from '../store/records.ts'" },
      { 'src/node/engine/a.ts': "import { x } from '../../protocol/bytes.ts'" },
    ],
    good: [{ 'src/node/engine/a.ts': "import type { R } from '../store/records.ts'\nimport { x } from './b.ts'" }],
  },
  "the engine's loop knows the store by its port alone": {
    bad: [{ 'src/node/engine/run.ts': "import { memory } from '../store/memory.ts'" }],
    good: [{ 'src/node/engine/run.ts': "import { StoreError } from '../store/store.ts'" }],
  },
  'the engine is told the time and the random bytes, and never waits': {
    bad: [
      { 'src/node/engine/a.ts': 'const t = performance.now()' },
      { 'src/node/engine/a.ts': 'export async function f() { await g() }' },
    ],
    good: [{ 'src/node/engine/run.ts': 'export async function f() { await g() }' }],
  },
  'libp2p appears only under net/ and platform/': {
    bad: [
      { 'src/node/engine/a.ts': "import type { PeerId } from '@libp2p/interface'" },
      { 'src/node/cli/a.ts': "import { multiaddr } from '@multiformats/multiaddr'" },
    ],
    good: [{ 'src/node/net/a.ts': "import { createLibp2p } from 'libp2p'" }],
  },
  'net imports the protocol, itself, libp2p and the types of inputs and effects': {
    bad: [
      { 'src/node/net/a.ts': "import { f } from '../engine/input.ts'" },
      { 'src/node/net/a.ts': "import type { S } from '../store/store.ts'" },
    ],
    good: [{ 'src/node/net/a.ts': "import type { Input } from '../engine/input.ts'" }],
  },
  'node:* appears only under platform/, the store adapters, server/ and cli/': {
    bad: [
      { 'src/node/net/a.ts': "import { join } from 'node:path'" },
      { 'src/node/store/store.ts': "import 'node:fs'" },
      { 'src/node/start.ts': "const fs = await import('node:fs')" },
    ],
    good: [{ 'src/node/store/sqlite-file.ts': "import 'node:fs'" }, { 'src/node/cli/a.ts': "import 'node:fs'" }],
  },
  'browser storage and navigator appear only under platform/ and in the window': {
    bad: [{ 'src/node/net/a.ts': 'const lang = navigator.language' }],
    good: [
      { 'src/node/platform/browser.ts': 'export const open = () => indexedDB.open("x")' },
      { 'src/node/server/a.ts': 'const window = 10\nexport const f = () => window' },
    ],
  },
  'the store port knows no adapter': {
    bad: [{ 'src/node/store/store.ts': "import { x } from './sqlite.ts'" }],
    good: [{ 'src/node/store/store.ts': "import type { x } from './records.ts'" }],
  },
  'only the composition roots name an adapter': {
    bad: [
      { 'src/node/start.ts': "import { openSqlite } from './store/sqlite.ts'" },
      { 'src/node/net/a.ts': "import { nodejs } from '../platform/nodejs.ts'" },
    ],
    good: [{ 'src/node/index.ts': "import { nodejsPlatform } from './platform/nodejs.ts'" }],
  },
  'the window knows the node by the types of api.ts alone': {
    bad: [
      { 'src/ui/a.tsx': "import { x } from '../node/api.ts'" },
      { 'src/ui/a.tsx': "import type { x } from '../protocol/index.ts'" },
      { 'src/ui/a.tsx': "import 'node:fs'" },
    ],
    good: [{ 'src/ui/a.tsx': "import type { x } from '../node/api.ts'\nexport const A = () => <p>{x}</p>" }],
  },
  'api.ts stands alone': {
    bad: [{ 'src/node/api.ts': "import type { AccountId } from '../protocol/index.ts'" }],
    good: [{ 'src/node/api.ts': 'export type Id = string' }],
  },
  'api.ts holds types that survive structured cloning and JSON': {
    bad: [
      { 'src/node/api.ts': 'export interface A { key: Uint8Array }' },
      { 'src/node/api.ts': 'export interface A { at: Date }' },
      { 'src/node/api.ts': 'export interface A { n: bigint }' },
    ],
    good: [{ 'src/node/api.ts': 'export interface A { at: string }' }],
  },
  'the protocol is entered by its index': {
    bad: [{ 'src/node/net/a.ts': "import { x } from '../../protocol/bytes.ts'" }],
    good: [{ 'src/node/net/a.ts': "import { x } from '../../protocol/index.ts'" }],
  },
  'no barrel but protocol/index.ts': {
    bad: [
      { 'src/node/net/index.ts': "export * from './a.ts'" },
      { 'src/node/net/a.ts': "export type { A } from './b.ts'" },
      { 'src/protocol/index.ts': 'export const x = 1' },
    ],
    good: [{ 'src/protocol/index.ts': "export * from './bytes.ts'" }, { 'src/node/net/a.ts': 'export const x = 1' }],
  },
  'no cycles, type cycles included': {
    bad: [
      {
        'src/node/net/a.ts': "import './b.ts'",
        'src/node/net/b.ts': "import './c.ts'",
        'src/node/net/c.ts': "import './a.ts'",
      },
      { 'src/ui/a.ts': "import type { B } from './b.ts'", 'src/ui/b.ts': "import type { A } from './a.ts'" },
    ],
    good: [{ 'src/ui/a.ts': "import './b.ts'\nimport './c.ts'", 'src/ui/b.ts': "import './c.ts'", 'src/ui/c.ts': '' }],
  },
  'nothing imports from test/': {
    bad: [
      { 'src/ui/a.ts': "import '../../test/chromium.ts'" },
      { 'scripts/a.ts': "import '../test/x.ts'" },
      { 'scripts/bench/delivery/hours.ts': "import '../../../test/sim/random.ts'" },
    ],
    good: [
      { 'test/a.test.ts': "import './chromium.ts'" },
      { 'scripts/bench/delivery/circle.ts': "import '../../../test/sim/world.ts'" },
    ],
  },
}

const rulesOf = (files: Files): string[] => findings(new Map(Object.entries(files)), rules).map(({ rule }) => rule)

test('every rule has a planted violation', () => {
  expect(Object.keys(planted).sort()).toEqual(rules.map(({ name }) => name).sort())
})

describe.each(Object.entries(planted))('%s', (rule, { bad, good }) => {
  test.each(bad.map((files) => [Object.values(files).join(' | '), files] as const))('finds %s', (_, files) => {
    expect(rulesOf(files)).toContain(rule)
  })
  test.each(good.map((files) => [Object.values(files).join(' | '), files] as const))('allows %s', (_, files) => {
    expect(rulesOf(files)).not.toContain(rule)
  })
})

test('a file that does not parse is a finding', () => {
  expect(rulesOf({ 'src/ui/a.ts': 'export const = 1' })).toContain('parses')
})
