/**
 * A device that holds other texts of mine than I know to have written: this profile is an older copy of itself, a restored disk.
 *
 *     1 … copy ┬─ lost 1 ─ lost 2 ─ lost 3        the life that is over: on the device
 *              └─ new 1 ── new 2 ── new 3 ──…     this life: the same counters, other texts
 *
 * It shows in three ways: the receipt goes beyond my counter; the last text there is not mine of that counter (its digest); or
 * the device names counters that came to it with two texts.
 *
 * Holds: a counter that the other side has taken is not given to another text; what stands here under such a counter and was
 * not confirmed gets a counter behind all others, so that it is not taken for what was sent in the life that was lost. What was
 * sent before the copy was made and confirmed after it is then there twice: nothing tells it from what is new.
 */
import {
  type AccountId,
  type Content,
  type DeviceId,
  equal,
  NO_RANGES,
  type Ranges,
  subtract,
  textDigest,
  toBase32,
  union,
  upTo,
} from '../../protocol/index.ts'
import type { ConversationRow, MessageRow } from '../store/records.ts'
import { conversationOf, deliveryOf, putConversation } from './contact-rows.ts'
import type { Draft, Steps } from './draft.ts'
import type { Env } from './env.ts'
import { COUNTER_LEAP, MOVED_AT_ONCE } from './limits.ts'
import { firstText } from './outbox.ts'
import { authorOf, textId } from './text-id.ts'

type Receipt = Extract<Content, { kind: 'receipt' }>
type Held = Extract<Content, { kind: 'held' }>

/**
 * Compares what a device holds with what I wrote, and moves what it cannot have. Returns what it is not to be believed to hold:
 * texts that are still to be moved.
 */
export function* meetOtherLife(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  receipt: Receipt,
  held: Held | undefined,
): Steps<Ranges> {
  const before = conversationOf(draft, contact)
  const claimed = union(receipt.received, receipt.shown)
  const last = claimed.at(-1)?.[1] ?? 0
  if (last > before.counter + COUNTER_LEAP) return NO_RANGES
  const forked = held !== undefined && (yield* isAnother(draft, env, contact, before, held))
  const behind = last > before.counter
  const unconfirmed = subtract(upTo(claimed, before.counter), deliveryOf(draft, device, contact).delivered)
  const known = forked ? union(held.differing, [[held.counter, held.counter]]) : (held?.differing ?? NO_RANGES)
  const taken = upTo(behind || forked ? union(known, unconfirmed) : known, before.counter)
  if (behind) putConversation(draft, contact, { ...before, counter: last })
  const { moved, left } = yield* moveBehind(draft, env, contact, before, taken)
  if (!behind && moved === 0) return left
  const text =
    'This profile is an older copy of itself: what you wrote and read after that copy was made is not here any more.'
  draft.tell({ t: 'warning', text })
  return left
}

/** Whether the device stored another text under that counter than stands here. */
function* isAnother(
  draft: Draft,
  env: Env,
  contact: AccountId,
  conversation: ConversationRow,
  { counter, digest }: Held,
): Steps<boolean> {
  const row = yield* firstText(draft, contact, conversation, counter)
  return row?.counter === counter && !equal(textDigest(env.p, row), digest)
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
