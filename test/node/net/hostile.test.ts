import { expect, test } from 'vitest'
import { BUNDLE, ENVELOPE, HELLO, LIMITS, PAIR } from '../../../src/node/net/protocols.ts'
import { concat, padFrame } from '../../../src/protocol/index.ts'
import {
  dialAsContact,
  ended,
  envelopeStream,
  frameMessage,
  greetAsContact,
  hostile,
  message,
  pour,
} from './hostile.ts'
import { friends, online, random } from './world.ts'

const init = (length = 200): Uint8Array => random(length).fill(1, 0, 1)
const sessionMessage = (length = 200): Uint8Array => random(length).fill(2, 0, 1)

test('a stranger may send INIT, and ask for a bundle with a proof: nothing else', async () => {
  const { alice } = friends()
  const a = await online(alice)
  const mallory = await hostile()
  const connection = await mallory.dialAsStranger(a.address)
  const stream = await envelopeStream(connection)
  const first = init()
  stream.send(frameMessage(first))
  expect(await a.heard.next('frames')).toMatchObject({ contact: null, device: null, frames: [first] })
  stream.send(frameMessage(sessionMessage()))
  await ended(stream)
  expect(a.heard.of('frames')).toHaveLength(1)

  const asked = await connection.newStream(BUNDLE)
  asked.send(concat(Uint8Array.of(1), new Uint8Array(32).fill(9)))
  expect(await a.heard.next('bundle-asked')).toMatchObject({
    contact: null,
    device: null,
    proof: new Uint8Array(32).fill(9),
  })
  const asContact = await connection.newStream(BUNDLE)
  asContact.send(new Uint8Array(33))
  await ended(asContact)
  expect(a.heard.of('bundle-asked')).toHaveLength(1)
  expect(connection.status).toBe('open')
  expect(a.heard.of('connected')).toEqual([])
})

const garbage: readonly [string, () => Uint8Array][] = [
  ['a length of 4 GiB', () => new Uint8Array(5).fill(0xff)],
  ['a length of nothing', () => new Uint8Array(5)],
  ['one byte more than the largest message', () => lengthOf(LIMITS.envelope + 1)],
  ['an unknown kind', () => message(9, random(20))],
  ['a frame that is not padded', () => message(1, init())],
  ['a frame with something in its padding', () => message(1, padFrame(init()).fill(1, 1000))],
  ['half an id', () => message(2, random(17))],
  ['no id', () => message(2, new Uint8Array())],
  ['a ping that says something', () => message(4, random(1))],
  ['random bytes', () => random(4096)],
]

function lengthOf(length: number): Uint8Array {
  const head = new Uint8Array(5)
  new DataView(head.buffer).setUint32(0, length)
  return head
}

test('garbage costs the stream it came on, and nothing else', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const connection = await dialAsContact(await hostile(), bob, a.address)
  await a.heard.next('connected')
  for (const [what, make] of garbage) {
    const stream = await envelopeStream(connection)
    const good = init()
    stream.send(concat(frameMessage(good), make()))
    await ended(stream)
    const frames = a.heard.of('frames').flatMap((input) => input.frames)
    expect(frames.at(-1), what).toEqual(good)
  }
  expect(a.heard.of('frames')).toHaveLength(garbage.length)
  expect(a.heard.of('disconnected')).toEqual([])
  for (const protocol of [BUNDLE, PAIR, HELLO]) {
    const stream = await connection.newStream(protocol)
    stream.send(random(2000).fill(7, 0, 1))
    await ended(stream)
  }
  expect(connection.status).toBe('open')
  expect(a.heard.of('disconnected')).toEqual([])
})

test('a frame that comes byte by byte is one frame, and a half one is none', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const connection = await dialAsContact(await hostile(), bob, a.address)
  const stream = await envelopeStream(connection)
  const whole = sessionMessage()
  for (const byte of frameMessage(whole)) {
    if (!stream.send(Uint8Array.of(byte))) await stream.onDrain()
  }
  expect((await a.heard.next('frames')).frames).toEqual([whole])
  stream.send(frameMessage(sessionMessage()).subarray(0, 700))
  await stream.close()
  await connection.close()
  await a.heard.next('disconnected')
  expect(a.heard.of('frames')).toHaveLength(1)
})

