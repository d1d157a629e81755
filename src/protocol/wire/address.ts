/**
 * Network addresses as peers tell them: multiaddress texts that begin with an IP address and a port, nothing to look up.
 *
 *     hint = 1 ‖ IPv4 4 ‖ TCP port 2   |   2 ‖ IPv6 16 ‖ TCP port 2   |   3, 4: the same with /ws
 *          | 5 … 8: one of those ‖ relay's Ed25519 key 32 ‖ peer's 32
 *
 *     relayed = address (TCP, or WebSocket) /p2p/RELAY /p2p-circuit /p2p/PEER, both Ed25519
 *
 * Holds: no name ever gets through (a name would let a contact steer our DNS), no port 0, and no `/p2p` part but those of a
 * relayed address: where it is direct, hello says who answers.
 */
import { base58 } from '@scure/base'
import { concat, equal } from '../bytes.ts'
import { ADDRESS_CHARACTERS } from '../limits.ts'
import { uint16 } from './codec.ts'

const FORM = /^\/(ip4|ip6)\/([0-9a-f.:]{2,45})\/(tcp|udp)\/([1-9][0-9]{0,4})((?:\/[A-Za-z0-9_-]+)*)$/
const PEER_ID = '12D3KooW[1-9A-HJ-NP-Za-km-z]{44}'
const RELAYED = new RegExp(`^(?:/ws)?/p2p/${PEER_ID}/p2p-circuit/p2p/${PEER_ID}$`)
const IP_BYTES = { ip4: 4, ip6: 16 } as const
/** Added to the kind of the address of a relay. */
const RELAYED_KIND = 4
/** Before an Ed25519 key in a PeerID: identity multihash, 36 bytes; key type 1; data, 32 bytes (libp2p "Peer Ids and Keys"). */
const PEER_ID_HEAD = Uint8Array.of(0, 0x24, 8, 1, 0x12, 0x20)
const KEY_BYTES = 32
const KINDS: readonly { readonly kind: number; readonly ip: keyof typeof IP_BYTES; readonly tail: string }[] = [
  { kind: 1, ip: 'ip4', tail: '' },
  { kind: 2, ip: 'ip6', tail: '' },
  { kind: 3, ip: 'ip4', tail: '/ws' },
  { kind: 4, ip: 'ip6', tail: '/ws' },
]

interface Parts {
  readonly ip: keyof typeof IP_BYTES
  readonly bytes: Uint8Array
  readonly transport: string
  readonly port: number
  readonly tail: string
}

/** Whether this is an address that may be sent and dialed: `/ip4/192.0.2.7/tcp/4001`, at most 256 characters. */
export function isAddress(text: string): boolean {
  return parse(text) !== undefined
}

/** Whether an address leads to a relay, and through it to the peer. */
export function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit')
}

/**
 * As many of the addresses, in order, as have a hint and fit into `room` bytes; others are left out. The first relayed one has
 * its place in any case, at the end: without it nobody from elsewhere finds who is behind a router.
 */
export function encodeHints(addresses: readonly string[], room: number): Uint8Array {
  const hints = addresses.flatMap((address) => hintOf(address) ?? [])
  const relayed = hints.find((hint) => (hint[0] ?? 0) > RELAYED_KIND && hint.length <= room) ?? new Uint8Array(0)
  let chosen: Uint8Array = new Uint8Array(0)
  for (const hint of hints)
    if (hint !== relayed && chosen.length + hint.length + relayed.length <= room) chosen = concat(chosen, hint)
  return concat(chosen, relayed)
}

