/**
 * Tokens of our boxes: what contacts' devices are told, so that they can leave mail there.
 *
 *     a carrier has the hashes ──▶ boxes: told to every contact's device, with tokens by lot
 *     a letter spends a token ──▶ fewer are good ──▶ fresh ones are made good, and told
 *
 * The fact is whole: `boxes` holds all tokens that a device has and no letter has spent.
 *
 * Holds: a token is given to one device, and only once the carrier has its hash; who is blocked or removed has no good token.
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
  type DeviceId,
  NO_RANGES,
  numbersOf,
  type Ranges,
  size,
  subtract,
  toBase32,
} from '../../protocol/index.ts'
import type { BoxRow, GivenRow } from '../store/records.ts'
import { bytesOf, isActive, putBox, touchDevices, usable } from './box-rows.ts'
import { deliveryOf, putDelivery } from './contact-rows.ts'
import type { Draft } from './draft.ts'
import type { Env } from './env.ts'
import { TOKENS_FRESH } from './limits.ts'
import { runningTime } from './running.ts'

/** 0 where there is nothing to tell, and never was. */
export function boxesVersion(draft: Draft, device: DeviceId): number {
  const told = draft.maps.deliveries.get(device)?.boxes ?? 0
  return told === 0 && usable(draft).length > 0 ? 1 : told
}

/** Whether a device that is told of boxes has no token left, as far as we know: it can say nothing by mail. */
export function isOutOfTokens(draft: Draft, contact: AccountId, device: DeviceId): boolean {
  const told = usable(draft).filter(([, { carrier }]) => carrier !== contact)
  return told.length > 0 && told.every(([key]) => tokensOf(draft, key, device).length === 0)
}

/** All boxes but the one at that contact itself, with all tokens that the device has: as many as are its share. */
export function boxesFor(draft: Draft, env: Env, contact: AccountId, device: DeviceId): readonly Content[] {
  const boxes: BoxGrant[] = []
  for (const [key, row] of usable(draft)) {
    const { carrier, carrierKey, grant, secret } = row
    if (carrier === contact || carrierKey === null || grant === null) continue
    const box = bytesOf(key)
    const tokens = give(draft, env, key, row, device).map((index) => boxToken(env.p, secret, index))
    const tag = carrierTag(env.p, box, accountKeyOf(carrier))
    boxes.push({ box, key: boxKey(env.p, secret, device), carrierKey, tag, grant, tokens })
  }
  const version = boxesVersion(draft, device)
  return [{ kind: 'boxes', version, boxes: boxes.slice(0, BOXES_OF_DEVICE) }]
}

const tokensOf = (draft: Draft, key: string, device: DeviceId): readonly number[] =>
  draft.maps.given.get(`${key}/${device}`)?.tokens ?? []

/** Tokens of one device in one box: up to its share, of those that nobody has, by lot. */
function give(draft: Draft, env: Env, key: string, row: BoxRow, device: DeviceId): readonly number[] {
  const place = `${key}/${device}`
  const known = draft.maps.given.get(place)
  const tokens = [...(known?.tokens ?? [])]
  const at = known !== undefined && tokens.length > 0 ? known.at : runningTime(draft, env)
  const taken = givenOf(draft, key).flatMap(([, given]) => given.tokens)
  const free = [...numbersOf(subtract(row.known, rangesOf(taken)))]
  while (tokens.length < share(draft) && free.length > 0) {
    const lot = env.random(4)
    const at = new DataView(lot.buffer, lot.byteOffset).getUint32(0) % free.length
    tokens.push(free[at] as number)
    free[at] = free.at(-1) as number
    free.pop()
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

function givenOf(draft: Draft, key: string): readonly (readonly [place: string, row: GivenRow])[] {
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
export function topUp(draft: Draft, env: Env): void {
  for (const [device, { contact }] of [...draft.maps.deliveries.entries()]) {
    if (!mayWrite(draft, contact)) continue
    const lacks = usable(draft).some(([key, { carrier }]) => {
      return carrier !== contact && 2 * tokensOf(draft, key, device).length < share(draft)
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
    for (const index of tokens) all.set(toBase32(boxToken(env.p, row.secret, index)), { device, index })
  }
  return all
}

/**
 * A letter came with this token: it is good no more, nor are those that were given before it, because a sender takes them in that
 * order: what they were used for was lost, or is still on its way and will be known without them. Those that were given after it are:
 * they may not have been told yet. Where few are left, there are fresh ones.
 */
export function spend(draft: Draft, env: Env, key: string, device: DeviceId, index: number): void {
  const row = draft.maps.boxes.get(key)
  if (row === undefined) return
  const place = `${key}/${device}`
  const known = draft.maps.given.get(place) ?? { tokens: [], at: runningTime(draft, env) }
  const spent = known.tokens.indexOf(index) + 1
  const gone = rangesOf(known.tokens.slice(0, spent))
  const tokens = known.tokens.slice(spent)
  putGiven(draft, place, { ...known, tokens })
  const left = { ...row, good: subtract(row.good, gone), known: subtract(row.known, gone) }
  putBox(draft, key, left)
  if (row.state === 'ended') return
  const contact = draft.maps.deliveries.get(device)?.contact
  if (contact !== undefined && 2 * tokens.length < share(draft)) oweBoxesTo(draft, env, contact, device)
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
    putGiven(draft, place, { tokens: [], at: runningTime(draft, env) })
    const gone = rangesOf(tokens)
    const left = { ...row, good: subtract(row.good, gone), known: subtract(row.known, gone) }
    putBox(draft, key, left)
    refill(draft, env, key, left)
    if (contact !== undefined) oweBoxesTo(draft, env, contact, device)
  }
}

/** Who may not write any more has no good token. */
export function takeTokensBack(draft: Draft, env: Env): void {
  const changed = new Set<string>()
  for (const [place, { tokens }] of [...draft.maps.given.entries()]) {
    const [key, device] = place.split('/') as [string, DeviceId]
    const contact = draft.maps.deliveries.get(device)?.contact
    const row = draft.maps.boxes.get(key)
    if (contact !== undefined && mayWrite(draft, contact)) continue
    forgetGiven(draft, place)
    if (row === undefined) continue
    const gone = rangesOf(tokens)
    putBox(draft, key, { ...row, good: subtract(row.good, gone), known: subtract(row.known, gone) })
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

/** Nobody has tokens of that box any more. */
export function forgetTokensOf(draft: Draft, key: string): void {
  for (const [given] of givenOf(draft, key)) forgetGiven(draft, given)
}

const rangesOf = (numbers: readonly number[]): Ranges => numbers.reduce<Ranges>((all, n) => add(all, n, n), NO_RANGES)
