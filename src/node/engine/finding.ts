/**
 * Whom we look for in the DHT, how often, and what is believed of what is found.
 *
 *     not reached at any known address ┐                 6 a minute                 ┌ a record after the last one ──▶ want
 *     start: seen last, then mail      ├──▶ search ──▶ look-up ──▶ looked-up ──┤ nothing new ──▶ later, 15 s … 6 h
 *     invited                          ┘      ▲                                     └ nobody was there to ask ──▶ soon again
 *                                             └ at once: another network, or the DHT is back
 *
 * A contact is looked for where its grants and records say (protocol/rendezvous.ts), an inviter at the slot of the link. Its
 * bundle begins the session: what is written then leaves as soon as anybody answers.
 *
 * Holds: within any minute LOOKUPS_A_MINUTE look-ups at most, also where the clock is set back; a record from before the last
 * one that was taken is refused, and which one that was is stored before anybody is dialed for it; a record that names another
 * device than the one whose grant opens it, or one that is not in the contact's log, is nothing.
 */
import {
  type AccountId,
  deviceIdBytes,
  equal,
  inviteSlot,
  isRolledBack,
  type KnownSlot,
  learnSlots,
  openInviteRecord,
  openRecord,
  size,
  type SlotKind,
  type SlotRecord,
  slotsToRead,
} from '../../protocol/index.ts'
import type { FoundAt, GrantRow } from '../store/records.ts'
import { takeFoundBundle } from './bundles.ts'
import { changeContact, devicesOf, isReached, putGrant, want } from './contact-rows.ts'
import type { Draft, Steps } from './draft.ts'
import type { Env } from './env.ts'
import type { BoxName, Input, Sought } from './input.ts'
import {
  DHT_AGAIN,
  DHT_AGAIN_MOST,
  LOOKED_FOR_AT_START,
  LOOKUP_AGAIN,
  LOOKUP_AGAIN_MOST,
  LOOKUP_AGAIN_OWED,
  LOOKUP_PATIENCE,
  LOOKUP_WINDOW,
  LOOKUPS_A_MINUTE,
} from './limits.ts'
import { routeOf, takeCarrierRecord } from './routes.ts'
import type { Search } from './state.ts'

type LookedUp = Extract<Input, { type: 'looked-up' }>

/** At start: whom we saw last, and whoever is owed messages. */
export function beginLooking(draft: Draft, env: Env): void {
  const recent = new Set(bySeen(draft).slice(0, LOOKED_FOR_AT_START))
  for (const [id] of draft.maps.contacts.entries()) if (recent.has(id) || isOwed(draft, id)) lookFor(draft, env, id)
}

/** From now on the contact is looked for, until it is connected. */
export function lookFor(draft: Draft, env: Env, contact: Sought): void {
  if (draft.maps.searches.get(contact) === undefined && isSought(draft, contact)) {
    draft.maps.searches.set(contact, { tries: 0, at: env.now, askedAt: null })
  }
  draft.due.look = true
}

/** A person wants the contact (or everybody) reached at once: who is looked for anyway is looked for now. */
export function lookNow(draft: Draft, env: Env, contact: AccountId | null): void {
  for (const [id, search] of [...draft.maps.searches.entries()])
    if (contact === null || contact === id) draft.maps.searches.set(id, { ...search, tries: 0, at: env.now })
  draft.due.look = true
}

/** A carrier is looked for as long as something is to be left there. */
function isSought(draft: Draft, sought: Sought): boolean {
  if (!isBox(sought)) return isContactSought(draft, sought)
  const at = routeOf(draft, sought)
  return at !== undefined && draft.maps.posts.get(at.device) !== undefined
}

const isBox = (sought: Sought): sought is BoxName => sought.startsWith('box:')

function isContactSought(draft: Draft, contact: AccountId): boolean {
  const row = draft.maps.contacts.get(contact)?.row
  return row !== undefined && row.state !== 'blocked' && row.problem === null && !isReached(draft, contact)
}

/** Asks the net for as many of those who are due as there may be look-ups now. */
export function lookUp(draft: Draft, env: Env): void {
  draft.due.look = false
  if (draft.rendezvous.whereabouts === null) return
  const { now } = env
  // A time that is ahead was one before the clock was set back: as if it were now.
  let lookedAt = draft.rendezvous.lookedAt.map((at) => Math.min(at, now)).filter((at) => now - at < LOOKUP_WINDOW)
  const due = dueNow(draft, env)
  const left = LOOKUPS_A_MINUTE - lookedAt.length
  for (const { sought, kind, names } of due.slice(0, left)) {
    const search = draft.maps.searches.get(sought)
    if (search === undefined) continue
    draft.maps.searches.set(sought, { ...search, askedAt: now })
    draft.effect({ type: 'look-up', sought, kind, names })
    draft.effect({ type: 'wake', at: now + LOOKUP_PATIENCE })
    lookedAt = [...lookedAt, now]
  }
  if (due.length > left) draft.effect({ type: 'wake', at: Math.min(...lookedAt) + LOOKUP_WINDOW })
  draft.rendezvous = { ...draft.rendezvous, lookedAt }
}

