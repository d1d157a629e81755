/**
 * Mail by hand: envelopes that leave in a file, and come in one.
 *
 *     export ──▶ all that waits for somebody who is away ──▶ envelopes: for a box of theirs, so that its carrier can take them too,
 *                                                            or for the hand box that comes of what both share
 *     import ──▶ ours? opened like letters      carried here? kept      else: nothing
 *
 * Holds: what is exported stays in flight, and what is imported twice is taken once; a file gives nobody more than its envelopes would.
 */
import {
  type AccountId,
  type DeviceId,
  ENVELOPE_LIFE_DAYS,
  ENVELOPE_ROOM,
  envelopeId,
  type HandBox,
  handBox,
  inviteHandBox,
  openEnvelope,
  readEnvelope,
  sealEnvelope,
  toBase32,
} from '../../protocol/index.ts'
import { senders } from './tokens.ts'
import { putEnvelope } from './carrying.ts'
import { guestsOf, takeLetter } from './collecting.ts'
import type { Asked } from './command.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import { type Env, refuse, reply } from './env.ts'
import { receiveMail, type Sender } from './frames.ts'
import { EXPORTED_AT_ONCE } from './limits.ts'
import { framesToLeave, takeToken } from './post.ts'
import type { InFlight } from './state.ts'

type Ask<N extends Asked['name']> = Extract<Asked, { name: N }>

export function* exportMail(
  draft: Draft,
  env: Env,
  command: number,
  { contact, after }: Ask<'export-mail'>,
): Steps<void> {
  if (contact !== null && draft.maps.contacts.get(contact) === undefined)
    return refuse(draft, command, 'contact-unknown', 'There is no such contact.')
  const waiting: (readonly [DeviceId, InFlight])[] = []
  for (const [device, row] of [...draft.maps.deliveries.entries()]) {
    if (contact !== null && row.contact !== contact) continue
    for (const frame of yield* framesToLeave(draft, env, device)) waiting.push([device, frame])
  }
  const left = waiting.filter(([, { number }]) => number > after).sort(([, a], [, b]) => a.number - b.number)
  let room = EXPORTED_AT_ONCE
  const now = left.filter(([, { size }], at) => {
    room -= size
    return room >= 0 || at === 0
  })
  const envelopes: Uint8Array[] = []
  for (const device of new Set(now.map(([one]) => one))) {
    const frames = now.flatMap(([one, frame]) => (one === device ? [frame] : []))
    envelopes.push(...(yield* sealed(draft, env, device, frames)))
  }
  const last = now.at(-1)?.[1].number ?? null
  reply(draft, command, { envelopes, after: now.length < left.length ? last : null })
}

function* sealed(draft: Draft, env: Env, device: DeviceId, frames: readonly InFlight[]): Steps<readonly Uint8Array[]> {
  const envelopes: Uint8Array[] = []
  for (let rest = [...frames]; rest.length > 0; ) {
    let room = ENVELOPE_ROOM
    const fit = rest.filter(({ size }) => {
      room -= size
      return room >= 0
    })
    rest = rest.filter((frame) => !fit.includes(frame))
    const bytes: Uint8Array[] = []
    for (const { number } of fit) {
      const row = yield* lookUp(draft, 'frame', String(number))
      if (row !== undefined) bytes.push(row.bytes)
    }
    const to = addressee(draft, env, device)
    if (to === undefined || bytes.length === 0) return envelopes
    const { box, key, token } = to
    envelopes.push(sealEnvelope(env.p, env.random, key, { box, life: ENVELOPE_LIFE_DAYS, token }, bytes))
  }
  return envelopes
}

/** A box of theirs and a token of it, else the hand box. */
function addressee(draft: Draft, env: Env, device: DeviceId): (HandBox & { readonly token: Uint8Array }) | undefined {
  const token = new Uint8Array(16)
  const real = takeToken(draft, env, device)
  if (real !== undefined) return real
  const contact = draft.maps.deliveries.get(device)?.contact
  const row = contact === undefined ? undefined : draft.maps.contacts.get(contact)?.row
  if (row?.state === 'invited' && row.invite !== null) return { ...inviteHandBox(env.p, row.invite.secret), token }
  const secret = (row?.secrets.find(({ confirmed }) => confirmed) ?? row?.secrets[0])?.secret
  return secret && { ...handBox(env.p, secret, draft.self.deviceKeys.id, device), token }
}

export function* importMail(draft: Draft, env: Env, command: number, { envelopes }: Ask<'import-mail'>): Steps<void> {
  const hands = handBoxes(draft, env)
  const holders = new Map<string, ReturnType<typeof senders>>()
  const counts = { delivered: 0, kept: 0 }
  for (const envelope of envelopes) {
    const box = toBase32(readEnvelope(envelope)?.box ?? new Uint8Array(0))
    const hand = hands.get(box)
    if (draft.maps.boxes.get(box) !== undefined) {
      const known = holders.get(box) ?? senders(draft, env, box)
      holders.set(box, known)
      if (((yield* takeLetter(draft, env, known, envelope, true)) ?? 0) > 0) counts.delivered++
    } else if (hand !== undefined) {
      const frames = openEnvelope(env.p, hand.key, envelope)
      if (frames !== undefined && (yield* receiveMail(draft, env, hand.senders, frames)) > 0) counts.delivered++
    } else if (draft.maps.carried.get(box) !== undefined) {
      const place = `${box}/${toBase32(envelopeId(env.p, envelope))}`
      const isNew = (yield* lookUp(draft, 'letter', place)) === undefined
      if ((yield* putEnvelope(draft, env, envelope)) === 'ok' && isNew) counts.kept++
    }
  }
  reply(draft, command, counts)
}

interface Hand {
  readonly key: Uint8Array
  readonly senders: () => readonly Sender[]
}

/** The hand boxes in which something may lie for us. */
function handBoxes(draft: Draft, env: Env): ReadonlyMap<string, Hand> {
  const all = new Map<string, Hand>()
  for (const [contact, { row, log }] of draft.maps.contacts.entries()) {
    for (const { id: device } of log?.devices ?? [])
      for (const { secret } of row.secrets) addHand(all, env, contact, device, secret, draft.self.deviceKeys.id)
  }
  for (const [key, { secret }] of draft.maps.invites.entries()) {
    const { box, key: boxKey } = inviteHandBox(env.p, secret)
    all.set(toBase32(box), { key: boxKey, senders: () => guestsOf(draft, key) })
  }
  return all
}

function addHand(
  all: Map<string, Hand>,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  secret: Uint8Array,
  own: DeviceId,
): void {
  const { box, key } = handBox(env.p, secret, device, own)
  all.set(toBase32(box), { key, senders: () => [{ contact, device }] })
}
