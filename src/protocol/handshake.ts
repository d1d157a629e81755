/**
 * The handshake: how a first message reaches a device of which only a prekey bundle is known.
 *
 *     INIT  = kind 1 ‖ X-Wing ciphertext 1120 ‖ committing AEAD{ [clear, first session message] }
 *     clear = [1, bundle hash 16, invite key 16 or null, one-time key used 0|1, account key, device log, device id 16,
 *              ephemeral key EK 32, KEM ciphertext 1088]
 *
 *     DH1 = IK_a·SPK_b   DH2 = EK_a·IK_b   DH3 = EK_a·SPK_b   [DH4 = EK_a·OTK_b]   SS = decapsulated KEM ciphertext
 *     transcript = H(bundle ‖ clear ‖ both account keys ‖ both device-log heads), each behind its length
 *     SK ‖ AK ‖ CS(0) = HKDF(salt 0, 0xFF·32 ‖ DH1 ‖ DH2 ‖ DH3 [‖ DH4] ‖ SS [‖ invite secret], "tulnic/pqxdh/1" ‖ transcript, 96)
 *
 * Spec: Signal "PQXDH", with our own transcript and the invite's secret mixed in. The seal is to the bundle's X-Wing key
 * and keeps the initiator's identity from everybody on the way; it authenticates nobody, the session message inside does.
 * Which bundle it is for is inside too: the recipient tries the seal keys of the few bundles that it still has.
 * Holds: a handshake whose DH gives all zeros, whose device is not live in its own log, or whose first message does not
 * open, leaves nothing behind. Replays are the caller's to refuse, by `Init.id`.
 */
import type { AccountKey } from './brand.ts'
import type { Bundle, PrekeySecrets } from './bundle.ts'
import { concat, equal } from './bytes.ts'
import { open, seal } from './crypto/aead.ts'
import { hkdf } from './crypto/hkdf.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import { XWING_CIPHERTEXT_BYTES, xwingDecapsulate, xwingEncapsulate } from './crypto/xwing.ts'
import { type DeviceLog, decodeDeviceLog } from './device-log.ts'
import { type DeviceKeys, type DeviceSecrets, deviceIdBytes, deviceKeys, parseAccountKey } from './identity.ts'
import { inviteKey } from './invite.ts'
import { LABELS } from './labels.ts'
import { DEVICE_LOG_BYTES, FRAME_BYTES } from './limits.ts'
import {
  type Agreement,
  FRAME_INIT,
  HEAD_BYTES,
  openMessage,
  readHeader,
  sealMessage,
  sessionIdOf,
  startInitiator,
  startResponder,
} from './session.ts'
import { bytes, decode, encode, integer, joined, literal, mapped, nullable, tuple } from './wire/codec.ts'

/** The device that runs: its account, its keys, its log. */
export interface Us {
  readonly account: AccountKey
  readonly device: DeviceSecrets
  readonly log: DeviceLog
}

/** What an invite adds: its secret, and the public half of its one-time key. `null` where there is none. */
export interface InviteParts {
  readonly inviteSecret: Uint8Array | null
  readonly oneTimeKey: Uint8Array | null
}

export interface Initiated {
  /** The INIT. */
  readonly frame: Uint8Array
  /** State of the session (session.ts). */
  readonly session: Uint8Array
  /** 16 bytes, equal on both sides. */
  readonly sessionId: Uint8Array
  /** CS(0), 32 bytes. */
  readonly contactSecret: Uint8Array
}

/** An INIT that was opened, its log verified; that its sender is who the log says shows only in {@link respond}. */
export interface Init {
  /** Names the handshake, 32 bytes: one that was accepted before is a replay. */
  readonly id: Uint8Array
  /** First 16 bytes of the hash of the bundle that it answers. */
  readonly bundleHash16: Uint8Array
  /** Names the invite that it uses, 16 bytes, or `null`. */
  readonly inviteKey: Uint8Array | null
  readonly usesOneTime: boolean
  readonly account: AccountKey
  readonly log: DeviceLog
  readonly device: DeviceKeys
  /** X25519, 32 bytes. */
  readonly ephemeralKey: Uint8Array
  readonly kemCiphertext: Uint8Array
  /** The fields as they came: the transcript covers these bytes. */
  readonly clear: Uint8Array
  /** The first session message. */
  readonly message: Uint8Array
}

/** Our private halves of what an INIT answers. */
export interface Answered {
  readonly bundle: Bundle
  readonly secrets: PrekeySecrets
  /** X25519, 32 bytes; `null` where the invite has none. */
  readonly oneTimeSeed: Uint8Array | null
  readonly inviteSecret: Uint8Array | null
}

