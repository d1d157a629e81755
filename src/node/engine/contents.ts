/**
 * What a device of a contact says inside its session, taken in.
 *
 * Holds: a text is stored once for each counter of its author, whatever arrives how often; the order of a conversation is
 * (lamport, author, counter) and needs no clock; what a contact claims never grows beyond limits.
 */
import {
  type AccountId,
  accountKeyOf,
  add,
  type Content,
  compare,
  compareDeviceLogs,
  decodeDeviceLog,
  type DeviceId,
  has,
  size,
  toBase32,
} from '../../protocol/index.ts'
import type { ConversationRow } from '../store/records.ts'
import {
  adoptLog,
  answerAdding,
  changeContact,
  confirmSecret,
  conversationOf,
  logAgrees,
  oweReceipt,
  putConversation,
  want,
} from './contact-rows.ts'
import type { Draft, Steps } from './draft.ts'
import type { Env } from './env.ts'
import { COUNTER_LEAP, LAMPORT_LEAP, RECEIPT_RANGES, SECRETS_KNOWN } from './limits.ts'
import { adoptCounter } from './lost-counters.ts'
import { applyReceipt } from './outbox.ts'
import { authorOf, textId } from './text-id.ts'

export function* applyContents(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  contents: readonly Content[],
): Steps<void> {
  const before = missing(draft, contact)
  for (const content of contents) {
    if (content.kind === 'receipt') yield* adoptCounter(draft, env, contact, device, content.received)
    applyContent(draft, env, contact, device, content)
  }
  greet(draft, contact)
  const after = missing(draft, contact)
  if (after > before) draft.tell({ t: 'gap', c: contact, count: after })
  draft.dirty.add(device)
}

function applyContent(draft: Draft, env: Env, contact: AccountId, device: DeviceId, content: Content): void {
  switch (content.kind) {
    case 'text':
      return applyText(draft, env, contact, device, content)
    case 'receipt':
      return applyReceipt(draft, device, contact, content.received, content.shown)
    case 'profile':
      return applyProfile(draft, contact, content)
    case 'addresses':
      return applyAddresses(draft, contact, content)
    case 'secret':
      return applySecret(draft, env, contact, content)
    case 'devices':
      return applyDevices(draft, env, contact, content.log)
    case 'repair':
      return
  }
}

function missing(draft: Draft, contact: AccountId): number {
  const conversation = draft.maps.conversations.get(contact)
  return conversation === undefined ? 0 : conversation.known - size(conversation.received)
}

/** The first thing that opens in a session with somebody invited makes them a contact. */
function greet(draft: Draft, contact: AccountId): void {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined || row.invite === null) return
  confirmSecret(draft, contact)
  changeContact(draft, contact, { state: 'active', invite: null, problem: null })
  draft.tell({ t: 'contact', c: contact })
  answerAdding(draft, contact)
  want(draft, contact)
}

function applyText(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  text: Extract<Content, { kind: 'text' }>,
): void {
  const conversation = conversationOf(draft, contact)
  // Whoever sends what is here has not heard that it is.
  if (has(conversation.received, text.counter)) return oweReceipt(draft, contact)
  const received = add(conversation.received, text.counter, text.counter)
  if (text.counter > conversation.known + COUNTER_LEAP || received.length > RECEIPT_RANGES) return
  const lamport = Math.min(text.lamport, conversation.lamport + LAMPORT_LEAP)
  const author = authorOf(contact, draft.self.id)
  const seq = ++draft.numbers.message
  const id = textId(env, draft.self.account.key, contact, device, text.counter)
  draft.put('message', toBase32(id), {
    seq,
    id,
    conversation: conversation.number,
    author,
    counter: text.counter,
    lamport,
    sentAt: text.sentAt,
    receivedAt: env.now,
    replyTo: text.replyTo,
    failed: null,
    text: text.text,
  })
  const next: ConversationRow = {
    ...conversation,
    lamport: Math.max(conversation.lamport, lamport),
    received,
    known: Math.max(conversation.known, text.counter),
    receiptVersion: conversation.receiptVersion + 1,
    lastSeq: seq,
    lastAt: env.now,
  }
  putConversation(draft, contact, next)
  draft.tell({ t: 'message', c: contact, a: author, from: text.counter, to: text.counter })
}

function applyProfile(draft: Draft, contact: AccountId, profile: Extract<Content, { kind: 'profile' }>): void {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined || profile.version <= row.ownNameVersion) return
  changeContact(draft, contact, { ownName: profile.name, ownNameVersion: profile.version })
  if (profile.name !== row.ownName) draft.tell({ t: 'contact', c: contact })
}

function applyAddresses(draft: Draft, contact: AccountId, told: Extract<Content, { kind: 'addresses' }>): void {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined || told.version <= row.addressVersion) return
  changeContact(draft, contact, { addresses: told.addresses, addressVersion: told.version })
  want(draft, contact)
}

/** The higher generation wins, then the lower bytes; the one before stays valid (PROTOCOL §2, contact secret). */
function applySecret(draft: Draft, env: Env, contact: AccountId, told: Extract<Content, { kind: 'secret' }>): void {
  const row = draft.maps.contacts.get(contact)?.row
  const current = row?.secrets[0]
  if (row === undefined) return
  const wins =
    current === undefined ||
    told.generation > current.generation ||
    (told.generation === current.generation && compare(told.secret, current.secret) < 0)
  if (!wins) return
  const secrets = [
    { generation: told.generation, secret: told.secret, since: env.now, confirmed: true },
    ...row.secrets,
  ].slice(0, SECRETS_KNOWN)
  changeContact(draft, contact, { secrets })
}

function applyDevices(draft: Draft, env: Env, contact: AccountId, bytes: Uint8Array): void {
  const known = draft.maps.contacts.get(contact)
  const log = decodeDeviceLog(env.p, accountKeyOf(contact), bytes)
  if (known === undefined || log === undefined || !logAgrees(draft, contact, known.log, log)) return
  if (known.log === null || compareDeviceLogs(known.log, log) === 'newer') {
    adoptLog(draft, contact, log)
    draft.tell({ t: 'contact', c: contact })
  }
}
