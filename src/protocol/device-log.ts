/**
 * The device log: which devices an account has, as a chain of entries that the account key signed.
 *
 *     entry = body, Ed25519 signature of the account over "tulnic/device-log-entry/1" ‖ body
 *     body  = [generation, sequence, previous, time, kind, …]
 *         add     1, signing key, DH key, capabilities          previous = hash of the body before, empty in the first
 *         revoke  2, device id
 *         rotate  3, device id, signing key, DH key, capabilities
 *         recover 4, [[signing key, DH key, capabilities] …]    generation + 1; supersedes what is not in its past; may keep live devices
 *     log   = [[body, signature] …]                              head = hash of the last body
 *
 * Holds: a `DeviceLog` was verified whole; sequence rises by one; a device that left never comes back; at least one device
 * is live. Two entries of one account with one (generation, sequence) prove that it speaks with two tongues.
 */
import type { AccountKey, DeviceId } from './brand.ts'
import { concat, equal, toBase32 } from './bytes.ts'
import type { Primitives } from './crypto/primitives.ts'
import type { Account, DeviceKeys } from './identity.ts'
import { deviceIdBytes, parseDeviceKeys } from './identity.ts'
import { LABELS } from './labels.ts'
import { DEVICE_COUNT, DEVICE_LOG_BYTES, DEVICE_LOG_ENTRIES } from './limits.ts'
import type { Decoder, Plain } from './wire/codec.ts'
import { bytes, decode, encode, integer, list, literal, tuple } from './wire/codec.ts'

export interface DeviceLog {
  /** The log as it travels. */
  readonly bytes: Uint8Array
  /** Hash of the last entry, 32 bytes. */
  readonly head: Uint8Array
  readonly account: AccountKey
  /** Those that were added and not revoked. */
  readonly devices: readonly DeviceKeys[]
  readonly entries: number
  /** Every entry, oldest first. */
  readonly chain: readonly Entry[]
}

/** One verified entry. */
export interface Entry {
  readonly generation: number
  readonly sequence: number
  readonly recovers: boolean
  readonly body: Uint8Array
  readonly signature: Uint8Array
  /** Of the body, 32 bytes. */
  readonly hash: Uint8Array
}

/** Where two logs of one account stand to each other: is the second newer than the first? */
export type LogOrder = 'same' | 'newer' | 'older' | 'fork'

const ADD = 1
const REVOKE = 2
const ROTATE = 3
const RECOVER = 4
/** Generations, times (ms since 1970) and capabilities: far beyond use, far within safe integers. */
const COUNT_MOST = 0xffff
const TIME_MOST = 2 ** 48

type Keys = readonly [signing: Uint8Array, dh: Uint8Array, capabilities: number]
type Change =
  | readonly [kind: typeof ADD, ...Keys]
  | readonly [kind: typeof REVOKE, id: Uint8Array]
  | readonly [kind: typeof ROTATE, id: Uint8Array, ...Keys]
  | readonly [kind: typeof RECOVER, devices: readonly Keys[]]

interface Body {
  readonly generation: number
  readonly sequence: number
  readonly previous: Uint8Array
  readonly change: Change
}

/** The chain while it is walked. `used`: every device that ever was. */
interface Walk {
  readonly chain: readonly Entry[]
  readonly live: ReadonlyMap<DeviceId, DeviceKeys>
  readonly used: ReadonlySet<DeviceId>
}

const START: Walk = { chain: [], live: new Map(), used: new Set() }

/** A log of one device. `time` in ms since 1970. */
export function createDeviceLog(p: Primitives, account: Account, device: DeviceKeys, time: number): DeviceLog {
  return append(p, account, START, 0, time, [ADD, device.signing, device.dh, 0])
}

/** The log with one more device. Throws for a device that is or was in it, and beyond the bounds of `limits.ts`. */
export function appendDevice(
  p: Primitives,
  account: Account,
  log: DeviceLog,
  device: DeviceKeys,
  time: number,
): DeviceLog {
  return append(p, account, walkOf(p, log), generationOf(log), time, [ADD, device.signing, device.dh, 0])
}

/** The log without a device. Throws if it is not live or the only one. */
export function revokeDevice(
  p: Primitives,
  account: Account,
  log: DeviceLog,
  device: DeviceId,
  time: number,
): DeviceLog {
  return append(p, account, walkOf(p, log), generationOf(log), time, [REVOKE, deviceIdBytes(device)])
}

