/**
 * Mail for whoever is away: the sender's side, the owner's, and all the way.
 */
import { describe, expect, test } from 'vitest'
import { COPIES_LATER_AFTER, LIFE_DAYS, MAIL_GIVEN_UP } from '../../../src/node/engine/limits.ts'
import { has, toBase32 } from '../../../src/protocol/index.ts'
import type { SimNode } from '../../sim/sim-node.ts'
import { ask, history, introduce, invite, MINUTE, Overheard, say, stateOf, texts } from './people.ts'
import { boxAt, carried, carry, DAYS, lettersAt, off, on, routeTo, states } from './mail-people.ts'

describe('all the way', () => {
  test('through a carrier whom the sender does not know; the sender is off when it is fetched, and hears of it later', async () => {
    const { world, ana, bob, clara } = await carried()
    off(bob)
    await say(world, ana, bob, 'one', 'two')
    await world.pass()
    expect(await states(ana, bob)).toEqual([
      ['one', 'carried'],
      ['two', 'carried'],
    ])
    expect((await history(ana, bob)).map(({ carriedBy }) => carriedBy)).toEqual([[], []])
    expect(lettersAt(clara)).toHaveLength(1)
    off(ana)
    await on(world, bob)
    expect(await texts(bob, ana)).toEqual(['one', 'two'])
    expect(lettersAt(clara)).toHaveLength(0)
    await on(world, ana)
    expect(await states(ana, bob)).toEqual([
      ['one', 'delivered'],
      ['two', 'delivered'],
    ])
    expect([...(ana.engine?.resident.maps.mail.values() ?? [])]).toEqual([])
    expect(world.reported).toEqual([])
  })

  test('both ways, where the two never meet: receipts come by mail, and nothing goes to and fro for ever', async () => {
    const { world, ana, bob, clara } = await carried()
    await introduce({ world, ana, bob }, ana, clara)
    await carry({ world }, ana, clara)
    world.split(ana, bob, 100 * DAYS)
    await world.pass()
    await say(world, ana, bob, 'from ana')
    await world.pass(3 * MINUTE)
    await say(world, bob, ana, 'from bob')
    await world.pass(3 * MINUTE)
    expect(await states(ana, bob)).toEqual([['from ana', 'delivered']])
    expect(await states(bob, ana)).toEqual([['from bob', 'delivered']])
    const left = world.effectsOf(ana, 'deposit').length + world.effectsOf(bob, 'deposit').length
    expect(left).toBeLessThanOrEqual(4)
    await world.pass(2 * DAYS)
    const again = world.effectsOf(ana, 'deposit').length + world.effectsOf(bob, 'deposit').length
    expect(again).toBe(left)
    expect(world.reported).toEqual([])
  })

  test('two who never meet, and have used all but the last token of each other’s, tell each other of more', async () => {
    const { world, ana, bob, clara } = await carried(1, { tokens: 40, tokensEach: 6 })
    const dan = await world.add('dan')
    for (const one of [ana, bob]) await introduce({ world, ana, bob }, one, dan)
    await introduce({ world, ana, bob }, ana, clara)
    await carry({ world }, ana, dan)
    world.split(ana, bob, 100 * DAYS)
    await world.pass()
    // Each leaves mail with the other's carrier, and does not reach its own.
    world.split(ana, dan, 10 * 60 * MINUTE)
    world.split(bob, clara, 10 * 60 * MINUTE)
    const words = Array.from({ length: 9 }, (_, n) => `${n}`)
    for (const word of words) {
      await say(world, ana, bob, word)
      await say(world, bob, ana, word)
      await world.pass(2 * MINUTE)
    }
    for (const [one, other] of [
      [ana, bob],
      [bob, ana],
    ] as const) {
      const all = (await states(one, other)).map(([, state]) => state)
      expect(all).toEqual([...Array(5).fill('carried'), ...Array(4).fill('queued')])
      expect(routeTo(one, other)[0]?.tokens).toHaveLength(1)
    }
    await world.pass(12 * 60 * MINUTE)
    for (const [one, other] of [
      [ana, bob],
      [bob, ana],
    ] as const) {
      const arrived = (await history(other, one)).filter(({ from }) => from === one.id)
      expect(arrived.map(({ text }) => text)).toEqual(words)
      expect((await states(one, other)).map(([, state]) => state)).toEqual(Array(9).fill('delivered'))
    }
    expect(world.reported).toEqual([])
  })

  test('one token alone is used for anything, also by whoever has boxes', async () => {
    const { world, ana, bob, clara } = await carried(1, { tokens: 8, tokensEach: 1 })
    await introduce({ world, ana, bob }, ana, clara)
    await carry({ world }, ana, clara)
    world.split(ana, bob, 100 * DAYS)
    await world.pass()
    for (const text of ['one', 'two', 'three']) {
      await say(world, ana, bob, text)
      await world.pass(5 * MINUTE)
    }
    expect((await states(ana, bob)).map(([, state]) => state)).toEqual(['delivered', 'delivered', 'delivered'])
  })

  test('whoever carries is named where it is a contact', async () => {
    const { world, ana, bob, clara } = await carried()
    await introduce({ world, ana, bob }, ana, clara)
    off(bob)
    await say(world, ana, bob, 'hello')
    await world.pass()
    expect((await history(ana, bob)).map(({ state, carriedBy }) => [state, carriedBy])).toEqual([
      ['carried', [clara.id]],
    ])
  })

  test('what comes in another order is shown as missing, and then stands in its place', async () => {
    const { world, ana, bob, clara } = await carried()
    off(bob)
    await say(world, ana, bob, 'one')
    await world.pass()
    await say(world, ana, bob, 'two')
    await world.pass()
    off(ana, clara)
    const [first, second] = lettersAt(clara).map(({ bytes }) => bytes)
    await on(world, bob)
    const missing = async () => (await bob.queries?.conversation(ana.id))?.missing
    await ask(world, bob, { name: 'import-mail', envelopes: [second as Uint8Array] })
    expect([await texts(bob, ana), await missing()]).toEqual([['two'], 1])
    const told = world.told.filter(({ node, body }) => node === bob && body.t === 'gap')
    expect(told.map(({ body }) => body)).toEqual([{ t: 'gap', c: ana.id, count: 1 }])
    await ask(world, bob, { name: 'import-mail', envelopes: [first as Uint8Array] })
    expect([await texts(bob, ana), await missing()]).toEqual([['one', 'two'], 0])
    expect(world.reported).toEqual([])
  })
})

