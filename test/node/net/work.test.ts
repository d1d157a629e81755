/**
 * What others may make a node work, with real connections and a clock that stands still until the test moves it.
 */
import type { Stream } from '@libp2p/interface'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as elapsed } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { ENVELOPE, PAIR } from '../../../src/node/net/protocols.ts'
import { concat, equal } from '../../../src/protocol/index.ts'
import { dialAsContact, ended, envelopeStream, frameMessage, hostile, message, pour } from './hostile.ts'
import { DEADLINE_MS, friends, machineWith, online, random } from './world.ts'

const PONG = 5

const init = (): Uint8Array => random(200).fill(1, 0, 1)

/** Three frames, each of whose bytes travels alone. */
async function singleBytes(stream: Stream): Promise<void> {
  for (let i = 0; i < 3; i++)
    for (const byte of frameMessage(random(200).fill(2, 0, 1)))
      if (!stream.send(Uint8Array.of(byte))) await stream.onDrain()
}

function standing() {
  const clock = { now: Date.now() }
  return { clock, machine: machineWith({ now: () => clock.now }) }
}

const framesOf = (a: Awaited<ReturnType<typeof online>>): number =>
  a.heard.of('frames').reduce((sum, { frames }) => sum + frames.length, 0)

test('so many unknown connections of one prefix, and the next is closed before any handshake; a contact is not counted', async () => {
  const { alice, bob } = friends()
  const a = await online(alice, { limits: { unknownOfPrefix: 3 } })
  const mallory = await hostile()
  const contact = await dialAsContact(await hostile(), bob, a.address)
  const first = await mallory.dialAsStranger(a.address)
  for (let i = 0; i < 2; i++) await mallory.dial(a.address)
  await expect(mallory.dial(a.address)).rejects.toThrow()
  await expect(dialAsContact(await hostile(), bob, a.address)).rejects.toThrow()
  expect([first.status, contact.status]).toEqual(['open', 'open'])
  // Who goes makes room.
  await first.close()
  await expect
    .poll(
      () =>
        mallory.dial(a.address).then(
          () => true,
          () => false,
        ),
      { timeout: DEADLINE_MS },
    )
    .toBe(true)
  expect(a.heard.of('disconnected')).toEqual([])
})

test('those of a full prefix, and those that come too fast, are ended before there is a socket for them', async () => {
  const { alice } = friends()
  const { clock, machine } = standing()
  const a = await online(alice, { machine, limits: { unknownOfPrefix: 2, inboundPerSecond: 3 } })
  const mallory = await hostile()
  let sockets = 0
  const made = (): unknown => sockets++
  subscribe('net.server.socket', made)
  onTestFinished(() => void unsubscribe('net.server.socket', made))
  const held = [await mallory.dial(a.address), await mallory.dial(a.address)]
  await expect(mallory.dial(a.address)).rejects.toThrow()
  expect(sockets).toBe(2)
  // There is room again, but a fourth within the second is too fast.
  for (const connection of held) await connection.close()
  const isIn = (): Promise<boolean> =>
    mallory.dial(a.address).then(
      (connection) => connection.close().then(() => true),
      () => false,
    )
  await expect.poll(isIn, { timeout: DEADLINE_MS }).toBe(true)
  expect(await isIn()).toBe(false)
  expect(sockets).toBe(3)
  const isInLater = (): Promise<boolean> => {
    clock.now += 1000
    return isIn()
  }
  // Libp2p has a second of its own, by the real clock.
  await expect.poll(isInLater, { timeout: DEADLINE_MS, interval: 300 }).toBe(true)
})

