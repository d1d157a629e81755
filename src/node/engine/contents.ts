/**
 * What a device of a contact says inside its session, taken in.
 *
 * Holds: a text is stored once for each counter of its author, whatever arrives how often, and its author hears of another
 * text under that counter; the order of a conversation is
 * (lamport, author, counter) and needs no clock; what a contact claims never grows beyond limits.
 */
import {
  type AccountId,
  accountKeyOf,
  add,
  compare,
  type Content,
  decodeDeviceLog,
  type DeviceId,
  equal,
  has,
  learnSlots,
  NO_RANGES,
  type Ranges,
  RECEIPT_RANGES,
  size,
  textDigest,
  toBase32,
} from '../../protocol/index.ts'
import type { ConversationRow } from '../store/records.ts'
import { applyCarrying } from './boxes.ts'
import { applyCarry } from './carrying.ts'
import { acknowledge, applyReceipt } from './confirmations.ts'
import {
  answerAdding,
  changeContact,
  confirmSecret,
  conversationOf,
  learnLog,
  oweReceipt,
  deliveryOf,
  putConversation,
  putGrant,
  putDelivery,
  want,
} from './contact-rows.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import { COUNTER_LEAP, LAMPORT_LEAP, SECRETS_KNOWN } from './limits.ts'
import { meetOtherLife, takeDigests } from './other-life.ts'
import { applyBoxes } from './routes.ts'
import { authorOf, textId } from './text-id.ts'

export function* applyContents(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  contents: readonly Content[],
): Steps<void> {
  const before = missing(draft, contact)
  for (const content of contents) yield* applyContent(draft, env, contact, device, content)
  yield* applyLastReceipt(draft, env, contact, device, contents)
  greet(draft, contact)
  const after = missing(draft, contact)
  if (after > before) draft.tell({ t: 'gap', c: contact, count: after })
  draft.dirty.add(device)
}

function* applyContent(draft: Draft, env: Env, contact: AccountId, device: DeviceId, content: Content): Steps<void> {
  switch (content.kind) {
    case 'text':
      return yield* applyText(draft, env, contact, device, content)
    case 'profile':
      return applyProfile(draft, contact, content)
    case 'addresses':
      return applyAddresses(draft, contact, content)
    case 'secret':
      return applySecret(draft, env, contact, content)
    case 'grant':
      return applyGrant(draft, contact, device, content)
    case 'devices':
      return applyDevices(draft, env, contact, content.log)
    case 'compare':
      return applyQuestion(draft, contact, device, content)
    case 'digests':
      return yield* takeDigests(draft, env, contact, device, content)
    case 'carry':
      return applyCarry(draft, env, contact, device, content)
    case 'carrying':
      return applyCarrying(draft, env, contact, content)
    case 'boxes':
      return applyBoxes(draft, contact, device, content)
    case 'stored':
      return acknowledge(draft, env, device, content.ids)
    case 'receipt':
    case 'differing':
    case 'repair':
      return
  }
}

/** The last question is the one that is answered: with the next frame. */
function applyQuestion(
  draft: Draft,
  contact: AccountId,
  device: DeviceId,
  { from, to }: Extract<Content, { kind: 'compare' }>,
): void {
  putDelivery(draft, device, { ...deliveryOf(draft, device, contact), asked: { from, to } })
}

/** A receipt is the whole of what a device holds: of several in one message the last says it all. */
function* applyLastReceipt(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  contents: readonly Content[],
): Steps<void> {
  const receipt = contents.findLast((content) => content.kind === 'receipt')
  const differing = contents.findLast((content) => content.kind === 'differing')
  if (receipt === undefined) return
  const doubted = yield* meetOtherLife(draft, env, contact, device, receipt, differing?.counters ?? NO_RANGES)
  applyReceipt(draft, device, contact, receipt, doubted)
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

type Text = Extract<Content, { kind: 'text' }>

function* applyText(draft: Draft, env: Env, contact: AccountId, device: DeviceId, text: Text): Steps<void> {
  const conversation = conversationOf(draft, contact)
  if (has(conversation.received, text.counter)) return yield* applyAgain(draft, env, contact, device, text)
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

/**
 * A counter that is here already. Whoever sends it has not heard that it is; where it stands for another text here, its author goes
 * on from an older copy of itself, and has to hear that too: the text comes again by another counter.
 */
function* applyAgain(draft: Draft, env: Env, contact: AccountId, device: DeviceId, text: Text): Steps<void> {
  oweReceipt(draft, contact)
  const id = textId(env, draft.self.account.key, contact, device, text.counter)
  const here = yield* lookUp(draft, 'message', toBase32(id))
  if (here === undefined || equal(textDigest(env.p, here), textDigest(env.p, text))) return
  const conversation = conversationOf(draft, contact)
  const all = add(conversation.differing, text.counter, text.counter)
  const differing = all.length <= RECEIPT_RANGES ? all : around(all)
  putConversation(draft, contact, { ...conversation, differing })
}

/** The one range from the first to the last: one text too many comes again rather than one too few. */
function around(ranges: Ranges): Ranges {
  const [first, last] = [ranges[0], ranges.at(-1)]
  return first === undefined || last === undefined ? ranges : [[first[0], last[1]]]
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
  changeContact(draft, contact, { addresses: told.addresses, addressVersion: told.version, found: null })
  want(draft, contact)
}

/** Where the device's records will lie. A grant of another audience is the beginning of another sequence of records. */
function applyGrant(
  draft: Draft,
  contact: AccountId,
  device: DeviceId,
  { version, grant }: Extract<Content, { kind: 'grant' }>,
): void {
  const known = draft.maps.grants.get(device)
  if (known !== undefined && known.contact === contact && version <= known.version) return
  const { readKey, phase, firstEpoch, names } = grant
  const same = known !== undefined && known.contact === contact && equal(known.readKey, readKey)
  const slots = learnSlots(same ? known.slots : [], firstEpoch, names)
  putGrant(draft, device, { contact, version, readKey, phase, slots, seen: same ? known.seen : null })
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
  const log = decodeDeviceLog(env.p, accountKeyOf(contact), bytes)
  if (log !== undefined && draft.maps.contacts.get(contact) !== undefined) learnLog(draft, contact, log)
}
