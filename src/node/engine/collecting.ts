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
  type Envelope,
  envelopeId,
  equal,
  INVITE_TOKENS,
  inviteBoxKey,
  inviteToken,
  openEnvelope,
  readEnvelope,
  toBase32,
} from '../../protocol/index.ts'
import type { BoxRow } from '../store/records.ts'
import { senders, spend } from './tokens.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import { receiveMail, type Sender } from './frames.ts'
import type { Input } from './input.ts'
import { FRAME_REMEMBERED, STRANGE_LETTERS } from './limits.ts'

export function* takeLetters(
  draft: Draft,
  env: Env,
  { connection, box, letters }: Extract<Input, { type: 'letters' }>,
): Steps<void> {
  if (draft.maps.boxes.get(toBase32(box)) === undefined) return
  const holders = senders(draft, env, toBase32(box))
  const ids: Uint8Array[] = []
  let strange = 0
  for (const letter of letters) {
    if ((yield* takeLetter(draft, env, holders, letter, strange < STRANGE_LETTERS)) === undefined) strange++
    else ids.push(envelopeId(env.p, letter))
  }
  if (ids.length > 0) draft.effect({ type: 'take-letters', connection, box, ids })
}

/**
 * One letter out of one of our boxes, whose `holders` have its tokens: how many frames of it were new. `undefined` where no token tells
 * whose it is, and it was not to be tried.
 */
export function* takeLetter(
  draft: Draft,
  env: Env,
  holders: ReturnType<typeof senders>,
  letter: Uint8Array,
  isTried: boolean,
): Steps<number | undefined> {
  const envelope = readEnvelope(letter)
  const key = envelope === undefined ? '' : toBase32(envelope.box)
  const row = draft.maps.boxes.get(key)
  if (envelope === undefined || row === undefined) return 0
  const id = toBase32(envelopeId(env.p, letter))
  if ((yield* lookUp(draft, 'seen', id)) !== undefined) return 0
  const holder = holders.get(toBase32(envelope.token))
  const devices =
    holder === undefined ? [...draft.maps.deliveries.entries()].map(([device]) => device) : [holder.device]
  let fresh = holder === undefined ? yield* openInvited(draft, env, envelope, letter) : undefined
  if (holder === undefined && fresh === undefined && !isTried) return undefined
  for (const device of devices) fresh ??= yield* openLetter(draft, env, row, device, letter)
  if (holder !== undefined) spend(draft, env, key, holder.device, holder.index)
  draft.put('seen', id, { at: env.now + FRAME_REMEMBERED })
  return fresh ?? 0
}

/** If it was sealed for that device: how many frames of it were new. */
function* openLetter(
  draft: Draft,
  env: Env,
  row: BoxRow,
  device: DeviceId,
  letter: Uint8Array,
): Steps<number | undefined> {
  const contact = draft.maps.deliveries.get(device)?.contact
  const frames = contact && openEnvelope(env.p, boxKey(env.p, row.secret, device), letter)
  if (contact === undefined || frames === undefined) return undefined
  return yield* receiveMail(draft, env, () => [{ contact, device }], frames)
}

/** The first words of a guest, and what follows before it knows of a box. */
function* openInvited(draft: Draft, env: Env, { box, token }: Envelope, letter: Uint8Array): Steps<number | undefined> {
  for (const [key, { secret, boxes }] of [...draft.maps.invites.entries()]) {
    if (!boxes.includes(toBase32(box))) continue
    const tokens = Array.from({ length: INVITE_TOKENS }, (_, index) => inviteToken(env.p, secret, box, index))
    if (!tokens.some((one) => equal(one, token))) continue
    const frames = openEnvelope(env.p, inviteBoxKey(env.p, secret, box), letter)
    return frames === undefined ? 0 : yield* receiveMail(draft, env, () => guestsOf(draft, key), frames)
  }
  return undefined
}

/** Who came by an invite: the one whose first words were just taken in is among them. */
export function guestsOf(draft: Draft, invite: string): readonly Sender[] {
  return (draft.maps.invites.get(invite)?.guests ?? []).flatMap((device) => {
    const contact = draft.maps.deliveries.get(device)?.contact
    return contact === undefined ? [] : [{ contact, device }]
  })
}
