/**
 * A link that somebody holds is not let go of.
 */
import type { Connection } from '@libp2p/interface'
import { expect, test, vi } from 'vitest'
import { Link } from '../../../src/node/net/link.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { person, random } from './world.ts'

/** A link without a network: what ends it, and its streams, are variables. */
function world() {
  const abort = vi.fn()
  const stream = Object.assign(new EventTarget(), { status: 'open' })
  const connection = {
    remotePeer: { toString: () => 'peer' },
    direction: 'outbound',
    streams: [],
    newStream: async () => (stream.status === 'open' ? stream : Promise.reject(new Error('no stream'))),
    abort,
  } as unknown as Connection
  const facts = {
    id: 1,
    ends: { local: random(38), remote: random(38) },
    address: '',
    via: 'lan',
    relay: null,
    openedAt: 0,
  } as const
  const link = new Link(connection, facts, LIMITS)
  link.standing = { phase: 'stranger', reachedFor: null }
  return { link, abort, stream }
}

const signal = AbortSignal.timeout(60_000)

test('nobody holds it: it ends at once', () => {
  const { link, abort } = world()
  link.letGo('nobody we know')
  expect(abort).toHaveBeenCalledOnce()
})

test('two hold it: it ends when both gave it back, each once', () => {
  const { link, abort } = world()
  const [one, other] = [link.hold(), link.hold()]
  link.letGo('nobody we know')
  one()
  one()
  expect(abort).not.toHaveBeenCalled()
  other()
  expect(abort).toHaveBeenCalledOnce()
})

test('nobody let it go: given back, it stays', () => {
  const { link, abort } = world()
  link.hold()()
  expect(abort).not.toHaveBeenCalled()
  expect(link.isHeld).toBe(false)
})

test('a contact turned out to be there: it stays', () => {
  const { link, abort } = world()
  const release = link.hold()
  link.letGo('nobody we know')
  const { id: contact, keys } = person()
  link.standing = { phase: 'known', contact, device: keys.id }
  release()
  link.letGo('nobody we know')
  expect(abort).not.toHaveBeenCalled()
})

test('a stream on it holds it until the stream closes; one that could not be opened does not', async () => {
  const { link, abort, stream } = world()
  expect(await link.openHeld('/pair', signal)).toBe(stream)
  link.letGo('nobody we know')
  expect([link.isHeld, abort.mock.calls.length]).toEqual([true, 0])
  stream.dispatchEvent(new Event('close'))
  expect([link.isHeld, abort.mock.calls.length]).toEqual([false, 1])
  stream.status = 'closed'
  expect(await link.openHeld('/pair', signal)).toBeUndefined()
  expect(link.isHeld).toBe(false)
})
