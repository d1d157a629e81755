/** Where a message of mine is, as words and as a place on the way. */
import type { Contact, Message, Reason } from '../../node/api.ts'
import type { Session } from '../primitives/create-session.ts'
import { moment } from '../words/dates.ts'
import type { Words } from '../words/en.ts'
import { nameIn, names } from './finding-words.ts'
import type { WayName } from './icon.tsx'

/** Stuck: still here, and the node knows a reason. */
export const isStuck = (message: Message): boolean => message.state === 'queued' && message.reason !== null

export function wayOf(message: Message): WayName {
  if (isStuck(message)) return 'stuck'
  return message.state === 'queued' ? 'here' : message.state
}

/** The reason in few words, with the time where there is one to name. */
export function reasonWords(t: Words, reason: NonNullable<Reason>, contact: Contact | undefined): string {
  if (reason === 'not-reached' && contact?.lastSeen) return t.notReachedSince(moment(contact.lastSeen))
  return t.reason[reason]
}

/** The state in words, without its reason. */
export function stateWords(t: Words, message: Message, session: Session): string {
  if (message.state !== 'carried' || message.carriedBy.length === 0) return t.state[message.state]
  return t.carriedBy(names(t, message.carriedBy, 0, nameIn(session)))
}