describe('the sender', () => {
  test('leaves nothing for whoever is back within seconds, nor where nothing but facts is owed', async () => {
    const { world, ana, bob } = await carried()
    off(bob)
    await say(world, ana, bob, 'soon')
    await world.pass(5000)
    await on(world, bob)
    off(bob)
    await ask(world, ana, { name: 'rename', to: 'Ana Maria' })
    await world.pass(10 * MINUTE)
    expect(world.effectsOf(ana, 'deposit')).toEqual([])
    expect(await texts(bob, ana)).toEqual(['soon'])
  })

  test('two carriers, in the order of the owner; a third after a day; a full one is passed over', async () => {
    const { world, ana, bob, clara } = await carried()
    const more: SimNode[] = []
    for (const name of ['dinu', 'elena', 'florin', 'gina']) {
      const one = await world.add(name)
      await introduce({ world, ana, bob }, bob, one)
      await carry({ world }, bob, one)
      more.push(one)
    }
    // Also after a restart, where boxes come by their names.
    bob.crash(1000)
    await world.pass()
    await ask(world, bob, { name: 'carrier', contact: (more.pop() as SimNode).id, on: false })
    await world.pass()
    const order = routeTo(ana, bob).map(({ box }) => box)
    expect(order.map(toBase32)).toEqual([clara, ...more].map((one) => boxAt(bob, one).key))
    const holders = () => [clara, ...more].filter((one) => lettersAt(one).length > 0).map(({ name }) => name)
    off(bob)
    await say(world, ana, bob, 'hello')
    await world.pass(3 * MINUTE)
    expect(
      world
        .effectsOf(ana, 'deposit')
        .map(({ box }) => toBase32(box))
        .sort(),
    ).toEqual(order.slice(0, 2).map(toBase32).sort())
    expect(holders()).toEqual(['clara', 'dinu'])
    await world.pass(COPIES_LATER_AFTER + 2 * 60 * MINUTE)
    expect(holders()).toEqual(['clara', 'dinu', 'elena'])
    expect(world.reported).toEqual([])
  })

  test('a full box is told as full: the next one has it, nobody counts it as carried there', async () => {
    const { world, ana, bob, clara } = await carried(1, { boxLetters: 0 })
    off(bob)
    await say(world, ana, bob, 'hello')
    await world.pass(3 * MINUTE)
    expect(world.effectsOf(clara, 'mail-answer').map(({ status }) => status)).toEqual(['full'])
    expect(await states(ana, bob)).toEqual([['hello', 'queued']])
    // The token is good still.
    expect(routeTo(ana, bob)[0]?.spent).toEqual([])
    await on(world, bob)
    expect(await states(ana, bob)).toEqual([['hello', 'delivered']])
  })

  test('the same bytes until somebody answers, also over a crash', async () => {
    const { world, ana, bob, clara } = await carried()
    off(bob)
    const [box] = routeTo(ana, bob)
    await say(world, ana, bob, 'hello')
    await world.pass()
    expect(lettersAt(clara)).toHaveLength(1)
    // As if the answer had been lost: it is left once more.
    const disk = ana.disk.snapshot()
    for (const { key, row } of await disk.all('mail')) {
      const [kept] = lettersAt(clara)
      const bytes = kept?.bytes ?? null
      await disk.commit([{ op: 'put', table: 'mail', key, row: { ...row, bytes, accepted: null } }])
    }
    ana.crash(1000)
    ana.disk = disk
    await world.pass(3 * MINUTE)
    expect(world.effectsOf(ana, 'deposit')).toHaveLength(2)
    const [first, second] = world.effectsOf(ana, 'deposit')
    expect(second?.envelope).toEqual(first?.envelope)
    expect(second?.box).toEqual(box?.box)
    expect(lettersAt(clara)).toHaveLength(1)
    expect(await states(ana, bob)).toEqual([['hello', 'carried']])
  })

  test('what nobody fetched within a carrier’s promise is left again; after 30 days it is not collected, and a person may send it again', async () => {
    const { world, ana, bob, clara } = await carried()
    off(bob)
    await say(world, ana, bob, 'hello')
    await world.pass(3 * MINUTE)
    const [first] = lettersAt(clara)
    await world.pass((LIFE_DAYS + 1) * DAYS)
    const [second] = lettersAt(clara)
    expect(second?.id).not.toEqual(first?.id)
    expect(await states(ana, bob)).toEqual([['hello', 'carried']])
    await world.pass(MAIL_GIVEN_UP)
    expect(await states(ana, bob)).toEqual([['hello', 'failed']])
    expect((await history(ana, bob))[0]?.reason).toBe('not-collected')
    expect(await ask(world, ana, { name: 'send-again', contact: bob.id, counter: 1 })).toBeNull()
    await world.pass(3 * MINUTE)
    expect(await states(ana, bob)).toEqual([['hello', 'carried']])
    await on(world, bob)
    expect(await states(ana, bob)).toEqual([['hello', 'delivered']])
    expect(await texts(bob, ana)).toEqual(['hello'])
  })

  test('a clock that is ten years ahead, or behind, ends and fails nothing', async () => {
    const { world, ana, bob, clara } = await carried()
    off(bob)
    await say(world, ana, bob, 'hello')
    await world.pass(3 * MINUTE)
    for (const years of [10, -10, 0]) {
      ana.skew = clara.skew = years * 365 * DAYS
      for (const node of [ana, clara]) node.take({ type: 'timer' })
      await world.pass(5 * MINUTE)
      expect((await states(ana, bob))[0]?.[1]).not.toBe('failed')
      expect(lettersAt(clara).length).toBeGreaterThan(0)
    }
    await on(world, bob)
    expect(await texts(bob, ana)).toEqual(['hello'])
    expect(await states(ana, bob)).toEqual([['hello', 'delivered']])
  })
})

