/**
 * Which texts of mine does a device hold? Asked where it claims what it never acknowledged, and answered by digests.
 *
 *     compare {from, to} ──▶    one question on its way a device; asked again where its frame, or the answer's, may be gone
 *                        ◀── digests {from, one for each counter}
 *
 * Holds: a question costs its answerer COMPARED_AT_ONCE texts to read, once a batch; both ride in frames, so neither is lost
 * while the session lives. What is made of an answer: `other-life.ts`.
 */
import {
  type Content,
  type DeviceId,
  has,
  NOT_KNOWN,
  COMPARED_AT_ONCE,
  textDigest,
  toBase32,
} from '../../protocol/index.ts'
import type { DeliveryRow } from '../store/records.ts'
import { conversationOf, putDelivery } from './contact-rows.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import { textId } from './text-id.ts'

type Compare = Extract<Content, { kind: 'compare' }>
type Digests = Extract<Content, { kind: 'digests' }>

/** What a device is to be asked, if it was not. */
export function questionFor({ comparing }: DeliveryRow): Compare | undefined {
  if (comparing === null || comparing.asked) return undefined
  return { kind: 'compare', from: comparing.from, to: Math.min(comparing.to, comparing.from + COMPARED_AT_ONCE - 1) }
}

/** The frame with the question may be gone, or the one with its answer. */
export function askAgain(draft: Draft, device: DeviceId): void {
  const delivery = draft.maps.deliveries.get(device)
  if (delivery === undefined || delivery.comparing === null) return
  putDelivery(draft, device, { ...delivery, comparing: { ...delivery.comparing, asked: false } })
}

/** What stands here under the counters of which a device asked. */
export function* answerFor(
  draft: Draft,
  env: Env,
  device: DeviceId,
  { contact, asked }: DeliveryRow,
): Steps<Digests | undefined> {
  if (asked === null) return undefined
  const { received } = conversationOf(draft, contact)
  const digests: (Uint8Array | null)[] = []
  for (let counter = asked.from; counter <= asked.to; counter++) {
    if (!has(received, counter)) {
      digests.push(null)
      continue
    }
    const id = textId(env, draft.self.account.key, contact, device, counter)
    const row = yield* lookUp(draft, 'message', toBase32(id))
    digests.push(row === undefined ? NOT_KNOWN : textDigest(env.p, row))
  }
  return { kind: 'digests', from: asked.from, digests }
}
