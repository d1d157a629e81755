/**
 * What this node answers to streams that peers open: each protocol handed to the part that speaks it.
 *
 * Holds: hello comes first, and nothing else is read before it has ended; what belongs to strangers' errands (the DHT, reach) is
 * not answered through a relay.
 */
import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { frameKind } from '../../protocol/index.ts'
import type { AccountId, DeviceId } from '../../protocol/index.ts'
import type { Input } from '../engine/input.ts'
import { type Answer, answerBundle } from './bundles.ts'
import type { Dht } from './dht/dht.ts'
import { EnvelopeReader } from './envelopes.ts'
import { Broken, tried } from './failures.ts'
import { answerGreeting } from './hello.ts'
import type { Nearby } from './lan/nearby.ts'
import type { Link } from './link.ts'
import type { Links } from './links.ts'
import type { Machine } from './machine.ts'
import type { Mail } from './mail/mail.ts'
import type { Acquaintances } from './net.ts'
import { BOX, BUNDLE, ENVELOPE, HELLO, KAD, type Limits, PAIR, REACH, STREAMS } from './protocols.ts'
import type { Reach } from './reach/reach.ts'
import { COST, type Work } from './work.ts'

/** Whom a stream is handed to. */
export interface Parties {
  readonly machine: Machine
  readonly limits: Limits
  readonly links: Links
  readonly work: Work
  readonly acquaintances: Acquaintances
  /** The same, without those who must not learn where we are. */
  readonly unhidden: Acquaintances
  readonly networkKey: Uint8Array | null
  readonly pairing: Nearby
  readonly reach: Reach
  /** `undefined`: switched off. */
  readonly dht: Dht | undefined
  readonly mail: Mail
  readonly emit: (input: Input) => void
}

export class Serving {
  readonly #parties: Parties
  #nextRequest = 1

  constructor(parties: Parties) {
    this.#parties = parties
  }

  /** Begins to answer on this node. */
  async serve(libp2p: Libp2p): Promise<void> {
    await this.#serve(libp2p, HELLO, (stream, link) => this.#hello(stream, link))
    await this.#serve(libp2p, ENVELOPE, (stream, link) => this.#envelopes(stream, link))
    await this.#serve(libp2p, BUNDLE, (stream, link) => this.#bundle(stream, link))
    await this.#serve(libp2p, PAIR, (stream, link) => this.#pair(stream, link))
    await this.#serve(libp2p, REACH, async (stream, link) => {
      if (await this.#isServedDirectly(stream, link)) await this.#parties.reach.answer(stream, link)
    })
    await this.#serve(libp2p, BOX, async (stream, link) => {
      if (!(await this.#isServed(stream, link))) return
      this.#parties.work.charge(link, COST.question)
      await this.#parties.mail.answer(stream, link)
    })
    const { dht } = this.#parties
    if (dht === undefined) return
    await this.#serve(libp2p, KAD, async (stream, link) => {
      if (await this.#isServedDirectly(stream, link)) await dht.answer(stream, link)
    })
  }

  #serve(
    libp2p: Libp2p,
    protocol: keyof typeof STREAMS,
    serve: (stream: Stream, link: Link) => Promise<void> | void,
  ): Promise<void> {
    const most = STREAMS[protocol]
    const handler = async (stream: Stream, connection: Connection): Promise<void> => {
      const link = this.#parties.links.of(connection)
      if (link === undefined) return stream.abort(new Broken('closed'))
      await serve(stream, link)
    }
    return libp2p.handle(protocol, handler, {
      maxInboundStreams: most,
      maxOutboundStreams: most,
      runOnLimitedConnection: true,
    })
  }

  async #hello(stream: Stream, link: Link): Promise<void> {
    const { acquaintances, unhidden, limits, links, networkKey } = this.#parties
    if (link.dialed) return stream.abort(new Broken('the dialer begins'))
    if (++link.hellos > limits.hellos) return link.abort('too many hellos')
    const known = link.via === 'relayed' ? acquaintances : unhidden
    const signal = AbortSignal.timeout(limits.helloMs)
    const found = await answerGreeting(stream, known, link.ends, networkKey, signal)
    if (found === undefined) link.abort('not of this network')
    else links.settle(link, found, null)
  }

  async #envelopes(stream: Stream, link: Link): Promise<void> {
    if (!(await this.#isServed(stream, link))) return
    const { machine, limits, work, emit } = this.#parties
    const { id: connection, writer } = link
    link.reader = new EnvelopeReader(stream, limits, {
      frames: (frames) => link.isOpen && emit({ type: 'frames', connection, ...who(link), frames }),
      acknowledged: (ids) => this.#answered(link, 'acknowledged', ids),
      noSession: (ids) => this.#answered(link, 'no-session', ids),
      pinged: (times) => {
        work.charge(link, times * COST.trifle)
        writer.pong()
      },
      heard: () => link.hear(machine.now()),
      accepts: (frame) => {
        const isInit = frameKind(frame) === 'init'
        if (isInit) work.charge(link, COST.init)
        return isInit || link.standing.phase === 'known'
      },
      now: machine.now,
      maxUnanswered: () => (link.standing.phase === 'known' ? limits.unanswered : limits.strangerUnanswered),
    })
  }

  #answered(link: Link, type: 'acknowledged' | 'no-session', ids: readonly Uint8Array[]): void {
    const inFlight = link.writer.answered(ids)
    this.#parties.work.charge(link, (ids.length - inFlight.length) * COST.trifle)
    if (inFlight.length > 0 && link.isOpen) this.#parties.emit({ type, connection: link.id, ids: inFlight })
  }

  async #bundle(stream: Stream, link: Link): Promise<void> {
    if (!(await this.#isServed(stream, link))) return
    const { limits, work, emit } = this.#parties
    work.charge(link, COST.question)
    const request = this.#nextRequest++
    const signal = AbortSignal.timeout(limits.bundleMs)
    await answerBundle(stream, signal, (proof) => {
      const { contact, device } = who(link)
      if (!link.isOpen || (proof === null && contact === null)) return Promise.resolve(undefined)
      const { promise, resolve } = Promise.withResolvers<Answer | undefined>()
      link.questions.set(request, resolve)
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
      emit({ type: 'bundle-asked', connection: link.id, request, ends: link.ends, proof, contact, device })
      return promise.finally(() => link.questions.delete(request))
    })
  }

  async #pair(stream: Stream, link: Link): Promise<void> {
    if (!(await this.#isServed(stream, link))) return
    if (link.via === 'lan') {
      link.holdFor(stream)
      await this.#parties.pairing.answer(stream, link)
    } else stream.abort(new Broken('not of this network'))
  }

  /** The same, but not through a relay: who is there may not learn where we are, and relays are for conversations. */
  async #isServedDirectly(stream: Stream, link: Link): Promise<boolean> {
    if (link.via !== 'relayed') return this.#isServed(stream, link)
    stream.abort(new Broken('not through a relay'))
    return false
  }

  /** Whether a stream may be served: hello comes first. What the peer sends meanwhile stays within one window of yamux. */
  async #isServed(stream: Stream, link: Link): Promise<boolean> {
    if (link.standing.phase === 'greeting') {
      stream.pause()
      await link.settled
    }
    if (link.isOpen && stream.status === 'open') {
      if (stream.readStatus === 'paused') tried(() => stream.resume())
      return true
    }
    stream.abort(new Broken('closed'))
    return false
  }
}

function who({ standing }: Link): { contact: AccountId; device: DeviceId } | { contact: null; device: null } {
  return standing.phase === 'known'
    ? { contact: standing.contact, device: standing.device }
    : { contact: null, device: null }
}
