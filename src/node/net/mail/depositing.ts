/**
 * Envelopes on their way to carriers: over the link to a contact, or one dialed as a stranger and let go of afterwards.
 *
 *     deposit ─▶ queue of its box ─▶ a link ─▶ one stream, the carrier proves itself ─▶ one after the other ─▶ deposited
 *
 * Holds: each effect is answered once; nothing is said to who does not prove to be the carrier.
 */
import type { NetEffect } from '../../engine/effect.ts'
import type { Input } from '../../engine/input.ts'
import { type Address, inDialOrder } from '../addresses.ts'
import type { Exchange } from '../exchange.ts'
import type { Link } from '../link.ts'
import type { Links } from '../links.ts'
import type { Machine } from '../machine.ts'
import type { Acquaintances } from '../net.ts'
import { BOX, type Limits } from '../protocols.ts'
import type { Reaching } from '../reaching.ts'
import { addressesFound, peerFound } from '../whereabouts.ts'
import { readStatus, visit, writeMail } from './box.ts'
import { within } from '../waiting.ts'

export type Deposit = Extract<NetEffect, { type: 'deposit' }>

/** What mail needs of the net. */
export interface MailSurroundings {
  readonly machine: Machine
  readonly limits: Limits
  readonly links: Links
  readonly reaching: Reaching
  readonly acquaintances: Acquaintances
  /** Whether an address may be dialed at all. */
  mayDial(address: Address): boolean
  readonly emit: (input: Input) => void
}

export class Depositing {
  readonly #around: MailSurroundings
  /** Those that wait, by box; the key is there while its queue is worked off. */
  readonly #queues = new Map<string, Deposit[]>()
  readonly #stopped = new AbortController()

  constructor(around: MailSurroundings) {
    this.#around = around
  }

  deposit(deposit: Deposit): void {
    const key = deposit.box.join()
    const queue = this.#queues.get(key)
    if (queue !== undefined) return void queue.push(deposit)
    const fresh = [deposit]
    this.#queues.set(key, fresh)
    void this.#work(key, fresh)
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #work(key: string, queue: Deposit[]): Promise<void> {
    const [first] = queue
    const to = first && (await this.#linkFor(first))
    const exchange = first && to && (await this.#open(first, to.link))
    while (exchange !== undefined && queue.length > 0) if (!(await this.#leaveNext(exchange, queue))) break
    // From here on, what comes begins anew.
    this.#queues.delete(key)
    for (const { number } of queue) this.#around.emit({ type: 'deposited', number, status: 'unreachable' })
    await exchange?.finish()
    if (to?.dialed && !to.link.isBusy) to.link.abort('mail is left')
  }

  async #leaveNext(exchange: Exchange, queue: Deposit[]): Promise<boolean> {
    const [next] = queue
    if (next === undefined || !writeMail(exchange, next.envelope)) return false
    const status = await readStatus(exchange, this.#around.limits)
    if (status === undefined) return false
    queue.shift()
    this.#around.emit({ type: 'deposited', number: next.number, status })
    return true
  }

  async #open({ box, carrierKey }: Deposit, link: Link): Promise<Exchange | undefined> {
    const { acquaintances, limits } = this.#around
    const stream = await link.openStream(BOX, this.#stopped.signal)
    if (stream === undefined) return undefined
    const peers = { visitor: link.ends.local, carrier: link.ends.remote }
    const opened = await visit(
      stream,
      'leave',
      box,
      acquaintances.random(32),
      limits,
      this.#stopped.signal,
      (made, signature) => acquaintances.boxes.isCarrier(carrierKey, 'leave', made, peers, signature),
    )
    return opened?.exchange
  }

  async #linkFor({ connection, found }: Deposit): Promise<{ link: Link; dialed: boolean } | undefined> {
    const { links, limits, machine, reaching } = this.#around
    const known = connection === null ? undefined : links.byId(connection)
    if (known !== undefined) return { link: known, dialed: false }
    const peer = peerFound(found)
    const linked = peer === undefined ? undefined : links.directTo(peer)
    if (linked !== undefined) return { link: linked, dialed: false }
    const signal = within(limits.mailReachMs, this.#stopped.signal)
    const addresses = addressesFound(found, machine.interfaces(), limits).filter((one) => this.#around.mayDial(one))
    for (const address of inDialOrder(addresses, machine.interfaces())) {
      const link = await reaching.reachCarrier(address, signal)
      if (link !== undefined) return { link, dialed: true }
    }
    return undefined
  }
}
