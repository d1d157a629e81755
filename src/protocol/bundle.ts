/**
 * The prekey bundle: what somebody needs to begin a session with a device that is not there.
 *
 *     body   = [1, account key, device log, device id, signed prekey 32, KEM key 1184, seal key 1216, created]
 *     bundle = [body, Ed25519 signature of the device over "tulnic/bundle/1" ‖ body]        hash = H("tulnic/bundle-hash/1" ‖ bundle)
 *
 * Holds: a `Bundle` was verified: the log by the account, the keys by a live device of that log; every key in it can be used,
 * so that a handshake with it does not fail. How old it may be is the caller's to judge.
 */
import type { AccountKey } from './brand.ts'
import { concat, equal } from './bytes.ts'
import { isDhKey } from './crypto/points.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import { XWING_KEY_BYTES, XWING_SEED_BYTES, xwingPublicKey } from './crypto/xwing.ts'
import type { DeviceLog } from './device-log.ts'
import { decodeDeviceLog } from './device-log.ts'
import type { DeviceKeys, DeviceSecrets } from './identity.ts'
import { deviceIdBytes, deviceKeys, parseAccountKey } from './identity.ts'
import { LABELS } from './labels.ts'
import { BUNDLE_BYTES, DEVICE_LOG_BYTES } from './limits.ts'
import { bytes, decode, encode, integer, literal, mapped, tuple } from './wire/codec.ts'

/** Private halves of one bundle: erased when it is too old. */
export interface PrekeySecrets {
  /** X25519, 32 bytes. */
  readonly signedPrekeySeed: Uint8Array
  /** ML-KEM-768, 64 bytes. */
  readonly kemSeed: Uint8Array
  /** X-Wing, 32 bytes: opens the INITs that were sealed to the bundle. */
  readonly sealSeed: Uint8Array
}

export interface Bundle {
  /** The bundle as it travels. */
  readonly bytes: Uint8Array
  /** Names it, 32 bytes. */
  readonly hash: Uint8Array
  readonly account: AccountKey
  readonly log: DeviceLog
  readonly device: DeviceKeys
  /** X25519, 32 bytes. */
  readonly signedPrekey: Uint8Array
  /** ML-KEM-768, 1184 bytes. */
  readonly kemKey: Uint8Array
  /** X-Wing, 1216 bytes. */
  readonly sealKey: Uint8Array
  /** Milliseconds since 1970, by its maker's clock. */
  readonly createdAt: number
}

const KEM_KEY_BYTES = 1184
const TIME_MOST = 2 ** 48

/** Fresh prekeys of a device that is live in `log`, with their private halves. */
export function createBundle(
  p: Primitives,
  random: Random,
  maker: { readonly log: DeviceLog; readonly device: DeviceSecrets; readonly createdAt: number },
): { readonly bundle: Bundle; readonly secrets: PrekeySecrets } {
  const { log, createdAt } = maker
  const device = deviceKeys(p, maker.device)
  if (!log.devices.some((live) => live.id === device.id)) throw new RangeError('the device is not live in its log')
  const secrets = { signedPrekeySeed: random(32), kemSeed: random(64), sealSeed: random(XWING_SEED_BYTES) }
  const signedPrekey = p.x25519PublicKey(secrets.signedPrekeySeed)
  const kemKey = p.kemPublicKey(secrets.kemSeed)
  const sealKey = xwingPublicKey(p, secrets.sealSeed)
  const body = encode([1, log.account, log.bytes, deviceIdBytes(device.id), signedPrekey, kemKey, sealKey, createdAt])
  const encoded = encode([body, p.sign(maker.device.signingSeed, concat(LABELS.bundle, body))])
  const hash = hashOf(p, encoded)
  const bundle = { bytes: encoded, hash, account: log.account, log, device, signedPrekey, kemKey, sealKey, createdAt }
  return { bundle, secrets }
}

/** The bundle in at most 6 KiB, verified. About 1 ms. */
export function decodeBundle(p: Primitives, encoded: Uint8Array): Bundle | undefined {
  const parts = decode(encoded, BUNDLE_BYTES, SIGNED)
  if (parts === undefined) return undefined
  const [body, signature] = parts
  const fields = decode(body, BUNDLE_BYTES, BODY)
  if (fields === undefined) return undefined
  const [, account, logBytes, deviceId, signedPrekey, kemKey, sealKey, createdAt] = fields
  const log = decodeDeviceLog(p, account, logBytes)
  const device = log?.devices.find((live) => equal(deviceIdBytes(live.id), deviceId))
  if (log === undefined || device === undefined) return undefined
  if (!p.verify(device.signing, concat(LABELS.bundle, body), signature)) return undefined
  if (!usable(p, signedPrekey, kemKey, sealKey)) return undefined
  const hash = hashOf(p, encoded)
  return { bytes: encoded, hash, account, log, device, signedPrekey, kemKey, sealKey, createdAt }
}

/** Whether a handshake with these keys cannot fail: no low-order point, and both ML-KEM keys within the modulus. */
function usable(p: Primitives, signedPrekey: Uint8Array, kemKey: Uint8Array, sealKey: Uint8Array): boolean {
  return (
    isDhKey(signedPrekey) &&
    isDhKey(sealKey.subarray(KEM_KEY_BYTES)) &&
    p.kemEncapsulate(kemKey, TRIAL) !== undefined &&
    p.kemEncapsulate(sealKey.subarray(0, KEM_KEY_BYTES), TRIAL) !== undefined
  )
}

function hashOf(p: Primitives, encoded: Uint8Array): Uint8Array {
  return p.sha256(concat(LABELS.bundleHash, encoded))
}

/** Randomness of an encapsulation whose result is thrown away. */
const TRIAL = new Uint8Array(32)
const SIGNED = tuple(bytes(1, BUNDLE_BYTES), bytes(64))
const BODY = tuple(
  literal(1),
  mapped(bytes(32), parseAccountKey),
  bytes(1, DEVICE_LOG_BYTES),
  bytes(16),
  bytes(32),
  bytes(KEM_KEY_BYTES),
  bytes(XWING_KEY_BYTES),
  integer(0, TIME_MOST),
)
