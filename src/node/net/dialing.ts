/**
 * The connection policy: who is dialed, when again, and by which path.
 *
 *     want ──▶ round: every address, nearest first, the next one beside those that have not answered yet
 *        ▲        ├─ one reaches the contact ──▶ rest, until that connection ends
 *        └─ pause ┴─ none does ──▶ not-reached     pause: 1 s, 2 s, 4 s … 2 min, half of it drawn at random
 *
 * | question                   | answer                                                                        | where          |
 * |----------------------------|-------------------------------------------------------------------------------|----------------|
 * | who dials                  | both ends, whoever wants the other                                            | here           |
 * | both do at once            | of two alike, the one that the lower PeerID dialed stays                      | links.ts 2     |
 * | in which order             | shared subnet, this machine, public, other private, relayed; 200 ms apart     | addresses.ts   |
 * | when again                 | after 1 s, doubled up to 2 min; at once on `now` (a person asks, or writes),  | here           |
 * |                            | a new address, a changed network, a wake from sleep, a relay that is back, or |                |
 * |                            | when a relayed connection ran out                                             |                |
 * | which path stays           | a direct one before a relayed one                                             | links.ts 2     |
 * | when it has fallen silent  | nothing for 45 s, 5 s while a frame waits for its answer, and 10 s after a     | links.ts       |
 * |                            | question; 4 s after one where something speaks against it: another network,   |                |
 * |                            | a second dial by the same run, a relay that let somebody wait                 |                |
 * | relayed: how to direct     | both try direct addresses, then the lower PeerID WebRTC; again after 2 s,     | upgrading.ts   |
 * |                            | doubled up to 30 min, or when the network changes                             |                |
 * | only by relays             | their relayed addresses, through other contacts' nodes; never upgraded, and   | here, hidden   |
 * |                            | on direct paths we do not know them                                           |                |
 * | with lan-only              | addresses of shared subnets, relays there, no WebRTC                          | here           |
 * | how many at once           | 10 addresses a contact, one attempt an address, 128 in all                    | protocols.ts   |
 * | where we are reached       | places at up to 3 contacts' nodes                                             | reservations.ts|
 * | whom we relay for          | contacts, unless it is switched off; strangers if asked to                    | relaying.ts    |
 *
 * Holds: a dead address never holds up a live one; one address is dialed by one attempt at a time (libp2p would hand both the
 * same connection); a contact that is connected is not dialed.
 */
import type { AccountId } from '../../protocol/index.ts'
import type { NetEffect } from '../engine/effect.ts'
import { type Address, inDialOrder, isNear, parseAddress, someOf } from './addresses.ts'
import type { Machine } from './machine.ts'
import type { Limits } from './protocols.ts'
import { drawn, elapsed, Slots } from './waiting.ts'
import { addressesFound } from './whereabouts.ts'

export type Want = Extract<NetEffect, { type: 'want' }>

/** What dialing needs of its surroundings. */
export interface Dialer {
  /** Dials one address and says hello there. Resolves to whether the contact (or the stranger we take for it) was reached. */
  reach(address: Address, want: Want, signal: AbortSignal): Promise<boolean>
  /** Whether the contact is connected, whoever dialed. */
  reaches(contact: AccountId): boolean
  /** Where else the contact may be met: on the local network, or behind relays of `told` that go by other PeerIDs now. */
  alsoAt(contact: AccountId, told: readonly Address[]): readonly Address[]
  /** PeerIDs by which a relay goes or went, the given one among them. */
  namesOf(relay: string): readonly string[]
  notReached(contact: AccountId): void
  random(n: number): Uint8Array
}

interface Wanted {
  want: Want
  /** PeerIDs of relays that are said to lead there. */
  relays: ReadonlySet<string>
  /** Rounds that failed since the last success. */
  failures: number
  timer: ReturnType<typeof setTimeout> | undefined
  round: AbortController | undefined
  /** Addresses that led to somebody else: tried after all others. */
  readonly elsewhere: Set<string>
}

