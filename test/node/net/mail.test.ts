/** `/tulnic/box/1` on real libp2p: leaving and fetching mail, and everybody who should not be able to. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { multiaddr } from '@multiformats/multiaddr'
import { Exchange } from '../../../src/node/net/exchange.ts'
import { readMail, readStatus, visit, writeMail, writeTaken } from '../../../src/node/net/mail/box.ts'
import type { Acquaintances, BoxKeys } from '../../../src/node/net/net.ts'
import { BOX, LIMITS, type Limits } from '../../../src/node/net/protocols.ts'
import { boxTranscript, checkBox, ENVELOPE_MOST_BYTES, noble as p, signBox } from '../../../src/protocol/index.ts'
import { hostile } from './hostile.ts'
import { acquaintancesOf, DEADLINE_MS, friends, type Online, online, type Person, person, random } from './world.ts'

const box = random(16)
const carrierSeed = random(32)
const ownerSeed = random(32)
const carrierKey = p.ed25519PublicKey(carrierSeed)
const ownerKey = p.ed25519PublicKey(ownerSeed)
const envelope = (size = 1024): Uint8Array => new Uint8Array(randomBytes(size))

/** What an engine answers that carries the box, owns it, or neither. */
function knowing(me: Person, { carries = false, owns = false, seed = carrierSeed } = {}): Acquaintances {
  const boxes: BoxKeys = {
    carrierProof: (purpose, visit, peers) =>
      carries ? signBox(p, seed, boxTranscript('carrier', purpose, visit, peers)) : undefined,
    isCarrier: (key, purpose, visit, peers, signature) =>
      checkBox(p, key, boxTranscript('carrier', purpose, visit, peers), signature),
    ownerProof: (visit, peers) =>
      owns ? signBox(p, ownerSeed, boxTranscript('owner', 'fetch', visit, peers)) : undefined,
    isOwner: (visit, peers, signature) =>
      carries && checkBox(p, ownerKey, boxTranscript('owner', 'fetch', visit, peers), signature),
  }
  return { ...acquaintancesOf(me), boxes }
}

const found = ({ address }: Online) => ({ peerId: null, addresses: [multiaddr(address).bytes] })

async function ownerAndCarrier({ limits = {}, ...how }: { seed?: Uint8Array; limits?: Partial<Limits> } = {}) {
  const { alice, bob } = friends()
  const carrier = await online(alice, { acquaintances: knowing(alice, { carries: true, ...how }) })
  const owner = await online(bob, { acquaintances: knowing(bob, { owns: true }), limits })
  owner.want(alice, [carrier.address])
  const { connection } = await owner.heard.next('connected')
  await carrier.heard.next('connected')
  return { carrier, owner, connection }
}

describe('leaving mail', () => {
  test('a stranger leaves envelopes, each answered once the engine has it, in order, on one visit', async () => {
    const carol = person()
    const carrier = await online(carol, { acquaintances: knowing(carol, { carries: true }) })
    const dave = person()
    const sender = await online(dave, { acquaintances: knowing(dave) })
    const sent = [envelope(), envelope(ENVELOPE_MOST_BYTES), envelope()]
    for (const [number, one] of sent.entries())
      sender.net.perform({
        type: 'deposit',
        number,
        box,
        carrierKey,
        connection: null,
        found: found(carrier),
        envelope: one,
      })
    for (const [i, status] of (['ok', 'full', 'no-token'] as const).entries()) {
      const put = await carrier.heard.next('mail-put', i + 1)
      expect(put.envelope).toEqual(sent[i])
      expect(sender.heard.of('deposited')).toHaveLength(i)
      carrier.net.perform({ type: 'mail-answer', request: put.request, status })
      expect(await sender.heard.next('deposited', i + 1)).toEqual({ type: 'deposited', number: i, status })
    }
    expect(carrier.heard.of('connected')).toEqual([])
  })

  test('over the link to a contact who carries', async () => {
    const { carrier, owner, connection } = await ownerAndCarrier()
    owner.net.perform({ type: 'deposit', number: 7, box, carrierKey, connection, found: null, envelope: envelope() })
    const { request } = await carrier.heard.next('mail-put')
    carrier.net.perform({ type: 'mail-answer', request, status: 'ok' })
    expect(await owner.heard.next('deposited')).toMatchObject({ number: 7, status: 'ok' })
  })

  test.each([
    ['does not carry that box', { carries: false }],
    ['has another key', { carries: true, seed: random(32) }],
  ])('nothing is said to who %s', async (_, how) => {
    const carol = person()
    const carrier = await online(carol, { acquaintances: knowing(carol, how) })
    const dave = person()
    const sender = await online(dave, { acquaintances: knowing(dave) })
    const deposit = { type: 'deposit', box, carrierKey, connection: null, found: found(carrier) } as const
    sender.net.perform({ ...deposit, number: 1, envelope: envelope() })
    sender.net.perform({ ...deposit, number: 2, envelope: envelope() })
    expect(await sender.heard.next('deposited', 2)).toMatchObject({ status: 'unreachable' })
    expect(sender.heard.of('deposited').map(({ number }) => number)).toEqual([1, 2])
    expect(carrier.heard.of('mail-put')).toEqual([])
  })

  test('a carrier that is not there, or does not answer: unreachable, and it can be tried again', async () => {
    const carol = person()
    const carrier = await online(carol, { acquaintances: knowing(carol, { carries: true }) })
    const dave = person()
    const sender = await online(dave, { acquaintances: knowing(dave), limits: { mailMs: 300 } })
    const deposit = { type: 'deposit', box, carrierKey, connection: null } as const
    sender.net.perform({ ...deposit, number: 1, found: null, envelope: envelope() })
    expect(await sender.heard.next('deposited')).toMatchObject({ number: 1, status: 'unreachable' })
    sender.net.perform({ ...deposit, number: 2, found: found(carrier), envelope: envelope() })
    expect(await sender.heard.next('deposited', 2)).toMatchObject({ number: 2, status: 'unreachable' })
    const late = await carrier.heard.next('mail-put')
    carrier.net.perform({ type: 'mail-answer', request: late.request, status: 'ok' })
    sender.net.perform({ ...deposit, number: 3, found: found(carrier), envelope: envelope() })
    const { request } = await carrier.heard.next('mail-put', 2)
    carrier.net.perform({ type: 'mail-answer', request, status: 'ok' })
    expect(await sender.heard.next('deposited', 3)).toMatchObject({ number: 3, status: 'ok' })
  })
})

