/**
 * Our boxes: places at carriers that a person chose, where others leave mail for this device.
 *
 *     carrier on ──▶ carry: box, owner key, hashes of good tokens ──acknowledged──▶ these tokens can be given out
 *     carrying ──▶ kept: carrier key, where it is found ──▶ boxes: told to every contact's device, with tokens by lot
 *     a letter spends a token ──▶ fewer are good ──▶ fresh ones are made good, and told
 *
 * Both facts are whole: `carry` holds all hashes that are good, `boxes` all tokens that a device has and no letter has spent.
 *
 * Holds: a token is given to one device, and only once the carrier has its hash; the carrier learns a fixed number of hashes and
 * nothing of who has which; who is blocked or removed has no good token.
 */
import {
  type AccountId,
  accountKeyOf,
  add,
  type BoxGrant,
  boxKey,
  BOXES_OF_DEVICE,
  boxToken,
  carrierTag,
  type Content,
  createBox,
  type DeviceId,
  fromBase32,
  epochOf,
  INVITE_BOXES,
  INVITE_TOKENS,
  type InviteBox,
  inviteToken,
  NO_RANGES,
  type Range,
  type Ranges,
  size,
  subtract,
  toBase32,
  tokenHash,
  union,
  upTo,
} from '../../protocol/index.ts'
import type { BoxRow, GivenRow } from '../store/records.ts'
import type { Asked } from './command.ts'
import { deliveryOf, devicesOf, putDelivery } from './contact-rows.ts'
import type { Draft } from './draft.ts'
import { type Env, refuse, reply } from './env.ts'
import type { ConnectionId } from './input.ts'
import { BOXES_ENDED, INVITES_WITH_MAIL, TOKENS_FRESH } from './limits.ts'
import { runningTime } from './running.ts'

type Ask<N extends Asked['name']> = Extract<Asked, { name: N }>

export function setCarrier(draft: Draft, env: Env, command: number, { contact, on }: Ask<'carrier'>): void {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined) return refuse(draft, command, 'contact-unknown', 'There is no such contact.')
  const current = requestTo(draft, contact)
  const isOn = current !== undefined && current[1].state !== 'ended'
  if (on && !isOn) {
    if (row.state !== 'active')
      return refuse(draft, command, 'usage', 'They cannot carry mail yet: they are not a contact before they answered.')
    if (kept(draft).length >= BOXES_OF_DEVICE)
      return refuse(
        draft,
        command,
        'usage',
        `There are ${BOXES_OF_DEVICE} carriers already: take one of them back first.`,
      )
    makeBox(draft, env, contact)
  } else if (!on && isOn) endBox(draft, env, ...current)
  if (on !== isOn) {
    touchDevices(draft, contact)
    draft.tell({ t: 'contact', c: contact })
  }
  reply(draft, command, contact)
}

function makeBox(draft: Draft, env: Env, carrier: AccountId): void {
  const { box, secret, ownerSeed } = createBox(env.random)
  const good: Ranges = [[1, draft.limits.tokens]]
  putBox(draft, toBase32(box), {
    carrier,
    order: Math.max(0, ...[...draft.maps.boxes.entries()].map(([, row]) => row.order)) + 1,
    secret,
    ownerSeed,
    version: Math.max((requestTo(draft, carrier)?.[1].version ?? 0) + 1, env.now),
    good,
    known: NO_RANGES,
    next: draft.limits.tokens + 1,
    state: 'asked',
    answered: 0,
    carrierKey: null,
    grant: null,
  })
}

/** Its keys stay a while: what lies there already is still for us. */
function endBox(draft: Draft, env: Env, key: string, row: BoxRow): void {
  putBox(draft, key, { ...row, state: 'ended', version: Math.max(row.version + 1, env.now) })
  oweBoxes(draft, env)
  const ended = [...draft.maps.boxes.entries()].filter(([, one]) => one.state === 'ended')
  for (const [gone] of ended.sort(([, a], [, b]) => b.version - a.version).slice(BOXES_ENDED)) {
    draft.maps.boxes.delete(gone)
    draft.remove('box', gone)
    for (const [given] of givenOf(draft, gone)) forgetGiven(draft, given)
  }
}