test('a second envelope stream beside the first is refused', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const connection = await dialAsContact(await hostile(), bob, a.address)
  const first = await envelopeStream(connection)
  first.send(frameMessage(init()))
  await a.heard.next('frames')
  const second = await envelopeStream(connection).catch(() => undefined)
  if (second !== undefined) await ended(second)
  first.send(frameMessage(init()))
  await a.heard.next('frames', 2)
  expect(a.heard.of('frames')).toHaveLength(2)
})

test('who sends on although nothing is acknowledged is held at 1 MiB, and loses nothing', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const connection = await dialAsContact(await hostile(), bob, a.address)
  const { connection: id } = await a.heard.next('connected')
  const stream = await envelopeStream(connection)
  const total = 10_000
  const frames = Array.from({ length: total }, (_, i) =>
    sessionMessage(300)
      .fill(i % 256, 1, 2)
      .fill(i >> 8, 2, 3),
  )
  const poured = pour(stream, frames.map(frameMessage))
  await a.heard.frames(LIMITS.unanswered / 1024)
  // Something else on the same connection has its turn, several times: whatever was on its way has come.
  for (let i = 1; i <= 20; i++) {
    const asked = await connection.newStream(BUNDLE)
    asked.send(new Uint8Array(33))
    const { request } = await a.heard.next('bundle-asked', i)
    a.net.perform({
      type: 'answer-bundle',
      connection: id,
      request,
      status: 'unknown',
      bundle: new Uint8Array(),
      mac: new Uint8Array(32),
    })
    await ended(asked)
    await asked.close()
  }
  const held = a.heard.of('frames').flatMap((input) => input.frames).length
  expect(held).toBeGreaterThan(LIMITS.unanswered / 1024)
  expect(held * 1024).toBeLessThanOrEqual(1024 * 1024 + 64 * 1024)

  for (let answered = 0; answered < total; ) {
    const come = a.heard.of('frames').flatMap((input) => input.frames).length
    a.net.perform({
      type: 'acknowledge',
      connection: id,
      ids: Array.from({ length: come - answered }, () => random(16)),
    })
    answered = come
    if (answered < total) await a.heard.frames(answered + 1)
  }
  await poured
  expect(a.heard.of('frames').flatMap((input) => input.frames)).toEqual(frames)
})

test('a reader that the engine never answers ends the connection in time', async () => {
  const { alice, bob } = friends()
  const a = await online(alice, { limits: { tickMs: 20, pausedMs: 100 } })
  const connection = await dialAsContact(await hostile(), bob, a.address)
  const stream = await envelopeStream(connection)
  void pour(
    stream,
    Array.from({ length: 2000 }, () => frameMessage(sessionMessage())),
  ).catch(() => undefined)
  await a.heard.next('disconnected')
})

test('streams opened before hello wait for it, within a window, and are served after it', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const raw = await hostile()
  const connection = await raw.dial(a.address)
  const early = await connection.newStream(ENVELOPE)
  const first = init()
  early.send(frameMessage(first))
  const flood = Array.from({ length: 1000 }, () => frameMessage(init()))
  void pour(early, flood).catch(() => undefined)
  expect(a.heard.of('frames')).toEqual([])
  await greetAsContact(raw, bob, connection)
  expect((await a.heard.next('frames')).frames[0]).toEqual(first)
  expect(a.heard.all.findIndex(({ type }) => type === 'connected')).toBeLessThan(
    a.heard.all.findIndex(({ type }) => type === 'frames'),
  )
})

test('strangers are few, and the oldest makes room; contacts are not counted', async () => {
  const { alice, bob } = friends()
  const a = await online(alice, { limits: { strangers: 3 } })
  const contact = await dialAsContact(await hostile(), bob, a.address)
  const mallory = await hostile()
  const strangers = []
  for (let i = 0; i < 4; i++) strangers.push(await mallory.dialAsStranger(a.address))
  await ended(strangers[0]!)
  expect(strangers.slice(1).map(({ status }) => status)).toEqual(['open', 'open', 'open'])
  expect(contact.status).toBe('open')
  expect(a.heard.of('disconnected')).toEqual([])
})

test('a stranger that says nothing more is let go', async () => {
  const { alice } = friends()
  const a = await online(alice, { limits: { tickMs: 20, strangerIdleMs: 100 } })
  const mallory = await hostile()
  await ended(await mallory.dialAsStranger(a.address))
})

