/**
 * A node without a network: all of NodeApi in memory, and levers for what others would do.
 *
 * Holds: it keeps the rules a window may rely on (errors by code, events after each change, ids in order of arrival);
 * it proves nothing about the real node.
 */
import { ApiError } from '../../src/node/api-error.ts'
import type {
  AnyEvent,
  Contact,
  ContactId,
  Conversation,
  DhtStatus,
  Invite,
  LiveEvent,
  MailPiece,
  MailStatus,
  MailTaken,
  Message,
  MessageId,
  MessageState,
  NearbyPeer,
  Node,
  NodeEvent,
  ProfilePhase,
  ReachStatus,
  Reason,
  RelayStatus,
  Self,
  Status,
  Via,
} from '../../src/node/api.ts'
import { findingsOf } from '../../src/node/findings.ts'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

/** `length` base32 letters that number `n` and nothing else makes; rising with `n`. */
function id(prefix: string, n: number, length: number): string {
  let digits = ''
  for (let rest = n; rest > 0; rest = Math.floor(rest / 32)) digits = (LETTERS[rest % 32] ?? '') + digits
  return prefix + digits.padStart(length - prefix.length, 'a')
}

export const PHRASE =
  'abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid acoustic acquire across act action actor actress actual'

const MAIL = 'tulnic mail 1\n'
const length4 = (length: number): string =>
  String.fromCharCode(length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255)

/** A piece of a mail file that holds `content`, one character a byte; what the content means only the node knows. */
export const mailPiece = (content: string): string => MAIL + length4(content.length) + content

type Distribute<T> = T extends unknown ? Omit<T, 'id' | 'at'> : never

export interface Person {
  readonly name: string
  readonly ownName?: string
  readonly state?: Contact['state']
  readonly verified?: boolean
  readonly via?: Via
  readonly relayedBy?: ContactId
  readonly punched?: boolean
  readonly relayOnly?: boolean
  readonly carrier?: Contact['carrier']
  readonly lastSeen?: string | null
  readonly reason?: Reason
}

export interface FakeStart {
  readonly phase?: ProfilePhase
  readonly name?: string
  readonly passphrase?: string
  /** Milliseconds since 1970; moves one second with each thing that happens, so that runs and days are the same each time. */
  readonly now?: number
}

