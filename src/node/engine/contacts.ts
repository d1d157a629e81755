/**
 * Contacts: asked for by link or pairing, renamed, verified, blocked, removed; and the bundles that begin sessions.
 *
 *     link ─▶ invited ──reached──▶ ask for the bundle ──▶ INIT in flight ──first words back──▶ active
 *                 └─ used, expired: said at once to whoever waits, else a problem of the contact
 *
 * Holds: an answer about an invite is believed only under its secret's MAC for these very two peers.
 */
import {
  type AccountId,
  accountId,
  accountKeyOf,
  add,
  bundleAnswerMac,
  compare,
  createBundle,
  decodeBundle,
  decodeInvite,
  encodeInvite,
  equal,
  inviteKey,
  inviteProof,
  NO_RANGES,
  toBase32,
} from '../../protocol/index.ts'
import type { ContactRow, InviteRow } from '../store/records.ts'
import type { Asked, PairingTicket } from './command.ts'
import { answerAdding, changeContact, devicesOf, newContact, putContact, putDelivery, want } from './contact-rows.ts'
import type { Draft, Steps } from './draft.ts'
import { type Env, refuse, reply } from './env.ts'
import type { BundleStatus, Input } from './input.ts'
import { FIRST_TRY, INVITES_OPEN, PREKEY_FRESH, SECRETS_KNOWN } from './limits.ts'
import { rewind } from './outbox.ts'
import { begin, dropSession, initUnderWay, repairWith } from './sessions.ts'
import type { Prekey } from './state.ts'

type Ask<N extends Asked['name']> = Extract<Asked, { name: N }>
type Told<T extends Input['type']> = Extract<Input, { type: T }>

const HOUR = 3600_000

