/**
 * This node's part in the distributed hash table: keeps records findable, finds those of others, gets to know servers.
 *
 *     publish ─▶ put at the 20 servers nearest: when there is one, when there are twice as many, every 12 hours
 *     look-up ─▶ ask towards the slot; leave at 3 records, or 1 s after the first ─▶ looked-up, whatever came
 *
 *     servers come from: hello and reach on any connection · answers of other servers · `bootstrap`, while there is none
 *
 * What is kept for others is in memory alone: owners put their records again every 12 hours, twenty servers hold each, and a
 * server comes back under another PeerID, at another place among the keys.
 *
 * Holds: one put at a time, few look-ups; a look-up is always answered; with `lanOnly` nothing outside is dialed or believed.
 */
import type { Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { dhtKey, type Primitives, selectRecord, toBase32 } from '../../../protocol/index.ts'
import type { NetEffect } from '../../engine/effect.ts'
import type { SlotKind, SlotRecord } from '../../../protocol/index.ts'
import type { Input } from '../../engine/input.ts'
import { isNear, kindOf, parseAddress } from '../addresses.ts'
import { DhtConnections } from './connections.ts'
import { DhtPeers } from './peers.ts'
import { DhtPublishing, HOLDERS } from './publishing.ts'
import type { DhtRecords } from './records.ts'
import { DhtServing } from './serving.ts'
import { attempt } from '../failures.ts'
import { Kademlia } from './kademlia.ts'
import type { Link } from '../link.ts'
import type { Links } from '../links.ts'
import type { Machine } from '../machine.ts'
import type { DhtStatus, NetConfig } from '../net.ts'
import type { Limits } from '../protocols.ts'
import type { Meeting } from '../reach/reach.ts'
import type { Reaching } from '../reaching.ts'
import { mayBelieve } from '../reach/told.ts'
import { drawn, Slots, within } from '../waiting.ts'

export interface DhtHost {
  readonly libp2p: Pick<Libp2p, 'peerId' | 'logger'>
  readonly machine: Machine
  readonly limits: Limits
  readonly config: NetConfig
  readonly links: Links
  readonly reaching: Pick<Reaching, 'reachStranger'>
  /** Records of others. */
  readonly records: DhtRecords
  random(n: number): Uint8Array
  emit(input: Input): void
}

type LookUp = Extract<NetEffect, { type: 'look-up' }>

interface Found {
  readonly value: Uint8Array | undefined
  /** PeerIDs of servers that answered. */
  readonly asked: ReadonlySet<string>
}

/** Peers asked at a time whether they are still there. */
const CHECKED = 4
/** Peers that get another chance at a time. */
const TRIED = 4
/** With so many servers, a round of bootstrapping ends. */
const ENOUGH = 3
const BEGIN_AT_ONCE = 4

export class Dht {
  readonly #host: DhtHost
  readonly #p: Primitives
  readonly #peers: DhtPeers
  readonly #connections: DhtConnections
  readonly #records: DhtRecords
  readonly #serving: DhtServing
  readonly #kademlia: Kademlia
  readonly #stopped = new AbortController()
  readonly #publishing: DhtPublishing
  readonly #looking = new Map<string, Promise<Found>>()
  readonly #lookUps: Slots
  #waiting = 0
  #nextLookUp = 0
  #settling: Promise<void> | undefined
  #beginning: Promise<void> | undefined
  #beginFailures = 0
  #beginAt = 0
  #refreshAt = 0
  #refreshes = 0
  #settledWith = 0
  #checkAt = 0
  #tellAt = 0
  #told = ''

  constructor(host: DhtHost) {
    const { machine, limits, links, reaching, records, libp2p, config } = host
    this.#host = host
    this.#p = machine.primitives
    this.#peers = new DhtPeers(this.#p, limits, machine.now, libp2p.peerId.toMultihash().bytes)
    this.#records = records
    this.#connections = new DhtConnections({
      p: this.#p,
      machine,
      limits,
      lanOnly: config.lanOnly,
      links,
      reaching,
      peers: this.#peers,
      log: libp2p.logger.forComponent('tulnic:dht'),
      gone: (peer) => this.#kademlia.forget(peer),
    })
    this.#serving = new DhtServing(machine, limits, this.#peers, this.#records, (kind, name) =>
      this.#publishing.value(kind, name),
    )
    this.#kademlia = new Kademlia(libp2p, limits, this.#peers, this.#connections)
    this.#lookUps = new Slots(limits.dhtLookUps)
    this.#publishing = new DhtPublishing(machine, limits, this.#stopped.signal, {
      servers: () => this.#servers(),
      settled: () => this.#settling,
      put: (key, value, signal) => this.#kademlia.put(key, value, signal),
      random: host.random,
    })
  }

  async start(): Promise<void> {
    await this.#kademlia.start()
    const { machine, limits } = this.#host
    this.#peers.watch(() => this.#tableChanged())
    const now = machine.now()
    this.#checkAt = now + drawn(limits.dhtCheckMs, this.#host.random)
    this.#tellAt = now + limits.dhtServersMs
    this.#begin()
  }

  async stop(): Promise<void> {
    this.#tellServers()
    this.#stopped.abort()
    this.#connections.stop()
    await this.#kademlia.stop()
  }

  /** `reachable`: strangers get through to this node. */
  status(reachable: boolean): DhtStatus {
    return {
      on: true,
      mode: reachable || this.#hasNeighbours() ? 'server' : 'client',
      servers: this.#servers(),
      stored: this.#records.count,
      published: this.#publishing.published,
    }
  }

  /** A stream on which a peer asks. */
  answer(stream: Stream, link: Link): Promise<void> {
    return this.#serving.answer(stream, link)
  }

  /** Somebody connected said what it is, and where. */
  told(link: Link, { isServer, told }: Meeting): void {
    const { machine, config } = this.#host
    const seen = parseAddress(link.address)
    const interfaces = machine.interfaces()
    const reached = link.dialed && seen?.relay === null ? [seen] : []
    const addresses = [...reached, ...told].filter((one) => mayBelieve(one, seen, interfaces, config.lanOnly))
    if (!isServer) {
      if (this.#peers.get(link.peer)?.inTable) this.#kademlia.forget(link.connection.remotePeer)
      return
    }
    if (addresses.length === 0) return
    const peer = this.#peers.learn(link.connection.remotePeer, addresses)
    peer.restUntil = 0
    this.#kademlia.meet(peer.id)
  }

  /** The records that this node keeps in the DHT from now on. */
  publish(records: readonly SlotRecord[]): void {
    this.#publishing.publish(records)
  }

  /** Looks for the newest record of each name; `looked-up` follows in any case. */
  async lookUp({ sought, kind, names }: LookUp): Promise<void> {
    const found: SlotRecord[] = []
    const asked = new Set<string>()
    const looked = await Promise.all(names.map(async (name) => ({ name, ...(await this.#find(kind, name)) })))
    for (const { name, value, asked: those } of looked) {
      if (value !== undefined) found.push({ kind, name, value })
      for (const peer of those) asked.add(peer)
    }
    if (!this.#stopped.signal.aborted) this.#host.emit({ type: 'looked-up', sought, found, asked: asked.size })
  }

  /** The network changed: who did not answer may answer now, and our records are to be where we are. */
  again(): void {
    this.#peers.restless()
    this.#beginFailures = 0
    this.#beginAt = 0
    this.#refreshes = 0
    this.#publishing.again()
    this.#begin()
    this.#settle()
  }

  tick(): void {
    const { machine, limits, random } = this.#host
    const now = machine.now()
    if (this.#servers() < ENOUGH) this.#begin()
    // In so small a table there is room for everybody who answers.
    if (this.#servers() < HOLDERS) for (const { id } of this.#peers.candidates(TRIED)) this.#kademlia.meet(id)
    if (now >= this.#checkAt) {
      this.#checkAt = now + drawn(limits.dhtCheckMs, random)
      void this.#check()
    }
    if (now >= this.#refreshAt && this.#servers() > 0) {
      const isOwn = this.#refreshes % 2 === 1
      const whole = Math.min(limits.dhtRefreshMs * 4 ** this.#refreshes++, limits.dhtRefreshMaxMs)
      this.#refreshAt = now + drawn(whole, random)
      // Who is near to us and somebody anywhere, in turns; both where that costs next to nothing.
      const isSmall = this.#servers() < HOLDERS
      if (isOwn || isSmall) this.#settle()
      if (!isOwn || isSmall) void this.#refresh(random(32))
    }
    if (now >= this.#tellAt) {
      this.#tellAt = now + limits.dhtServersMs
      this.#tellServers()
    }
    void this.#publishing.putDue()
  }

  // Records of others

  async #find(kind: SlotKind, name: Uint8Array): Promise<Found> {
    const key = textOf(kind, name)
    const running = this.#looking.get(key)
    if (running !== undefined) return running
    const looking = this.#queued(kind, name).finally(() => this.#looking.delete(key))
    this.#looking.set(key, looking)
    return looking
  }

  async #queued(kind: SlotKind, name: Uint8Array): Promise<Found> {
    if (this.#waiting >= this.#host.limits.dhtLookUpsWaiting) return { value: undefined, asked: new Set() }
    this.#waiting++
    const release = await this.#lookUps.take(String(this.#nextLookUp++), this.#stopped.signal)
    try {
      await this.#firstServer()
      return await this.#ask(kind, name)
    } finally {
      this.#waiting--
      release?.()
    }
  }

  /** While servers are being looked for, the first one is worth waiting for. */
  async #firstServer(): Promise<void> {
    if (this.#servers() > 0 || this.#beginning === undefined) return
    const late = within(this.#host.limits.dhtWaitMs, this.#stopped.signal)
    const over = this.#beginning.then(() => true)
    let isOver = false
    void over.then(() => {
      isOver = true
    })
    await Promise.race([over, this.#peers.until(() => isOver || this.#servers() > 0, late)])
  }

  async #ask(kind: SlotKind, name: Uint8Array): Promise<Found> {
    const { limits } = this.#host
    const values: Uint8Array[] = []
    const asked = new Set<string>()
    const kept = this.#records.get(kind, name)
    if (kept !== undefined) values.push(kept)
    const leave = new AbortController()
    const signal = within(limits.dhtQueryMs, leave.signal, this.#stopped.signal)
    let grace: ReturnType<typeof setTimeout> | undefined
    // It throws when a peer with an older record refuses the newer one; what was found by then counts.
    await attempt(
      (async () => {
        for await (const event of this.#kademlia.get(dhtKey(kind, name), signal)) {
          if (event.name !== 'PEER_RESPONSE') continue
          asked.add(event.from.toString())
          if (event.record === undefined) continue
          values.push(event.record.value)
          if (values.length >= limits.dhtQuorum) break
          grace ??= setTimeout(() => leave.abort(), limits.dhtGraceMs)
        }
      })(),
    )
    clearTimeout(grace)
    leave.abort()
    return { value: values.length > 0 ? values[selectRecord(values)] : undefined, asked }
  }

  // Servers

  #servers(): number {
    return this.#peers.table().length
  }

  #hasNeighbours(): boolean {
    return this.#host.links.all().some(({ via, standing }) => via === 'lan' && standing.phase !== 'greeting')
  }

  #tableChanged(): void {
    if (this.#servers() === 0) return
    if (this.#servers() >= ENOUGH) this.#beginFailures = 0
    if (this.#servers() >= 2 * this.#settledWith) this.#settle()
    void this.#publishing.putDue()
  }

  /** Gets to know who is near to us among the keys. */
  #settle(): void {
    if (this.#settling !== undefined) return
    this.#settledWith = this.#servers()
    this.#settling = this.#refresh(this.#host.libp2p.peerId.toMultihash().bytes).finally(() => {
      this.#settling = undefined
      void this.#publishing.putDue()
    })
  }

  #refresh(key: Uint8Array): Promise<void> {
    const { limits } = this.#host
    const signal = within(limits.dhtQueryMs, this.#stopped.signal)
    return this.#servers() === 0 ? Promise.resolve() : this.#kademlia.refresh(key, signal)
  }

  /** Those who have not been heard for longest: are they still there? */
  async #check(): Promise<void> {
    const silent = this.#peers.table().toSorted((a, b) => a.answeredAt - b.answeredAt)
    await Promise.all(silent.slice(0, CHECKED).map(({ id }) => this.#connections.ping(id)))
  }

  /** Dials where servers may be, while there are few: two nodes that know but each other would stay alone. */
  #begin(): void {
    const { machine, limits, random } = this.#host
    if (this.#beginning !== undefined || this.#stopped.signal.aborted || machine.now() < this.#beginAt) return
    const addresses = this.#beginnings()
    if (addresses.length === 0) return
    this.#beginning = this.#beginWith(addresses).finally(() => {
      this.#beginning = undefined
      const most = limits.dhtBeginMaxMs * (this.#servers() === 0 ? 1 : 12)
      const whole = Math.min(limits.dhtBeginMs * 2 ** this.#beginFailures++, most)
      this.#beginAt = machine.now() + drawn(whole, random)
    })
  }

  /** Who answered in this run, then what we were told to begin with. */
  #beginnings(): readonly string[] {
    const { config, machine, limits } = this.#host
    const interfaces = machine.interfaces()
    const parsed = [...this.#rememberable(), ...config.bootstrap].flatMap((text) => parseAddress(text) ?? [])
    const connected = new Set(this.#host.links.all().map(({ address }) => address))
    const allowed = parsed.filter(
      (one) => one.relay === null && !connected.has(one.text) && (!config.lanOnly || isNear(one, interfaces)),
    )
    return [...new Set(allowed.map(({ text, peer }) => (peer === null ? text : `${text}/p2p/${peer}`)))].slice(
      0,
      limits.dhtServers,
    )
  }

  async #beginWith(addresses: readonly string[]): Promise<void> {
    const slots = new Slots(BEGIN_AT_ONCE)
    const { limits, reaching } = this.#host
    await Promise.all(
      addresses.map(async (address) => {
        const release = await slots.take(address, this.#stopped.signal)
        if (release === undefined) return
        try {
          if (this.#servers() >= ENOUGH) return
          const signal = within(limits.addressMs, this.#stopped.signal)
          const link = await reaching.reachStranger(address, signal)
          // What it is, it says after hello (reach.ts); then it is asked once.
          if (link !== undefined) await this.#peers.until(() => this.#peers.get(link.peer)?.inTable === true, signal)
        } finally {
          release()
        }
      }),
    )
  }

  #tellServers(): void {
    const addresses = this.#rememberable()
    const told = addresses.join(' ')
    if (addresses.length === 0 || told === this.#told) return
    this.#told = told
    this.#host.emit({ type: 'dht-servers', addresses })
  }

  /** Addresses of servers that answered: public ones first, then who answered last. */
  #rememberable(): readonly string[] {
    const rank = (text: string): number => {
      const address = parseAddress(text)
      return address !== undefined && kindOf(address) === 'public' ? 0 : 1
    }
    const answered = this.#peers.known().filter(({ answeredAt }) => answeredAt > 0)
    const latest = answered.toSorted((a, b) => b.answeredAt - a.answeredAt)
    const texts = latest.flatMap(({ addresses }) => addresses.slice(0, 1).map(({ text }) => text))
    return [...new Set(texts)].toSorted((a, b) => rank(a) - rank(b)).slice(0, this.#host.limits.dhtServers)
  }
}

const textOf = (kind: SlotKind, name: Uint8Array): string => `${kind}/${toBase32(name)}`
