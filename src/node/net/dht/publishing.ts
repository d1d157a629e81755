/**
 * Our own records in the DHT: put at the servers nearest to their slots, and kept there.
 *
 *     put: when it is new · when servers are twice as many as the last time, and fewer than 20 took it · every 12 hours
 *          · when the network changed · when no server was left, and there is one again · after a pause, where nobody took it
 *
 * Holds: one put at a time; none while there is no server.
 */
import type { QueryEvent } from '@libp2p/kad-dht'
import { MessageType } from '@libp2p/kad-dht'
import { dhtKey, equal, type SlotKind, type SlotRecord, toBase32 } from '../../../protocol/index.ts'
import { attempt } from '../failures.ts'
import type { Machine } from '../machine.ts'
import type { Limits } from '../protocols.ts'
import { drawn, within } from '../waiting.ts'

/** Servers that hold a record, if there are as many. */
export const HOLDERS = 20
const PUT_RETRY_MS = 30_000

/** One of our own records, and how it stands with it. */
interface Own {
  readonly record: SlotRecord
  /** When to put it again; 0: at once. */
  dueAt: number
  failures: number
  /** Servers that took it the last time, and servers known then. */
  holders: number
  servers: number
}

export interface PublishingHost {
  /** Servers that are known. */
  servers(): number
  /** Resolves when who is near to us is known; `undefined`: nobody looks at the moment. */
  settled(): Promise<void> | undefined
  put(key: Uint8Array, value: Uint8Array, signal: AbortSignal): AsyncIterable<QueryEvent>
  random(n: number): Uint8Array
}

export class DhtPublishing {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #stopped: AbortSignal
  readonly #host: PublishingHost
  readonly #own = new Map<string, Own>()
  #putting = false

  constructor(machine: Machine, limits: Limits, stopped: AbortSignal, host: PublishingHost) {
    this.#machine = machine
    this.#limits = limits
    this.#stopped = stopped
    this.#host = host
  }

  /** Records that at least one server took. */
  get published(): number {
    return [...this.#own.values()].filter(({ holders }) => holders > 0).length
  }

  /** What we have in a slot ourselves. */
  value(kind: SlotKind, name: Uint8Array): Uint8Array | undefined {
    return this.#own.get(textOf(kind, name))?.record.value
  }

  /** These, and no others, from now on. */
  publish(records: readonly SlotRecord[]): void {
    const before = new Map(this.#own)
    this.#own.clear()
    for (const record of records) {
      const key = textOf(record.kind, record.name)
      const known = before.get(key)
      const same = known !== undefined && equal(known.record.value, record.value)
      this.#own.set(key, same ? known : { record, dueAt: 0, failures: 0, holders: 0, servers: 0 })
    }
    void this.putDue()
  }

  /** The network changed: all of them once more. */
  again(): void {
    for (const own of this.#own.values()) own.dueAt = 0
  }

  /** Puts what is to be put by now. */
  async putDue(): Promise<void> {
    if (this.#putting) return
    this.#putting = true
    try {
      for (let own = this.#nextDue(); own !== undefined; own = this.#nextDue()) {
        await this.#host.settled()
        if (this.#stopped.aborted) return
        await this.#put(own)
      }
    } finally {
      this.#putting = false
    }
  }

  #nextDue(): Own | undefined {
    if (this.#stopped.aborted) return undefined
    if (this.#host.servers() === 0) return this.#nobodyHolds()
    return [...this.#own.values()].find((own) => this.#isDue(own))
  }

  /** Who held our records is gone, and may have taken them along. */
  #nobodyHolds(): undefined {
    for (const own of this.#own.values()) if (own.holders > 0) own.dueAt = 0
  }

  #isDue({ dueAt, holders, servers }: Own): boolean {
    if (this.#machine.now() >= dueAt) return true
    return holders > 0 && holders < HOLDERS && this.#host.servers() >= 2 * servers
  }

  async #put(own: Own): Promise<void> {
    const { kind, name, value } = own.record
    const signal = within(this.#limits.dhtPutMs, this.#stopped)
    const servers = this.#host.servers()
    const holders = new Set<string>()
    const put = async (): Promise<void> => {
      for await (const event of this.#host.put(dhtKey(kind, name), value, signal)) {
        if (event.name === 'PEER_RESPONSE' && event.messageType === MessageType.PUT_VALUE)
          holders.add(event.from.toString())
      }
    }
    await attempt(put())
    own.holders = holders.size
    own.servers = servers
    own.failures = holders.size > 0 ? 0 : own.failures + 1
    const pause = holders.size > 0 ? this.#limits.dhtPutAgainMs : PUT_RETRY_MS * 2 ** Math.min(own.failures, 8)
    own.dueAt = this.#machine.now() + drawn(pause, this.#host.random)
  }
}

const textOf = (kind: SlotKind, name: Uint8Array): string => `${kind}/${toBase32(name)}`
