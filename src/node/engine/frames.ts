/**
 * Frames that arrive, and what opens them.
 *
 *     frame ─ seen before? ─▶ acknowledge again
 *       ├ INIT ─▶ inits.ts
 *       └ message ─▶ which session's header key fits? ─▶ contents
 *     nothing fits, from a known device ─▶ ask for its bundle, set up a session anew, say so inside its INIT
 *
 * Holds: an acknowledgement is an effect of the batch that stored what it acknowledges.
 */
import {
  type AccountId,
  decodeContents,
  type DeviceId,
  equal,
  frameId,
  frameKind,
  openMessage,
  readHeader,
  STORED_IDS,
  toBase32,
} from '../../protocol/index.ts'
import { deliveryOf, putDelivery } from './contact-rows.ts'
import { applyContents } from './contents.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import { type Outcome, receiveInit, type Whence } from './inits.ts'
import type { ConnectionId, Input } from './input.ts'
import { FRAME_REMEMBERED, INIT_REMEMBERED, SKIPPED_A_SESSION } from './limits.ts'
import { compareHeads } from './log-heads.ts'
import { askToRepair, nextUse, putSession } from './sessions.ts'

/** A device that is known. */
export interface Sender {
  readonly contact: AccountId
  readonly device: DeviceId
}

export function* receiveFrames(draft: Draft, env: Env, input: Extract<Input, { type: 'frames' }>): Steps<void> {
  const { connection, contact, device } = input
  if (contact !== null && draft.maps.contacts.get(contact)?.row.state === 'blocked')
    return draft.effect({ type: 'close', connection })
  const stored: Uint8Array[] = []
  const refused: Uint8Array[] = []
  for (const frame of input.frames) {
    const id = frameId(env.p, frame)
    const outcome = yield* receiveFrame(draft, env, input, frame, id)
    ;(outcome === 'no-session' ? refused : stored).push(id)
  }
  if (stored.length > 0) draft.effect({ type: 'acknowledge', connection, ids: stored })
  if (refused.length > 0) draft.effect({ type: 'no-session', connection, ids: refused })
  if (refused.length > 0 && contact !== null && device !== null)
    yield* askToRepair(draft, env, connection, contact, device)
}

/**
 * Frames out of an envelope, from one of these devices: asked for each frame, for the first words make a device known. What is stored
 * is told in a frame; what nothing opens is left: its sender has it still, and a session is set up anew only where somebody answers.
 * Returns how many were new.
 */
export function* receiveMail(
  draft: Draft,
  env: Env,
  senders: () => readonly Sender[],
  frames: readonly Uint8Array[],
): Steps<number> {
  let fresh = 0
  for (const frame of frames) {
    const id = frameId(env.p, frame)
    const isFirst = frameKind(frame) === 'init' && senders().length === 0
    const before: readonly Whence[] = isFirst ? [STRANGER] : senders().map((one) => ({ connection: null, ...one }))
    for (const from of before) {
      if (from.contact !== null && draft.maps.contacts.get(from.contact)?.row.state === 'blocked') continue
      const outcome = yield* receiveFrame(draft, env, from, frame, id)
      if (outcome === 'no-session') continue
      if (outcome === 'stored') fresh++
      const sender = from.device === null ? senders()[0] : (from as Sender)
      if (sender !== undefined) oweStored(draft, sender, id)
      break
    }
  }
  return fresh
}

const STRANGER: Whence = { connection: null, contact: null, device: null }

function oweStored(draft: Draft, { contact, device }: Sender, id: Uint8Array): void {
  const row = deliveryOf(draft, device, contact)
  const others = row.stored.filter((one) => !equal(one, id))
  putDelivery(draft, device, { ...row, stored: [...others, id].slice(-STORED_IDS) })
  draft.dirty.add(device)
}

function* receiveFrame(
  draft: Draft,
  env: Env,
  from: Whence,
  frame: Uint8Array,
  id: Uint8Array,
): Steps<Outcome | 'seen'> {
  const key = toBase32(id)
  if ((yield* lookUp(draft, 'seen', key)) !== undefined) return 'seen'
  const kind = frameKind(frame)
  const outcome =
    kind === 'init'
      ? yield* receiveInit(draft, env, from, frame)
      : kind === 'message' && from.contact !== null && from.device !== null
        ? yield* receiveMessage(draft, env, from.connection, from.contact, from.device, frame)
        : 'no-session'
  if (outcome === 'stored')
    draft.put('seen', key, { at: env.now + (kind === 'init' ? INIT_REMEMBERED : FRAME_REMEMBERED) })
  return outcome
}

function* receiveMessage(
  draft: Draft,
  env: Env,
  connection: ConnectionId | null,
  contact: AccountId,
  device: DeviceId,
  frame: Uint8Array,
): Steps<Outcome> {
  for (const ref of draft.maps.sessions.get(device) ?? []) {
    const row = yield* lookUp(draft, 'session', ref.key)
    const header = row === undefined ? undefined : readHeader(env.p, row.state, frame)
    if (row === undefined || header === undefined) continue
    const keys: (Uint8Array | undefined)[] = []
    for (const need of header.needs) keys.push((yield* lookUp(draft, 'skipped', `${ref.key}/${need}`))?.key)
    const opened = openMessage(env.p, env.random, row.state, frame, header, keys, env.now)
    if (opened === undefined) return 'no-session'
    const contents = decodeContents(opened.plaintext)
    putSession(draft, device, ref.key, { ...row, state: opened.state, usedAt: nextUse(draft, device, env.now) })
    putSkipped(draft, env, ref.key, opened)
    // Only whoever is connected can be asked for a log.
    if (connection !== null) compareHeads(draft, connection, contact, opened.heads)
    yield* applyContents(draft, env, contact, device, contents ?? [])
    return 'stored'
  }
  return 'no-session'
}

type Opened = NonNullable<ReturnType<typeof openMessage>>

function putSkipped(draft: Draft, env: Env, session: string, { skipped, trim }: Opened): void {
  for (const chain of skipped.dropChains) draft.write({ op: 'drop-chain', session, chain })
  for (const { key, bytes } of skipped.put) draft.put('skipped', `${session}/${key}`, { key: bytes, at: env.now })
  for (const key of skipped.take) draft.remove('skipped', `${session}/${key}`)
  if (trim) draft.write({ op: 'trim-skipped', session, keep: SKIPPED_A_SESSION })
}
