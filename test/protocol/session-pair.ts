/**
 * Two devices with a session, their skipped keys in a map as a store would keep them; what every test of the ratchet uses.
 *
 * Holds: each call is checked on the way: nothing that was given changes, a refusal leaves nothing behind, no row is put
 * twice, rows stay below their bound, no body key and no nonce seals twice. A broken law throws `BrokenLaw`.
 */
import { nodejs } from '../../src/node/platform/nodejs-primitives.ts'
import type * as protocol from '../../src/protocol/index.ts'
import { noble, type Primitives, type Random } from '../../src/protocol/index.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import { NOW, type Person, person } from './people.ts'
import { hex } from './seeded.ts'

/** The protocol under test: the real one, or a copy with a fault in it. */
export type Code = typeof protocol

/** Fast where it is deterministic, so that a seed repeats a run. */
export const swift: Primitives = {
  ...nodejs,
  name: 'swift',
  kemEncapsulate: noble.kemEncapsulate,
  x25519KeyPair: (randomness) => ({ privateKey: randomness, publicKey: nodejs.x25519PublicKey(randomness) }),
}

export class BrokenLaw extends Error {}

export function law(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new BrokenLaw(sentence)
}

export const HEADS = { own: new Uint8Array(16).fill(1), peer: new Uint8Array(16).fill(2) }
const MOST_ROWS = 4000

/** Watches every AEAD key and nonce that goes out. */
export function watched(p: Primitives): Primitives {
  const bodyKeys = new Set<string>()
  const used = new Set<string>()
  const bodyLabel = hex(LABELS.messageBody)
  return {
    ...p,
    aeadSeal(key, nonce, plaintext, associatedData) {
      const pair = hex(key) + hex(nonce)
      law(!used.has(pair), 'one key and nonce sealed twice')
      used.add(pair)
      if (hex(associatedData).startsWith(bodyLabel)) {
        law(!bodyKeys.has(hex(key)), 'one message key sealed twice')
        bodyKeys.add(hex(key))
      }
      return p.aeadSeal(key, nonce, plaintext, associatedData)
    },
  }
}

export class Party {
  state: Uint8Array
  readonly rows = new Map<string, { readonly bytes: Uint8Array; readonly at: number }>()
  readonly #code: Code
  readonly #p: Primitives
  readonly #random: Random
  readonly #everPut = new Set<string>()
  #wasTrimmed = false

  constructor(code: Code, p: Primitives, random: Random, state: Uint8Array) {
    this.#code = code
    this.#p = p
    this.#random = random
    this.state = state
  }

  seal(plaintext: Uint8Array, now: number): Uint8Array {
    const before = this.state.slice()
    const sealed = this.#code.sealMessage(this.#p, this.#random, this.state, plaintext, HEADS, now)
    law(same(before, this.state), 'sealing changed the state it was given')
    this.state = sealed.state
    return sealed.frame
  }

  /** The plaintext of a frame; what was opened is committed. */
  open(frame: Uint8Array, now: number): Uint8Array | undefined {
    const opened = this.look(frame, now)
    if (opened === undefined) return undefined
    law(
      same(opened.heads.own, HEADS.own) && same(opened.heads.peer, HEADS.peer),
      'the heads are those that were sealed',
    )
    this.#commit(opened, now)
    return opened.plaintext
  }

  /** Opens a frame without committing: a crash in between. */
  look(frame: Uint8Array, now: number): protocol.Opened | undefined {
    const before = this.state.slice()
    const bytes = frame.slice()
    const header = this.#code.readHeader(this.#p, this.state, frame)
    const rows = header?.needs.map((key) => this.rows.get(key)?.bytes)
    const opened = header && rows && this.#code.openMessage(this.#p, this.#random, this.state, frame, header, rows, now)
    law(same(before, this.state), 'opening changed the state it was given')
    law(same(bytes, frame), 'opening changed the frame')
    return opened
  }

  /** As after a restart: nothing but bytes survives. */
  restart(): void {
    this.state = new Uint8Array(Buffer.from(this.state))
  }

  #commit(opened: protocol.Opened, now: number): void {
    this.state = opened.state
    for (const { key, bytes } of opened.skipped.put) {
      law(!this.#everPut.has(key), `the skipped key ${key} was put twice`)
      this.#everPut.add(key)
      this.rows.set(key, { bytes, at: now })
    }
    for (const key of opened.skipped.take) this.rows.delete(key)
    for (const chain of opened.skipped.dropChains) {
      for (const key of this.rows.keys()) if (key.startsWith(`${chain}/`)) this.rows.delete(key)
    }
    if (opened.trim) this.#trim()
    law(this.rows.size <= MOST_ROWS, `${this.rows.size} skipped keys are kept`)
    const counted = this.#code.describe(this.state).skipped
    law(this.#wasTrimmed || counted === this.rows.size, `${counted} rows were counted, and there are ${this.rows.size}`)
  }

  #trim(): void {
    this.#wasTrimmed = true
    const number = (key: string) => Number(key.split('/')[1])
    const oldestFirst = [...this.rows].sort(([a, x], [b, y]) => x.at - y.at || number(a) - number(b))
    for (const [key] of oldestFirst.slice(0, -MOST_ROWS)) this.rows.delete(key)
  }
}

export interface Pair {
  /** Initiator and responder. */
  readonly alice: Party
  readonly bob: Party
  readonly people: { readonly alice: Person; readonly bob: Person }
  readonly code: Code
  readonly p: Primitives
}

/** Two parties after a handshake; Bob has opened the first message and not answered. */
export function pair(code: Code, random: Random, base: Primitives = swift): Pair {
  const p = watched(base)
  const people = { alice: person(random, base), bob: person(random, base) }
  const { alice, bob } = people
  const us = { account: alice.account.key, device: alice.device, log: alice.log }
  const none = { inviteSecret: null, oneTimeKey: null }
  const begun = code.initiate(p, random, us, bob.bundle, none, new Uint8Array(9), NOW)
  const init = code.openInit(p, bob.prekeys.sealSeed, begun.frame)
  law(init !== undefined, 'an INIT opens')
  const them = { account: bob.account.key, device: bob.device, log: bob.log }
  const answered = { bundle: bob.bundle, secrets: bob.prekeys, oneTimeSeed: null, inviteSecret: null }
  const answer = code.respond(p, random, them, answered, init, NOW)
  law(answer !== undefined, 'an INIT is accepted')
  return {
    alice: new Party(code, p, random, begun.session),
    bob: new Party(code, p, random, answer.session),
    people,
    code,
    p,
  }
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
