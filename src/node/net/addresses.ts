/**
 * Addresses as text: what is one, which may be dialed, in which order, which are ours.
 *
 *     host     = /ip4/… | /ip6/…
 *     tcp      = host /tcp/port
 *     ws       = host /tcp/port /ws
 *     direct   = host /udp/port /webrtc-direct (/certhash/…)*
 *     relayed  = (tcp | ws) /p2p/RELAY /p2p-circuit
 *     address  = (tcp | ws | direct | relayed) (/p2p/PEER)?
 *
 * Holds: names are never resolved; what does not fit this grammar is no address here; a relayed address is near or far as its
 * relay is.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { InterfaceAddress } from './machine.ts'

export type Transport = 'tcp' | 'ws' | 'webrtc-direct' | 'relayed'

export interface Address {
  /** Canonical, without the other end's /p2p, but for relayed ones, which are dialed by it. */
  readonly text: string
  readonly transport: Transport
  readonly family: 4 | 6
  /** 4 or 16 bytes; of a relayed address, its relay's. */
  readonly ip: Uint8Array
  readonly port: number
  /** The relay's PeerID, or `null` for a path without one. */
  readonly relay: string | null
  /** The PeerID that stood behind it, or `null`. */
  readonly peer: string | null
}

type Parts = ReturnType<ReturnType<typeof multiaddr>['getComponents']>

/** The address in a multiaddress; `undefined` for names, other transports and nonsense. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > LONGEST) return undefined
  try {
    return read(multiaddr(text).getComponents())
  } catch {
    return undefined
  }
}

/** Characters: an IPv6 relay, two PeerIDs and a hash stay well below. */
const LONGEST = 512

function read(parts: Parts): Address | undefined {
  const [host, carrier] = parts
  const family = host?.name === 'ip4' ? 4 : host?.name === 'ip6' ? 6 : undefined
  const port = Number(carrier?.value)
  if (family === undefined || !(port > 0)) return undefined
  const { transport, used } = transportOf(parts)
  if (transport === undefined) return undefined
  const bare = multiaddr(parts.slice(0, used))
  const relay = transport === 'tcp' || transport === 'ws' ? relayIn(parts.slice(used)) : null
  const rest = parts.slice(relay === null ? used : used + 2)
  const [last] = rest
  if (rest.length > 1 || (last !== undefined && last.name !== 'p2p')) return undefined
  const peer = last?.value ?? null
  if (![relay, peer].every((id) => id === null || isOurKind(id))) return undefined
  const direct = { family, ip: bare.bytes.subarray(1, family === 4 ? 5 : 17), port, peer } as const
  if (relay === null) return { ...direct, text: bare.toString(), transport, relay }
  const text = `${bare.toString()}/p2p/${relay}/p2p-circuit${peer === null ? '' : `/p2p/${peer}`}`
  return peer === relay ? undefined : { ...direct, text, transport: 'relayed', relay }
}

/** PeerIDs of other kinds are let in nowhere. */
const isOurKind = (id: string): boolean => peerIdFromString(id).type === 'Ed25519'

/** The transport at the start, and how many parts it takes. */
function transportOf(parts: Parts): { transport: Exclude<Transport, 'relayed'> | undefined; used: number } {
  const [, carrier, on] = parts
  if (carrier?.name === 'tcp') return on?.name === 'ws' ? { transport: 'ws', used: 3 } : { transport: 'tcp', used: 2 }
  if (carrier?.name !== 'udp' || on?.name !== 'webrtc-direct') return { transport: undefined, used: 0 }
  const hashes = parts.slice(3).findIndex(({ name }) => name !== 'certhash')
  return { transport: 'webrtc-direct', used: hashes < 0 ? parts.length : 3 + hashes }
}

function relayIn([relay, circuit]: Parts): string | null {
  return relay?.name === 'p2p' && circuit?.name === 'p2p-circuit' ? (relay.value ?? null) : null
}

/** The first hop of whatever libp2p calls a remote address: where packets go. */
export function hostOf(text: string): Address | undefined {
  const [, name, host] = text.split('/')
  return name === 'ip4' || name === 'ip6' ? parseAddress(`/${name}/${host}/tcp/1`) : undefined
}

/** The IP address as in a URL. */
export function hostText({ text }: Address): string {
  const [, name, host] = text.split('/')
  return name === 'ip6' ? `[${host}]` : String(host)
}

