/**
 * What others may make a node work, with real connections and a clock that stands still until the test moves it.
 */
import type { Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { ENVELOPE, PAIR } from '../../../src/node/net/protocols.ts'
import { equal } from '../../../src/protocol/index.ts'
import { dialAsContact, ended, envelopeStream, frameMessage, hostile, message, pour } from './hostile.ts'
import { DEADLINE_MS, friends, machineWith, online, random } from './world.ts'

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

test('a stranger in the red is not read, and loses nothing; a contact at the same address is read meanwhile', async () => {
  const { alice, bob } = friends()
  const { clock, machine } = standing()
  const a = await online(alice, { machine, limits: { workOfPrefix: 400 } })
  const contact = await envelopeStream(await dialAsContact(await hostile(), bob, a.address))
  const stranger = await envelopeStream(await (await hostile()).dialAsStranger(a.address))
  const sent = Array.from({ length: 30 }, init)
  const poured = pour(stranger, sent.map(frameMessage))
  const strangers = (): readonly Uint8Array[] =>
    a.heard.of('frames').flatMap(({ contact: of, frames }) => (of === null ? frames : []))
  await expect.poll(() => strangers().length, { timeout: DEADLINE_MS }).toBeGreaterThan(0)
  // The contact's frames go through while nothing more of the stranger's does.
  for (let i = 1; i <= 20; i++) {
    const before = framesOf(a)
    contact.send(frameMessage(random(200).fill(2, 0, 1)))
    await a.heard.frames(before + 1)
  }
  // 1200 units gathered: two connections of 100, a few dozens for streams and frames, 100 for each INIT.
  const taken = strangers().length
  expect(taken).toBeLessThanOrEqual(12)
  // A second brings as much as four INITs.
  clock.now += 1000
  await expect.poll(() => strangers().length, { timeout: DEADLINE_MS }).toBeGreaterThan(taken)
  expect(strangers().length).toBeLessThanOrEqual(taken + 5)
  clock.now += 60_000
  for (let second = 0; strangers().length < sent.length && second < 60; second++) {
    const before = strangers().length
    clock.now += 3000
    await expect.poll(() => strangers().length, { timeout: DEADLINE_MS }).toBeGreaterThan(before)
  }
  expect(strangers()).toEqual(sent)
  await poured
})

test('a prefix in the red makes no new connection, until it is in the black again', async () => {
  const { alice } = friends()
  const { clock, machine } = standing()
  const a = await online(alice, { machine, limits: { workOfPrefix: 40 } })
  const mallory = await hostile()
  await mallory.dialAsStranger(a.address)
  await expect
    .poll(
      () =>
        mallory.dialAsStranger(a.address).then(
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
  const a = await online(alice, { machine, limits: { workOfContact: 100 } })
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