function putBox(draft: Draft, key: string, row: BoxRow): void {
  draft.maps.boxes.set(key, row)
  draft.put('box', key, row)
}

/** Those that a person wants. */
function kept(draft: Draft): readonly (readonly [key: string, row: BoxRow])[] {
  return [...draft.maps.boxes.entries()].filter(([, { state }]) => state !== 'ended')
}

/** The newest box that was asked of a carrier, or taken back. */
function requestTo(draft: Draft, carrier: AccountId): readonly [key: string, row: BoxRow] | undefined {
  const all = [...draft.maps.boxes.entries()].filter(([, row]) => row.carrier === carrier)
  return all.sort(([, a], [, b]) => b.version - a.version)[0]
}

// what a carrier is told, and tells

export const carryVersion = (draft: Draft, carrier: AccountId): number => requestTo(draft, carrier)?.[1].version ?? 0

export function carryFor(draft: Draft, env: Env, carrier: AccountId): readonly Content[] {
  const current = requestTo(draft, carrier)
  if (current === undefined) return []
  const [key, row] = current
  if (row.state === 'ended') return [{ kind: 'carry', version: row.version, request: null }]
  const ownerKey = env.p.ed25519PublicKey(row.ownerSeed)
  const box = bytesOf(key)
  const hashes = [...each(row.good)].map((index) => tokenHash(env.p, boxToken(env.p, row.secret, index)))
  const all = [...hashes, ...inviteHashes(draft, env, box)]
  return [{ kind: 'carry', version: row.version, request: { box, ownerKey, hashes: all } }]
}

/** Of the open invites that name this box. */
function inviteHashes(draft: Draft, env: Env, box: Uint8Array): readonly Uint8Array[] {
  const open = [...draft.maps.invites.entries()].filter(
    ([, row]) => row.usesLeft > 0 && row.expiresAt > env.now && row.boxes.includes(toBase32(box)),
  )
  const newest = open.sort(([, a], [, b]) => b.expiresAt - a.expiresAt).slice(0, INVITES_WITH_MAIL)
  return newest.flatMap(([, { secret }]) =>
    Array.from({ length: INVITE_TOKENS }, (_, index) => tokenHash(env.p, inviteToken(env.p, secret, box, index))),
  )
}

/** The carrier has the hashes of the last request. */
export function carryConfirmed(draft: Draft, env: Env, carrier: AccountId): void {
  const current = requestTo(draft, carrier)
  if (current === undefined || current[1].state === 'ended') return
  const [key, row] = current
  if (sameRanges(row.known, row.good)) return
  putBox(draft, key, { ...row, known: row.good })
  if (row.state === 'kept') topUp(draft, env)
}

export function applyCarrying(
  draft: Draft,
  env: Env,
  contact: AccountId,
  { version, box, answer }: Extract<Content, { kind: 'carrying' }>,
): void {
  const key = toBase32(box)
  const row = draft.maps.boxes.get(key)
  if (row === undefined || row.carrier !== contact || row.state === 'ended' || version <= row.answered) return
  const next: BoxRow =
    typeof answer === 'string'
      ? { ...row, answered: version, state: answer }
      : { ...row, answered: version, state: 'kept', carrierKey: answer.carrierKey, grant: answer.grant }
  putBox(draft, key, next)
  oweBoxes(draft, env)
  if (next.state === row.state) return
  draft.tell({ t: 'contact', c: contact })
  for (const [, link] of draft.maps.links.entries())
    if (draft.maps.connections.get(link)?.contact === contact) openBoxes(draft, link)
}

/** Asks a carrier that is linked for what lies in our boxes there. */
export function openBoxes(draft: Draft, connection: ConnectionId): void {
  const contact = draft.maps.connections.get(connection)?.contact
  for (const [key, { carrier, carrierKey }] of draft.maps.boxes.entries())
    if (carrier === contact && carrierKey !== null)
      draft.effect({ type: 'open-box', connection, box: bytesOf(key), carrierKey })
}

