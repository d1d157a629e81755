/**
 * What a device confirmed of mine, and where to go on from there.
 *
 *     acknowledged ─▶ sent        the frame is stored there; its facts and the secret are known there
 *     receipt      ─▶ delivered   the text is stored there;  read: a person saw it;  what it lacks is owed once more
 *     session anew ─▶ rewind      all that is not delivered is owed once more
 *
 * Holds: what a device says beyond what I wrote confirms nothing, nor what it never acknowledged (`other-life.ts`); what it had or
 * acknowledged, and does not hold, is sent again.
 */
import {
  type AccountId,
  add,
  type Content,
  type DeviceId,
  NO_RANGES,
  type Ranges,
  RECEIPT_RANGES,
  subtract,
  toBase32,
  union,
  upTo,
} from '../../protocol/index.ts'
import type { DeliveryRow } from '../store/records.ts'
import { askAgain } from './comparing.ts'
import { deliveryOf, putDelivery } from './contact-rows.ts'
import type { Draft } from './draft.ts'
import type { Env } from './env.ts'
import { confirmFacts, later } from './facts.ts'
import { REMADE_A_CONNECTION } from './limits.ts'

/** The device stored these frames: it said so on a connection, or in a session. */
export function acknowledge(draft: Draft, env: Env, device: DeviceId, ids: readonly Uint8Array[]): void {
  const inFlight = draft.maps.frames.get(device) ?? []
  const named = new Set(ids.map(toBase32))
  const stored = inFlight.filter((frame) => named.has(toBase32(frame.id)))
  if (stored.length === 0) return
  const held = draft.maps.deliveries.get(device)
  if (held === undefined) return
  let delivery: DeliveryRow = held
  for (const frame of stored) {
    draft.remove('frame', String(frame.number))
    delivery = {
      ...delivery,
      sent: frame.to > 0 ? add(delivery.sent, frame.from, frame.to) : delivery.sent,
      facts: later(delivery.facts, frame.facts),
    }
  }
  draft.maps.frames.set(
    device,
    inFlight.filter((frame) => !named.has(toBase32(frame.id))),
  )
  confirmFacts(draft, env, held.contact, device, delivery.facts)
  const before = union(held.sent, held.delivered)
  tellState(draft, held.contact, subtract(delivery.sent, before), 'sent')
  putDelivery(draft, device, delivery)
  noteStored(draft, device, Math.max(...stored.map(({ number }) => number)))
  draft.dirty.add(device)
}

function noteStored(draft: Draft, device: DeviceId, number: number): void {
  const connection = draft.maps.links.get(device)
  const link = connection === undefined ? undefined : draft.maps.connections.get(connection)
  if (connection === undefined || link === undefined) return
  draft.maps.connections.set(connection, { ...link, stored: Math.max(link.stored, number) })
  remake(draft, device)
}

/** The device says that nothing opens these frames. */
export function refuse(draft: Draft, device: DeviceId, ids: readonly Uint8Array[]): void {
  const named = new Set(ids.map(toBase32))
  const marked = (draft.maps.frames.get(device) ?? []).map((frame) =>
    named.has(toBase32(frame.id)) ? { ...frame, refused: true } : frame,
  )
  draft.maps.frames.set(device, marked)
  remake(draft, device)
}

/**
 * A refused frame before one that was stored belongs to a session that is well: the device took it once and has forgotten that,
 * or its key is gone. It would be refused for ever: what it carries is owed again, and counters tell what is there already.
 */
function remake(draft: Draft, device: DeviceId): void {
  const connection = draft.maps.links.get(device)
  const link = connection === undefined ? undefined : draft.maps.connections.get(connection)
  const delivery = draft.maps.deliveries.get(device)
  if (connection === undefined || link === undefined || delivery === undefined) return
  const inFlight = draft.maps.frames.get(device) ?? []
  const gone = inFlight
    .filter((frame) => frame.refused && frame.number < link.stored)
    .slice(0, REMADE_A_CONNECTION - link.remade)
  if (gone.length === 0) return
  for (const frame of gone) draft.remove('frame', String(frame.number))
  draft.maps.frames.set(
    device,
    inFlight.filter((frame) => !gone.includes(frame)),
  )
  draft.maps.connections.set(connection, { ...link, remade: link.remade + gone.length })
  const first = Math.min(...gone.map(({ from, to }) => (to > 0 ? from : delivery.cursor + 1)))
  putDelivery(draft, device, { ...delivery, cursor: Math.min(delivery.cursor, first - 1) })
  askAgain(draft, device)
  draft.dirty.add(device)
}

/**
 * A receipt of the device: what it stored of mine, and what a person saw there; nothing is believed of what is `doubted`. It is the
 * truth also where it says less than the one before: the device may be an older copy of itself. A receipt of RECEIPT_RANGES ranges
 * may be cut: of what is beyond, it says nothing.
 */
