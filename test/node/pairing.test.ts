/**
 * Nearby pairing between whole nodes: whatever order, whatever goes wrong, both are contacts or nothing is stored.
 */
import { describe, expect, test } from 'vitest'
import type { AnyEvent, Contact } from '../../src/node/api.ts'
import type { Channel, MakeNet } from '../../src/node/net/net.ts'
import { type Around, lowerFirst, Street, type Whole } from './whole.ts'

const LONG = 60

/** Faults on the channels of one side. */
interface Wire {
  /** Before it opens one. */
  opening?: () => Promise<void>
  /** When one of the other side's has come. */
  arrived?: () => void
  /** What becomes of the `nth` message (from 1) that it says on a channel; `undefined`: it is not said. */
  saying?: (message: Uint8Array, nth: number) => Uint8Array | undefined
  /** When the `nth` message has come on a channel, before it is told. */
  heard?: (nth: number) => Promise<void>
}

const over =
  (wire: Wire) =>
  (make: MakeNet): MakeNet =>
  async (config, acquaintances, emit) => {
    const net = await make(config, acquaintances, emit)
    return {
      start: () => net.start(),
      stop: () => net.stop(),
      perform: (effect) => net.perform(effect),
      addresses: () => net.addresses(),
      lanPeers: () => net.lanPeers(),
      dht: () => net.dht(),
      reach: () => net.reach(),
      relays: () => net.relays(),
      pairing: {
        setVisible: (name) => net.pairing.setVisible(name),
        look: () => net.pairing.look(),
        open: async (peer, signal) => {
          await wire.opening?.()
          return faulty(await net.pairing.open(peer, signal), wire)
        },
        onChannel: (listener) =>
          net.pairing.onChannel((peer, channel) => {
            listener(peer, faulty(channel, wire))
            wire.arrived?.()
          }),
      },
    }
  }

function faulty(channel: Channel, wire: Wire): Channel {
  let [said, heard] = [0, 0]
  return {
    ends: channel.ends,
    ended: channel.ended,
    send(message) {
      const told = wire.saying === undefined ? message : wire.saying(message, ++said)
      if (told !== undefined) channel.send(told)
    },
    async receive(signal) {
      const message = await channel.receive(signal)
      await wire.heard?.(++heard)
      return message
    },
    close: () => channel.close(),
  }
}

interface Side {
  readonly one: Whole
  readonly wire: Wire
}

/** Two strangers on one street: `a` begins, `b` answers. */
async function strangers(around: Around = {}): Promise<{ street: Street; a: Side; b: Side }> {
  const street = new Street()
  const side = async (name: string): Promise<Side> => {
    const wire: Wire = {}
    return { one: await street.node(name, { ...around, net: over(wire) }), wire }
  }
  const [ana, bob] = [await side('Ana'), await side('Bob')]
  const [first] = lowerFirst(ana.one, bob.one)
  return first === ana.one ? { street, a: ana, b: bob } : { street, a: bob, b: ana }
}

const pair = async (me: Whole, other: Whole, timeoutSeconds = LONG): Promise<string> =>
  (await me.node.pair({ peer: other.peer, timeoutSeconds })).code
const confirm = (me: Whole, other: Whole, timeoutSeconds = LONG, byPerson = true): Promise<Contact> =>
  me.node.confirmPairing({ peer: other.peer, byPerson, timeoutSeconds })
const cancel = (me: Whole, other: Whole): Promise<void> => me.node.cancelPairing({ peer: other.peer })

/** Forgets what was told, and resolves when the other side wants `me`. */
function wanted(me: Whole, other: Whole): Promise<unknown> {
  me.events.length = 0
  return me.event('pairing', ({ step, peer }) => step === 'wanted' && peer === other.peer)
}

/** Resolves when the other side, which wanted `me`, has withdrawn that. */
const withdrawn = (me: Whole, other: Whole): Promise<unknown> =>
  me.event('pairing', ({ step, peer }) => step === 'failed' && peer === other.peer)

/** `first` asks first. Both have digits then. */
async function compare(first: Whole, second: Whole): Promise<[string, string]> {
  const asked = wanted(second, first)
  const mine = pair(first, second)
  await asked
  return Promise.all([mine, pair(second, first)])
}

/** From strangers (or what is left of them) to contacts. */
async function befriend(first: Whole, second: Whole): Promise<void> {
  const [mine, theirs] = await compare(first, second)
  expect(mine).toMatch(/^\d{6}$/)
  expect(theirs).toBe(mine)
  await bothConfirm(first, second)
}

