import { streamPair } from '@libp2p/utils'
import { describe, expect, test } from 'vitest'
import { answerGreeting, greet } from '../../../src/node/net/hello.ts'
import { HELLO, type Limits } from '../../../src/node/net/protocols.ts'
import {
  decodeHelloAnswer,
  encodeHelloAnswer,
  encodeHelloOpening,
  HELLO_ANSWER_BYTES,
  HELLO_OPENING_BYTES,
  HELLO_TAGS,
  helloProof,
  helloTag,
  noble as p,
  PROOF_BYTES,
  TAG_BYTES,
} from '../../../src/protocol/index.ts'
import { concat } from '../../../src/protocol/bytes.ts'
import { ended, envelopeStream, frameMessage, greetAsContact, hostile, readExactly, strangersHello } from './hostile.ts'
import { acquaintancesOf, befriend, friends, online, person, random } from './world.ts'

/** Acquaintances that write down what was recognised and proved. */
function watched(me: ReturnType<typeof person>) {
  const seen = { recognised: [] as (string | undefined)[], proofs: 0 }
  const inner = acquaintancesOf(me)
  return {
    seen,
    acquaintances: {
      ...inner,
      recognise: (...args: Parameters<typeof inner.recognise>) => {
        const found = inner.recognise(...args)
        seen.recognised.push(found)
        return found
      },
      prove: (...args: Parameters<typeof inner.prove>) => {
        seen.proofs++
        return inner.prove(...args)
      },
    },
  }
}

test('an unknown peer is answered at the same length, with bytes that prove nothing', async () => {
  const { alice } = friends()
  const { seen, acquaintances } = watched(alice)
  const a = await online(alice, { acquaintances })
  const mallory = await hostile()
  const answers = []
  for (let i = 0; i < 3; i++) answers.push(await strangersHello(await mallory.dial(a.address)))
  expect(answers.map(({ length }) => length)).toEqual([HELLO_ANSWER_BYTES, HELLO_ANSWER_BYTES, HELLO_ANSWER_BYTES])
  const tags = answers.map((answer) => decodeHelloAnswer(answer)?.tag.join())
  expect(new Set(tags).size).toBe(3)
  expect(seen).toEqual({ recognised: [undefined, undefined, undefined], proofs: 0 })
  expect(a.heard.of('connected')).toEqual([])
})

test('a contact with another secret is no contact, on either side', async () => {
  const alice = person()
  const bob = person()
  befriend(alice, bob, random(32), random(32))
  const a = await online(alice)
  const b = await online(bob)
  a.want(bob, [b.address])
  await a.heard.next('not-reached')
  expect([...a.heard.of('connected'), ...b.heard.of('connected')]).toEqual([])
})

test('a stolen contact secret without the device key connects to nobody', async () => {
  const { alice, bob } = friends()
  const secret = bob.contacts[0]!.secret
  const { seen, acquaintances } = watched(bob)
  const b = await online(bob, { acquaintances })
  const thief = await hostile()
  const connection = await thief.dial(b.address)
  const listener = connection.remotePeer.toMultihash().bytes
  const stream = await connection.newStream(HELLO)
  const nonce = random(32)
  const tag = helloTag(p, secret, 20_000, 'dialer', thief.peer, listener)
  stream.send(encodeHelloOpening({ day: 20_000, nonce, tags: Array.from({ length: HELLO_TAGS }, () => tag) }))
  const answer = decodeHelloAnswer(await readExactly(stream, HELLO_ANSWER_BYTES))!
  const own = { secret, device: person().device, deviceId: alice.keys.id }
  stream.send(helloProof(p, random, own, 'dialer', thief.peer, listener, concat(nonce, answer.nonce)))
  await stream.close()
  await ended(stream)
  expect(seen.recognised).toEqual([alice.id])
  // Bob takes it for a stranger: a frame that is no INIT ends the stream.
  const envelope = await envelopeStream(connection)
  envelope.send(frameMessage(random(100).fill(2, 0, 1)))
  await ended(envelope)
  expect(b.heard.of('connected')).toEqual([])
  expect(b.heard.of('frames')).toEqual([])
})

test("a dialer's hello, replayed to whom it was meant for by whom it reached, is nobody's", async () => {
  const { alice, bob } = friends()
  const { seen, acquaintances } = watched(bob)
  const a = await online(alice)
  const b = await online(bob, { acquaintances })
  const mallory = await hostile()
  const recorded = Promise.withResolvers<Uint8Array>()
  await mallory.node.handle(HELLO, async (stream) => recorded.resolve(await readExactly(stream, HELLO_OPENING_BYTES)))
  a.want(bob, [mallory.address])
  const connection = await mallory.dial(b.address)
  await strangersHello(connection, await recorded.promise)
  expect(seen).toEqual({ recognised: [undefined], proofs: 0 })
  expect(b.heard.of('connected')).toEqual([])
})

