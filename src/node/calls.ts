/**
 * NodeApi, call by call: the form of the arguments is checked here, what depends on state in the engine or the queries.
 *
 * Holds: a call that rejects changed nothing; one that resolves is stored.
 */
import { type AccountId, decodeMailPiece, encodeMailPiece, fromBase32, utf8 } from '../protocol/index.ts'
import { base64 } from '@scure/base'
import type {
  AnyEvent,
  Contact,
  Conversation,
  Invite,
  MailPiece,
  MailTaken,
  Message,
  NearbyPeer,
  Node,
  NodeEvent,
  Self,
  Status,
} from './api.ts'
import { ApiError } from './api-error.ts'
import {
  HISTORY_MOST,
  INVITE_MOST_SECONDS,
  INVITE_MOST_USES,
  INVITE_SECONDS,
  INVITE_USES,
  NAME_MOST_CODE_POINTS,
} from './config.ts'
import type { Asked, MailPortion } from './engine/command.ts'
import type { Lifecycle, Running } from './lifecycle.ts'
import type { Platform } from './platform/platform.ts'
import type { MessageRow } from './store/records.ts'
import { unwrap } from './vault.ts'

const TEXT_MOST_BYTES = 16384
const DRAFT_MOST_BYTES = 65536
const PASSPHRASE_MOST = 1024
const PAIRING_MOST_SECONDS = 24 * 3600
/** Too long to be drawn twice, short enough to be remembered. */
const KEY_LEAST = 16
const KEY_MOST = 64
/** Far more than any caller leaves unanswered. */
const KEYS_KNOWN = 1000

export class Calls implements Node {
  readonly #life: Lifecycle
  /** What was sent under a caller's key, oldest first. */
  readonly #sent = new Map<string, Promise<Message>>()
  /** Passphrases are tried one after the other: each costs 64 MiB. */
  #trying: Promise<unknown> = Promise.resolve()

  constructor(life: Lifecycle) {
    this.#life = life
  }

  subscribe(listener: (event: AnyEvent) => void): () => void {
    return this.#life.subscribe(listener)
  }

  // profile

  status(): Promise<Status> {
    return this.#life.status()
  }

  async createProfile({
    name,
    passphrase,
  }: {
    name: string
    passphrase: string | null
  }): Promise<{ self: Self; phrase: string }> {
    return this.#life.create(checkName(name), passphrase === null ? null : checkPassphrase(passphrase))
  }

  async unlock({ passphrase }: { passphrase: string }): Promise<Self> {
    return this.#life.unlock(checkPassphrase(passphrase))
  }

  async recoveryPhrase({ passphrase }: { passphrase: string | null }): Promise<{ phrase: string }> {
    const given = passphrase === null ? null : checkPassphrase(passphrase)
    const running = await this.#life.open()
    const trying = this.#trying.then(() => isPassphrase(this.#life.platform, given))
    this.#trying = trying.catch(() => undefined)
    if (!(await trying)) throw new ApiError('passphrase-wrong', 'This is not the passphrase of the profile: try again.')
    return { phrase: running.people.phrase() }
  }

  async rename({ name }: { name: string }): Promise<Self> {
    const to = checkName(name)
    const running = await this.#life.open()
    await command(running, { name: 'rename', to })
    return running.people.self()
  }

  stop(): Promise<void> {
    return this.#life.stop()
  }

  // contacts

