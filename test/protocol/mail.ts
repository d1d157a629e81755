/**
 * Boxes, grants and carriers, made from a seed; bytes that somebody changed on their way.
 */
import type { Audience, BoxGrant, BoxSecrets, DeviceId, InviteBox, Random } from '../../src/protocol/index.ts'
import { boxKey, boxToken, carrierTag, createAudience, createBox, createGrant } from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { NOW, type Person } from './people.ts'
import { unhex } from './seeded.ts'
import type { Code } from './session-pair.ts'

/** What holds of mail, on whatever code. */
export interface Law {
  readonly name: string
  check(code: Code, seed: number): void
}

/** The canonical point of order 1: R = A and S = 0 is a signature of every message under looser rules than RFC 8032's. */
export const IDENTITY = unhex('01'.padEnd(64, '0'))

/** A box that is kept: what its owner and its carrier know. */
export interface Kept {
  readonly secrets: BoxSecrets
  readonly carrierSeed: Uint8Array
  readonly carrierKey: Uint8Array
  readonly audience: Audience
  readonly tag: Uint8Array
}

export function kept(random: Random, carrier: Person): Kept {
  const secrets = createBox(random)
  const carrierSeed = random(32)
  const tag = carrierTag(p, secrets.box, carrier.account.key)
  return { secrets, carrierSeed, carrierKey: p.ed25519PublicKey(carrierSeed), audience: createAudience(random), tag }
}

/** What the owner tells to that device, with the tokens `from` … `to - 1`. */
export function granted(
  { secrets, carrierKey, audience, tag }: Kept,
  device: DeviceId,
  from: number,
  to: number,
): BoxGrant {
  const tokens = Array.from({ length: to - from }, (_, at) => boxToken(p, secrets.secret, from + at))
  const key = boxKey(p, secrets.secret, device)
  return { box: secrets.box, key, carrierKey, tag, grant: createGrant(p, audience, NOW), tokens }
}

/** What the owner tells with an invite, with so many names. */
export function invited({ secrets, carrierKey, audience, tag }: Kept, names: number): InviteBox {
  const grant = createGrant(p, audience, NOW)
  return { box: secrets.box, carrierKey, tag, grant: { ...grant, names: grant.names.slice(0, names) } }
}

/** The bytes with these bytes in the place of its own. */
export function replaced(whole: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const changed = whole.slice()
  changed.set(bytes, at)
  return changed
}

/** The bytes with one bit turned. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return replaced(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (at % 8))))
}

/** Whether it is refused as our own mistake. */
export function throws(action: () => unknown): boolean {
  try {
    action()
    return false
  } catch (error) {
    return error instanceof RangeError
  }
}
