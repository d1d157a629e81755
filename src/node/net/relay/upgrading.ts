/**
 * From a relayed link to a direct one, while the conversation goes on.
 *
 *     relayed link known ──▶ try ─┬─ direct link: links.ts lets the relayed one go ──▶ done
 *                             ▲   └─ none ──▶ pause: 2 s, 4 s … 30 min, half of it drawn at random ─┐
 *                             └────────────────── at once when the network changes ◀───────────────────┘
 *
 * A try is the direct addresses, all at once, and a moment later, at the side with the lower PeerID alone, WebRTC over the relayed
 * link: two offers at once would meet as two connections. The other side begins a moment later.
 *
 * A direct link that breaks within a minute counts as a failure, so that a path which does not bear is not taken in a circle.
 *
 * Holds: nothing is tried for who is only reached through relays; a try ends with its link.
 */
import { compare } from '../../../protocol/index.ts'
import type { AccountId } from '../../../protocol/index.ts'
import type { Address } from '../addresses.ts'
import type { Want } from '../dialing.ts'
import type { Link } from '../link.ts'
import type { Limits } from '../protocols.ts'
import { drawn, elapsed } from '../waiting.ts'

export interface UpgradeNeeds {
  /** How the contact is reached directly; `undefined`: it must not be, or nobody wants it. */
  directly(contact: AccountId): { readonly want: Want; readonly addresses: readonly Address[] } | undefined
  reachDirectly(address: Address, want: Want, signal: AbortSignal): Promise<boolean>
  reachThrough(link: Link, want: Want, signal: AbortSignal): Promise<boolean>
  now(): number
  random(n: number): Uint8Array
}

/** A direct link that lasted this long was a good one. */
const STEADY_MS = 60_000

interface Running {
  /** Aborted when the link ends. */
  readonly ended: AbortController
  /** Aborted when the network changes. */
  hurry: AbortController
  /** Tries that ended. */
  failed: number
}

export class Upgrading {
  readonly #limits: Limits
  readonly #needs: UpgradeNeeds
  /** Whose known direct links are open. */
  readonly #direct = new Map<Link, AccountId>()
  /** Direct links that broke, one after the other. */
  readonly #broke = new Map<AccountId, number>()
  /** By the relayed link. */
  readonly #tries = new Map<Link, Running>()

  constructor(limits: Limits, needs: UpgradeNeeds) {
    this.#limits = limits
    this.#needs = needs
  }

  /** A link became known. */
  reached(contact: AccountId, link: Link): void {
    if (link.via !== 'relayed') return void this.#direct.set(link, contact)
    if (this.#tries.has(link)) return
    const one = { ended: new AbortController(), hurry: new AbortController(), failed: 0 }
    this.#tries.set(link, one)
    void this.#run(link, contact, one)
  }

  /** A link ended. */
  closed(link: Link): void {
    this.#tries.get(link)?.ended.abort()
    this.#tries.delete(link)
    const contact = this.#direct.get(link)
    if (contact === undefined) return
    this.#direct.delete(link)
    if (this.#needs.now() - link.openedAt >= STEADY_MS) this.#broke.delete(contact)
    else this.#broke.set(contact, (this.#broke.get(contact) ?? 0) + 1)
  }

  /** Tries beside a relayed link that all ended without a direct one. */
  failedBeside(link: Link): number {
    return this.#tries.get(link)?.failed ?? 0
  }

  /** The network changed. */
  again(): void {
    for (const one of this.#tries.values()) one.hurry.abort()
  }

  stop(): void {
    for (const link of [...this.#tries.keys()]) this.closed(link)
  }

  async #run(link: Link, contact: AccountId, one: Running): Promise<void> {
    const lower = compare(link.ends.local, link.ends.remote) < 0
    const { upgradeWaitMs, upgradeAgainMs, upgradeAgainMaxMs } = this.#limits
    const ended = one.ended.signal
    if (!lower) await elapsed(upgradeWaitMs, ended)
    let failures = this.#broke.get(contact) ?? 0
    while (!ended.aborted) {
      const hurry = new AbortController()
      one.hurry = hurry
      if (failures > 0) {
        const whole = Math.min(upgradeAgainMs * 2 ** (failures - 1), upgradeAgainMaxMs)
        await elapsed(drawn(whole, this.#needs.random), AbortSignal.any([ended, hurry.signal]))
      }
      if (ended.aborted || (await this.#try(link, contact, lower, ended))) return
      one.failed++
      failures = hurry.signal.aborted ? 1 : failures + 1
    }
  }

  async #try(link: Link, contact: AccountId, lower: boolean, ended: AbortSignal): Promise<boolean> {
    const path = this.#needs.directly(contact)
    if (path === undefined) return false
    const won = new AbortController()
    const signal = AbortSignal.any([ended, won.signal])
    const dial = async (address: Address): Promise<boolean> => {
      const reached = await this.#needs.reachDirectly(address, path.want, signal)
      if (reached) won.abort()
      return reached
    }
    const dialed = Promise.all(path.addresses.map(dial))
    // What does not answer at once may never: the other way need not wait for it.
    await Promise.race([dialed, elapsed(this.#limits.upgradeWaitMs, signal)])
    if (lower && !signal.aborted && (await this.#needs.reachThrough(link, path.want, ended))) won.abort()
    await dialed
    return won.signal.aborted
  }
}