describe('fetching mail', () => {
  test('the owner gets letters as they come, and says what is stored', async () => {
    const { carrier, owner, connection } = await ownerAndCarrier()
    owner.net.perform({ type: 'open-box', connection, box, carrierKey })
    const opened = await carrier.heard.next('box-opened')
    expect(opened.box).toEqual(box)
    const letters = [envelope(), envelope(4096), envelope()].map((bytes) => ({ id: random(16), bytes }))
    const handOver = (some: typeof letters): void =>
      carrier.net.perform({ type: 'hand-over', connection: opened.connection, box, letters: some })
    handOver(letters.slice(0, 2))
    handOver(letters.slice(2))
    const got = await owner.heard.until('three letters', () => {
      const all = owner.heard.of('letters').flatMap((input) => input.letters)
      return all.length === 3 ? all : undefined
    })
    expect(got).toEqual(letters.map(({ bytes }) => bytes))
    const ids = letters.map(({ id }) => id)
    owner.net.perform({ type: 'take-letters', connection, box, ids })
    expect(await carrier.heard.next('letters-taken')).toMatchObject({ connection: opened.connection, box, ids })
  })

  test('an owner that takes nothing is read no further than a bound', async () => {
    const { carrier, owner, connection } = await ownerAndCarrier({ limits: { mailUntaken: 16_384 } })
    owner.net.perform({ type: 'open-box', connection, box, carrierKey })
    const { connection: toOwner } = await carrier.heard.next('box-opened')
    const letters = Array.from({ length: 20 }, () => ({ id: random(16), bytes: envelope(4096) }))
    carrier.net.perform({ type: 'hand-over', connection: toOwner, box, letters })
    await owner.heard.next('letters', 5)
    // What is answered after it on the same connection was there after it.
    owner.net.perform({ type: 'deposit', number: 1, box, carrierKey, connection, found: null, envelope: envelope() })
    const { request } = await carrier.heard.next('mail-put')
    carrier.net.perform({ type: 'mail-answer', request, status: 'ok' })
    await owner.heard.next('deposited')
    expect(owner.heard.of('letters')).toHaveLength(5)
    for (const [taken, { id }] of letters.slice(5).entries()) {
      owner.net.perform({ type: 'take-letters', connection, box, ids: [id] })
      await owner.heard.next('letters', 6 + taken)
    }
  })

  test('opened anew, the newer stream counts', async () => {
    const { carrier, owner, connection } = await ownerAndCarrier()
    owner.net.perform({ type: 'open-box', connection, box, carrierKey })
    await carrier.heard.next('box-opened')
    owner.net.perform({ type: 'open-box', connection, box, carrierKey })
    const { connection: toOwner } = await carrier.heard.next('box-opened', 2)
    const letter = { id: random(16), bytes: envelope() }
    carrier.net.perform({ type: 'hand-over', connection: toOwner, box, letters: [letter] })
    expect((await owner.heard.next('letters')).letters).toEqual([letter.bytes])
  })

  test('a carrier with another key is told nothing', async () => {
    const { carrier, owner, connection } = await ownerAndCarrier({ seed: random(32) })
    owner.net.perform({ type: 'open-box', connection, box, carrierKey })
    owner.net.perform({ type: 'deposit', number: 1, box, carrierKey, connection, found: null, envelope: envelope() })
    await owner.heard.next('deposited')
    expect(carrier.heard.of('box-opened')).toEqual([])
  })

  test('who is not the owner gets no letter: another key, the carrier’s own proof, one of another visit', async () => {
    const carol = person()
    const carrier = await online(carol, { acquaintances: knowing(carol, { carries: true }) })
    const thief = await hostile()
    const connection = await thief.dialAsStranger(carrier.address)
    const peers = { visitor: thief.peer, carrier: connection.remotePeer.toMultihash().bytes }
    let earlier: Uint8Array | undefined
    for (const kind of ['another key', 'reflected', 'replayed'] as const) {
      const signal = AbortSignal.timeout(DEADLINE_MS)
      const stream = await connection.newStream(BOX, { signal })
      let seen: Uint8Array | undefined
      const opened = await visit(stream, 'fetch', box, random(32), LIMITS, signal, (_, signature) => {
        seen = signature
        return true
      })
      if (opened === undefined || seen === undefined) throw new Error('no visit')
      const good = signBox(p, ownerSeed, boxTranscript('owner', 'fetch', opened.visit, peers))
      const bad = signBox(p, random(32), boxTranscript('owner', 'fetch', opened.visit, peers))
      const shown = { 'another key': bad, reflected: seen, replayed: earlier ?? bad }[kind]
      opened.exchange.write(shown)
      expect(await readMail(opened.exchange, signal), kind).toBeUndefined()
      earlier = good
    }
    expect(carrier.heard.of('box-opened')).toEqual([])
  })
})