describe('the owner', () => {
  test('takes a carrier back: no more is left there, and what lies there is fetched', async () => {
    const { world, ana, bob, clara } = await carried()
    world.split(bob, clara, 10 * MINUTE)
    world.split(bob, ana, 10 * MINUTE)
    await say(world, ana, bob, 'before')
    await world.pass(3 * MINUTE)
    expect(lettersAt(clara)).toHaveLength(1)
    await ask(world, bob, { name: 'carrier', contact: clara.id, on: false })
    await world.pass(12 * MINUTE)
    expect(await texts(bob, ana)).toEqual(['before'])
    expect(lettersAt(clara)).toHaveLength(0)
    expect(routeTo(ana, bob)).toEqual([])
    off(bob)
    await say(world, ana, bob, 'after')
    await world.pass(3 * MINUTE)
    expect(await states(ana, bob)).toEqual([
      ['before', 'delivered'],
      ['after', 'queued'],
    ])
  })

  test('gives out fresh tokens as they are spent; the carrier learns a fixed number of hashes', async () => {
    const { world, ana, bob, clara } = await carried()
    const { tokens } = world.limits
    world.dialMost = 8000
    for (let round = 0; round < 20; round++) {
      world.split(ana, bob, 2 * MINUTE)
      await say(world, ana, bob, `round ${round}`)
      await world.pass(4 * MINUTE)
    }
    expect(await texts(bob, ana)).toHaveLength(20)
    expect(world.effectsOf(ana, 'deposit').length).toBeGreaterThan(15)
    const { row, key } = boxAt(bob, clara)
    expect(row.next - 1).toBeGreaterThan(tokens)
    const hashes = clara.disk.everything().filter((one) => one.table === 'token' && one.key.startsWith(key))
    expect(hashes.length).toBe(tokens)
    expect(world.reported).toEqual([])
  })

  test('a letter spends its token and those given before it, and none that was given after it', async () => {
    const { world, ana, bob, clara } = await carried(1, { tokens: 40, tokensEach: 6 })
    world.split(ana, bob, 100 * DAYS)
    await world.pass()
    const given = (): readonly number[] => [...(bob.engine?.resident.maps.given.values() ?? [])][0]?.tokens ?? []
    const write = async (text: string): Promise<void> => {
      await say(world, ana, bob, text)
      await world.pass(2 * MINUTE)
    }
    // They are given by lot: sooner or later a later one has a lower number.
    const isLower = (): boolean => Math.min(...given()) < (given()[0] ?? 0) && given().length > 3
    for (let n = 0; n < 40 && !isLower(); n++) await write(`${n}`)
    expect(isLower()).toBe(true)
    const [next = 0, ...later] = given()
    await write('one more')
    expect(given().slice(0, later.length)).toEqual(later)
    const { good } = boxAt(bob, clara).row
    expect(later.every((index) => has(good, index))).toBe(true)
    expect([has(good, next), given().includes(next)]).toEqual([false, false])
  })

  test('whoever is blocked has no good token any more', async () => {
    const { world, ana, bob, clara } = await carried()
    await ask(world, bob, { name: 'block', contact: ana.id })
    await world.pass(2 * MINUTE)
    off(bob)
    await say(world, ana, bob, 'listen')
    await world.pass(3 * MINUTE)
    expect(lettersAt(clara)).toEqual([])
    expect(await states(ana, bob)).toEqual([['listen', 'queued']])
  })

  test('a carrier that does not carry, or is full, says so; it is asked again', async () => {
    const { world, bob, clara } = await carried(1, { carry: true })
    const dinu = await world.add('dinu')
    await introduce({ world, ana: bob, bob: dinu }, bob, dinu)
    world.limits = { ...world.limits, carry: false }
    dinu.crash(1000)
    await world.pass()
    await ask(world, bob, { name: 'carrier', contact: dinu.id, on: true })
    await world.pass()
    expect(boxAt(bob, dinu).row.state).toBe('off')
    world.limits = { ...world.limits, carry: true }
    dinu.crash(1000)
    await world.pass(7 * 60 * MINUTE)
    expect(boxAt(bob, dinu).row.state).toBe('kept')
    expect(boxAt(bob, clara).row.state).toBe('kept')
  })
})

