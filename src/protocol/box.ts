/**
 * Boxes: a place for one device's mail at one carrier, and who may do what there.
 *
 *     box secret ──HKDF("box-key" ‖ device)─▶ key of what that device leaves there     told to it alone
 *                ──HKDF("box-token" ‖ index)▶ token ──SHA-256──▶ hash                   the carrier knows the hashes, and takes each token once
 *     owner seed  ─▶ Ed25519: takes what lies in the box        carrier seed ─▶ Ed25519: shows that this is the carrier
 *     transcript  = label ‖ role 1 ‖ purpose 1 ‖ joined(box, nonces of visitor and carrier, their PeerIDs)      what carrier and owner sign
 *     tag         = SHA-256("carrier-tag" ‖ box ‖ carrier's account)[0:16]
 *
 * A hand box has no carrier: its envelopes travel in files, and who may open them comes of what both ends share already.
 *
 * Holds: a carrier holds nothing that opens an envelope, tells one sender's tokens from another's, or opens another box; a
 * signature is good for one role and one purpose in one box, between two ends, for one pair of nonces.
 */
import type { AccountKey, DeviceId } from './brand.ts'
import { concat } from './bytes.ts'
import { derive } from './crypto/hkdf.ts'
import type { Primitives, Random } from './crypto/primitives.ts'
import { deviceIdBytes } from './identity.ts'
import { LABELS } from './labels.ts'
import { INVITE_TOKENS } from './limits.ts'
import type { AudienceGrant } from './rendezvous.ts'
import { joined, uint32 } from './wire/codec.ts'

/** A box as its owner keeps it. */
export interface BoxSecrets {
  /** Names the box, 16 random bytes. */
  readonly box: Uint8Array
  /** 32 bytes: keys and tokens come of it. */
  readonly secret: Uint8Array
  /** Ed25519 seed, 32 bytes. */
  readonly ownerSeed: Uint8Array
}

/** What an owner asks a carrier to keep. */
export interface BoxRequest {
  readonly box: Uint8Array
  /** Ed25519, 32 bytes. */
  readonly ownerKey: Uint8Array
  /** Hashes of all tokens that are good, 16 bytes each, at most 2048. A set: they travel in ascending order, which tells nothing of whose they are. */
  readonly hashes: readonly Uint8Array[]
}

/** What a carrier tells the owner of a box that it keeps. */
export interface BoxCarrier {
  /** Ed25519, 32 bytes: of this carrier for this box. */
  readonly carrierKey: Uint8Array
  /** Where the carrier is found by whoever leaves mail. */
  readonly grant: AudienceGrant
}

/** What a sender is told of one box: where it is, and what it takes to leave mail there. */
export interface BoxGrant extends BoxCarrier {
  readonly box: Uint8Array
  /** {@link boxKey} of the sender's device, 32 bytes. */
  readonly key: Uint8Array
  /** {@link carrierTag}, 16 bytes. */
  readonly tag: Uint8Array
  /** 16 bytes each, at most 128. */
  readonly tokens: readonly Uint8Array[]
}

/** What a guest of an invite is told of a box: key and tokens come of the link (`inviteBoxKey`, `inviteToken`). */
export interface InviteBox {
  /** 16 bytes. */
  readonly box: Uint8Array
  /** Ed25519, 32 bytes: of the carrier for this box. */
  readonly carrierKey: Uint8Array
  /** {@link carrierTag}, 16 bytes. */
  readonly tag: Uint8Array
  /** 1 to 30 names, as many as there shall be room for. */
  readonly grant: AudienceGrant
}

/** A box without a carrier. */
export interface HandBox {
  /** 16 bytes. */
  readonly box: Uint8Array
  /** What seals its envelopes, 32 bytes. */
  readonly key: Uint8Array
}

/** Who signs: the one who keeps the box, or the one whose box it is. */
export type BoxRole = 'carrier' | 'owner'

/** What somebody comes to a carrier for: a sender leaves mail, the owner fetches it. */
export type BoxPurpose = 'leave' | 'fetch'

/** Which box, and 32 bytes that each end drew for this one visit. */
export interface BoxVisit {
  readonly box: Uint8Array
  readonly nonces: { readonly visitor: Uint8Array; readonly carrier: Uint8Array }
}