test('what one connection brought is taken in pieces once its account is low, with everybody else between them, and nothing of it is lost', async () => {
  const { alice, bob } = friends()
  const turns: (() => void)[] = []
  const nextTurn = (run: () => void): (() => void) => {
    turns.push(run)
    return () => turns.splice(turns.indexOf(run), 1)
  }
  const { now } = standing().machine
  const a = await online(alice, { machine: machineWith({ nextTurn, now }), limits: { workOfContact: 2000 } })
  const connection = await dialAsContact(await hostile(), bob, a.address)
  const stream = await envelopeStream(connection)
  const other = await envelopeStream(await (await hostile()).dialAsStranger(a.address))
  // 1000 units gathered, one for each frame and a little for its bytes: it is low after 500, and black to the end.
  const sent = Array.from({ length: 800 }, () => random(200).fill(2, 0, 1))
  await pour(stream, sent.map(frameMessage))
  await expect.poll(() => turns.length, { timeout: DEADLINE_MS }).toBe(1)
  expect(framesOf(a)).toBeLessThan(sent.length * 0.9)
  // Others are read before the next piece is.
  const before = framesOf(a)
  other.send(frameMessage(init()))
  await a.heard.frames(before + 1)
  const inATurn: number[] = []
  const afterATurn = async (): Promise<number> => {
    const taken = framesOf(a)
    turns.shift()?.()
    await elapsed(0)
    inATurn.push(framesOf(a) - taken)
    return framesOf(a)
  }
  await expect.poll(afterATurn, { timeout: DEADLINE_MS, interval: 1 }).toBe(sent.length + 1)
  // What Noise has encrypted as one comes out as one.
  expect(Math.max(...inATurn)).toBeLessThanOrEqual(65_535 / 256)
})

test('many pings at once are answered once', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const raw = await hostile()
  let pongs = 0
  raw.onEnvelope = (data) => {
    pongs += data.filter((byte) => byte === PONG).length
  }
  const stream = await envelopeStream(await dialAsContact(raw, bob, a.address))
  const ping = message(4, new Uint8Array())
  stream.send(concat(...Array.from({ length: 200 }, () => ping)))
  await expect.poll(() => pongs, { timeout: DEADLINE_MS }).toBe(1)
  stream.send(ping)
  await expect.poll(() => pongs, { timeout: DEADLINE_MS }).toBe(2)
})

test('frames that nothing opens are charged by what they weigh', async () => {
  const { alice, bob } = friends()
  const { clock, machine } = standing()
  const a = await online(alice, { machine, limits: { workOfContact: 400 } })
  const stream = await envelopeStream(await dialAsContact(await hostile(), bob, a.address))
  const id = random(16)
  const [connection] = a.heard.of('connected')
  const once = async (length: number): Promise<void> => {
    const before = framesOf(a)
    stream.send(frameMessage(random(length).fill(2, 0, 1)))
    await a.heard.frames(before + 1)
    a.net.perform({ type: 'no-session', connection: connection?.connection ?? 0, ids: [id] })
  }
  await once(200)
  // 20 and 2 units of 200: more is taken. 20 and 240 for the next: no more, until they are paid.
  await once(60_000)
  const before = framesOf(a)
  stream.send(frameMessage(random(200).fill(2, 0, 1)))
  const other = await (await hostile()).dialAsStranger(a.address)
  for (let i = 0; i < 5; i++) await ended(await refusedPairing(other))
  expect(framesOf(a)).toBe(before)
  clock.now += 1000
  await a.heard.frames(before + 1)
})

test('a stranger in the red is not read, and loses nothing; a contact at the same address is read meanwhile', async () => {
  const { alice, bob } = friends()
  const { clock, machine } = standing()
  const a = await online(alice, { machine, limits: { workOfPrefix: 400 } })
  const contact = await envelopeStream(await dialAsContact(await hostile(), bob, a.address))
  const stranger = await envelopeStream(await (await hostile()).dialAsStranger(a.address))
  const sent = Array.from({ length: 60 }, init)
  const strangers = (): readonly Uint8Array[] =>
    a.heard.of('frames').flatMap(({ contact: of, frames }) => (of === null ? frames : []))
  // What comes before a stream is read lies in its window, and is read at once.
  stranger.send(frameMessage(sent[0] ?? init()))
  await expect.poll(() => strangers().length, { timeout: DEADLINE_MS }).toBe(1)
  const poured = pour(stranger, sent.slice(1).map(frameMessage))
  await expect.poll(() => strangers().length, { timeout: DEADLINE_MS }).toBeGreaterThan(1)
  // The contact's frames go through while nothing more of the stranger's does.
  for (let i = 1; i <= 20; i++) {
    const before = framesOf(a)
    contact.send(frameMessage(random(200).fill(2, 0, 1)))
    await a.heard.frames(before + 1)
  }
  // 1200 units gathered: two connections of 100, a few dozens for streams and frames, 100 for each INIT.
  expect(strangers().length).toBeLessThanOrEqual(10 + PIECE)
  while (strangers().length < sent.length) {
    const before = strangers().length
    const passed = await untilRead(clock, () => strangers().length > before)
    // A second brings as much as four INITs.
    expect(strangers().length - before).toBeLessThanOrEqual(4 * passed + PIECE)
  }
  expect(strangers()).toEqual(sent)
  await poured
})

