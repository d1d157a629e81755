/**
 * Where others reach us although no address of ours can be dialed: our places at contacts' nodes that relay.
 *
 *     candidate ──▶ asking ──▶ held ── renewed by libp2p before its time is over
 *         ▲            └─ refused ─┐  └─ lost ─┐
 *         └── pause: 15 s, 30 s … 30 min ──────┘    half of it drawn at random; from the start again when the network changes
 *
 * At most three are held, at contacts met directly: first those beyond the local network, then whoever is connected longest.
 * None while others are known to reach us, and may know where we are.
 *
 * Holds: a relay is asked over the connection that there is, never dialed for it; one that does not know the protocol is not asked
 * again, one that says that it does not relay not before it says that it does.
 */
import type { AccountId } from '../../../protocol/index.ts'
import { parseAddress, widestFirst } from '../addresses.ts'
import type { Circuit, Reserved } from './circuit.ts'
import type { Link } from '../link.ts'
import type { RelayStatus } from '../net.ts'
import type { Limits } from '../protocols.ts'
import { drawn } from '../waiting.ts'

export interface ReservationNeeds {
  /** Our PeerID as text. */
  readonly self: string
  /** Whether others reach us directly: `undefined` while nobody knows, which counts as no. */
  reachable(): boolean | undefined
  /** Links to contacts that may be asked. */
  candidates(): readonly Link[]
  now(): number
  /** Our relayed addresses are others now. */
  changed(): void
  random(n: number): Uint8Array
}

/** A place at a relay. */
export interface Place {
  readonly contact: AccountId
  /** The relay's own addresses, most useful first. */
  readonly addresses: readonly string[]
}

type Standing =
  | { readonly phase: 'asking' }
  | ({ readonly phase: 'held' } & Place)
  | { readonly phase: 'resting'; readonly why: 'refused' | 'lost'; readonly timer: ReturnType<typeof setTimeout> }
  /** `unwilling`: it said that it does not relay, and may change its mind. */
  | { readonly phase: 'useless' | 'unwilling' }

const UNWILLING = { phase: 'unwilling' } as const

interface Relay {
  readonly contact: AccountId
  standing: Standing
  failures: number
  heldAt: number
}

/** What of the circuit is needed here. */
type Asked = Pick<Circuit, 'reserve' | 'release' | 'forget'>

export class Reservations {
  readonly #circuit: Asked
  readonly #limits: Limits
  readonly #needs: ReservationNeeds
  readonly #relays = new Map<string, Relay>()
  /** At whose nodes a place was lost with the connection, and none was had since. */
  readonly #gone = new Set<AccountId>()
  #stopped = false

  constructor(circuit: Asked, limits: Limits, needs: ReservationNeeds) {
    this.#circuit = circuit
    this.#limits = limits
    this.#needs = needs
  }

  /** Relayed addresses at which we are reached, those of one relay together, ending in our PeerID. */
  addresses(): readonly string[] {
    return [...this.#held()].flatMap(([relay, { addresses }]) =>
      addresses.map((address) => `${address}/p2p/${relay}/p2p-circuit/p2p/${this.#needs.self}`),
    )
  }

