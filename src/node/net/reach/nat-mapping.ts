/**
 * How the router before us, if there is one, chooses the port as which a port of ours is seen: one for everybody, or another for
 * each other end (RFC 4787 §4.1). Only in the first case can who is behind a router be met halfway.
 *
 *     dialed peers, at three hosts ──STUN──▶ the address and port as which each of them sees us
 *
 * Holds: bounded; one alone says nothing; what was said long ago does not count.
 */
import { kindOf, parseAddress } from '../addresses.ts'
import type { Link } from '../link.ts'
import type { Endpoint } from '../machine.ts'
import type { ReachStatus } from '../net.ts'

/** Answers that are enough, and hosts that are asked for them. */
const ANSWERS = 3
const HOSTS = 12

export interface MappingNeeds {
  links(): readonly Link[]
  /** The address and port as which that peer sees the port on which we listen, as text. */
  ask(server: Endpoint): Promise<string | undefined>
  /** IP addresses of this machine, as text. */
  own(): readonly string[]
  now(): number
  /** How long an answer counts. */
  readonly lifeMs: number
}

interface Asked {
  readonly at: number
  readonly said: string | 'nothing yet' | 'nothing'
}

export class NatMapping {
  readonly #needs: MappingNeeds
  /** By the host that was asked. */
  readonly #asked = new Map<string, Asked>()

  constructor(needs: MappingNeeds) {
    this.#needs = needs
  }

  kind(): ReachStatus['natMapping'] {
    const answers = this.#answers()
    const own = this.#needs.own()
    if (answers.length < 2) return 'unknown'
    const asWeAre = answers.filter((mapped) => own.includes(mapped.slice(0, mapped.lastIndexOf(':'))))
    if (asWeAre.length >= 2) return 'none'
    // Ports drawn one by one do not agree by chance, so one that lies changes nothing where two are honest.
    return new Set(answers).size < answers.length ? 'endpoint-independent' : 'endpoint-dependent'
  }

  /** Asks whom there is to ask, as long as there is something to learn. */
  look(): void {
    const { now, lifeMs } = this.#needs
    for (const [host, { at }] of this.#asked) if (now() - at > lifeMs / 2) this.#asked.delete(host)
    for (const link of this.#needs.links()) {
      const hopeful = [...this.#asked.values()].filter(({ said }) => said !== 'nothing')
      if (hopeful.length >= ANSWERS || this.#asked.size >= HOSTS) return
      const server = serverAt(link)
      if (server !== undefined && !this.#asked.has(server.address)) void this.#ask(server)
    }
  }

  /** The network changed. */
  clear(): void {
    this.#asked.clear()
  }

  async #ask(server: Endpoint): Promise<void> {
    const asked: Asked = { at: this.#needs.now(), said: 'nothing yet' }
    this.#asked.set(server.address, asked)
    const said = (await this.#needs.ask(server)) ?? 'nothing'
    if (this.#asked.get(server.address) === asked) this.#asked.set(server.address, { ...asked, said })
  }

  #answers(): readonly string[] {
    return [...this.#asked.values()].map(({ said }) => said).filter((said) => !said.startsWith('nothing'))
  }
}

/** Where a peer that we dialed answers STUN: on the UDP port of that number. IPv4 alone, for IPv6 is not translated. */
function serverAt({ dialed, via, address: text, standing }: Link): Endpoint | undefined {
  if (!dialed || via !== 'direct' || (standing.phase !== 'known' && standing.phase !== 'stranger')) return undefined
  const address = parseAddress(text)
  if (address === undefined || address.family !== 4 || kindOf(address) === 'loopback') return undefined
  if (address.transport !== 'tcp' && address.transport !== 'ws') return undefined
  return { address: address.ip.join('.'), family: 4, port: address.port }
}