/** INITs of 200 bytes that fit, with what is around them, in what is read between two looks at the account. */
const PIECE = 16

/** Lets seconds pass until something was read. Returns how many did. */
async function untilRead(clock: { now: number }, wasRead: () => boolean): Promise<number> {
  let seconds = 0
  await expect
    .poll(
      () => {
        if (wasRead()) return true
        clock.now += 1000
        seconds++
        return false
      },
      { timeout: DEADLINE_MS, interval: 100 },
    )
    .toBe(true)
  return seconds
}

test('a prefix in the red makes no new connection, until it is in the black again', async () => {
  const { alice } = friends()
  const { clock, machine } = standing()
  // 180 units gathered: one connection and its hello, and the second brings it into the red.
  const a = await online(alice, { machine, limits: { workOfPrefix: 60 } })
  const mallory = await hostile()
  await mallory.dialAsStranger(a.address)
  await expect
    .poll(
      () =>
        mallory.dial(a.address).then(
          () => 'in',
          () => 'refused',
        ),
      { timeout: DEADLINE_MS },
    )
    .toBe('refused')
  clock.now += 60_000
  await mallory.dialAsStranger(a.address)
})

test.for<[string, (stream: Stream) => Promise<void>]>([
  ['single bytes', singleBytes],
  [
    'pings',
    (stream) =>
      pour(
        stream,
        Array.from({ length: 3000 }, () => message(4, new Uint8Array())),
      ),
  ],
  [
    'ids that nobody waits for',
    (stream) =>
      pour(
        stream,
        Array.from({ length: 30 }, () => message(2, random(16 * 1024))),
      ),
  ],
])('a contact that sends %s goes into the red, and is read again later', async ([, attack]) => {
  const { alice, bob } = friends()
  const { clock, machine } = standing()
  const a = await online(alice, { machine, limits: { workOfContact: 600 } })
  const stream = await envelopeStream(await dialAsContact(await hostile(), bob, a.address))
  const last = random(200).fill(2, 0, 1)
  const poured = attack(stream).then(() => stream.send(frameMessage(last)))
  const hasCome = (): boolean => a.heard.of('frames').some(({ frames }) => frames.some((one) => equal(one, last)))
  // Somebody else has their turn, several times; what comes last still waits.
  const other = await (await hostile()).dialAsStranger(a.address)
  for (let i = 0; i < 20; i++) await ended(await refusedPairing(other))
  expect(hasCome()).toBe(false)
  await expect
    .poll(
      () => {
        clock.now += 3000
        return hasCome()
      },
      { timeout: DEADLINE_MS },
    )
    .toBe(true)
  await poured
})

/** A stream that has an answer: what was on its way on other connections has had its turn. */
async function refusedPairing(connection: Awaited<ReturnType<typeof dialAsContact>>): Promise<Stream> {
  const stream = await connection.newStream(PAIR)
  stream.send(Uint8Array.of(9))
  return stream
}

test('streams opened without end are opened no faster than the account allows', async () => {
  const { alice } = friends()
  const { clock, machine } = standing()
  const a = await online(alice, { machine, limits: { workOfPrefix: 200 } })
  const connection = await (await hostile()).dialAsStranger(a.address)
  let opened = 0
  const stop = new AbortController()
  const flood = (async () => {
    while (!stop.signal.aborted) {
      const stream = await connection.newStream(ENVELOPE, { signal: stop.signal }).catch(() => undefined)
      if (stream === undefined) return
      stream.abort(new Error('reset'))
      opened++
    }
  })()
  await expect.poll(() => opened, { timeout: DEADLINE_MS }).toBeGreaterThan(5)
  let last = -1
  await expect
    .poll(
      () => {
        const rests = opened === last
        last = opened
        return rests
      },
      { timeout: DEADLINE_MS, interval: 500 },
    )
    .toBe(true)
  // 600 units gathered, 100 for the connection, at least ten for each stream.
  expect(opened).toBeLessThan(60)
  const before = opened
  clock.now += 60_000
  await expect.poll(() => opened, { timeout: DEADLINE_MS }).toBeGreaterThan(before)
  stop.abort()
  await flood
})
