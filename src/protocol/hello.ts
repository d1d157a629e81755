/**
 * Hello: how two contacts know each other behind ephemeral PeerIDs, telling nobody else who they are.
 *
 *     contact secret ──HKDF("hello-tag-key" ‖ day)──▶ tag = HMAC(role ‖ both PeerIDs)[0:16]
 *     contact secret ──HKDF("hello-proof-key" ‖ role ‖ both nonces)──▶ AEAD{ device id 16 ‖ device's signature 64 }
 *
 * The tag finds the contact; the proof shows the device. It is signed over role, PeerIDs and fresh nonces, so that a stolen
 * contact secret alone impersonates nobody and nothing can be played to a third peer, or back.
 *
 * Holds: what is not for us looks random; nothing here throws for what a remote sent.
 */
import type { DeviceId } from './brand.ts'
import { concat, equal } from './bytes.ts'
import { open, SEAL_OVERHEAD, seal } from './crypto/aead.ts'
import { derive } from './crypto/hkdf.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import type { DeviceKeys, DeviceSecrets } from './identity.ts'
import { deviceIdBytes } from './identity.ts'
import { LABELS } from './labels.ts'
import { joined, uint16 } from './wire/codec.ts'

/** Which end of the connection speaks. */
export type Role = 'dialer' | 'listener'

export const TAG_BYTES = 16
/** Device id, signature, and what sealing adds. */
export const PROOF_BYTES = 16 + 64 + SEAL_OVERHEAD

const NOTHING = new Uint8Array(0)

/** The tag by which `role` shows itself to the one it shares `secret` with, on `day` (days since 1970, below 65536). */
export function helloTag(
  p: Primitives,
  secret: Uint8Array,
  day: number,
  role: Role,
  dialerPeer: Uint8Array,
  listenerPeer: Uint8Array,
): Uint8Array {
  const key = derive(p, secret, concat(LABELS.helloTagKey, uint16(day)), 32)
  return p.hmac(key, concat(LABELS.helloTag, ends(role, dialerPeer, listenerPeer))).subarray(0, TAG_BYTES)
}

/** Proves our device to who knows the contact secret, PROOF_BYTES long. `nonces`: the dialer's 32 bytes, then the listener's. */
export function helloProof(
  p: Primitives,
  random: Random,
  us: { readonly secret: Uint8Array; readonly device: DeviceSecrets; readonly deviceId: DeviceId },
  role: Role,
  dialerPeer: Uint8Array,
  listenerPeer: Uint8Array,
  nonces: Uint8Array,
): Uint8Array {
  const signature = p.sign(us.device.signingSeed, signed(role, dialerPeer, listenerPeer, nonces))
  const plaintext = concat(deviceIdBytes(us.deviceId), signature)
  return seal(p, random, proofKey(p, us.secret, role, nonces), LABELS.helloProof, plaintext, NOTHING)
}

/** Which of the contact's live `devices` made this proof; `undefined` for none. */
export function checkHelloProof(
  p: Primitives,
  secret: Uint8Array,
  devices: readonly DeviceKeys[],
  role: Role,
  dialerPeer: Uint8Array,
  listenerPeer: Uint8Array,
  nonces: Uint8Array,
  proof: Uint8Array,
): DeviceId | undefined {
  if (proof.length !== PROOF_BYTES) return undefined
  const plaintext = open(p, proofKey(p, secret, role, nonces), LABELS.helloProof, proof, NOTHING)
  if (plaintext === undefined) return undefined
  const device = devices.find((each) => equal(deviceIdBytes(each.id), plaintext.subarray(0, 16)))
  const message = signed(role, dialerPeer, listenerPeer, nonces)
  return device !== undefined && p.verify(device.signing, message, plaintext.subarray(16)) ? device.id : undefined
}

function proofKey(p: Primitives, secret: Uint8Array, role: Role, nonces: Uint8Array): Uint8Array {
  return derive(p, secret, concat(LABELS.helloProofKey, roleByte(role), nonces), 32)
}

function signed(role: Role, dialerPeer: Uint8Array, listenerPeer: Uint8Array, nonces: Uint8Array): Uint8Array {
  return concat(LABELS.helloSignature, ends(role, dialerPeer, listenerPeer), nonces)
}

function ends(role: Role, dialerPeer: Uint8Array, listenerPeer: Uint8Array): Uint8Array {
  return concat(roleByte(role), joined(dialerPeer, listenerPeer))
}

function roleByte(role: Role): Uint8Array {
  return Uint8Array.of(role === 'dialer' ? 1 : 2)
}
