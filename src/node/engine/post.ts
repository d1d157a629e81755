/**
 * Post: what cannot be said to a device now is left for it with carriers.
 *
 *     dirty, no link ──MAIL_AFTER──▶ frames made ──▶ one envelope a box: all frames that are in none there
 *                                                        │ two boxes, in the owner's order; a third after a day
 *     deposit ◀── committed ──────────────────────────────┘
 *     deposited: ok ──▶ carried     full ──▶ the next box     no-token ──▶ another token     unreachable ──▶ later, the same bytes
 *
 * Mail is another path for the frames that are in flight: they stay so until acknowledged, and whoever is reached meanwhile is sent
 * them too.
 *
 * Holds: an envelope and the token it spends are committed before it leaves, and it goes with the same bytes until it is answered;
 * at most one waits for each box.
 */
import {
  carrierTag,
  type DeviceId,
  ENVELOPE_ROOM,
  envelopeId,
  equal,
  FRAMES_IN_ENVELOPE,
  NO_RANGES,
  type Ranges,
  sealEnvelope,
  subtract,
  union,
} from '../../protocol/index.ts'
import type { RouteBox } from '../store/records.ts'
import { questionFor } from './comparing.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import { lookFor } from './finding.ts'
import type { Input } from './input.ts'
import {
  BOX_SHUT,
  DEPOSIT_AGAIN,
  DEPOSIT_AGAIN_MOST,
  DEPOSIT_PATIENCE,
  LIFE_DAYS,
  LOOKUP_PATIENCE,
  MAIL_AFTER,
  REFUSALS,
} from './limits.ts'
import { makeFrames } from './outbox.ts'
import { accepted, copies, forgetMail, isFresh, isReason, isWanted, mailOf, putMail, tidy, wanted } from './posted.ts'
import { boxName, changeBox, wayTo } from './routes.ts'
import { runningTime } from './running.ts'
import type { InFlight, Posted, Tries } from './state.ts'
import { boxesVersion, isOutOfTokens } from './tokens.ts'

type Told<T extends Input['type']> = Extract<Input, { type: T }>

/** Something may have changed for a device: when it is time to leave mail for it, if it is. */
export function planPost(draft: Draft, env: Env, device: DeviceId): void {
  tidy(draft, device)
  if (!isAway(draft, device) || !isWorth(draft, env, device)) {
    draft.maps.posts.delete(device)
    return
  }
  const known = draft.maps.posts.get(device) ?? Number.POSITIVE_INFINITY
  // A time that is far ahead was one before the clock was set back.
  postAt(draft, device, known > env.now + MAIL_AFTER ? env.now + MAIL_AFTER : known)
}

function postAt(draft: Draft, device: DeviceId, at: number): void {
  draft.maps.posts.set(device, at)
  draft.effect({ type: 'wake', at })
}

/** Everybody for whom it is time. */
export function* postDue(draft: Draft, env: Env): Steps<void> {
  for (const [device, at] of [...draft.maps.posts.entries()])
    if (at <= env.now || at > env.now + DEPOSIT_AGAIN_MOST) yield* post(draft, env, device)
    else draft.effect({ type: 'wake', at })
}

/** Whoever waits for this carrier, or for any: it may be reached now. */
export function postNow(draft: Draft, env: Env): void {
  for (const [number, tries] of [...draft.maps.tries.entries()])
    if (tries.askedAt === null) draft.maps.tries.set(number, { ...tries, at: env.now })
  for (const [device] of [...draft.maps.posts.entries()]) postAt(draft, device, env.now)
}

function isAway(draft: Draft, device: DeviceId): boolean {
  const contact = draft.maps.deliveries.get(device)?.contact
  const state = contact === undefined ? undefined : draft.maps.contacts.get(contact)?.row.state
  const isKnown = state === 'active' || state === 'invited'
  return isKnown && draft.maps.links.get(device) === undefined && draft.maps.routes.get(device) !== undefined
}

/** Whether there is anything that an envelope should be made for. */
function isWorth(draft: Draft, env: Env, device: DeviceId): boolean {
  const ms = runningTime(draft, env)
  const inFlight = draft.maps.frames.get(device) ?? []
  return isOwed(draft, device) || inFlight.some((frame) => isWanted(draft, device, frame, ms))
}

/** Texts; a receipt for what came by mail; a question or an answer, without which no texts go. */
function isOwed(draft: Draft, device: DeviceId): boolean {
  const delivery = draft.maps.deliveries.get(device)
  if (delivery === undefined || (draft.maps.sessions.get(device) ?? []).length === 0) return false
  if (questionFor(delivery) !== undefined || delivery.asked !== null || lacksBoxes(draft, device)) return true
  const { counter = 0, receiptVersion = 0 } = draft.maps.conversations.get(delivery.contact) ?? {}
  const blocked = delivery.awaitsReceipt || delivery.comparing !== null
  const left: Ranges = delivery.cursor < counter ? [[delivery.cursor + 1, counter]] : NO_RANGES
  if (!blocked && subtract(left, delivery.delivered).length > 0) return true
  const isComing = (draft.maps.frames.get(device) ?? []).some(({ facts }) => facts.receipt === receiptVersion)
  return delivery.stored.length > 0 && receiptVersion > (delivery.facts.receipt ?? 0) && !isComing
}