describe('an invite', () => {
  test('accepted while its maker is away is finished through a carrier: first words, name and all', async () => {
    const world = new Overheard(3)
    const [ana, clara, dan] = [await world.add('ana'), await world.add('clara'), await world.add('dan')]
    await introduce({ world, ana, bob: clara }, ana, clara)
    await carry({ world }, ana, clara)
    const link = await invite(world, ana)
    await world.pass()
    off(ana)
    await ask(world, dan, { name: 'add-contact', link, givenName: null })
    await say(world, dan, ana, 'it is me')
    await world.pass(5 * MINUTE)
    expect(lettersAt(clara).length).toBeGreaterThan(0)
    expect(await states(dan, ana)).toEqual([['it is me', 'carried']])
    off(dan)
    await on(world, ana)
    expect(stateOf(ana, dan)).toBe('active')
    expect(await texts(ana, dan)).toEqual(['it is me'])
    await on(world, dan)
    expect(stateOf(dan, ana)).toBe('active')
    expect(await states(dan, ana)).toEqual([['it is me', 'delivered']])
    expect(world.reported).toEqual([])
  })

  test('in a file, and its answer in another: no network at all', async () => {
    const world = new Overheard(4)
    const [ana, dan] = [await world.add('ana'), await world.add('dan')]
    world.split(ana, dan, 1000 * DAYS)
    world.board.isThere = false
    const made = await ask(world, ana, { name: 'create-invite', uses: 1, expiresAt: ana.now() + DAYS, file: true })
    const { file } = made as { file: string }
    await ask(world, dan, { name: 'add-contact', link: file, givenName: null })
    await say(world, dan, ana, 'it is me')
    const there = await exported(world, dan)
    expect(await ask(world, ana, { name: 'import-mail', envelopes: there })).toEqual({ delivered: 1, kept: 0 })
    expect(stateOf(ana, dan)).toBe('active')
    expect(await texts(ana, dan)).toEqual(['it is me'])
    await say(world, ana, dan, 'welcome')
    const back = await exported(world, ana)
    expect(await ask(world, dan, { name: 'import-mail', envelopes: back })).toEqual({ delivered: 1, kept: 0 })
    expect(stateOf(dan, ana)).toBe('active')
    expect(await texts(dan, ana)).toEqual(['it is me', 'welcome'])
    expect(await states(dan, ana)).toEqual([['it is me', 'delivered']])
    expect(world.reported).toEqual([])
  })
})

