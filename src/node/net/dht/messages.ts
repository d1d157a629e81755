/**
 * Messages of the DHT: libp2p's Kademlia, of which this node asks and answers four kinds.
 *
 *     message = 1: type ‖ 2: key ‖ 3: record ‖ 8: closer peer * ‖ 10: cluster level      protobuf, after its length as a varint
 *     record  = 1: key ‖ 2: value ‖ 5: time received
 *     peer    = 1: PeerID ‖ 2: multiaddress *
 *
 * Spec: libp2p "Kademlia DHT", RPC messages.
 *
 * Holds: any bytes are decoded or refused, never thrown at; what is longer or more than a number that stands here is refused.
 */
import { concat, utf8 } from '../../../protocol/index.ts'

export const TYPE = { put: 0, get: 1, find: 4, ping: 5 } as const

/** A question of ours or of others: a record of 8 KiB with its key twice. */
export const QUESTION_BYTES = 10 * 1024
/** An answer: a record, and twenty peers with eight addresses each. */
export const ANSWER_BYTES = 24 * 1024
/** Peers in one answer: Kademlia's k. */
export const CLOSER = 20
/** Addresses of one of them. */
const ADDRESSES = 8

type Bytes = Uint8Array

export interface DhtPeer {
  /** Raw bytes of an Ed25519 PeerID, 38. */
  readonly id: Bytes
  /** Bytes of multiaddresses. */
  readonly addresses: readonly Bytes[]
}

export interface DhtRecord {
  readonly key: Bytes
  readonly value: Bytes
}

export interface DhtMessage {
  readonly type: number
  readonly key: Bytes
  readonly record: DhtRecord | undefined
  readonly closer: readonly DhtPeer[]
}

/** When a record came is nobody's business; libp2p wants to read some time. */
const SOME_TIME = utf8('2020-01-01T00:00:00.000000000Z')
const ID_BYTES = 38
/** The identity multihash of an Ed25519 key: there are no others here (decision 0010). */
const ID_HEAD = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/** Whether this is the PeerID of an Ed25519 key. */
export const isPeerId = (id: Bytes): boolean => id.length === ID_BYTES && ID_HEAD.every((byte, i) => id[i] === byte)

/** A message with its length before it. */
export function encodeMessage({ type, key, record, closer }: DhtMessage): Bytes {
  const body = concat(
    varintField(1, type),
    key.length > 0 ? bytesField(2, key) : new Uint8Array(),
    record === undefined ? new Uint8Array() : bytesField(3, encodeRecord(record)),
    ...closer.map(({ id, addresses }) =>
      bytesField(8, concat(bytesField(1, id), ...addresses.map((address) => bytesField(2, address)))),
    ),
  )
  return concat(varint(body.length), body)
}

/** The message in bytes without their length; `undefined` for everything that is none. Peers of other kinds are left out. */
export function decodeMessage(body: Bytes): DhtMessage | undefined {
  let type = 0
  let key: Bytes = new Uint8Array()
  let record: DhtRecord | undefined
  const closer: DhtPeer[] = []
  for (const field of fields(body)) {
    if (field === undefined) return undefined
    if (field.number === 1 && field.varint !== undefined) type = field.varint
    else if (field.number === 2 && field.bytes !== undefined) key = field.bytes
    else if (field.number === 3 && field.bytes !== undefined) {
      record = decodeRecord(field.bytes)
      if (record === undefined) return undefined
    } else if (field.number === 8 && field.bytes !== undefined) {
      const peer = decodePeer(field.bytes)
      if (peer === undefined) return undefined
      if (closer.length < CLOSER && isPeerId(peer.id)) closer.push(peer)
    }
  }
  return { type, key, record, closer }
}

function encodeRecord({ key, value }: DhtRecord): Bytes {
  return concat(bytesField(1, key), bytesField(2, value), bytesField(5, SOME_TIME))
}

function decodeRecord(body: Bytes): DhtRecord | undefined {
  let key: Bytes = new Uint8Array()
  let value: Bytes = new Uint8Array()
  for (const field of fields(body)) {
    if (field === undefined) return undefined
    if (field.number === 1 && field.bytes !== undefined) key = field.bytes
    else if (field.number === 2 && field.bytes !== undefined) value = field.bytes
  }
  return { key, value }
}

function decodePeer(body: Bytes): DhtPeer | undefined {
  let id: Bytes = new Uint8Array()
  const addresses: Bytes[] = []
  for (const field of fields(body)) {
    if (field === undefined) return undefined
    if (field.number === 1 && field.bytes !== undefined) id = field.bytes
    else if (field.number === 2 && field.bytes !== undefined && addresses.length < ADDRESSES)
      addresses.push(field.bytes)
  }
  return { id, addresses }
}

interface Field {
  readonly number: number
  readonly varint?: number
  readonly bytes?: Bytes
}

/** The fields of a message one after another; an `undefined` is the last thing of bytes that are no message. */
function* fields(body: Bytes): Generator<Field | undefined> {
  for (let at = 0; at < body.length; ) {
    const head = readVarint(body, at)
    if (head === undefined) return yield undefined
    const number = head.value >>> 3
    const wire = head.value & 7
    const next = wire === 0 || wire === 2 ? readVarint(body, head.end) : undefined
    if (number === 0 || next === undefined) return yield undefined
    if (wire === 0) {
      at = next.end
      yield { number, varint: next.value }
      continue
    }
    at = next.end + next.value
    if (at > body.length) return yield undefined
    yield { number, bytes: body.subarray(next.end, at) }
  }
}

const MOST = 0x7fff_ffff

/** A number below 2^31 in at most five bytes, and where it ends. */
export function readVarint(bytes: Bytes, from: number): { value: number; end: number } | undefined {
  let value = 0
  for (let i = 0; i < 5; i++) {
    const byte = bytes[from + i]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return value <= MOST ? { value, end: from + i + 1 } : undefined
  }
  return undefined
}

function varint(value: number): Bytes {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Uint8Array.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}

const varintField = (number: number, value: number): Bytes => concat(varint(number << 3), varint(value))
const bytesField = (number: number, bytes: Bytes): Bytes =>
  concat(varint((number << 3) | 2), varint(bytes.length), bytes)
