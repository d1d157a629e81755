/**
 * The directions of docs/architecture.md as data: who may import whom, which words the pure core must not use, where a barrel
 * may stand. `directions.ts` applies them; test/scripts/directions.test.ts plants one violation of each.
 *
 * Holds: a rule's message says what to do instead.
 */

/** Files that match `files` and not `except` import nothing but what matches `may`; type imports may also match `mayType`. */
export interface ImportRule {
  readonly kind: 'imports'
  readonly name: string
  readonly files: RegExp
  readonly except?: RegExp
  readonly may: readonly RegExp[]
  readonly mayType?: readonly RegExp[]
  readonly teaches: string
}

/** The other way round: only files that match `onlyIn` import what matches `what`. */
export interface ReservedRule {
  readonly kind: 'reserved'
  readonly name: string
  readonly what: RegExp
  readonly onlyIn: RegExp
  readonly teaches: string
}

/** Names that these files must not use: globals, `object.member` pairs, and the syntax words `async` and `await`. */
export interface WordRule {
  readonly kind: 'words'
  readonly name: string
  readonly files: RegExp
  readonly except?: RegExp
  readonly words: readonly string[]
  readonly teaches: string
}

/** `export … from` only in `onlyIn`, and nothing else there. */
export interface BarrelRule {
  readonly kind: 'barrels'
  readonly name: string
  readonly onlyIn: RegExp
  readonly teaches: string
}

/** No file reaches itself by imports; imports of types count. */
export interface CycleRule {
  readonly kind: 'cycles'
  readonly name: string
  readonly teaches: string
}

export type Rule = ImportRule | ReservedRule | WordRule | BarrelRule | CycleRule