/** Whoever has no token can only answer once it was told of some: an inviter that nobody has reached yet, or who has used them all. */
function lacksBoxes(draft: Draft, device: DeviceId): boolean {
  const delivery = draft.maps.deliveries.get(device)
  if (delivery === undefined || !isOutOfTokens(draft, delivery.contact, device)) return false
  const version = boxesVersion(draft, device)
  const isComing = (draft.maps.frames.get(device) ?? []).some(({ facts }) => facts.boxes === version)
  return version > (delivery.facts.boxes ?? 0) && !isComing
}

/** Leaves all that waits for a device, where it can be left now. */
function* post(draft: Draft, env: Env, device: DeviceId): Steps<void> {
  if (!isAway(draft, device)) return void draft.maps.posts.delete(device)
  if (isOwed(draft, device)) yield* makeFrames(draft, env, device, true)
  let next = env.now + DEPOSIT_AGAIN_MOST
  let hoped = 0
  for (const { box } of draft.maps.routes.get(device)?.boxes ?? []) {
    const again = yield* postTo(draft, env, device, box, hoped)
    next = Math.min(next, again)
    if (isHopedFor(draft, env, device, box)) hoped++
  }
  postAt(draft, device, next)
}

/** Its carrier is being looked for, and nobody has looked in vain: those that come after it wait. */
function isHopedFor(draft: Draft, env: Env, device: DeviceId, box: Uint8Array): boolean {
  const { whereabouts, away } = draft.rendezvous
  const search = draft.maps.searches.get(boxName(device, box))
  if (whereabouts === null || away !== null || search === undefined || search.tries > 0) return false
  return Math.abs(env.now - search.at) < LOOKUP_PATIENCE
}

/** Leaves what one box is to have, where `hoped` others before it may take it too; when to look again. */
function* postTo(draft: Draft, env: Env, device: DeviceId, id: Uint8Array, hoped: number): Steps<number> {
  const later = env.now + DEPOSIT_AGAIN_MOST
  const box = draft.maps.routes.get(device)?.boxes.find((one) => equal(one.box, id))
  const shut = draft.maps.shut.get(boxName(device, id))
  // To ourselves: what we carry for them we have.
  if (box === undefined || equal(carrierTag(env.p, id, draft.self.account.key), box.tag)) return later
  if (shut !== undefined && shut.until > env.now && shut.until <= env.now + BOX_SHUT) return shut.until
  const way = wayTo(draft, env, box)
  const waiting = mailOf(draft, device).find(([, row]) => row.accepted === null && equal(row.box, id))
  const lacking = waiting === undefined ? affordable(draft, device, box, missingAt(draft, env, device, id, hoped)) : []
  if (waiting === undefined && lacking.length === 0) return later
  if (way === undefined) {
    lookFor(draft, env, boxName(device, id))
    return later
  }
  const number = waiting?.[0] ?? (yield* pack(draft, env, device, box, lacking))
  if (number === undefined) return later
  const tries: Tries = draft.maps.tries.get(number) ?? { count: 0, at: env.now, askedAt: null }
  if (tries.askedAt !== null && Math.abs(env.now - tries.askedAt) < DEPOSIT_PATIENCE) return env.now + DEPOSIT_PATIENCE
  if (tries.at > env.now && tries.at <= env.now + DEPOSIT_AGAIN_MOST) return tries.at
  const row = yield* lookUp(draft, 'mail', String(number))
  if (row === undefined || row.bytes === null) return later
  draft.maps.tries.set(number, { ...tries, askedAt: env.now })
  draft.effect({ type: 'deposit', number, box: id, carrierKey: box.carrierKey, ...way, envelope: row.bytes })
  return env.now + DEPOSIT_PATIENCE
}

/** Frames for a device that is away, made now or before, if anything of them should get there by hand. */
export function* framesToLeave(draft: Draft, env: Env, device: DeviceId): Steps<readonly InFlight[]> {
  if (draft.maps.links.get(device) !== undefined) return []
  if (isOwed(draft, device)) yield* makeFrames(draft, env, device, true)
  const inFlight = draft.maps.frames.get(device) ?? []
  return inFlight.some((frame) => isReason(draft, device, frame)) ? inFlight : []
}

/** A token of a box of theirs that somebody else carries, as long as more are left than were used: a file may never arrive. */
export function takeToken(
  draft: Draft,
  env: Env,
  device: DeviceId,
): { readonly box: Uint8Array; readonly key: Uint8Array; readonly token: Uint8Array } | undefined {
  for (const { box, key, tag, tokens, spent } of draft.maps.routes.get(device)?.boxes ?? []) {
    const [token, ...left] = tokens
    if (token === undefined || left.length < spent.length || equal(carrierTag(env.p, box, draft.self.account.key), tag))
      continue
    changeBox(draft, device, box, { tokens: left, spent: [...spent, token] })
    return { box, key, token }
  }
  return undefined
}

