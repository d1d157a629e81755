/**
 * Addresses as records of the DHT hold them: bytes of multiaddresses, a relayed one without the PeerID that it leads to.
 *
 * Holds: a record steers our dials no further than to IP addresses; to private ones only in a subnet of ours.
 */
import { multiaddr } from '@multiformats/multiaddr'
import type { NetEffect } from '../engine/effect.ts'
import type { Whereabouts } from '../engine/input.ts'
import { type Address, isNear, kindOf, parseAddress } from './addresses.ts'
import { peerOf } from './dht/peers.ts'
import type { InterfaceAddress } from './machine.ts'
import type { Limits } from './protocols.ts'

/** What records say of us. `peerId`: raw bytes; `addresses`: as told in sessions. */
export function whereaboutsOf(peerId: Uint8Array, addresses: readonly string[]): Whereabouts {
  return {
    peerId,
    addresses: addresses.map((text) => {
      const relayed = text.includes('/p2p-circuit')
      const bare = relayed ? text.slice(0, text.indexOf('/p2p-circuit') + '/p2p-circuit'.length) : text
      return { bytes: multiaddr(bare).bytes, relayed }
    }),
  }
}

/** The addresses of a record that may be dialed from here. */
export function addressesFound(
  found: Extract<NetEffect, { type: 'want' }>['found'],
  interfaces: readonly InterfaceAddress[],
  limits: Limits,
): readonly Address[] {
  if (found === null || found === undefined) return []
  return found.addresses
    .slice(0, limits.addresses)
    .flatMap((bytes) => parsed(bytes, found.peerId) ?? [])
    .filter((address) => kindOf(address) === 'public' || isNear(address, interfaces))
}

function parsed(bytes: Uint8Array, peerId: Uint8Array | null): Address | undefined {
  try {
    const text = multiaddr(bytes).toString()
    const isRelayed = text.endsWith('/p2p-circuit')
    if (isRelayed && peerId === null) return undefined
    return parseAddress(isRelayed && peerId !== null ? `${text}/p2p/${peerOf(peerId).toString()}` : text)
  } catch {
    return undefined
  }
}

/** The PeerID that a record names. */
export function peerFound(found: Extract<NetEffect, { type: 'want' }>['found']): string | undefined {
  if (found?.peerId == null) return undefined
  try {
    return peerOf(found.peerId).toString()
  } catch {
    return undefined
  }
}
