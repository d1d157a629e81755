/**
 * Addresses as text, `/ip4/…/tcp/…` or `/ip6/…/tcp/…`: which may be dialed, in which order, which are ours.
 *
 * Holds: names are never resolved; anything but an IP address with a TCP port is no address here.
 */
import { multiaddr } from '@multiformats/multiaddr'
import type { InterfaceAddress } from './machine.ts'

export interface Address {
  /** `/ip4/…/tcp/…`, canonical, without /p2p. */
  readonly text: string
  readonly family: 4 | 6
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array
  readonly port: number
  /** The PeerID that stood behind it, or `null`. */
  readonly peer: string | null
}

/** The address in a multiaddress; `undefined` for names, other transports and nonsense. */
export function parseAddress(text: string): Address | undefined {
  try {
    const parts = multiaddr(text).getComponents()
    const [host, transport, peer] = parts
    if (host?.value === undefined || transport?.name !== 'tcp' || parts.length > 3) return undefined
    if (peer !== undefined && peer.name !== 'p2p') return undefined
    if (host.name !== 'ip4' && host.name !== 'ip6') return undefined
    const bare = multiaddr(`/${host.name}/${host.value}/tcp/${transport.value}`)
    const family = host.name === 'ip4' ? 4 : 6
    const port = Number(transport.value)
    if (port === 0) return undefined
    return {
      text: bare.toString(),
      family,
      ip: bare.bytes.subarray(1, family === 4 ? 5 : 17),
      port,
      peer: peer?.value ?? null,
    }
  } catch {
    return undefined
  }
}

/** The text of an interface's address with a port. */
export const addressText = (address: InterfaceAddress, port: number): string =>
  `/ip${address.family}/${address.address}/tcp/${port}`

type Kind = 'loopback' | 'link-local' | 'private' | 'public'

function kindOf({ family, ip }: Pick<Address, 'family' | 'ip'>): Kind {
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

function sharesPrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
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

/** Nearest first: what answers at once or never goes before what takes its time. */
export function inDialOrder(
  addresses: readonly Address[],
  interfaces: readonly InterfaceAddress[],
): readonly Address[] {
  const rank = (address: Address): number => {
    const kind = kindOf(address)
    if (kind === 'loopback') return 1
    if (isNear(address, interfaces)) return 0
    return kind === 'public' ? 2 : 3
  }
  return addresses.toSorted((a, b) => rank(a) - rank(b))
}

const RANK: Record<Kind, number> = { public: 0, private: 1, 'link-local': 2, loopback: 3 }

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