describe('by hand', () => {
  test('to whom it is for, once; to a carrier, who keeps it; to others, nothing', async () => {
    const { world, ana, bob, clara } = await carried()
    const dan = await world.add('dan')
    off(bob)
    world.split(ana, clara, 1000 * DAYS)
    world.board.isThere = false
    await world.pass(5000)
    await say(world, ana, bob, 'in a bottle')
    const envelopes = await exported(world, ana)
    expect(envelopes).toHaveLength(1)
    expect(await ask(world, dan, { name: 'import-mail', envelopes })).toEqual({ delivered: 0, kept: 0 })
    expect(await ask(world, clara, { name: 'import-mail', envelopes })).toEqual({ delivered: 0, kept: 1 })
    expect(await ask(world, clara, { name: 'import-mail', envelopes })).toEqual({ delivered: 0, kept: 0 })
    off(ana)
    await on(world, bob)
    expect(await texts(bob, ana)).toEqual(['in a bottle'])
    expect(await ask(world, bob, { name: 'import-mail', envelopes })).toEqual({ delivered: 0, kept: 0 })
    expect(world.reported).toEqual([])
  })

  test('in portions; damaged envelopes are nothing, and the rest is taken', async () => {
    const { world, ana, bob, clara } = await carried()
    off(bob, clara)
    await world.pass(5000)
    for (let n = 0; n < 30; n++) await say(world, ana, bob, `${n} ${'x'.repeat(10_000)}`)
    const envelopes = await exported(world, ana)
    expect(envelopes.length).toBeGreaterThan(3)
    off(ana)
    await on(world, bob)
    const damaged = envelopes.map((one, at) => (at === 1 ? one.map((byte, n) => (n === 900 ? byte ^ 1 : byte)) : one))
    const taken = (await ask(world, bob, { name: 'import-mail', envelopes: damaged })) as { delivered: number }
    expect(taken.delivered).toBe(envelopes.length - 1)
    const have = await texts(bob, ana)
    expect(have.length).toBeLessThan(30)
    const missing = (await bob.queries?.conversation(ana.id))?.missing ?? 0
    expect(missing).toBe(30 - have.length)
    await ask(world, bob, { name: 'import-mail', envelopes })
    expect((await texts(bob, ana)).map((text) => Number(text.split(' ')[0]))).toEqual([...Array(30).keys()])
    expect((await bob.queries?.conversation(ana.id))?.missing).toBe(0)
  })
})

async function exported(world: Overheard, node: Parameters<typeof ask>[1]): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = []
  for (let after: number | null = 0; after !== null; ) {
    const portion = (await ask(world, node, { name: 'export-mail', contact: null, after })) as {
      envelopes: readonly Uint8Array[]
      after: number | null
    }
    all.push(...portion.envelopes)
    after = portion.after
  }
  return all
}
