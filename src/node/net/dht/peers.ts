/**
 * Peers of the DHT that this node knows: where they are, which of them stand in the routing table, which did not answer.
 *
 * Holds: addresses are here that told.ts let pass, and no others; the book is bounded, and forgets first who never answered.
 */
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Peer, PeerId, PeerStore } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { type Primitives, compare } from '../../../protocol/index.ts'
import type { Address } from '../addresses.ts'
import type { Limits } from '../protocols.ts'

/** Peers of one distance in the routing table: Kademlia's k. */
export const BUCKET = 20
/** Addresses kept of one peer. */
const ADDRESSES = 4
/** Failures one after another after which a peer that answered before is taken for gone. */
const PATIENCE = 2
/** Failures after which it is forgotten: half an hour, with its rests. */
const HOPELESS = 8

export interface DhtPeerKnown {
  readonly id: PeerId
  /** The PeerID as text. */
  readonly text: string
  /** Its raw bytes. */
  readonly bytes: Uint8Array
  /** Where it stands among keys: the hash of its PeerID. */
  readonly place: Uint8Array
  addresses: readonly Address[]
  inTable: boolean
  failures: number
  /** Not asked before: it did not answer. */
  restUntil: number
  /** 0: never. */
  answeredAt: number
}

export class DhtPeers {
  readonly #p: Primitives
  readonly #limits: Limits
  readonly #now: () => number
  /** Our own place. */
  readonly #place: Uint8Array
  readonly #peers = new Map<string, DhtPeerKnown>()
  readonly #watchers = new Set<() => void>()

  /** `self`: raw bytes of our own PeerID. */
  constructor(p: Primitives, limits: Limits, now: () => number, self: Uint8Array) {
    this.#p = p
    this.#limits = limits
    this.#now = now
    this.#place = p.sha256(self)
  }

  get(text: string): DhtPeerKnown | undefined {
    return this.#peers.get(text)
  }

  /** The peer of that id, with these addresses before those that were known. */
  learn(id: PeerId, addresses: readonly Address[]): DhtPeerKnown {
    const text = id.toString()
    const known = this.#peers.get(text) ?? this.#add(id, text)
    const merged = new Map([...addresses, ...known.addresses].map((address) => [address.text, address]))
    known.addresses = [...merged.values()].slice(0, ADDRESSES)
    return known
  }