/** Asks once more who had no room, or did not carry. */
export function askCarriersAgain(draft: Draft, env: Env): void {
  for (const [key, row] of kept(draft)) {
    if (row.state !== 'full' && row.state !== 'off') continue
    putBox(draft, key, { ...row, version: Math.max(row.version + 1, env.now) })
    touchDevices(draft, row.carrier)
  }
}

// what guests of an invite are told

/** Where they may leave their first words, `names` of each carrier's slots from now on; `keys` of boxes that are kept. */
export function inviteBoxes(draft: Draft, env: Env, keys: readonly string[], names: number): readonly InviteBox[] {
  return usable(draft).flatMap(([key, { carrier, carrierKey, grant }]): readonly InviteBox[] => {
    if (!keys.includes(key) || carrierKey === null || grant === null) return []
    const passed = Math.min(Math.max(epochOf(env.now, grant.phase) - grant.firstEpoch, 0), grant.names.length - 1)
    const ahead = { ...grant, firstEpoch: grant.firstEpoch + passed, names: grant.names.slice(passed, passed + names) }
    const box = bytesOf(key)
    return [{ box, carrierKey, tag: carrierTag(env.p, box, accountKeyOf(carrier)), grant: ahead }]
  })
}

/** The boxes of a new invite: their carriers are to take its tokens. */
export function boxesForInvite(draft: Draft, env: Env): readonly string[] {
  const keys = usable(draft).slice(0, INVITE_BOXES)
  for (const [key, row] of keys) {
    putBox(draft, key, { ...row, version: Math.max(row.version + 1, env.now) })
    touchDevices(draft, row.carrier)
  }
  return keys.map(([key]) => key)
}

// what senders are told

/** 0 where there is nothing to tell, and never was. */
export function boxesVersion(draft: Draft, device: DeviceId): number {
  const told = draft.maps.deliveries.get(device)?.boxes ?? 0
  return told === 0 && usable(draft).length > 0 ? 1 : told
}

/** Those that others are told of, in the order in which they were chosen. */
const usable = (draft: Draft): readonly (readonly [key: string, row: BoxRow])[] =>
  [...draft.maps.boxes.entries()].filter(([, { state }]) => state === 'kept').sort(([, a], [, b]) => a.order - b.order)

/** Whether a device that is told of boxes has no token left, as far as we know: it can say nothing by mail. */
export function isOutOfTokens(draft: Draft, contact: AccountId, device: DeviceId): boolean {
  const told = usable(draft).filter(([, { carrier }]) => carrier !== contact)
  return (
    told.length > 0 && told.every(([key]) => size(draft.maps.given.get(`${key}/${device}`)?.tokens ?? NO_RANGES) === 0)
  )
}

/** All boxes but the one at that contact itself, with all tokens that the device has: as many as are its share. */
export function boxesFor(draft: Draft, env: Env, contact: AccountId, device: DeviceId): readonly Content[] {
  const boxes: BoxGrant[] = []
  for (const [key, row] of usable(draft)) {
    const { carrier, carrierKey, grant, secret } = row
    if (carrier === contact || carrierKey === null || grant === null) continue
    const box = bytesOf(key)
    const tokens = [...each(give(draft, env, key, row, device))].map((index) => boxToken(env.p, secret, index))
    const tag = carrierTag(env.p, box, accountKeyOf(carrier))
    boxes.push({ box, key: boxKey(env.p, secret, device), carrierKey, tag, grant, tokens })
  }
  const version = boxesVersion(draft, device)
  return [{ kind: 'boxes', version, boxes: boxes.slice(0, BOXES_OF_DEVICE) }]
}

