/**
 * Addresses that peers tell each other about themselves and about third ones: which are believed, which are handed on.
 *
 * Holds: nobody can make us dial what they could not reach themselves: a private address is believed only of who shares a
 * subnet with it and with us, a loopback one only of who is on this machine, and no name, no reserved range, no relay ever.
 */
import { multiaddr } from '@multiformats/multiaddr'
import { type Address, addressText, kindOf, parseAddress, sharesPrefix } from '../addresses.ts'
import type { InterfaceAddress } from '../machine.ts'

/** Bytes of one multiaddress in a message; the longest of these kinds has 21. */
const BYTES = 64

/** The address in bytes that a peer sent. */
export function addressOfBytes(bytes: Uint8Array): Address | undefined {
  if (bytes.length > BYTES) return undefined
  try {
    return parseAddress(multiaddr(bytes).toString())
  } catch {
    return undefined
  }
}

/** The bytes of an address. */
export const bytesOfAddress = ({ text }: Address): Uint8Array => multiaddr(text).bytes

/** Whether `teller`, seen at an address, may tell us this one of itself or of others. `lanOnly`: nothing outside, ever. */
export function mayBelieve(
  address: Address,
  teller: Address | undefined,
  interfaces: readonly InterfaceAddress[],
  lanOnly: boolean,
): boolean {
  if (!isPlain(address)) return false
  const isShared = teller !== undefined && shareNetwork(address, teller, interfaces)
  return isShared || (!lanOnly && kindOf(address) === 'public')
}

/** Whether an address may be told to `listener`, seen at an address: public ones to all, others to who shares their subnet. */
export function mayTell(
  address: Address,
  listener: Address | undefined,
  interfaces: readonly InterfaceAddress[],
): boolean {
  if (!isPlain(address)) return false
  return kindOf(address) === 'public' || (listener !== undefined && shareNetwork(address, listener, interfaces))
}

/** Whether both lie on this machine, or in the same subnet of one of its interfaces. */
export function shareNetwork(a: Address, b: Address, interfaces: readonly InterfaceAddress[]): boolean {
  if (kindOf(a) === 'loopback' || kindOf(b) === 'loopback') return kindOf(a) === kindOf(b)
  return interfaces.some((own) => {
    const parsed = parseAddress(addressText(own, 1))
    const holds = ({ family, ip }: Address): boolean =>
      parsed?.family === family && sharesPrefix(parsed.ip, ip, own.prefix)
    return !own.internal && holds(a) && holds(b)
  })
}

/** TCP to an ordinary address of one host: 0.0.0.0 would be this machine, ::ffff:127.0.0.1 its loopback in disguise. */
export function isPlain({ family, ip, transport }: Address): boolean {
  if (transport !== 'tcp' && transport !== 'ws') return false
  const [first = 0] = ip
  if (family === 4) return first > 0 && first < 224
  if (first === 0) return kindOf({ family, ip }) === 'loopback'
  return first !== 0xff && first !== 0xfe
}

/** Whom records and connections are charged to: 24 bits of an IPv4 address, 48 of an IPv6 one; a near host by its own address. */
export function prefixOf(address: Address | undefined, isNear: boolean): string {
  if (address === undefined) return 'unknown'
  const bytes = isNear ? address.ip.length : address.family === 4 ? 3 : 6
  return address.ip.subarray(0, bytes).join('.')
}
