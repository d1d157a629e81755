/**
 * Bundles: what begins a session, asked of whoever was reached, and answered to whoever may have it.
 *
 *     link ─▶ invited ──reached──▶ ask for the bundle ──▶ INIT in flight ──first words back──▶ active
 *                 └─ used, expired: said at once to whoever waits, else a problem of the contact
 *     contact ──▶ ask for the bundle ──▶ a session anew, or only the device log that it brings
 *
 * Holds: an answer about an invite is believed only under its secret's MAC for these very two peers; a question has one answer.
 */
import {
  type AccountId,
  type Bundle,
  bundleAnswerMac,
  compare,
  createBundle,
  decodeBundle,
  equal,
  type InviteBox,
  inviteProof,
  toBase32,
} from '../../protocol/index.ts'
import type { ContactRow } from '../store/records.ts'
import { answerAdding, changeContact, devicesOf, learnLog, want } from './contact-rows.ts'
import type { Draft, Steps } from './draft.ts'
import { type Env, refuse } from './env.ts'
import type { BundleStatus, ConnectionId, Input } from './input.ts'
import { PREKEY_FRESH, SECRETS_KNOWN } from './limits.ts'
import { applyInviteBoxes } from './routes.ts'
import { begin, initUnderWay, repairWith } from './sessions.ts'
import type { Connection, Prekey } from './state.ts'

type Told<T extends Input['type']> = Extract<Input, { type: T }>

/** The prekey whose bundle is handed out now; made anew each week, and when the devices changed. */
export function currentPrekey(draft: Draft, env: Env): Prekey {
  let newest: Prekey | undefined
  for (const [, prekey] of draft.maps.prekeys.entries()) {
    if (newest === undefined || prekey.row.createdAt > newest.row.createdAt) newest = prekey
  }
  if (newest === undefined || Math.abs(env.now - newest.row.createdAt) >= PREKEY_FRESH) return makePrekey(draft, env)
  return equal(newest.bundle.log.head, draft.self.log.head) ? newest : makePrekey(draft, env)
}

function makePrekey(draft: Draft, env: Env): Prekey {
  const { log, device } = draft.self
  const { bundle, secrets } = createBundle(env.p, env.random, { log, device, createdAt: env.now })
  const prekey: Prekey = { bundle, row: { bundle: bundle.bytes, ...secrets, createdAt: env.now } }
  const key = toBase32(bundle.hash.subarray(0, 16))
  draft.maps.prekeys.set(key, prekey)
  draft.put('prekey', key, prekey.row)
  return prekey
}

/** Somebody invited was reached: sends the INIT again, or asks for the bundle that begins everything. */
export function* reachStranger(draft: Draft, { connection, contact }: Told<'reached-stranger'>): Steps<void> {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined || row.state === 'blocked' || row.invite === null)
    return draft.effect({ type: 'close', connection })
  for (const device of devicesOf(draft, contact)) {
    const init = yield* initUnderWay(draft, device)
    if (init === undefined) continue
    draft.maps.connections.set(connection, { ...STRANGE, contact, asking: null })
    return draft.effect({ type: 'send', connection, frames: [{ id: init.id, bytes: init.bytes }] })
  }
  draft.maps.connections.set(connection, { ...STRANGE, contact, asking: 'session' })
  draft.effect({ type: 'ask-bundle', connection, contact, inviteSecret: row.invite.secret })
}

const STRANGE = {
  device: null,
  via: 'direct',
  relayedBy: null,
  punched: false,
  refused: false,
  askedHead: null,
  warned: false,
  stored: 0,
  remade: 0,
} as const

function* isBeginning(draft: Draft, contact: AccountId): Steps<boolean> {
  for (const device of devicesOf(draft, contact)) if ((yield* initUnderWay(draft, device)) !== undefined) return true
  return false
}

export function answerBundle(draft: Draft, env: Env, asked: Told<'bundle-asked'>): void {
  const send = (status: BundleStatus, bundle: Uint8Array, secret: Uint8Array | null): void => {
    const { local, remote } = asked.ends
    const mac = secret === null ? new Uint8Array(32) : bundleAnswerMac(env.p, secret, status, bundle, remote, local)
    draft.effect({ type: 'answer-bundle', connection: asked.connection, request: asked.request, status, bundle, mac })
  }
  const none = new Uint8Array(0)
  if (asked.proof === null) {
    const known = asked.contact === null ? undefined : draft.maps.contacts.get(asked.contact)
    if (known === undefined || known.row.state === 'blocked') return send('unknown', none, null)
    return send('bundle', currentPrekey(draft, env).bundle.bytes, null)
  }
  for (const [, invite] of draft.maps.invites.entries()) {
    if (!equal(inviteProof(env.p, invite.secret, asked.ends.remote, asked.ends.local), asked.proof)) continue
    if (invite.usesLeft < 1) return send('used', none, invite.secret)
    const prekey = draft.maps.prekeys.get(invite.prekey)
    if (invite.expiresAt <= env.now || prekey === undefined) return send('expired', none, invite.secret)
    return send('bundle', prekey.bundle.bytes, invite.secret)
  }
  send('unknown', none, null)
}

