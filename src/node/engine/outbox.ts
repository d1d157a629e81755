/**
 * What is owed to each device, and the frames that carry it.
 *
 *     texts after the cursor ┐
 *     facts (facts.ts)       ├──▶ contents ──▶ one ratchet message ──▶ frame, stored ──▶ sent
 *     questions and answers  ┘        (made only when the device is connected and the window is open)
 *
 * Nothing is queued but counters: texts lie in their conversation, small facts have versions, receipts are cumulative
 * sets. So whatever is lost with a session is simply owed again.
 *
 * Holds: 1. a frame is stored with the session's new state before it is sent, and resent with the same bytes until
 * acknowledged; 2. at most IN_FLIGHT frames and bytes a device; 3. my texts leave in the order of their counters.
 */
import {
  type AccountId,
  add,
  canSend,
  type Content,
  type DeviceId,
  encodeContents,
  frameId,
  has,
  sealMessage,
  subtract,
  toBase32,
  utf8,
} from '../../protocol/index.ts'
import type { ConversationRow, DeliveryRow, Facts, FrameRow, MessageRow } from '../store/records.ts'
import { answerFor, askAgain, questionFor } from './comparing.ts'
import { changeContact, deliveryOf, devicesOf, putDelivery } from './contact-rows.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import { owedFacts } from './facts.ts'
import { IN_FLIGHT_BYTES, IN_FLIGHT_FRAMES, PACKED_BYTES, TEXT_OVERHEAD, TEXTS_AT_ONCE } from './limits.ts'
import { runningTime } from './running.ts'
import type { InFlight } from './state.ts'
import { authorOf } from './text-id.ts'

/** What one frame will carry. */
interface Load {
  readonly contents: Content[]
  readonly from: number
  readonly to: number
  readonly cursor: number
  readonly facts: Facts
}

/** Makes and sends frames to a device that is linked, as long as something is owed and the window is open. */
export function* flush(draft: Draft, env: Env, device: DeviceId): Steps<void> {
  const connection = draft.maps.links.get(device)
  if (connection === undefined) return
  const frames = yield* makeFrames(draft, env, device, false)
  if (frames.length > 0) draft.effect({ type: 'send', connection, frames })
}

/** Makes all frames that are owed to a device and have room in its window; `away`: to be left for it. */
export function* makeFrames(
  draft: Draft,
  env: Env,
  device: DeviceId,
  away: boolean,
): Steps<readonly { readonly id: Uint8Array; readonly bytes: Uint8Array }[]> {
  const delivery = draft.maps.deliveries.get(device)
  const session = draft.maps.sessions.get(device)?.[0]
  if (delivery === undefined || session === undefined) return []
  const contact = draft.maps.contacts.get(delivery.contact)
  if (contact === undefined || contact.row.state === 'blocked') return []
  let row = yield* lookUp(draft, 'session', session.key)
  if (row === undefined || !canSend(row.state)) return []

  const heads = {
    own: draft.self.log.head.subarray(0, 16),
    peer: (contact.log?.head ?? new Uint8Array(16)).subarray(0, 16),
  }
  const frames: { id: Uint8Array; bytes: Uint8Array }[] = []
  const window = windowOf(draft, device)
  while (window.frames > 0 && window.bytes > 0) {
    const load = yield* nextLoad(draft, env, device)
    if (load === undefined) break
    if (load.contents.length > 0) {
      const { state, frame } = sealMessage(env.p, env.random, row.state, encodeContents(load.contents), heads, env.now)
      row = { ...row, state }
      frames.push({ id: recordFrame(draft, env, device, session.key, frame, load, away), bytes: frame })
      window.frames--
      window.bytes -= frame.length
    }
    const held = deliveryOf(draft, device, delivery.contact)
    // What no longer exists is owed to nobody.
    const gone = load.contents.length === 0
    const delivered = gone ? add(held.delivered, load.from, load.to) : held.delivered
    const comparing = held.comparing && { ...held.comparing, asked: true }
    putDelivery(draft, device, {
      ...held,
      delivered,
      cursor: load.cursor,
      comparing,
      asked: null,
      stored: gone ? held.stored : [],
    })
  }
  if (frames.length > 0) draft.put('session', session.key, row)
  return frames
}