/** The prekey whose bundle is handed out now; made anew each week. */
export function currentPrekey(draft: Draft, env: Env): Prekey {
  let newest: Prekey | undefined
  for (const [, prekey] of draft.maps.prekeys.entries()) {
    if (newest === undefined || prekey.row.createdAt > newest.row.createdAt) newest = prekey
  }
  if (newest !== undefined && Math.abs(env.now - newest.row.createdAt) < PREKEY_FRESH) return newest
  return makePrekey(draft, env)
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

export function createInvite(draft: Draft, env: Env, command: number, asked: Ask<'create-invite'>): void {
  if (
    [...draft.maps.invites.entries()].filter(([, row]) => row.usesLeft > 0 && row.expiresAt > env.now).length >=
    INVITES_OPEN
  ) {
    return refuse(draft, command, 'usage', `There are ${INVITES_OPEN} open invites already: let some expire.`)
  }
  const prekey = currentPrekey(draft, env)
  const secret = env.random(32)
  const oneTimeSeed = asked.uses === 1 ? env.random(32) : null
  const link = encodeInvite({
    account: draft.self.account.key,
    logHead: draft.self.log.head.slice(0, 16),
    secret,
    oneTimeKey: oneTimeSeed === null ? null : env.p.x25519PublicKey(oneTimeSeed),
    bundleHash: prekey.bundle.hash.slice(0, 16),
    expiresAt: asked.expiresAt,
    addresses: draft.self.row.addresses,
  })
  putInvite(
    draft,
    env,
    { secret, oneTimeSeed, link, expiresAt: asked.expiresAt, usesLeft: asked.uses, onlyFor: null, verified: false },
    prekey,
  )
  reply(draft, command, { link, expiresAt: asked.expiresAt, uses: asked.uses })
}

function putInvite(draft: Draft, env: Env, invite: Omit<InviteRow, 'prekey'>, prekey: Prekey): void {
  const key = toBase32(inviteKey(env.p, invite.secret))
  const row: InviteRow = { ...invite, prekey: toBase32(prekey.bundle.hash.subarray(0, 16)) }
  draft.maps.invites.set(key, row)
  draft.put('invite', key, row)
}

export function addContact(draft: Draft, env: Env, command: number, asked: Ask<'add-contact'>): void {
  const invite = decodeInvite(asked.link)
  if (invite === undefined)
    return refuse(
      draft,
      command,
      'invite-malformed',
      'This is not a whole invite link: copy it again, from "tulnic:" to its end.',
    )
  const id = accountId(invite.account)
  if (id === draft.self.id)
    return refuse(draft, command, 'invite-own', 'This is your own invite: send it to somebody else.')
  if (invite.expiresAt <= env.now)
    return refuse(
      draft,
      command,
      'invite-expired',
      "This invite has expired (or this device's clock is wrong): ask for a new one.",
    )
  const known = draft.maps.contacts.get(id)
  if (known?.row.state === 'blocked')
    return refuse(draft, command, 'contact-blocked', 'You blocked this contact: unblock them first.')
  if (known?.row.state === 'active' && isReached(draft, id)) return reply(draft, command, id)
  if (known?.row.invite == null || !equal(known.row.invite.secret, invite.secret)) dropUnderWay(draft, id)
  const row: ContactRow = {
    ...(known?.row ?? newContact(invite.account, 'invited', env.now)),
    addresses: invite.addresses,
    invite: {
      secret: invite.secret,
      oneTimeKey: invite.oneTimeKey,
      bundleHash: invite.bundleHash,
      expiresAt: invite.expiresAt,
    },
    problem: null,
    ...(asked.givenName === null ? {} : { givenName: asked.givenName }),
  }
  putContact(draft, id, row, known?.log ?? null)
  answerAdding(draft, id)
  draft.maps.adding.set(id, { command, until: env.now + FIRST_TRY, fresh: known === undefined })
  draft.effect({ type: 'wake', at: env.now + FIRST_TRY })
  draft.tell({ t: 'contact', c: id })
  want(draft, id, true)
}

/** A connection proved that they know us: no invite is needed, even where they removed us once. */
function isReached(draft: Draft, contact: AccountId): boolean {
  for (const [, link] of draft.maps.connections.entries())
    if (link.contact === contact && link.device !== null) return true
  return false
}

/** What is under way in a session that an earlier invite began: it is owed again in the next. */
function dropUnderWay(draft: Draft, contact: AccountId): void {
  for (const device of devicesOf(draft, contact)) rewind(draft, device, '', false)
}

/** Both confirmed the digits: the lower PeerID adds the other as if by a link whose bundle is in hand already. */
export function addPaired(draft: Draft, env: Env, command: number, { ticket, verified }: Ask<'add-paired'>): void {
  const bundle = decodeBundle(env.p, ticket.bundle)
  const known = draft.maps.contacts.get(ticket.account)
  if (bundle === undefined || accountId(bundle.account) !== ticket.account || ticket.account === draft.self.id) {
    return refuse(draft, command, 'pairing-failed', 'What the other device sent does not fit together: pair again.')
  }
  if (known?.row.state === 'blocked')
    return refuse(draft, command, 'contact-blocked', 'You blocked this contact: unblock them first.')
  if (known?.row.state === 'active' && isReached(draft, ticket.account)) {
    if (verified) changeContact(draft, ticket.account, { verified: true })
    return reply(draft, command, ticket.account)
  }
  dropUnderWay(draft, ticket.account)
  answerAdding(draft, ticket.account)
  putPaired(draft, env, ticket, bundle.hash, verified)
  draft.maps.adding.set(ticket.account, { command, until: env.now + FIRST_TRY, fresh: known === undefined })
  draft.effect({ type: 'wake', at: env.now + FIRST_TRY })
  want(draft, ticket.account, true)
}

function putPaired(draft: Draft, env: Env, ticket: PairingTicket, bundleHash: Uint8Array, verified: boolean): void {
  const known = draft.maps.contacts.get(ticket.account)
  const row: ContactRow = {
    ...(known?.row ?? newContact(accountKeyOf(ticket.account), 'invited', env.now)),
    ownName: known?.row.ownName ?? ticket.claimedName,
    addresses: ticket.addresses,
    invite: { secret: ticket.secret, oneTimeKey: null, bundleHash: bundleHash.slice(0, 16), expiresAt: env.now + HOUR },
    problem: null,
    verified: verified || known?.row.verified === true,
  }
  putContact(draft, ticket.account, row, known?.log ?? null)
  draft.tell({ t: 'contact', c: ticket.account })
}

/** …and the higher one expects it: an invite for this account alone, good for an hour. */
export function expectPaired(
  draft: Draft,
  env: Env,
  command: number,
  { ticket, verified }: Ask<'expect-paired'>,
): void {
  const known = draft.maps.contacts.get(ticket.account)
  if (known?.row.state === 'blocked')
    return refuse(draft, command, 'contact-blocked', 'You blocked this contact: unblock them first.')
  for (const [, prekey] of draft.maps.prekeys.entries()) {
    if (!equal(prekey.bundle.bytes, ticket.bundle)) continue
    const invite = {
      secret: ticket.secret,
      oneTimeSeed: null,
      link: '',
      expiresAt: env.now + HOUR,
      usesLeft: 1,
      onlyFor: ticket.account,
      verified,
    }
    putInvite(draft, env, invite, prekey)
    if (known !== undefined && verified) changeContact(draft, ticket.account, { verified: true })
    return reply(draft, command, ticket.account)
  }
  refuse(draft, command, 'pairing-failed', 'The keys for this pairing are gone: pair again.')
}

export function renameContact(draft: Draft, command: number, { contact, givenName }: Ask<'rename-contact'>): void {
  if (!exists(draft, command, contact)) return
  changeContact(draft, contact, { givenName })
  draft.tell({ t: 'contact', c: contact })
  reply(draft, command, contact)
}

export function verify(draft: Draft, command: number, { contact, verified }: Ask<'verify'>): void {
  if (!exists(draft, command, contact)) return
  changeContact(draft, contact, { verified })
  draft.tell({ t: 'contact', c: contact })
  reply(draft, command, contact)
}

export function block(draft: Draft, command: number, { contact }: Ask<'block'>): void {
  const row = exists(draft, command, contact)
  if (row === undefined) return
  if (row.state !== 'blocked') {
    changeContact(draft, contact, { state: 'blocked', stateBeforeBlock: row.state })
    hangUp(draft, contact)
    want(draft, contact)
    draft.tell({ t: 'contact', c: contact })
  }
  reply(draft, command, contact)
}

export function unblock(draft: Draft, command: number, { contact }: Ask<'unblock'>): void {
  const row = exists(draft, command, contact)
  if (row === undefined) return
  if (row.state === 'blocked') {
    changeContact(draft, contact, { state: row.stateBeforeBlock ?? 'active', stateBeforeBlock: null })
    want(draft, contact, true)
    draft.tell({ t: 'contact', c: contact })
  }
  reply(draft, command, contact)
}

/** Forgets a contact and the conversation; its counters stay, so that none ever stands for two messages. */
export function remove(draft: Draft, command: number, { contact }: Ask<'remove'>): void {
  if (exists(draft, command, contact) === undefined) return
  hangUp(draft, contact)
  draft.effect({ type: 'unwant', contact })
  let began = false
  for (const [device, delivery] of [...draft.maps.deliveries.entries()]) {
    if (delivery.contact !== contact) continue
    for (const session of draft.maps.sessions.get(device) ?? []) dropSession(draft, session.key)
    for (const frame of draft.maps.frames.get(device) ?? []) draft.remove('frame', String(frame.number))
    draft.maps.sessions.delete(device)
    draft.maps.frames.delete(device)
    // Nothing of what is erased here is owed any more, should they be added again.
    const counter = draft.maps.conversations.get(contact)?.counter ?? 0
    const delivered = counter > 0 ? add(NO_RANGES, 1, counter) : NO_RANGES
    putDelivery(draft, device, { ...delivery, cursor: counter, delivered, read: NO_RANGES })
    began = true
  }
  if (!began) forgetCounters(draft, contact)
  else forgetConversation(draft, contact)
  draft.maps.contacts.delete(contact)
  draft.remove('contact', contact)
  draft.tell({ t: 'removed', c: contact })
  reply(draft, command, contact)
}

/** Where no session ever began nobody has seen a counter of ours. */
function forgetCounters(draft: Draft, contact: AccountId): void {
  const row = draft.maps.conversations.get(contact)
  if (row === undefined) return
  draft.write({ op: 'erase-conversation', conversation: row.number })
  draft.maps.conversations.delete(contact)
  draft.remove('conversation', contact)
}

function forgetConversation(draft: Draft, contact: AccountId): void {
  const row = draft.maps.conversations.get(contact)
  if (row === undefined) return
  draft.write({ op: 'erase-conversation', conversation: row.number })
  const bare = { ...row, shown: row.received, draft: '', lastSeq: 0, lastAt: 0 }
  draft.maps.conversations.set(contact, bare)
  draft.put('conversation', contact, bare)
}

function exists(draft: Draft, command: number, contact: AccountId): ContactRow | undefined {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined) refuse(draft, command, 'contact-unknown', 'There is no such contact.')
  return row
}