interface Due {
  readonly sought: Sought
  readonly kind: SlotKind
  readonly names: readonly Uint8Array[]
}

/** Who is looked for now, in order; of the others, a wake when they are due. A DHT that was not there is asked for one. */
function dueNow(draft: Draft, env: Env): readonly Due[] {
  const { away } = draft.rendezvous
  let wakeAt = Number.POSITIVE_INFINITY
  const isBusy = [...draft.maps.searches.entries()].some(([, search]) => isAsking(search, env.now))
  const due: Due[] = []
  for (const sought of inOrder(draft)) {
    const search = draft.maps.searches.get(sought)
    if (search === undefined || !isSought(draft, sought)) {
      draft.maps.searches.delete(sought)
      continue
    }
    if (isAsking(search, env.now)) continue
    const places = isBox(sought) ? placesOfBox(draft, env, sought) : placesOf(draft, env, sought)
    if (places === undefined) continue
    // Where the clock was set back there is no telling how long it has been.
    if (search.at <= env.now || search.at > env.now + LOOKUP_AGAIN_MOST) due.push({ sought, ...places })
    else wakeAt = Math.min(wakeAt, search.at)
  }
  if (wakeAt < Number.POSITIVE_INFINITY) draft.effect({ type: 'wake', at: wakeAt })
  if (away === null || due.length === 0) return due
  if (isBusy) return []
  if (away.until <= env.now || away.until > env.now + DHT_AGAIN_MOST) return due.slice(0, 1)
  draft.effect({ type: 'wake', at: away.until })
  return []
}

const isAsking = ({ askedAt }: Search, now: number): boolean =>
  askedAt !== null && Math.abs(now - askedAt) < LOOKUP_PATIENCE

/**
 * Who was tried least; among equals whom we saw last, up to so many as at start, then who is owed messages, then carriers, then the
 * others.
 */
function inOrder(draft: Draft): readonly Sought[] {
  const seen = bySeen(draft).filter((id) => draft.maps.searches.get(id) !== undefined)
  const rest = seen.slice(LOOKED_FOR_AT_START)
  const owed = new Set(rest.filter((id) => isOwed(draft, id)))
  const boxes = [...draft.maps.searches.entries()].map(([sought]) => sought).filter(isBox)
  const ranked = [...seen.slice(0, LOOKED_FOR_AT_START), ...owed, ...boxes, ...rest.filter((id) => !owed.has(id))]
  const tries = (id: Sought): number => draft.maps.searches.get(id)?.tries ?? 0
  return ranked.sort((a, b) => tries(a) - tries(b))
}

function bySeen(draft: Draft): readonly AccountId[] {
  const all = [...draft.maps.contacts.entries()].map(([id, { row }]) => ({ id, at: row.lastSeenAt ?? row.addedAt }))
  return all.sort((a, b) => b.at - a.at).map(({ id }) => id)
}

/** Whether texts, or the first words to an inviter, wait for the contact. */
function isOwed(draft: Draft, contact: AccountId): boolean {
  if (draft.maps.contacts.get(contact)?.row.state === 'invited') return true
  const written = draft.maps.conversations.get(contact)?.counter ?? 0
  const devices = devicesOf(draft, contact)
  if (devices.length === 0) return written > 0
  return devices.some((device) => size(draft.maps.deliveries.get(device)?.delivered ?? []) < written)
}

/** Where a contact's records lie now; `undefined` where none is known. */
function placesOf(draft: Draft, env: Env, contact: AccountId): Omit<Due, 'sought'> | undefined {
  const invite = draft.maps.contacts.get(contact)?.row.invite
  if (invite != null)
    return invite.expiresAt <= env.now ? undefined : { kind: 'iv1', names: [inviteSlot(env.p, invite.secret).name] }
  const names = grantsOf(draft, contact).flatMap(([, { slots, phase }]) => slotsToRead(slots, phase, env.now))
  return names.length === 0 ? undefined : { kind: 'rv1', names: names.map(({ name }) => name) }
}

function placesOfBox(draft: Draft, env: Env, name: BoxName): Omit<Due, 'sought'> | undefined {
  const box = routeOf(draft, name)?.box
  const names = box === undefined ? [] : slotsToRead(box.slots, box.phase, env.now)
  return names.length === 0 ? undefined : { kind: 'rv1', names: names.map((slot) => slot.name) }
}

/** Of the devices that are in the contact's log. */
function grantsOf(draft: Draft, contact: AccountId): readonly (readonly [device: GrantOwner, row: GrantRow])[] {
  return devicesOf(draft, contact).flatMap((device) => {
    const row = draft.maps.grants.get(device)
    return row === undefined || row.contact !== contact ? [] : [[device, row] as const]
  })
}

