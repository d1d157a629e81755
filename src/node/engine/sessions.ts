/**
 * Frames that arrive, and the sessions that open them (Sesame's rules, PROTOCOL §2).
 *
 *     frame ─ seen before? ─▶ acknowledge again
 *       ├ INIT ─▶ which prekey, which invite or known device? ─▶ new session, first contents
 *       └ message ─▶ which session's header key fits? ─▶ contents
 *     nothing fits, from a known device ─▶ ask for its bundle, set up a session anew, say so inside its INIT
 *
 * Holds: 1. an acknowledgement is an effect of the batch that stored what it acknowledges; 2. the session that opened
 * something last is the active one; 3. "cannot decrypt" is believed only inside an INIT, REPAIRS_A_DAY times.
 */
import {
  type AccountId,
  type AccountKey,
  accountId,
  type Bundle,
  type Content,
  compareDeviceLogs,
  decodeContents,
  type DeviceId,
  encodeContents,
  equal,
  frameId,
  frameKind,
  type Init,
  initiate,
  openInit,
  openMessage,
  readHeader,
  respond,
  toBase32,
} from '../../protocol/index.ts'
import type { FrameRow, InviteRow, SessionRow } from '../store/records.ts'
import {
  adoptLog,
  answerAdding,
  changeContact,
  conversationOf,
  deliveryOf,
  devicesOf,
  logAgrees,
  newContact,
  oweReceipt,
  putContact,
  want,
} from './contact-rows.ts'
import { applyContents } from './contents.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import type { ConnectionId, Input } from './input.ts'
import {
  DAY,
  FRAME_REMEMBERED,
  INIT_REMEMBERED,
  INVITE_REMEMBERED,
  REPAIRS_A_DAY,
  SESSIONS_A_DEVICE,
  SKIPPED_A_SESSION,
  SECRETS_KNOWN,
} from './limits.ts'
import { receiptOf, recordFrame, rewind } from './outbox.ts'
import type { Prekey, SessionRef } from './state.ts'

type Arrived = Extract<Input, { type: 'frames' }>
/** What became of a frame: stored here (now or before), or opened by nothing here. */
type Outcome = 'stored' | 'no-session'

export function* receiveFrames(draft: Draft, env: Env, input: Arrived): Steps<void> {
  const { connection, contact, device } = input
  if (contact !== null && draft.maps.contacts.get(contact)?.row.state === 'blocked')
    return draft.effect({ type: 'close', connection })
  const stored: Uint8Array[] = []
  const refused: Uint8Array[] = []
  for (const frame of input.frames) {
    const id = frameId(env.p, frame)
    const outcome = yield* receiveFrame(draft, env, input, frame, id)
    ;(outcome === 'stored' ? stored : refused).push(id)
  }
  if (stored.length > 0) draft.effect({ type: 'acknowledge', connection, ids: stored })
  if (refused.length > 0) draft.effect({ type: 'no-session', connection, ids: refused })
  if (refused.length > 0 && contact !== null && device !== null)
    yield* askToRepair(draft, env, connection, contact, device)
}

function* receiveFrame(draft: Draft, env: Env, from: Arrived, frame: Uint8Array, id: Uint8Array): Steps<Outcome> {
  const key = toBase32(id)
  if ((yield* lookUp(draft, 'seen', key)) !== undefined) return 'stored'
  const kind = frameKind(frame)
  const outcome =
    kind === 'init'
      ? yield* receiveInit(draft, env, from, frame)
      : kind === 'message' && from.contact !== null && from.device !== null
        ? yield* receiveMessage(draft, env, from.contact, from.device, frame)
        : 'no-session'
  if (outcome === 'stored')
    draft.put('seen', key, { at: env.now + (kind === 'init' ? INIT_REMEMBERED : FRAME_REMEMBERED) })
  return outcome
}

