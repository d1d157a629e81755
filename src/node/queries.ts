/**
 * What windows and command lines are shown: rows and committed state, turned into the API's plain types.
 *
 * Holds: only committed things are told; texts come from the store, small facts from the engine's resident state; nothing
 * here changes anything.
 */
import {
  type AccountId,
  accountKeyOf,
  fromBase32,
  has,
  phraseOf,
  type Primitives,
  type Ranges,
  safetyNumber,
  size,
  toBase32,
  union,
} from '../protocol/index.ts'
import type {
  AnyEvent,
  Contact,
  Conversation,
  MailStatus,
  Message,
  MessageState,
  NodeEvent,
  Reason,
  Self,
} from './api.ts'
import { ApiError } from './api-error.ts'
import { HISTORY_DEFAULT, HISTORY_MOST } from './config.ts'
import type { EventBody } from './engine/events.ts'
import { carrierOf } from './engine/routes.ts'
import { isRepairing, type Path, pathsOf, type Posted, type Resident } from './engine/state.ts'
import { authorOf } from './engine/text-id.ts'
import type { BoxRow, ContactRow, DeliveryRow, MessageRow } from './store/records.ts'
import type { Store } from './store/store.ts'

/** What is read once for many contacts. */
interface Known {
  /** Shown names. */
  readonly names: ReadonlyMap<AccountId, string>
  readonly paths: ReadonlyMap<AccountId, readonly Path[]>
}

export class Queries {
  readonly #resident: Resident
  readonly #store: Store
  readonly #p: Primitives
  readonly #now: () => number

  constructor(resident: Resident, store: Store, p: Primitives, now: () => number) {
    this.#resident = resident
    this.#store = store
    this.#p = p
    this.#now = now
  }

  self(): Self {
    const { row, id, deviceKeys } = this.#resident.self
    return { id, name: row.name, device: deviceKeys.id }
  }

