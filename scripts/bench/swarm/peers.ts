/**
 * The peers of a simulated hash table: made from a seed, each at an address in a subnet of its own, and whom each of them knows.
 *
 * Who has long been there knows what our routing table (dht/peers.ts) keeps of everybody when it meets them in any order: of the
 * peers of each distance, to a power of two, twenty, and so all of the nearest.
 *
 * Holds: the same seed makes the same peers and tables.
 */
import { createHash } from 'node:crypto'
import { parseAddress } from '../../../src/node/net/addresses.ts'
import { BUCKET, type DhtPeerKnown, peerOf } from '../../../src/node/net/dht/peers.ts'

/** More than one answer holds, for who asks is left out of it. */
const ANSWERED = 24

/** Raw bytes of every Ed25519 PeerID before its key. */
const HEAD = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** A peer as the tables of others hold it. */
export type Peer = DhtPeerKnown & { readonly index: number }

/** Where it is dialed, without its PeerID. */
export const addressText = ({ addresses: [address] }: Peer): string => address?.text ?? ''

/** 32 bytes that depend on nothing but these. */
const hash = (...parts: readonly (string | Uint8Array)[]): Uint8Array => {
  const sha = createHash('sha256')
  for (const part of parts) sha.update(part)
  return new Uint8Array(sha.digest())
}

/** Draws numbers below 1, the same ones for the same seed. */
export function drawing(seed: string): () => number {
  let left: Uint32Array = new Uint32Array()
  let at = 0
  let round = 0
  return () => {
    if (at === left.length) {
      left = new Uint32Array(hash(seed, String(round++)).buffer)
      at = 0
    }
    return (left[at++] ?? 0) / 2 ** 32
  }
}

/** Peer number `index`, below 2^20: alone in its /24. */
export function makePeer(seed: string, index: number): Peer {
  const bytes = new Uint8Array([...HEAD, ...hash('peer', seed, String(index))])
  const id = peerOf(bytes)
  const ip = `${11 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.7`
  const address = parseAddress(`/ip4/${ip}/tcp/4001`)
  if (address === undefined) throw new Error(`${ip} is no address`)
  return {
    index,
    id,
    text: id.toString(),
    bytes,
    place: hash(bytes),
    addresses: [address],
    inTable: true,
    failures: 0,
    restUntil: 0,
    answeredAt: 1,
  }
}

/** All of the peers, and whom each of them knows. */
export class Population {
  readonly peers: readonly Peer[]
  readonly #seed: string
  /** Peers in the order of their places, and the first 64 bits of those. */
  readonly #sorted: readonly Peer[]
  readonly #heads: BigUint64Array

  constructor(seed: string, count: number) {
    this.#seed = seed
    this.peers = Array.from({ length: count }, (_, index) => makePeer(seed, index))
    this.#sorted = this.peers.toSorted((a, b) => Buffer.compare(a.place, b.place))
    this.#heads = BigUint64Array.from(this.#sorted, ({ place }) => headOf(place))
  }

  /** Whom a peer knows after a long time: positions in the order of places. */
  tableOf({ index, place }: Peer): Uint32Array {
    const draw = drawing(`table ${this.#seed} ${index}`)
    const own = headOf(place)
    const known: number[] = []
    for (let bits = 1n; bits <= 64n; bits++) {
      const width = 1n << (64n - bits)
      const from = ((own / width) ^ 1n) * width
      known.push(...someBetween(this.#after(from), this.#after(from + width), BUCKET, draw))
    }
    return Uint32Array.from(known)
  }

  /** Those of a table that are nearest to a key, the nearest first. */
  nearest(table: Uint32Array, key: Uint8Array): readonly Peer[] {
    const place = headOf(hash(key))
    const measured = Array.from(table, (at) => ({ at, distance: (this.#heads[at] ?? 0n) ^ place }))
    measured.sort((a, b) => (a.distance < b.distance ? -1 : 1))
    return measured.slice(0, ANSWERED).flatMap(({ at }) => this.#sorted[at] ?? [])
  }

  /** The first position whose place is not before this one. */
  #after(head: bigint): number {
    let [low, high] = [0, this.#heads.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#heads[middle] ?? 0n) < head) low = middle + 1
      else high = middle
    }
    return low
  }
}

const headOf = (place: Uint8Array): bigint => new DataView(place.buffer, place.byteOffset).getBigUint64(0)

/** `count` of these, or all, in an order that is drawn. */
export function some<T>(these: readonly T[], count: number, draw: () => number): readonly T[] {
  const left = [...these]
  for (let at = 0; at < Math.min(count, left.length); at++) {
    const other = at + Math.floor(draw() * (left.length - at))
    const [one, two] = [left[at], left[other]]
    if (one === undefined || two === undefined) continue
    left[at] = two
    left[other] = one
  }
  return left.slice(0, count)
}

/** `count` numbers from `from` on and below `to`, or all of them; drawn. */
function someBetween(from: number, to: number, count: number, draw: () => number): Iterable<number> {
  if (to - from <= count) return Array.from({ length: to - from }, (_, i) => from + i)
  const drawn = new Set<number>()
  while (drawn.size < count) drawn.add(from + Math.floor(draw() * (to - from)))
  return drawn
}