type GrantOwner = ReturnType<typeof devicesOf>[number]

/** What came of a look-up. */
export function* takeLookedUp(draft: Draft, env: Env, input: LookedUp): Steps<void> {
  const { sought, asked } = input
  draft.due.look = true
  const search = draft.maps.searches.get(sought)
  if (asked === 0) {
    if (search !== undefined) draft.maps.searches.set(sought, { ...search, askedAt: null })
    return isAway(draft, env)
  }
  if (draft.rendezvous.away !== null) isBack(draft, env)
  if (search === undefined || !isSought(draft, sought)) return
  const isNew = isBox(sought)
    ? takeCarrier(draft, env, sought, input.found)
    : yield* takeRecords(draft, env, sought, input.found)
  const tries = isNew ? 1 : search.tries + 1
  const most = isBox(sought) || isOwed(draft, sought) ? LOOKUP_AGAIN_OWED : LOOKUP_AGAIN_MOST
  const wait = Math.min(LOOKUP_AGAIN * 2 ** Math.min(tries - 1, 30), most)
  draft.maps.searches.set(sought, { tries, at: env.now + wait, askedAt: null })
}

/** Where the carrier of a box is: what waits for it goes at once. */
function takeCarrier(draft: Draft, env: Env, name: BoxName, found: readonly SlotRecord[]): boolean {
  let isNew = false
  for (const record of found) isNew = takeCarrierRecord(draft, env, name, record) || isNew
  if (isNew) draft.due.post = true
  // Others may have to take it.
  const device = routeOf(draft, name)?.device
  if (device !== undefined) draft.maps.posts.set(device, env.now)
  return isNew
}

function isAway(draft: Draft, env: Env): void {
  // Several were asked at once: it was away once.
  if (draft.rendezvous.away !== null && draft.rendezvous.away.until > env.now) return
  const tries = (draft.rendezvous.away?.tries ?? 0) + 1
  const until = env.now + Math.min(DHT_AGAIN * 2 ** Math.min(tries - 1, 30), DHT_AGAIN_MOST)
  draft.rendezvous = { ...draft.rendezvous, away: { tries, until } }
}

/** It answers again: whoever was not found before may be there now, or comes back to it as we did. */
function isBack(draft: Draft, env: Env): void {
  draft.rendezvous = { ...draft.rendezvous, away: null }
  for (const [contact, search] of [...draft.maps.searches.entries()])
    draft.maps.searches.set(contact, { ...search, tries: 0, at: env.now })
}

/** Whether anything new was believed; then the contact is wanted there. */
function* takeRecords(draft: Draft, env: Env, contact: AccountId, found: readonly SlotRecord[]): Steps<boolean> {
  let isNew = false
  for (const record of found) {
    if (record.kind === 'iv1') isNew = (yield* takeInvite(draft, env, contact, record)) || isNew
    else isNew = takeRecord(draft, env, contact, record) || isNew
  }
  if (isNew) want(draft, contact, true)
  return isNew
}

function takeRecord(draft: Draft, env: Env, contact: AccountId, { name, value }: SlotRecord): boolean {
  for (const [device, grant] of grantsOf(draft, contact)) {
    const slot = grant.slots.find((known) => equal(known.name, name))
    if (slot !== undefined) return takeFrom(draft, env, contact, device, grant, slot, value)
  }
  return false
}

function takeFrom(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: GrantOwner,
  grant: GrantRow,
  { epoch, name }: KnownSlot,
  value: Uint8Array,
): boolean {
  const record = openRecord(env.p, grant.readKey, name, value)
  if (record === undefined || !equal(record.device, deviceIdBytes(device))) return false
  const { seq, peerId, addresses, names } = record
  if (isRolledBack(grant.seen, { epoch, seq })) return false
  if (grant.seen?.epoch === epoch && grant.seen.seq === seq) return false
  putGrant(draft, device, { ...grant, seen: { epoch, seq }, slots: learnSlots(grant.slots, epoch + 1, names) })
  changeContact(draft, contact, { found: { peerId, addresses } })
  return true
}

function* takeInvite(draft: Draft, env: Env, contact: AccountId, { name, value }: SlotRecord): Steps<boolean> {
  const invite = draft.maps.contacts.get(contact)?.row.invite
  if (invite == null || !equal(inviteSlot(env.p, invite.secret).name, name)) return false
  const content = openInviteRecord(env.p, invite.secret, value)
  if (content === undefined || !(yield* takeFoundBundle(draft, env, contact, content.bundle, content.boxes)))
    return false
  const found = { peerId: null, addresses: content.addresses }
  if (sameAddresses(draft.maps.contacts.get(contact)?.row.found ?? null, found)) return false
  changeContact(draft, contact, { found })
  return true
}

const sameAddresses = (a: FoundAt | null, b: FoundAt): boolean =>
  a !== null &&
  a.addresses.length === b.addresses.length &&
  a.addresses.every((one, at) => equal(one, b.addresses[at] ?? one))
