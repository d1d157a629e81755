import { expect, test } from 'vitest'
import { friends, online, random } from './world.ts'

const frame = (length = 300): { id: Uint8Array; bytes: Uint8Array } => ({ id: random(16), bytes: random(length) })

test('two contacts meet by hello, and frames and acknowledgements go both ways in order', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const b = await online(bob)
  a.want(bob, [b.address])
  const atA = await a.heard.next('connected')
  const atB = await b.heard.next('connected')
  expect(atA).toMatchObject({ contact: bob.id, device: bob.keys.id, dialed: true, via: 'lan', address: b.address })
  expect(atB).toMatchObject({ contact: alice.id, device: alice.keys.id, dialed: false, via: 'lan' })

  const sent = Array.from({ length: 20 }, (_, i) => frame(100 + i * 400))
  for (const one of sent) a.net.perform({ type: 'send', connection: atA.connection, frames: [one] })
  expect(await b.heard.frames(20)).toEqual(sent.map(({ bytes }) => bytes))
  expect(b.heard.of('frames')[0]).toMatchObject({
    connection: atB.connection,
    contact: alice.id,
    device: alice.keys.id,
  })
  b.net.perform({ type: 'acknowledge', connection: atB.connection, ids: sent.slice(0, 19).map(({ id }) => id) })
  b.net.perform({ type: 'no-session', connection: atB.connection, ids: sent.slice(19).map(({ id }) => id) })
  expect((await a.heard.next('acknowledged')).ids).toEqual(sent.slice(0, 19).map(({ id }) => id))
  expect((await a.heard.next('no-session')).ids).toEqual([sent[19]?.id])

  const back = frame(60_000)
  b.net.perform({ type: 'send', connection: atB.connection, frames: [back] })
  expect(await a.heard.frames(1)).toEqual([back.bytes])
})

test('what acknowledges is heard before the frames that left with it', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const b = await online(bob)
  a.want(bob, [b.address])
  const atA = await a.heard.next('connected')
  const atB = await b.heard.next('connected')
  const text = frame()
  a.net.perform({ type: 'send', connection: atA.connection, frames: [text] })
  await b.heard.frames(1)
  // As one commit's effects are performed, and so in one write. The frame is the receipt, which is not believed before.
  b.net.perform({ type: 'acknowledge', connection: atB.connection, ids: [text.id] })
  b.net.perform({ type: 'send', connection: atB.connection, frames: [frame()] })
  await a.heard.frames(1)
  const answers = a.heard.all.map(({ type }) => type).filter((type) => type === 'acknowledged' || type === 'frames')
  expect(answers).toEqual(['acknowledged', 'frames'])
})

test('10 000 frames to a slow reader arrive once and in order, never more than the credit on the way', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const b = await online(bob)
  a.want(bob, [b.address])
  const { connection } = await a.heard.next('connected')
  const toA = (await b.heard.next('connected')).connection
  const total = 10_000
  const window = 256
  const sent = Array.from({ length: total }, (_, i) => ({ id: numbered(16, i), bytes: numbered(500, i) }))
  let next = 0
  let acknowledged = 0
  let seen = 0
  const all = b.heard.until('all frames', () => (seen === total ? true : undefined))
  const take = b.heard.take
  const answer = (): void => {
    const frames = b.heard.of('frames').flatMap((input) => input.frames)
    for (const bytes of frames) {
      expect(bytes).toEqual(sent[seen]?.bytes)
      b.net.perform({ type: 'acknowledge', connection: toA, ids: [numbered(16, seen++)] })
    }
    b.heard.all.length = 0
    take({ type: 'timer' })
  }
  const answering = (async () => {
    while (seen < total) {
      await b.heard.next('frames')
      await new Promise(setImmediate)
      answer()
    }
  })()
  while (acknowledged < total) {
    while (next < total && next - acknowledged < window) {
      a.net.perform({ type: 'send', connection, frames: sent.slice(next, next + 1) })
      next++
    }
    const input = await a.heard.next('acknowledged')
    a.heard.all.length = 0
    acknowledged += input.ids.length
  }
  await answering
  await all
  expect(acknowledged).toBe(total)
})

test('who sends on without waiting for acknowledgements made a mistake, and is told', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const b = await online(bob)
  a.want(bob, [b.address])
  const { connection } = await a.heard.next('connected')
  const send = (n: number): void => {
    a.net.perform({ type: 'send', connection, frames: Array.from({ length: n }, () => frame(1000)) })
  }
  send(1024)
  expect(() => send(1)).toThrow(RangeError)
  // What was within the credit arrives all the same.
  const toA = (await b.heard.next('connected')).connection
  await b.heard.until('a part', () => (b.heard.of('frames').length > 0 ? true : undefined))
  expect(toA).toBeGreaterThan(0)
})

test('an effect for a connection that has ended is dropped', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const b = await online(bob)
  a.want(bob, [b.address])
  const { connection } = await a.heard.next('connected')
  await b.heard.next('connected')
  a.net.perform({ type: 'unwant', contact: bob.id })
  a.net.perform({ type: 'close', connection })
  await a.heard.next('disconnected')
  await b.heard.next('disconnected')
  a.net.perform({ type: 'send', connection, frames: [frame()] })
  a.net.perform({ type: 'acknowledge', connection, ids: [random(16)] })
  a.net.perform({ type: 'ask-bundle', connection, contact: bob.id, inviteSecret: null })
  expect(await a.heard.next('bundle-answered')).toMatchObject({ contact: bob.id, answer: { status: 'unreachable' } })
  expect(a.heard.of('disconnected')).toHaveLength(1)
})

/** `length` bytes that tell one `i` from another. */
function numbered(length: number, i: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(i % 251)
  new DataView(bytes.buffer).setUint32(0, i)
  return bytes
}
