/**
 * Conversations, messages and events as windows and command lines are shown them: rows and committed state, turned into the
 * API's plain types. Who is in them: `people.ts`.
 *
 * Holds: only committed things are told; texts come from the store, small facts from the engine's resident state; nothing
 * here changes anything.
 */
import { type AccountId, fromBase32, has, type Primitives, size, toBase32 } from '../protocol/index.ts'
import type { AnyEvent, Conversation, Message, MessageState, NodeEvent, Reason } from './api.ts'
import { ApiError } from './api-error.ts'
import { HISTORY_DEFAULT, HISTORY_MOST } from './config.ts'
import type { EventBody } from './engine/events.ts'
import { carrierOf } from './engine/routes.ts'
import type { Posted, Resident } from './engine/state.ts'
import { authorOf } from './engine/text-id.ts'
import { iso } from './iso.ts'
import type { People, Snapshot } from './people.ts'
import type { MessageRow } from './store/records.ts'
import type { Store } from './store/store.ts'

export class Queries {
  readonly #resident: Resident
  readonly #store: Store
  readonly #p: Primitives
  readonly #people: People

  constructor(resident: Resident, store: Store, p: Primitives, people: People) {
    this.#resident = resident
    this.#store = store
    this.#p = p
    this.#people = people
  }

  /** One of mine as the engine has just stored it. */
  sent(id: AccountId, row: MessageRow): Message {
    return this.#message(id, row)
  }

