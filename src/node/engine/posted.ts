/**
 * What was left with carriers, or is to be: which frames, and what was promised of them.
 *
 *     accepted ──▶ carried ──promise over──▶ left once more, or `failed`: nobody has collected it
 *
 * Holds: `carried` is said of what a carrier said that it keeps, and no longer than it promised.
 */
import { type DeviceId, NO_RANGES, type Ranges, size, subtract, toBase32, union } from '../../protocol/index.ts'
import type { MailRow } from '../store/records.ts'
import type { Asked } from './command.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import { type Env, refuse, reply } from './env.ts'
import { COPIES, COPIES_LATER, COPIES_LATER_AFTER, DAY, LIFE_DAYS, MAIL_GIVEN_UP } from './limits.ts'
import { ownText } from './outbox.ts'
import { runningTime } from './running.ts'
import type { InFlight, Posted } from './state.ts'

/** Whether a frame in flight should be with more carriers than it is. */
export function isWanted(draft: Draft, device: DeviceId, frame: InFlight, ms: number): boolean {
  return isFresh(frame, ms) && isReason(draft, device, frame) && copies(draft, device, frame) < wanted(frame, ms)
}

export const isFresh = ({ made }: InFlight, ms: number): boolean => ms - made < MAIL_GIVEN_UP
export const wanted = ({ made }: InFlight, ms: number): number =>
  ms - made < COPIES_LATER_AFTER ? COPIES : COPIES_LATER

/** It was made to be left, or carries texts that are not there yet. */
export function isReason(draft: Draft, device: DeviceId, { from, to, away }: InFlight): boolean {
  if (to === 0) return away
  return subtract([[from, to]], draft.maps.deliveries.get(device)?.delivered ?? NO_RANGES).length > 0
}

/** All that was left for a device, or is to be. */
export function mailOf(draft: Draft, device: DeviceId): readonly (readonly [number: number, row: Posted])[] {
  return [...draft.maps.mail.entries()].filter(([, row]) => row.device === device)
}

/** With how many carriers a frame is, or may be as far as we know. */
export function copies(draft: Draft, device: DeviceId, { number }: InFlight): number {
  return mailOf(draft, device).filter(
    ([at, { frames, accepted }]) =>
      frames.includes(number) && (accepted !== null || (draft.maps.tries.get(at)?.count ?? 0) === 0),
  ).length
}

/** What was left, or was to be, and is no longer of use: all in it is acknowledged. */
export function tidy(draft: Draft, device: DeviceId): void {
  const inFlight = new Set((draft.maps.frames.get(device) ?? []).map(({ number }) => number))
  const delivery = draft.maps.deliveries.get(device)
  const there = delivery === undefined ? NO_RANGES : union(delivery.sent, delivery.delivered)
  for (const [number, { frames, accepted, counters }] of mailOf(draft, device)) {
    if (frames.some((frame) => inFlight.has(frame))) continue
    if (accepted === null || subtract(counters, there).length === 0) forgetMail(draft, number)
  }
}

export function forgetMail(draft: Draft, number: number): void {
  draft.maps.mail.delete(number)
  draft.maps.tries.delete(number)
  draft.remove('mail', String(number))
}

export function putMail(draft: Draft, number: number, row: Posted, bytes: MailRow['bytes']): void {
  draft.maps.mail.set(number, row)
  draft.put('mail', String(number), { ...row, bytes })
}

/** A carrier says that it keeps it. */
export function accepted(draft: Draft, env: Env, number: number, row: Posted): void {
  const until = runningTime(draft, env) + LIFE_DAYS * DAY
  const delivery = draft.maps.deliveries.get(row.device)
  const before = union(delivery?.sent ?? NO_RANGES, delivery?.delivered ?? NO_RANGES)
  const known = carriedRanges(mailOf(draft, row.device).map(([, one]) => one))
  putMail(draft, number, { ...row, accepted: { at: env.now, until } }, null)
  draft.maps.tries.delete(number)
  for (const [from, to] of subtract(subtract(row.counters, before), known))
    draft.tell({ t: 'state', c: row.contact, from, to, s: 'carried', r: null })
  if (size(row.counters) > 0) draft.dirty.add(row.device)
}