/** Frames in flight that this box does not have and should; none where not one of them is a reason. */
function missingAt(draft: Draft, env: Env, device: DeviceId, box: Uint8Array, hoped: number): readonly InFlight[] {
  const ms = runningTime(draft, env)
  const here = new Set(mailOf(draft, device).flatMap(([, row]) => (equal(row.box, box) ? row.frames : [])))
  const missing = (draft.maps.frames.get(device) ?? []).filter(
    (frame) =>
      !here.has(frame.number) && isFresh(frame, ms) && copies(draft, device, frame) + hoped < wanted(frame, ms),
  )
  return missing.some((frame) => isReason(draft, device, frame)) ? missing : []
}

/**
 * Of these frames, what is left with the tokens that there are. The last of several is kept for an envelope that gives the other side
 * tokens: else two who never meet, and have used all that they had of each other's, could tell each other of no more. Who was told of
 * one alone, as by somebody with very many contacts, may use it for anything.
 */
function affordable(
  draft: Draft,
  device: DeviceId,
  { tokens, spent }: RouteBox,
  lacking: readonly InFlight[],
): readonly InFlight[] {
  const version = boxesVersion(draft, device)
  if (tokens.length > 1 || spent.length === 0 || version === 0) return lacking
  const tells = lacking.filter(({ facts }) => facts.boxes === version)
  return tells.length === 0 ? [] : [...tells, ...lacking.filter((frame) => !tells.includes(frame))]
}

/** Seals the first of these that one envelope takes, with one token; its number. `undefined` where no token is left. */
function* pack(
  draft: Draft,
  env: Env,
  device: DeviceId,
  { box, key, tag, tokens, spent }: RouteBox,
  lacking: readonly InFlight[],
): Steps<number | undefined> {
  const [token, ...left] = tokens
  const contact = draft.maps.deliveries.get(device)?.contact
  if (token === undefined || contact === undefined) return undefined
  let room = ENVELOPE_ROOM
  const frames = lacking.slice(0, FRAMES_IN_ENVELOPE).filter(({ size: bytes }) => {
    room -= bytes
    return room >= 0
  })
  const bytes: Uint8Array[] = []
  for (const { number } of frames) {
    const row = yield* lookUp(draft, 'frame', String(number))
    if (row !== undefined) bytes.push(row.bytes)
  }
  if (bytes.length === 0) return undefined
  const envelope = sealEnvelope(env.p, env.random, key, { box, life: LIFE_DAYS, token }, bytes)
  const row: Posted = {
    device,
    contact,
    box,
    tag,
    id: envelopeId(env.p, envelope),
    frames: frames.map(({ number }) => number),
    counters: frames.reduce<Ranges>((all, { from, to }) => (to > 0 ? union(all, [[from, to]]) : all), NO_RANGES),
    accepted: null,
  }
  const number = ++draft.numbers.mail
  changeBox(draft, device, box, { tokens: left, spent: [...spent, token] })
  putMail(draft, number, row, envelope)
  return number
}

/** What a carrier said of an envelope. */
export function* takeDeposited(draft: Draft, env: Env, { number, status }: Told<'deposited'>): Steps<void> {
  const row = draft.maps.mail.get(number)
  if (row === undefined || row.accepted !== null) return
  const key = boxName(row.device, row.box)
  if (status === 'unreachable') {
    const count = (draft.maps.tries.get(number)?.count ?? 0) + 1
    const wait = Math.min(DEPOSIT_AGAIN * 2 ** Math.min(count - 1, 30), DEPOSIT_AGAIN_MOST)
    draft.maps.tries.set(number, { count, at: env.now + wait, askedAt: null })
    lookFor(draft, env, key)
  } else if (status === 'ok') {
    draft.maps.shut.delete(key)
    accepted(draft, env, number, row)
  } else {
    const bytes = (yield* lookUp(draft, 'mail', String(number)))?.bytes ?? null
    forgetMail(draft, number)
    if (status === 'full') {
      giveBack(draft, row, bytes)
      draft.maps.shut.set(key, { refusals: 0, until: env.now + BOX_SHUT })
    } else {
      const refusals = (draft.maps.shut.get(key)?.refusals ?? 0) + 1
      draft.maps.shut.set(key, { refusals, until: refusals < REFUSALS ? env.now : env.now + BOX_SHUT })
    }
  }
  if (isAway(draft, row.device)) postAt(draft, row.device, env.now)
}

/** A box that was full has not spent the token. */
function giveBack(draft: Draft, { device, box }: Posted, bytes: Uint8Array | null): void {
  const known = draft.maps.routes.get(device)?.boxes.find((one) => equal(one.box, box))
  const token = bytes === null ? undefined : known?.spent.find((one) => contains(bytes, one))
  if (known === undefined || token === undefined) return
  changeBox(draft, device, box, {
    tokens: [token, ...known.tokens],
    spent: known.spent.filter((one) => !equal(one, token)),
  })
}

/** The token stands in the clear part of its envelope. */
const contains = (bytes: Uint8Array, token: Uint8Array): boolean => equal(bytes.subarray(18, 34), token)
