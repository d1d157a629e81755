/**
 * What hello may ask of the engine's committed state: who shows this tag, how do I show myself, does this proof hold.
 *
 * Holds: blocked contacts are neither recognised nor greeted; no key leaves. Between two ends we show ourselves by the secret by
 * which the other was recognised there: an older copy of a contact's disk knows no newer one.
 */
import {
  type AccountId,
  checkHelloProof,
  equal,
  helloProof,
  helloTag,
  inviteProof,
  type Primitives,
  type Random,
} from '../../protocol/index.ts'
import { type BoxKeyring, boxKeys } from './box-keys.ts'
import { DAY } from './limits.ts'
import type { Ends } from './input.ts'
import type { Acquaintance, Resident } from './state.ts'

type Role = 'dialer' | 'listener'

/** As `Acquaintances` of `net/net.ts`, which the engine cannot import. */
export interface HelloKeys {
  day(): number
  tag(contact: AccountId, day: number, role: Role, ends: Ends, nth?: number): Uint8Array | undefined
  tags(day: number, role: Role, ends: Ends, except?: ReadonlySet<AccountId>): readonly Uint8Array[]
  recognise(tags: readonly Uint8Array[], day: number, role: Role, ends: Ends): AccountId | undefined
  prove(contact: AccountId, role: Role, ends: Ends, nonces: Uint8Array): Uint8Array
  check(
    contact: AccountId,
    role: Role,
    ends: Ends,
    nonces: Uint8Array,
    proof: Uint8Array,
  ): ReturnType<typeof checkHelloProof>
  inviteProof(secret: Uint8Array, ends: Ends): Uint8Array
  random(n: number): Uint8Array
  readonly boxes: BoxKeyring
}

export function helloKeys(resident: Resident, p: Primitives, random: Random, now: () => number): HelloKeys {
  const known = (): [AccountId, Acquaintance][] =>
    [...resident.maps.contacts].filter(([, { row }]) => row.state !== 'blocked' && row.secrets.length > 0)
  const secretsOf = (contact: AccountId): readonly Uint8Array[] => {
    const row = resident.maps.contacts.get(contact)?.row
    return row === undefined || row.state === 'blocked' ? [] : row.secrets.map(({ secret }) => secret)
  }
  const recognisedBy = new WeakMap<Ends, Uint8Array>()
  /** The one that they showed here; else the newest that they are known to have, at the very beginning the only one. */
  const shownSecret = (contact: AccountId, ends: Ends): Uint8Array | undefined => {
    const row = resident.maps.contacts.get(contact)?.row
    if (row === undefined || row.state === 'blocked') return undefined
    const shown = recognisedBy.get(ends)
    const same = shown && row.secrets.find(({ secret }) => equal(secret, shown))
    return (same ?? row.secrets.find(({ confirmed }) => confirmed) ?? row.secrets[0])?.secret
  }
  return {
    day: () => Math.floor(now() / DAY),
    tag(contact, day, role, ends, nth = 0) {
      const first = shownSecret(contact, ends)
      const secret = nth === 0 ? first : secretsOf(contact).filter((other) => other !== first)[nth - 1]
      return secret === undefined ? undefined : helloTag(p, secret, day, role, ...peers(role, ends))
    },
    tags(day, role, ends, except) {
      return known()
        .filter(([id]) => except?.has(id) !== true)
        .sort(([, a], [, b]) => (b.row.lastSeenAt ?? 0) - (a.row.lastSeenAt ?? 0))
        .flatMap(([, { row }]) => row.secrets.map(({ secret }) => helloTag(p, secret, day, role, ...peers(role, ends))))
    },
    recognise(tags, day, role, ends) {
      for (const [id, { row }] of known()) {
        for (const { secret } of row.secrets) {
          const expected = helloTag(p, secret, day, role, ...peersSeen(role, ends))
          if (!tags.some((tag) => equal(tag, expected))) continue
          recognisedBy.set(ends, secret)
          return id
        }
      }
      return undefined
    },
    prove(contact, role, ends, nonces) {
      const secret = shownSecret(contact, ends)
      const { device, deviceKeys } = resident.self
      if (secret === undefined) throw new Error('prove: no secret with this contact')
      return helloProof(p, random, { secret, device, deviceId: deviceKeys.id }, role, ...peers(role, ends), nonces)
    },
    check(contact, role, ends, nonces, proof) {
      const devices = resident.maps.contacts.get(contact)?.log?.devices ?? []
      for (const secret of secretsOf(contact)) {
        const device = checkHelloProof(p, secret, devices, role, ...peersSeen(role, ends), nonces, proof)
        if (device !== undefined) return device
      }
      return undefined
    },
    inviteProof: (secret, ends) => inviteProof(p, secret, ends.local, ends.remote),
    random,
    boxes: boxKeys(resident, p),
  }
}

/** Dialer and listener, where `role` is ours. */
const peers = (role: Role, { local, remote }: Ends): [Uint8Array, Uint8Array] =>
  role === 'dialer' ? [local, remote] : [remote, local]
/** Dialer and listener, where `role` is theirs. */
const peersSeen = (role: Role, ends: Ends): [Uint8Array, Uint8Array] =>
  peers(role === 'dialer' ? 'listener' : 'dialer', ends)
