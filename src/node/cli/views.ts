/**
 * How contacts, messages and events look: the fields of PRODUCT's table for programs, words for people.
 */
import type { Contact, ContactId, Message, MessageState, NodeEvent, Reason, Via } from '../api.ts'
import { plainLine, plainText } from './plain-text.ts'

/** The seven fields of `contacts`, more of the way, and whether they carry mail for me. */
export function contactFields(contact: Contact): object {
  const { id, name, state, verified, online, lastSeen, via, relayedBy, punched, relayOnly, carrier } = contact
  return { id, name, state, verified, online, lastSeen, via, relayedBy, punched, relayOnly, carrier }
}

/** The fields of `history`. */
export function messageFields(message: Message): object {
  const { id, from, text, attachments, sentAt, receivedAt, state, carriedBy } = message
  return { id, from, text, attachments, sentAt, receivedAt, state, carriedBy }
}

/** The fields of `listen`. */
export function eventFields(event: NodeEvent): object {
  const { type, id, at } = event
  switch (event.type) {
    case 'message':
      return { type, id, at, message: messageFields(event.message), to: event.to }
    case 'state':
      return { type, id, at, message: event.message, state: event.state, reason: event.reason }
    case 'contact':
      return { type, id, at, contact: contactFields(event.contact) }
    default:
      return event
  }
}

/** A new recovery phrase, to be written down: six words a line, so that no terminal breaks one. */
export function phraseLines(phrase: string): readonly string[] {
  const words = phrase.split(' ')
  const longest = Math.max(...words.map(({ length }) => length))
  const rows = Array.from({ length: Math.ceil(words.length / WORDS_EACH) }, (_, row) =>
    words.slice(row * WORDS_EACH, (row + 1) * WORDS_EACH),
  )
  const lines = rows.map((row) => `  ${row.map((word) => word.padEnd(longest)).join(' ')}`.trimEnd())
  return ['', 'Your recovery phrase: write it down and keep it safe. The app shows it again.', '', ...lines, '']
}

const WORDS_EACH = 6

const STATE_WORDS: Readonly<Record<MessageState, string>> = {
  queued: 'on this device',
  sent: 'on their device',
  carried: 'carried, sealed',
  delivered: 'delivered',
  read: 'read',
  failed: 'failed',
}

const REASON_WORDS: Readonly<Record<NonNullable<Reason>, string>> = {
  'not-reached': 'they cannot be reached now; it goes by itself when they can',
  'invite-pending': 'whoever made the link cannot be reached now; tried again by itself',
  'invite-used': 'the link was already used: ask for a new one',
  'invite-expired': 'the link has expired: ask for a new one',
  repairing: 'the encrypted session is being set up again',
  'not-collected': 'nobody of theirs took it within 30 days: send it again',
  blocked: 'this contact is blocked',
}

export const VIA_WORDS: Readonly<Record<NonNullable<Via>, string>> = {
  lan: 'on this network',
  direct: 'directly',
  relayed: 'through a relay',
}
const PUNCHED_WORDS = 'directly, through both routers'

export function stateWords(state: MessageState, reason: Reason): string {
  return reason === null ? STATE_WORDS[state] : `${STATE_WORDS[state]} (${REASON_WORDS[reason]})`
}

export function reasonWords(reason: NonNullable<Reason>): string {
  return REASON_WORDS[reason]
}

/** How a contact is reached; `names`: of those who may relay. */
export function reachWords(contact: Contact, names: Names): string {
  const relay = contact.relayedBy === null ? undefined : names.get(contact.relayedBy)
  if (relay !== undefined) return `through the node of ${plainLine(relay)}`
  if (contact.punched) return PUNCHED_WORDS
  if (contact.via !== null) return VIA_WORDS[contact.via]
  if (contact.reason !== null) return REASON_WORDS[contact.reason].split(/[;:]/, 1)[0] ?? ''
  return 'not reached'
}

/** A time of day for today, else the date too, in this machine's zone. */
export function timeWords(iso: string): string {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return '?'
  const two = (value: number): string => String(value).padStart(2, '0')
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}`
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return time.toDateString() === new Date().toDateString() ? clock : `${day} ${clock}`
}

/** Names by id, mine included. */
export type Names = ReadonlyMap<ContactId, string>

export function contactNames(contacts: readonly Contact[]): Names {
  return new Map(contacts.map(({ id, name }) => [id, name]))
}

/** Where a message of mine is, and by whom it is carried. */
function whereWords({ state, reason, carriedBy }: Message, names: Names): string {
  if (state !== 'carried' || carriedBy.length === 0) return stateWords(state, reason)
  return `carried by ${carriedBy.map((id) => plainLine(names.get(id) ?? id.slice(0, 8))).join(', ')}, sealed`
}

/** One message for people: time, author, text; for mine also where it is. */
export function messageWords(message: Message, names: Names): string {
  const mine = message.from !== message.conversation
  const author = plainLine(names.get(message.from) ?? message.from.slice(0, 8))
  const where = mine ? `  [${whereWords(message, names)}]` : ''
  return `${timeWords(message.receivedAt)}  ${author}: ${plainText(message.text, '    ')}${where}`
}

/** One event for people. */
export function eventWords(event: NodeEvent, names: Names): string {
  const name = (id: ContactId): string => plainLine(names.get(id) ?? id.slice(0, 8))
  const at = timeWords(event.at)
  switch (event.type) {
    case 'message':
      return messageWords(event.message, names)
    case 'state':
      return `${at}  message ${event.message} to ${name(event.conversation)}: ${stateWords(event.state, event.reason)}`
    case 'contact':
      return `${at}  contact ${plainLine(event.contact.name)}: ${event.contact.state}${event.contact.verified ? ', verified' : ''}`
    case 'contact-removed':
      return `${at}  contact ${name(event.contact)}: removed`
    case 'connection':
      return `${at}  ${name(event.contact)}: ${event.via === null ? 'not reached any more' : `reached ${VIA_WORDS[event.via]}`}`
    case 'gap':
      return `${at}  ${name(event.from)}: ${event.count} messages are known to exist and are not here`
    case 'warning':
      return `${at}  warning: ${plainLine(event.text)}`
  }
}
