/**
 * What putting and looking up cost in a simulated hash table of so many servers: while all are there, when a fifth has left, and
 * when half has.
 *
 * Nodes that put and look up have just come, and know no more than what their joining taught them; each look-up is of a record
 * that its node never saw. Who left did so after everybody had joined and every record lay where it should: nobody was told, no
 * table forgets them, and what they held is not put again. That is the worst hour of a hash table, not a usual one.
 */
import { type Asker, type Did, getEach, putEach } from './asker.ts'
import { Plain } from './plain.ts'
import { ours, Swarm } from './swarm.ts'

/** A round trip between two nodes anywhere: nearby 10 ms, across an ocean 150 ms. */
const ROUND_TRIP_MS = 50

/** Of many puts or look-ups. */
export interface Figures {
  readonly ok: number
  readonly of: number
  /** Mean, and most; NaN where nothing was found. */
  readonly hops: number
  readonly hopsMost: number
  /** Questions of every kind until nothing ran any more, also those that only fill the table: median. */
  readonly messages: number
  readonly dials: number
  /** Until the answer: median, and what 95 of 100 stay below. */
  readonly ms: number
  readonly ms95: number
}

export interface Scale {
  readonly servers: number
  readonly put: Figures
  /** While all are there, with a fifth gone, with half gone. */
  readonly get: readonly [Figures, Figures, Figures]
  /** kad-dht with its defaults, while all are there. */
  readonly plain: { readonly put: Figures; readonly get: Figures }
}

export interface Amount {
  /** Nodes that put, and nodes that look up at each of the three times. */
  readonly nodes: number
  /** Puts or look-ups of each. */
  readonly each: number
}

/** A hundred of each: one may fail. */
export const HUNDRED: Amount = { nodes: 10, each: 10 }

export async function measureScale(servers: number, { nodes, each }: Amount): Promise<Scale> {
  // kad-dht ends most questions with an error, whose trace nobody reads and which costs as much as the question.
  Error.stackTraceLimit = 0
  const swarm = new Swarm(servers, { roundTripMs: ROUND_TRIP_MS })
  const plain = await swarm.join(Math.ceil(nodes / 3), (peer, begin, board) => new Plain(peer, begin, board))
  const writers = await swarm.join(nodes, ours)
  const readers = [await swarm.join(nodes, ours), await swarm.join(nodes, ours), await swarm.join(nodes, ours)] as const
  const everybody: readonly Asker[] = [...plain, ...writers, ...readers.flat()]
  try {
    const put = await putEach(writers, each)
    const plainPut = await putEach(plain, each)
    const plainGet = await getEach(plain, each, put.records)
    const all = await getEach(readers[0], each, put.records)
    swarm.leave(Math.round(servers * 0.2))
    const fewer = await getEach(readers[1], each, put.records)
    swarm.leave(Math.round(servers * 0.3))
    const half = await getEach(readers[2], each, put.records)
    return {
      servers,
      put: figures(put.did),
      get: [figures(all), figures(fewer), figures(half)],
      plain: { put: figures(plainPut.did), get: figures(plainGet) },
    }
  } finally {
    await Promise.all(everybody.map((asker) => asker.stop()))
  }
}

function figures(did: readonly Did[]): Figures {
  const hops = did.flatMap((one) => one.hops ?? [])
  const messages = did.map(({ counts: { find, get, put, ping } }) => find + get + put + ping)
  return {
    ok: did.filter(({ ok }) => ok).length,
    of: did.length,
    hops: hops.reduce((sum, one) => sum + one, 0) / hops.length,
    hopsMost: Math.max(...hops),
    messages: quantile(messages, 0.5),
    dials: quantile(
      did.map(({ counts: { dials } }) => dials),
      0.5,
    ),
    ms: quantile(
      did.map(({ ms }) => ms),
      0.5,
    ),
    ms95: quantile(
      did.map(({ ms }) => ms),
      0.95,
    ),
  }
}

function quantile(values: readonly number[], of: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))] ?? Number.NaN
}