const PROTOCOL = /^src\/protocol\/index\.ts$/
const LIBP2P = /^(libp2p|@libp2p\/.*|@multiformats\/.*|multiformats(\/.*)?|@chainsafe\/.*|main-event|multicast-dns)$/
const CLOCK_AND_CHANCE = ['Date', 'Math.random', 'performance', 'crypto']
const WAITING = ['async', 'await', 'Promise', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']

export const rules: readonly Rule[] = [
  {
    kind: 'imports',
    name: 'the protocol imports itself, noble, the word list and the codecs',
    files: /^src\/protocol\//,
    may: [/^src\/protocol\//, /^@noble\//, /^@scure\/(base|bip39)(\/|$)/, /^cborg$/],
    teaches:
      'what two peers must agree on depends on nothing that one of them may choose: take it as an argument, or move this file out of src/protocol',
  },
  {
    kind: 'words',
    name: 'the protocol is told the time and the random bytes, and never waits',
    files: /^src\/protocol\//,
    words: [...CLOCK_AND_CHANCE, ...WAITING, 'console'],
    teaches: 'the core never asks, it is told: take it as an argument (now, random, primitives) and hand back a value',
  },
  {
    kind: 'imports',
    name: 'the engine imports the protocol and itself',
    files: /^src\/node\/engine\//,
    except: /\/run\.ts$/,
    may: [PROTOCOL, /^src\/node\/engine\//],
    mayType: [/^src\/node\/(api|store\/store|store\/records)\.ts$/],
    teaches:
      'the engine decides and touches nothing: ask for what is stored by `needs`, hand back what should happen as an effect',
  },
  {
    kind: 'imports',
    name: "the engine's loop knows the store by its port alone",
    files: /^src\/node\/engine\/run\.ts$/,
    may: [PROTOCOL, /^src\/node\/engine\//, /^src\/node\/store\/store\.ts$/],
    mayType: [/^src\/node\/(api|store\/records)\.ts$/],
    teaches: 'run.ts takes input, steps, commits, performs: the adapters are given to it by start.ts',
  },
  {
    kind: 'words',
    name: 'the engine is told the time and the random bytes, and never waits',
    files: /^src\/node\/engine\//,
    except: /\/(run|load)\.ts$/,
    words: [...CLOCK_AND_CHANCE, ...WAITING, 'console'],
    teaches:
      'step is pure and synchronous: env holds now, random and primitives, and only the shell waits: run.ts, and load.ts that fills the state when it starts',
  },
  {
    kind: 'reserved',
    name: 'libp2p appears only under net/ and platform/',
    what: LIBP2P,
    onlyIn: /^(src\/node\/(net|platform)\/|scripts\/|test\/)/,
    teaches: 'a PeerId object never leaves net/: hand out our own ids and inputs instead',
  },
  {
    kind: 'imports',
    name: 'net imports the protocol, itself, libp2p and the types of inputs and effects',
    files: /^src\/node\/net\//,
    may: [PROTOCOL, /^src\/node\/net\//, LIBP2P],
    mayType: [
      /^src\/node\/engine\/(input|effect)\.ts$/,
      /^src\/node\/platform\/platform\.ts$/,
      /^src\/node\/config\.ts$/,
    ],
    teaches:
      'net speaks and decides nothing: what it learns becomes an engine input, and what it needs of the machine is lent by platform/',
  },
  {
    kind: 'reserved',
    name: 'node:* appears only under platform/, the store adapters, server/ and cli/',
    what: /^(node:.*|ws)$/,
    onlyIn:
      /^(src\/node\/(platform\/nodejs|store\/sqlite|server\/|cli\/|index\.ts)|scripts\/|test\/|[^/]+\.config\.ts$)/,
    teaches:
      'the same code runs in a browser: declare what you need in platform/platform.ts and fill it in platform/nodejs*.ts',
  },
  {
    kind: 'words',
    name: 'browser storage and navigator appear only under platform/ and in the window',
    files: /^src\/node\//,
    except: /^src\/node\/platform\//,
    words: ['indexedDB', 'navigator', 'localStorage', 'sessionStorage', 'window', 'document'],
    teaches: 'the same code runs under Node.js: declare what you need in platform/platform.ts',
  },
  {
    kind: 'imports',
    name: 'the store port knows no adapter',
    files: /^src\/node\/store\/(store|records)\.ts$/,
    may: [PROTOCOL, /^src\/node\/store\/(store|records)\.ts$/],
    teaches: 'a port that imports an adapter is no port: the adapter imports the port',
  },
  {
    kind: 'reserved',
    name: 'only the composition roots name an adapter',
    what: /^src\/node\/(platform\/(nodejs|browser)|store\/(sqlite|memory))[^/]*\.ts$/,
    onlyIn: /^(src\/node\/(index\.ts|platform\/|store\/|cli\/|server\/)|scripts\/|test\/)/,
    teaches: 'take the port (Platform, Store, Primitives) as an argument: start.ts and index.ts do the wiring',
  },
  {
    kind: 'imports',
    name: 'the window knows the node by the types of api.ts alone',
    files: /^src\/ui\//,
    may: [/^src\/ui\//, /^(solid-js|virtua|qr|zxing-wasm|@kobalte\/core)(\/|$)/],
    mayType: [/^src\/node\/api\.ts$/],
    teaches: 'import type from src/node/api.ts and take the value from useNode()',
  },
  {
    kind: 'imports',
    name: 'api.ts stands alone',
    files: /^src\/node\/api\.ts$/,
    may: [],
    teaches: 'what a window, a bot and a test share must read without the rest: declare the plain type here',
  },
  {
    kind: 'words',
    name: 'api.ts holds types that survive structured cloning and JSON',
    files: /^src\/node\/api\.ts$/,
    words: ['Uint8Array', 'ArrayBuffer', 'Map', 'Set', 'Date', 'bigint', 'symbol', 'CryptoKey', 'PeerId', 'any'],
    teaches: 'ids and keys are strings here, times are ISO 8601 strings, bytes do not cross',
  },
  {
    kind: 'reserved',
    name: 'the protocol is entered by its index',
    what: /^src\/protocol\/(?!index\.ts$)/,
    onlyIn: /^(src\/protocol\/|test\/|scripts\/)/,
    teaches: 'import from src/protocol/index.ts, and re-export there what is missing',
  },
  {
    kind: 'barrels',
    name: 'no barrel but protocol/index.ts',
    onlyIn: /^src\/(protocol|node)\/index\.ts$/,
    teaches: 'types are declared where they are made: import them from there',
  },
  {
    kind: 'cycles',
    name: 'no cycles, type cycles included',
    teaches: 'move what both need into the file below them',
  },
  {
    kind: 'reserved',
    name: 'nothing imports from test/',
    what: /^test\//,
    onlyIn: /^(test\/|scripts\/make-vectors\.ts$|scripts\/bench\/delivery\/circle\.ts$)/,
    teaches: 'what two sides need is no test: move it to src/ or scripts/',
  },
]