/** The log with fresh keys in the place of a device. */
export function rotateDevice(
  p: Primitives,
  account: Account,
  log: DeviceLog,
  device: DeviceId,
  fresh: DeviceKeys,
  time: number,
): DeviceLog {
  const change: Change = [ROTATE, deviceIdBytes(device), fresh.signing, fresh.dh, 0]
  return append(p, account, walkOf(p, log), generationOf(log), time, change)
}

/** A new generation on top of whatever log is left: these devices and no others. */
export function recoverDevices(
  p: Primitives,
  account: Account,
  log: DeviceLog,
  devices: readonly DeviceKeys[],
  time: number,
): DeviceLog {
  const keys = devices.map((device): Keys => [device.signing, device.dh, 0])
  return append(p, account, walkOf(p, log), generationOf(log) + 1, time, [RECOVER, keys])
}

/** The log in these bytes, verified entry by entry for `account`. About 0.2 ms an entry. */
export function decodeDeviceLog(p: Primitives, account: AccountKey, encoded: Uint8Array): DeviceLog | undefined {
  const entries = decode(encoded, DEVICE_LOG_BYTES, ENTRIES)
  if (entries === undefined) return undefined
  let walk: Walk | undefined = START
  for (const [body, signature] of entries) {
    walk = take(p, walk, body, signature)
    if (walk === undefined || !p.verify(account, concat(LABELS.deviceLogEntry, body), signature)) return undefined
  }
  return logOf(account, encoded, walk)
}

/** Is `b` newer than `a`? Both logs of one account. */
export function compareDeviceLogs(a: DeviceLog, b: DeviceLog): LogOrder {
  const at = divergence(a, b)
  const [left, right] = [a.chain[at], b.chain[at]]
  if (left === undefined && right === undefined) return 'same'
  if (left === undefined) return 'newer'
  if (right === undefined) return 'older'
  if (right.recovers && right.generation > generationOf(a)) return 'newer'
  if (left.recovers && left.generation > generationOf(b)) return 'older'
  return 'fork'
}

/** For logs that fork: two entries that anybody can check by {@link isEquivocation}; `undefined` for logs that do not. */
export function equivocationProof(a: DeviceLog, b: DeviceLog): Uint8Array | undefined {
  if (compareDeviceLogs(a, b) !== 'fork') return undefined
  const at = divergence(a, b)
  const [left, right] = [a.chain[at], b.chain[at]]
  if (left === undefined || right === undefined) return undefined
  return encode([
    [left.body, left.signature],
    [right.body, right.signature],
  ])
}

/** Whether these bytes are two different entries that `account` signed for one (generation, sequence). */
export function isEquivocation(p: Primitives, account: AccountKey, proof: Uint8Array): boolean {
  const pair = decode(proof, DEVICE_LOG_BYTES, tuple(SIGNED, SIGNED))
  if (pair === undefined) return false
  const [left, right] = pair.map(([body]) => decode(body, DEVICE_LOG_BYTES, BODY))
  if (left === undefined || right === undefined || equal(pair[0][0], pair[1][0])) return false
  return (
    left.generation === right.generation &&
    left.sequence === right.sequence &&
    pair.every(([body, signature]) => p.verify(account, concat(LABELS.deviceLogEntry, body), signature))
  )
}

function generationOf(log: DeviceLog): number {
  return log.chain.at(-1)?.generation ?? 0
}

function divergence(a: DeviceLog, b: DeviceLog): number {
  if (!equal(a.account, b.account)) throw new RangeError('logs of two accounts are not compared')
  let at = 0
  for (const entry of a.chain) {
    const other = b.chain[at]
    if (other === undefined || !equal(entry.hash, other.hash)) break
    at++
  }
  return at
}

function logOf(account: AccountKey, encoded: Uint8Array, walk: Walk): DeviceLog | undefined {
  const head = walk.chain.at(-1)?.hash
  if (head === undefined) return undefined
  return {
    bytes: encoded,
    head,
    account,
    devices: [...walk.live.values()],
    entries: walk.chain.length,
    chain: walk.chain,
  }
}

function walkOf(p: Primitives, log: DeviceLog): Walk {
  let walk: Walk | undefined = START
  for (const entry of log.chain) {
    walk = take(p, walk, entry.body, entry.signature)
    if (walk === undefined) throw new RangeError('not a verified device log')
  }
  return walk
}