export function applyReceipt(
  draft: Draft,
  device: DeviceId,
  contact: AccountId,
  receipt: Extract<Content, { kind: 'receipt' }>,
  doubted: Ranges,
): void {
  const highest = draft.maps.conversations.get(contact)?.counter ?? 0
  const mine = (ranges: Ranges): Ranges => subtract(upTo(ranges, highest), doubted)
  const held = deliveryOf(draft, device, contact)
  const silent = receipt.received.length < RECEIPT_RANGES ? NO_RANGES : beyond(receipt.received, highest)
  const kept = subtract(held.delivered, subtract(held.delivered, silent))
  const read = union(held.read, mine(receipt.shown))
  const delivered = union(union(kept, mine(receipt.received)), mine(receipt.shown))
  tellState(draft, contact, subtract(subtract(delivered, held.delivered), read), 'delivered')
  tellState(draft, contact, subtract(read, held.read), 'read')
  const cursor = held.awaitsReceipt
    ? upToFirstHole(delivered)
    : beforeHole(draft, device, held, union(delivered, silent), highest)
  putDelivery(draft, device, { ...held, delivered, read, cursor, awaitsReceipt: false })
  if (held.awaitsReceipt) draft.tell({ t: 'contact', c: contact })
  draft.dirty.add(device)
}

/** The device holds these texts of mine: it said by their digests that they are the same. */
export function confirmSame(draft: Draft, device: DeviceId, contact: AccountId, same: Ranges): void {
  const held = deliveryOf(draft, device, contact)
  const [sent, delivered] = [union(held.sent, same), union(held.delivered, same)]
  tellState(draft, contact, subtract(subtract(same, held.delivered), held.read), 'delivered')
  putDelivery(draft, device, { ...held, sent, delivered })
}

const upToFirstHole = ([first]: Ranges): number => (first !== undefined && first[0] === 1 ? first[1] : 0)

const beyond = (ranges: Ranges, most: number): Ranges => subtract([[1, most]], [[1, ranges.at(-1)?.[1] ?? 0]])

/**
 * Where to go on sending: before the first of mine that the device had and lacks, whatever is on its way: that may be there already,
 * and this an old receipt; sent anew it makes them say so. Or before the first that it acknowledged, or has a later one of, and that
 * is not on its way.
 */
function beforeHole(
  draft: Draft,
  device: DeviceId,
  { cursor, sent, delivered }: DeliveryRow,
  there: Ranges,
  highest: number,
): number {
  const last = upTo(union(union(sent, delivered), there), highest).at(-1)?.[1] ?? 0
  const inFlight = draft.maps.frames.get(device) ?? []
  const coming = inFlight.reduce<Ranges>((set, frame) => (frame.to > 0 ? add(set, frame.from, frame.to) : set), there)
  const [hole] = subtract(last > 0 ? [[1, last]] : NO_RANGES, coming)
  const [lost] = subtract(delivered, there)
  return Math.min(cursor, ...[hole, lost].flatMap((range) => (range === undefined ? [] : [range[0] - 1])))
}

/** Says of what has not left for a device that its session is set up anew first. */
export function tellRepairing(draft: Draft, device: DeviceId, contact: AccountId): void {
  draft.tell({ t: 'contact', c: contact })
  const delivery = draft.maps.deliveries.get(device)
  const counter = draft.maps.conversations.get(contact)?.counter ?? 0
  if (delivery === undefined || counter === 0) return
  const waiting = subtract([[1, counter]], union(delivery.sent, delivery.delivered))
  for (const [from, to] of waiting) draft.tell({ t: 'state', c: contact, from, to, s: 'queued', r: 'repairing' })
}

function tellState(draft: Draft, contact: AccountId, ranges: Ranges, state: 'sent' | 'delivered' | 'read'): void {
  for (const [from, to] of ranges) draft.tell({ t: 'state', c: contact, from, to, s: state, r: null })
}

/**
 * Starts over towards a device whose session was replaced: what was in flight in other sessions is dropped, and all that it
 * has not confirmed is owed again, small facts always: the device may have forgotten them with the session. It knows by the
 * counters which texts it has already.
 */
export function rewind(draft: Draft, device: DeviceId, session: string, awaitsReceipt: boolean): void {
  const inFlight = draft.maps.frames.get(device) ?? []
  for (const frame of inFlight) if (frame.session !== session) draft.remove('frame', String(frame.number))
  draft.maps.frames.set(
    device,
    inFlight.filter((frame) => frame.session === session),
  )
  askAgain(draft, device)
  const delivery = draft.maps.deliveries.get(device)
  if (delivery === undefined) return
  putDelivery(draft, device, {
    ...delivery,
    cursor: upToFirstHole(delivery.delivered),
    facts: {},
    awaitsReceipt,
  })
  draft.dirty.add(device)
}