export interface Responded {
  readonly session: Uint8Array
  readonly sessionId: Uint8Array
  readonly contactSecret: Uint8Array
  readonly plaintext: Uint8Array
}

const VERSION = 1
const KEM_CIPHERTEXT_BYTES = 1088
const HEADER_BYTES = 1 + XWING_CIPHERTEXT_BYTES
const NO_SALT = new Uint8Array(0)
/** Spec: "F … a byte sequence containing 32 0xFF bytes", so that no key material begins like an Ed25519 encoding. */
const F = new Uint8Array(32).fill(0xff)

/**
 * Begins a session with the device of a verified bundle, `plaintext` inside. About 1 ms.
 *
 * Throws for a plaintext that is too long, and for keys that `decodeBundle` and `decodeInvite` would have refused.
 */
export function initiate(
  p: Primitives,
  random: Random,
  us: Us,
  bundle: Bundle,
  invite: InviteParts,
  plaintext: Uint8Array,
  now: number,
): Initiated {
  const ephemeral = random(32)
  const kem = required(p.kemEncapsulate(bundle.kemKey, random(32)))
  const clear = encode([
    VERSION,
    bundle.hash.subarray(0, 16),
    invite.inviteSecret === null ? null : inviteKey(p, invite.inviteSecret),
    invite.oneTimeKey === null ? 0 : 1,
    us.account,
    us.log.bytes,
    deviceIdBytes(deviceKeys(p, us.device).id),
    p.x25519PublicKey(ephemeral),
    kem.ciphertext,
  ])
  const secrets = [
    required(p.x25519(us.device.dhSeed, bundle.signedPrekey)),
    required(p.x25519(ephemeral, bundle.device.dh)),
    required(p.x25519(ephemeral, bundle.signedPrekey)),
    ...(invite.oneTimeKey === null ? [] : [required(p.x25519(ephemeral, invite.oneTimeKey))]),
    kem.sharedSecret,
    ...(invite.inviteSecret === null ? [] : [invite.inviteSecret]),
  ]
  const { agreement, contactSecret } = agree(p, secrets, transcriptOf(p, bundle, clear, us.account, us.log))
  const fresh = startInitiator(p, agreement, bundle.signedPrekey, now)
  const heads = { own: us.log.head.subarray(0, HEAD_BYTES), peer: bundle.log.head.subarray(0, HEAD_BYTES) }
  const first = sealMessage(p, random, fresh, plaintext, heads, now)
  const frame = sealInit(p, random, bundle.sealKey, encode([clear, first.frame]))
  return { frame, session: first.state, sessionId: sessionIdOf(p, agreement.transcript), contactSecret }
}

/** Opens an INIT with the seal key (X-Wing seed) of one bundle; `undefined` for another's, and for anything not sound. */
export function openInit(p: Primitives, sealSeed: Uint8Array, frame: Uint8Array): Init | undefined {
  if (frame[0] !== FRAME_INIT || frame.length <= HEADER_BYTES || frame.length > FRAME_BYTES) return undefined
  const key = xwingDecapsulate(p, sealSeed, frame.subarray(1, HEADER_BYTES))
  if (key === undefined) return undefined
  const inside = open(p, key, LABELS.init, frame.subarray(HEADER_BYTES), frame.subarray(0, HEADER_BYTES))
  const parts = inside && decode(inside, FRAME_BYTES, INSIDE)
  return parts && readClear(p, parts[0], parts[1])
}

function readClear(p: Primitives, clear: Uint8Array, message: Uint8Array): Init | undefined {
  const fields = decode(clear, FRAME_BYTES, CLEAR)
  if (fields === undefined) return undefined
  const [, bundleHash16, invite, usesOneTime, account, logBytes, deviceId, ephemeralKey, kemCiphertext] = fields
  const log = decodeDeviceLog(p, account, logBytes)
  const device = log?.devices.find((live) => equal(deviceIdBytes(live.id), deviceId))
  if (log === undefined || device === undefined) return undefined
  return {
    id: p.sha256(concat(LABELS.initId, clear)),
    bundleHash16,
    inviteKey: invite,
    usesOneTime: usesOneTime === 1,
    account,
    log,
    device,
    ephemeralKey,
    kemCiphertext,
    clear,
    message,
  }
}