/** The raw bytes of both PeerIDs, whoever dialed. */
export interface BoxPeers {
  readonly visitor: Uint8Array
  readonly carrier: Uint8Array
}

/** A fresh box. */
export function createBox(random: Random): BoxSecrets {
  return { box: random(16), secret: random(32), ownerSeed: random(32) }
}

/** What seals the envelopes of one device, 32 bytes. */
export function boxKey(p: Primitives, secret: Uint8Array, sender: DeviceId): Uint8Array {
  return derive(p, secret, concat(LABELS.boxKey, deviceIdBytes(sender)), 32)
}

/** The token of that number, 16 bytes. Throws for a number that is not below 2^32. */
export function boxToken(p: Primitives, secret: Uint8Array, index: number): Uint8Array {
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** 32)
    throw new RangeError(`${index} is no number of a token`)
  return derive(p, secret, concat(LABELS.boxToken, uint32(index)), 16)
}

/** What a carrier knows of a token, 16 bytes. */
export function tokenHash(p: Primitives, token: Uint8Array): Uint8Array {
  return p.sha256(concat(LABELS.tokenHash, token)).slice(0, 16)
}

/** A token of whoever has the link of an invite, 16 bytes; its guests share the four of each box. Throws for another number. */
export function inviteToken(p: Primitives, inviteSecret: Uint8Array, box: Uint8Array, index: number): Uint8Array {
  if (!Number.isInteger(index) || index < 0 || index >= INVITE_TOKENS)
    throw new RangeError(`an invite has no token of number ${index}`)
  return derive(p, inviteSecret, concat(LABELS.inviteToken, box, Uint8Array.of(index)), 16)
}

/** What seals what a guest leaves in a box, 32 bytes. The invite's other guests know it too: an INIT is sealed to the bundle besides. */
export function inviteBoxKey(p: Primitives, inviteSecret: Uint8Array, box: Uint8Array): Uint8Array {
  return derive(p, inviteSecret, concat(LABELS.inviteBoxKey, box), 32)
}

/** Says to whoever knows that account who carries this box, 16 bytes; to all others it is random. */
export function carrierTag(p: Primitives, box: Uint8Array, carrierAccount: AccountKey): Uint8Array {
  return p.sha256(concat(LABELS.carrierTag, box, carrierAccount)).slice(0, 16)
}

/** The box in which one device leaves mail for another one by hand. It changes with the contact secret. */
export function handBox(p: Primitives, contactSecret: Uint8Array, sender: DeviceId, recipient: DeviceId): HandBox {
  const ends = concat(deviceIdBytes(sender), deviceIdBytes(recipient))
  return {
    box: derive(p, contactSecret, concat(LABELS.handBox, ends), 16),
    key: derive(p, contactSecret, concat(LABELS.handBoxKey, ends), 32),
  }
}

/** The box in which guests of an invite leave mail for its maker by hand. */
export function inviteHandBox(p: Primitives, inviteSecret: Uint8Array): HandBox {
  return {
    box: derive(p, inviteSecret, LABELS.inviteHandBox, 16),
    key: derive(p, inviteSecret, LABELS.inviteHandBoxKey, 32),
  }
}

/** What `role` signs in one visit. Parts of any length give different bytes where they differ. */
export function boxTranscript(role: BoxRole, purpose: BoxPurpose, visit: BoxVisit, peers: BoxPeers): Uint8Array {
  const { box, nonces } = visit
  const head = Uint8Array.of(role === 'carrier' ? 1 : 2, purpose === 'leave' ? 1 : 2)
  return concat(LABELS.boxProof, head, joined(box, nonces.visitor, nonces.carrier, peers.visitor, peers.carrier))
}

/** 64 bytes that show to the other end who we are for this box. */
export function signBox(p: Primitives, seed: Uint8Array, transcript: Uint8Array): Uint8Array {
  return p.sign(seed, transcript)
}

/** Whether who has this key signed this transcript. */
export function checkBox(p: Primitives, publicKey: Uint8Array, transcript: Uint8Array, signature: Uint8Array): boolean {
  return p.verify(publicKey, transcript, signature)
}
