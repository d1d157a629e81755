/**
 * Who wrote a text, and its id: a function of its conversation, its author's device and that device's counter there. So a contact
 * cannot claim the id of another message, and a message that is sent again is the same message.
 */
import {
  type AccountId,
  type AccountKey,
  accountKeyOf,
  conversationId,
  type DeviceId,
  messageId,
} from '../../protocol/index.ts'
import type { Author } from '../store/records.ts'
import type { Env } from './env.ts'

/** Which of the two authors of a conversation an account is. */
export const authorOf = (account: AccountId, other: AccountId): Author => (account < other ? 0 : 1)

/** 16 bytes. */
export function textId(
  env: Pick<Env, 'p'>,
  own: AccountKey,
  contact: AccountId,
  author: DeviceId,
  counter: number,
): Uint8Array {
  return messageId(env.p, conversationId(env.p, own, accountKeyOf(contact)), author, counter)
}