  async contacts(): Promise<readonly Contact[]> {
    return (await this.#life.open()).people.contacts()
  }

  async contact({ to }: { to: string }): Promise<Contact> {
    const { running, id } = await this.#find(to)
    return running.people.contact(id)
  }

  async createInvite(args: { uses?: number; expiresInSeconds?: number; file?: boolean }): Promise<Invite> {
    const uses = whole(args.uses ?? INVITE_USES, 1, INVITE_MOST_USES, 'The number of uses')
    const seconds = whole(
      args.expiresInSeconds ?? INVITE_SECONDS,
      1,
      INVITE_MOST_SECONDS,
      'The time until expiry in seconds',
    )
    const file = args.file === true
    const running = await this.#life.open()
    const expiresAt = Math.floor(this.#life.platform.now() / 1000 + seconds) * 1000
    const made = (await command(running, { name: 'create-invite', uses, expiresAt, file })) as Omit<
      Invite,
      'expiresAt'
    > & { expiresAt: number }
    return { ...made, expiresAt: new Date(made.expiresAt).toISOString() }
  }

  async addContact({ link, name }: { link: string; name?: string }): Promise<Contact> {
    const running = await this.#life.open()
    const givenName = name === undefined ? null : checkName(name)
    const id = (await command(running, { name: 'add-contact', link, givenName })) as AccountId
    return running.people.contact(id)
  }

  async renameContact({ to, name }: { to: string; name: string }): Promise<Contact> {
    const givenName = checkName(name)
    return this.#change(to, (contact) => ({ name: 'rename-contact', contact, givenName }))
  }

  blockContact({ to }: { to: string }): Promise<Contact> {
    return this.#change(to, (contact) => ({ name: 'block', contact }))
  }

  unblockContact({ to }: { to: string }): Promise<Contact> {
    return this.#change(to, (contact) => ({ name: 'unblock', contact }))
  }

  async removeContact({ to }: { to: string }): Promise<Contact> {
    const { running, id } = await this.#find(to)
    const last = running.people.contact(id)
    await command(running, { name: 'remove', contact: id })
    return { ...last, online: false, via: null, relayedBy: null, punched: false }
  }

  async safetyNumber({ to }: { to: string }): Promise<{ contact: Contact; number: string }> {
    const { running, id } = await this.#find(to)
    const digits = running.people.safetyNumber(id)
    return { contact: running.people.contact(id), number: digits.replace(/(\d{5})(?=\d)/g, '$1 ') }
  }

  setRelayOnly({ to, on }: { to: string; on: boolean }): Promise<Contact> {
    return this.#change(to, (contact) => ({ name: 'relay-only', contact, on }))
  }

  setCarrier({ to, on }: { to: string; on: boolean }): Promise<Contact> {
    return this.#change(to, (contact) => ({ name: 'carrier', contact, on }))
  }

  async verifyContact({ to, number }: { to: string; number: string | null }): Promise<Contact> {
    const { running, id } = await this.#find(to)
    if (number !== null && number.replace(/\s/g, '') !== running.people.safetyNumber(id)) {
      throw new ApiError(
        'number-differs',
        'The numbers differ: you may not be talking to whom you think. Compare again, by voice or face to face.',
      )
    }
    await command(running, { name: 'verify', contact: id, verified: number !== null })
    return running.people.contact(id)
  }

  async reachNow({ to }: { to?: string }): Promise<void> {
    const running = await this.#life.open()
    const contact = to === undefined ? null : running.people.resolve(to)
    await command(running, { name: 'reach-now', contact })
  }

  // network

  async setRelaying({ forContacts }: { forContacts: boolean }): Promise<void> {
    await command(await this.#life.open(), { name: 'set-relaying', forContacts })
    this.#life.look()
  }

  // nearby

  async nearby({ seconds }: { seconds: number }): Promise<readonly NearbyPeer[]> {
    const checked = whole(seconds, 0, 3600, 'The time in seconds')
    return (await this.#life.open()).pairing.nearby(checked)
  }

  async pair({
    peer,
    timeoutSeconds,
  }: {
    peer: string
    timeoutSeconds: number
  }): Promise<{ peer: string; code: string }> {
    const seconds = whole(timeoutSeconds, 1, PAIRING_MOST_SECONDS, 'The time in seconds')
    const running = await this.#life.open()
    return { peer, code: await running.pairing.pair(peer, seconds * 1000) }
  }

  async confirmPairing(args: { peer: string; byPerson: boolean; timeoutSeconds: number }): Promise<Contact> {
    const seconds = whole(args.timeoutSeconds, 1, PAIRING_MOST_SECONDS, 'The time in seconds')
    const running = await this.#life.open()
    return running.pairing.confirm(args.peer, args.byPerson, seconds * 1000)
  }

  async cancelPairing({ peer }: { peer: string }): Promise<void> {
    ;(await this.#life.open()).pairing.cancel(peer)
  }

  // messages

  async conversations(): Promise<readonly Conversation[]> {
    return (await this.#life.open()).queries.conversations()
  }

  async conversation({ to }: { to: string }): Promise<Conversation> {
    const { running, id } = await this.#find(to)
    return running.queries.conversation(id)
  }

  async send({ key, ...asked }: { to: string; text: string; replyTo?: string; key?: string }): Promise<Message> {
    if (key === undefined) return this.#send(asked)
    if (key.length < KEY_LEAST || key.length > KEY_MOST)
      throw new ApiError('usage', `The key of a message has ${KEY_LEAST} to ${KEY_MOST} characters.`)
    const earlier = this.#sent.get(key)
    if (earlier !== undefined) return this.message({ id: (await earlier).id })
    const sending = this.#send(asked)
    this.#remember(key, sending)
    return sending
  }

  /** What was refused was not sent, and may be tried again. */
  #remember(key: string, sending: Promise<Message>): void {
    this.#sent.set(key, sending)
    sending.catch(() => this.#sent.delete(key))
    const [oldest] = this.#sent.keys()
    if (this.#sent.size > KEYS_KNOWN && oldest !== undefined) this.#sent.delete(oldest)
  }

  async #send({ to, text, replyTo }: { to: string; text: string; replyTo?: string }): Promise<Message> {
    const checked = checkText(text)
    const { running, id } = await this.#find(to)
    const answered = replyTo === undefined ? null : fromBase32(replyTo)
    if (
      answered === undefined ||
      (answered !== null && (await running.queries.message(replyTo ?? '')).conversation !== id)
    ) {
      throw new ApiError('message-unknown', `There is no message "${replyTo}" in this conversation.`)
    }
    const stored = await command(running, { name: 'send', contact: id, text: checked, replyTo: answered })
    return running.queries.sent(id, stored as MessageRow)
  }

  async message({ id }: { id: string }): Promise<Message> {
    return (await this.#life.open()).queries.message(id)
  }

  async history({ to, ...page }: { to: string } & Page): Promise<readonly Message[]> {
    const { running, id } = await this.#find(to)
    if (page.limit !== undefined) whole(page.limit, 1, HISTORY_MOST, 'The limit')
    checkPage(page)
    const { queries } = running
    if (page.around !== undefined) return queries.historyAround(id, page.around, page.limit)
    if (page.after !== undefined) return queries.historyAfter(id, page.after, page.limit)
    return queries.history(id, page.limit, page.before, page.search)
  }

  async search({ text, limit }: { text: string; limit?: number }): Promise<readonly Message[]> {
    if (limit !== undefined) whole(limit, 1, HISTORY_MOST, 'The limit')
    return (await this.#life.open()).queries.search(text, limit)
  }

  async markRead({ to, upTo }: { to: string; upTo: string }): Promise<void> {
    const { running, id } = await this.#find(to)
    const counter = await running.queries.counterOf(id, upTo)
    await command(running, { name: 'mark-read', contact: id, upTo: counter })
  }

  async setDraft({ to, text }: { to: string; text: string }): Promise<void> {
    if (utf8(text).length > DRAFT_MOST_BYTES) throw new ApiError('too-large', 'A draft holds at most 64 KiB.')
    const { running, id } = await this.#find(to)
    await command(running, { name: 'set-draft', contact: id, text: text.toWellFormed() })
  }

  async sendAgain({ id }: { id: string }): Promise<Message> {
    const running = await this.#life.open()
    const { contact, counter } = await running.queries.ofMine(id)
    await command(running, { name: 'send-again', contact, counter })
    return running.queries.message(id)
  }

  // mail by hand

  async exportMail({ to, after }: { to?: string; after?: number }): Promise<MailPiece> {
    const from = whole(after ?? 0, 0, Number.MAX_SAFE_INTEGER, 'The place in the mail')
    const running = await this.#life.open()
    const contact = to === undefined ? null : running.people.resolve(to)
    const portion = (await command(running, { name: 'export-mail', contact, after: from })) as MailPortion
    const { envelopes } = portion
    const bytes = encodeMailPiece(this.#life.platform.primitives, envelopes)
    return { piece: base64.encode(bytes), envelopes: envelopes.length, after: portion.after }
  }

  async importMail({ piece }: { piece: string }): Promise<MailTaken> {
    const bytes = fromBase64(piece)
    const read = bytes && decodeMailPiece(this.#life.platform.primitives, bytes)
    if (read === undefined) throw new ApiError('mail-foreign', 'This holds no tulnic mail: nothing was taken in.')
    const { envelopes, whole: isWhole } = read
    const running = await this.#life.open()
    const { delivered, kept } = (await command(running, { name: 'import-mail', envelopes })) as {
      delivered: number
      kept: number
    }
    return { envelopes: envelopes.length, delivered, kept, damaged: !isWhole }
  }

  // events

  async events({ since, limit }: { since: string; limit?: number }): Promise<readonly NodeEvent[]> {
    return (await this.#life.open()).queries.events(since, whole(limit ?? 500, 1, 500, 'The limit'))
  }

  async #find(to: string): Promise<{ running: Running; id: AccountId }> {
    const running = await this.#life.open()
    return { running, id: running.people.resolve(to) }
  }

  async #change(to: string, asked: (contact: AccountId) => Asked): Promise<Contact> {
    const { running, id } = await this.#find(to)
    await command(running, asked(id))
    return running.people.contact(id)
  }
}

function command(running: Running, asked: Asked): Promise<unknown> {
  const { id, answer } = running.replies.expect()
  running.engine.take({ type: 'command', id, ...asked })
  return answer
}

function whole(value: number, least: number, most: number, what: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new ApiError('usage', `${what} has to be a whole number from ${least} to ${most}.`)
}

/** As people write it, but without what no name needs: control characters, spare spaces. */
function checkName(name: string): string {
  const clean = name.normalize('NFC').replace(/\s+/g, ' ').trim()
  const length = [...clean].length
  if (length < 1 || length > NAME_MOST_CODE_POINTS)
    throw new ApiError('usage', `A name has 1 to ${NAME_MOST_CODE_POINTS} characters.`)
  if (/[\p{Cc}\u202A-\u202E\u2066-\u2069]/u.test(clean))
    throw new ApiError('usage', 'A name holds no control characters.')
  return clean
}

function checkPassphrase(passphrase: string): string {
  if (passphrase.length < 1 || passphrase.length > PASSPHRASE_MOST)
    throw new ApiError('usage', 'A passphrase has 1 to 1024 characters.')
  return passphrase
}

/** Which page of a history: at most one of `before`, `after` and `around`. */
interface Page {
  readonly limit?: number
  readonly before?: string
  readonly after?: string
  readonly around?: string
  readonly search?: string
}

function checkPage({ before, after, around, search }: Page): void {
  if ([before, after, around].filter((place) => place !== undefined).length > 1)
    throw new ApiError('usage', 'A page of a history is before, after or around one message: name one.')
  if (search !== undefined && (after !== undefined || around !== undefined))
    throw new ApiError('usage', 'A search in a history goes back from the newest, or from "before".')
}

/** Whether this is the passphrase of the profile; `null` where it has none. */
async function isPassphrase(platform: Platform, passphrase: string | null): Promise<boolean> {
  const file = await platform.readKeyFile()
  if (file === null || file.argon2id === null || passphrase === null)
    return file?.argon2id === null && passphrase === null
  return (await unwrap(platform, file, passphrase)) !== undefined
}

function checkText(text: string): string {
  if (text.trim() === '') throw new ApiError('usage', 'There is nothing to send: the text is empty.')
  const bytes = utf8(text).length
  if (bytes > TEXT_MOST_BYTES)
    throw new ApiError(
      'too-large',
      `A message holds at most ${TEXT_MOST_BYTES} bytes; this one has ${bytes}. Send it in parts.`,
    )
  return text.toWellFormed()
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return base64.decode(text)
  } catch {
    return undefined
  }
}
