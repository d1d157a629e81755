/**
 * What others say about how they see this node, weighed: nobody alone can make us believe that we are reachable.
 *
 * A place is an address prefix (told.ts): many peers at one place say no more than one.
 *
 * Holds: bounded; what was said long ago does not count.
 */
import type { ReachStatus } from '../net.ts'

/** Places that must have got through to one address, or must not have until we believe that nobody does. */
const WITNESSES = 2
const HOSTS = 8
const PLACES = 16

interface Said {
  readonly at: number
  readonly through: boolean
}

export class Reachability {
  readonly #lifeMs: number
  /** When a host of ours was last seen, and from which places. */
  readonly #seen = new Map<string, Map<string, number>>()
  /** What places said of an address. */
  readonly #tried = new Map<string, Map<string, Said>>()

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs
  }

  /** Somebody at a place sees us as `/ip4/…` or `/ip6/…`. */
  observe(host: string, place: string, now: number): void {
    put(this.#seen, host, place, now)
  }

  /** Hosts that we are seen as, the one seen from most places first. */
  observed(now: number): readonly string[] {
    const seen = [...this.#seen].map(([host, places]) => ({
      host,
      places: [...places.values()].filter((at) => now - at < this.#lifeMs).length,
    }))
    const fresh = seen.filter(({ places }) => places > 0).toSorted((a, b) => b.places - a.places)
    return fresh.map(({ host }) => host)
  }

  /** Whether a try from that place would tell something new. */
  wants(address: string, place: string, now: number): boolean {
    const said = this.#tried.get(address)?.get(place)
    return said === undefined || now - said.at > this.#lifeMs / 2
  }

  tried(address: string, place: string, through: boolean, now: number): void {
    put(this.#tried, address, place, { at: now, through })
  }

  /** Addresses to which at least two places got through. */
  confirmed(now: number): readonly string[] {
    return [...this.#tried.keys()].filter((address) => this.#count(address, true, now) >= WITNESSES)
  }

  isPublic(now: number): ReachStatus['publiclyReachable'] {
    const addresses = [...this.#tried.keys()]
    if (this.confirmed(now).length > 0) return 'yes'
    const nobody = addresses.some((address) => this.#count(address, false, now) >= WITNESSES)
    return nobody && addresses.every((address) => this.#count(address, true, now) === 0) ? 'no' : 'unknown'
  }

  clear(): void {
    this.#seen.clear()
    this.#tried.clear()
  }

  #count(address: string, through: boolean, now: number): number {
    const said = [...(this.#tried.get(address)?.values() ?? [])]
    return said.filter((one) => one.through === through && now - one.at < this.#lifeMs).length
  }
}

/** The newest stays, the oldest goes. */
function put<T>(map: Map<string, Map<string, T>>, key: string, place: string, value: T): void {
  const inner = map.get(key) ?? new Map<string, T>()
  map.delete(key)
  map.set(key, inner)
  inner.delete(place)
  inner.set(place, value)
  drop(map, HOSTS)
  drop(inner, PLACES)
}

function drop<T>(map: Map<string, T>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return
    map.delete(key)
  }
}
