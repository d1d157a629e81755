/**
 * The carrier's side of mail: what it takes, what it keeps, and what it knows.
 */
import { describe, expect, test } from 'vitest'
import { LIFE_DAYS } from '../../../src/node/engine/limits.ts'
import type { RouteBox } from '../../../src/node/store/records.ts'
import { type Store, StoreError } from '../../../src/node/store/store.ts'
import {
  accountKeyOf,
  deviceIdBytes,
  ENVELOPE_MOST_BYTES,
  equal,
  fromBase32,
  openRecord,
  utf8,
} from '../../../src/protocol/index.ts'
import { placeAt, relayedBy, type SimNode } from '../../sim/sim-node.ts'
import { ask, grantOf, introduce, MINUTE, published, say, texts } from './people.ts'
import { boxAt, carried, carry, DAYS, forged, includes, lettersAt, off, on, put, routeTo } from './mail-people.ts'

function fail(): never {
  throw new Error('missing')
}

/** Every byte of a disk, in rows: keys and values, with byte strings as they are and as texts. */
function disk(node: SimNode): Uint8Array {
  const parts: Uint8Array[] = []
  const walk = (value: unknown): void => {
    if (value instanceof Uint8Array) parts.push(value)
    else if (typeof value === 'string') parts.push(utf8(value))
    else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) walk(part)
  }
  for (const { key, row } of node.disk.everything()) {
    walk(key)
    walk(row)
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length + 1, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length + 1
  }
  return all
}

describe('what a carrier knows', () => {
  test('its whole disk tells neither who wrote, nor what, nor of which kind, nor whether two letters are of one hand', async () => {
    const { world, ana, bob, clara } = await carried()
    const dan = await world.add('dan')
    await introduce({ world, ana, bob }, dan, bob)
    off(bob)
    const canary = 'a secret of about this length'
    await say(world, ana, bob, canary)
    await world.pass(2 * MINUTE)
    await say(world, ana, bob, `${canary}!`)
    await world.pass(2 * MINUTE)
    await say(world, dan, bob, `${canary}?`)
    await world.pass(2 * MINUTE)
    const letters = lettersAt(clara)
    expect(letters).toHaveLength(3)

    const found = disk(clara)
    // The control: what she knows of her own contact is found in the same way.
    expect(includes(found, utf8(bob.id))).toBe(true)
    expect(includes(found, letters[0]?.bytes ?? found)).toBe(true)
    for (const sender of [ana, dan]) {
      const device = sender.engine?.resident.self.deviceKeys.id
      const marks = [utf8(sender.id), accountKeyOf(sender.id), utf8(sender.name), utf8(device ?? ''), utf8(canary)]
      if (device !== undefined) marks.push(deviceIdBytes(device))
      for (const frame of world.framesOf(sender)) marks.push(frame.subarray(0, 32))
      for (const { box } of routeTo(sender, bob)) expect(includes(found, box)).toBe(true)
      for (const { key, tokens } of routeTo(sender, bob)) marks.push(key, ...tokens)
      for (const mark of marks) expect(includes(found, mark)).toBe(false)
    }

    // One size, one life; of what anybody reads, two of one hand have no more in common than two of different ones.
    expect(new Set(letters.map(({ bytes }) => bytes.length)).size).toBe(1)
    const [first, second, other] = letters.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array, Uint8Array]
    const common = (a: Uint8Array, b: Uint8Array): number[] =>
      [...a.keys()].filter((at) => at < 90 && a[at] === b[at] && at >= 18)
    expect(first.subarray(0, 18)).toEqual(other.subarray(0, 18))
    expect(common(first, second).length).toBeLessThan(6)
    expect(common(first, other).length).toBeLessThan(6)
    // No row of a letter or of a token says more.
    for (const { table, row } of clara.disk.everything()) {
      if (table === 'letter') expect(Object.keys(row).sort()).toEqual(['box', 'bytes', 'id', 'until'])
      if (table === 'token') expect(Object.keys(row)).toEqual(['spent'])
    }
  })

  test('her records in the DHT for a box name no device', async () => {
    const { world, ana, bob, clara } = await carried()
    const audiences = [...(clara.engine?.resident.maps.audiences.values() ?? [])]
    expect(audiences.map(({ box }) => box).filter((box) => box !== null)).toEqual([boxAt(bob, clara).key])
    // No contact belongs to it.
    const key = [...(clara.engine?.resident.maps.audiences ?? [])].find(([, { box }]) => box !== null)?.[0]
    for (const { row } of clara.engine?.resident.maps.contacts.values() ?? []) expect(row.audience).not.toBe(key)
    const [box] = routeTo(ana, bob)
    const told = grantOf(bob, clara)
    const read = ({ readKey, slots }: Pick<RouteBox, 'readKey' | 'slots'>) =>
      published(world, clara).flatMap(({ name, value }) => {
        const isKnown = slots.some((slot) => equal(slot.name, name))
        return (isKnown ? openRecord(world.primitives, readKey, name, value) : undefined) ?? []
      })
    // The control: a contact reads which device it is.
    const device = deviceIdBytes(clara.engine?.resident.self.deviceKeys.id ?? fail())
    expect(read(told).map((one) => one.device)).toContainEqual(device)
    const found = read(box ?? fail())
    expect(found.length).toBeGreaterThan(0)
    for (const one of found) expect(one.device).toEqual(new Uint8Array(16))
    for (const one of found) expect(one.addresses).toEqual(read(told)[0]?.addresses)
  })
})

