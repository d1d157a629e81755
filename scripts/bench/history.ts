/**
 * A long past for a profile, written through the store as the engine would have left it: both sides' texts delivered and read.
 */
import type { Resident } from '../../src/node/engine/state.ts'
import { authorOf, textId } from '../../src/node/engine/text-id.ts'
import type { MessageRow, Write } from '../../src/node/store/records.ts'
import type { Store } from '../../src/node/store/store.ts'
import { toBase32, type Primitives } from '../../src/protocol/index.ts'

const EACH = 1000
const MINUTE = 60_000

/** Adds `count` messages, mine and theirs in turn, to the profile's only conversation. Both sides must do it for the same `count`. */
export async function storeHistory(
  store: Store,
  resident: Resident,
  p: Primitives,
  count: number,
  now: number,
): Promise<void> {
  const [contact, ...others] = resident.maps.contacts.keys()
  const [theirs] = resident.maps.deliveries.keys()
  const conversation = contact === undefined ? undefined : resident.maps.conversations.get(contact)
  const delivery = theirs === undefined ? undefined : resident.maps.deliveries.get(theirs)
  if (
    contact === undefined ||
    theirs === undefined ||
    conversation === undefined ||
    delivery === undefined ||
    others.length > 0
  ) {
    throw new Error('a profile with one contact is wanted')
  }
  const { self } = resident
  const mine = authorOf(self.id, contact)
  const row = (i: number): MessageRow => {
    // The lower author writes first, so that both sides store the same order.
    const author = i % 2 === 0 ? 0 : 1
    const counter = Math.floor(i / 2) + 1
    const device = author === mine ? self.deviceKeys.id : theirs
    const at = now - (count - i) * MINUTE
    const id = textId({ p }, self.account.key, contact, device, counter)
    const text = `message ${i} of a long past, about ${WORDS[i % WORDS.length]} and ${WORDS[(i * 7) % WORDS.length]}, eighty characters`
    return {
      seq: i + 1,
      id,
      conversation: conversation.number,
      author,
      counter,
      lamport: i + 1,
      sentAt: at,
      receivedAt: at,
      replyTo: null,
      failed: null,
      text,
    }
  }
  for (let from = 0; from < count; from += EACH) {
    const rows = Array.from({ length: Math.min(EACH, count - from) }, (_, i) => row(from + i))
    await store.commit(rows.map((each): Write => ({ op: 'put', table: 'message', key: toBase32(each.id), row: each })))
  }
  const half = count / 2
  const all = [[1, half]] as const
  await store.commit([
    {
      op: 'put',
      table: 'conversation',
      key: contact,
      row: {
        ...conversation,
        lamport: count,
        counter: half,
        received: all,
        shown: all,
        known: half,
        lastSeq: count,
        lastAt: now,
      },
    },
    {
      op: 'put',
      table: 'delivery',
      key: theirs,
      row: { ...delivery, cursor: half, sent: all, delivered: all, read: all },
    },
  ])
}

const WORDS = [
  'valleys',
  'bread',
  'the sea',
  'a letter',
  'old friends',
  'rain',
  'trains',
  'Tuesday',
  'music',
  'the garden',
  'lamps',
]