export class FakeNode implements Node {
  phase: ProfilePhase
  self: Self | null = null
  network: Status['network'] = 'internet-unknown'
  lan = { on: true, only: false }
  isPrivate = false
  dht: DhtStatus = { on: true, mode: 'client', servers: 0, stored: 0, published: 0 }
  reachStatus: ReachStatus = { observed: [], publiclyReachable: 'unknown', natMapping: 'unknown' }
  relays: RelayStatus = {
    at: [],
    fromOutside: false,
    forContacts: true,
    places: 0,
    for: [],
    relayed: 0,
    bytes: 0,
    paths: [],
  }
  mail: MailStatus = { on: true, boxes: 0, letters: 0, bytes: 0 }
  /** The bytes of the pieces of what waits, one sealed letter in each. */
  mailPieces: string[] = []
  /** What comes of each piece that is taken in. */
  taken = { envelopes: 2, delivered: 1, kept: 1 }
  /** Why nothing can be stored, if so. */
  trouble: string | null = null
  startedAt: string
  addresses: string[] = ['/ip4/192.168.1.20/tcp/4711', '/ip6/fd00::20/tcp/4711']
  readonly calls: { method: string; args: unknown }[] = []
  readonly people = new Map<ContactId, Contact>()
  readonly messages = new Map<ContactId, Message[]>()
  readonly unread = new Map<ContactId, number>()
  readonly drafts = new Map<ContactId, string>()
  readonly missing = new Map<ContactId, number>()
  readonly invites: Invite[] = []
  /** What others would have been invited by: link → the person who stands behind it. */
  readonly links = new Map<string, Person>()
  peers: NearbyPeer[] = []
  stopped = false
  /** What happens to a text on its way into the store, and between there and the answer. */
  beforeStored: (() => Promise<void>) | null = null
  beforeAnswered: (() => Promise<void>) | null = null
  /** The next call of this method fails with this error. */
  readonly failures = new Map<string, ApiError>()
  #passphrase: string | null
  #listeners = new Set<(event: AnyEvent) => void>()
  #events: NodeEvent[] = []
  /** Messages by the key they were sent under. */
  readonly #keys = new Map<string, MessageId>()
  #count = 0
  #now: number
  #pairing: {
    peer: string
    wanted: boolean
    resolve: (value: { peer: string; code: string }) => void
    reject: (error: Error) => void
  } | null = null
  #confirming: { resolve: (contact: Contact) => void; reject: (error: Error) => void } | null = null

  constructor(start: FakeStart = {}) {
    this.phase = start.phase ?? 'open'
    this.#passphrase = start.passphrase ?? null
    this.#now = start.now ?? Date.now() - 600_000
    this.startedAt = this.time()
    if (this.phase !== 'empty')
      this.self = { id: id('me', 1, 52), name: start.name ?? 'Andreea', device: id('dev', 1, 26) }
  }

  // --- levers

  time(): string {
    this.#now += 1000
    return new Date(this.#now).toISOString()
  }

  skip(ms: number): void {
    this.#now += ms
  }

  person(person: Person): Contact {
    const contact: Contact = {
      id: id('c', ++this.#count, 52),
      name: person.name,
      ownName: person.ownName ?? person.name,
      state: person.state ?? 'active',
      verified: person.verified ?? false,
      online: (person.via ?? null) !== null,
      via: person.via ?? null,
      relayedBy: person.relayedBy ?? null,
      punched: person.punched ?? false,
      relayOnly: person.relayOnly ?? false,
      carrier: person.carrier ?? null,
      lastSeen: person.lastSeen ?? null,
      reason: person.reason ?? null,
    }
    this.people.set(contact.id, contact)
    this.messages.set(contact.id, [])
    this.emit({ type: 'contact', contact })
    return contact
  }

  change(contact: ContactId, change: Partial<Contact>): Contact {
    const next = { ...this.mustKnow(contact), ...change }
    this.people.set(next.id, next)
    this.emit({ type: 'contact', contact: next })
    return next
  }

  reach(contact: ContactId, via: Via, relayedBy: ContactId | null = null): void {
    const known = this.mustKnow(contact)
    this.people.set(contact, { ...known, via, relayedBy, punched: false, online: via !== null, lastSeen: this.time() })
    this.emit({ type: 'connection', contact, via })
  }

  receive(contact: ContactId, text: string, more: Partial<Message> = {}): Message {
    const message = this.#store(contact, contact, text, { state: 'delivered', ...more })
    this.unread.set(contact, (this.unread.get(contact) ?? 0) + 1)
    this.emit({ type: 'message', message, to: contact })
    return message
  }

  /** A message of mine, written before the window was open. */
  wrote(contact: ContactId, text: string, more: Partial<Message> = {}): Message {
    return this.#store(contact, this.#me().id, text, more)
  }

  setState(message: MessageId, state: MessageState, reason: Reason = null): void {
    for (const [conversation, list] of this.messages) {
      const place = list.findIndex((one) => one.id === message)
      const old = list[place]
      if (!old) continue
      list[place] = { ...old, state, reason }
      this.emit({ type: 'state', message, conversation, state, reason })
    }
  }

  gap(contact: ContactId, count: number): void {
    this.missing.set(contact, count)
    this.emit({ type: 'gap', from: contact, count })
  }

  beNearby(peers: NearbyPeer[]): void {
    this.peers = peers
    this.live({ type: 'nearby', peers })
  }

  /** The other side wants to pair, or agrees to it. */
  theyWant(peer: string, code: string): void {
    const name = this.peers.find((one) => one.peer === peer)?.name ?? '?'
    if (!this.#pairing) return this.live({ type: 'pairing', peer, name, code: null, step: 'wanted', contact: null })
    this.live({ type: 'pairing', peer, name, code, step: 'code', contact: null })
    this.#pairing.resolve({ peer, code })
  }

  theyConfirm(peer: string): void {
    const name = this.peers.find((one) => one.peer === peer)?.name ?? '?'
    const contact = this.person({ name, verified: true, via: 'lan' })
    this.live({ type: 'pairing', peer, name, code: null, step: 'done', contact })
    this.#confirming?.resolve(contact)
    this.#pairing = null
  }

  theyCancel(peer: string): void {
    const name = this.peers.find((one) => one.peer === peer)?.name ?? '?'
    this.live({ type: 'pairing', peer, name, code: null, step: 'failed', contact: null })
    this.#pairing?.reject(new ApiError('pairing-failed', 'stopped'))
    this.#confirming?.reject(new ApiError('pairing-failed', 'stopped'))
    this.#pairing = null
  }

  emit(event: Distribute<NodeEvent>): void {
    const stamped = { ...event, id: id('e', this.#events.length + 1, 26), at: new Date(this.#now).toISOString() }
    this.#events.push(stamped)
    for (const listener of this.#listeners) listener(stamped)
    this.tellStatus()
  }

  /** As the real node does after each change, but once each time. */
  tellStatus(): void {
    if (this.#listeners.size > 0) this.live({ type: 'status', status: this.#status() })
  }

  /** What a restart forgets. */
  restart(): void {
    this.#keys.clear()
    this.startedAt = this.time()
  }

  live(event: LiveEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  called(method: string): unknown[] {
    return this.calls.filter((call) => call.method === method).map((call) => call.args)
  }

  #store(conversation: ContactId, from: ContactId, text: string, more: Partial<Message>): Message {
    const at = this.time()
    const message: Message = {
      id: id('m', ++this.#count, 26),
      conversation,
      from,
      text,
      replyTo: null,
      attachments: [],
      sentAt: at,
      receivedAt: at,
      state: 'queued',
      reason: null,
      carriedBy: [],
      ...more,
    }
    this.messages.get(conversation)?.push(message)
    return message
  }

  #me(): Self {
    if (!this.self) throw new ApiError('no-profile', 'no profile')
    return this.self
  }

  mustKnow(to: string): Contact {
    const found =
      this.people.get(to) ?? [...this.people.values()].find((one) => one.name.toLowerCase() === to.toLowerCase())
    if (!found) throw new ApiError('contact-unknown', `nobody is called ${to}`)
    return found
  }

  #begin(method: string, args: unknown): void {
    this.calls.push({ method, args })
    const failure = this.failures.get(method)
    this.failures.delete(method)
    if (failure) throw failure
  }

  // --- NodeApi

  async status(): Promise<Status> {
    this.#begin('status', {})
    return this.#status()
  }

  #queued(): readonly Message[] {
    return [...this.messages.values()].flat().filter((one) => one.from === this.self?.id && one.state === 'queued')
  }

  #status(): Status {
    const people = [...this.people.values()]
    const reached = people.filter((one) => one.online).length
    const mine = this.#queued()
    const status = {
      phase: this.phase,
      self: this.phase === 'open' ? this.self : null,
      online: reached > 0,
      peers: reached,
      addresses: this.addresses,
      queued: mine.length,
      contacts: { total: people.length, reached },
      network: this.network,
      lan: { ...this.lan, peers: people.filter((one) => one.via === 'lan').length },
      isPrivate: this.isPrivate,
      dht: this.dht,
      reach: this.reachStatus,
      relays: this.relays,
      mail: this.mail,
      storage: { path: '/home/andreea/.local/share/tulnic', bytes: 1_240_000, trouble: this.trouble },
      version: '0.1.0',
      startedAt: this.startedAt,
    }
    return {
      ...status,
      findings: findingsOf(status, people, new Map(mine.map(({ conversation }) => [conversation, 1]))),
    }
  }

  async createProfile(args: { name: string; passphrase: string | null }): Promise<{ self: Self; phrase: string }> {
    this.#begin('createProfile', args)
    if (this.phase !== 'empty') throw new ApiError('profile-exists', 'there is one')
    this.#passphrase = args.passphrase
    this.self = { id: id('me', 1, 52), name: args.name, device: id('dev', 1, 26) }
    this.phase = 'open'
    this.live({ type: 'profile', phase: 'open', self: this.self })
    return { self: this.self, phrase: PHRASE }
  }

  async unlock(args: { passphrase: string }): Promise<Self> {
    this.#begin('unlock', {})
    if (args.passphrase !== this.#passphrase) throw new ApiError('passphrase-wrong', 'wrong')
    this.phase = 'open'
    this.live({ type: 'profile', phase: 'open', self: this.self })
    return this.#me()
  }

  async recoveryPhrase(args: { passphrase: string | null }): Promise<{ phrase: string }> {
    this.#begin('recoveryPhrase', {})
    if (args.passphrase !== this.#passphrase) throw new ApiError('passphrase-wrong', 'wrong')
    return { phrase: PHRASE }
  }

  async rename(args: { name: string }): Promise<Self> {
    this.#begin('rename', args)
    this.self = { ...this.#me(), name: args.name }
    this.live({ type: 'profile', phase: 'open', self: this.self })
    return this.self
  }

  async stop(): Promise<void> {
    this.#begin('stop', {})
    this.stopped = true
  }

  async contacts(): Promise<readonly Contact[]> {
    return [...this.people.values()]
  }

  async contact(args: { to: string }): Promise<Contact> {
    return this.mustKnow(args.to)
  }

  async createInvite(args: { uses?: number; expiresInSeconds?: number; file?: boolean }): Promise<Invite> {
    this.#begin('createInvite', args)
    const n = this.invites.length + 1
    const link = `tulnic:${'AYx3kQ9ZtP4w-_'.repeat(18)}${String(n).padStart(4, '0')}`
    const expiresAt = new Date(Date.now() + 7 * 86_400_000).toISOString()
    const file = args.file ? { file: `tulnic invite 1\nlink ${link}\nbundle AAAA\ncheck aaaaaaaa\n` } : {}
    const invite = { link, expiresAt, uses: args.uses ?? 1, ...file }
    this.invites.push(invite)
    return invite
  }

  async addContact(args: { link: string; name?: string }): Promise<Contact> {
    this.#begin('addContact', args)
    if (this.invites.some((one) => one.link === args.link)) throw new ApiError('invite-own', 'own')
    const [link = '', person] = [...this.links].find(([one]) => args.link.includes(one)) ?? []
    if (!person) throw new ApiError('invite-malformed', 'malformed')
    this.links.delete(link)
    return this.person(person)
  }

  async renameContact(args: { to: string; name: string }): Promise<Contact> {
    this.#begin('renameContact', args)
    return this.change(args.to, { name: args.name })
  }

  async blockContact(args: { to: string }): Promise<Contact> {
    this.#begin('blockContact', args)
    return this.change(args.to, { state: 'blocked', via: null, online: false })
  }

  async unblockContact(args: { to: string }): Promise<Contact> {
    this.#begin('unblockContact', args)
    return this.change(args.to, { state: 'active' })
  }

  async removeContact(args: { to: string }): Promise<Contact> {
    this.#begin('removeContact', args)
    const contact = this.mustKnow(args.to)
    this.people.delete(contact.id)
    this.messages.delete(contact.id)
    this.emit({ type: 'contact-removed', contact: contact.id })
    return contact
  }

  async safetyNumber(args: { to: string }): Promise<{ contact: Contact; number: string }> {
    const contact = this.mustKnow(args.to)
    return { contact, number: '59294 73370 61033 59222 66563 76989 24890 24203 67096 62359 82559 80472' }
  }

  async setCarrier(args: { to: string; on: boolean }): Promise<Contact> {
    this.#begin('setCarrier', args)
    return this.change(this.mustKnow(args.to).id, { carrier: args.on ? 'asked' : null })
  }

  async sendAgain(args: { id: MessageId }): Promise<Message> {
    this.#begin('sendAgain', args)
    this.setState(args.id, 'queued', 'not-reached')
    return this.message(args)
  }

  async exportMail(args: { to?: string; after?: number }): Promise<MailPiece> {
    this.#begin('exportMail', args)
    const at = args.after ?? 0
    const piece = this.mailPieces[at]
    const next = at + 1 < this.mailPieces.length ? at + 1 : null
    return { piece: btoa(piece ?? mailPiece('')), envelopes: piece === undefined ? 0 : 1, after: next }
  }

  async importMail(args: { piece: string }): Promise<MailTaken> {
    this.#begin('importMail', args)
    const bytes = atob(args.piece)
    if (!bytes.startsWith(MAIL)) throw new ApiError('mail-foreign', 'no mail')
    return { ...this.taken, damaged: bytes !== mailPiece(bytes.slice(MAIL.length + 4)) }
  }

  async setRelayOnly(args: { to: string; on: boolean }): Promise<Contact> {
    this.#begin('setRelayOnly', args)
    return this.change(this.mustKnow(args.to).id, { relayOnly: args.on })
  }
  async verifyContact(args: { to: string; number: string | null }): Promise<Contact> {
    this.#begin('verifyContact', args)
    const { number } = await this.safetyNumber(args)
    if (args.number !== null && args.number.replace(/\s/g, '') !== number.replace(/\s/g, ''))
      throw new ApiError('number-differs', 'differs')
    return this.change(args.to, { verified: args.number !== null })
  }

  async reachNow(args: { to?: string }): Promise<void> {
    this.#begin('reachNow', args)
  }
  async setRelaying(args: { forContacts: boolean }): Promise<void> {
    this.#begin('setRelaying', args)
    this.relays = { ...this.relays, ...args, ...(args.forContacts ? {} : { places: 0, for: [], relayed: 0 }) }
    this.tellStatus()
  }

  async nearby(args: { seconds: number }): Promise<readonly NearbyPeer[]> {
    this.#begin('nearby', args)
    return args.seconds > 0 ? this.peers : []
  }

  pair(args: { peer: string; timeoutSeconds: number }): Promise<{ peer: string; code: string }> {
    this.#begin('pair', args)
    if (!this.peers.some((one) => one.peer === args.peer)) return Promise.reject(new ApiError('peer-unknown', 'gone'))
    return new Promise((resolve, reject) => {
      this.#pairing = { peer: args.peer, wanted: true, resolve, reject }
    })
  }

  confirmPairing(args: { peer: string; byPerson: boolean; timeoutSeconds: number }): Promise<Contact> {
    this.#begin('confirmPairing', args)
    return new Promise((resolve, reject) => {
      this.#confirming = { resolve, reject }
    })
  }

  async cancelPairing(args: { peer: string }): Promise<void> {
    this.#begin('cancelPairing', args)
    this.#pairing?.reject(new ApiError('pairing-failed', 'stopped'))
    this.#pairing = null
  }

  async conversations(): Promise<readonly Conversation[]> {
    this.#begin('conversations', {})
    return Promise.all([...this.people.keys()].map((to) => this.conversation({ to })))
  }

  async conversation(args: { to: string }): Promise<Conversation> {
    const contact = this.mustKnow(args.to)
    return {
      contact,
      last: this.messages.get(contact.id)?.at(-1) ?? null,
      unread: this.unread.get(contact.id) ?? 0,
      draft: this.drafts.get(contact.id) ?? '',
      missing: this.missing.get(contact.id) ?? 0,
      queued: this.#queued().filter(({ conversation }) => conversation === contact.id).length,
    }
  }

  async send(args: { to: string; text: string; replyTo?: MessageId; key?: string }): Promise<Message> {
    const { key = '', ...asked } = args
    this.#begin('send', asked)
    const earlier = this.#keys.get(key)
    if (earlier) return this.message({ id: earlier })
    const contact = this.mustKnow(args.to)
    await this.beforeStored?.()
    this.drafts.delete(contact.id)
    const message = this.#store(contact.id, this.#me().id, args.text, { replyTo: args.replyTo ?? null })
    if (key) this.#keys.set(key, message.id)
    await this.beforeAnswered?.()
    this.emit({ type: 'message', message, to: contact.id })
    return message
  }

  async message(args: { id: MessageId }): Promise<Message> {
    for (const list of this.messages.values()) {
      const found = list.find((one) => one.id === args.id)
      if (found) return found
    }
    throw new ApiError('message-unknown', 'not here')
  }

  async history(args: {
    to: string
    limit?: number
    before?: MessageId
    after?: MessageId
    around?: MessageId
    search?: string
  }): Promise<readonly Message[]> {
    this.#begin('history', args)
    const all = this.messages.get(this.mustKnow(args.to).id) ?? []
    const limit = args.limit ?? 50
    const named = args.before ?? args.after ?? args.around
    const place = named === undefined ? all.length : all.findIndex((one) => one.id === named)
    if (place < 0) throw new ApiError('message-unknown', 'not here')
    if (args.after !== undefined) return all.slice(place + 1, place + 1 + limit)
    const older = args.around === undefined ? limit : Math.floor(limit / 2)
    return all.slice(Math.max(0, place - older), args.around === undefined ? place : place + limit - older)
  }

  async search(args: { text: string; limit?: number }): Promise<readonly Message[]> {
    this.#begin('search', args)
    const wanted = args.text.toLowerCase()
    const found = [...this.messages.values()].flat().filter((one) => one.text.toLowerCase().includes(wanted))
    return found.reverse().slice(0, args.limit ?? 50)
  }

  async markRead(args: { to: string; upTo: MessageId }): Promise<void> {
    this.#begin('markRead', args)
    const list = this.messages.get(args.to) ?? []
    const place = list.findIndex((one) => one.id === args.upTo)
    this.unread.set(args.to, list.slice(place + 1).filter((one) => one.from === args.to).length)
    this.live({ type: 'read', conversation: args.to })
  }

  async setDraft(args: { to: string; text: string }): Promise<void> {
    this.#begin('setDraft', args)
    this.drafts.set(args.to, args.text)
    this.live({ type: 'draft', conversation: args.to, text: args.text })
  }

  async events(args: { since: string; limit?: number }): Promise<readonly NodeEvent[]> {
    return this.#events.filter((event) => event.id > args.since).slice(0, args.limit ?? 500)
  }

  subscribe(listener: (event: AnyEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