describe('where a carrier is', () => {
  test('whoever is told of a box reads relayed addresses alone while somebody is not to learn more', async () => {
    const { world, ana, bob, clara } = await carried()
    const [direct, relayed] = [placeAt(70), relayedBy(71)]
    clara.move(direct, relayed)
    await world.pass()
    const read = (): Uint8Array[] => {
      const [box] = routeTo(ana, bob)
      const found = published(world, clara).flatMap(({ name, value }) =>
        box === undefined ? [] : (openRecord(world.primitives, box.readKey, name, value) ?? []),
      )
      expect(found.length).toBeGreaterThan(0)
      return found.flatMap(({ addresses }) => addresses)
    }
    expect(read()).toContainEqual(direct.bytes)
    // It is enough that somebody is: she does not know whom the owner told.
    await ask(world, clara, { name: 'relay-only', contact: bob.id, on: true })
    await world.pass()
    for (const one of read()) expect(one).toEqual(relayed.bytes)
    await ask(world, clara, { name: 'relay-only', contact: bob.id, on: false })
    await world.pass()
    expect(read()).toContainEqual(direct.bytes)
  })
})

describe('what a carrier takes', () => {
  test('one envelope for a token, the same one again as before; nothing without a token, for no box, or of no form', async () => {
    const { world, ana, bob, clara } = await carried()
    const [box] = routeTo(ana, bob)
    const [token, other] = box?.tokens ?? []
    if (box === undefined || token === undefined || other === undefined) throw new Error('no tokens')
    off(bob)
    const envelope = forged(world, box, token)
    expect(await put(world, clara, envelope)).toBe('ok')
    expect(await put(world, clara, envelope)).toBe('ok')
    expect(lettersAt(clara)).toHaveLength(1)
    expect(await put(world, clara, forged(world, box, token))).toBe('no-token')
    expect(await put(world, clara, forged(world, box, world.chance.bytes(16)))).toBe('no-token')
    expect(await put(world, clara, forged(world, { ...box, box: world.chance.bytes(16) }, other))).toBe('no-token')
    for (const bytes of [new Uint8Array(0), new Uint8Array(1024), envelope.subarray(1), world.chance.bytes(100_000)])
      expect(await put(world, clara, bytes)).toBe('no-token')
    expect(lettersAt(clara)).toHaveLength(1)
    // Also after she forgot all but her disk.
    clara.crash(1000)
    await world.pass()
    expect(await put(world, clara, forged(world, box, token))).toBe('no-token')
    expect(await put(world, clara, envelope)).toBe('ok')
    expect(world.reported).toEqual([])
  })

  test('a flood fills one box to its bounds, and takes no room of another; nothing that lies there goes for it', async () => {
    const { world, ana, bob, clara } = await carried(1, { boxLetters: 4, boxBytes: 150_000, carriedBytes: 300_000 })
    await introduce({ world, ana, bob }, ana, clara)
    await carry({ world }, ana, clara)
    const mine = routeTo(ana, bob)[0]
    const theirs = routeTo(bob, ana)[0]
    if (mine === undefined || theirs === undefined) throw new Error('no routes')
    off(bob, ana)
    await world.pass(5000)
    const before: Uint8Array[] = []
    for (const token of mine.tokens) {
      const envelope = forged(world, mine, token)
      const answer = await put(world, clara, envelope)
      expect(answer).toBe(before.length < 4 ? 'ok' : 'full')
      if (answer === 'ok') before.push(envelope)
    }
    expect(lettersAt(clara).map(({ bytes }) => bytes)).toEqual(before)
    expect(await put(world, clara, forged(world, theirs, theirs.tokens[0] as Uint8Array))).toBe('ok')
    // In bytes, too.
    const [, second, third, fourth] = theirs.tokens as Uint8Array[]
    expect(await put(world, clara, forged(world, theirs, second as Uint8Array, 60_000))).toBe('ok')
    expect(await put(world, clara, forged(world, theirs, third as Uint8Array, 60_000))).toBe('ok')
    expect(await put(world, clara, forged(world, theirs, fourth as Uint8Array, 60_000))).toBe('full')
    expect(ENVELOPE_MOST_BYTES).toBeGreaterThan(60_000)
    // There is no room for one box more.
    const dan = await world.add('dan')
    await introduce({ world, ana, bob }, dan, clara)
    dan.command({ name: 'carrier', contact: clara.id, on: true })
    await world.pass()
    expect(boxAt(dan, clara).row.state).toBe('full')
    expect(world.reported).toEqual([])
  })

  test('nothing is said of what cannot be stored, and it can be left once there is room on the disk', async () => {
    const { world, ana, bob, clara } = await carried()
    let isFull = false
    world.faults.store = (store) =>
      new Proxy(store, {
        get: (target, property) => {
          const value: unknown = Reflect.get(target, property)
          if (property !== 'commit') return typeof value === 'function' ? value.bind(target) : value
          return async (...args: Parameters<Store['commit']>) => {
            const holds = args[0].some((write) => write.op === 'put' && write.table === 'letter')
            if (isFull && holds) throw new StoreError('full', 'The disk is full.')
            return target.commit(...args)
          }
        },
      })
    clara.crash(1000)
    await world.pass()
    off(bob)
    isFull = true
    const [box] = routeTo(ana, bob)
    const envelope = forged(world, box ?? fail(), box?.tokens[0] ?? fail())
    expect(await put(world, clara, envelope)).toBeNull()
    expect(lettersAt(clara)).toEqual([])
    expect(world.reported.splice(0).join()).toContain('The disk is full.')
    isFull = false
    expect(await put(world, clara, envelope)).toBe('ok')
    expect(lettersAt(clara)).toHaveLength(1)
  })

  test('room again once the owner has taken it: what was full is not so for ever', async () => {
    const { world, ana, bob, clara } = await carried(1, { boxLetters: 1 })
    off(bob)
    await say(world, ana, bob, 'one')
    await world.pass(2 * MINUTE)
    await say(world, ana, bob, 'two')
    await world.pass(2 * MINUTE)
    expect(lettersAt(clara)).toHaveLength(1)
    off(ana)
    await on(world, bob)
    expect(await texts(bob, ana)).toEqual(['one'])
    off(bob)
    await on(world, ana)
    await world.pass(70 * MINUTE)
    expect(lettersAt(clara)).toHaveLength(1)
    off(ana)
    await on(world, bob)
    expect(await texts(bob, ana)).toEqual(['one', 'two'])
    expect(world.reported).toEqual([])
  })
})

