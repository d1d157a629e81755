/**
 * The compromise oracle: a device's whole session is copied at some moment, its skipped keys too; the thief sees all traffic.
 *
 * It reads nothing that was opened or sent before; all that comes until the ratchet heals (the control: it can read at
 * all); and nothing after one round trip, or, with every discrete logarithm given, after one post-quantum epoch.
 */
import { describe, expect, test } from 'vitest'
import * as protocol from '../../src/protocol/index.ts'
import type { Primitives } from '../../src/protocol/index.ts'
import { decoded } from './forge.ts'
import { NOW } from './people.ts'
import { below, hex, seeded, seedOfRun } from './seeded.ts'
import { pair, same, swift } from './session-pair.ts'
import { type DiscreteLog, type Side, Thief } from './thief.ts'

const FIRST = seedOfRun(1)
const SEEDS = Array.from({ length: process.env.SEED === undefined ? 12 : 1 }, (_, i) => FIRST + i)
const NO_ORACLE: DiscreteLog = () => undefined
const TALK_BEFORE = 12
const TALK_AFTER = 24

interface Letter {
  readonly side: Side
  readonly frame: Uint8Array
  readonly plaintext: Uint8Array
  /** Number of the post-quantum epoch whose chain it uses. */
  readonly epoch: number
  /** The own ratchet key of its sender. */
  readonly ratchetKey: string
  opened: boolean
}

/** The primitives, and the discrete logarithm of every key pair that they made. */
function withOracle(base: Primitives): { p: Primitives; log: DiscreteLog } {
  const privateKeys = new Map<string, Uint8Array>()
  const p: Primitives = {
    ...base,
    x25519KeyPair(randomness) {
      const made = base.x25519KeyPair(randomness)
      privateKeys.set(hex(made.publicKey), made.privateKey)
      return made
    },
  }
  return { p, log: (publicKey) => privateKeys.get(hex(publicKey)) }
}

/** A conversation, the theft of one device in its midst, and all that came before and after. */
function robbed(seed: number) {
  const random = seeded(seed)
  const { p, log } = withOracle(swift)
  const made = pair(protocol, random, p)
  const isAlice = below(random, 2) === 0
  const [victim, peer] = isAlice ? [made.alice, made.bob] : [made.bob, made.alice]
  const letters: Letter[] = []
  const say = (side: Side, loses: boolean): Letter => {
    const [from, to] = side === 'victim' ? [victim, peer] : [peer, victim]
    const plaintext = random(16)
    const frame = from.seal(plaintext, NOW)
    const { ec, pq } = decoded(from.state)
    const letter = { side, frame, plaintext, epoch: pq.epoch - 1, ratchetKey: hex(ec.own?.publicKey ?? plaintext) }
    const opened = !loses && to.open(frame, NOW) !== undefined
    letters.push({ ...letter, opened })
    return { ...letter, opened }
  }
  const turn = (loss: number): void => {
    const side = below(random, 2) === 0 ? 'victim' : 'peer'
    for (let n = 1 + below(random, 14); n > 0; n--) say(side, below(random, 100) < loss)
  }
  for (let n = TALK_BEFORE + below(random, 8); n > 0; n--) turn(15)
  const state = victim.state.slice()
  const rows = new Map(victim.rows)
  const before = letters.splice(0)
  return { before, letters, turn, state, rows, log, victim, peer, random }
}

function reads(thief: Thief, { side, frame, plaintext }: Letter): boolean {
  const body = thief.read(side, frame)
  return body !== undefined && same(body.subarray(32), plaintext)
}

describe.each(SEEDS)('seed %i', (seed) => {
  test.each(['without', 'with'])('nothing from before the theft, %s discrete logarithms', (oracle) => {
    const { before, state, rows, log } = robbed(seed)
    const thief = new Thief(swift, decoded(state), rows, oracle === 'with' ? log : NO_ORACLE)
    const past = before.filter(({ side, opened }) => side === 'victim' || opened)
    const awaited = before.filter(({ side, opened }) => side === 'peer' && !opened)
    expect(past.length).toBeGreaterThan(20)
    expect(past.filter((letter) => reads(thief, letter)).length).toBe(0)
    // The control: what was still on its way to the device does open, for the device must open it too.
    if (rows.size > 0) expect(awaited.filter((letter) => reads(thief, letter)).length).toBeGreaterThan(0)
  })

  test('all until the ratchet turns, nothing after one round trip', () => {
    const { letters, turn, state, rows } = robbed(seed)
    const stolen = decoded(state)
    const thief = new Thief(swift, stolen, rows, NO_ORACLE)
    for (let n = TALK_AFTER; n > 0; n--) turn(0)
    const stolenKey = stolen.ec.own === null ? '' : hex(stolen.ec.own.publicKey)
    const fresh = letters.findIndex(({ side, ratchetKey }) => side === 'victim' && ratchetKey !== stolenKey)
    expect(fresh).toBeGreaterThanOrEqual(0)
    const read = letters.map((letter) => reads(thief, letter))
    expect(read.slice(0, fresh), 'what comes before the first key drawn after the theft').not.toContain(false)
    expect(read.slice(fresh), 'what comes from there on').not.toContain(true)
  })

  test('with discrete logarithms: all until a post-quantum epoch that began later, nothing after it', () => {
    const { letters, turn, state, rows, log } = robbed(seed)
    const stolen = decoded(state)
    const thief = new Thief(swift, stolen, rows, log)
    for (let n = TALK_AFTER; n > 0; n--) turn(0)
    // A seed that lay in the state, and a secret agreed already, are stolen too; the epoch after them heals.
    const { phase, epoch } = stolen.pq
    const healed = phase.name === 'ek-sent' || phase.name === 'ct-send' ? epoch + 1 : epoch
    expect(letters.at(-1)?.epoch, 'the epoch that heals was reached').toBeGreaterThanOrEqual(healed)
    const read = letters.map((letter) => reads(thief, letter))
    expect(read).toEqual(letters.map((letter) => letter.epoch < healed))
  })
})

test('over all seeds there was something to read: the thief is not merely blind', () => {
  let withoutOracle = 0
  let withOracle = 0
  for (const seed of SEEDS) {
    for (const oracle of [false, true]) {
      const { letters, turn, state, rows, log } = robbed(seed)
      const thief = new Thief(swift, decoded(state), rows, oracle ? log : NO_ORACLE)
      for (let n = TALK_AFTER; n > 0; n--) turn(0)
      const count = letters.filter((letter) => reads(thief, letter)).length
      if (oracle) withOracle += count
      else withoutOracle += count
    }
  }
  console.log(`read before healing: ${withoutOracle} frames without, ${withOracle} with discrete logarithms`)
  expect(withoutOracle).toBeGreaterThan(SEEDS.length)
  expect(withOracle).toBeGreaterThan(withoutOracle)
})

/** What the victim's own code does with the stolen bytes: the same answer, by another way. */
test.each(SEEDS)('the stolen state in the hands of the protocol itself (seed %i)', (seed) => {
  const { before, state, rows, random } = robbed(seed)
  const open = ({ frame }: Letter): boolean => {
    const header = protocol.readHeader(swift, state, frame)
    const given = header?.needs.map((key) => rows.get(key)?.bytes)
    return (
      header !== undefined && protocol.openMessage(swift, random, state, frame, header, given ?? [], NOW) !== undefined
    )
  }
  expect(before.filter(({ opened }) => opened).some(open)).toBe(false)
})
