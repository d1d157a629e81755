/**
 * libp2p's kad-dht, held so that it only thinks: which peers to ask next, and which to remember (docs/decisions/0019). It gets no
 * socket, no store and no peer but through what is handed to it here.
 *
 * What its version 16.4.5 does, and is kept from doing:
 * - it asks identify for peers → they are told to it by reach.ts (`meet`);
 * - it pings newcomers by libp2p's ping, of which decision 0010 wants none → by its own ping message;
 * - it stores what is put at it, older over newer, without a bound, under nobody's name → serving.ts answers in its stead;
 * - it takes answers of 4 MiB and any address in them → connections.ts;
 * - it looks for its neighbours every 5 minutes → never by itself; dht.ts says when (`refresh`);
 * - it keeps peers that are gone until their bucket is full → `forget`.
 */
import { type KadDHT, type KadDHTComponents, kadDHT, passthroughMapper, type QueryEvent } from '@libp2p/kad-dht'
import type { Connection, PeerId, Topology } from '@libp2p/interface'
import { start, stop } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import type { DhtConnections } from './connections.ts'
import type { DhtPeers } from './peers.ts'
import { attempt } from '../failures.ts'
import { KAD, type Limits } from '../protocols.ts'

/** Nodes asked at once on a path, and paths that have no node in common (NETWORK: 49 messages a put instead of 285). */
const ALPHA = 6
const PATHS = 2
/** Newcomers dialed at once, so that a look-up among peers that are gone does not wait behind them. */
const NEWCOMERS = 8
/** Bits of a place, to tell buckets apart: with its 6, kad-dht forgets who is near as soon as there are more than 1280 peers. */
const DEPTH = 256
/** The longest that a timer can be set to: 24 days. */
const NEVER_MS = 2 ** 31 - 1

export class Kademlia {
  readonly #kad: KadDHT
  #topology: Topology | undefined

  constructor(libp2p: Pick<Libp2p, 'peerId' | 'logger'>, limits: Limits, peers: DhtPeers, connections: DhtConnections) {
    const timeout = { minTimeout: limits.dhtLeastMs, maxTimeout: limits.dhtMs }
    const components: KadDHTComponents = {
      peerId: libp2p.peerId,
      privateKey: only<KadDHTComponents['privateKey']>('privateKey', {}),
      logger: libp2p.logger,
      events: only<KadDHTComponents['events']>('events', {}),
      addressManager: only<KadDHTComponents['addressManager']>('addressManager', {}),
      peerStore: only<KadDHTComponents['peerStore']>('peerStore', peers.asPeerStore()),
      datastore: only<KadDHTComponents['datastore']>('datastore', {
        put: async (key) => key,
        get: () => Promise.reject(new Error('no store')),
      }),
      ping: only<KadDHTComponents['ping']>('ping', {
        ping: async (id) => {
          if (await connections.ping(peerIdOf(id))) return 0
          throw new Error('no answer')
        },
      }),
      connectionManager: only<KadDHTComponents['connectionManager']>('connectionManager', {
        openStream: (id, _, options) => connections.open(peerIdOf(id), options?.signal),
        isDialable: async () => true,
      }),
      registrar: only<KadDHTComponents['registrar']>('registrar', {
        unhandle: async () => {},
        register: async (_, topology) => {
          this.#topology = topology
          return 'kad'
        },
        unregister: () => {},
      }),
    }
    const init = {
      protocol: KAD,
      clientMode: true,
      alpha: ALPHA,
      disjointPaths: PATHS,
      allowQueryWithZeroPeers: true,
      prefixLength: DEPTH,
      pingNewContactConcurrency: NEWCOMERS,
      initialQuerySelfInterval: NEVER_MS,
      querySelfInterval: NEVER_MS,
      networkDialTimeout: timeout,
      pingNewContactTimeout: timeout,
      pingOldContactTimeout: timeout,
      peerInfoMapper: passthroughMapper,
      validators: { rv1: () => {}, iv1: () => {} },
      selectors: { rv1: () => 0, iv1: () => 0 },
    }
    this.#kad = kadDHT(init)(components)
  }

  start(): Promise<void> {
    return start(this.#kad)
  }

  stop(): Promise<void> {
    return stop(this.#kad)
  }

  /** A peer that serves the DHT: it enters the routing table if it answers and there is room for it. */
  meet(id: PeerId): void {
    void this.#topology?.onConnect?.(id, only<Connection>('connection', {}))
  }

  /** Takes a peer out of the routing table. */
  forget(id: PeerId): void {
    if (hasTable(this.#kad)) void attempt(this.#kad.routingTable.remove(id))
  }

  /** Asks for a value: what peers answer, as it comes. */
  get(key: Uint8Array, signal: AbortSignal): AsyncIterable<QueryEvent> {
    return this.#kad.get(key, { signal })
  }

  put(key: Uint8Array, value: Uint8Array, signal: AbortSignal): AsyncIterable<QueryEvent> {
    return this.#kad.put(key, value, { signal })
  }

  /** Looks for the peers nearest to a key; those who answer on the way enter the routing table. */
  async refresh(key: Uint8Array, signal: AbortSignal): Promise<void> {
    await attempt(drained(this.#kad.getClosestPeers(key, { signal })))
  }
}

async function drained(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events) {
    // Only what it learns on the way counts.
  }
}

/** The part of a libp2p interface that kad-dht uses: anything else fails aloud, for a newer version may use more. */
function only<T extends object>(name: string, used: Partial<T>): T {
  return new Proxy(used, {
    get: (target, key) => {
      if (Reflect.has(target, key) || typeof key === 'symbol') return Reflect.get(target, key)
      throw new TypeError(`kad-dht uses ${name}.${key}, which it is not given`)
    },
  }) as T
}

function peerIdOf(target: unknown): PeerId {
  if (typeof target === 'object' && target !== null && 'toMultihash' in target) return target as PeerId
  throw new TypeError('kad-dht asks for something else than a PeerID')
}

/** kad-dht's interface does not show its table; its class does. */
function hasTable(kad: KadDHT): kad is KadDHT & { routingTable: { remove(id: PeerId): Promise<void> } } {
  return 'routingTable' in kad
}
