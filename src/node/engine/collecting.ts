/**
 * Collecting: what lies in our boxes is fetched whenever their carrier is reached.
 *
 *     linked to a carrier ──▶ open-box ──▶ letters ──▶ envelope ──token: whose? ──▶ frames ──▶ as over a connection
 *                                             └──▶ committed ──▶ take-letters
 *
 * Holds: a letter is taken only in the batch that stored what was in it; one that nothing here opens is taken too: what was in it
 * is in flight at its sender still, and comes again.
 */
import {
  boxKey,
  type DeviceId,
  envelopeId,
  fromBase32,
  INVITE_TOKENS,
  inviteBoxKey,
  inviteToken,
  openEnvelope,
  readEnvelope,
  toBase32,
} from '../../protocol/index.ts'
import type { BoxRow } from '../store/records.ts'
import { senders, spend } from './boxes.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import { receiveMail, type Sender } from './frames.ts'
import type { ConnectionId, Input } from './input.ts'
import { FRAME_REMEMBERED, STRANGE_LETTERS } from './limits.ts'

/** Asks a carrier that is linked for what lies there. */
export function openBoxes(draft: Draft, connection: ConnectionId): void {
  const contact = draft.maps.connections.get(connection)?.contact
  for (const [key, { carrier, carrierKey }] of draft.maps.boxes.entries()) {
    const box = fromBase32(key)
    if (carrier !== contact || carrierKey === null || box === undefined) continue
    draft.effect({ type: 'open-box', connection, box, carrierKey })
  }
}

export function* takeLetters(
  draft: Draft,
  env: Env,
  { connection, box, letters }: Extract<Input, { type: 'letters' }>,
): Steps<void> {
  const key = toBase32(box)
  const row = draft.maps.boxes.get(key)
  if (row === undefined) return
  const holders = senders(draft, env, key)
  const ids: Uint8Array[] = []
  let strange = 0
  for (const letter of letters) {
    const id = envelopeId(env.p, letter)
    if ((yield* lookUp(draft, 'seen', toBase32(id))) !== undefined) {
      ids.push(id)
      continue
    }
    const token = toBase32(readEnvelope(letter)?.token ?? new Uint8Array(0))
    const holder = holders.get(token)
    if (holder !== undefined) {
      yield* openLetter(draft, env, row, holder.device, letter)
      spend(draft, env, key, holder.device, holder.index)
    } else if (!(yield* openInvited(draft, env, box, token, letter))) {
      if (++strange > STRANGE_LETTERS) continue
      for (const [device] of [...draft.maps.deliveries.entries()])
        if (yield* openLetter(draft, env, row, device, letter)) break
    }
    draft.put('seen', toBase32(id), { at: env.now + FRAME_REMEMBERED })
    ids.push(id)
  }
  if (ids.length > 0) draft.effect({ type: 'take-letters', connection, box, ids })
}

/** Whether it was sealed for that device. */
function* openLetter(draft: Draft, env: Env, row: BoxRow, device: DeviceId, letter: Uint8Array): Steps<boolean> {
  const contact = draft.maps.deliveries.get(device)?.contact
  const frames = contact && openEnvelope(env.p, boxKey(env.p, row.secret, device), letter)
  if (contact === undefined || frames === undefined) return false
  yield* receiveMail(draft, env, () => [{ contact, device }], frames)
  return true
}

/** The first words of a guest, and what follows before it knows of a box. */
function* openInvited(draft: Draft, env: Env, box: Uint8Array, token: string, letter: Uint8Array): Steps<boolean> {
  for (const [key, { secret, boxes }] of [...draft.maps.invites.entries()]) {
    if (!boxes.includes(toBase32(box))) continue
    const tokens = Array.from({ length: INVITE_TOKENS }, (_, index) => inviteToken(env.p, secret, box, index))
    if (!tokens.some((one) => toBase32(one) === token)) continue
    const frames = openEnvelope(env.p, inviteBoxKey(env.p, secret, box), letter)
    if (frames !== undefined) yield* receiveMail(draft, env, () => guestsOf(draft, key), frames)
    return true
  }
  return false
}

/** Who came by an invite: the one whose first words were just taken in is among them. */
export function guestsOf(draft: Draft, invite: string): readonly Sender[] {
  return (draft.maps.invites.get(invite)?.guests ?? []).flatMap((device) => {
    const contact = draft.maps.deliveries.get(device)?.contact
    return contact === undefined ? [] : [{ contact, device }]
  })
}
