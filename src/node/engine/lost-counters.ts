/**
 * A device that holds more of my texts than I know to have written: this profile is an older copy of itself, a restored disk.
 *
 * Holds: a counter that the other side has taken is not given to another text; what was written since and is not confirmed
 * gets counters behind all those, so that it is not taken for what was sent in the life that was lost.
 */
import { type AccountId, type DeviceId, type Ranges, subtract, toBase32 } from '../../protocol/index.ts'
import { conversationOf, deliveryOf, putConversation } from './contact-rows.ts'
import type { Draft, Steps } from './draft.ts'
import type { Env } from './env.ts'
import { COUNTER_LEAP } from './limits.ts'
import { firstText } from './outbox.ts'
import { authorOf, textId } from './text-id.ts'

export function* adoptCounter(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  claimed: Ranges,
): Steps<void> {
  const before = conversationOf(draft, contact)
  const last = claimed.at(-1)?.[1] ?? 0
  if (last <= before.counter || last > before.counter + COUNTER_LEAP) return
  const unconfirmed = subtract([[1, before.counter]], deliveryOf(draft, device, contact).delivered)
  let counter = last
  for (const [from, to] of unconfirmed) {
    let row = yield* firstText(draft, contact, before, from)
    for (; row !== undefined && row.counter <= to; row = yield* firstText(draft, contact, before, row.counter + 1)) {
      draft.removeText(toBase32(row.id), row)
      const id = textId(env, draft.self.account.key, contact, draft.self.deviceKeys.id, ++counter)
      draft.putText(toBase32(id), { ...row, id, counter })
    }
  }
  putConversation(draft, contact, { ...conversationOf(draft, contact), counter })
  const a = authorOf(draft.self.id, contact)
  if (counter > last) draft.tell({ t: 'message', c: contact, a, from: last + 1, to: counter })
  const text =
    'This profile is an older copy of itself: what you wrote and read after that copy was made is not here any more.'
  draft.tell({ t: 'warning', text })
}