function append(
  p: Primitives,
  account: Account,
  walk: Walk,
  generation: number,
  time: number,
  change: Change,
): DeviceLog {
  const previous = walk.chain.at(-1)?.hash ?? new Uint8Array(0)
  const body = encode([generation, walk.chain.length, previous, time, ...change])
  const signature = p.sign(account.seed, concat(LABELS.deviceLogEntry, body))
  const next = take(p, walk, body, signature)
  if (next === undefined) throw new RangeError('the device log cannot hold this entry')
  const encoded = encode(next.chain.map((entry): Plain => [entry.body, entry.signature]))
  const log = logOf(account.key, encoded, next)
  if (log === undefined || next.chain.length > DEVICE_LOG_ENTRIES || encoded.length > DEVICE_LOG_BYTES) {
    throw new RangeError('the device log is full')
  }
  return log
}

/** The walk one entry further, if the entry's form, place and change are right; its signature is the caller's to check. */
function take(p: Primitives, walk: Walk, encoded: Uint8Array, signature: Uint8Array): Walk | undefined {
  const body = decode(encoded, DEVICE_LOG_BYTES, BODY)
  if (body === undefined || !follows(walk.chain.at(-1), body)) return undefined
  const changed = change(p, walk, body.change)
  if (changed === undefined || changed.live.size < 1 || changed.live.size > DEVICE_COUNT) return undefined
  const { generation, sequence } = body
  const recovers = body.change[0] === RECOVER
  const hash = p.sha256(concat(LABELS.deviceLogHead, encoded))
  return { ...changed, chain: [...walk.chain, { generation, sequence, recovers, body: encoded, signature, hash }] }
}

function follows(last: Entry | undefined, body: Body): boolean {
  const [kind] = body.change
  if (last === undefined) {
    return kind === ADD && body.generation === 0 && body.sequence === 0 && body.previous.length === 0
  }
  const generation = kind === RECOVER ? last.generation + 1 : last.generation
  return body.generation === generation && body.sequence === last.sequence + 1 && equal(body.previous, last.hash)
}

function change(p: Primitives, walk: Walk, asked: Change): Pick<Walk, 'live' | 'used'> | undefined {
  switch (asked[0]) {
    case ADD:
      return withDevice(p, walk, asked[1], asked[2])
    case REVOKE:
      return withoutDevice(walk, asked[1])
    case ROTATE: {
      const without = withoutDevice(walk, asked[1])
      return without && withDevice(p, without, asked[2], asked[3])
    }
    case RECOVER: {
      const gone = new Set([...walk.used].filter((id) => !walk.live.has(id)))
      let next: Pick<Walk, 'live' | 'used'> | undefined = { live: new Map(), used: gone }
      for (const [signing, dh] of asked[1]) next = next && withDevice(p, next, signing, dh)
      return next && { live: next.live, used: new Set([...walk.used, ...next.used]) }
    }
  }
}

function withDevice(
  p: Primitives,
  { live, used }: Pick<Walk, 'live' | 'used'>,
  signing: Uint8Array,
  dh: Uint8Array,
): Pick<Walk, 'live' | 'used'> | undefined {
  const device = parseDeviceKeys(p, signing, dh)
  if (device === undefined || used.has(device.id)) return undefined
  return { live: new Map(live).set(device.id, device), used: new Set(used).add(device.id) }
}

function withoutDevice(
  { live, used }: Pick<Walk, 'live' | 'used'>,
  id: Uint8Array,
): Pick<Walk, 'live' | 'used'> | undefined {
  const left = new Map([...live].filter(([each]) => each !== toBase32(id)))
  return left.size < live.size ? { live: left, used } : undefined
}

const SIGNED = tuple(bytes(1, DEVICE_LOG_BYTES), bytes(64))
const ENTRIES = list(SIGNED, 1, DEVICE_LOG_ENTRIES)
const HEADER = [integer(0, COUNT_MOST), integer(0, COUNT_MOST), bytes(0, 32), integer(0, TIME_MOST)] as const
const KEYS = [bytes(32), bytes(32), integer(0, COUNT_MOST)] as const
const CHANGES: readonly Decoder<Change>[] = [
  tuple(literal(ADD), ...KEYS),
  tuple(literal(REVOKE), bytes(16)),
  tuple(literal(ROTATE), bytes(16), ...KEYS),
  tuple(literal(RECOVER), list(tuple(...KEYS), 1, DEVICE_COUNT)),
]

const BODY: Decoder<Body> = (item) => {
  if (!Array.isArray(item)) return undefined
  const header = tuple(...HEADER)(item.slice(0, HEADER.length))
  if (header === undefined) return undefined
  const rest = item.slice(HEADER.length)
  for (const decoder of CHANGES) {
    const change = decoder(rest)
    if (change !== undefined) return { generation: header[0], sequence: header[1], previous: header[2], change }
  }
  return undefined
}