async function bothConfirm(one: Whole, other: Whole): Promise<void> {
  const [theirs, mine] = await Promise.all([confirm(one, other), confirm(other, one, LONG, false)])
  expect(theirs).toMatchObject({ name: other.name, state: 'active', verified: true })
  expect(mine, 'no person looked').toMatchObject({ name: one.name, state: 'active', verified: false })
  expect(await one.node.contacts()).toHaveLength(1)
  expect(await other.node.contacts()).toHaveLength(1)
  const sent = await one.node.send({ to: theirs.id, text: 'hello' })
  await other.event('message', ({ message }) => message.id === sent.id)
}

const nothingStored = async (...all: readonly Whole[]): Promise<void> => {
  for (const one of all) expect(await one.node.contacts()).toEqual([])
}

const failed = (code: string, message = /./): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

const isFailure = (event: AnyEvent): boolean => event.type === 'pairing' && event.step === 'failed'

describe('two who want each other become contacts', () => {
  test('if the one that begins asks first', async () => {
    const { a, b } = await strangers()
    await befriend(a.one, b.one)
  })

  test('if the one that answers asks first', async () => {
    const { a, b } = await strangers()
    await befriend(b.one, a.one)
  })

  test('if both ask, and the channel of the one that begins comes while the other opens its own', async () => {
    const { a, b } = await strangers()
    const came = Promise.withResolvers<void>()
    b.wire.arrived = came.resolve
    b.wire.opening = () => came.promise
    const [mine, theirs] = await Promise.all([pair(b.one, a.one, 10), pair(a.one, b.one, 10)])
    expect(mine).toBe(theirs)
    await bothConfirm(a.one, b.one)
    expect([...a.one.events, ...b.one.events].filter(isFailure), 'no window is told of a failure').toEqual([])
  })

  test('if both ask, and the channel of the one that answers comes while the other opens its own', async () => {
    const { a, b } = await strangers()
    const came = Promise.withResolvers<void>()
    a.wire.arrived = came.resolve
    a.wire.opening = () => came.promise
    const [mine, theirs] = await Promise.all([pair(b.one, a.one, 10), pair(a.one, b.one, 10)])
    expect(mine).toBe(theirs)
    await bothConfirm(a.one, b.one)
    expect([...a.one.events, ...b.one.events].filter(isFailure), 'no window is told of a failure').toEqual([])
  })

  test('if each of them pairs with a third at the same time', async () => {
    const street = new Street()
    const ana = await street.node('Ana')
    const bob = await street.node('Bob')
    const eve = await street.node('Eve')
    const pairs = [
      [ana, bob],
      [bob, eve],
      [eve, ana],
    ] as const
    const shown = await Promise.all(pairs.map(([one, other]) => meet(one, other)))
    expect(new Set(shown.flat()).size, 'three exchanges, three numbers').toBe(3)
    await Promise.all(pairs.flatMap(([one, other]) => [confirm(one, other), confirm(other, one)]))
    for (const one of [ana, bob, eve])
      expect(await one.node.contacts()).toMatchObject([{ state: 'active' }, { state: 'active' }])
  })

  test('if one asks once more while it waits: the first wish ends, the second goes on', async () => {
    const { a, b } = await strangers()
    for (const [one, other] of [
      [a.one, b.one],
      [b.one, a.one],
    ] as const) {
      const asked = wanted(other, one)
      const first = expect(pair(one, other)).rejects.toEqual(failed('timeout'))
      await asked
      const again = wanted(other, one)
      const second = pair(one, other)
      await first
      await again
      expect(await pair(other, one)).toBe(await second)
      await cancel(one, other)
      await cancel(other, one)
    }
  })
})

/** Both at once, in no order. */
const meet = (one: Whole, other: Whole): Promise<string[]> => Promise.all([pair(one, other), pair(other, one)])

