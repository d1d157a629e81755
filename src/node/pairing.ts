/**
 * Nearby pairing, driven: two persons on one network want each other, compare six digits, and become contacts.
 *
 *     wanted by us ─┐                                   A: lower PeerID, opens the exchange
 *                   ├─▶ exchange ─▶ digits ─▶ both confirm ─▶ B expects ─ ready ─▶ A adds
 *     wanted by them┘                                   B: knocks if A is not there yet
 *
 * Holds: nothing is stored before our person confirmed and the other side's card was believed; one try an exchange, and
 * FAILURES_AN_HOUR exchanges that came to nothing once the other side could know the digits.
 */
import {
  acceptPairing,
  accountId,
  answerPairing,
  beginPairing,
  type Compared,
  confirmPairing,
  finishPairing,
  openPairing,
  type Paired,
  pairingRole,
} from '../protocol/index.ts'
import type { AnyEvent, Contact, NearbyPeer } from './api.ts'
import { ApiError } from './api-error.ts'
import type { Asked, PairingTicket } from './engine/command.ts'
import type { Engine } from './engine/run.ts'
import type { Channel, Net } from './net/net.ts'
import type { Platform } from './platform/platform.ts'
import type { People } from './people.ts'
import type { Replies } from './replies.ts'

const FAILURES_AN_HOUR = 3
const HOUR = 3600_000
const LOOK_EVERY = 1500
/** Exchanges that others opened and that wait for our person; the net ends each after five minutes. */
const OFFERED_MOST = 16
const KNOCK = new Uint8Array([0])
const READY = new Uint8Array([1])

interface Parts {
  readonly net: Net
  readonly engine: Engine
  readonly people: People
  readonly replies: Replies
  readonly platform: Platform
  readonly tell: (event: AnyEvent) => void
}

/** An exchange whose digits are shown. */
interface Shown {
  readonly state: Compared
  readonly channel: Channel
  readonly abort: AbortController
}

export class Pairing {
  readonly #parts: Parts
  /** Exchanges that the other side opened and that our person did not ask for yet. */
  readonly #offered = new Map<string, Channel>()
  readonly #arrivals = new Map<string, (channel: Channel) => void>()
  readonly #shown = new Map<string, Shown>()
  readonly #aborts = new Map<string, AbortController>()
  #failures: number[] = []
  #peers: readonly NearbyPeer[] = []
  #hide: () => void = () => {}