  /** Our places, by the relay's PeerID. */
  held(): ReadonlyMap<string, Place> {
    return new Map(this.#held())
  }

  /** How it stands with each contact that was asked. */
  states(): RelayStatus['at'] {
    const asked = [...this.#relays.values()].map(({ contact, standing }) => {
      if (standing.phase === 'resting') return { contact, state: standing.why }
      const none = standing.phase === 'useless' || standing.phase === 'unwilling'
      return { contact, state: none ? ('no-relay' as const) : standing.phase }
    })
    return [...asked, ...[...this.#gone].map((contact) => ({ contact, state: 'lost' as const }))]
  }

  holds(relay: string): boolean {
    return this.#relays.get(relay)?.standing.phase === 'held'
  }

  /** Something changed: who is connected, or whether we are reached. */
  review(): void {
    if (this.#stopped) return
    const candidates = this.#needs.candidates()
    this.#forget(new Set(candidates.map(({ peer }) => peer)))
    if (this.#needs.reachable() === true) return this.#release()
    const standings = [...this.#relays.values()].map(({ standing }) => standing.phase)
    const busy = standings.filter((phase) => phase === 'held' || phase === 'asking').length
    const free = candidates
      .filter(({ peer }) => !this.#relays.has(peer))
      .toSorted((a, b) => Number(a.via === 'lan') - Number(b.via === 'lan') || a.openedAt - b.openedAt)
    for (const link of free.slice(0, this.#limits.relays - busy)) void this.#ask(link)
  }

  /** The network changed: whoever refused, or could not be asked, is asked again. */
  again(): void {
    for (const [peer, { standing }] of this.#relays) {
      if (standing.phase !== 'resting') continue
      clearTimeout(standing.timer)
      this.#relays.delete(peer)
    }
    this.review()
  }

  /** Who may be asked says whether it relays. */
  told({ connection, peer, standing }: Link, isRelay: boolean): void {
    if (this.#stopped || standing.phase !== 'known') return
    const relay = this.#relays.get(peer)
    const was = relay?.standing
    if (isRelay && was?.phase !== 'unwilling') return
    if (isRelay) this.#relays.delete(peer)
    else {
      if (was?.phase === 'resting') clearTimeout(was.timer)
      const one = relay ?? { contact: standing.contact, standing: UNWILLING, failures: 0, heldAt: 0 }
      one.standing = UNWILLING
      this.#relays.set(peer, one)
      if (was?.phase === 'held') {
        this.#circuit.forget(connection.remotePeer)
        this.#needs.changed()
      }
    }
    this.review()
  }

  /** A reservation ended: its time, its connection, or the relay's will. */
  lost(peer: string): void {
    const relay = this.#relays.get(peer)
    if (relay?.standing.phase !== 'held') return
    const link = this.#needs.candidates().find((one) => one.peer === peer)
    const lasted = this.#needs.now() - relay.heldAt >= this.#limits.relayAgainMs
    // One connection replaced another, or so: but not in a circle.
    if (link !== undefined && (lasted || relay.failures === 0)) {
      relay.failures = lasted ? 0 : 1
      void this.#ask(link)
    } else this.#rest(peer, relay, 'lost')
    this.#needs.changed()
    this.review()
  }

  stop(): void {
    this.#stopped = true
    for (const { standing } of this.#relays.values()) if (standing.phase === 'resting') clearTimeout(standing.timer)
    this.#relays.clear()
  }

  async #ask(link: Link): Promise<void> {
    const { peer, standing } = link
    if (standing.phase !== 'known') return
    const { contact } = standing
    const relay: Relay = this.#relays.get(peer) ?? { contact, standing: { phase: 'asking' }, failures: 0, heldAt: 0 }
    relay.standing = { phase: 'asking' }
    this.#relays.set(peer, relay)
    this.#gone.delete(contact)
    const reserved = await this.#circuit.reserve(link.connection.remotePeer)
    if (this.#stopped || this.#relays.get(peer) !== relay) return
    // It said meanwhile that it does not relay.
    if (relay.standing.phase !== 'asking') return this.#circuit.forget(link.connection.remotePeer)
    const addresses = reserved.kind === 'reserved' ? usable(reserved, link) : []
    if (addresses.length > 0) {
      relay.heldAt = this.#needs.now()
      relay.standing = { phase: 'held', contact, addresses }
      this.#needs.changed()
    } else if (reserved.kind === 'no-relay') relay.standing = { phase: 'useless' }
    else this.#rest(peer, relay, reserved.kind === 'refused' ? 'refused' : 'lost')
    this.review()
  }

  #rest(peer: string, relay: Relay, why: 'refused' | 'lost'): void {
    const { relayAgainMs, relayAgainMaxMs } = this.#limits
    const whole = Math.min(relayAgainMs * 2 ** relay.failures++, relayAgainMaxMs)
    const timer = setTimeout(() => this.#wake(peer), drawn(whole, this.#needs.random))
    relay.standing = { phase: 'resting', why, timer }
  }

  /** Its turn again, if a place is wanted. */
  #wake(peer: string): void {
    const link = this.#needs.candidates().find((one) => one.peer === peer)
    const busy = [...this.#relays.values()].filter(({ standing: { phase } }) => phase === 'held' || phase === 'asking')
    const relay = this.#relays.get(peer)
    if (relay?.standing.phase !== 'resting') return
    if (link === undefined || this.#needs.reachable() === true) this.#relays.delete(peer)
    else if (busy.length < this.#limits.relays) void this.#ask(link)
    else this.#rest(peer, relay, relay.standing.why)
  }

  /** Who is not connected any more is nobody to us: PeerIDs do not come again. */
  #forget(candidates: ReadonlySet<string>): void {
    for (const [peer, { contact, standing, heldAt }] of this.#relays) {
      if (candidates.has(peer) || standing.phase === 'held') continue
      if (standing.phase === 'resting') clearTimeout(standing.timer)
      if (heldAt > 0) this.#remember(contact)
      this.#relays.delete(peer)
    }
  }

  #remember(contact: AccountId): void {
    this.#gone.add(contact)
    for (const oldest of this.#gone) {
      if (this.#gone.size <= this.#limits.relays) return
      this.#gone.delete(oldest)
    }
  }

  #release(): void {
    this.#gone.clear()
    const wanted = [...this.#relays].filter(([, { standing }]) => standing.phase !== 'unwilling')
    if (wanted.length === 0) return
    this.#circuit.release()
    for (const [peer, { standing }] of wanted) {
      if (standing.phase === 'resting') clearTimeout(standing.timer)
      this.#relays.delete(peer)
    }
    this.#needs.changed()
  }

  *#held(): Iterable<[string, Place]> {
    for (const [peer, { standing }] of this.#relays) if (standing.phase === 'held') yield [peer, standing]
  }
}

/** Addresses of each relay that are told on. */
const ADDRESSES_EACH = 2

/** The address that we dialed ourselves, and what the relay says of itself. */
function usable({ addresses }: Extract<Reserved, { kind: 'reserved' }>, link: Link): readonly string[] {
  const parsed = [...(link.dialed ? [link.address] : []), ...addresses].flatMap((text) => parseAddress(text) ?? [])
  const direct = parsed.filter(({ transport }) => transport === 'tcp' || transport === 'ws')
  return [...new Set(widestFirst(direct).map(({ text }) => text))].slice(0, ADDRESSES_EACH)
}