/** My counters that carriers said they keep. */
const carriedRanges = (rows: readonly Posted[]): Ranges =>
  rows.reduce<Ranges>((all, { accepted: at, counters }) => (at === null ? all : union(all, counters)), NO_RANGES)

/** Promises that are over: what nobody has taken by then is left once more, or given up. */
export function* expire(draft: Draft, env: Env): Steps<void> {
  const ms = runningTime(draft, env)
  for (const [number, row] of [...draft.maps.mail.entries()]) {
    const { accepted: at } = row
    // The carrier may have run while we did not: the earlier of the two ends counts.
    if (at === null || (ms < at.until && env.now - at.at < LIFE_DAYS * DAY)) continue
    forgetMail(draft, number)
    const left = carriedRanges(mailOf(draft, row.device).map(([, one]) => one))
    const delivery = draft.maps.deliveries.get(row.device)
    const there = union(union(delivery?.sent ?? NO_RANGES, delivery?.delivered ?? NO_RANGES), left)
    for (const [from, to] of subtract(row.counters, there))
      draft.tell({ t: 'state', c: row.contact, from, to, s: 'queued', r: 'not-reached' })
    draft.dirty.add(row.device)
  }
  for (const [device, frames] of [...draft.maps.frames.entries()])
    for (const frame of frames) {
      // It may be time for one carrier more.
      if (draft.maps.posts.get(device) === undefined && isWanted(draft, device, frame, ms)) draft.dirty.add(device)
      if (!isFresh(frame, ms) && frame.to > 0) yield* giveUp(draft, device, frame)
    }
}

/** Nobody has collected its texts in all that time. Whoever is reached after all is sent them. */
function* giveUp(draft: Draft, device: DeviceId, frame: InFlight): Steps<void> {
  if (!isReason(draft, device, frame)) return
  yield* markTexts(draft, device, frame, 'not-collected')
}

function* markTexts(
  draft: Draft,
  device: DeviceId,
  { from, to }: InFlight,
  failed: 'not-collected' | null,
): Steps<void> {
  const delivery = draft.maps.deliveries.get(device)
  const conversation = delivery && draft.maps.conversations.get(delivery.contact)
  if (delivery === undefined || conversation === undefined) return
  for (let counter = from; counter <= to; counter++) {
    const row = yield* ownText(draft, delivery.contact, conversation, counter)
    if (row === undefined || row.failed === failed) continue
    draft.putText(toBase32(row.id), { ...row, failed })
    const state = failed === null ? 'queued' : 'failed'
    draft.tell({ t: 'state', c: delivery.contact, from: counter, to: counter, s: state, r: failed ?? 'not-reached' })
  }
}

/** A person wants what was not collected left once more. */
export function* sendAgain(
  draft: Draft,
  env: Env,
  command: number,
  { contact, counter }: Extract<Asked, { name: 'send-again' }>,
): Steps<void> {
  if (draft.maps.contacts.get(contact) === undefined)
    return refuse(draft, command, 'contact-unknown', 'There is no such contact.')
  for (const [device, delivery] of [...draft.maps.deliveries.entries()]) {
    if (delivery.contact !== contact) continue
    const inFlight = draft.maps.frames.get(device) ?? []
    for (const frame of inFlight) {
      if (counter < frame.from || counter > frame.to) continue
      const row = yield* lookUp(draft, 'frame', String(frame.number))
      if (row === undefined) continue
      const made = runningTime(draft, env)
      draft.put('frame', String(frame.number), { ...row, made })
      draft.maps.frames.set(
        device,
        (draft.maps.frames.get(device) ?? []).map((one) => (one.number === frame.number ? { ...one, made } : one)),
      )
      yield* markTexts(draft, device, frame, null)
      draft.dirty.add(device)
    }
  }
  reply(draft, command, null)
}
