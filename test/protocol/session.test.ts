/**
 * A session's bytes: golden ones that stay readable for ever, damaged ones, and what a caller may not do.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sessionVectors } from './make-session-vectors.ts'
import * as protocol from '../../src/protocol/index.ts'
import {
  CONTENTS_BYTES,
  canSend,
  describe as factsOf,
  frameId,
  frameKind,
  fromUtf8,
  noble,
  openInit,
  openMessage,
  readHeader,
  sealMessage,
} from '../../src/protocol/index.ts'
import { startResponder } from '../../src/protocol/session.ts'
import { decodeSessionState, encodeSessionState } from '../../src/protocol/session-state.ts'
import { mutate } from './mutation.ts'
import { NOW } from './people.ts'
import { below, hex, seeded, seedOfRun, unhex } from './seeded.ts'
import { HEADS, pair, swift } from './session-pair.ts'

const SEED = seedOfRun(7)
const TEXT = new Uint8Array(20).fill(5)
const stored: Record<string, string> = JSON.parse(
  readFileSync(new URL('../vectors/session.json', import.meta.url), 'utf8'),
)
const bytes = (name: string) => unhex(stored[name] ?? '')

function opened(state: string, frame: string): string | undefined {
  const header = readHeader(noble, bytes(state), bytes(frame))
  const rows = header?.needs.map((key) => bytes(`row ${key}`)) ?? []
  const random = seeded(SEED)
  const result = header && openMessage(noble, random, bytes(state), bytes(frame), header, rows, NOW)
  return result && fromUtf8(result.plaintext)
}

describe('golden bytes', () => {
  test('every vector is made again, byte for byte', () => expect(sessionVectors()).toEqual(stored))

  test('what the first version wrote is still read', () => {
    expect(openInit(noble, bytes('seal seed'), bytes('INIT'))?.usesOneTime).toBe(true)
    expect(opened('responder, state 0', 'message with a key')).toBe('with a key')
    expect(opened('responder, state 0', 'late message')).toBe('late')
    expect(opened('responder, state 1', 'late message'), 'by its rows').toBe('late')
    expect(opened('initiator, state 1', 'message with a ciphertext')).toBe('with a ciphertext')
    expect(opened('responder, state 1', 'plain message'), 'a session that is elsewhere').toBeUndefined()
  })

  test('a state is about 1 kB, and is encoded in one way', () => {
    for (const [name, value] of Object.entries(stored)) {
      if (!name.includes('state')) continue
      const state = decodeSessionState(unhex(value))
      expect(state && hex(encodeSessionState(state)), name).toBe(value)
      expect(value.length / 2, name).toBeLessThan(name === 'responder, state 1' ? 2100 : 1100)
    }
  })

  test('another version is no state', () => {
    const state = bytes('initiator, state 2')
    for (const version of [0, 2, 255]) {
      const other = state.slice()
      other[0] = version
      expect(decodeSessionState(other)).toBeUndefined()
      expect(readHeader(noble, other, bytes('late message'))).toBeUndefined()
      expect(canSend(other)).toBe(false)
      expect(() => factsOf(other)).toThrow()
      expect(() => sealMessage(noble, seeded(1), other, TEXT, HEADS, NOW)).toThrow()
    }
  })
})

describe(`fuzz (seed ${SEED})`, () => {
  const states = Object.keys(stored).filter((name) => name.includes('state'))

  test('any bytes are a state or not, and none other than what was written', () => {
    const random = seeded(SEED)
    let sound = 0
    for (let n = 0; n < 20_000; n++) {
      const original = bytes(states[below(random, states.length)] ?? '')
      const damaged = below(random, 4) === 0 ? random(below(random, 2000)) : mutate(random, original)
      const state = decodeSessionState(damaged)
      if (state === undefined) continue
      sound++
      expect(hex(encodeSessionState(state))).toBe(hex(damaged))
    }
    expect(sound, 'some damage hits keys alone').toBeGreaterThan(100)
  })

  test('damaged states and frames in any combination never throw on the receiving side', () => {
    const random = seeded(SEED)
    const frames = Object.keys(stored).filter((name) => name.includes('message'))
    for (let n = 0; n < 4000; n++) {
      const state = bytes(states[below(random, states.length)] ?? '')
      const frame = bytes(frames[below(random, frames.length)] ?? '')
      const damagedState = below(random, 2) === 0 ? mutate(random, state) : state
      const damagedFrame = below(random, 2) === 0 ? mutate(random, frame) : frame
      const header = readHeader(swift, damagedState, damagedFrame)
      if (header === undefined) continue
      const rows = header.needs.map(() => (below(random, 2) === 0 ? random(32) : undefined))
      openMessage(swift, random, damagedState, damagedFrame, header, rows, NOW)
    }
  })

  test('random bytes are no frame', () => {
    const random = seeded(SEED)
    for (let n = 0; n < 4000; n++) {
      const frame = random(below(random, 600))
      if (frame.length > 0) frame[0] = below(random, 4)
      expect(readHeader(swift, bytes('initiator, state 2'), frame)).toBeUndefined()
      expect(openInit(swift, bytes('seal seed'), frame)).toBeUndefined()
      expect(frameKind(frame)).toBe([undefined, 'init', 'message', undefined][frame[0] ?? 0])
    }
  })
})

describe('callers', () => {
  const { alice, bob, p } = pair(protocol, seeded(SEED))
  const random = seeded(SEED)

  test('facts say who began, what was counted, and nothing secret', () => {
    expect(factsOf(alice.state)).toEqual({ initiator: true, sent: 1, received: 0, epoch: 1, skipped: 0 })
    expect(factsOf(bob.state)).toEqual({ initiator: false, sent: 0, received: 1, epoch: 1, skipped: 0 })
  })

  test('a responder that has opened nothing can neither send nor open by a chain', () => {
    const agreed = { sk: random(32), ak: random(32), transcript: random(32) }
    const fresh = startResponder(swift, agreed, swift.x25519KeyPair(random(32)), NOW)
    expect(canSend(fresh)).toBe(false)
    expect(() => sealMessage(swift, random, fresh, TEXT, HEADS, NOW)).toThrow()
    expect(readHeader(swift, fresh, alice.seal(TEXT, NOW))).toBeUndefined()
  })

  test('lengths are checked', () => {
    const short = { own: new Uint8Array(15), peer: new Uint8Array(16) }
    expect(() => sealMessage(p, random, alice.state, TEXT, short, NOW)).toThrow(RangeError)
    const tooLong = new Uint8Array(CONTENTS_BYTES + 1)
    expect(() => sealMessage(p, random, alice.state, tooLong, HEADS, NOW)).toThrow(RangeError)
    const longest = new Uint8Array(CONTENTS_BYTES)
    expect(bob.open(alice.seal(longest, NOW), NOW)?.length).toBe(CONTENTS_BYTES)
  })

  test('a header is good for the state that it was read with', () => {
    const frame = alice.seal(TEXT, NOW)
    const header = readHeader(swift, bob.state, frame)
    expect(header).toBeDefined()
    if (header === undefined) return
    const stale = bob.state
    const copy = new Uint8Array(stale)
    expect(openMessage(swift, random, copy, frame, header, [], NOW)?.plaintext).toEqual(TEXT)
    bob.open(alice.seal(TEXT, NOW), NOW)
    expect(() => openMessage(swift, random, bob.state, frame, header, [], NOW)).toThrow()
  })

  test('a rolled-back sender repeats keys and no nonce: the peer opens the first of the two only', () => {
    const past = alice.state
    const first = sealMessage(swift, random, past, TEXT, HEADS, NOW)
    const second = sealMessage(swift, random, past, new Uint8Array(20).fill(6), HEADS, NOW)
    expect(hex(first.frame.subarray(3, 27))).not.toBe(hex(second.frame.subarray(3, 27)))
    expect(bob.open(first.frame, NOW)).toEqual(TEXT)
    expect(bob.open(second.frame, NOW)).toBeUndefined()
  })

  test('a frame is named by all its bytes', () => {
    const frame = alice.seal(TEXT, NOW)
    const other = frame.slice()
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1
    expect(frameId(swift, frame)).toHaveLength(16)
    expect(hex(frameId(swift, other))).not.toBe(hex(frameId(swift, frame)))
  })
})