/** Tokens of one device in one box: up to its share, of those that nobody has, by lot. */
function give(draft: Draft, env: Env, key: string, row: BoxRow, device: DeviceId): Ranges {
  const place = `${key}/${device}`
  const known = draft.maps.given.get(place)
  let tokens = known?.tokens ?? NO_RANGES
  const at = known !== undefined && size(tokens) > 0 ? known.at : runningTime(draft, env)
  const taken = givenOf(draft, key).reduce<Ranges>((all, [, given]) => union(all, given.tokens), NO_RANGES)
  const free = [...each(subtract(row.known, taken))]
  for (let lack = share(draft) - size(tokens); lack > 0 && free.length > 0; lack--) {
    const lot = env.random(4)
    const at = new DataView(lot.buffer, lot.byteOffset).getUint32(0) % free.length
    const drawn = free[at] as number
    free[at] = free.at(-1) as number
    free.pop()
    tokens = add(tokens, drawn, drawn)
  }
  putGiven(draft, place, { tokens, at })
  return tokens
}

/** Tokens for each device: all of them together leave some for whoever comes. */
function share(draft: Draft): number {
  const { tokens, tokensEach } = draft.limits
  const devices = [...draft.maps.deliveries.entries()].filter(([, { contact }]) => isActive(draft, contact)).length
  return Math.max(1, Math.min(tokensEach, Math.floor(tokens / (devices + 1))))
}

function givenOf(draft: Draft, key: string): readonly (readonly [place: string, row: { readonly tokens: Ranges }])[] {
  return [...draft.maps.given.entries()].filter(([place]) => place.startsWith(`${key}/`))
}

function putGiven(draft: Draft, place: string, row: GivenRow): void {
  draft.maps.given.set(place, row)
  draft.put('given', place, row)
}

function forgetGiven(draft: Draft, place: string): void {
  draft.maps.given.delete(place)
  draft.remove('given', place)
}

/** Everybody is to be told of our boxes anew. */
export function oweBoxes(draft: Draft, env: Env): void {
  for (const [device, { contact }] of [...draft.maps.deliveries.entries()])
    if (mayWrite(draft, contact)) oweBoxesTo(draft, env, contact, device)
}

function oweBoxesTo(draft: Draft, env: Env, contact: AccountId, device: DeviceId): void {
  const row = deliveryOf(draft, device, contact)
  putDelivery(draft, device, { ...row, boxes: Math.max(row.boxes + 1, env.now) })
  draft.dirty.add(device)
}

/** Whoever has fewer than half of its tokens gets more, where there are any. */
function topUp(draft: Draft, env: Env): void {
  for (const [device, { contact }] of [...draft.maps.deliveries.entries()]) {
    if (!mayWrite(draft, contact)) continue
    const lacks = usable(draft).some(([key, { carrier }]) => {
      const has = size(draft.maps.given.get(`${key}/${device}`)?.tokens ?? NO_RANGES)
      return carrier !== contact && 2 * has < share(draft)
    })
    if (lacks) oweBoxesTo(draft, env, contact, device)
  }
}

/** Who holds which token of a box: tokens in base32, and their numbers. */
export function senders(draft: Draft, env: Env, key: string): ReadonlyMap<string, { device: DeviceId; index: number }> {
  const row = draft.maps.boxes.get(key)
  const all = new Map<string, { device: DeviceId; index: number }>()
  if (row === undefined) return all
  for (const [place, { tokens }] of givenOf(draft, key)) {
    const device = place.slice(key.length + 1) as DeviceId
    for (const index of each(tokens)) all.set(toBase32(boxToken(env.p, row.secret, index)), { device, index })
  }
  return all
}

/**
 * A letter came with this token: it is good no more, nor are those before it, because a sender takes them in their order: what they
 * were used for was lost, or is still on its way and will be known without them. Where few are left, there are fresh ones.
 */