test('a contact that falls silent is asked, and let go', async () => {
  const { alice, bob } = friends()
  const a = await online(alice, { limits: { tickMs: 20, silentMs: 50, pongMs: 100 } })
  const raw = await hostile()
  const pinged = Promise.withResolvers<void>()
  raw.onEnvelope = () => pinged.resolve()
  await dialAsContact(raw, bob, a.address)
  await a.heard.next('connected')
  await pinged.promise
  await a.heard.next('disconnected')
})

test('a contact that answers is kept', async () => {
  const { alice, bob } = friends()
  const a = await online(alice, { limits: { tickMs: 10, silentMs: 20, pongMs: 5000 } })
  const raw = await hostile()
  const peer = await dialAsContact(raw, bob, a.address)
  const stream = await envelopeStream(peer)
  let pings = 0
  const asked = Promise.withResolvers<void>()
  raw.onEnvelope = (data) => {
    expect(data).toEqual(message(4, new Uint8Array()))
    stream.send(message(5, new Uint8Array()))
    if (++pings === 5) asked.resolve()
  }
  await asked.promise
  expect(a.heard.of('disconnected')).toEqual([])
})

test('a contact that ends the stream on which we write ends the connection: no frame is lost without a word', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const raw = await hostile()
  let streams = 0
  await raw.node.handle(
    ENVELOPE,
    (stream) => {
      streams++
      stream.addEventListener('message', () => stream.abort(new Error('enough')))
    },
    { force: true },
  )
  await dialAsContact(raw, bob, a.address)
  const { connection } = await a.heard.next('connected')
  a.net.perform({ type: 'send', connection, frames: [{ id: random(16), bytes: init() }] })
  expect(await a.heard.next('disconnected')).toMatchObject({ connection })
  expect(streams).toBe(1)
})

test('only what is in flight can be acknowledged', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const raw = await hostile()
  const peer = await dialAsContact(raw, bob, a.address)
  const { connection } = await a.heard.next('connected')
  const id = random(16)
  a.net.perform({ type: 'send', connection, frames: [{ id, bytes: init() }] })
  const stream = await envelopeStream(peer)
  stream.send(concat(message(2, random(16)), message(3, random(32)), message(2, concat(random(16), id, id))))
  expect((await a.heard.next('acknowledged')).ids).toEqual([id])
  stream.send(concat(message(3, id), frameMessage(init())))
  await a.heard.next('frames')
  expect([a.heard.of('acknowledged').length, a.heard.of('no-session').length]).toEqual([1, 0])
})

test('streams that begin and say no more end in time, and cost nothing else', async () => {
  const { alice, bob } = friends()
  const a = await online(alice, { limits: { helloMs: 1000, bundleMs: 300, pairMs: 300 } })
  const connection = await dialAsContact(await hostile(), bob, a.address)
  await a.heard.next('connected')
  const halves = [HELLO, BUNDLE, PAIR].map(async (protocol) => {
    const stream = await connection.newStream(protocol)
    stream.send(Uint8Array.of(1))
    await ended(stream)
  })
  await Promise.all(halves)
  const stream = await envelopeStream(connection)
  stream.send(frameMessage(init()))
  await a.heard.next('frames')
  expect(a.heard.of('disconnected')).toEqual([])
})

test('a stranger that opens pairings and does not pair is let go as soon as others', async () => {
  const { alice } = friends()
  const a = await online(alice, { limits: { tickMs: 20, streamMs: 300, strangerIdleMs: 1000 } })
  // Whoever wants to pair waits for a person, and would be let wait.
  a.net.pairing.onChannel(() => {})
  const mallory = await hostile()
  const silent = await mallory.dialAsStranger(a.address)
  await silent.newStream(PAIR)
  const loud = await mallory.dialAsStranger(a.address)
  const stream = await loud.newStream(PAIR)
  stream.send(Uint8Array.of(1))
  for (let i = 0; i < 3; i++) stream.send(new Uint8Array(2 + LIMITS.pairMessage))
  await Promise.all([silent, loud].map(ended))
})

test('more streams than a protocol has are refused, and the others go on', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const connection = await dialAsContact(await hostile(), bob, a.address)
  await a.heard.next('connected')
  const opened = await Promise.allSettled(Array.from({ length: 40 }, () => connection.newStream(BUNDLE)))
  const open = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  await Promise.all(open.slice(2).map(ended))
  for (const one of open.slice(0, 2)) one.send(new Uint8Array(33))
  await a.heard.next('bundle-asked', 2)
  expect(a.heard.of('disconnected')).toEqual([])
})
