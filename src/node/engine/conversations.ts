/**
 * What a person does in a conversation: writes, reads, leaves a draft.
 *
 * Holds: a text is stored before anybody is told of it; its counter is never used again.
 */
import { add, type Ranges, subtract, toBase32, upTo } from '../../protocol/index.ts'
import type { MessageRow } from '../store/records.ts'
import type { Asked } from './command.ts'
import { conversationOf, isReached, putConversation, want } from './contact-rows.ts'
import type { Draft } from './draft.ts'
import { type Env, refuse, reply } from './env.ts'
import { touch } from './outbox.ts'
import { authorOf, textId } from './text-id.ts'

type Ask<N extends Asked['name']> = Extract<Asked, { name: N }>

export function send(draft: Draft, env: Env, command: number, { contact, text, replyTo }: Ask<'send'>): void {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined) return refuse(draft, command, 'contact-unknown', 'There is no such contact.')
  if (row.state === 'blocked')
    return refuse(draft, command, 'contact-blocked', 'You blocked this contact: unblock them first.')
  const conversation = conversationOf(draft, contact)
  const counter = conversation.counter + 1
  const lamport = conversation.lamport + 1
  const author = authorOf(draft.self.id, contact)
  const seq = ++draft.numbers.message
  const id = textId(env, draft.self.account.key, contact, draft.self.deviceKeys.id, counter)
  const message: MessageRow = {
    seq,
    id,
    conversation: conversation.number,
    author,
    counter,
    lamport,
    sentAt: env.now,
    receivedAt: env.now,
    replyTo,
    failed: null,
    text,
  }
  draft.putText(toBase32(id), message)
  putConversation(draft, contact, { ...conversation, counter, lamport, lastSeq: seq, lastAt: env.now, draft: '' })
  draft.tell({ t: 'message', c: contact, a: author, from: counter, to: counter })
  reply(draft, command, message)
  touch(draft, contact)
  // Whoever writes expects it to be tried now, and not when the net's pause is over.
  if (!isReached(draft, contact)) want(draft, contact, true)
}

/** All of theirs up to this counter was shown to a person. */
export function markRead(draft: Draft, command: number, asked: Ask<'mark-read'>): void {
  const { contact } = asked
  const conversation = draft.maps.conversations.get(contact)
  if (conversation !== undefined) {
    const fresh = subtract(upTo(conversation.received, asked.upTo), conversation.shown)
    if (fresh.length > 0) {
      const shown = fresh.reduce<Ranges>((set, [from, to]) => add(set, from, to), conversation.shown)
      putConversation(draft, contact, { ...conversation, shown, receiptVersion: conversation.receiptVersion + 1 })
      draft.effect({ type: 'event', event: { type: 'read', conversation: contact } })
      touch(draft, contact)
    }
  }
  reply(draft, command, null)
}

export function setDraft(draft: Draft, command: number, { contact, text }: Ask<'set-draft'>): void {
  if (draft.maps.contacts.get(contact) === undefined)
    return refuse(draft, command, 'contact-unknown', 'There is no such contact.')
  const conversation = conversationOf(draft, contact)
  if (conversation.draft !== text) {
    putConversation(draft, contact, { ...conversation, draft: text })
    draft.effect({ type: 'event', event: { type: 'draft', conversation: contact, text } })
  }
  reply(draft, command, null)
}
