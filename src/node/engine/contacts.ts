/**
 * What a person does with contacts: invites, adds by link or pairing, renames, verifies, blocks, removes.
 *
 * Holds: a command that cannot be done is refused with the reason, and changes nothing; a contact that is removed leaves its
 * counters behind.
 */
import {
  type AccountId,
  accountId,
  accountKeyOf,
  add,
  decodeBundle,
  decodeInvite,
  decodeInviteFile,
  encodeInvite,
  encodeInviteFile,
  equal,
  inviteKey,
  NO_RANGES,
  SLOTS_GRANTED,
  toBase32,
} from '../../protocol/index.ts'
import type { ContactRow, InviteRow } from '../store/records.ts'
import { boxesForInvite, inviteBoxes } from './boxes.ts'
import { currentPrekey, takeFoundBundle } from './bundles.ts'
import type { Asked, PairingTicket } from './command.ts'
import { rewind } from './confirmations.ts'
import { answerAdding, changeContact, devicesOf, newContact, putContact, putDelivery, want } from './contact-rows.ts'
import type { Draft, Steps } from './draft.ts'
import { type Env, refuse, reply } from './env.ts'
import { FIRST_TRY, INVITES_OPEN } from './limits.ts'
import { oweAddresses } from './outbox.ts'
import { dropSession } from './sessions.ts'
import type { Prekey } from './state.ts'

type Ask<N extends Asked['name']> = Extract<Asked, { name: N }>

const HOUR = 3600_000

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
  const boxes = boxesForInvite(draft, env)
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
    {
      secret,
      oneTimeSeed,
      link,
      expiresAt: asked.expiresAt,
      usesLeft: asked.uses,
      seq: 0,
      onlyFor: null,
      verified: false,
      boxes,
      guests: [],
    },
    prekey,
  )
  const made = { link, expiresAt: asked.expiresAt, uses: asked.uses }
  const mail = inviteBoxes(draft, env, boxes, SLOTS_GRANTED)
  const file = asked.file === true ? { file: encodeInviteFile({ link, bundle: prekey.bundle.bytes, mail }) } : {}
  reply(draft, command, { ...made, ...file })
}

function putInvite(draft: Draft, env: Env, invite: Omit<InviteRow, 'prekey'>, prekey: Prekey): void {
  const key = toBase32(inviteKey(env.p, invite.secret))
  const row: InviteRow = { ...invite, prekey: toBase32(prekey.bundle.hash.subarray(0, 16)) }
  draft.maps.invites.set(key, row)
  draft.put('invite', key, row)
  draft.due.publish = true
}

/** `link`: as it was pasted, or the text of an invite file, by which the session begins with no network. */
export function* addContact(draft: Draft, env: Env, command: number, asked: Ask<'add-contact'>): Steps<void> {
  const file = decodeInviteFile(asked.link)
  const invite = decodeInvite(file?.link ?? asked.link)
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
    found: null,
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
  if (file?.bundle != null) yield* takeFoundBundle(draft, env, id, file.bundle, file.mail)
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
    found: null,
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
      seq: 0,
      onlyFor: ticket.account,
      verified,
      boxes: [],
      guests: [],
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

/** They learn our IP address no more, as far as it depends on us: what they were told before they know. */
export function relayOnly(draft: Draft, env: Env, command: number, { contact, on }: Ask<'relay-only'>): void {
  const row = exists(draft, command, contact)
  if (row === undefined) return
  if (row.relayOnly !== on) {
    changeContact(draft, contact, { relayOnly: on })
    oweAddresses(draft, env)
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
  forgetPlaces(draft, contact)
  draft.maps.contacts.delete(contact)
  draft.remove('contact', contact)
  draft.tell({ t: 'removed', c: contact })
  reply(draft, command, contact)
}

/** They are not looked for any more, and read no record that is made from now on. */
function forgetPlaces(draft: Draft, contact: AccountId): void {
  const audience = draft.maps.contacts.get(contact)?.row.audience
  if (audience != null) draft.left.add(audience)
  draft.due.regroup = true
  draft.maps.searches.delete(contact)
  for (const [device, grant] of [...draft.maps.grants.entries()]) {
    if (grant.contact !== contact) continue
    draft.maps.grants.delete(device)
    draft.remove('grant', device)
  }
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
