/**
 * The port between the engine and the network. Filled by `libp2p.ts`; by switchboards in simulations.
 *
 * What flows: the engine's effects go in by `perform`, what happens comes out as inputs. Who a peer is, the net learns
 * from hello, whose keys it borrows from the engine through {@link Acquaintances}: it never holds them.
 *
 * Holds: no PeerId or Multiaddr object leaves this folder; nothing here throws for what a remote did; every
 * stream has a bound in bytes, in count and in time.
 */
import type { AccountId, BoxPeers, BoxPurpose, BoxVisit, DeviceId } from '../../protocol/index.ts'
import type { NetEffect } from '../engine/effect.ts'
import type { Ends, Input } from '../engine/input.ts'

export type HelloRole = 'dialer' | 'listener'

/** What hello may ask of the engine's committed state: synchronous, pure, secret-keeping. Bytes as PROTOCOL §5. */
export interface Acquaintances {
  /** The day number (days since 1970) that a dialer names. */
  day(): number
  /**
   * The 16-byte tag by which `role` shows itself to `contact`; the `nth` of those that they may know, 0 the likeliest;
   * `undefined` if there is none.
   */
  tag(contact: AccountId, day: number, role: HelloRole, ends: Ends, nth?: number): Uint8Array | undefined
  /** Tags of every contact (not blocked, not among `except`), most recently seen first: for peers met on the local network. */
  tags(day: number, role: HelloRole, ends: Ends, except?: ReadonlySet<AccountId>): readonly Uint8Array[]
  /** Whose tag, shown by `role`, is among these? */
  recognise(tags: readonly Uint8Array[], day: number, role: HelloRole, ends: Ends): AccountId | undefined
  /** This device's proof for a recognised contact, PROOF_BYTES long (protocol/hello.ts). */
  prove(contact: AccountId, role: HelloRole, ends: Ends, nonces: Uint8Array): Uint8Array
  /** The device that made a proof, or `undefined`. */
  check(contact: AccountId, role: HelloRole, ends: Ends, nonces: Uint8Array, proof: Uint8Array): DeviceId | undefined
  /** The invite proof of PROTOCOL §2 for `/tulnic/bundle/1`. */
  inviteProof(secret: Uint8Array, ends: Ends): Uint8Array
  random(n: number): Uint8Array
  readonly boxes: BoxKeys
}

/** Who a carrier is, and who an owner: signatures of 64 bytes over one visit (protocol/box.ts). */
export interface BoxKeys {
  /** Ours as the carrier; `undefined` for a box that is not carried here. */
  carrierProof(purpose: BoxPurpose, visit: BoxVisit, peers: BoxPeers): Uint8Array | undefined
  isCarrier(key: Uint8Array, purpose: BoxPurpose, visit: BoxVisit, peers: BoxPeers, signature: Uint8Array): boolean
  /** Ours as the owner; `undefined` for a box that is not ours. */
  ownerProof(visit: BoxVisit, peers: BoxPeers): Uint8Array | undefined
  /** Whether it is of the owner of a box that is carried here. */
  isOwner(visit: BoxVisit, peers: BoxPeers, signature: Uint8Array): boolean
}

/** What nearby pairing says; performed and reported beside the engine's loop, because nothing of it is stored before both confirmed. */
export interface PairingPort {
  /** The name shown while visible; `null`: hidden. */
  setVisible(name: string | null): void
  /** Asks every peer on the local network for its name. */
  look(): Promise<readonly { readonly peer: string; readonly name: string }[]>
  /**
   * Opens an exchange with a peer of this network. `exchange` is driven by `pairing.ts`: bytes in, bytes out, in order,
   * at most 16 messages of 16 KiB.
   */
  open(peer: string, signal: AbortSignal): Promise<Channel>
  /** Peers that open one with us. */
  onChannel(listener: (peer: string, channel: Channel) => void): void
}

