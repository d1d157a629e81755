import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeMessage, encodeMessage, isPeerId, readVarint } from '../../../src/node/net/dht/messages.ts'
import { addressOfBytes } from '../../../src/node/net/reach/told.ts'
import { concat } from '../../../src/protocol/index.ts'

const bytes = (least: number, most: number) => fc.uint8Array({ minLength: least, maxLength: most })
const peerId = bytes(32, 32).map((key) => concat(Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20), key))
const peer = fc.record({ id: peerId, addresses: fc.array(bytes(0, 30), { maxLength: 8 }) })
const message = fc.record({
  type: fc.integer({ min: 0, max: 5 }),
  key: bytes(0, 60),
  record: fc.option(fc.record({ key: bytes(0, 60), value: bytes(0, 2000) }), { nil: undefined }),
  closer: fc.array(peer, { maxLength: 20 }),
})

const body = (whole: Uint8Array): Uint8Array => {
  const length = readVarint(whole, 0)
  expect(length?.value).toBe(whole.length - (length?.end ?? 0))
  return whole.subarray(length?.end)
}

test('every message comes back as it went', () => {
  fc.assert(
    fc.property(message, (one) => {
      expect(decodeMessage(body(encodeMessage(one)))).toEqual(one)
    }),
  )
})

test('any bytes are a message or none, and are read within bounds', () => {
  const check = (some: Uint8Array): void => {
    const read = decodeMessage(some)
    if (read === undefined) return
    expect(read.closer.length).toBeLessThanOrEqual(20)
    expect(read.closer.every(({ id, addresses }) => isPeerId(id) && addresses.length <= 8)).toBe(true)
    for (const { addresses } of read.closer) for (const address of addresses) addressOfBytes(address)
  }
  fc.assert(fc.property(bytes(0, 300), check), { numRuns: 2000 })
  const spoiled = fc.tuple(message, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }))
  fc.assert(
    fc.property(spoiled, ([one, changes]) => {
      const some = body(encodeMessage(one)).slice()
      for (const [at, byte] of changes) some[at % some.length] = byte
      check(some)
      check(some.subarray(0, changes[0]?.[0] ?? 0))
    }),
    { numRuns: 1000 },
  )
})

test('more peers or addresses than there may be are left out; a PeerID of another kind, too', () => {
  const id = concat(Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20), new Uint8Array(32))
  const many = Array.from({ length: 50 }, () => ({ id, addresses: Array.from({ length: 20 }, () => Uint8Array.of(4)) }))
  const read = decodeMessage(body(encodeMessage({ type: 4, key: new Uint8Array(), record: undefined, closer: many })))
  expect([read?.closer.length, read?.closer[0]?.addresses.length]).toEqual([20, 8])
  const rsa = [{ id: new Uint8Array(34).fill(0x12, 0, 1), addresses: [] }]
  expect(decodeMessage(body(encodeMessage({ type: 4, key: id, record: undefined, closer: rsa })))?.closer).toEqual([])
})

test('a length beyond what there is, or beyond all bounds, is none', () => {
  expect(decodeMessage(Uint8Array.of(0x12, 0x05, 1, 2))).toBeUndefined()
  expect(decodeMessage(Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0xff, 0x7f, 1))).toBeUndefined()
  expect(readVarint(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 0)).toBeUndefined()
  expect(readVarint(Uint8Array.of(0x80), 0)).toBeUndefined()
})