test('a hello that comes back to its sender is nobody: as an opening, and as an answer', async () => {
  const { alice, bob } = friends()
  const { seen, acquaintances } = watched(alice)
  const a = await online(alice, { acquaintances })
  const mallory = await hostile()
  const opened = Promise.withResolvers<Uint8Array>()
  await mallory.node.handle(HELLO, async (stream) => {
    const opening = await readExactly(stream, HELLO_OPENING_BYTES)
    const ownTag = opening.slice(34, 34 + TAG_BYTES)
    stream.send(encodeHelloAnswer({ nonce: opening.slice(2, 34), tag: ownTag, proof: random(PROOF_BYTES) }))
    opened.resolve(opening)
  })
  a.want(bob, [mallory.address])
  const opening = await opened.promise
  await a.heard.next('not-reached')
  await strangersHello(await mallory.dial(a.address), opening)
  expect(seen.recognised.every((contact) => contact === undefined)).toBe(true)
  expect(seen.recognised.length).toBeGreaterThanOrEqual(2)
  expect(a.heard.of('connected')).toEqual([])
})

/** Somebody who has a contact, dialed by nobody in particular. */
async function dialed(limits: Partial<Limits>) {
  const a = await online(friends().alice, { limits })
  return { a, connection: await (await hostile()).dial(a.address) }
}

test('a connection that says no hello is closed, and serves nothing before', async () => {
  const { a, connection } = await dialed({ helloMs: 300 })
  const early = await envelopeStream(connection)
  early.send(frameMessage(random(100).fill(1, 0, 1)))
  await ended(connection)
  expect(a.heard.of('frames')).toEqual([])
})

test('only the dialer begins, and not for ever', async () => {
  const { connection } = await dialed({ hellos: 3 })
  for (let i = 0; i < 3; i++) await strangersHello(connection)
  await strangersHello(connection).catch(() => undefined)
  await ended(connection)
})

test('a dialer that wants the connection no more proves nothing, and is a stranger', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const raw = await hostile()
  const connection = await raw.dial(a.address)
  await greetAsContact(raw, bob, connection, false)
  const stream = await envelopeStream(connection)
  stream.send(frameMessage(random(100).fill(1, 0, 1)))
  expect(await a.heard.next('frames')).toMatchObject({ contact: null, device: null })
  expect(a.heard.of('connected')).toEqual([])
})

/** Two who do not know each other; Alice has reached where Bob should be. */
async function reached() {
  const [alice, bob] = [person(), person()]
  const [a, b] = [await online(alice), await online(bob)]
  a.want(bob, [b.address], { stranger: true })
  const { connection } = await a.heard.next('reached-stranger')
  return { alice, bob, a, b, connection }
}

test('after an invite both sides greet again on the same connection', async () => {
  const { alice, bob, a, b, connection } = await reached()
  befriend(alice, bob)
  a.net.perform({ type: 'hello-again', connection, contact: bob.id })
  expect(await a.heard.next('connected')).toMatchObject({ connection, contact: bob.id, device: bob.keys.id })
  expect(await b.heard.next('connected')).toMatchObject({ contact: alice.id })
  await b.stop()
  expect(await a.heard.next('disconnected')).toMatchObject({ connection })
  expect(a.heard.of('disconnected')).toHaveLength(1)
})

test('a second hello that fails ends the connection, so that it is dialed afresh', async () => {
  const { bob, a, connection } = await reached()
  a.net.perform({ type: 'hello-again', connection, contact: bob.id })
  expect(await a.heard.next('disconnected')).toMatchObject({ connection })
  await a.heard.next('reached-stranger', 2)
})

describe('in a closed network', () => {
  const key = random(32)

  /** Both ends of one hello, over streams in memory. What the dialer's side was sent comes along. */
  async function hello(ours: Uint8Array | null, theirs: Uint8Array | null) {
    const { alice, bob } = friends()
    const [out, into] = await streamPair()
    let heard = 0
    out.addEventListener('message', ({ data }) => {
      heard += data.byteLength
    })
    const [local, remote] = [random(38), random(38)]
    const signal = AbortSignal.timeout(500)
    const { seen, acquaintances } = watched(bob)
    const tag = (day: number) => [acquaintancesOf(alice).tag(bob.id, day, 'dialer', { local, remote }) ?? random(16)]
    const found = await Promise.all([
      greet(out, acquaintancesOf(alice), { local, remote }, ours, tag, () => true, signal),
      answerGreeting(into, acquaintances, { local: remote, remote: local }, theirs, signal),
    ])
    return { found: found.map((one) => (typeof one === 'object' ? one.contact : one)), heard, seen, alice, bob }
  }

  test('who has the key is known', async () => {
    const { found, alice, bob } = await hello(key, key)
    expect(found).toEqual([bob.id, alice.id])
  })

  test.each([
    ['none', null],
    ['another', random(32)],
  ])('who has %s is told not a byte, though a contact, and nothing is looked up for it', async (_, ours) => {
    const { found, heard, seen } = await hello(ours, key)
    expect({ found, heard, seen }).toEqual({
      found: [undefined, undefined],
      heard: 0,
      seen: { recognised: [], proofs: 0 },
    })
  })

  test('a listener that has not the key is no contact either', async () => {
    expect((await hello(key, null)).found).toEqual([undefined, 'stranger'])
  })
})