function* receiveMessage(
  draft: Draft,
  env: Env,
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

/** Later than every use so far of the device's sessions, whatever the clock does. */
function nextUse(draft: Draft, device: DeviceId, now: number): number {
  return Math.max(now, ((draft.maps.sessions.get(device) ?? [])[0]?.usedAt ?? 0) + 1)
}

/** Stores a session as the active one of its device; the oldest beyond SESSIONS_A_DEVICE go. */
function putSession(draft: Draft, device: DeviceId, key: string, row: SessionRow): void {
  draft.put('session', key, row)
  const refs = (draft.maps.sessions.get(device) ?? []).filter((ref) => ref.key !== key)
  const all: SessionRef[] = [{ key, createdAt: row.createdAt, usedAt: row.usedAt }, ...refs]
  for (const gone of all.slice(SESSIONS_A_DEVICE)) dropSession(draft, gone.key)
  draft.maps.sessions.set(device, all.slice(0, SESSIONS_A_DEVICE))
}

export function dropSession(draft: Draft, key: string): void {
  draft.remove('session', key)
  draft.write({ op: 'trim-skipped', session: key, keep: 0 })
}

function* receiveInit(draft: Draft, env: Env, from: Arrived, frame: Uint8Array): Steps<Outcome> {
  const found = findPrekey(draft, env, frame)
  if (found === undefined) return 'no-session'
  const { init, prekey } = found
  const replayed = toBase32(init.id)
  if ((yield* lookUp(draft, 'seen', replayed)) !== undefined) return 'stored'
  const id = accountId(init.account)
  if (id === draft.self.id) return 'no-session'
  const admitted = admit(draft, env, from, init, id)
  if (admitted === undefined) return 'no-session'
  const response = respond(
    env.p,
    env.random,
    { account: draft.self.account.key, device: draft.self.device, log: draft.self.log },
    {
      bundle: prekey.bundle,
      secrets: prekey.row,
      oneTimeSeed: admitted.oneTimeSeed,
      inviteSecret: admitted.inviteSecret,
    },
    init,
    env.now,
  )
  const contents = response === undefined ? undefined : decodeContents(response.plaintext)
  if (response === undefined || contents === undefined) return 'no-session'
  if (!welcome(draft, env, id, init, admitted, response.contactSecret)) return 'no-session'
  draft.put('seen', replayed, { at: rememberedUntil(draft, env, prekey) })
  const tellsWhatItHolds = contents.some(({ kind }) => kind === 'receipt')
  startSession(draft, env, id, init.device.id, response, tellsWhatItHolds)
  oweReceipt(draft, id)
  yield* applyContents(draft, env, id, init.device.id, contents)
  draft.tell({ t: 'contact', c: id })
  want(draft, id)
  return 'stored'
}

function findPrekey(draft: Draft, env: Env, frame: Uint8Array): { init: Init; prekey: Prekey } | undefined {
  for (const [key, prekey] of draft.maps.prekeys.entries()) {
    const init = openInit(env.p, prekey.row.sealSeed, frame)
    if (init !== undefined && toBase32(init.bundleHash16) === key) return { init, prekey }
  }
  return undefined
}

/** An INIT is remembered as long as anything could open it once more: its prekey, which the invites on it keep. */
function rememberedUntil(draft: Draft, env: Env, prekey: Prekey): number {
  const key = toBase32(prekey.bundle.hash.subarray(0, 16))
  let until = env.now + INIT_REMEMBERED
  for (const [, invite] of draft.maps.invites.entries())
    if (invite.prekey === key) until = Math.max(until, invite.expiresAt + INVITE_REMEMBERED + DAY)
  return until
}

interface Admitted {
  readonly invite: { readonly key: string; readonly row: InviteRow } | null
  readonly inviteSecret: Uint8Array | null
  readonly oneTimeSeed: Uint8Array | null
}

/** Whether this INIT may begin something: it spends a valid invite, or comes from a device already known. */
function admit(draft: Draft, env: Env, from: Arrived, init: Init, id: AccountId): Admitted | undefined {
  const known = draft.maps.contacts.get(id)
  if (known?.row.state === 'blocked') return undefined
  if (init.inviteKey !== null) {
    const key = toBase32(init.inviteKey)
    const row = draft.maps.invites.get(key)
    if (row === undefined || row.usesLeft < 1 || row.expiresAt <= env.now) return undefined
    if (row.prekey !== toBase32(init.bundleHash16) || (row.onlyFor !== null && row.onlyFor !== id)) return undefined
    if (init.usesOneTime !== (row.oneTimeSeed !== null)) return undefined
    return { invite: { key, row }, inviteSecret: row.secret, oneTimeSeed: row.oneTimeSeed }
  }
  const isTheirs = from.contact === id && from.device === init.device.id
  if (
    known === undefined ||
    !isTheirs ||
    init.usesOneTime ||
    recentRepairs(known.row.repairs, env.now).length >= REPAIRS_A_DAY
  )
    return undefined
  return { invite: null, inviteSecret: null, oneTimeSeed: null }
}

const recentRepairs = (repairs: readonly number[], now: number): readonly number[] =>
  repairs.filter((at) => at > now - DAY && at <= now)

/** Stores what the INIT says of its sender; `false` where its device log contradicts the one that is known. */
function welcome(draft: Draft, env: Env, id: AccountId, init: Init, admitted: Admitted, secret: Uint8Array): boolean {
  const known = draft.maps.contacts.get(id)
  if (!logAgrees(draft, id, known?.log ?? null, init.log)) return false
  const row = known?.row ?? newContact(init.account, 'active', env.now)
  const log = known?.log != null && compareDeviceLogs(known.log, init.log) !== 'newer' ? known.log : init.log
  if (admitted.invite !== null) {
    const { key, row: invite } = admitted.invite
    const spent: InviteRow = { ...invite, usesLeft: invite.usesLeft - 1, oneTimeSeed: null }
    draft.maps.invites.set(key, spent)
    draft.put('invite', key, spent)
    const secrets = [{ generation: 0, secret, since: env.now, confirmed: true }, ...row.secrets].slice(0, SECRETS_KNOWN)
    const verified = row.verified || invite.verified
    putContact(
      draft,
      id,
      { ...row, state: 'active', deviceLog: log.bytes, invite: null, problem: null, secrets, verified },
      log,
    )
  } else {
    putContact(
      draft,
      id,
      { ...row, deviceLog: log.bytes, repairs: [...recentRepairs(row.repairs, env.now), env.now] },
      log,
    )
  }
  answerAdding(draft, id)
  return true
}

/** A session that begins replaces what was under way towards its device. */
function startSession(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  begun: { readonly sessionId: Uint8Array; readonly session: Uint8Array },
  awaitsReceipt: boolean,
): string {
  const key = toBase32(begun.sessionId)
  conversationOf(draft, contact)
  deliveryOf(draft, device, contact)
  putSession(draft, device, key, {
    device,
    contact,
    state: begun.session,
    createdAt: env.now,
    usedAt: nextUse(draft, device, env.now),
  })
  rewind(draft, device, key, awaitsReceipt)
  return key
}

/** Begins a session with the device of a bundle; the INIT is in flight until acknowledged. */
export function begin(
  draft: Draft,
  env: Env,
  contact: AccountId,
  bundle: Bundle,
  keys: { readonly inviteSecret: Uint8Array | null; readonly oneTimeKey: Uint8Array | null },
  connection: ConnectionId,
  repair: boolean,
): Uint8Array {
  const self = draft.self.row
  const contents: Content[] = [{ kind: 'profile', version: self.nameVersion, name: self.name }]
  if (self.addresses.length > 0)
    contents.push({ kind: 'addresses', version: self.addressVersion, addresses: self.addresses })
  if (repair) contents.push({ kind: 'repair' })
  // Also where it says that nothing is here: the other side may remember another life of this device.
  const conversation = conversationOf(draft, contact)
  contents.push(receiptOf(conversation))
  const us = { account: draft.self.account.key, device: draft.self.device, log: draft.self.log }
  const begun = initiate(env.p, env.random, us, bundle, keys, encodeContents(contents), env.now)
  adoptLog(draft, contact, bundle.log)
  const session = startSession(draft, env, contact, bundle.device.id, begun, repair)
  const addressVersion = self.addresses.length > 0 ? self.addressVersion : 0
  const carries = {
    from: 0,
    to: 0,
    nameVersion: self.nameVersion,
    addressVersion,
    receiptVersion: conversation.receiptVersion,
    secretGeneration: 0,
  }
  const id = recordFrame(draft, env, bundle.device.id, session, begun.frame, carries)
  draft.effect({ type: 'send', connection, frames: [{ id, bytes: begun.frame }] })
  return begun.contactSecret
}

/** The INIT that is under way to a device: it is always the oldest of its frames. */
export function* initUnderWay(draft: Draft, device: DeviceId): Steps<FrameRow | undefined> {
  const [oldest] = draft.maps.frames.get(device) ?? []
  const row = oldest === undefined ? undefined : yield* lookUp(draft, 'frame', String(oldest.number))
  return row !== undefined && frameKind(row.bytes) === 'init' ? row : undefined
}

/**
 * The other side has no session for these frames. It will set one up anew, unless it is our INIT that it refuses: then the
 * session that this began is given up, or, where we are strangers, somebody who knows the invite has to say why.
 */
export function* takeRefusal(draft: Draft, { connection, ids }: Extract<Input, { type: 'no-session' }>): Steps<void> {
  const link = draft.maps.connections.get(connection)
  if (link === undefined) return
  for (const device of link.device === null ? devicesOf(draft, link.contact) : [link.device]) {
    const init = yield* initUnderWay(draft, device)
    if (init === undefined || !ids.some((id) => equal(id, init.id))) continue
    if (link.device !== null) return giveUp(draft, device, init.session)
    const invite = draft.maps.contacts.get(link.contact)?.row.invite
    if (link.asking || invite == null) return
    draft.maps.connections.set(connection, { ...link, asking: true, refused: true })
    return draft.effect({ type: 'ask-bundle', connection, contact: link.contact, inviteSecret: invite.secret })
  }
}

function giveUp(draft: Draft, device: DeviceId, session: string): void {
  const left = (draft.maps.sessions.get(device) ?? []).filter(({ key }) => key !== session)
  dropSession(draft, session)
  draft.maps.sessions.set(device, left)
  rewind(draft, device, '', false)
}

/** Nothing here opens what a known device sends, or there is no session at all: asks it for a bundle, to set one up anew. */
export function* askToRepair(
  draft: Draft,
  env: Env,
  connection: ConnectionId,
  contact: AccountId,
  device: DeviceId,
): Steps<void> {
  const link = draft.maps.connections.get(connection)
  const row = draft.maps.contacts.get(contact)?.row
  if (link === undefined || link.asking || row === undefined || row.state === 'blocked') return
  if (recentRepairs(row.repairs, env.now).length >= REPAIRS_A_DAY) return
  // What the other side sent before it had our INIT opens nowhere either.
  if ((yield* initUnderWay(draft, device)) !== undefined) return
  draft.maps.connections.set(connection, { ...link, asking: true })
  draft.effect({ type: 'ask-bundle', connection, contact, inviteSecret: null })
}

/** The bundle for a repair came. */
export function repairWith(draft: Draft, env: Env, contact: AccountId, bundle: Bundle, connection: ConnectionId): void {
  const known = draft.maps.contacts.get(contact)
  if (known === undefined || known.row.state === 'blocked' || !isTheirs(bundle.account, known.row.accountKey)) return
  if (!logAgrees(draft, contact, known.log, bundle.log)) return
  if (recentRepairs(known.row.repairs, env.now).length >= REPAIRS_A_DAY) return
  changeContact(draft, contact, { repairs: [...recentRepairs(known.row.repairs, env.now), env.now] })
  begin(draft, env, contact, bundle, { inviteSecret: null, oneTimeKey: null }, connection, true)
  draft.tell({ t: 'contact', c: contact })
}

const isTheirs = (a: AccountKey, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i])
