/**
 * A node of the simulated hash table that puts and looks up, whatever is inside; and what that costs it.
 */
import { randomBytes } from 'node:crypto'
import { nodejs as p } from '../../../src/node/platform/nodejs-primitives.ts'
import { dhtKey, equal, sealSlot, type SlotRecord, slotOf } from '../../../src/protocol/index.ts'
import { type Counts, type Meter, quiet } from './meter.ts'

export interface Asker {
  readonly meter: Meter
  join(): Promise<void>
  /** Whether a server took it. */
  put(record: SlotRecord): Promise<boolean>
  /** The value that it finds in the slot of a record. */
  get(record: SlotRecord): Promise<Uint8Array | undefined>
  stop(): Promise<void>
}

/** One put or look-up, and all that was asked until nothing ran any more. */
export interface Did {
  readonly ok: boolean
  readonly ms: number
  /** To the first record that came. */
  readonly hops: number | undefined
  readonly counts: Counts
}

/** Each of them puts as many fresh records, one after another. */
export async function putEach(
  askers: readonly Asker[],
  each: number,
): Promise<{ readonly records: readonly SlotRecord[]; readonly did: readonly Did[] }> {
  const records: SlotRecord[] = []
  const did = await fewAtOnce(askers, each, (asker) => {
    const record = freshRecord()
    records.push(record)
    return measured(asker, record, () => asker.put(record))
  })
  return { records, did }
}

/** Each of them looks up as many of the records, one after another. */
export function getEach(
  askers: readonly Asker[],
  each: number,
  records: readonly SlotRecord[],
): Promise<readonly Did[]> {
  let next = 0
  return fewAtOnce(askers, each, (asker) => {
    const record = records[next++ % records.length]
    if (record === undefined) throw new Error('there is nothing to look up')
    return measured(asker, record, async () => {
      const value = await asker.get(record)
      return value !== undefined && equal(value, record.value)
    })
  })
}

async function measured(asker: Asker, record: SlotRecord, act: () => Promise<boolean>): Promise<Did> {
  await quiet(asker.meter)
  asker.meter.take()
  const before = performance.now()
  const ok = await act()
  const ms = performance.now() - before
  await quiet(asker.meter)
  const hops = asker.meter.hopsTo(dhtKey(record.kind, record.name))
  return { ok, ms, hops, counts: asker.meter.take() }
}

/** Askers that are at work at once. */
const AT_ONCE = 10

async function fewAtOnce(
  askers: readonly Asker[],
  each: number,
  act: (asker: Asker) => Promise<Did>,
): Promise<readonly Did[]> {
  const left = [...askers]
  const did: Did[] = []
  const work = async (): Promise<void> => {
    for (let asker = left.shift(); asker !== undefined; asker = left.shift())
      for (let i = 0; i < each; i++) did.push(await act(asker))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return did
}

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

/** A record as an owner makes it. */
function freshRecord(): SlotRecord {
  const version = { seq: 1, nowMs: Date.now() }
  return sealSlot(p, random, 'rv1', slotOf(p, random(32)), random(32), version, random(100))
}
