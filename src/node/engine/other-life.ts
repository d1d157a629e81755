/**
 * A device that holds other texts of mine than I know to have written: this profile is an older copy of itself, a restored disk.
 *
 *     1 … copy ┬─ lost 1 ─ lost 2 ─ lost 3        the life that is over: on the device
 *              └─ new 1 ── new 2 ── new 3 ──…     this life: the same counters, other texts
 *
 * A text that the device acknowledged in this life stands there, or under its counter another, and then the device says so
 * (`differing`). Whatever else it claims to hold may be of the life that is over: it is asked for digests (`comparing.ts`), and
 * believed where they are of my texts. A receipt beyond my counter shows the same.
 *
 * Holds: a counter that the other side has taken is not given to another text; what stands here under such a counter, and is not
 * what is there, gets a counter behind all others; what is there already is not sent twice.
 */
import {
  type AccountId,
  add,
  type Content,
  type DeviceId,
  equal,
  has,
  NO_RANGES,
  type Ranges,
  subtract,
  textDigest,
  toBase32,
  union,
  upTo,
} from '../../protocol/index.ts'
import type { ConversationRow, MessageRow } from '../store/records.ts'
import { confirmSame } from './confirmations.ts'
import { conversationOf, deliveryOf, putConversation, putDelivery } from './contact-rows.ts'
import type { Draft, Steps } from './draft.ts'
import type { Env } from './env.ts'
import { COUNTER_LEAP, MOVED_AT_ONCE } from './limits.ts'
import { firstText } from './outbox.ts'
import { authorOf, textId } from './text-id.ts'

type Receipt = Extract<Content, { kind: 'receipt' }>
type Digests = Extract<Content, { kind: 'digests' }>

/**
 * Compares what a device claims to hold with what I wrote: moves what it cannot have, asks about what it never acknowledged.
 * Returns what it is not to be believed to hold: texts that are still to be moved or compared.
 */
export function* meetOtherLife(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  receipt: Receipt,
  differing: Ranges,
): Steps<Ranges> {
  const before = conversationOf(draft, contact)
  const claimed = union(receipt.received, receipt.shown)
  const last = claimed.at(-1)?.[1] ?? 0
  const behind = last > before.counter && last <= before.counter + COUNTER_LEAP
  if (behind) putConversation(draft, contact, { ...before, counter: last })
  const { moved, left } = yield* moveBehind(draft, env, contact, before, upTo(differing, before.counter))
  const found = behind || moved > 0
  if (found) warn(draft)
  const delivery = deliveryOf(draft, device, contact)
  const unproven = subtract(upTo(claimed, before.counter), union(delivery.sent, delivery.delivered))
  const open = yield* firstOf(draft, contact, unproven)
  const end = unproven.at(-1)?.[1]
  if (open === undefined || end === undefined) return left
  const known = delivery.comparing
  if (known === null) draft.tell({ t: 'contact', c: contact })
  const from = Math.min(open.counter, known?.from ?? open.counter)
  const comparing = {
    from,
    to: Math.max(end, known?.to ?? end),
    asked: known?.from === from && known.asked,
    told: found || (known?.told ?? false),
  }
  putDelivery(draft, device, { ...delivery, comparing })
  return union(left, subtract(unproven, [[1, open.counter - 1]]))
}

/** What a device holds under the counters of which it was asked: the same text is confirmed, nothing is owed, another text is moved. */
export function* takeDigests(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  { from, digests }: Digests,
): Steps<void> {
  const before = deliveryOf(draft, device, contact)
  const asked = before.comparing
  if (asked === null || asked.from !== from) return
  const conversation = conversationOf(draft, contact)
  const to = Math.min(asked.to, from + digests.length - 1)
  let same: Ranges = NO_RANGES
  let taken: Ranges = NO_RANGES
  let row = yield* firstText(draft, contact, conversation, from)
  while (row !== undefined && row.counter <= to) {
    const there = digests[row.counter - from] ?? null
    if (there !== null && equal(textDigest(env.p, row), there)) same = add(same, row.counter, row.counter)
    else if (there !== null && !has(before.delivered, row.counter)) taken = add(taken, row.counter, row.counter)
    row = yield* firstText(draft, contact, conversation, row.counter + 1)
  }
  const { moved } = yield* moveBehind(draft, env, contact, conversation, taken)
  if (moved > 0 && !asked.told) warn(draft)
  confirmSame(draft, device, contact, same)
  const delivery = deliveryOf(draft, device, contact)
  const rest = subtract(to < asked.to ? [[to + 1, asked.to]] : NO_RANGES, delivery.delivered)
  const next = yield* firstOf(draft, contact, rest)
  const comparing =
    next === undefined ? null : { from: next.counter, to: asked.to, asked: false, told: asked.told || moved > 0 }
  if (comparing === null) draft.tell({ t: 'contact', c: contact })
  putDelivery(draft, device, { ...delivery, comparing })
}

function warn(draft: Draft): void {
  const text =
    'This profile is an older copy of itself: what you wrote and read after that copy was made is not here any more.'
  draft.tell({ t: 'warning', text })
}

/** The first text of mine under any of these counters. */
function* firstOf(draft: Draft, contact: AccountId, counters: Ranges): Steps<MessageRow | undefined> {
  const conversation = conversationOf(draft, contact)
  for (const [from, to] of counters) {
    const row = yield* firstText(draft, contact, conversation, from)
    if (row === undefined || row.counter <= to) return row
  }
  return undefined
}

/** Gives my texts of these counters new ones behind all others, MOVED_AT_ONCE at most; `left` were not reached. */
function* moveBehind(
  draft: Draft,
  env: Env,
  contact: AccountId,
  before: ConversationRow,
  taken: Ranges,
): Steps<{ readonly moved: number; readonly left: Ranges }> {
  const first = conversationOf(draft, contact).counter
  const ids = new Map<string, Uint8Array>()
  let left: Ranges = NO_RANGES
  for (const [from, to] of taken) {
    let row = yield* firstText(draft, contact, before, from)
    while (row !== undefined && row.counter <= to && ids.size < MOVED_AT_ONCE) {
      moveText(draft, env, contact, row, first + ids.size + 1, ids)
      row = yield* firstText(draft, contact, before, row.counter + 1)
    }
    if (row !== undefined && row.counter <= to) left = union(left, [[row.counter, to]])
  }
  if (ids.size === 0) return { moved: 0, left }
  const counter = first + ids.size
  putConversation(draft, contact, { ...conversationOf(draft, contact), counter })
  draft.tell({ t: 'message', c: contact, a: authorOf(draft.self.id, contact), from: first + 1, to: counter })
  return { moved: ids.size, left }
}

/** `ids`: of what was moved so far, old to new: who answers such a text goes on answering it. */
function moveText(
  draft: Draft,
  env: Env,
  contact: AccountId,
  row: MessageRow,
  counter: number,
  ids: Map<string, Uint8Array>,
): void {
  const id = textId(env, draft.self.account.key, contact, draft.self.deviceKeys.id, counter)
  const replyTo = (row.replyTo && ids.get(toBase32(row.replyTo))) ?? row.replyTo
  draft.removeText(toBase32(row.id), row)
  draft.putText(toBase32(id), { ...row, id, counter, replyTo })
  ids.set(toBase32(row.id), id)
}
