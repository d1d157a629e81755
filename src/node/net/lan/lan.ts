/**
 * Who is on the local network: multicast DNS under our own service name.
 *
 *     PTR _tulnic._tcp.local → a random name of this run
 *     TXT that name          → dnsaddr=/ip4/…/tcp/…/p2p/… , one for each address of the interface
 *
 * A question is asked every two minutes by whoever has not heard one for that long, so that the traffic of a network grows
 * with its nodes, not with their square.
 *
 * Holds: what is told is the ephemeral PeerID and addresses, nothing about a person; what is heard only ever makes us dial
 * addresses of the local network, of whoever says it those from which it came; the table is bounded, and full it takes a new
 * peer in place of any other.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { noble, toBase32, utf8 } from '../../../protocol/index.ts'
import { type Address, addressText, isNear, parseAddress } from '../addresses.ts'
import type { LanAnnouncement, Machine, Multicast } from '../machine.ts'
import type { Limits } from '../protocols.ts'
import { drawn } from '../waiting.ts'

/** The service's name: ours, so that nobody else's discovery dials us. A closed network's tells only its members what it is. */
export function serviceName(networkKey: Uint8Array | null): string {
  const label = networkKey === null ? 'tulnic' : toBase32(noble.hmac(networkKey, utf8('mdns')).subarray(0, 8))
  return `_${label}._tcp.local`
}

const PREFIX = 'dnsaddr='
const TEXT_BYTES = 255
const ADDRESSES_EACH = 4
/** Pauses between the first questions, of which some get lost. */
const FIRST_MS = [1000, 3000]
/** Characters of a peer's short name: 50 bits, so two on one network are never alike by chance. */
const SHORT = 10

/** A peer that was heard on this network. */
export interface LanPeer {
  /** Its PeerID. */
  readonly id: string
  /** The same in base32, without what all PeerIDs share. */
  readonly name: string
  addresses: readonly Address[]
  heardAt: number
}

export interface LanSelf {
  readonly id: string
  /** Where we listen. */
  port(): number
  readonly networkKey: Uint8Array | null
  random(n: number): Uint8Array
}

export class Lan {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #self: LanSelf
  readonly #heard: (peer: LanPeer) => void
  readonly #service: string
  readonly #instance: string
  readonly #peers = new Map<string, LanPeer>()
  #multicast: Multicast | undefined
  #asked = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `heard` is told of a peer each time it makes itself heard. */
  constructor(machine: Machine, limits: Limits, self: LanSelf, heard: (peer: LanPeer) => void) {
    this.#machine = machine
    this.#limits = limits
    this.#self = self
    this.#heard = heard
    this.#service = serviceName(self.networkKey)
    this.#instance = `${toBase32(self.random(15))}.${this.#service}`
  }

  start(): void {
    this.#multicast = this.#machine.multicast(this.#service, {
      announcement: (on) => this.#announcement(on),
      asked: () => this.#asked >= FIRST_MS.length && this.#askLater(),
      heard: (texts, from) => this.#hear(texts, from),
    })
    this.#askLater()
  }

  /** Interfaces may have come and gone. */
  refresh(): void {
    this.#multicast?.refresh()
  }

  /** Asks now: somebody wants to see who is there. */
  ask(): void {
    this.#multicast?.ask()
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#multicast?.stop()
    this.#multicast = undefined
  }

  /** Peers heard lately. */
  peers(): readonly LanPeer[] {
    const since = this.#machine.now() - this.#limits.lanGoneMs
    for (const [id, { heardAt }] of this.#peers) if (heardAt < since) this.#peers.delete(id)
    return [...this.#peers.values()]
  }

  /** A short name for a peer that no other peer here has. */
  shortName(peer: LanPeer): string {
    const short = peer.name.slice(0, SHORT)
    return this.peers().some((other) => other.id !== peer.id && other.name.startsWith(short)) ? peer.name : short
  }

  /** The short name of any PeerID; `undefined` for one of another kind than ours. */
  nameOf(id: string): string | undefined {
    const peer = this.#peers.get(id)
    return peer === undefined ? nameOf(id)?.slice(0, SHORT) : this.shortName(peer)
  }

  /** The peer of that PeerID, if it was heard lately. */
  byId(id: string): LanPeer | undefined {
    return this.peers().find((peer) => peer.id === id)
  }

  /** The peer of that short name. */
  byShortName(name: string): LanPeer | undefined {
    return this.peers().find((peer) => this.shortName(peer) === name)
  }

  /** One of these (at least one), drawn: nobody who announces much can choose which. */
  anyOf<T>(these: readonly T[]): T {
    const draw = this.#self.random(4).reduce((sum, byte) => sum * 256 + byte, 0)
    const one = these[draw % these.length]
    if (one === undefined) throw new RangeError('nothing to draw from')
    return one
  }

  #askLater(): void {
    clearTimeout(this.#timer)
    if (this.#multicast === undefined) return
    this.#timer = setTimeout(() => {
      this.#asked++
      this.#multicast?.ask()
      this.#askLater()
    }, FIRST_MS[this.#asked] ?? drawn(this.#limits.lanAskMs, this.#self.random))
  }

  /** The addresses of the interface that has this one. */
  #announcement(on: string): LanAnnouncement | undefined {
    const interfaces = this.#machine.interfaces()
    const name = interfaces.find(({ address }) => address === on)?.name
    const texts = interfaces
      .filter((own) => own.name === name && !(own.family === 6 && own.address.startsWith('fe80')))
      .map((own) => `${PREFIX}${addressText(own, this.#self.port())}/p2p/${this.#self.id}`)
      .filter((text) => text.length <= TEXT_BYTES)
    return name === undefined ? undefined : { instance: this.#instance, texts: texts.slice(0, ADDRESSES_EACH) }
  }

  #hear(texts: readonly string[], from?: string): void {
    const interfaces = this.#machine.interfaces()
    const addresses = texts
      .filter((text) => text.startsWith(PREFIX) && text.length <= TEXT_BYTES)
      .slice(0, ADDRESSES_EACH)
      .flatMap((text) => parseAddress(text.slice(PREFIX.length)) ?? [])
      .filter((address) => address.transport === 'tcp' && address.peer !== null && isNear(address, interfaces))
      .filter((address) => from === undefined || hostText(address) === from)
    const id = addresses[0]?.peer
    if (id === undefined || id === null || id === this.#self.id || addresses.some(({ peer }) => peer !== id)) return
    const heardAt = this.#machine.now()
    const known = this.#peers.get(id)
    const name = nameOf(id)
    if (name === undefined) return
    // Whoever fills the table drives out others of theirs as well, and nobody for good.
    if (known === undefined && this.peers().length >= this.#limits.lanPeers)
      this.#peers.delete(this.anyOf([...this.#peers.keys()]))
    const peer = known ?? { id, name, addresses, heardAt }
    peer.addresses = addresses
    peer.heardAt = heardAt
    this.#peers.set(id, peer)
    this.#heard(peer)
  }
}

/** The IP address in an address, as the system writes it. */
export function hostText({ text }: Address): string {
  return text.split('/')[2] ?? ''
}

/** The 32 random bytes of an ephemeral PeerID as text; `undefined` for any other kind of id. */
function nameOf(id: string): string | undefined {
  try {
    const peer = peerIdFromString(id)
    return peer.type === 'Ed25519' ? toBase32(peer.publicKey.raw) : undefined
  } catch {
    return undefined
  }
}
