/**
 * The root key of the Double Ratchet: each Diffie-Hellman output turns it once.
 *
 *     root key, DH output ──HKDF──▶ root key 32 ‖ chain key 32 ‖ next header key 32
 *
 * Spec: Signal "Double Ratchet", KDF_RK_HE.
 * Holds: without the DH output (or the root key) nothing of what comes out is known.
 */
import { expandBlocks, extract, hkdf } from '../crypto/hkdf.ts'
import type { Primitives } from '../crypto/primitives.ts'
import { LABELS } from '../labels.ts'

export interface RootStep {
  readonly root: Uint8Array
  /** First chain key of the chain that this step begins. */
  readonly chain: Uint8Array
  /** Header key of the chain after that, in the same direction. */
  readonly nextHeaderKey: Uint8Array
}

/** Turns the root key (32 bytes) by a DH output (32 bytes, never all zero). Four HMACs. */
export function stepRootKey(p: Primitives, root: Uint8Array, dhOutput: Uint8Array): RootStep {
  const [next, chain, nextHeaderKey] = expandBlocks(p, extract(p, root, dhOutput), LABELS.rootKey, 3)
  if (next === undefined || chain === undefined || nextHeaderKey === undefined)
    throw new Error('three blocks were asked for')
  return { root: next, chain, nextHeaderKey }
}

/** What both sides begin with, from the 32 bytes SK of the handshake. */
export interface RatchetStart {
  readonly root: Uint8Array
  /** Header key of the initiator's first chain (HKa). */
  readonly initiatorHeaderKey: Uint8Array
  /** Header key of the responder's first chain (NHKb). */
  readonly responderHeaderKey: Uint8Array
}

/** Spec: "shared_hka" and "shared_nhkb" come out of the same secret as the first root key. */
export function startRatchet(p: Primitives, sk: Uint8Array): RatchetStart {
  const bytes = hkdf(p, NO_SALT, sk, LABELS.ratchetStart, 96)
  return {
    root: bytes.subarray(0, 32),
    initiatorHeaderKey: bytes.subarray(32, 64),
    responderHeaderKey: bytes.subarray(64, 96),
  }
}

const NO_SALT = new Uint8Array(0)
