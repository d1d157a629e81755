/**
 * `/tulnic/reach/1`: how the other end sees us, what it serves, and whether it gets through to us. Both ends.
 *
 *     asker                                              asked
 *       length 2 ‖ 1 ‖ flags 1 ‖ seen ‖ told ────────────▶      flags: 1 a DHT server, 2 no relay
 *       ◀──────────── length 2 ‖ 1 ‖ flags 1 ‖ seen ‖ told      seen:  size 1 ‖ the address at which one sees the other
 *                                                               told:  count 1 ‖ (size 1 ‖ address)*, where one listens
 *       length 2 ‖ 2 ‖ size 1 ‖ address ─────────────────▶      dials that address, if its IP is where it sees the asker
 *       ◀──────────────────────────── length 2 ‖ outcome 1      0 refused, 1 got through, 2 did not
 *
 * The dialer of a connection asks once hello has ended, either end again when what it says has changed.
 *
 * Holds: what is told to a peer is what it could see anyway, or shares a subnet with; an address gets dialed for a peer only where
 * that peer is; only what two peers at different places got through to counts as public.
 */
import type { Stream } from '@libp2p/interface'
import { concat, equal } from '../../../protocol/index.ts'
import { type Address, kindOf, parseAddress } from '../addresses.ts'
import { Exchange } from '../exchange.ts'
import type { Link } from '../link.ts'
import type { Links } from '../links.ts'
import type { Machine } from '../machine.ts'
import type { ReachStatus } from '../net.ts'
import { type Limits, REACH } from '../protocols.ts'
import { Reachability } from './reachability.ts'
import type { Reaching } from '../reaching.ts'
import { addressOfBytes, bytesOfAddress, mayTell, prefixOf, shareNetwork } from './told.ts'
import { Rate } from '../waiting.ts'

const KIND = { meet: 1, dialBack: 2 } as const
const OUTCOME = { refused: 0, through: 1, not: 2 } as const
const SERVER = 1
/** Who does not say so may relay: the bit is younger than the protocol. */
const NO_RELAY = 2
const ADDRESSES = 8
const ADDRESS_BYTES = 64
/** Links on which is asked again from time to time. */
const ASKED_AGAIN = 8
/** The longest message: eight addresses, and the one seen. */
const MESSAGE_BYTES = 2 + (1 + ADDRESS_BYTES) + 1 + ADDRESSES * (1 + ADDRESS_BYTES)

/** What one end says of itself and of the other. */
export interface Meeting {
  readonly isServer: boolean
  /** Whether it may give the other end a place to be reached through. */
  readonly isRelay: boolean
  /** Where it sees the other end; `undefined`: through a relay, or so. */
  readonly seen: Address | undefined
  /** Where it listens, as far as the other end may know. */
  readonly told: readonly Address[]
}

interface Rates {
  readonly questions: Rate
  readonly dialBacks: Rate
}

/** What the protocol needs of its surroundings. */
export interface ReachHost {
  /** Whether this node serves the DHT to the other end of a link. */
  servesTo(link: Link): boolean
  /** Whether the other end of a link may have a place here. */
  relaysTo(link: Link): boolean
  /** Addresses on which this node listens, of every kind. */
  listening(): readonly Address[]
  /** Where our router says that others reach us. */
  mapped(): Address | undefined
  /** The other end said this. */
  told(link: Link, meeting: Meeting): void
  /** What is known of how others reach us is different. */
  changed(): void
}

export class Reach {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #links: Links
  readonly #reaching: Reaching
  readonly #host: ReachHost
  readonly #reachability: Reachability
  readonly #dialBacks: Rate
  /** What the other ends of links may ask for. */
  readonly #rates = new WeakMap<Link, Rates>()
  readonly #met = new WeakMap<Link, Promise<Meeting | undefined>>()
  /** What the other end of a link was told last. */
  readonly #said = new WeakMap<Link, Uint8Array>()
  #dialing = 0
  #askedAt: number
  #wasPublic: ReachStatus['publiclyReachable'] = 'unknown'

  constructor(machine: Machine, limits: Limits, links: Links, reaching: Reaching, host: ReachHost) {
    this.#machine = machine
    this.#limits = limits
    this.#links = links
    this.#reaching = reaching
    this.#host = host
    this.#askedAt = machine.now()
    this.#reachability = new Reachability(limits.reachableMs)
    this.#dialBacks = new Rate(limits.dialBacksAMinute / 60, limits.dialBacksAMinute, machine.now)
  }