  async conversations(): Promise<readonly Conversation[]> {
    const snapshot = this.#people.snapshot()
    const all: { at: number; conversation: Conversation }[] = []
    for (const [id, { row }] of this.#resident.maps.contacts) {
      const at = this.#resident.maps.conversations.get(id)?.lastAt ?? 0
      all.push({ at: Math.max(at, row.addedAt), conversation: await this.#conversation(id, snapshot) })
    }
    return all.sort((a, b) => b.at - a.at).map(({ conversation }) => conversation)
  }

  conversation(id: AccountId): Promise<Conversation> {
    return this.#conversation(id)
  }

  async message(id: string): Promise<Message> {
    const row = await this.#row(id)
    if (row === undefined) throw unknownMessage(id)
    return this.#message(this.#contactOf(row), row)
  }

  async history(id: AccountId, limit = HISTORY_DEFAULT, before?: string, search?: string): Promise<readonly Message[]> {
    const conversation = this.#resident.maps.conversations.get(id)
    if (conversation === undefined) return []
    const place = before === undefined ? null : await this.#place(id, before)
    return this.#older(id, conversation.number, limit, place, search ?? null)
  }

  /** The oldest after a message, oldest first. */
  async historyAfter(id: AccountId, after: string, limit = HISTORY_DEFAULT): Promise<readonly Message[]> {
    const place = await this.#place(id, after)
    const rows = await this.#store.historyAfter(place.conversation, place, Math.min(limit, HISTORY_MOST))
    return rows.map((row) => this.#message(id, row))
  }

  /** A message amid its neighbours, oldest first: at most `limit` with itself. */
  async historyAround(id: AccountId, around: string, limit = HISTORY_DEFAULT): Promise<readonly Message[]> {
    const place = await this.#place(id, around)
    const older = Math.floor(limit / 2)
    const newer = limit - 1 - older
    return [
      ...(await this.#older(id, place.conversation, older, place, null)),
      this.#message(id, place),
      ...(newer > 0 ? await this.historyAfter(id, around, newer) : []),
    ]
  }

  async search(text: string, limit = HISTORY_DEFAULT): Promise<readonly Message[]> {
    const rows = await this.#store.search(text, Math.min(limit, HISTORY_MOST))
    return rows.flatMap((row) => {
      const id = this.#contactByNumber(row.conversation)
      return id === undefined ? [] : [this.#message(id, row)]
    })
  }

  /** A message of mine, as the engine knows it. */
  async ofMine(message: string): Promise<{ readonly contact: AccountId; readonly counter: number }> {
    const row = await this.#row(message)
    const contact = row && this.#contactByNumber(row.conversation)
    if (row === undefined || contact === undefined || row.author !== authorOf(this.#resident.self.id, contact))
      throw new ApiError('message-unknown', `There is no message of yours "${message}".`)
    return { contact, counter: row.counter }
  }

  /** The counter of one of theirs, for `markRead`. */
  async counterOf(id: AccountId, message: string): Promise<number> {
    const row = await this.#place(id, message)
    const theirs = authorOf(id, this.#resident.self.id)
    if (row.author === theirs) return row.counter
    // One of mine: everything of theirs that stands before it in the order.
    const rows = await this.#store.history({
      conversation: row.conversation,
      limit: HISTORY_MOST,
      before: row,
      search: null,
    })
    return rows.find((other) => other.author === theirs)?.counter ?? 0
  }

  // events

  async events(since: string, limit: number): Promise<readonly NodeEvent[]> {
    const [, first, second = '0'] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(since) ?? []
    const [number, index] = [Number(first), Number(second)]
    if (first === undefined) {
      throw new ApiError('usage', `"${since}" is not an event id: take one from an event that "tulnic listen" printed.`)
    }
    const told: NodeEvent[] = []
    // A row may tell many events, or none any more: of a contact that is gone.
    for (let after = number - 1; told.length < limit; ) {
      const rows = await this.#store.events(after, limit)
      for (const { number: at, row } of rows) {
        const all = await this.expand(at, row.at, JSON.parse(row.body) as EventBody)
        told.push(...all.filter(({ id }) => at > number || Number(id.split('.')[1]) > index))
        after = at
      }
      if (rows.length < limit) break
    }
    return told.slice(0, limit)
  }

  /** What one stored event tells: one API event for each message of a run. */
  async expand(number: number, at: number, body: EventBody): Promise<readonly NodeEvent[]> {
    const then = iso(at)
    const stamped = (index: number): { id: string; at: string } => ({ id: `${number}.${index}`, at: then })
    if (body.t === 'message' || body.t === 'state') {
      const conversation = this.#resident.maps.conversations.get(body.c)
      if (conversation === undefined || !this.#resident.maps.contacts.has(body.c)) return []
      const author = body.t === 'message' ? body.a : authorOf(this.#resident.self.id, body.c)
      const rows = await this.#store.byCounter(conversation.number, author, body.from, body.to, body.to - body.from + 1)
      return rows.map((row, index) => {
        if (body.t === 'state') {
          const message = toBase32(row.id)
          return { ...stamped(index), type: 'state', message, conversation: body.c, state: body.s, reason: body.r }
        }
        const message = this.#message(body.c, row)
        const to = message.from === body.c ? this.#resident.self.id : body.c
        return { ...stamped(index), type: 'message', message, to }
      })
    }
    const event = this.#plainEvent(body)
    return event === undefined ? [] : [{ ...stamped(0), ...event } as NodeEvent]
  }

  #plainEvent(body: Exclude<EventBody, { t: 'message' | 'state' }>): Partial<AnyEvent> | undefined {
    if (body.t === 'warning') return { type: 'warning', text: body.text }
    if (body.t === 'removed') return { type: 'contact-removed', contact: body.c }
    if (!this.#resident.maps.contacts.has(body.c)) return undefined
    if (body.t === 'contact') return { type: 'contact', contact: this.#people.contact(body.c) }
    if (body.t === 'connection') return { type: 'connection', contact: body.c, via: body.via }
    return { type: 'gap', from: body.c, count: body.count }
  }

  // parts

  async #conversation(id: AccountId, snapshot?: Snapshot): Promise<Conversation> {
    const row = this.#resident.maps.conversations.get(id)
    const last = row === undefined || row.lastSeq === 0 ? undefined : await this.#store.messageBySeq(row.lastSeq)
    return {
      contact: this.#people.contact(id, snapshot),
      last: last === undefined ? null : this.#message(id, last),
      unread: row === undefined ? 0 : size(row.received) - size(row.shown),
      draft: row?.draft ?? '',
      missing: row === undefined ? 0 : row.known - size(row.received),
      queued: this.#people.queuedFor(id),
    }
  }

  /** The newest before a place, oldest first. */
  async #older(
    id: AccountId,
    conversation: number,
    limit: number,
    before: MessageRow | null,
    search: string | null,
  ): Promise<readonly Message[]> {
    const rows = await this.#store.history({ conversation, limit: Math.min(limit, HISTORY_MOST), before, search })
    return [...rows].reverse().map((row) => this.#message(id, row))
  }

  /** The row of a message in this conversation. */
  async #place(id: AccountId, message: string): Promise<MessageRow> {
    const row = await this.#row(message)
    if (row === undefined || row.conversation !== this.#resident.maps.conversations.get(id)?.number)
      throw unknownMessage(message)
    return row
  }

  async #row(id: string): Promise<MessageRow | undefined> {
    if (fromBase32(id)?.length !== 16) return undefined
    const [row] = await this.#store.read([{ table: 'message', key: id }])
    return row as MessageRow | undefined
  }

  #contactByNumber(number: number): AccountId | undefined {
    for (const [id, row] of this.#resident.maps.conversations)
      if (row.number === number && this.#resident.maps.contacts.has(id)) return id
    return undefined
  }

  #contactOf(row: MessageRow): AccountId {
    const id = this.#contactByNumber(row.conversation)
    if (id === undefined) throw unknownMessage(toBase32(row.id))
    return id
  }

  #message(id: AccountId, row: MessageRow): Message {
    const mine = row.author === authorOf(this.#resident.self.id, id)
    const { state, reason } = mine ? this.#stateOfMine(id, row) : this.#stateOfTheirs(id, row)
    const carriedBy = state === 'carried' ? this.#carriersOf(id, row.counter) : []
    const sentAt = iso(row.sentAt)
    return {
      id: toBase32(row.id),
      conversation: id,
      from: mine ? this.#resident.self.id : id,
      text: row.text,
      replyTo: row.replyTo === null ? null : toBase32(row.replyTo),
      attachments: [],
      sentAt,
      receivedAt: row.receivedAt === row.sentAt ? sentAt : iso(row.receivedAt),
      state,
      reason,
      carriedBy,
    }
  }

  /** What carriers said they keep that has this text of mine in it. */
  #carried(id: AccountId, counter: number): readonly Posted[] {
    return [...this.#resident.maps.mail.values()].filter(
      ({ contact, accepted, counters }) => contact === id && accepted !== null && has(counters, counter),
    )
  }

  /** Those of them that are contacts of mine. */
  #carriersOf(id: AccountId, counter: number): readonly AccountId[] {
    const all = this.#carried(id, counter).map(({ box, tag }) =>
      carrierOf(this.#resident.maps.contacts, { p: this.#p }, box, tag),
    )
    return [...new Set(all)].filter((one) => one !== undefined)
  }

  #stateOfTheirs(id: AccountId, row: MessageRow): { state: MessageState; reason: Reason } {
    const shown = this.#resident.maps.conversations.get(id)?.shown ?? []
    return { state: has(shown, row.counter) ? 'read' : 'delivered', reason: null }
  }

  #stateOfMine(id: AccountId, row: MessageRow): { state: MessageState; reason: Reason } {
    const { sent, delivered, read } = this.#people.held(id)
    if (has(read, row.counter)) return { state: 'read', reason: null }
    if (has(delivered, row.counter)) return { state: 'delivered', reason: null }
    if (has(sent, row.counter)) return { state: 'sent', reason: null }
    if (this.#carried(id, row.counter).length > 0) return { state: 'carried', reason: null }
    if (row.failed !== null) return { state: 'failed', reason: row.failed as Reason }
    const reason = this.#people.reasonOf(id)
    return { state: reason === 'invite-used' || reason === 'invite-expired' ? 'failed' : 'queued', reason }
  }
}

const unknownMessage = (id: string): ApiError =>
  new ApiError('message-unknown', `There is no message "${id}" in this conversation.`)
