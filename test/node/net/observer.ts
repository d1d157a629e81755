/**
 * Somebody who runs a part of the DHT's servers, writes down all that they see, and answers as it pleases.
 *
 * Holds: until it is told to misbehave it is as good a server as any, so that it is asked, and put at.
 */
import { type DhtMessage, TYPE } from '../../../src/node/net/dht/messages.ts'
import { equal, toBase32 } from '../../../src/protocol/index.ts'
import { honest, type HostileServer, hostileServer } from './dht-hostile.ts'
import { random } from './world.ts'

/** A question as one of its servers got it. */
export interface Sight {
  readonly type: number
  /** The DHT key, as text. */
  readonly key: string
  /** What was put there. */
  readonly value: Uint8Array | undefined
  /** The IP address of whoever asked. */
  readonly from: string
  readonly at: number
}

/** What it answers to who asks for a record that it has. */
export type Mischief = (versions: readonly Uint8Array[], others: readonly Uint8Array[]) => Uint8Array | undefined

export const MISCHIEF = {
  /** The first that ever stood there. */
  old: (versions) => versions[0],
  /** The newest one made newer still, which its signature does not cover. */
  forged: (versions) => versions.at(-1)?.slice().fill(0xff, 39, 40),
  /** All new, under the key of the slot. */
  painted: ([first]) => first && Uint8Array.from([...first.subarray(0, 48), ...random(first.length - 48)]),
  /** What stands in another slot. */
  foreign: (_, others) => others[0],
  /** Nothing, although there is something. */
  withheld: () => undefined,
} satisfies Record<string, Mischief>

export class Observer {
  readonly sights: Sight[] = []
  readonly servers: HostileServer[] = []
  /** All that was ever put in each slot, oldest first. */
  readonly records = new Map<string, Uint8Array[]>()
  /** What it said although nobody had put it there. */
  readonly forgeries: Uint8Array[] = []
  /** Answers that were not what an honest server would have said. */
  lies = 0
  #mischief: readonly Mischief[] = []
  #answers = 0

  static async make(servers: number): Promise<Observer> {
    const made = new Observer()
    for (let i = 0; i < servers; i++) {
      made.servers.push(await hostileServer((question, from) => made.#answer(question, from)))
    }
    return made
  }

  /** From now on the servers lie, in each answer in the next of these ways. */
  misbehave(...mischief: readonly Mischief[]): void {
    this.#mischief = mischief
  }

  /** What was put from an address. */
  putFrom(address: string): readonly Sight[] {
    return this.sights.filter(({ type, from }) => type === TYPE.put && from === address)
  }

  /** Who asked for a slot. */
  askers(key: string): ReadonlySet<string> {
    return new Set(this.sights.filter((one) => one.type === TYPE.get && one.key === key).map(({ from }) => from))
  }

  #answer(question: DhtMessage, remote = ''): DhtMessage {
    const { type, key, record } = question
    const name = new TextDecoder().decode(key)
    const from = remote.split('/')[2] ?? ''
    this.sights.push({ type, key: name, value: record?.value, from, at: Date.now() })
    if (type === TYPE.put && record !== undefined) this.#keep(name, record.value)
    if (type !== TYPE.get) return honest(question)
    const value = this.#valueFor(name)
    return { type, key, record: value && { key, value }, closer: [] }
  }

  #valueFor(name: string): Uint8Array | undefined {
    const versions = this.records.get(name)
    const newest = versions?.at(-1)
    const lie = this.#mischief[this.#answers++ % this.#mischief.length]
    if (versions === undefined || lie === undefined) return newest
    const others = [...this.records].filter(([other]) => other !== name).flatMap(([, [first]]) => first ?? [])
    const said = lie(versions, others)
    if (said === undefined || newest === undefined || !equal(said, newest)) this.lies++
    if (said !== undefined && !versions.some((one) => equal(one, said))) this.forgeries.push(said)
    return said
  }

  #keep(name: string, value: Uint8Array): void {
    const known = this.records.get(name) ?? []
    if (known.some((one) => equal(one, value))) return
    this.records.set(name, [...known, value])
  }
}

/** Byte strings of five that two records have in common, wherever they stand, their numbers in clear left out. */
export function inCommon(a: Uint8Array, b: Uint8Array): readonly string[] {
  const windows = (record: Uint8Array): readonly string[] =>
    [record.subarray(0, 32), record.subarray(48)].flatMap((part) =>
      Array.from({ length: part.length - 4 }, (_, at) => toBase32(part.subarray(at, at + 5))),
    )
  const others = new Set(windows(b))
  return windows(a).filter((one) => others.has(one))
}

/** How far bytes are from evenly spread: chi square of 256 values. Of random bytes: 255 in the mean, standard deviation 22.6. */
export function unevenness(records: readonly Uint8Array[]): number {
  const counts = new Array<number>(256).fill(0)
  let total = 0
  for (const record of records)
    for (const byte of record) {
      counts[byte] = (counts[byte] ?? 0) + 1
      total++
    }
  return counts.reduce((sum, count) => sum + (count - total / 256) ** 2 / (total / 256), 0)
}

/** Of all places in the records the one where fewest different bytes stand, and how many: 1 where all say the same. */
export function leastVaried(records: readonly Uint8Array[], from: number, to: number): number {
  const places = Array.from({ length: to - from }, (_, i) => new Set(records.map((record) => record[from + i])).size)
  return Math.min(...places)
}