  /** At which addresses others see us, and whether strangers get through to one of ours. */
  status(): Omit<ReachStatus, 'natMapping'> {
    const now = this.#machine.now()
    return { observed: this.#reachability.observed(now), publiclyReachable: this.#reachability.isPublic(now) }
  }

  /** Own addresses to which strangers got through. */
  publicAddresses(): readonly Address[] {
    return this.#reachability.confirmed(this.#machine.now()).flatMap((text) => parseAddress(text) ?? [])
  }

  /** Hello has ended on a link that we dialed: asks once. What the other end said, or `undefined`. */
  met(link: Link): Promise<Meeting | undefined> {
    const meeting = this.#met.get(link) ?? this.ask(link)
    this.#met.set(link, meeting)
    return meeting
  }

  /**
   * Hello has found a contact on a link: what was said there to a stranger is said anew, by either end. The other may have heard
   * it before it knew us, and may ask no more.
   */
  known(link: Link): void {
    const said = this.#said.get(link)
    if (this.#met.has(link) || (said !== undefined && !equal(said, this.#say(link)))) void this.ask(link)
  }

  /** What this node says may be different now: to all that are connected. */
  tellAll(): void {
    for (const link of this.#links.all()) {
      const { phase } = link.standing
      if (link.via !== 'relayed' && (phase === 'known' || phase === 'stranger')) void this.ask(link)
    }
  }

  /** The network changed: what was known of it is not true any more. */
  forget(): void {
    this.#reachability.clear()
    this.#look()
    this.tellAll()
  }

  /** Time passed: what was found out a while ago is asked again, before it does not count any more. */
  tick(): void {
    const now = this.#machine.now()
    if (now - this.#askedAt > this.#limits.reachableMs / 4) {
      this.#askedAt = now
      for (const link of this.#links
        .all()
        .filter(({ via }) => via === 'direct')
        .slice(-ASKED_AGAIN))
        void this.ask(link)
    }
    this.#look()
  }

  /** Says what we are, and hears what the other end is. */
  async ask(link: Link): Promise<Meeting | undefined> {
    const { phase } = link.standing
    // Who is behind a relay may not learn where we are.
    if (link.via === 'relayed' || (phase !== 'known' && phase !== 'stranger')) return undefined
    const signal = AbortSignal.timeout(this.#limits.reachMs)
    const said = this.#say(link)
    this.#said.set(link, said)
    const answer = await this.#question(link, said, signal)
    const meeting = answer && decodeMeeting(answer)
    if (meeting !== undefined && link.isOpen) this.#take(link, meeting)
    return meeting
  }

  /** A stream that the other side opened. */
  async answer(stream: Stream, link: Link): Promise<void> {
    const exchange = new Exchange(stream, 2 + MESSAGE_BYTES, AbortSignal.timeout(this.#limits.reachMs))
    const question = await exchange.readSized(MESSAGE_BYTES)
    const answer = question && this.#ratesOf(link).questions.take(1) ? await this.#answerTo(question, link) : undefined
    if (answer === undefined) return exchange.abort('no answer')
    exchange.writeSized(answer)
    await exchange.finish()
  }

  async #answerTo(question: Uint8Array, link: Link): Promise<Uint8Array | undefined> {
    const meeting = decodeMeeting(question)
    if (meeting !== undefined) {
      const said = this.#say(link)
      this.#said.set(link, said)
      queueMicrotask(() => link.isOpen && this.#take(link, meeting))
      return said
    }
    const address = decodeDialBack(question)
    return address && Uint8Array.of(await this.#dialBack(address, link))
  }

  /** Only where the asker is, so that nobody sends us to somebody else. */
  async #dialBack(address: Address, link: Link): Promise<number> {
    const seen = this.#seen(link)
    const isTheirs = seen !== undefined && address.transport === 'tcp' && equal(address.ip, seen.ip)
    if (!isTheirs || !this.#ratesOf(link).dialBacks.take(1)) return OUTCOME.refused
    if (this.#dialing >= this.#limits.dialBacks || !this.#dialBacks.take(1)) return OUTCOME.refused
    this.#dialing++
    try {
      const through = await this.#reaching.getsThrough(address, link.peer)
      return through ? OUTCOME.through : OUTCOME.not
    } finally {
      this.#dialing--
    }
  }

  #say(link: Link): Uint8Array {
    const seen = this.#seen(link)
    const interfaces = this.#machine.interfaces()
    const mine = new Map([...this.publicAddresses(), ...this.#near(seen)].map((address) => [address.text, address]))
    const told = [...mine.values()].filter((address) => mayTell(address, seen, interfaces)).slice(0, ADDRESSES)
    return encodeMeeting({ isServer: this.#host.servesTo(link), isRelay: this.#host.relaysTo(link), seen, told })
  }

  /** Addresses in a network that both are in: others are told only when they are known to lead here. */
  #near(listener: Address | undefined): readonly Address[] {
    if (listener === undefined) return []
    const interfaces = this.#machine.interfaces()
    return this.#host.listening().filter((address) => shareNetwork(address, listener, interfaces))
  }

  #take(link: Link, meeting: Meeting): void {
    this.#host.told(link, meeting)
    const by = this.#seen(link)
    if (meeting.seen === undefined || by === undefined || link.via !== 'direct') return
    if (kindOf(meeting.seen) !== 'public') return
    const now = this.#machine.now()
    const place = prefixOf(by, false)
    this.#reachability.observe(withoutPort(meeting.seen), place, now)
    void this.#tryOut(link, meeting.seen, place)
    this.#look()
  }

  /** Asks whoever sees us at an address whether it gets through to the port on which we listen. */
  async #tryOut(link: Link, seen: Address, place: string): Promise<void> {
    const mapped = this.#host.mapped()
    // Whoever lies about our address is believed by nobody who sees us elsewhere.
    const isMapped = mapped !== undefined && equal(mapped.ip, seen.ip)
    const port = isMapped ? mapped.port : this.#host.listening().find(({ transport }) => transport === 'tcp')?.port
    const candidate = port === undefined ? undefined : parseAddress(`${withoutPort(seen)}/tcp/${port}`)
    if (candidate === undefined || !this.#reachability.wants(candidate.text, place, this.#machine.now())) return
    const signal = AbortSignal.timeout(this.#limits.reachMs + this.#limits.addressMs)
    const bytes = bytesOfAddress(candidate)
    const answer = await this.#question(link, concat(Uint8Array.of(KIND.dialBack, bytes.length), bytes), signal)
    const outcome = answer?.length === 1 ? answer[0] : undefined
    if (outcome !== OUTCOME.through && outcome !== OUTCOME.not) return
    this.#reachability.tried(candidate.text, place, outcome === OUTCOME.through, this.#machine.now())
    this.#look()
  }

  async #question(link: Link, question: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const stream = await link.openStream(REACH, signal)
    if (stream === undefined) return undefined
    const exchange = new Exchange(stream, 2 + MESSAGE_BYTES, signal)
    exchange.writeSized(question)
    const answer = await exchange.readSized(MESSAGE_BYTES)
    if (answer === undefined) exchange.abort('no answer')
    else void exchange.finish()
    return answer
  }

  /** Where the other end of a link is; `undefined` behind a relay. */
  #seen(link: Link): Address | undefined {
    const address = link.via === 'relayed' ? undefined : parseAddress(link.address)
    return address?.relay === null ? address : undefined
  }

  #ratesOf(link: Link): Rates {
    const { reachEach, dialBacksEach, reachableMs } = this.#limits
    const again = 4000 / reachableMs
    const rates = this.#rates.get(link) ?? {
      questions: new Rate(again * reachEach, reachEach, this.#machine.now),
      dialBacks: new Rate(again, dialBacksEach, this.#machine.now),
    }
    this.#rates.set(link, rates)
    return rates
  }

  #look(): void {
    const isPublic = this.#reachability.isPublic(this.#machine.now())
    if (isPublic === this.#wasPublic) return
    this.#wasPublic = isPublic
    this.#host.changed()
    this.tellAll()
  }
}

/** The IP address as a multiaddress without a port. */
function withoutPort({ text }: Address): string {
  return text.split('/').slice(0, 3).join('/')
}

/** What one end says, at most 588 bytes. */
export function encodeMeeting({ isServer, isRelay, seen, told }: Meeting): Uint8Array {
  const sized = (address: Address | undefined): Uint8Array => {
    const bytes = address === undefined ? new Uint8Array() : bytesOfAddress(address)
    return bytes.length <= ADDRESS_BYTES ? concat(Uint8Array.of(bytes.length), bytes) : Uint8Array.of(0)
  }
  const flags = (isServer ? SERVER : 0) | (isRelay ? 0 : NO_RELAY)
  return concat(Uint8Array.of(KIND.meet, flags), sized(seen), Uint8Array.of(told.length), ...told.map(sized))
}

/** What the other end says; `undefined` for anything else. Addresses that are none are left out, for there may be new kinds. */
export function decodeMeeting(bytes: Uint8Array): Meeting | undefined {
  const [kind, flags = 0] = bytes
  if (kind !== KIND.meet || bytes.length > MESSAGE_BYTES) return undefined
  const seen = readSized(bytes, 2)
  const count = seen && bytes[seen.end]
  if (seen === undefined || count === undefined || count > ADDRESSES) return undefined
  let at = seen.end + 1
  const told: Address[] = []
  for (let i = 0; i < count; i++) {
    const one = readSized(bytes, at)
    if (one === undefined) return undefined
    const address = addressOfBytes(one.bytes)
    if (address !== undefined) told.push(address)
    at = one.end
  }
  if (at !== bytes.length) return undefined
  const isServer = (flags & SERVER) !== 0
  return { isServer, isRelay: (flags & NO_RELAY) === 0, seen: addressOfBytes(seen.bytes), told }
}

/** The address that somebody wants dialed. */
export function decodeDialBack(bytes: Uint8Array): Address | undefined {
  const one = bytes[0] === KIND.dialBack ? readSized(bytes, 1) : undefined
  return one !== undefined && one.end === bytes.length ? addressOfBytes(one.bytes) : undefined
}

function readSized(bytes: Uint8Array, at: number): { bytes: Uint8Array; end: number } | undefined {
  const length = bytes[at]
  if (length === undefined || length > ADDRESS_BYTES) return undefined
  const end = at + 1 + length
  return end <= bytes.length ? { bytes: bytes.subarray(at + 1, end), end } : undefined
}
