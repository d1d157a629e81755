/**
 * A node without a network or a disk, for tests of what is around a node: it keeps a profile and one contact in memory,
 * and every message it is given travels as its text says.
 */
import type {
  AnyEvent,
  Contact,
  ContactId,
  Invite,
  MailPiece,
  MailTaken,
  Message,
  MessageState,
  Node,
  NodeEvent,
  Self,
  Status,
} from '../../../src/node/api.ts'
import { ApiError } from '../../../src/node/api-error.ts'

/** Without the event's stamp, for each kind of stored event. */
type Unstamped = NodeEvent extends infer E ? (E extends NodeEvent ? Omit<E, 'id' | 'at'> : never) : never

export const ME = 'a'.repeat(52)
export const BOB = 'b'.repeat(52)

/** `phase`: how it begins. The passphrase of a locked one is `right`. */
export class DoubleNode implements Node {
  readonly calls: { method: string; args: unknown }[] = []
  stopped = false
  #self: Self | null
  #relaying = true
  #phase: Status['phase']
  #contacts = new Map<ContactId, Contact>()
  #messages: Message[] = []
  #events: NodeEvent[] = []
  #listeners = new Set<(event: AnyEvent) => void>()

  constructor(phase: Status['phase'] = 'empty', name = 'Ana') {
    this.#phase = phase
    this.#self = phase === 'open' ? { id: ME, name, device: 'd'.repeat(26) } : null
    this.#contacts.set(BOB, contact(BOB, 'Bob'))
  }

