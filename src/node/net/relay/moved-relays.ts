/**
 * Contacts' nodes that relay, and came back under another PeerID: whoever was said to be behind the one may be behind the other,
 * and is looked for there before the hash table knows of it.
 *
 * Holds: a contact's node is only asked for whom it was said to relay for before.
 */
import type { AccountId } from '../../../protocol/index.ts'
import { type Address, parseAddress } from '../addresses.ts'
import type { Link } from '../link.ts'

/** PeerIDs of contacts' nodes that are remembered. */
const REMEMBERED = 256

export class MovedRelays {
  readonly #neighbours: () => readonly Link[]
  /** Whose node went by a PeerID. */
  readonly #owners = new Map<string, AccountId>()

  /** `neighbours`: links to contacts that may relay. */
  constructor(neighbours: () => readonly Link[]) {
    this.#neighbours = neighbours
  }

  /** A contact is connected that may relay. */
  met(contact: AccountId, { peer }: Link): void {
    this.#owners.delete(peer)
    this.#owners.set(peer, contact)
    for (const oldest of this.#owners.keys()) {
      if (this.#owners.size <= REMEMBERED) return
      this.#owners.delete(oldest)
    }
  }

  /** PeerIDs by which the same contact's node goes or went. */
  namesOf(relay: string): readonly string[] {
    const owner = this.#owners.get(relay)
    return owner === undefined ? [relay] : [...this.#owners].flatMap(([name, who]) => (who === owner ? [name] : []))
  }

  /** The same places by the PeerIDs of now, where those are others. */
  now(addresses: readonly Address[]): readonly Address[] {
    return addresses.flatMap(({ relay, peer }) => {
      const owner = relay === null ? undefined : this.#owners.get(relay)
      if (owner === undefined || peer === null) return []
      return this.#neighbours().flatMap((link) => {
        const isMoved = this.#owners.get(link.peer) === owner && link.peer !== relay
        return (isMoved && parseAddress(`${link.address}/p2p/${link.peer}/p2p-circuit/p2p/${peer}`)) || []
      })
    })
  }
}
