/**
 * Routes: where mail for a contact's device may be left, as the device said last.
 *
 *     boxes ──▶ route: boxes in the owner's order, tokens that are left       a carrier that is a contact of ours is known by its tag
 *
 * Holds: a token leaves the route with the envelope it is for; one that comes back in a list told before it was spent is not used
 * twice; a record of a carrier from before the last one that was taken is refused, like a contact's.
 */
import {
  type AccountId,
  accountKeyOf,
  carrierTag,
  type Content,
  type DeviceId,
  equal,
  INVITE_TOKENS,
  type InviteBox,
  inviteBoxKey,
  inviteToken,
  isRolledBack,
  type KnownSlot,
  learnSlots,
  openRecord,
  type SlotRecord,
  toBase32,
} from '../../protocol/index.ts'
import type { FoundAt, RouteBox, RouteRow } from '../store/records.ts'
import type { Draft } from './draft.ts'
import type { Env } from './env.ts'
import type { BoxName, ConnectionId } from './input.ts'

export function applyBoxes(
  draft: Draft,
  contact: AccountId,
  device: DeviceId,
  { version, boxes }: Extract<Content, { kind: 'boxes' }>,
): void {
  const known = draft.maps.routes.get(device)
  if (known !== undefined && version <= known.version) return
  const next = boxes.map(({ box, key, carrierKey, tag, grant, tokens }): RouteBox => {
    const before = known?.boxes.find((one) => equal(one.box, box))
    const same = before !== undefined && equal(before.readKey, grant.readKey)
    const isSpent = (token: Uint8Array): boolean => before?.spent.some((one) => equal(one, token)) === true
    return {
      box,
      key,
      carrierKey,
      tag,
      readKey: grant.readKey,
      phase: grant.phase,
      slots: learnSlots(same ? before.slots : [], grant.firstEpoch, grant.names),
      seen: same ? before.seen : null,
      found: same ? before.found : null,
      tokens: tokens.filter((token) => !isSpent(token)),
      spent: tokens.filter(isSpent),
    }
  })
  putRoute(draft, device, { contact, version, boxes: next })
  for (const { box } of next) draft.maps.shut.delete(boxName(device, box))
  draft.dirty.add(device)
}

/** Where a guest may leave its first words: until the inviter says more. */
export function applyInviteBoxes(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  secret: Uint8Array,
  boxes: readonly InviteBox[],
): void {
  const known = draft.maps.routes.get(device)
  if (boxes.length === 0 || (known !== undefined && known.contact === contact && known.version > 0)) return
  const route = boxes.map(({ box, carrierKey, tag, grant }): RouteBox => {
    const before = known?.boxes.find((one) => equal(one.box, box))
    const all = Array.from({ length: INVITE_TOKENS }, (_, index) => inviteToken(env.p, secret, box, index))
    const spent = before?.spent ?? []
    return {
      box,
      key: inviteBoxKey(env.p, secret, box),
      carrierKey,
      tag,
      readKey: grant.readKey,
      phase: grant.phase,
      slots: learnSlots(before?.slots ?? [], grant.firstEpoch, grant.names),
      seen: before?.seen ?? null,
      found: before?.found ?? null,
      tokens: all.filter((token) => !spent.some((one) => equal(one, token))),
      spent,
    }
  })
  putRoute(draft, device, { contact, version: 0, boxes: route })
  draft.dirty.add(device)
}

export function putRoute(draft: Draft, device: DeviceId, row: RouteRow): void {
  draft.maps.routes.set(device, row)
  draft.put('route', device, row)
}

export function changeBox(draft: Draft, device: DeviceId, box: Uint8Array, change: Partial<RouteBox>): void {
  const row = draft.maps.routes.get(device)
  if (row === undefined) return
  const boxes = row.boxes.map((one) => (equal(one.box, box) ? { ...one, ...change } : one))
  putRoute(draft, device, { ...row, boxes })
}

/** Which contact's node that is; `undefined` for a stranger's. */
export function carrierOf(
  contacts: Iterable<readonly [AccountId, unknown]>,
  env: Pick<Env, 'p'>,
  box: Uint8Array,
  tag: Uint8Array,
): AccountId | undefined {
  for (const [id] of contacts) if (equal(carrierTag(env.p, box, accountKeyOf(id)), tag)) return id
  return undefined
}

/** How an envelope gets to a box now; `undefined`: not, or only once the carrier was looked for. */
export interface Way {
  readonly connection: ConnectionId | null
  readonly found: FoundAt | null
}

export function wayTo(draft: Draft, env: Env, { box, tag, found }: RouteBox): Way | undefined {
  const carrier = carrierOf(draft.maps.contacts.entries(), env, box, tag)
  for (const [, connection] of draft.maps.links.entries())
    if (carrier !== undefined && draft.maps.connections.get(connection)?.contact === carrier)
      return { connection, found: null }
  const hidden = carrier !== undefined && draft.maps.contacts.get(carrier)?.row.relayOnly === true
  return found === null || hidden ? undefined : { connection: null, found }
}

/** A box as one device told of it: others may tell of one by the same name. */
export const boxName = (device: DeviceId, box: Uint8Array): BoxName => `box:${device}:${toBase32(box)}`

export function routeOf(
  draft: Draft,
  name: BoxName,
): { readonly device: DeviceId; readonly box: RouteBox } | undefined {
  const [, device, id] = name.split(':') as ['box', DeviceId, string]
  const box = draft.maps.routes.get(device)?.boxes.find((one) => toBase32(one.box) === id)
  return box && { device, box }
}

/** Whether a carrier's record says anything new of where it is. */
export function takeCarrierRecord(
  draft: Draft,
  env: Env,
  name: BoxName,
  { name: slotName, value }: SlotRecord,
): boolean {
  const at = routeOf(draft, name)
  const slot = at?.box.slots.find((one) => equal(one.name, slotName))
  if (at === undefined || slot === undefined) return false
  const record = openRecord(env.p, at.box.readKey, slot.name, value)
  const { epoch }: KnownSlot = slot
  if (record === undefined || isRolledBack(at.box.seen, { epoch, seq: record.seq })) return false
  if (at.box.seen?.epoch === epoch && at.box.seen.seq === record.seq) return false
  changeBox(draft, at.device, at.box.box, {
    seen: { epoch, seq: record.seq },
    slots: learnSlots(at.box.slots, epoch + 1, record.names),
    found: { peerId: record.peerId, addresses: record.addresses },
  })
  return true
}