/**
 * Accepts an INIT: agrees on the keys and opens the first message.
 *
 * `undefined` where its sender is not who its log says, where bundle, invite or one-time key are not those that it
 * names, and for any other damage. Whoever stores the session also erases the one-time key and remembers `init.id`.
 */
export function respond(
  p: Primitives,
  random: Random,
  us: Us,
  answered: Answered,
  init: Init,
  now: number,
): Responded | undefined {
  const secrets = answersInit(p, answered, init) ? secretsOf(p, us, answered, init) : undefined
  if (secrets === undefined) return undefined
  const { bundle } = answered
  const { agreement, contactSecret } = agree(p, secrets, transcriptOf(p, bundle, init.clear, init.account, init.log))
  const signedPrekey = { privateKey: answered.secrets.signedPrekeySeed, publicKey: bundle.signedPrekey }
  const fresh = startResponder(p, agreement, signedPrekey, now)
  const header = readHeader(p, fresh, init.message)
  const opened = header && openMessage(p, random, fresh, init.message, header, [], now)
  if (opened === undefined) return undefined
  const sessionId = sessionIdOf(p, agreement.transcript)
  return { session: opened.state, sessionId, contactSecret, plaintext: opened.plaintext }
}

/** Whether the INIT names exactly this bundle, invite and one-time key. */
function answersInit(p: Primitives, { bundle, oneTimeSeed, inviteSecret }: Answered, init: Init): boolean {
  if (!equal(init.bundleHash16, bundle.hash.subarray(0, 16)) || init.usesOneTime !== (oneTimeSeed !== null))
    return false
  if (init.inviteKey === null || inviteSecret === null) return init.inviteKey === inviteSecret
  return equal(init.inviteKey, inviteKey(p, inviteSecret))
}

/** The responder's side of the four DHs and the KEM. */
function secretsOf(p: Primitives, us: Us, answered: Answered, init: Init): readonly Uint8Array[] | undefined {
  const { secrets, oneTimeSeed, inviteSecret } = answered
  const shared = [
    p.x25519(secrets.signedPrekeySeed, init.device.dh),
    p.x25519(us.device.dhSeed, init.ephemeralKey),
    p.x25519(secrets.signedPrekeySeed, init.ephemeralKey),
    ...(oneTimeSeed === null ? [] : [p.x25519(oneTimeSeed, init.ephemeralKey)]),
    p.kemDecapsulate(secrets.kemSeed, init.kemCiphertext),
    ...(inviteSecret === null ? [] : [inviteSecret]),
  ]
  const present = shared.filter((secret) => secret !== undefined)
  return present.length === shared.length ? present : undefined
}

function transcriptOf(
  p: Primitives,
  bundle: Bundle,
  clear: Uint8Array,
  initiator: AccountKey,
  log: DeviceLog,
): Uint8Array {
  return p.sha256(joined(LABELS.transcript, bundle.bytes, clear, initiator, bundle.account, log.head, bundle.log.head))
}

function agree(
  p: Primitives,
  secrets: readonly Uint8Array[],
  transcript: Uint8Array,
): { agreement: Agreement; contactSecret: Uint8Array } {
  const keys = hkdf(p, NO_SALT, concat(F, ...secrets), concat(LABELS.pqxdh, transcript), 96)
  const agreement = { sk: keys.subarray(0, 32), ak: keys.subarray(32, 64), transcript }
  return { agreement, contactSecret: keys.slice(64, 96) }
}

function sealInit(p: Primitives, random: Random, sealKey: Uint8Array, inside: Uint8Array): Uint8Array {
  const { ciphertext, sharedSecret } = required(xwingEncapsulate(p, random, sealKey))
  const header = concat(Uint8Array.of(FRAME_INIT), ciphertext)
  const frame = concat(header, seal(p, random, sharedSecret, LABELS.init, inside, header))
  if (frame.length > FRAME_BYTES) throw new RangeError(`an INIT has ${FRAME_BYTES} bytes at most, not ${frame.length}`)
  return frame
}

function required<T>(result: T | undefined): T {
  if (result === undefined) throw new RangeError('a bundle or invite with an unusable key was never decoded')
  return result
}

const INSIDE = tuple(bytes(1, FRAME_BYTES), bytes(1, FRAME_BYTES))
const CLEAR = tuple(
  literal(VERSION),
  bytes(16),
  nullable(bytes(16)),
  integer(0, 1),
  mapped(bytes(32), parseAccountKey),
  bytes(1, DEVICE_LOG_BYTES),
  bytes(16),
  bytes(32),
  bytes(KEM_CIPHERTEXT_BYTES),
)
