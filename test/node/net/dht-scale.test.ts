/**
 * The hash table among hundreds of simulated servers (scripts/bench/swarm): what is put is found in few hops with few questions,
 * also when many have left without a word. Larger ones are measured by `npm run bench -- p8`.
 */
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { expect, onTestFinished, test } from 'vitest'
import { type Asker, type Did, getEach, putEach } from '../../../scripts/bench/swarm/asker.ts'
import { drawing, some } from '../../../scripts/bench/swarm/peers.ts'
import { type MakeAsker, Swarm } from '../../../scripts/bench/swarm/swarm.ts'
import { Whole } from '../../../scripts/bench/swarm/whole.ts'

const HOLDERS = 20

/** However busy the machine is, who is there answers in time. */
const patient: MakeAsker<Whole> = (peer, begin, board, machine) =>
  new Whole(peer, begin, board, machine, {
    limits: { ...LIMITS, dhtMs: 30_000, dhtLeastMs: 20_000, dhtQueryMs: 60_000, dhtWaitMs: 30_000, addressMs: 30_000 },
  })

async function join<A extends Asker>(swarm: Swarm, count: number, make: MakeAsker<A>): Promise<readonly A[]> {
  const joined = await swarm.join(count, make)
  onTestFinished(async () => {
    await Promise.all(joined.map((one) => one.stop()))
  })
  return joined
}

const okOf = (did: readonly Did[]): number => did.filter(({ ok }) => ok).length
const hopsOf = (did: readonly Did[]): number[] => did.map(({ hops }) => hops ?? Number.POSITIVE_INFINITY)
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length
const questions = (did: readonly Did[]): number =>
  mean(did.map(({ counts: { find, get, put, ping } }) => find + get + put + ping))

test.for([100, 300])('among %i servers each record is found, also when a fifth of them has left', async (servers) => {
  const swarm = new Swarm(servers, { refuses: true })
  const writers = await join(swarm, 2, patient)
  const [one, two] = [await join(swarm, 2, patient), await join(swarm, 2, patient)]
  const put = await putEach(writers, 4)
  expect(okOf(put.did)).toBe(8)
  expect(swarm.servers.reduce((sum, { stored }) => sum + stored, 0)).toBeGreaterThan(0.9 * 8 * HOLDERS)
  expect(questions(put.did)).toBeLessThan(200)

  const found = await getEach(one, 4, put.records)
  expect(okOf(found)).toBe(8)
  expect(Math.max(...hopsOf(found))).toBeLessThanOrEqual(Math.log2(servers))
  expect(questions(found)).toBeLessThan(120)

  swarm.leave(servers * 0.2)
  const fewer = await getEach(two, 4, put.records)
  expect(okOf(fewer)).toBe(8)
  expect(Math.max(...hopsOf(fewer))).toBeLessThanOrEqual(Math.log2(servers))

  // The control: with everybody gone, nobody finds anything.
  swarm.leave(servers)
  expect(okOf(await getEach(two, 1, put.records))).toBe(0)
})

test('a node that met four thousand servers remembers all that are near to it, and of the others a few', async () => {
  const swarm = new Swarm(4000)
  const [node] = await join(
    swarm,
    1,
    (peer, _, board, machine) => new Whole(peer, [], board, machine, { serves: true }),
  )
  const order = some(swarm.servers, swarm.servers.length, drawing('in any order'))
  for (let at = 0; at < order.length; at += 8)
    await Promise.all(order.slice(at, at + 8).map(({ peer }) => node!.dial(peer)))
  await expect.poll(() => node!.meter.running, { timeout: 20_000 }).toBe(0)

  const nearest = swarm.nearest(node!.peer.bytes).slice(0, HOLDERS)
  const named = await swarm.namedBy(node!, swarm.servers.find(({ peer }) => !nearest.includes(peer))!, node!.peer.bytes)
  const texts = (ids: readonly Uint8Array[]): string[] => ids.map((id) => Buffer.from(id).toString('hex')).sort()
  expect(texts(named)).toEqual(texts(nearest.map(({ bytes }) => bytes)))
  expect(node!.servers).toBeLessThanOrEqual(HOLDERS * Math.log2(4000))
})