export class Dialing {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #lanOnly: boolean
  readonly #dialer: Dialer
  readonly #wanted = new Map<AccountId, Wanted>()
  readonly #slots: Slots

  constructor(machine: Machine, limits: Limits, lanOnly: boolean, dialer: Dialer) {
    this.#machine = machine
    this.#limits = limits
    this.#lanOnly = lanOnly
    this.#dialer = dialer
    this.#slots = new Slots(limits.dials)
  }

  want(want: Want): void {
    const wanted = this.#wanted.get(want.contact)
    const told = this.#told(want)
    const relays = new Set(told.flatMap(({ relay }) => relay ?? []))
    if (wanted === undefined) {
      const nothing = { failures: 0, timer: undefined, round: undefined, elsewhere: new Set<string>() }
      this.#wanted.set(want.contact, { want, relays, ...nothing })
      return this.#start(want.contact)
    }
    const known = new Set(this.#told(wanted.want).map(({ text }) => text))
    const fresh =
      told.some(({ text }) => !known.has(text)) ||
      want.stranger !== wanted.want.stranger ||
      want.relayOnly !== wanted.want.relayOnly
    wanted.want = want
    wanted.relays = relays
    if (!fresh && !want.now) return
    wanted.failures = 0
    // A round that runs tries the same addresses: let it.
    if (fresh || wanted.round === undefined) this.#start(want.contact)
  }

  unwant(contact: AccountId): void {
    const wanted = this.#wanted.get(contact)
    if (wanted === undefined) return
    this.#halt(wanted)
    this.#wanted.delete(contact)
  }

  wants(contact: AccountId): boolean {
    return this.#wanted.has(contact)
  }

  /** Somebody who is, or may be (`sure` false), the contact is connected: no more dialing. */
  reached(contact: AccountId, sure: boolean): void {
    const wanted = this.#wanted.get(contact)
    if (wanted === undefined) return
    this.#halt(wanted)
    if (sure) wanted.failures = 0
  }

  /**
   * A connection to the contact ended. `elsewhere`: that address had led to somebody else. `ranOut`: it was relayed, and had
   * lasted: the relay's limits ended it, and there is nothing to wait for.
   */
  lost(contact: AccountId, elsewhere: string | undefined, ranOut = false): void {
    const wanted = this.#wanted.get(contact)
    if (wanted === undefined || this.#dialer.reaches(contact)) return
    if (ranOut && wanted.failures === 0) return this.#start(contact)
    if (elsewhere !== undefined) {
      wanted.elsewhere.add(elsewhere)
      // It counts as a failure: else two wrong strangers would be dialed in a circle.
      wanted.failures++
    }
    this.#pause(contact, wanted)
  }

  /** The network changed, or the machine woke: everybody at once. */
  again(): void {
    for (const [contact, wanted] of this.#wanted) {
      wanted.failures = 0
      if (!this.#dialer.reaches(contact)) this.#start(contact)
    }
  }

  /** Whether an address may be dialed at all: a relayed one is as far as its relay, and leads to a PeerID or nowhere. */
  mayDial(address: Address): boolean {
    if (address.relay !== null && address.peer === null) return false
    return !this.#lanOnly || isNear(address, this.#machine.interfaces())
  }

  /** A relay is connected: who is said to be behind it comes back to it about now, as we did. */
  relayCame(relay: string): void {
    const names = this.#dialer.namesOf(relay)
    for (const [contact, wanted] of this.#wanted) {
      if (!names.some((name) => wanted.relays.has(name)) || this.#dialer.reaches(contact)) continue
      wanted.failures = 0
      if (wanted.round === undefined) this.#start(contact)
    }
  }

  /** Whether that contact must not learn where we are. Who is not wanted is not hidden from: that is the engine's to say. */
  isHidden(contact: AccountId): boolean {
    return this.#wanted.get(contact)?.want.relayOnly === true
  }

  /** Contacts that must not learn where we are. */
  hidden(): ReadonlySet<AccountId> {
    return new Set([...this.#wanted.keys()].filter((contact) => this.isHidden(contact)))
  }

  /** How to reach a contact directly; `undefined` for one that is not wanted, or only through relays. */
  directly(contact: AccountId): { readonly want: Want; readonly addresses: readonly Address[] } | undefined {
    const wanted = this.#wanted.get(contact)
    if (wanted === undefined || wanted.want.relayOnly) return undefined
    return { want: wanted.want, addresses: this.#addresses(wanted).filter(({ relay }) => relay === null) }
  }

  stop(): void {
    for (const contact of [...this.#wanted.keys()]) this.unwant(contact)
  }

  #halt(wanted: Wanted): void {
    clearTimeout(wanted.timer)
    wanted.timer = undefined
    wanted.round?.abort()
    wanted.round = undefined
  }

  #start(contact: AccountId): void {
    const wanted = this.#wanted.get(contact)
    if (wanted === undefined) return
    this.#halt(wanted)
    if (this.#dialer.reaches(contact)) return
    const round = new AbortController()
    wanted.round = round
    void this.#round(wanted, round).then((reached) => {
      if (wanted.round !== round) return
      wanted.round = undefined
      if (reached) return
      wanted.failures++
      this.#dialer.notReached(contact)
      // The engine may have changed its mind on hearing that.
      if (this.#wanted.get(contact) === wanted && wanted.round === undefined) this.#pause(contact, wanted)
    })
  }

  #pause(contact: AccountId, wanted: Wanted): void {
    if (wanted.round !== undefined) return
    clearTimeout(wanted.timer)
    const { againMs, againMaxMs } = this.#limits
    const whole = Math.min(againMs * 2 ** Math.max(0, wanted.failures - 1), againMaxMs)
    wanted.timer = setTimeout(() => this.#start(contact), drawn(whole, this.#dialer.random))
  }

  /** Addresses race: whichever reaches the contact first ends the others. */
  async #round(wanted: Wanted, round: AbortController): Promise<boolean> {
    const ordered = this.#addresses(wanted)
    const race = new AbortController()
    const signal = AbortSignal.any([round.signal, race.signal])
    let won = false
    const attempts: Promise<void>[] = []
    for (const [i, address] of ordered.entries()) {
      if (signal.aborted) break
      const attempt = this.#try(address, wanted.want, signal).then((reached) => {
        if (!reached) return
        won = true
        race.abort()
      })
      attempts.push(attempt)
      if (i < ordered.length - 1) await Promise.race([attempt, elapsed(this.#limits.staggerMs, signal)])
    }
    await Promise.all(attempts)
    return won
  }

  async #try(address: Address, want: Want, signal: AbortSignal): Promise<boolean> {
    const release = await this.#slots.take(address.text, signal)
    if (release === undefined) return false
    try {
      return await this.#dialer.reach(address, want, signal)
    } finally {
      release()
    }
  }

  /** Where the contact is said to be: by its record in the DHT, then by itself. */
  #told({ found, addresses }: Want): readonly Address[] {
    const said = addresses.flatMap((text) => parseAddress(text) ?? [])
    return [...addressesFound(found, this.#machine.interfaces(), this.#limits), ...said]
  }

  #addresses({ want, elsewhere }: Wanted): readonly Address[] {
    const parsed = new Map<string, Address>()
    const told = this.#told(want)
    for (const address of [...this.#dialer.alsoAt(want.contact, told), ...told]) {
      if (!this.mayDial(address)) continue
      if (!want.relayOnly || address.relay !== null) parsed.set(address.text, address)
    }
    const ordered = someOf(inDialOrder([...parsed.values()], this.#machine.interfaces()), this.#limits.addresses)
    return ordered.toSorted((a, b) => Number(elsewhere.has(a.text)) - Number(elsewhere.has(b.text)))
  }
}
