/**
 * Mail on the wire: what the engine leaves at carriers and fetches there, and what others leave and fetch here.
 *
 *     deposit ─▶ depositing.ts          open-box ─▶ one stream of ours, as long as the link lasts ─▶ letters
 *     a visitor's stream ─┬ leaves: mail-put ─▶ the engine commits ─▶ mail-answer
 *                         └ fetches: box-opened ─▶ hand-over … ─▶ letters-taken
 *
 * Holds: an envelope is answered after the engine stored it; of letters that the engine has not taken a bounded amount is read;
 * one stream fetches from one box on one link, the newest.
 */
import type { Stream } from '@libp2p/interface'
import { toBase32 } from '../../../protocol/index.ts'
import type { NetEffect } from '../../engine/effect.ts'
import type { DepositStatus } from '../../engine/input.ts'
import { Exchange } from '../exchange.ts'
import { Broken } from '../failures.ts'
import type { Link } from '../link.ts'
import { BOX } from '../protocols.ts'
import {
  readMail,
  readSignature,
  readTaken,
  readVisit,
  visit,
  writeMail,
  writeProof,
  writeStatus,
  writeTaken,
} from './box.ts'
import { Depositing, type MailSurroundings } from './depositing.ts'

type Told<T extends NetEffect['type']> = Extract<NetEffect, { type: T }>
export type MailEffect = Told<'deposit' | 'mail-answer' | 'open-box' | 'hand-over' | 'take-letters'>

/** Letters that are read from a carrier. */
interface Fetching {
  readonly exchange: Exchange
  /** Sizes of those that the engine has not taken, oldest first. */
  readonly untaken: number[]
  /** Goes on reading. */
  resume: () => void
}

export class Mail {
  readonly #around: MailSurroundings
  readonly #depositing: Depositing
  readonly #puts = new Map<number, (status: DepositStatus | null) => void>()
  /** Of ours, and of owners here, by link and box. */
  readonly #fetching = new Map<string, Fetching>()
  readonly #handing = new Map<string, Exchange>()
  readonly #stopped = new AbortController()
  #nextPut = 1

  constructor(around: MailSurroundings) {
    this.#around = around
    this.#depositing = new Depositing(around)
  }