/** How much more may be made and not acknowledged: the last frame may go beyond. */
function windowOf(draft: Draft, device: DeviceId): { frames: number; bytes: number } {
  const inFlight = draft.maps.frames.get(device) ?? []
  return {
    frames: IN_FLIGHT_FRAMES - inFlight.length,
    bytes: IN_FLIGHT_BYTES - inFlight.reduce((sum, frame) => sum + frame.size, 0),
  }
}

/** Stores a frame as in flight; returns its id. */
export function recordFrame(
  draft: Draft,
  env: Env,
  device: DeviceId,
  session: string,
  bytes: Uint8Array,
  { from, to, facts }: Pick<Load, 'from' | 'to' | 'facts'>,
  away: boolean,
): Uint8Array {
  const made = runningTime(draft, env)
  const contact = draft.maps.deliveries.get(device)?.contact
  if (contact === undefined) throw new Error('recordFrame: no delivery for this device')
  const number = ++draft.numbers.frame
  const id = frameId(env.p, bytes)
  const row: FrameRow = { device, contact, session, bytes, id, from, to, facts, made, away }
  draft.put('frame', String(number), row)
  const inFlight: InFlight = { number, id, session, size: bytes.length, from, to, facts, made, away }
  draft.maps.frames.set(device, [...(draft.maps.frames.get(device) ?? []), inFlight])
  return id
}

/** What the next frame to a device should carry; `undefined` if nothing is owed. */
function* nextLoad(draft: Draft, env: Env, device: DeviceId): Steps<Load | undefined> {
  const delivery = draft.maps.deliveries.get(device)
  if (delivery === undefined) return undefined
  const conversation = draft.maps.conversations.get(delivery.contact)
  const { contents: told, facts, large } = owedFacts(draft, env, device, delivery)
  const question = questionFor(delivery)
  const answer = yield* answerFor(draft, env, device, delivery)
  const texts = conversation === undefined || large ? undefined : yield* nextTexts(draft, conversation, delivery)
  const contents = [...told, question, answer, ...(texts?.contents ?? [])].filter(isThere)
  // That something came by mail is no reason for a frame.
  if (contents.length > 0 && delivery.stored.length > 0) contents.push({ kind: 'stored', ids: delivery.stored })
  if (contents.length === 0 && texts === undefined) return undefined
  return {
    contents,
    facts,
    from: texts?.from ?? 0,
    to: texts?.to ?? 0,
    cursor: texts?.cursor ?? delivery.cursor,
  }
}

const isThere = <T>(value: T | undefined): value is T => value !== undefined

/** A run of texts that follow the cursor and are not delivered yet, packed up to PACKED_BYTES. */
function* nextTexts(
  draft: Draft,
  conversation: ConversationRow,
  delivery: DeliveryRow,
): Steps<{ contents: Content[]; from: number; to: number; cursor: number } | undefined> {
  if (delivery.awaitsReceipt || delivery.comparing !== null) return undefined
  if (delivery.cursor >= conversation.counter) return undefined
  const [owed] = subtract([[delivery.cursor + 1, conversation.counter]], delivery.delivered)
  if (owed === undefined) return undefined
  const [next] = owed
  const contents: Content[] = []
  let bytes = 0
  let to = next - 1
  while (to < conversation.counter && !has(delivery.delivered, to + 1)) {
    const row = yield* ownText(draft, delivery.contact, conversation, to + 1)
    if (row === undefined) break
    bytes += utf8(row.text).length + TEXT_OVERHEAD
    if (contents.length > 0 && bytes > PACKED_BYTES) break
    contents.push(textContent(row))
    to++
  }
  if (contents.length > 0) return { contents, from: next, to, cursor: to }
  const first = yield* firstText(draft, delivery.contact, conversation, next)
  const gone = Math.max(next, (first?.counter ?? conversation.counter + 1) - 1)
  return { contents, from: next, to: gone, cursor: gone }
}