  /** Who stands in the routing table. */
  table(): readonly DhtPeerKnown[] {
    return [...this.#peers.values()].filter(({ inTable }) => inTable)
  }

  /** Everybody, whether in the routing table or not. */
  known(): readonly DhtPeerKnown[] {
    return [...this.#peers.values()]
  }

  /**
   * Whether a newcomer finds its bucket full: as in Kademlia, of the peers of each distance (to a power of two) the table holds
   * only so many, and so all of those near to us.
   */
  isCrowded({ place }: DhtPeerKnown): boolean {
    const distance = sharedBits(place, this.#place)
    return this.table().filter((peer) => sharedBits(peer.place, this.#place) === distance).length >= BUCKET
  }

  /** Those in the routing table nearest to a key. */
  closest(key: Uint8Array): readonly DhtPeerKnown[] {
    const place = this.#p.sha256(key)
    const distance = (peer: DhtPeerKnown): Uint8Array => peer.place.map((byte, i) => byte ^ (place[i] ?? 0))
    const measured = this.table().map((peer) => ({ peer, distance: distance(peer) }))
    return measured.toSorted((a, b) => compare(a.distance, b.distance)).map(({ peer }) => peer)
  }

  /** Some who are worth another try: they are not in the table, and have rested. */
  candidates(most: number): readonly DhtPeerKnown[] {
    const now = this.#now()
    const rested = this.known().filter((peer) => !peer.inTable && peer.restUntil <= now && peer.addresses.length > 0)
    return rested.toSorted((a, b) => a.failures - b.failures).slice(0, most)
  }

  answered(text: string): void {
    const peer = this.#peers.get(text)
    if (peer === undefined) return
    peer.answeredAt = this.#now()
    peer.failures = 0
    peer.restUntil = 0
  }

  /** A question had no answer. Returns whether the peer is to leave the routing table. */
  failed(text: string): boolean {
    const peer = this.#peers.get(text)
    if (peer === undefined) return false
    peer.failures++
    if (peer.answeredAt !== 0 && peer.failures < PATIENCE) return false
    if (peer.failures > HOPELESS && !peer.inTable) this.#peers.delete(text)
    const { dhtRestMs, dhtRestMaxMs } = this.#limits
    peer.restUntil = this.#now() + Math.min(dhtRestMs * 2 ** (peer.failures - 1), dhtRestMaxMs)
    return true
  }

  /** Rests are over: the network changed. */
  restless(): void {
    for (const peer of this.#peers.values()) peer.restUntil = 0
  }

  /** Resolves when the routing table has passed a test, or the signal says so. */
  until(passes: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!passes() && !signal.aborted) return
        this.#watchers.delete(look)
        signal.removeEventListener('abort', look)
        resolve()
      }
      this.#watchers.add(look)
      signal.addEventListener('abort', look, { once: true })
      look()
    })
  }

  /** Called whenever somebody enters or leaves the routing table. */
  watch(look: () => void): void {
    this.#watchers.add(look)
  }

  /** What kad-dht uses of a peer store: its tags say who stands in the routing table. */
  asPeerStore(): Pick<PeerStore, 'get' | 'merge' | 'all'> {
    return {
      get: async (id) => asPeer(this.learn(id, [])),
      all: async () => [],
      merge: async (id, { tags }) => {
        const known = this.learn(id, [])
        const tag =
          tags !== undefined && !(tags instanceof Map) && TABLE_TAG in tags ? { to: tags[TABLE_TAG] } : undefined
        if (tag !== undefined) this.#setInTable(known, tag.to !== undefined)
        return asPeer(known)
      },
    }
  }

  #setInTable(peer: DhtPeerKnown, inTable: boolean): void {
    if (peer.inTable === inTable) return
    peer.inTable = inTable
    for (const look of [...this.#watchers]) look()
  }

  #add(id: PeerId, text: string): DhtPeerKnown {
    if (this.#peers.size >= this.#limits.dhtPeers) this.#forget()
    const bytes = id.toMultihash().bytes
    const peer: DhtPeerKnown = {
      id,
      text,
      bytes,
      place: this.#p.sha256(bytes),
      addresses: [],
      inTable: false,
      failures: 0,
      restUntil: 0,
      answeredAt: 0,
    }
    this.#peers.set(text, peer)
    return peer
  }

  /** The oldest of those outside the table that never answered, or else of those outside. */
  #forget(): void {
    const outside = [...this.#peers.values()].filter(({ inTable }) => !inTable)
    const one = outside.find(({ answeredAt }) => answeredAt === 0) ?? outside[0]
    if (one !== undefined) this.#peers.delete(one.text)
  }
}

/** Bits at the start of both that are alike. */
function sharedBits(a: Uint8Array, b: Uint8Array): number {
  const byte = a.findIndex((one, i) => one !== b[i])
  return byte < 0 ? a.length * 8 : byte * 8 + Math.clz32((a[byte] ?? 0) ^ (b[byte] ?? 0)) - 24
}

/** kad-dht's tag for peers in its routing table. */
const TABLE_TAG = 'kad-peer'

/** The PeerID of bytes that isPeerId() let pass: six bytes of what all of them share, and the key. */
export const peerOf = (bytes: Uint8Array): PeerId => peerIdFromPublicKey(publicKeyFromRaw(bytes.subarray(6)))

function asPeer({ id, addresses }: DhtPeerKnown): Peer {
  return {
    id,
    addresses: addresses.map(({ text }) => ({ multiaddr: multiaddr(text), isCertified: false })),
    protocols: [],
    metadata: new Map(),
    tags: new Map(),
  }
}
