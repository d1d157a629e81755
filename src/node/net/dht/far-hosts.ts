/**
 * Hosts far away that others told us of: few dials at once to each, and none for a while where none succeeds.
 *
 * Anybody can make up peers, and say that they are all at one address: what listens there would be dialed by every node of the
 * DHT, once for each.
 *
 * Holds: bounded; hosts of shared subnets are not counted, for only who is there may tell of them.
 */
import { type Address, kindOf } from '../addresses.ts'
import type { Limits } from '../protocols.ts'

const HOSTS = 4096

interface Host {
  running: number
  failures: number
  restUntil: number
}

export class FarHosts {
  readonly #limits: Limits
  readonly #now: () => number
  readonly #hosts = new Map<string, Host>()

  constructor(limits: Limits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  mayDial(address: Address): boolean {
    const host = kindOf(address) === 'public' ? this.#hosts.get(nameOf(address)) : undefined
    return host === undefined || (host.running < this.#limits.hostDials && host.restUntil <= this.#now())
  }

  /** A dial begins. Returns what to call with whether it succeeded. */
  dials(address: Address): (reached: boolean) => void {
    if (kindOf(address) !== 'public') return () => {}
    const name = nameOf(address)
    const host = this.#hosts.get(name) ?? { running: 0, failures: 0, restUntil: 0 }
    // At the end: who was dialed longest ago is forgotten first.
    this.#hosts.delete(name)
    this.#hosts.set(name, host)
    for (const oldest of this.#hosts.keys()) {
      if (this.#hosts.size <= HOSTS) break
      this.#hosts.delete(oldest)
    }
    host.running++
    return (reached) => {
      const { hostFailures, dhtRestMs, dhtRestMaxMs } = this.#limits
      host.running--
      host.failures = reached ? 0 : host.failures + 1
      const beyond = host.failures - hostFailures
      host.restUntil = beyond < 0 ? 0 : this.#now() + Math.min(dhtRestMs * 2 ** beyond, dhtRestMaxMs)
    }
  }
}

const nameOf = ({ ip }: Address): string => ip.join('.')
