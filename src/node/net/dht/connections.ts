/**
 * Questions of the DHT on their way to peers: over a connection that is there, or one dialed for it.
 *
 *     kad-dht ─▶ Asking ─▶ a link to the peer: open? dialed, hello as a stranger ─▶ one stream, one question, one answer
 *                                                  └ its addresses race; the first wins
 *
 * Holds: hello is first on these connections, too; one dial to one peer at a time, few in all, and what was dialed longest ago
 * for nothing makes room; a host far away at which nobody is found is left alone, however many peers are said to be there; few
 * peers of one address prefix enter the routing table; what a peer answers is checked before kad-dht sees it: size, records, and where third peers are.
 */
import type { Logger, PeerId } from '@libp2p/interface'
import { checkRecord, equal, parseDhtKey, type Primitives } from '../../../protocol/index.ts'
import { type Address, inDialOrder, kindOf, parseAddress } from '../addresses.ts'
import { Asking, readMessage } from './asking.ts'
import {
  ANSWER_BYTES,
  type DhtMessage,
  type DhtPeer,
  decodeMessage,
  encodeMessage,
  readVarint,
  TYPE,
} from './messages.ts'
import { type DhtPeers, peerOf } from './peers.ts'
import { FarHosts } from './far-hosts.ts'
import { Exchange } from '../exchange.ts'
import { Broken } from '../failures.ts'
import type { Link } from '../link.ts'
import type { Links } from '../links.ts'
import type { InterfaceAddress, Machine } from '../machine.ts'
import { KAD, type Limits } from '../protocols.ts'
import type { Reaching } from '../reaching.ts'
import { addressOfBytes, bytesOfAddress, mayBelieve, prefixOf } from '../reach/told.ts'
import { elapsed, Slots, within } from '../waiting.ts'

export interface DhtSurroundings {
  readonly p: Primitives
  readonly machine: Machine
  readonly limits: Limits
  readonly lanOnly: boolean
  readonly links: Links
  readonly reaching: Pick<Reaching, 'reachStranger'>
  readonly peers: DhtPeers
  readonly log: Logger
  /** A peer does not answer any more. */
  gone(peer: PeerId): void
}

export class DhtConnections {
  readonly #around: DhtSurroundings
  readonly #slots: Slots
  readonly #stopped = new AbortController()
  readonly #hosts: FarHosts
  readonly #dialing = new Map<string, Promise<Link | undefined>>()
  /** Links that were dialed for the DHT, the one used last at the end. */
  readonly #dialed = new Set<Link>()
  /** Dials that run. */
  #begun = 0