/** An ordered, bounded pipe of small messages. */
export interface Channel {
  readonly ends: Ends
  send(message: Uint8Array): void
  /** The next message; `undefined` when the other side closed or broke off. */
  receive(signal: AbortSignal): Promise<Uint8Array | undefined>
  /** Resolves once the other side says no more, although what it said may still wait to be received. */
  readonly ended: Promise<void>
  close(): void
}

export interface Net {
  start(): Promise<void>
  stop(): Promise<void>
  perform(effect: NetEffect): void
  /** Multiaddresses on which this node listens, without /p2p, best first. */
  addresses(): readonly string[]
  /** Peers seen on the local network. */
  lanPeers(): number
  /** How it stands with the distributed hash table. */
  dht(): DhtStatus
  /** How others see this node. */
  reach(): ReachStatus
  /** What is relayed for us, and what we relay. */
  relays(): RelayStatus
  readonly pairing: PairingPort
}

export interface DhtStatus {
  readonly on: boolean
  /** `server`: others keep records here. */
  readonly mode: 'server' | 'client' | 'off'
  /** Servers in the routing table. */
  readonly servers: number
  /** Records kept for others. */
  readonly stored: number
  /** Own records that at least one server took. */
  readonly published: number
}

export interface ReachStatus {
  /** IP addresses at which others see this node, as `/ip4/…` or `/ip6/…`, the one seen from most places first. */
  readonly observed: readonly string[]
  /** `yes`: peers at two places got through to one of our addresses. */
  readonly publiclyReachable: 'yes' | 'no' | 'unknown'
  /** Missing where no router is asked. */
  readonly router?: RouterStatus
  /**
   * How the router before this node chooses the port that others see. `none`: nothing is translated; `endpoint-independent`: one
   * port for everybody, so that others behind routers are met directly; `endpoint-dependent`: another for each, so that they are not.
   */
  readonly natMapping: 'none' | 'endpoint-independent' | 'endpoint-dependent' | 'unknown'
}

/**
 * What the router offers: `open`: it lets others in, as it says; `refused`: it does not, though it could; `behind-another`: it has no
 * public address itself; `none`: nobody answered.
 */
export type RouterStatus = 'asking' | 'open' | 'refused' | 'behind-another' | 'none'

export interface RelayStatus {
  /** Contacts' nodes that were asked for a place: through those that hold one, others reach this node. */
  readonly at: readonly { readonly contact: AccountId; readonly state: RelayState }[]
  /** Whether one of these places is at a public address beyond our networks, so that others come through it from anywhere. */
  readonly fromOutside: boolean
  /** Whether contacts get places here. */
  readonly forContacts: boolean
  /** Places that others hold here. */
  readonly places: number
  /** Contacts that hold one of them. */
  readonly for: readonly AccountId[]
  /** Connections that this node relays. */
  readonly relayed: number
  /** Bytes that it relayed since it started. */
  readonly bytes: number
  /** Contacts who are reached through a relay now. */
  readonly paths: readonly RelayedPath[]
}

export interface RelayedPath {
  readonly contact: AccountId
  /** Tries to find a direct path beside it, all in vain; `null`: none is wanted. */
  readonly tries: number | null
}

/** `refused`: it is full, or relays for others; `no-relay`: it does not relay at all; `lost`: it did, and is gone, or asked again soon. */
export type RelayState = 'held' | 'asking' | 'refused' | 'no-relay' | 'lost'

export interface NetConfig {
  /** TCP port; 0: any. */
  readonly listenPort: number
  /** More multiaddresses to listen on. */
  readonly listen: readonly string[]
  readonly mdns: boolean
  /** No dial outside shared subnets, loopback and link-local. */
  readonly lanOnly: boolean
  /** Take part in the distributed hash table. */
  readonly dht: boolean
  /** Multiaddresses of DHT servers to begin with: of the command line, and those remembered from the last run. */
  readonly bootstrap: readonly string[]
  /** Relay for strangers, too. */
  readonly relay: boolean
  /** 32 bytes that close the network to whoever has others, or none. */
  readonly networkKey: Uint8Array | null
}

export type MakeNet = (config: NetConfig, acquaintances: Acquaintances, emit: (input: Input) => void) => Promise<Net>