  constructor(parts: Parts) {
    this.#parts = parts
    parts.net.pairing.onChannel((peer, channel) => this.#arrived(peer, channel))
  }

  /** Is visible for so long, and looks who else is; 0 hides. */
  async nearby(seconds: number): Promise<readonly NearbyPeer[]> {
    const { net, people } = this.#parts
    this.#hide()
    if (seconds === 0) return []
    net.pairing.setVisible(people.self().name)
    const timer = setInterval(() => void this.#look(), LOOK_EVERY)
    const end = setTimeout(() => this.#hide(), seconds * 1000)
    this.#hide = () => {
      clearInterval(timer)
      clearTimeout(end)
      net.pairing.setVisible(null)
      this.#hide = () => {}
    }
    await this.#look()
    return this.#peers
  }

  async #look(): Promise<void> {
    const peers = await this.#parts.net.pairing.look().catch(() => [])
    const changed = JSON.stringify(peers) !== JSON.stringify(this.#peers)
    this.#peers = peers
    if (changed) this.#parts.tell({ type: 'nearby', peers })
  }

  /** Resolves with the digits once the other side wants it too. */
  async pair(peer: string, timeoutMs: number): Promise<string> {
    this.#refuseAfterFailures()
    this.#end(peer)
    const abort = new AbortController()
    this.#aborts.set(peer, abort)
    const timer = setTimeout(() => abort.abort(), timeoutMs)
    try {
      const shown = await this.#exchange(peer, abort)
      this.#shown.set(peer, shown)
      this.#say(peer, shown.state.claimedName, 'code', shown.state.digits)
      return shown.state.digits
    } catch (error) {
      // Whoever asked again meanwhile has an exchange of their own.
      if (this.#aborts.get(peer) === abort) this.#end(peer)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Our person (or a script) says the digits are equal; resolves when the other side did too and the contact is stored. */
  async confirm(peer: string, byPerson: boolean, timeoutMs: number): Promise<Contact> {
    const shown = this.#shown.get(peer)
    if (shown === undefined)
      throw new ApiError('peer-unknown', 'There are no digits to confirm with this peer: pair first.')
    this.#shown.delete(peer)
    const timer = setTimeout(() => shown.abort.abort(), timeoutMs)
    try {
      const contact = await this.#finish(shown, byPerson)
      this.#say(peer, shown.state.claimedName, 'done', null, contact)
      return contact
    } catch (error) {
      this.#failures.push(this.#parts.platform.now())
      this.#say(peer, shown.state.claimedName, 'failed', null)
      throw error
    } finally {
      clearTimeout(timer)
      shown.channel.close()
      if (this.#aborts.get(peer) === shown.abort) this.#aborts.delete(peer)
    }
  }

  /** Ends an exchange, or declines what the other side offers. */
  cancel(peer: string): void {
    this.#takeOffered(peer)?.close()
    this.#end(peer)
  }

  /** Ends an exchange; if its digits were shown, it counts as failed. */
  #end(peer: string): void {
    const shown = this.#shown.get(peer)
    if (shown !== undefined) {
      this.#shown.delete(peer)
      this.#failures.push(this.#parts.platform.now())
      shown.channel.close()
      this.#say(peer, shown.state.claimedName, 'failed', null)
    }
    this.#aborts.get(peer)?.abort()
    this.#aborts.delete(peer)
  }

  stop(): void {
    this.#hide()
    for (const peer of [...this.#aborts.keys()]) this.#end(peer)
    for (const channel of this.#offered.values()) channel.close()
    this.#offered.clear()
  }

  #refuseAfterFailures(): void {
    const now = this.#parts.platform.now()
    this.#failures = this.#failures.filter((at) => at > now - HOUR && at <= now)
    if (this.#failures.length < FAILURES_AN_HOUR) return
    throw new ApiError(
      'pairing-failed',
      'Pairing failed three times within an hour: wait a while, or add each other by a link.',
    )
  }

  #arrived(peer: string, channel: Channel): void {
    if (this.#aborts.has(peer) && this.#arrivals.has(peer)) return this.#arrivals.get(peer)?.(channel)
    this.#offered.get(peer)?.close()
    this.#offered.delete(peer)
    this.#offered.set(peer, channel)
    for (const [oldest, unwanted] of this.#offered) {
      if (this.#offered.size <= OFFERED_MOST) break
      unwanted.close()
      this.#offered.delete(oldest)
    }
    const name = this.#peers.find((known) => known.peer === peer)?.name ?? ''
    this.#say(peer, name, 'wanted', null)
    void channel.ended.then(() => this.#withdrawn(peer, name, channel))
  }

  /** The other side wants it no more: to answer now would be a try that fails. */
  #withdrawn(peer: string, name: string, channel: Channel): void {
    if (this.#offered.get(peer) !== channel) return
    this.#offered.delete(peer)
    channel.close()
    if (!this.#aborts.has(peer)) this.#say(peer, name, 'failed', null)
  }

  async #exchange(peer: string, abort: AbortController): Promise<Shown> {
    const offered = this.#takeOffered(peer)
    if (offered !== undefined && pairingRole(offered.ends) === 'B')
      return closing(offered, () => this.#answer(offered, abort))
    offered?.close()
    const channel = await this.#open(peer, abort)
    if (pairingRole(channel.ends) === 'A') return closing(channel, () => this.#begin(channel, abort))
    const theirs = await closing(channel, () => {
      const arrival = this.#arrival(peer, abort)
      channel.send(KNOCK)
      return arrival
    })
    channel.close()
    return closing(theirs, () => this.#answer(theirs, abort))
  }

  #takeOffered(peer: string): Channel | undefined {
    const offered = this.#offered.get(peer)
    this.#offered.delete(peer)
    return offered
  }

  async #open(peer: string, abort: AbortController): Promise<Channel> {
    try {
      return await this.#parts.net.pairing.open(peer, abort.signal)
    } catch {
      if (abort.signal.aborted) throw notWanted()
      throw new ApiError('peer-unknown', `Nobody here is called ${peer}: "tulnic nearby" lists who is visible.`)
    }
  }

  /** The channel that A opens once its person wants it. */
  #arrival(peer: string, abort: AbortController): Promise<Channel> {
    // It may have come while we opened ours.
    const offered = this.#takeOffered(peer)
    if (offered !== undefined) return Promise.resolve(offered)
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#arrivals.delete(peer)
        reject(notWanted())
      }
      if (abort.signal.aborted) return end()
      abort.signal.addEventListener('abort', end, { once: true })
      this.#arrivals.set(peer, (channel) => {
        this.#arrivals.delete(peer)
        abort.signal.removeEventListener('abort', end)
        resolve(channel)
      })
    })
  }

  async #begin(channel: Channel, abort: AbortController): Promise<Shown> {
    const { primitives, random } = this.#parts.platform
    const begun = beginPairing(primitives, random, channel.ends, this.#parts.people.self().name)
    channel.send(begun.send)
    const answer = await heard(channel, abort)
    const opened = openPairing(primitives, begun.state, answer)
    if (opened === undefined) throw spoiled()
    channel.send(opened.send)
    return { state: opened.state, channel, abort }
  }

  async #answer(channel: Channel, abort: AbortController): Promise<Shown> {
    const { primitives, random } = this.#parts.platform
    const answered = answerPairing(
      primitives,
      random,
      channel.ends,
      this.#parts.people.self().name,
      await heard(channel, abort),
    )
    if (answered === undefined) throw spoiled()
    channel.send(answered.send)
    try {
      const state = finishPairing(primitives, answered.state, await heard(channel, abort))
      if (state === undefined) throw spoiled()
      return { state, channel, abort }
    } catch (error) {
      // Whoever was answered could have compared the digits and hung up: that was the one try of this exchange.
      this.#failures.push(this.#parts.platform.now())
      throw error
    }
  }

  async #finish({ state, channel, abort }: Shown, verified: boolean): Promise<Contact> {
    const { platform, engine, people } = this.#parts
    const own = engine.resident.self
    const bundle = state.role === 'B' ? await this.#bundle() : new Uint8Array(0)
    const card = { log: own.log, device: own.device, bundle, addresses: own.row.addresses }
    channel.send(confirmPairing(platform.primitives, platform.random, state, card))
    const paired = acceptPairing(platform.primitives, state, await heard(channel, abort))
    if (paired === undefined) throw spoiled()
    if (paired.account.every((byte, i) => byte === own.account.key[i]))
      throw new ApiError('pairing-failed', 'That is this very profile: pair with somebody else.')
    const ticket = ticketOf(state, paired, state.role === 'B' ? bundle : paired.bundle)
    let brokenOff = false
    if (state.role === 'A') {
      await heard(channel, abort)
      await this.#command({ name: 'add-paired', ticket, verified })
    } else {
      await this.#command({ name: 'expect-paired', ticket, verified })
      channel.send(READY)
      // A ends it when it knows that its first words were stored here, or has given up.
      void channel.ended.then(() => {
        brokenOff = true
        abort.abort()
      })
    }
    await this.#active(ticket, abort, () => brokenOff)
    return people.contact(ticket.account)
  }

  /** Waits until the contact's first words, or ours, were stored on both sides. */
  #active(ticket: PairingTicket, abort: AbortController, brokenOff: () => boolean): Promise<void> {
    return this.#parts.engine
      .when(abort.signal, (resident) => resident.maps.contacts.get(ticket.account)?.row.state === 'active')
      .catch(() => {
        throw brokenOff()
          ? new ApiError(
              'pairing-failed',
              'The other device broke off at the last moment: if the contact does not appear by itself, try again together.',
            )
          : new ApiError(
              'timeout',
              'Both confirmed, but the other device was not reached in time: it goes on by itself.',
            )
      })
  }

  #bundle(): Promise<Uint8Array> {
    return this.#command({ name: 'current-bundle' }) as Promise<Uint8Array>
  }

  #command(asked: Asked): Promise<unknown> {
    const { id, answer } = this.#parts.replies.expect()
    this.#parts.engine.take({ type: 'command', id, ...asked })
    return answer
  }