/** The addresses of hints; `undefined` where one is unknown or cut off. */
export function decodeHints(hints: Uint8Array): readonly string[] | undefined {
  const addresses: string[] = []
  let at = 0
  while (at < hints.length) {
    const kind = hints[at] ?? 0
    const isRelayed = kind > RELAYED_KIND
    const form = KINDS.find((each) => each.kind === (isRelayed ? kind - RELAYED_KIND : kind))
    if (form === undefined) return undefined
    const end = at + 1 + IP_BYTES[form.ip] + 2
    const next = isRelayed ? end + 2 * KEY_BYTES : end
    if (next > hints.length) return undefined
    const port = (hints[end - 2] as number) * 256 + (hints[end - 1] as number)
    if (port === 0) return undefined
    const ip = hints.subarray(at + 1, end - 2)
    const relay = `/${form.ip}/${form.ip === 'ip4' ? ip.join('.') : ip6Text(ip)}/tcp/${port}${form.tail}`
    const [through, peer] = [hints.subarray(end, end + KEY_BYTES), hints.subarray(end + KEY_BYTES, next)]
    addresses.push(isRelayed ? `${relay}/p2p/${peerIdText(through)}/p2p-circuit/p2p/${peerIdText(peer)}` : relay)
    at = next
  }
  return addresses
}

function hintOf(address: string): Uint8Array | undefined {
  const parts = parse(address)
  if (parts === undefined || parts.transport !== 'tcp') return undefined
  const [tail = '', through, peer] = parts.tail.split(/\/p2p\/|\/p2p-circuit\/p2p\//)
  const form = KINDS.find((each) => each.ip === parts.ip && each.tail === tail)
  if (form === undefined) return undefined
  const at = concat(parts.bytes, uint16(parts.port))
  if (through === undefined || peer === undefined) return concat(Uint8Array.of(form.kind), at)
  const keys = [through, peer].flatMap((text) => peerKey(text) ?? [])
  return keys.length < 2 ? undefined : concat(Uint8Array.of(form.kind + RELAYED_KIND), at, ...keys)
}

const peerIdText = (key: Uint8Array): string => base58.encode(concat(PEER_ID_HEAD, key))

/** The Ed25519 key in a PeerID's text that {@link RELAYED} matched. */
function peerKey(text: string): Uint8Array | undefined {
  const bytes = base58.decode(text)
  const isOurs =
    bytes.length === PEER_ID_HEAD.length + KEY_BYTES && equal(bytes.subarray(0, PEER_ID_HEAD.length), PEER_ID_HEAD)
  return isOurs ? bytes.subarray(PEER_ID_HEAD.length) : undefined
}

function parse(text: string): Parts | undefined {
  if (text.length > ADDRESS_CHARACTERS) return undefined
  const [, version, host = '', transport = '', portText, tail = ''] = FORM.exec(text) ?? []
  if (version !== 'ip4' && version !== 'ip6') return undefined
  const bytes = version === 'ip4' ? ip4Bytes(host) : ip6Bytes(host)
  const port = Number(portText)
  if (bytes === undefined || port > 0xffff) return undefined
  const isDirect = !tail.split('/').some((part) => part === 'p2p' || part === 'p2p-circuit')
  if (!isDirect && (transport !== 'tcp' || !RELAYED.test(tail))) return undefined
  return { ip: version, bytes, transport, port, tail }
}

function ip4Bytes(host: string): Uint8Array | undefined {
  const numbers = host.split('.')
  if (numbers.length !== 4 || !numbers.every((each) => /^(0|[1-9][0-9]{0,2})$/.test(each) && Number(each) < 256))
    return undefined
  return Uint8Array.from(numbers, Number)
}

/** RFC 4291 §2.2 without the dotted form. */
function ip6Bytes(host: string): Uint8Array | undefined {
  const halves = host.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')))
  if (head === undefined) return undefined
  const given = head.length + (tail?.length ?? 0)
  if (tail === undefined ? given !== 8 : given > 7) return undefined
  const groups = [...head, ...Array<string>(8 - given).fill('0'), ...(tail ?? [])]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined
  return concat(...groups.map((group) => uint16(Number.parseInt(group, 16))))
}

/** RFC 5952: no leading zeros, the longest run of zero groups (of two or more, the first) as `::`. */
function ip6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) =>
    ((bytes[2 * at] as number) * 256 + (bytes[2 * at + 1] as number)).toString(16),
  )
  const runs = groups
    .map((_, at) => groups.slice(at).findIndex((group) => group !== '0'))
    .map((run, at) => (run < 0 ? 8 - at : run))
  const longest = Math.max(...runs)
  if (longest < 2) return groups.join(':')
  const at = runs.indexOf(longest)
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + longest).join(':')}`
}
