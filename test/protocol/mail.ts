/**
 * Boxes, grants and carriers, made from a seed.
 */
import type { Audience, BoxGrant, BoxSecrets, DeviceId, InviteBox, Random } from '../../src/protocol/index.ts'
import { boxKey, boxToken, carrierTag, createAudience, createBox, createGrant } from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { NOW, type Person } from './people.ts'

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