test('whoever asks for one box after another makes a carrier keep one', async () => {
  const { world, bob, clara } = await carried()
  for (let round = 0; round < 12; round++) {
    for (const isOn of [false, true]) {
      await ask(world, bob, { name: 'carrier', contact: clara.id, on: isOn })
      await world.pass()
    }
  }
  const rows = [...(clara.engine?.resident.maps.carried.values() ?? [])]
  expect(rows.map(({ state }) => state)).toEqual(['kept'])
  expect([...(clara.engine?.resident.maps.audiences.values() ?? [])].filter(({ box }) => box !== null)).toHaveLength(1)
  expect(bob.engine?.resident.maps.boxes.size).toBeLessThanOrEqual(6)
  expect(world.reported).toEqual([])
})

describe('how long a carrier keeps', () => {
  test('until its own running time says so: no clock, and no time in which it was off', async () => {
    const { world, ana, bob, clara } = await carried()
    off(bob)
    await say(world, ana, bob, 'hello')
    await world.pass(2 * MINUTE)
    off(ana)
    const kept = async (): Promise<number> => {
      clara.take({ type: 'timer' })
      await world.pass(MINUTE)
      return lettersAt(clara).length
    }
    for (const years of [10, -10, 3, 0]) {
      clara.skew = years * 365 * DAYS
      expect(await kept()).toBe(1)
    }
    clara.crash(40 * DAYS)
    await world.pass(40 * DAYS + MINUTE)
    expect(await kept()).toBe(1)
    await world.pass((LIFE_DAYS - 1) * DAYS)
    expect(await kept()).toBe(1)
    await world.pass(2 * DAYS)
    expect(await kept()).toBe(0)
    const [row] = [...(clara.engine?.resident.maps.carried.values() ?? [])]
    expect([row?.count, row?.bytes]).toEqual([0, 0])
  })

  test('letters come in portions, the next once the last was taken; a crash of either costs nothing', async () => {
    const { world, ana, bob, clara } = await carried(1, { tokens: 300, tokensEach: 128 })
    off(bob)
    for (let n = 0; n < 70; n++) {
      await say(world, ana, bob, `${n}`)
      await world.pass(15_000)
    }
    expect(lettersAt(clara).length).toBeGreaterThan(64)
    off(ana)
    for (const node of [bob, clara]) node.fuse = 30
    await on(world, bob)
    await world.pass(2 * MINUTE)
    await world.pass(2 * MINUTE)
    if (bob.phase === 'down') await on(world, bob)
    await world.pass(5 * MINUTE)
    expect((await texts(bob, ana)).map(Number)).toEqual([...Array(70).keys()])
    expect(lettersAt(clara)).toHaveLength(0)
    const most = world.effectsOf(clara, 'hand-over').map(({ letters }) => letters.length)
    expect(Math.max(...most)).toBeLessThanOrEqual(64)
    expect(fromBase32(boxAt(bob, clara).key)).toHaveLength(16)
    expect(world.reported).toEqual([])
  })
})
