/**
 * Texts on their way from this window to the node: one after the other, tried again until the node has answered.
 *
 *     sent by the person ──▶ waiting ── answered ──▶ a message
 *                              │ ▲ └──── refused ──▶ back to the field, with the reason
 *                              ▼ │ joined again
 *                       the node is away
 *
 * Holds: in the order of sending; each goes under one key, so that the node takes it once however often it is asked; after a
 * restart of the node, which forgets keys, the conversation is looked through first. A waiting text is in memory here and,
 * as the conversation's draft, in the node's encrypted database, and in no storage of the browser, where whoever takes the
 * disk could read it: so leaving the page before it is answered is asked about.
 */
import { onCleanup } from 'solid-js'
import { createStore, produce } from 'solid-js/store'
import type { ContactId, Message, MessageId, NodeApi } from '../../node/api.ts'
import { CallError } from '../node-client.ts'

/** One text that the node has not answered for. */
export interface Outgoing {
  readonly key: string
  readonly contact: ContactId
  readonly text: string
  readonly replyTo: Message | null
  /** Why the node refused it; `null` while it waits. */
  readonly refusal: CallError['code'] | null
}

export interface OutgoingTexts {
  /** What waits or was refused, in the order of sending; reactive. */
  of(contact: ContactId): readonly Outgoing[]
  send(contact: ContactId, text: string, replyTo: Message | null): void
  /** Lets go of a text: the caller has it. */
  drop(key: string): void
  /** Tries what waits: the node is there. */
  go(): void
  /** Each message that came of a text of this window. */
  onSent(listener: (message: Message) => void): () => void
}

/** What is known of the node when a text is first tried. */
export interface Circumstances {
  /** `startedAt` of the node that runs; `null`: not known. */
  life(): string | null
  self(): ContactId | null
  /** The newest message of a conversation. */
  newest(contact: ContactId): MessageId | null
}

/** The node is not there, or not open: what waits is tried again when it is. */
const AWAY: ReadonlySet<string> = new Set(['not-running', 'locked', 'no-profile'])
/** The most one call gives: more than anybody says between a crash and the next start. */
const LOOKED_THROUGH = 500

/** 128 random bits. */
function freshKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function createOutgoing(api: NodeApi, now: Circumstances): OutgoingTexts {
  const [store, set] = createStore<{ list: Outgoing[] }>({ list: [] })
  const listeners = new Set<(message: Message) => void>()
  /** In which life of the node a text was first tried, and after which message. */
  const tried = new Map<string, { readonly life: string | null; readonly after: MessageId | null }>()
  /** Messages that are known to be of other texts. */
  const settled = new Set<MessageId>()
  let going = false

  function drop(key: string): void {
    tried.delete(key)
    set('list', (list) => list.filter((one) => one.key !== key))
  }

  function refuse(key: string, code: CallError['code']): void {
    tried.delete(key)
    set(
      'list',
      (one) => one.key === key,
      produce((one: { refusal: CallError['code'] | null }) => {
        one.refusal = code
      }),
    )
  }

  /** What an earlier life of the node stored of this text before it ended without an answer. */
  async function stored({ contact, text, replyTo }: Outgoing, after: MessageId | null): Promise<Message | undefined> {
    const page = await api.history({ to: contact, limit: LOOKED_THROUGH, ...(after ? { after } : {}) })
    return page.find(
      (one) =>
        one.from === now.self() && one.text === text && one.replyTo === (replyTo?.id ?? null) && !settled.has(one.id),
    )
  }

  async function deliver(one: Outgoing): Promise<Message> {
    const life = now.life()
    const first = tried.get(one.key)
    if (first && first.life !== life) {
      const found = await stored(one, first.after)
      if (found) return found
      tried.delete(one.key)
    }
    if (!tried.has(one.key)) tried.set(one.key, { life, after: now.newest(one.contact) })
    const { key, contact: to, text, replyTo } = one
    return api.send({ to, text, key, ...(replyTo ? { replyTo: replyTo.id } : {}) })
  }

  /** Whether to go on with the next. */
  async function take(one: Outgoing): Promise<boolean> {
    try {
      const message = await deliver(one)
      settled.add(message.id)
      drop(one.key)
      for (const listener of listeners) listener(message)
    } catch (error) {
      const code = error instanceof CallError ? error.code : 'internal'
      if (AWAY.has(code)) return false
      refuse(one.key, code)
    }
    return true
  }

  async function run(): Promise<void> {
    const next = () => store.list.find((one) => one.refusal === null)
    for (let one = next(); one !== undefined; one = next()) if (!(await take({ ...one }))) return
  }

  function go(): void {
    if (going) return
    going = true
    void run().finally(() => {
      going = false
    })
  }

  const whenLeaving = (event: BeforeUnloadEvent) => {
    if (store.list.length > 0) event.preventDefault()
  }
  addEventListener('beforeunload', whenLeaving)
  onCleanup(() => removeEventListener('beforeunload', whenLeaving))

  return {
    of: (contact) => store.list.filter((one) => one.contact === contact),
    send(contact, text, replyTo) {
      set('list', store.list.length, { key: freshKey(), contact, text, replyTo, refusal: null })
      go()
    },
    drop,
    go,
    onSent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
