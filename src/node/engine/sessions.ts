/**
 * The sessions with a device: begun, replaced, given up, set up anew (Sesame's rules, PROTOCOL §2).
 *
 * Holds: the session that opened something last is the active one; "cannot decrypt" is believed only inside an INIT,
 * REPAIRS_A_DAY times.
 */
import {
  type AccountId,
  type AccountKey,
  type Bundle,
  type Content,
  type DeviceId,
  encodeContents,
  equal,
  frameKind,
  initiate,
  toBase32,
} from '../../protocol/index.ts'
import type { FrameRow, SessionRow } from '../store/records.ts'
import { refuse, rewind, tellRepairing } from './confirmations.ts'
import { changeContact, conversationOf, deliveryOf, devicesOf, learnLog, logAgrees } from './contact-rows.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import { addressesFor, receiptOf } from './facts.ts'
import type { ConnectionId, Input } from './input.ts'
import { DAY, REPAIRS_A_DAY, SESSIONS_A_DEVICE } from './limits.ts'
import { recordFrame } from './outbox.ts'
import type { SessionRef } from './state.ts'

/** Later than every use so far of the device's sessions, whatever the clock does. */
export function nextUse(draft: Draft, device: DeviceId, now: number): number {
  return Math.max(now, ((draft.maps.sessions.get(device) ?? [])[0]?.usedAt ?? 0) + 1)
}

/** Stores a session as the active one of its device; the oldest beyond SESSIONS_A_DEVICE go. */
export function putSession(draft: Draft, device: DeviceId, key: string, row: SessionRow): void {
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

/** A session that begins replaces what was under way towards its device. */
export function startSession(
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

/** Begins a session with the device of a bundle; the INIT is in flight until acknowledged. `connection`: `null` where nobody was reached yet. */
export function begin(
  draft: Draft,
  env: Env,
  contact: AccountId,
  bundle: Bundle,
  keys: { readonly inviteSecret: Uint8Array | null; readonly oneTimeKey: Uint8Array | null },
  connection: ConnectionId | null,
  repair: boolean,
): Uint8Array {
  const self = draft.self.row
  const contents: Content[] = [{ kind: 'profile', version: self.nameVersion, name: self.name }]
  const addresses = addressesFor(self, draft.maps.contacts.get(contact)?.row)
  if (addresses.length > 0) contents.push({ kind: 'addresses', version: self.addressVersion, addresses })
  if (repair) contents.push({ kind: 'repair' })
  // Also where it says that nothing is here: the other side may remember another life of this device.
  const conversation = conversationOf(draft, contact)
  contents.push(...receiptOf(conversation))
  const us = { account: draft.self.account.key, device: draft.self.device, log: draft.self.log }
  const begun = initiate(env.p, env.random, us, bundle, keys, encodeContents(contents), env.now)
  learnLog(draft, contact, bundle.log)
  const session = startSession(draft, env, contact, bundle.device.id, begun, repair)
  const facts = {
    name: self.nameVersion,
    receipt: conversation.receiptVersion,
    ...(addresses.length > 0 ? { addresses: self.addressVersion } : {}),
  }
  const id = recordFrame(draft, env, bundle.device.id, session, begun.frame, { from: 0, to: 0, facts }, true)
  if (connection !== null) draft.effect({ type: 'send', connection, frames: [{ id, bytes: begun.frame }] })
  return begun.contactSecret
}

/** The INIT that is under way to a device, and what it begins is here: it is always the oldest of its frames. */
export function* initUnderWay(draft: Draft, device: DeviceId): Steps<FrameRow | undefined> {
  const [oldest] = draft.maps.frames.get(device) ?? []
  const row = oldest === undefined ? undefined : yield* lookUp(draft, 'frame', String(oldest.number))
  if (row === undefined || frameKind(row.bytes) !== 'init') return undefined
  const isHere = (draft.maps.sessions.get(device) ?? []).some(({ key }) => key === row.session)
  return isHere ? row : undefined
}

/**
 * The other side has no session for these frames. It will set one up anew, unless it is our INIT that it refuses: then the
 * session that this began is given up, or, where we are strangers, somebody who knows the invite has to say why. Or the session
 * is well, and these frames are not: then they are made anew.
 */
export function* takeRefusal(draft: Draft, { connection, ids }: Extract<Input, { type: 'no-session' }>): Steps<void> {
  const link = draft.maps.connections.get(connection)
  if (link === undefined) return
  for (const device of link.device === null ? devicesOf(draft, link.contact) : [link.device]) {
    const init = yield* initUnderWay(draft, device)
    if (init === undefined || !ids.some((id) => equal(id, init.id))) {
      if (link.device !== null) refuse(draft, device, ids)
      continue
    }
    if (link.device !== null) return giveUp(draft, device, init.session)
    const invite = draft.maps.contacts.get(link.contact)?.row.invite
    if (link.asking !== null || invite == null) return
    draft.maps.connections.set(connection, { ...link, asking: 'session', refused: true })
    return draft.effect({ type: 'ask-bundle', connection, contact: link.contact, inviteSecret: invite.secret })
  }
}

function giveUp(draft: Draft, device: DeviceId, session: string): void {
  const left = (draft.maps.sessions.get(device) ?? []).filter(({ key }) => key !== session)
  dropSession(draft, session)
  draft.maps.sessions.set(device, left)
  rewind(draft, device, '', false)
}

/** The re-handshakes of the last 24 hours. */
export const recentRepairs = (repairs: readonly number[], now: number): readonly number[] =>
  repairs.filter((at) => at > now - DAY && at <= now)

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
  if (link === undefined || link.asking === 'session' || row === undefined || row.state === 'blocked') return
  if (recentRepairs(row.repairs, env.now).length >= REPAIRS_A_DAY) return
  // What the other side sent before it had our INIT opens nowhere either.
  if ((yield* initUnderWay(draft, device)) !== undefined) return
  draft.maps.connections.set(connection, { ...link, asking: 'session' })
  tellRepairing(draft, device, contact)
  // One question at a time: the bundle that comes for the log in it serves.
  if (link.asking === 'log') return
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