  #say(
    peer: string,
    name: string,
    step: 'wanted' | 'code' | 'done' | 'failed',
    code: string | null,
    contact: Contact | null = null,
  ): void {
    this.#parts.tell({ type: 'pairing', peer, name, code, step, contact })
  }
}

function ticketOf(state: Compared, paired: Paired, bundle: Uint8Array): PairingTicket {
  return {
    account: accountId(paired.account),
    claimedName: state.claimedName,
    secret: state.secret,
    bundle,
    addresses: paired.addresses,
  }
}

/** Does something with a channel that nobody will close if it fails. */
async function closing<T>(channel: Channel, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    channel.close()
    throw error
  }
}

async function heard(channel: Channel, abort: AbortController): Promise<Uint8Array> {
  const message = await channel.receive(abort.signal).catch(() => undefined)
  if (message === undefined)
    throw abort.signal.aborted
      ? notWanted()
      : new ApiError('pairing-failed', 'The other device ended the pairing: try again together.')
  return message
}

const spoiled = (): ApiError =>
  new ApiError(
    'pairing-failed',
    'Somebody interfered, or the devices do not understand each other: nothing was stored. Try again.',
  )
const notWanted = (): ApiError =>
  new ApiError('timeout', 'The other person did not answer in time: both have to pair at the same moment.')
