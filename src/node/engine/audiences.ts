/**
 * Who belongs to which audience of this device, and which grants are owed.
 *
 *     contact becomes active ──▶ drawn into a shared audience that has room, or alone if relay-only ──▶ grant owed
 *     contact removed, blocked, moved ──▶ its audience ends: a fresh one for the others, to whom new grants are owed
 *
 * The grant is a small fact with a version, like the name: owed until a frame that carried it was acknowledged. It is made
 * when its frame is, so whoever was away for long is told names from that day on.
 *
 * Holds: who left an audience has no key and no name of what is published afterwards; members of one audience have nothing in
 * common but the lot, and that they were added while it had room.
 */
import {
  type AccountId,
  type Content,
  createAudience,
  createGrant,
  epochOf,
  SLOTS_GRANTED,
  toBase32,
} from '../../protocol/index.ts'
import type { AudienceRow, ContactRow } from '../store/records.ts'
import { changeContact, devicesOf } from './contact-rows.ts'
import type { Draft } from './draft.ts'
import type { Env } from './env.ts'
import { AUDIENCE_MEMBERS, AUDIENCES_OPEN, AUDIENCES_SHARED, SLOTS_AHEAD } from './limits.ts'

/** Brings audiences in line with the contacts that there are now. */
export function regroup(draft: Draft, env: Env): void {
  draft.due.regroup = false
  const left = new Set(draft.left)
  draft.left.clear()
  for (const [id, { row }] of [...draft.maps.contacts.entries()]) {
    if (row.audience === null || isAtHome(draft, row)) continue
    left.add(row.audience)
    changeContact(draft, id, { audience: null })
  }
  for (const key of left) replace(draft, env, key)
  for (const [id, { row }] of [...draft.maps.contacts.entries()])
    if (row.state === 'active' && row.audience === null) join(draft, env, id, row)
}

function isAtHome(draft: Draft, { state, audience, relayOnly }: ContactRow): boolean {
  return state === 'active' && audience !== null && draft.maps.audiences.get(audience)?.relayOnly === relayOnly
}

/** Ends an audience; who is still in it comes together in a fresh one. */
function replace(draft: Draft, env: Env, key: string): void {
  const ended = draft.maps.audiences.get(key)
  closeAudience(draft, key)
  const members = [...draft.maps.contacts.entries()].filter(([, { row }]) => row.audience === key)
  if (members.length === 0) return
  const next = open(draft, env, ended?.relayOnly === true)
  for (const [id] of members) assign(draft, env, id, next)
}

function join(draft: Draft, env: Env, id: AccountId, row: ContactRow): void {
  const key = row.relayOnly ? open(draft, env, true) : drawShared(draft, env)
  if (key !== undefined) assign(draft, env, id, key)
}

/** A shared audience by lot; `undefined` if all that there may be are full: the contact then cannot look us up. */
function drawShared(draft: Draft, env: Env): string | undefined {
  const members = new Map<string, number>()
  for (const [key, { relayOnly, box }] of draft.maps.audiences.entries())
    if (!relayOnly && box === null) members.set(key, 0)
  const shared = members.size
  for (const [, { row }] of draft.maps.contacts.entries()) {
    const known = row.audience === null ? undefined : members.get(row.audience)
    if (row.audience !== null && known !== undefined) members.set(row.audience, known + 1)
  }
  const choices: (string | null)[] = [...members].flatMap(([key, count]) => (count < AUDIENCE_MEMBERS ? [key] : []))
  if (choices.length < AUDIENCES_OPEN && shared < AUDIENCES_SHARED) choices.push(null)
  if (choices.length === 0) return undefined
  const lot = env.random(4)
  const chosen = choices[new DataView(lot.buffer, lot.byteOffset).getUint32(0) % choices.length]
  return chosen ?? open(draft, env, false)
}

function open(draft: Draft, env: Env, relayOnly: boolean): string {
  const key = toBase32(env.random(10))
  putAudience(draft, key, { ...createAudience(env.random), relayOnly, box: null, seqs: [] })
  draft.due.publish = true
  return key
}

/** An audience of whoever is told of a box that is kept here; no contact belongs to it. */
export function openForBox(draft: Draft, env: Env, box: string): string {
  const key = toBase32(env.random(10))
  putAudience(draft, key, { ...createAudience(env.random), relayOnly: false, box, seqs: [] })
  draft.due.publish = true
  return key
}

/** Nothing is published for it any more. */
export function closeAudience(draft: Draft, key: string): void {
  draft.maps.audiences.delete(key)
  draft.remove('audience', key)
  draft.due.publish = true
}

export function putAudience(draft: Draft, key: string, row: AudienceRow): void {
  draft.maps.audiences.set(key, row)
  draft.put('audience', key, row)
}

function assign(draft: Draft, env: Env, id: AccountId, key: string): void {
  changeContact(draft, id, { audience: key })
  oweGrant(draft, env, id)
}

function oweGrant(draft: Draft, env: Env, id: AccountId): void {
  const row = draft.maps.contacts.get(id)?.row
  const audience = row?.audience == null ? undefined : draft.maps.audiences.get(row.audience)
  if (row === undefined || audience === undefined) return
  const grantVersion = Math.max(row.grantVersion + 1, env.now)
  changeContact(draft, id, { grantVersion, grantEpoch: epochOf(env.now, audience.phase) })
  for (const device of devicesOf(draft, id)) draft.dirty.add(device)
}

/** Owes a new grant to whoever has fewer than SLOTS_AHEAD names left; also where the clock was set back since. */
export function renewGrants(draft: Draft, env: Env): void {
  for (const [id, { row }] of [...draft.maps.contacts.entries()]) {
    const audience = row.audience === null ? undefined : draft.maps.audiences.get(row.audience)
    if (audience === undefined) continue
    const passed = epochOf(env.now, audience.phase) - row.grantEpoch
    if (passed < 0 || SLOTS_GRANTED - 1 - passed < SLOTS_AHEAD) oweGrant(draft, env, id)
  }
}

/** What a contact is to be told of its audience now. */
export function grantFor(draft: Draft, env: Env, { audience, grantVersion: version }: ContactRow): readonly Content[] {
  const row = audience === null ? undefined : draft.maps.audiences.get(audience)
  return row === undefined ? [] : [{ kind: 'grant', version, grant: createGrant(env.p, row, env.now) }]
}