function hangUp(draft: Draft, contact: AccountId): void {
  for (const [connection, link] of draft.maps.connections.entries()) {
    if (link.contact === contact) draft.effect({ type: 'close', connection })
  }
}

/** Somebody invited was reached: sends the INIT again, or asks for the bundle that begins everything. */
export function* reachStranger(draft: Draft, { connection, contact }: Told<'reached-stranger'>): Steps<void> {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined || row.state === 'blocked' || row.invite === null)
    return draft.effect({ type: 'close', connection })
  for (const device of devicesOf(draft, contact)) {
    const init = yield* initUnderWay(draft, device)
    if (init === undefined) continue
    draft.maps.connections.set(connection, { ...STRANGE, contact, asking: false })
    return draft.effect({ type: 'send', connection, frames: [{ id: init.id, bytes: init.bytes }] })
  }
  draft.maps.connections.set(connection, { ...STRANGE, contact, asking: true })
  draft.effect({ type: 'ask-bundle', connection, contact, inviteSecret: row.invite.secret })
}

const STRANGE = { device: null, via: 'direct', refused: false } as const

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
  if (link === undefined || !link.asking) return
  draft.maps.connections.set(connection, { ...link, asking: false })
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
  if (bundle === undefined || invite === null) return notThem(draft, connection, contact)
  if (!equal(bundle.hash.subarray(0, 16), invite.bundleHash) || compare(bundle.account, row.accountKey) !== 0) {
    return notThem(draft, connection, contact)
  }
  const keys = { inviteSecret: invite.secret, oneTimeKey: invite.oneTimeKey }
  const secret = begin(draft, env, contact, bundle, keys, connection, false)
  const secrets = [{ generation: 0, secret, since: env.now, confirmed: false }, ...row.secrets].slice(0, SECRETS_KNOWN)
  changeContact(draft, contact, { secrets })
}

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