  subscribe(listener: (event: AnyEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  emit(event: Unstamped): void {
    const stamped = { id: String(this.#events.length + 1), at: new Date(0).toISOString(), ...event } as NodeEvent
    this.#events.push(stamped)
    this.emitLive(stamped)
  }

  emitLive(event: AnyEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  async status(): Promise<Status> {
    return {
      phase: this.#phase,
      self: this.#self,
      online: true,
      peers: 1,
      addresses: ['/ip4/192.0.2.1/tcp/5000'],
      queued: 0,
      contacts: { total: this.#contacts.size, reached: 1 },
      network: 'local',
      lan: { on: true, peers: 0, only: false },
      isPrivate: false,
      relays: {
        at: [],
        fromOutside: false,
        forContacts: this.#relaying,
        places: 0,
        for: [],
        relayed: 0,
        bytes: 0,
        paths: [],
      },
      storage: { path: '/nowhere', bytes: 0, trouble: null },
      version: 'test',
      startedAt: new Date(0).toISOString(),
      findings: [],
    }
  }

  async createProfile({ name }: { name: string; passphrase: string | null }): Promise<{ self: Self; phrase: string }> {
    if (this.#phase !== 'empty') throw new ApiError('profile-exists', 'There is a profile here already.')
    const self = this.#open(name)
    return { self, phrase: 'abandon '.repeat(23).concat('art') }
  }

  async unlock({ passphrase }: { passphrase: string }): Promise<Self> {
    if (passphrase !== 'right') throw new ApiError('passphrase-wrong', 'This passphrase is wrong: try again.')
    return this.#open('Ana')
  }

  async recoveryPhrase({ passphrase }: { passphrase: string | null }): Promise<{ phrase: string }> {
    if (passphrase !== 'right') throw new ApiError('passphrase-wrong', 'This passphrase is wrong: try again.')
    return { phrase: 'abandon '.repeat(23).concat('art') }
  }

  #open(name: string): Self {
    this.#phase = 'open'
    this.#self = { id: ME, name, device: 'd'.repeat(26) }
    this.emitLive({ type: 'profile', phase: 'open', self: this.#self })
    return this.#self
  }

  async rename({ name }: { name: string }): Promise<Self> {
    return this.#open(name)
  }

  async stop(): Promise<void> {
    this.stopped = true
  }

  async contacts(): Promise<readonly Contact[]> {
    return [...this.#contacts.values()]
  }

  async contact({ to }: { to: string }): Promise<Contact> {
    const found = [...this.#contacts.values()].find(
      ({ id, name }) => id === to || name.toLowerCase() === to.toLowerCase(),
    )
    if (found === undefined)
      throw new ApiError('contact-unknown', 'There is no contact of this name: "tulnic contacts" lists all.')
    return found
  }

  async #change(to: string, change: Partial<Contact>): Promise<Contact> {
    const next = { ...(await this.contact({ to })), ...change }
    this.#contacts.set(next.id, next)
    this.emit({ type: 'contact', contact: next })
    return next
  }

  async createInvite({ uses = 1 }: { uses?: number; expiresInSeconds?: number }): Promise<Invite> {
    return { link: `tulnic:${'A'.repeat(300)}`, expiresAt: new Date(86_400_000).toISOString(), uses }
  }

  /** `…used`, `…late` in a link: refused; `…slow`: stays invited; else active once a turn has passed. */
  async addContact({ link, name }: { link: string; name?: string }): Promise<Contact> {
    if (!link.includes('tulnic:')) throw new ApiError('invite-malformed', 'This is not a tulnic link: copy it whole.')
    if (link.includes('used')) throw new ApiError('invite-used', 'This link was already used: ask for a new one.')
    const added = contact('c'.repeat(52), name ?? 'Carol', 'invited')
    this.#contacts.set(added.id, added)
    this.emit({ type: 'contact', contact: added })
    if (!link.includes('slow')) setImmediate(() => void this.#change(added.id, { state: 'active' }))
    return added
  }

  async renameContact({ to, name }: { to: string; name: string }): Promise<Contact> {
    return await this.#change(to, { name })
  }
  async blockContact({ to }: { to: string }): Promise<Contact> {
    return await this.#change(to, { state: 'blocked' })
  }
  async unblockContact({ to }: { to: string }): Promise<Contact> {
    return await this.#change(to, { state: 'active' })
  }
  async removeContact({ to }: { to: string }): Promise<Contact> {
    const found = await this.contact({ to })
    this.#contacts.delete(found.id)
    return found
  }
  async safetyNumber({ to }: { to: string }): Promise<{ contact: Contact; number: string }> {
    return { contact: await this.contact({ to }), number: Array(12).fill('12345').join(' ') }
  }
  async setRelayOnly({ to, on }: { to: string; on: boolean }): Promise<Contact> {
    return await this.#change(to, { relayOnly: on })
  }
  async setCarrier({ to, on }: { to: string; on: boolean }): Promise<Contact> {
    return await this.#change(to, { carrier: on ? 'asked' : null })
  }
  async verifyContact({ to, number }: { to: string; number: string | null }): Promise<Contact> {
    if (number !== null && number.replaceAll(' ', '') !== '12345'.repeat(12))
      throw new ApiError('number-differs', 'The numbers differ: do not trust this connection.')
    return await this.#change(to, { verified: number !== null })
  }
  async reachNow(): Promise<void> {}
  async setRelaying({ forContacts }: { forContacts: boolean }): Promise<void> {
    this.#relaying = forContacts
  }

  async nearby(): Promise<readonly { peer: string; name: string }[]> {
    setImmediate(() => this.emitLive({ type: 'nearby', peers: [{ peer: 'peer1', name: 'Dana\u001b[31m' }] }))
    return []
  }
  async pair({ peer }: { peer: string; timeoutSeconds: number }): Promise<{ peer: string; code: string }> {
    if (peer !== 'peer1')
      throw new ApiError('peer-unknown', 'Nobody of this name is visible: "tulnic nearby" lists who is.')
    return { peer, code: '012345' }
  }
  async confirmPairing({ byPerson }: { peer: string; byPerson: boolean; timeoutSeconds: number }): Promise<Contact> {
    return { ...contact('d'.repeat(52), 'Dana'), verified: byPerson }
  }
  async cancelPairing(args: { peer: string }): Promise<void> {
    this.calls.push({ method: 'cancelPairing', args })
  }

  async conversations(): Promise<never[]> {
    return []
  }
  async conversation({
    to,
  }: {
    to: string
  }): Promise<{ contact: Contact; last: null; unread: number; draft: string; missing: number; queued: number }> {
    return { contact: await this.contact({ to }), last: null, unread: 0, draft: '', missing: 0, queued: 0 }
  }

  /** `stuck …` stays queued, `refused …` fails, `as <state> …` gets as far as that, everything else is delivered. */
  async send({ to, text, replyTo }: { to: string; text: string; replyTo?: string }): Promise<Message> {
    const { id: conversation } = await this.contact({ to })
    if (text === 'break') throw new TypeError('secret: a stack would show this')
    const message: Message = {
      id: `m${this.#messages.length + 1}`.padEnd(26, 'z'),
      conversation,
      from: ME,
      text,
      replyTo: replyTo ?? null,
      attachments: [],
      sentAt: new Date(0).toISOString(),
      receivedAt: new Date(0).toISOString(),
      state: 'queued',
      reason: null,
      carriedBy: [],
    }
    this.#messages.push(message)
    // Before the answer, as a quick node might: who waits must have listened before.
    for (const state of statesOf(text))
      this.emit({ type: 'state', message: message.id, conversation, state, reason: null })
    return message
  }
  async message({ id }: { id: string }): Promise<Message> {
    const found = this.#messages.find((message) => message.id === id)
    if (found === undefined) throw new ApiError('message-unknown', 'There is no such message.')
    return found
  }
  async history({ to, limit = 50 }: { to: string; limit?: number }): Promise<readonly Message[]> {
    const { id } = await this.contact({ to })
    return this.#messages.filter(({ conversation }) => conversation === id).slice(-limit)
  }
  async search(): Promise<readonly Message[]> {
    return []
  }
  async markRead(args: { to: string; upTo: string }): Promise<void> {
    this.calls.push({ method: 'markRead', args })
  }
  async setDraft(args: { to: string; text: string }): Promise<void> {
    this.calls.push({ method: 'setDraft', args })
  }
  async sendAgain({ id }: { id: string }): Promise<Message> {
    return await this.message({ id })
  }
  async exportMail(args: { to?: string; after?: number }): Promise<MailPiece> {
    this.calls.push({ method: 'exportMail', args })
    const after = args.after ?? 0
    return {
      piece: Buffer.from(`piece ${after}`).toString('base64'),
      envelopes: 2,
      after: after < 2 ? after + 1 : null,
    }
  }
  /** What holds `bad` is damaged. */
  async importMail({ piece }: { piece: string }): Promise<MailTaken> {
    const bytes = Buffer.from(piece, 'base64')
    this.calls.push({ method: 'importMail', args: { bytes: bytes.length } })
    return { envelopes: 3, delivered: 1, kept: 1, damaged: bytes.includes('bad') }
  }
  async events({ since, limit = 500 }: { since: string; limit?: number }): Promise<readonly NodeEvent[]> {
    return this.#events.filter(({ id }) => Number(id) > Number(since)).slice(0, limit)
  }
}

function statesOf(text: string): readonly MessageState[] {
  if (text.startsWith('stuck')) return []
  if (text.startsWith('refused')) return ['failed']
  const wanted = (['sent', 'carried', 'delivered', 'read'] as const).find((state) => text.startsWith(`as ${state}`))
  const way: readonly MessageState[] = wanted === 'carried' ? ['carried'] : ['sent', 'delivered', 'read']
  return wanted === undefined ? ['sent', 'delivered'] : way.slice(0, way.indexOf(wanted) + 1)
}

function contact(id: ContactId, name: string, state: Contact['state'] = 'active'): Contact {
  return {
    id,
    name,
    ownName: name,
    state,
    verified: false,
    online: true,
    lastSeen: new Date(0).toISOString(),
    via: 'lan',
    relayedBy: null,
    punched: false,
    relayOnly: false,
    carrier: null,
    reason: null,
  }
}