/** My first text from a counter on: counters without a row are messages that no longer exist. */
export function* firstText(
  draft: Draft,
  contact: AccountId,
  conversation: ConversationRow,
  from: number,
): Steps<MessageRow | undefined> {
  const stored = yield* firstStored(draft, contact, conversation, from)
  const written = draft.firstText(conversation.number, from)
  return stored === undefined || (written !== undefined && written.counter < stored.counter) ? written : stored
}

/** The first in the store that this batch did not remove. */
function* firstStored(
  draft: Draft,
  contact: AccountId,
  { number: conversation, counter: to }: ConversationRow,
  from: number,
): Steps<MessageRow | undefined> {
  const author = authorOf(draft.self.id, contact)
  for (let at = from; at <= to; ) {
    const [row] = (yield { kind: 'texts', conversation, author, from: at, to, limit: 1 }) as readonly MessageRow[]
    const removed =
      row !== undefined && draft.knowsText(conversation, row.counter) && !draft.text(conversation, row.counter)
    if (row === undefined || !removed) return row
    at = row.counter + 1
  }
  return undefined
}

/** One of my texts: those of this batch are at hand, others are looked up, and the ones after it at once. */
export function* ownText(
  draft: Draft,
  contact: AccountId,
  { number: conversation, counter: newest }: ConversationRow,
  counter: number,
): Steps<MessageRow | undefined> {
  if (!draft.knowsText(conversation, counter)) {
    const author = authorOf(draft.self.id, contact)
    const to = Math.min(newest, counter + TEXTS_AT_ONCE - 1)
    const found = yield { kind: 'texts', conversation, author, from: counter, to, limit: TEXTS_AT_ONCE }
    draft.rememberTexts(conversation, counter, to, found as readonly MessageRow[])
  }
  return draft.text(conversation, counter)
}

const textContent = (row: MessageRow): Content => ({
  kind: 'text',
  counter: row.counter,
  lamport: row.lamport,
  sentAt: row.sentAt,
  text: row.text,
  replyTo: row.replyTo,
})

/** Sends again, on the device's new connection, all that is in flight; then what is owed. */
export function* resume(draft: Draft, device: DeviceId): Steps<void> {
  const connection = draft.maps.links.get(device)
  if (connection === undefined) return
  if ((draft.maps.frames.get(device) ?? []).length === 0) askAgain(draft, device)
  yield* resend(draft, device, connection)
  draft.dirty.add(device)
}

/** Sends the frames in flight to a device over a connection, with the bytes that were stored. */
function* resend(draft: Draft, device: DeviceId, connection: number): Steps<void> {
  const frames: { id: Uint8Array; bytes: Uint8Array }[] = []
  for (const frame of draft.maps.frames.get(device) ?? []) {
    const row = yield* lookUp(draft, 'frame', String(frame.number))
    if (row !== undefined) frames.push({ id: row.id, bytes: row.bytes })
  }
  if (frames.length > 0) draft.effect({ type: 'send', connection, frames })
}

/** Whether any of these ids is a frame in flight to the device. */
export function isUnderWay(draft: Draft, device: DeviceId, ids: readonly Uint8Array[]): boolean {
  const named = new Set(ids.map(toBase32))
  return (draft.maps.frames.get(device) ?? []).some((frame) => named.has(toBase32(frame.id)))
}

/** Marks every device of a contact as possibly owed something. */
export function touch(draft: Draft, contact: AccountId): void {
  for (const device of devicesOf(draft, contact)) draft.dirty.add(device)
}

/** Marks every device of every contact: a fact about myself changed. */
export function touchAll(draft: Draft): void {
  for (const [device] of draft.maps.deliveries.entries()) draft.dirty.add(device)
}

/** Tells everybody my addresses once more: they are others, or somebody may know other ones than before. */
export function oweAddresses(draft: Draft, env: Env, addresses = draft.self.row.addresses): void {
  const row = { ...draft.self.row, addresses, addressVersion: Math.max(draft.self.row.addressVersion + 1, env.now) }
  draft.self = { ...draft.self, row }
  draft.put('profile', 'self', row)
  touchAll(draft)
}

/** Notes when a contact was last connected. */
export function seenNow(draft: Draft, contact: AccountId, now: number): void {
  if (draft.maps.contacts.get(contact) !== undefined) changeContact(draft, contact, { lastSeenAt: now })
}