describe('nothing is stored', () => {
  test.each(['begins', 'answers'])(
    'where the one that %s asks and is not answered in time, and no try is used up',
    async (who) => {
      const { a, b } = await strangers()
      const [one, other] = who === 'begins' ? [a.one, b.one] : [b.one, a.one]
      await expect(pair(one, other, 1)).rejects.toEqual(failed('timeout', /did not answer in time/))
      // On a busy machine a second may be over before the other side hears anything.
      if (other.events.some(({ type }) => type === 'pairing')) await withdrawn(other, one)
      await nothingStored(a.one, b.one)
      await befriend(other, one)
    },
  )

  test.each(['begins', 'answers'])(
    'where the one that %s takes back its wish: the other is told, and no try is used up',
    async (who) => {
      const { a, b } = await strangers()
      const [one, other] = who === 'begins' ? [a.one, b.one] : [b.one, a.one]
      // More often than exchanges may fail.
      for (let tries = 0; tries < 4; tries++) {
        const asked = wanted(other, one)
        const wish = expect(pair(one, other)).rejects.toEqual(failed('timeout'))
        await asked
        const told = withdrawn(other, one)
        await cancel(one, other)
        await wish
        await told
      }
      await nothingStored(a.one, b.one)
      // Nobody is asked any more: this is a fresh wish.
      const late = wanted(one, other)
      const mine = pair(other, one)
      await late
      expect(await pair(one, other)).toBe(await mine)
      await bothConfirm(one, other)
    },
  )

  test('where the one that would answer declines: the other is told at once', async () => {
    const { a, b } = await strangers()
    const asked = wanted(b.one, a.one)
    const wish = expect(pair(a.one, b.one)).rejects.toEqual(failed('pairing-failed', /ended the pairing/))
    await asked
    await cancel(b.one, a.one)
    await wish
    await befriend(a.one, b.one)
  })

  test.each(['begins', 'answers'])('where the person of the one that %s says that the digits differ', async (who) => {
    const { a, b } = await strangers()
    const [one, other] = who === 'begins' ? [a.one, b.one] : [b.one, a.one]
    await compare(a.one, b.one)
    await cancel(one, other)
    await one.event('pairing', ({ step }) => step === 'failed')
    await expect(confirm(one, other)).rejects.toEqual(failed('peer-unknown', /pair first/))
    await expect(confirm(other, one)).rejects.toEqual(failed('pairing-failed', /ended the pairing/))
    await other.event('pairing', ({ step }) => step === 'failed')
    await nothingStored(a.one, b.one)
    await befriend(one, other)
  })

  test.each(['begins', 'answers'])('where the one that %s confirmed, and then takes it back', async (who) => {
    const { a, b } = await strangers()
    const [one, other] = who === 'begins' ? [a, b] : [b, a]
    await compare(a.one, b.one)
    const said = new Promise<void>((resolve) => {
      one.wire.saying = (message) => {
        resolve()
        return message
      }
    })
    const mine = expect(confirm(one.one, other.one)).rejects.toEqual(failed('timeout'))
    await said
    await cancel(one.one, other.one)
    await mine
    await expect(confirm(other.one, one.one)).rejects.toEqual(failed('pairing-failed'))
    await nothingStored(a.one, b.one)
  })

  test('where the other person never says that the digits are equal', async () => {
    const { a, b } = await strangers()
    await compare(a.one, b.one)
    await expect(confirm(a.one, b.one, 1)).rejects.toEqual(failed('timeout'))
    await expect(confirm(b.one, a.one)).rejects.toEqual(failed('pairing-failed'))
    await nothingStored(a.one, b.one)
  })

  test('after three exchanges that failed, for an hour', async () => {
    let later = 0
    const { a, b } = await strangers({ platform: { now: () => Date.now() + later } })
    for (let tries = 0; tries < 3; tries++) {
      await compare(a.one, b.one)
      await cancel(a.one, b.one)
      await expect(confirm(b.one, a.one)).rejects.toEqual(failed('pairing-failed', /ended/))
    }
    const refused = failed('pairing-failed', /three times within an hour/)
    await expect(pair(a.one, b.one)).rejects.toEqual(refused)
    await expect(pair(b.one, a.one)).rejects.toEqual(refused)
    later = 3_600_000
    await befriend(a.one, b.one)
  })

  test('with a peer that is not there, or is the node itself', async () => {
    const { a } = await strangers()
    await expect(pair(a.one, a.one)).rejects.toEqual(failed('peer-unknown'))
    await expect(a.one.node.pair({ peer: 'nobody', timeoutSeconds: 1 })).rejects.toEqual(failed('peer-unknown'))
    await expect(a.one.node.confirmPairing({ peer: 'nobody', byPerson: true, timeoutSeconds: 1 })).rejects.toEqual(
      failed('peer-unknown'),
    )
    await a.one.node.cancelPairing({ peer: 'nobody' })
  })
})

