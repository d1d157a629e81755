/**
 * The yardstick: kad-dht as libp2p's documentation sets it up, with its own look-ups, table and timeouts, among the same servers.
 * Given are its protocol, that it keeps public addresses apart from nothing, and validators for our records.
 */
import type { Connection, PeerDiscoveryEvents, PeerId, Stream, Topology, TypedEventTarget } from '@libp2p/interface'
import { start, stop } from '@libp2p/interface'
import { type KadDHT, type KadDHTComponents, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { KAD } from '../../../src/node/net/protocols.ts'
import { dhtKey, type SlotRecord } from '../../../src/protocol/index.ts'
import type { Asker } from './asker.ts'
import { Meter, quiet } from './meter.ts'
import type { Peer } from './peers.ts'
import { type Line, type Station, silent, type Switchboard } from './switchboard.ts'

/** libp2p's: one dial, of all addresses. */
const DIAL_MS = 10_000

export class Plain implements Station, Asker {
  readonly peer: Peer
  readonly serves = false
  readonly meter = new Meter()
  isUp = true
  readonly #begin: readonly Peer[]
  readonly #board: Switchboard
  readonly #kad: KadDHT
  /** Where peers are, as libp2p's peer store and dial queue know it. */
  readonly #addresses = new Map<string, Multiaddr>()
  readonly #lines = new Map<string, Promise<Line | undefined>>()
  #topology: Topology | undefined

  constructor(peer: Peer, begin: readonly Peer[], board: Switchboard) {
    this.peer = peer
    this.#begin = begin
    this.#board = board
    board.add(this)
    const info = async (id: PeerId) => ({ id, multiaddrs: [this.#addresses.get(id.toString()) ?? multiaddr('')] })
    const components = {
      peerId: peer.id,
      privateKey: {},
      logger: { forComponent: () => silent },
      events: new EventTarget(),
      addressManager: { getAddresses: () => [] },
      peerStore: {
        get: async (id: PeerId) => ({
          ...(await info(id)),
          addresses: (await info(id)).multiaddrs.map((address) => ({ multiaddr: address, isCertified: false })),
          protocols: [KAD],
          metadata: new Map(),
          tags: new Map(),
        }),
        getInfo: info,
        all: async () => [],
        merge: async () => {},
      },
      datastore: {
        put: async (key: unknown) => key,
        get: () => Promise.reject(new Error('no store')),
        query: async function* () {},
      },
      ping: {
        ping: async (id: PeerId) => {
          if ((await this.#lineTo(id)) === undefined) throw new Error('not reached')
          return 0
        },
      },
      connectionManager: {
        isDialable: async () => true,
        openStream: (id: PeerId, _: string, options?: { signal?: AbortSignal }) => this.#open(id, options?.signal),
      },
      registrar: {
        handle: async () => {},
        unhandle: async () => {},
        register: async (_: string, topology: Topology) => {
          this.#topology = topology
          return 'kad'
        },
        unregister: () => {},
      },
    }
    const validators = { rv1: () => {}, iv1: () => {} }
    const selectors = { rv1: () => 0, iv1: () => 0 }
    const init = { protocol: KAD, clientMode: true, peerInfoMapper: passthroughMapper, validators, selectors }
    this.#kad = kadDHT(init)(components as unknown as KadDHTComponents)
    // Its interface does not say that it discovers peers; its class does.
    ;(this.#kad as KadDHT & TypedEventTarget<PeerDiscoveryEvents>).addEventListener('peer', ({ detail }) => {
      const [address] = detail.multiaddrs
      if (address !== undefined) this.#addresses.set(detail.id.toString(), address)
    })
  }

  async join(): Promise<void> {
    await start(this.#kad)
    for (const { id, text, addresses } of this.#begin) {
      this.#addresses.set(text, multiaddr(addresses[0]?.text))
      if ((await this.#lineTo(id)) !== undefined) this.#topology?.onConnect?.(id, {} as Connection)
    }
    // Its first look at its neighbourhood begins after a second.
    await new Promise((resolve) => setTimeout(resolve, FIRST_LOOK_MS))
    await quiet(this.meter)
  }

  async stop(): Promise<void> {
    await stop(this.#kad)
  }

  async put({ kind, name, value }: SlotRecord): Promise<boolean> {
    let taken = 0
    try {
      for await (const event of this.#kad.put(dhtKey(kind, name), value))
        if (event.name === 'PEER_RESPONSE' && event.record !== undefined) taken++
    } catch {
      // What was taken by then counts.
    }
    return taken > 0
  }

  async get({ kind, name }: SlotRecord): Promise<Uint8Array | undefined> {
    let value: Uint8Array | undefined
    try {
      for await (const event of this.#kad.get(dhtKey(kind, name))) if (event.name === 'VALUE') value = event.value
    } catch {
      // As for whoever awaits it: not found.
      return undefined
    }
    return value
  }

  opened(): void {}
  asked(): void {}

  closed(line: Line): void {
    this.#lines.delete(line.remote.peer.text)
  }

  async #open(id: PeerId, signal: AbortSignal | undefined): Promise<Stream> {
    const late = new Promise<undefined>((resolve) => signal?.addEventListener('abort', () => resolve(undefined)))
    const line = await Promise.race([this.#lineTo(id), late])
    if (line === undefined) throw new Error('not reached')
    return line.newStream(KAD, { signal: signal ?? AbortSignal.timeout(DIAL_MS) })
  }

  #lineTo(id: PeerId): Promise<Line | undefined> {
    const text = id.toString()
    const known = this.#lines.get(text)
    const address = this.#addresses.get(text)?.toString()
    if (known !== undefined || address === undefined) return known ?? Promise.resolve(undefined)
    const line = this.#board.dial(this, address, AbortSignal.timeout(DIAL_MS))
    this.#lines.set(text, line)
    void line.then((one) => one ?? this.#lines.delete(text))
    return line
  }
}

const FIRST_LOOK_MS = 1500