/** The text of an interface's address with a port. */
export const addressText = (address: InterfaceAddress, port: number): string =>
  `/ip${address.family}/${address.address}/tcp/${port}`

type Kind = 'loopback' | 'link-local' | 'private' | 'public'

export function kindOf({ family, ip }: Pick<Address, 'family' | 'ip'>): Kind {
  const [a = 0, b = 0] = ip
  if (family === 4) {
    if (a === 127) return 'loopback'
    if (a === 169 && b === 254) return 'link-local'
    const shared = a === 100 && b >= 64 && b < 128
    return a === 10 || shared || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) ? 'private' : 'public'
  }
  if (ip.every((byte, i) => byte === (i === 15 ? 1 : 0))) return 'loopback'
  if (a === 0xfe && (b & 0xc0) === 0x80) return 'link-local'
  return (a & 0xfe) === 0xfc ? 'private' : 'public'
}

export const isLoopback = (address: Address): boolean => kindOf(address) === 'loopback'

export function sharesPrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : (0xff << (8 - (bits - bit))) & 0xff
    if ((((a[bit >> 3] ?? 0) ^ (b[bit >> 3] ?? 0)) & mask) !== 0) return false
  }
  return true
}

/** Whether the address lies on this machine, on the link, or in a subnet of one of the interfaces. */
export function isNear(address: Address, interfaces: readonly InterfaceAddress[]): boolean {
  const kind = kindOf(address)
  if (kind === 'loopback' || kind === 'link-local') return true
  return interfaces.some((own) => {
    const parsed = parseAddress(addressText(own, 1))
    return parsed !== undefined && parsed.family === address.family && sharesPrefix(parsed.ip, address.ip, own.prefix)
  })
}

const TRANSPORT_RANK: Record<Transport, number> = { tcp: 0, ws: 1, 'webrtc-direct': 2, relayed: 3 }

/** Nearest first: what answers at once or never goes before what takes its time, and relays come last. */
export function inDialOrder(
  addresses: readonly Address[],
  interfaces: readonly InterfaceAddress[],
): readonly Address[] {
  const distance = (address: Address): number => {
    const kind = kindOf(address)
    if (kind === 'loopback') return 1
    if (isNear(address, interfaces)) return 0
    return kind === 'public' ? 2 : 3
  }
  const rank = (address: Address): number =>
    (address.relay === null ? 0 : 100) + distance(address) * 10 + TRANSPORT_RANK[address.transport]
  return addresses.toSorted((a, b) => rank(a) - rank(b))
}

/**
 * Of addresses in their order of dialing, at most `most`; where there are both, relayed ones keep a few places, for direct ones
 * may all be dead.
 */
export function someOf(addresses: readonly Address[], most: number): readonly Address[] {
  const relayed = addresses.filter(({ relay }) => relay !== null)
  const direct = addresses.filter(({ relay }) => relay === null)
  const kept = direct.slice(0, most - Math.min(relayed.length, RELAYED_PLACES))
  return [...kept, ...relayed.slice(0, most - kept.length)]
}

const RELAYED_PLACES = 4

const RANK: Record<Kind, number> = { public: 0, private: 1, 'link-local': 2, loopback: 3 }

/** Widest reach first: of a peer's own addresses, which lead furthest; loopback ones only if there is nothing else. */
export function widestFirst(addresses: readonly Address[]): readonly Address[] {
  const rank = (address: Address): number => RANK[kindOf(address)]
  const outward = addresses.filter((address) => !isLoopback(address))
  return (outward.length > 0 ? outward : addresses).toSorted((a, b) => rank(a) - rank(b))
}

/** Where others find a node that listens on `port` everywhere: widest reach first, loopback only if there is nothing else. */
export function ownAddresses(interfaces: readonly InterfaceAddress[], port: number): readonly string[] {
  const found = interfaces.flatMap((own) => {
    const address = parseAddress(addressText(own, port))
    if (address === undefined) return []
    const kind = kindOf(address)
    // A link-local IPv6 address means nothing without the interface's name.
    return own.family === 6 && kind === 'link-local'
      ? []
      : [{ text: address.text, rank: RANK[kind] * 2 + (own.family === 6 ? 1 : 0) }]
  })
  const outward = found.filter(({ rank }) => rank < RANK.loopback * 2)
  return (outward.length > 0 ? outward : found).toSorted((a, b) => a.rank - b.rank).map(({ text }) => text)
}