  stop(): void {
    this.#depositing.stop()
    this.#stopped.abort()
    for (const answer of this.#puts.values()) answer(null)
  }

  perform(effect: MailEffect): void {
    switch (effect.type) {
      case 'deposit':
        return this.#depositing.deposit(effect)
      case 'mail-answer':
        return this.#puts.get(effect.request)?.(effect.status)
      case 'open-box':
        return void this.#fetch(effect)
      case 'hand-over':
        return this.#handOver(effect)
      case 'take-letters':
        return this.#take(effect)
    }
  }

  // as a carrier

  /** Serves one visitor's stream, after hello. */
  async answer(stream: Stream, link: Link): Promise<void> {
    const { acquaintances, limits } = this.#around
    const exchange = new Exchange(stream, limits.mailUnread, this.#stopped.signal)
    const asked = await readVisit(exchange, limits)
    if (asked === undefined) return exchange.abort('no visit')
    const nonce = acquaintances.random(32)
    const made = { box: asked.box, nonces: { visitor: asked.nonce, carrier: nonce } }
    const peers = { visitor: link.ends.remote, carrier: link.ends.local }
    const proof = acquaintances.boxes.carrierProof(asked.purpose, made, peers)
    if (proof === undefined || !writeProof(exchange, nonce, proof)) return exchange.abort('no such box')
    if (asked.purpose === 'leave') return this.#receive(exchange)
    const signature = await readSignature(exchange, limits)
    if (signature === undefined || !acquaintances.boxes.isOwner(made, peers, signature))
      return exchange.abort('not the owner')
    return this.#serveOwner(exchange, link, asked.box)
  }

  async #receive(exchange: Exchange): Promise<void> {
    for (;;) {
      const envelope = await readMail(exchange, AbortSignal.timeout(this.#around.limits.mailMs))
      // An end between two envelopes is how a visit ends.
      if (envelope === undefined) return exchange.finish()
      const status = await this.#put(envelope)
      if (status === null || !writeStatus(exchange, status)) return exchange.abort('not now')
    }
  }

  async #put(envelope: Uint8Array): Promise<DepositStatus | null> {
    const { limits, emit } = this.#around
    if (this.#puts.size >= limits.mailPuts) return null
    const request = this.#nextPut++
    const { promise, resolve } = Promise.withResolvers<DepositStatus | null>()
    this.#puts.set(request, resolve)
    const late = setTimeout(() => resolve(null), limits.mailMs)
    emit({ type: 'mail-put', request, envelope })
    const status = await promise
    clearTimeout(late)
    this.#puts.delete(request)
    return status
  }

  async #serveOwner(exchange: Exchange, link: Link, box: Uint8Array): Promise<void> {
    const key = nameOf(link, box)
    this.#handing.get(key)?.abort('fetched anew')
    this.#handing.set(key, exchange)
    this.#around.emit({ type: 'box-opened', connection: link.id, box })
    for (let ids = await readTaken(exchange); ids !== undefined; ids = await readTaken(exchange))
      this.#around.emit({ type: 'letters-taken', connection: link.id, box, ids })
    if (this.#handing.get(key) === exchange) this.#handing.delete(key)
    exchange.abort('fetched')
  }

  #handOver({ connection, box, letters }: Told<'hand-over'>): void {
    const link = this.#around.links.byId(connection)
    const exchange = link && this.#handing.get(nameOf(link, box))
    if (exchange === undefined) return
    for (const { bytes } of letters) if (!writeMail(exchange, bytes)) return exchange.abort('gone')
  }

  // as an owner

  async #fetch({ connection, box, carrierKey }: Told<'open-box'>): Promise<void> {
    const { acquaintances, limits, links } = this.#around
    const link = links.byId(connection)
    const stream = await link?.openStream(BOX, this.#stopped.signal)
    if (link === undefined || stream === undefined) return
    const peers = { visitor: link.ends.local, carrier: link.ends.remote }
    const opened = await visit(
      stream,
      'fetch',
      box,
      acquaintances.random(32),
      limits,
      this.#stopped.signal,
      (made, proof) => acquaintances.boxes.isCarrier(carrierKey, 'fetch', made, peers, proof),
    )
    const signature = opened && acquaintances.boxes.ownerProof(opened.visit, peers)
    if (opened === undefined || signature === undefined) return stream.abort(new Broken('no box'))
    opened.exchange.write(signature)
    await this.#read(opened.exchange, link, box)
  }

  async #read(exchange: Exchange, link: Link, box: Uint8Array): Promise<void> {
    const key = nameOf(link, box)
    this.#fetching.get(key)?.exchange.abort('fetched anew')
    const fetching: Fetching = { exchange, untaken: [], resume: () => {} }
    this.#fetching.set(key, fetching)
    for (let letter = await readMail(exchange); letter !== undefined; letter = await readMail(exchange)) {
      fetching.untaken.push(letter.length)
      this.#around.emit({ type: 'letters', connection: link.id, box, letters: [letter] })
      await this.#roomIn(fetching)
    }
    if (this.#fetching.get(key) === fetching) this.#fetching.delete(key)
    exchange.abort('the box is closed')
  }

  /** Waits until the engine took so much that more may be read, or the stream ends. */
  #roomIn(fetching: Fetching): Promise<void> | undefined {
    const bytes = fetching.untaken.reduce((sum, size) => sum + size, 0)
    if (bytes <= this.#around.limits.mailUntaken) return undefined
    const room = new Promise<void>((resolve) => {
      fetching.resume = resolve
    })
    return Promise.race([room, fetching.exchange.ended])
  }

  #take({ connection, box, ids }: Told<'take-letters'>): void {
    const link = this.#around.links.byId(connection)
    const fetching = link && this.#fetching.get(nameOf(link, box))
    if (fetching === undefined) return
    fetching.untaken.splice(0, ids.length)
    fetching.resume()
    writeTaken(fetching.exchange, ids)
  }
}

const nameOf = (link: Link, box: Uint8Array): string => `${link.id}/${toBase32(box)}`