describe('hostile visitors', () => {
  test('nonsense, silence and floods end the stream, and the engine hears of what is whole alone', async () => {
    const carol = person()
    const limits = { mailMs: 300 }
    const carrier = await online(carol, { acquaintances: knowing(carol, { carries: true }), limits })
    const thief = await hostile()
    const connection = await thief.dialAsStranger(carrier.address)
    const ended = async (...said: readonly Uint8Array[]): Promise<void> => {
      const stream = await connection.newStream(BOX, { signal: AbortSignal.timeout(DEADLINE_MS) })
      const exchange = new Exchange(stream, 1 << 20, AbortSignal.timeout(DEADLINE_MS))
      for (const bytes of said) exchange.write(bytes)
      await exchange.ended
      expect(stream.status).not.toBe('open')
    }
    const opening = (purpose: number, name = box): Uint8Array => Uint8Array.of(purpose, ...name, ...random(32))
    await ended(new Uint8Array(1))
    await ended(opening(9))
    await ended(opening(0, random(16)))
    await ended(opening(0), Uint8Array.of(0xff, 0xff, 0xff, 0xff))
    await ended(opening(0), Uint8Array.of(0, 0, 0, 0))
    await ended(opening(0), Uint8Array.of(0, 0, 4, 0, 1, 2, 3))
    await ended(opening(1), new Uint8Array(64))
    expect(carrier.heard.of('mail-put')).toEqual([])
    expect(carrier.heard.of('box-opened')).toEqual([])
  })

  test('an owner who says nonsense instead of ids is no longer handed anything', async () => {
    const carol = person()
    const carrier = await online(carol, { acquaintances: knowing(carol, { carries: true }) })
    const thief = await hostile()
    const connection = await thief.dialAsStranger(carrier.address)
    const signal = AbortSignal.timeout(DEADLINE_MS)
    const peers = { visitor: thief.peer, carrier: connection.remotePeer.toMultihash().bytes }
    const stream = await connection.newStream(BOX, { signal })
    const opened = await visit(stream, 'fetch', box, random(32), LIMITS, signal, () => true)
    if (opened === undefined) throw new Error('no visit')
    opened.exchange.write(signBox(p, ownerSeed, boxTranscript('owner', 'fetch', opened.visit, peers)))
    await carrier.heard.next('box-opened')
    writeTaken(opened.exchange, [random(16)])
    await carrier.heard.next('letters-taken')
    opened.exchange.write(Uint8Array.of(0xff, 0xff))
    await opened.exchange.ended
    expect(carrier.heard.of('letters-taken')).toHaveLength(1)
  })

  test('more envelopes at once than may wait are turned away', async () => {
    const carol = person()
    const carrier = await online(carol, { acquaintances: knowing(carol, { carries: true }), limits: { mailPuts: 1 } })
    const thief = await hostile()
    const connection = await thief.dialAsStranger(carrier.address)
    const signal = AbortSignal.timeout(DEADLINE_MS)
    const leave = async (): Promise<Exchange> => {
      const stream = await connection.newStream(BOX, { signal })
      const opened = await visit(stream, 'leave', box, random(32), LIMITS, signal, () => true)
      if (opened === undefined) throw new Error('no visit')
      writeMail(opened.exchange, envelope())
      return opened.exchange
    }
    const first = await leave()
    const { request } = await carrier.heard.next('mail-put')
    const second = await leave()
    expect(await readStatus(second, LIMITS)).toBeUndefined()
    carrier.net.perform({ type: 'mail-answer', request, status: 'ok' })
    expect(await readStatus(first, LIMITS)).toBe('ok')
    expect(carrier.heard.of('mail-put')).toHaveLength(1)
  })
})