export function spend(draft: Draft, env: Env, key: string, device: DeviceId, index: number): void {
  const row = draft.maps.boxes.get(key)
  if (row === undefined) return
  const place = `${key}/${device}`
  const known = draft.maps.given.get(place) ?? { tokens: NO_RANGES, at: runningTime(draft, env) }
  const gone = upTo(known.tokens, index)
  const tokens = subtract(known.tokens, gone)
  putGiven(draft, place, { ...known, tokens })
  const left = { ...row, good: subtract(row.good, gone), known: subtract(row.known, gone) }
  putBox(draft, key, left)
  if (row.state === 'ended') return
  const contact = draft.maps.deliveries.get(device)?.contact
  if (contact !== undefined && 2 * size(tokens) < share(draft)) oweBoxesTo(draft, env, contact, device)
  if (size(left.good) * 4 < draft.limits.tokens * 3) refill(draft, env, key, left)
}

function refill(draft: Draft, env: Env, key: string, row: BoxRow): void {
  const last = row.next + draft.limits.tokens - size(row.good) - 1
  if (last < row.next) return
  const version = Math.max(row.version + 1, env.now)
  putBox(draft, key, { ...row, version, good: add(row.good, row.next, last), next: last + 1 })
  touchDevices(draft, row.carrier)
}

/** Whoever has had its tokens for long may have used them for what was lost: it gets others. */
export function renewTokens(draft: Draft, env: Env): void {
  for (const [place, { tokens, at }] of [...draft.maps.given.entries()]) {
    const [key, device] = place.split('/') as [string, DeviceId]
    const row = draft.maps.boxes.get(key)
    const contact = draft.maps.deliveries.get(device)?.contact
    if (runningTime(draft, env) - at < TOKENS_FRESH || row === undefined || row.state === 'ended') continue
    putGiven(draft, place, { tokens: NO_RANGES, at: runningTime(draft, env) })
    const left = { ...row, good: subtract(row.good, tokens), known: subtract(row.known, tokens) }
    putBox(draft, key, left)
    refill(draft, env, key, left)
    if (contact !== undefined) oweBoxesTo(draft, env, contact, device)
  }
}

/** Contacts were removed or blocked: their tokens are good no more, and their boxes not ours. */
export function regroupBoxes(draft: Draft, env: Env): void {
  for (const [key, row] of kept(draft)) if (!isActive(draft, row.carrier)) endBox(draft, env, key, row)
  const changed = new Set<string>()
  for (const [place, { tokens }] of [...draft.maps.given.entries()]) {
    const [key, device] = place.split('/') as [string, DeviceId]
    const contact = draft.maps.deliveries.get(device)?.contact
    const row = draft.maps.boxes.get(key)
    if (contact !== undefined && mayWrite(draft, contact)) continue
    forgetGiven(draft, place)
    if (row === undefined) continue
    putBox(draft, key, { ...row, good: subtract(row.good, tokens), known: subtract(row.known, tokens) })
    changed.add(key)
  }
  for (const key of changed) {
    const row = draft.maps.boxes.get(key)
    if (row !== undefined && row.state !== 'ended') refill(draft, env, key, row)
  }
}

/** Also whoever is only invited yet: the answer may have to come by mail. */
function mayWrite(draft: Draft, contact: AccountId): boolean {
  const state = draft.maps.contacts.get(contact)?.row.state
  return state === 'active' || state === 'invited'
}

const isActive = (draft: Draft, contact: AccountId): boolean => draft.maps.contacts.get(contact)?.row.state === 'active'

function touchDevices(draft: Draft, contact: AccountId): void {
  for (const device of devicesOf(draft, contact)) draft.dirty.add(device)
}

function* each(ranges: Ranges): Generator<number> {
  for (const [from, to] of ranges) for (let n = from; n <= to; n++) yield n
}

function bytesOf(key: string): Uint8Array {
  const bytes = fromBase32(key)
  if (bytes === undefined) throw new Error(`"${key}" is no box`)
  return bytes
}

const sameRange = (a: Range, b: Range | undefined): boolean => b !== undefined && a[0] === b[0] && a[1] === b[1]
const sameRanges = (a: Ranges, b: Ranges): boolean =>
  a.length === b.length && a.every((one, at) => sameRange(one, b[at]))