  /** The 24 recovery words. */
  phrase(): string {
    return phraseOf(this.#resident.self.row.accountEntropy)
  }

  // contacts

  contacts(): readonly Contact[] {
    const known = this.#known()
    return [...this.#resident.maps.contacts.keys()]
      .map((id) => this.#contact(id, known))
      .sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1))
  }

  contact(id: AccountId): Contact {
    return this.#contact(id, this.#known())
  }

  /** An exact id, else a case-folded name. */
  resolve(to: string): AccountId {
    const exact = to.trim().toLowerCase() as AccountId
    if (this.#resident.maps.contacts.has(exact)) return exact
    const wanted = fold(to)
    const found = this.contacts().filter((contact) => fold(contact.name) === wanted)
    const [only] = found
    if (only === undefined)
      throw new ApiError('contact-unknown', `There is no contact "${to}": "tulnic contacts" lists them.`)
    if (found.length > 1)
      throw new ApiError('contact-ambiguous', `Several contacts are called "${to}": use an id from "tulnic contacts".`)
    return only.id as AccountId
  }

  /** How many contacts there are. */
  known(): number {
    return this.#resident.maps.contacts.size
  }

  reached(): { readonly contacts: number; readonly devices: number } {
    const devices = [...this.#resident.maps.links.keys()]
    const contacts = new Set(devices.map((device) => this.#resident.maps.deliveries.get(device)?.contact))
    return { contacts: contacts.size, devices: devices.length }
  }

  /** Messages of mine that wait here, by contact; who has none is not among them. */
  queued(): ReadonlyMap<AccountId, number> {
    const { contacts, deliveries } = this.#resident.maps
    const rows = Map.groupBy(deliveries.values(), ({ contact }) => contact)
    const all = [...contacts.keys()].map((id) => [id, this.#queued(id, rows.get(id) ?? [])] as const)
    return new Map(all.filter(([, count]) => count > 0))
  }

  #queued(id: AccountId, rows: Iterable<DeliveryRow>): number {
    const { sent, delivered, read } = together(id, rows)
    return (this.#resident.maps.conversations.get(id)?.counter ?? 0) - size(union(union(sent, delivered), read))
  }

  safetyNumber(id: AccountId): string {
    return safetyNumber(this.#p, this.#resident.self.account.key, accountKeyOf(id))
  }

  // messages

  /** One of mine as the engine has just stored it. */
  sent(id: AccountId, row: MessageRow): Message {
    return this.#message(id, row)
  }

  async conversations(): Promise<readonly Conversation[]> {
    const known = this.#known()
    const all: { at: number; conversation: Conversation }[] = []
    for (const [id, { row }] of this.#resident.maps.contacts) {
      const at = this.#resident.maps.conversations.get(id)?.lastAt ?? 0
      all.push({ at: Math.max(at, row.addedAt), conversation: await this.#conversation(id, known) })
    }
    return all.sort((a, b) => b.at - a.at).map(({ conversation }) => conversation)
  }

  conversation(id: AccountId): Promise<Conversation> {
    return this.#conversation(id, this.#known())
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

  /** The counter of one of theirs, for `markRead`. */
  /** A message of mine, as the engine knows it. */
  async ofMine(message: string): Promise<{ readonly contact: AccountId; readonly counter: number }> {
    const row = await this.#row(message)
    const contact = row && this.#contactByNumber(row.conversation)
    if (row === undefined || contact === undefined || row.author !== authorOf(this.#resident.self.id, contact))
      throw new ApiError('message-unknown', `There is no message of yours "${message}".`)
    return { contact, counter: row.counter }
  }

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
    if (body.t === 'contact') return { type: 'contact', contact: this.contact(body.c) }
    if (body.t === 'connection') return { type: 'connection', contact: body.c, via: body.via }
    return { type: 'gap', from: body.c, count: body.count }
  }

  // parts

  /** Shown names: mine for them, else their own; a name that is taken gets a number, in the order of adding. */
  #names(): ReadonlyMap<AccountId, string> {
    const names = new Map<AccountId, string>()
    const taken = new Set<string>()
    const all = [...this.#resident.maps.contacts].sort(
      ([, a], [, b]) =>
        Number(a.row.givenName === null) - Number(b.row.givenName === null) || a.row.addedAt - b.row.addedAt,
    )
    for (const [id, { row }] of all) {
      const base = row.givenName ?? row.ownName ?? id.slice(0, 8)
      let name = base
      for (let n = 2; taken.has(fold(name)); n++) name = `${base} ${n}`
      taken.add(fold(name))
      names.set(id, name)
    }
    return names
  }

  #known(): Known {
    return { names: this.#names(), paths: pathsOf(this.#resident.maps) }
  }

  #contact(id: AccountId, { names, paths }: Known): Contact {
    const acquaintance = this.#resident.maps.contacts.get(id)
    if (acquaintance === undefined) throw new ApiError('contact-unknown', 'There is no such contact.')
    const { row } = acquaintance
    const all = paths.get(id) ?? []
    const path = all[0]?.connection
    const via = path?.via ?? null
    return {
      id,
      name: names.get(id) ?? id.slice(0, 8),
      ownName: row.ownName,
      state: row.state,
      verified: row.verified,
      relayOnly: row.relayOnly,
      carrier: this.#carrier(id),
      online: via !== null,
      lastSeen: via !== null ? iso(this.#now()) : row.lastSeenAt === null ? null : iso(row.lastSeenAt),
      via,
      relayedBy: path?.relayedBy ?? null,
      punched: path?.punched ?? false,
      reason: this.#reason(row, all),
    }
  }

  /** How it stands with the newest box that was asked of them. */
  #carrier(id: AccountId): Contact['carrier'] {
    const boxes = [...this.#resident.maps.boxes.values()].filter(({ carrier }) => carrier === id)
    const newest = boxes.reduce<BoxRow | undefined>(
      (a, b) => (a === undefined || b.version > a.version ? b : a),
      undefined,
    )
    if (newest === undefined || newest.state === 'ended') return null
    return newest.state === 'kept' ? 'on' : newest.state
  }

  /** What lies here for contacts. */
  mail(): MailStatus {
    const carried = [...this.#resident.maps.carried.values()]
    const sum = (of: (row: (typeof carried)[number]) => number): number =>
      carried.reduce((all, row) => all + of(row), 0)
    return {
      on: this.#resident.limits.carry,
      boxes: carried.filter(({ state }) => state === 'kept').length,
      letters: sum(({ count }) => count),
      bytes: sum(({ bytes }) => bytes),
    }
  }

  #reason(row: ContactRow, paths: readonly Path[]): Reason {
    if (row.state === 'blocked') return 'blocked'
    if (row.problem !== null) return row.problem
    if (row.state === 'invited') return 'invite-pending'
    if (paths.length === 0) return 'not-reached'
    return paths.some((path) => isRepairing(this.#resident.maps, path)) ? 'repairing' : null
  }

  async #conversation(id: AccountId, known: Known): Promise<Conversation> {
    const row = this.#resident.maps.conversations.get(id)
    const last = row === undefined || row.lastSeq === 0 ? undefined : await this.#store.messageBySeq(row.lastSeq)
    return {
      contact: this.#contact(id, known),
      last: last === undefined ? null : this.#message(id, last),
      unread: row === undefined ? 0 : size(row.received) - size(row.shown),
      draft: row?.draft ?? '',
      missing: row === undefined ? 0 : row.known - size(row.received),
      queued: this.#queued(id, this.#resident.maps.deliveries.values()),
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
    const { sent, delivered, read } = together(id, this.#resident.maps.deliveries.values())
    if (has(read, row.counter)) return { state: 'read', reason: null }
    if (has(delivered, row.counter)) return { state: 'delivered', reason: null }
    if (has(sent, row.counter)) return { state: 'sent', reason: null }
    if (this.#carried(id, row.counter).length > 0) return { state: 'carried', reason: null }
    if (row.failed !== null) return { state: 'failed', reason: row.failed as Reason }
    const contact = this.#resident.maps.contacts.get(id)?.row
    const reason = contact === undefined ? null : this.#reason(contact, pathsOf(this.#resident.maps).get(id) ?? [])
    return { state: reason === 'invite-used' || reason === 'invite-expired' ? 'failed' : 'queued', reason }
  }
}

/** What the devices of a contact hold of mine, together. */
function together(
  id: AccountId,
  rows: Iterable<DeliveryRow>,
): { readonly sent: Ranges; readonly delivered: Ranges; readonly read: Ranges } {
  let all: { sent: Ranges; delivered: Ranges; read: Ranges } = { sent: [], delivered: [], read: [] }
  for (const row of rows) {
    if (row.contact !== id) continue
    all = {
      sent: union(all.sent, row.sent),
      delivered: union(all.delivered, row.delivered),
      read: union(all.read, row.read),
    }
  }
  return all
}

const fold = (name: string): string => name.trim().normalize('NFKC').toLowerCase()
/** Dates beyond what a calendar can say come from remote clocks: they are shown as the nearest that it can. */
const iso = (at: number): string => new Date(Math.max(0, Math.min(at, 253402300799999))).toISOString()
const unknownMessage = (id: string): ApiError =>
  new ApiError('message-unknown', `There is no message "${id}" in this conversation.`)