export function* takeBundle(
  draft: Draft,
  env: Env,
  { connection, contact, answer }: Told<'bundle-answered'>,
): Steps<void> {
  const link = draft.maps.connections.get(connection)
  const row = draft.maps.contacts.get(contact)?.row
  // One question, one answer: a second INIT would spend the invite twice and leave the two with different secrets.
  if (link === undefined || link.asking === null) return
  draft.maps.connections.set(connection, { ...link, asking: null })
  if (link.asking === 'log') return takeLog(draft, env, contact, link, answer)
  const unwanted =
    answer.status === 'unreachable' || row === undefined || row.state === 'blocked' || link.contact !== contact
  if (unwanted || (!link.refused && (yield* isBeginning(draft, contact)))) {
    // A stranger's connection that nothing more comes of would keep the contact from being dialed.
    if (link.device === null) draft.effect({ type: 'close', connection })
    return
  }
  if (link.device !== null) {
    const bundle = answer.status === 'bundle' ? decodeBundle(env.p, answer.bundle) : undefined
    if (bundle !== undefined) repairWith(draft, env, contact, bundle, connection)
    return
  }
  if (row.invite === null) return
  const { secret } = row.invite
  const { local, remote } = answer.ends
  const honest = equal(answer.mac, bundleAnswerMac(env.p, secret, answer.status, answer.bundle, local, remote))
  if (!honest) return notThem(draft, connection, contact)
  if (answer.status === 'bundle') return beginInvited(draft, env, contact, row, answer.bundle, connection)
  if (answer.status === 'used' || answer.status === 'expired') refuseInvited(draft, contact, answer.status)
  draft.effect({ type: 'close', connection })
}

/** A bundle that was asked for because of the device log in it. */
function takeLog(
  draft: Draft,
  env: Env,
  contact: AccountId,
  link: Connection,
  answer: Told<'bundle-answered'>['answer'],
): void {
  const known = draft.maps.contacts.get(contact)
  const bundle = answer.status === 'bundle' ? decodeBundle(env.p, answer.bundle) : undefined
  if (bundle === undefined || known === undefined || known.row.state === 'blocked' || link.contact !== contact) return
  if (equal(bundle.account, known.row.accountKey)) learnLog(draft, contact, bundle.log)
}

function beginInvited(
  draft: Draft,
  env: Env,
  contact: AccountId,
  row: ContactRow,
  bytes: Uint8Array,
  connection: number,
): void {
  const bundle = decodeBundle(env.p, bytes)
  const invite = row.invite
  if (bundle === undefined || invite === null || !isPromised(bundle, row, invite))
    return notThem(draft, connection, contact)
  beginByInvite(draft, env, contact, row, invite, bundle, connection)
}

function beginByInvite(
  draft: Draft,
  env: Env,
  contact: AccountId,
  row: ContactRow,
  invite: NonNullable<ContactRow['invite']>,
  bundle: Bundle,
  connection: ConnectionId | null,
): void {
  const keys = { inviteSecret: invite.secret, oneTimeKey: invite.oneTimeKey }
  const secret = begin(draft, env, contact, bundle, keys, connection, false)
  const secrets = [{ generation: 0, secret, since: env.now, confirmed: false }, ...row.secrets].slice(0, SECRETS_KNOWN)
  changeContact(draft, contact, { secrets })
}

/**
 * A bundle that lay in the DHT, or a file, for who has the link: begins the session at once, so that its first message only waits for
 * somebody who answers. `false` where it is not the bundle of the link.
 */
export function* takeFoundBundle(
  draft: Draft,
  env: Env,
  contact: AccountId,
  bytes: Uint8Array,
  boxes: readonly InviteBox[],
): Steps<boolean> {
  const row = draft.maps.contacts.get(contact)?.row
  const bundle = decodeBundle(env.p, bytes)
  if (row === undefined || row.invite === null || bundle === undefined) return false
  if (!isPromised(bundle, row, row.invite)) return false
  if (!(yield* isBeginning(draft, contact))) beginByInvite(draft, env, contact, row, row.invite, bundle, null)
  applyInviteBoxes(draft, env, contact, bundle.device.id, row.invite.secret, boxes)
  return true
}

const isPromised = (bundle: Bundle, row: ContactRow, invite: NonNullable<ContactRow['invite']>): boolean =>
  equal(bundle.hash.subarray(0, 16), invite.bundleHash) && compare(bundle.account, row.accountKey) === 0

/** Whoever answered there is not the inviter: goes on looking. */
function notThem(draft: Draft, connection: number, contact: AccountId): void {
  draft.effect({ type: 'close', connection })
  answerAdding(draft, contact)
}

function refuseInvited(draft: Draft, contact: AccountId, status: 'used' | 'expired'): void {
  const waiting = draft.maps.adding.get(contact)
  draft.maps.adding.delete(contact)
  if (waiting !== undefined) {
    const [code, text] =
      status === 'used'
        ? (['invite-used', 'This invite was used already: ask for a new one.'] as const)
        : (['invite-expired', 'This invite has expired: ask for a new one.'] as const)
    refuse(draft, waiting.command, code, text)
  }
  const row = draft.maps.contacts.get(contact)?.row
  if (row?.state === 'active') {
    changeContact(draft, contact, { invite: null })
    return want(draft, contact)
  }
  draft.effect({ type: 'unwant', contact })
  if (waiting?.fresh === true && draft.maps.conversations.get(contact) === undefined) {
    draft.maps.contacts.delete(contact)
    draft.remove('contact', contact)
    return draft.tell({ t: 'removed', c: contact })
  }
  changeContact(draft, contact, { problem: status === 'used' ? 'invite-used' : 'invite-expired' })
  draft.tell({ t: 'contact', c: contact })
}
