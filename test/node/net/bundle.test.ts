import { expect, test } from 'vitest'
import { BUNDLE, LIMITS } from '../../../src/node/net/protocols.ts'
import { inviteProof, noble as p } from '../../../src/protocol/index.ts'
import { concat } from '../../../src/protocol/bytes.ts'
import { dialAsContact, hostile } from './hostile.ts'
import { befriend, friends, online, person, random } from './world.ts'

test('an invited stranger proves the secret to this very peer, and gets the answer of its engine', async () => {
  const alice = person()
  const bob = person()
  const a = await online(alice)
  const b = await online(bob)
  const inviteSecret = random(32)
  a.want(bob, [b.address], { stranger: true })
  const { connection } = await a.heard.next('reached-stranger')
  a.net.perform({ type: 'ask-bundle', connection, contact: bob.id, inviteSecret })
  const asked = await b.heard.next('bundle-asked')
  expect(asked).toMatchObject({ contact: null, device: null })
  expect(asked.proof).toEqual(inviteProof(p, inviteSecret, asked.ends.remote, asked.ends.local))
  const [bundle, mac] = [random(LIMITS.bundle), random(32)]
  b.net.perform({
    type: 'answer-bundle',
    connection: asked.connection,
    request: asked.request,
    status: 'bundle',
    bundle,
    mac,
  })
  const { answer, contact } = await a.heard.next('bundle-answered')
  expect(contact).toBe(bob.id)
  expect(answer).toEqual({
    status: 'bundle',
    bundle,
    mac,
    ends: { local: asked.ends.remote, remote: asked.ends.local },
  })
})

test('a contact asks without a proof, and any status comes through', async () => {
  const { alice, bob } = friends()
  const a = await online(alice)
  const b = await online(bob)
  a.want(bob, [b.address])
  const { connection } = await a.heard.next('connected')
  for (const [i, status] of (['used', 'expired', 'unknown'] as const).entries()) {
    a.net.perform({ type: 'ask-bundle', connection, contact: bob.id, inviteSecret: null })
    const asked = await b.heard.next('bundle-asked', i + 1)
    expect(asked).toMatchObject({ contact: alice.id, device: alice.keys.id, proof: null })
    const { connection: toA, request } = asked
    b.net.perform({
      type: 'answer-bundle',
      connection: toA,
      request,
      status,
      bundle: new Uint8Array(),
      mac: new Uint8Array(32),
    })
    expect((await a.heard.next('bundle-answered', i + 1)).answer).toMatchObject({ status })
  }
})

test('no answer is one: when the engine is silent, when the connection breaks, when there is none', async () => {
  const { alice, bob } = friends()
  // Long enough for the question to arrive on a busy machine.
  const a = await online(alice, { limits: { bundleMs: 2000 } })
  const b = await online(bob)
  a.want(bob, [b.address])
  const { connection } = await a.heard.next('connected')
  const ask = (): void => a.net.perform({ type: 'ask-bundle', connection, contact: bob.id, inviteSecret: null })
  ask()
  const { request, connection: toA } = await b.heard.next('bundle-asked')
  expect((await a.heard.next('bundle-answered')).answer).toEqual({ status: 'unreachable' })
  // Too late: nobody waits for it.
  b.net.perform({
    type: 'answer-bundle',
    connection: toA,
    request,
    status: 'unknown',
    bundle: new Uint8Array(),
    mac: new Uint8Array(32),
  })
  ask()
  await b.heard.next('bundle-asked', 2)
  await b.stop()
  expect((await a.heard.next('bundle-answered', 2)).answer).toEqual({ status: 'unreachable' })
  ask()
  expect((await a.heard.next('bundle-answered', 3)).answer).toEqual({ status: 'unreachable' })
})

test('an answer that is none of the four, too long, or cut off, is no answer', async () => {
  const alice = person()
  const bob = person()
  befriend(alice, bob)
  const a = await online(alice, { limits: { bundleMs: 300 } })
  const raw = await hostile()
  const mac = new Uint8Array(32)
  const answers = [
    concat(Uint8Array.of(4), mac, Uint8Array.of(0, 0)),
    concat(Uint8Array.of(0), mac, Uint8Array.of(0xff, 0xff), new Uint8Array(0xffff)),
    concat(Uint8Array.of(0), mac, Uint8Array.of(0, 9, 1)),
    concat(Uint8Array.of(1), mac, Uint8Array.of(0, 1, 1)),
  ]
  let next = 0
  await raw.node.handle(BUNDLE, async (stream) => {
    stream.send(answers[next++] ?? new Uint8Array(1))
    await stream.close()
  })
  await dialAsContact(raw, bob, a.address)
  const { connection } = await a.heard.next('connected')
  for (let i = 1; i <= answers.length; i++) {
    a.net.perform({ type: 'ask-bundle', connection, contact: bob.id, inviteSecret: null })
    expect((await a.heard.next('bundle-answered', i)).answer).toEqual({ status: 'unreachable' })
  }
  expect(next).toBe(answers.length)
  expect(a.heard.of('disconnected')).toEqual([])
})