describe('somebody in the middle', () => {
  const flipped = (message: Uint8Array, at: number): Uint8Array => message.with(at, (message[at] ?? 0) ^ 1)

  test('who changes what the one that answers offers makes the digits differ; confirming all the same stores nothing', async () => {
    const { a, b } = await strangers()
    // In the nonce, behind the heads of the list and of the bytes.
    b.wire.saying = (message, nth) => (nth === 1 ? flipped(message, 8) : message)
    const [mine, theirs] = await compare(a.one, b.one)
    expect(mine).not.toBe(theirs)
    const both = await Promise.allSettled([confirm(a.one, b.one), confirm(b.one, a.one)])
    for (const side of both) expect(side).toEqual({ status: 'rejected', reason: failed('pairing-failed') })
    await nothingStored(a.one, b.one)
  })

  test('who changes what the one that begins offers is found out before any digits', async () => {
    const { a, b } = await strangers()
    a.wire.saying = (message, nth) => (nth === 2 ? flipped(message, 8) : message)
    const asked = wanted(b.one, a.one)
    const mine = pair(a.one, b.one)
    await asked
    await expect(pair(b.one, a.one)).rejects.toEqual(failed('pairing-failed', /interfered/))
    await mine
    await expect(confirm(a.one, b.one)).rejects.toEqual(failed('pairing-failed'))
    await nothingStored(a.one, b.one)
  })

  test.each(['begins', 'answers'] as const)('who changes the card of the one that %s is found out', async (who) => {
    const { a, b } = await strangers()
    const [one, nth] = who === 'begins' ? [a, 3] : [b, 2]
    one.wire.saying = (message, n) => (n === nth ? flipped(message, 99) : message)
    await compare(a.one, b.one)
    const both = await Promise.allSettled([confirm(a.one, b.one), confirm(b.one, a.one)])
    for (const side of both) expect(side).toEqual({ status: 'rejected', reason: failed('pairing-failed') })
    await nothingStored(a.one, b.one)
  })
})

describe('the other side vanishes', () => {
  /** `heard`: has gone when that message came, instead of when it would say one. */
  const stages = [
    { who: 'a', says: 2, when: 'before it opens its offer' },
    { who: 'b', says: 1, when: 'before it answers' },
    { who: 'a', says: 3, when: 'before it says that the digits are equal' },
    { who: 'b', says: 2, when: 'before it says that the digits are equal' },
    { who: 'b', says: 3, when: 'having stored, before it says so' },
    { who: 'a', hears: 3, when: 'on hearing that the other has stored' },
  ] as const

  test.each(stages)('$who $when: nothing is stored, and together again they pair', async (stage) => {
    const { a, b } = await strangers()
    const [gone, left] = stage.who === 'a' ? [a, b] : [b, a]
    let vanishing: Promise<void> | undefined
    const vanish = (): Promise<void> => (vanishing ??= gone.one.stop())
    if ('says' in stage) gone.wire.saying = (message, nth) => (nth === stage.says ? void vanish() : message)
    else gone.wire.heard = async (nth) => (nth === stage.hears ? vanish() : undefined)

    const whole = async (me: Whole, other: Whole): Promise<Contact> => {
      const peer = other.peer
      await me.node.pair({ peer, timeoutSeconds: LONG })
      return me.node.confirmPairing({ peer, byPerson: true, timeoutSeconds: LONG })
    }
    const asked = wanted(b.one, a.one)
    const ofA = whole(a.one, b.one)
    ofA.catch(() => undefined)
    await asked
    const ofB = whole(b.one, a.one)
    ofB.catch(() => undefined)
    const [atGone, atLeft] = stage.who === 'a' ? [ofA, ofB] : [ofB, ofA]
    await expect(atLeft).rejects.toEqual(failed('pairing-failed'))
    await expect(atGone).rejects.toThrow()
    await vanishing
    await nothingStored(left.one)
    delete gone.wire.saying
    delete gone.wire.heard
    await gone.one.start()
    await nothingStored(gone.one)
    await befriend(gone.one, left.one)
  })

  test('a having stored: once it is back, they are contacts without another word', async () => {
    const { a, b } = await strangers()
    await compare(a.one, b.one)
    const ofA = confirm(a.one, b.one).catch(() => undefined)
    const ofB = confirm(b.one, a.one).catch(() => undefined)
    await a.one.event('contact')
    await a.one.stop()
    await ofA
    await a.one.start()
    for (const one of [a.one, b.one]) await one.event('contact', ({ contact }) => contact.state === 'active')
    await ofB
    const [theirs] = await a.one.node.contacts()
    const sent = await a.one.node.send({ to: theirs!.id, text: 'hello' })
    await b.one.event('message', ({ message }) => message.id === sent.id)
  })
})