  constructor(around: DhtSurroundings) {
    this.#around = around
    this.#slots = new Slots(around.limits.dhtDials)
    this.#hosts = new FarHosts(around.limits, around.machine.now)
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** For kad-dht: a stream to ask one question on. Rejects where the peer cannot be reached in time. */
  async open(id: PeerId, signal: AbortSignal | undefined): Promise<Asking> {
    const link = await raced(this.#linkTo(id), signal ?? this.#stopped.signal)
    if (link === undefined) throw new Broken('not reached')
    return new Asking(KAD, this.#around.log, async (question) => {
      const answer = await this.#ask(id, link, question)
      return answer && encodeMessage(answer)
    })
  }

  /** Whether a peer serves the DHT at this moment. */
  async ping(id: PeerId): Promise<boolean> {
    const link = this.#isCrowded(id) ? undefined : await this.#linkTo(id)
    const question = { type: TYPE.ping, key: new Uint8Array(), record: undefined, closer: [] }
    return link !== undefined && (await this.#ask(id, link, encodeMessage(question))) !== undefined
  }

  /** Whether a newcomer's bucket is full, or its prefix has its share of the routing table. */
  #isCrowded(id: PeerId): boolean {
    const known = this.#around.peers.get(id.toString())
    const [address] = known?.addresses ?? []
    if (known === undefined || known.inTable) return false
    if (this.#around.peers.isCrowded(known)) return true
    if (address === undefined || kindOf(address) !== 'public') return false
    const prefix = prefixOf(address, false)
    const those = this.#around.peers.table().filter(({ addresses: [one] }) => prefixOf(one, false) === prefix)
    return those.length >= this.#around.limits.dhtPeersOfPrefix
  }

  async #linkTo(id: PeerId): Promise<Link | undefined> {
    const text = id.toString()
    const open = this.#around.links.directTo(text)
    if (open !== undefined) return this.#used(open)
    const known = this.#around.peers.get(text)
    if (known === undefined || known.addresses.length === 0 || known.restUntil > this.#around.machine.now()) {
      return undefined
    }
    const dialing = this.#dialing.get(text) ?? this.#dial(text).finally(() => this.#dialing.delete(text))
    this.#dialing.set(text, dialing)
    return dialing
  }

  async #dial(text: string): Promise<Link | undefined> {
    const { limits, machine, peers } = this.#around
    const release = await this.#slots.take(text, this.#stopped.signal)
    if (release === undefined) return undefined
    this.#begun++
    try {
      if (!this.#makesRoom()) return undefined
      const signal = within(limits.dhtMs, this.#stopped.signal)
      const known = peers.get(text)?.addresses ?? []
      const addresses = known.filter((address) => this.#hosts.mayDial(address))
      if (addresses.length === 0) return undefined
      const link = await this.#race(text, inDialOrder(addresses, machine.interfaces()), signal)
      if (link === undefined) this.#failed(text)
      else this.#dialed.add(link)
      return link
    } finally {
      this.#begun--
      release()
    }
  }

  /** The next address beside those that have not answered yet. */
  async #race(peer: string, addresses: readonly Address[], signal: AbortSignal): Promise<Link | undefined> {
    const won = new AbortController()
    const both = AbortSignal.any([signal, won.signal])
    let first: Link | undefined
    const attempts: Promise<void>[] = []
    for (const address of addresses) {
      if (both.aborted) break
      const done = this.#hosts.dials(address)
      const attempt = this.#around.reaching.reachStranger(`${address.text}/p2p/${peer}`, both).then((link) => {
        done(link !== undefined)
        if (link === undefined) return
        if (first !== undefined) return link.abort('another address was faster')
        first = link
        won.abort()
      })
      attempts.push(attempt)
      await Promise.race([attempt, elapsed(this.#around.limits.staggerMs, both)])
    }
    await raced(Promise.all(attempts), both)
    return first
  }

  #used(link: Link): Link {
    if (this.#dialed.delete(link)) this.#dialed.add(link)
    return link
  }

  /** Whether there is room for one more connection: those on which nothing runs make it, the one used longest ago first. */
  #makesRoom(): boolean {
    const isFull = (): boolean => this.#dialed.size + this.#begun > this.#around.limits.dhtConnections
    for (const link of this.#dialed) if (link.standing.phase !== 'stranger') this.#dialed.delete(link)
    for (const link of this.#dialed) {
      if (!isFull()) return true
      if (link.isHeld || link.connection.streams.length > 0) continue
      this.#dialed.delete(link)
      link.abort('room for others')
    }
    return !isFull()
  }

  /** Runs to its end even when nobody waits for it any more: so it is known who does not answer. */
  async #ask(id: PeerId, link: Link, question: Uint8Array): Promise<DhtMessage | undefined> {
    const { limits, peers } = this.#around
    const signal = within(limits.dhtMs, this.#stopped.signal)
    const stream = await link.openHeld(KAD, signal)
    const exchange = stream && new Exchange(stream, ANSWER_BYTES + 5, signal)
    exchange?.write(question)
    const body = exchange && (await readMessage(exchange, ANSWER_BYTES))
    const answer = body && this.#checked(decodeMessage(body), question, link)
    if (answer === undefined) {
      exchange?.abort('no answer')
      if (!this.#stopped.signal.aborted) this.#failed(id.toString(), link)
      return undefined
    }
    void exchange?.finish()
    peers.answered(id.toString())
    return answer
  }

  #failed(text: string, link?: Link): void {
    const peer = this.#around.peers.get(text)
    if (peer === undefined || !this.#around.peers.failed(text)) return
    if (link !== undefined && this.#dialed.delete(link) && link.standing.phase === 'stranger') link.abort('silent')
    this.#around.gone(peer.id)
  }

  /** An answer as kad-dht may see it; `undefined` if the peer says what it must not. */
  #checked(answer: DhtMessage | undefined, asked: Uint8Array, link: Link): DhtMessage | undefined {
    const question = decodeMessage(asked.subarray(readVarint(asked, 0)?.end))
    if (answer === undefined || question === undefined || answer.type !== question.type) return undefined
    const { record } = answer
    if (question.type === TYPE.put) return isEcho(question, answer) ? { ...answer, closer: [] } : undefined
    if (record !== undefined && !this.#isRecord(record.key, record.value, question.key)) return undefined
    const interfaces = this.#around.machine.interfaces()
    return { ...answer, closer: answer.closer.flatMap((peer) => this.#believed(peer, link, interfaces) ?? []) }
  }

  #isRecord(key: Uint8Array, value: Uint8Array, asked: Uint8Array): boolean {
    const slot = equal(key, asked) ? parseDhtKey(key) : undefined
    const { p, machine } = this.#around
    return slot !== undefined && checkRecord(p, slot.kind, slot.name, value, machine.now()) !== undefined
  }

  /** A third peer, with those addresses that its teller may tell us. */
  #believed(peer: DhtPeer, teller: Link, interfaces: readonly InterfaceAddress[]): DhtPeer | undefined {
    const { machine, lanOnly, peers } = this.#around
    if (equal(peer.id, teller.ends.local)) return undefined
    const by = parseAddress(teller.address)
    const addresses = peer.addresses
      .flatMap((bytes) => addressOfBytes(bytes) ?? [])
      .filter((address) => mayBelieve(address, by, interfaces, lanOnly))
    if (addresses.length === 0) return undefined
    const known = peers.learn(peerOf(peer.id), addresses)
    if (known.restUntil > machine.now()) return undefined
    return { id: peer.id, addresses: addresses.map(bytesOfAddress) }
  }
}

function isEcho({ record: sent }: DhtMessage, { record: back }: DhtMessage): boolean {
  return sent !== undefined && back !== undefined && equal(sent.value, back.value)
}

/** What comes of it, or `undefined` when the signal comes first. */
function raced<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const over = (): void => resolve(undefined)
    signal.addEventListener('abort', over, { once: true })
    if (signal.aborted) over()
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', over))
  })
}
