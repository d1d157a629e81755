/**
 * One of the many of a simulated hash table: it answers with our own serving side and keeps records as any server of ours does,
 * and asks nobody. Its table is that of a long life (peers.ts), made when it is asked for the first time.
 *
 * Holds: it never notices who is gone, and goes on naming them: no real server is worse.
 */
import type { Stream } from '@libp2p/interface'
import { DhtRecords } from '../../../src/node/net/dht/records.ts'
import { DhtServing } from '../../../src/node/net/dht/serving.ts'
import type { Machine } from '../../../src/node/net/machine.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { addressText, type Peer, type Population } from './peers.ts'
import type { Line, Station } from './switchboard.ts'

export class Server implements Station {
  readonly peer: Peer
  readonly serves = true
  readonly meter = undefined
  isUp = true
  readonly #records: DhtRecords
  readonly #serving: DhtServing
  #table: Uint32Array | undefined

  constructor(peer: Peer, population: Population, machine: Machine) {
    this.peer = peer
    this.#records = new DhtRecords(machine.primitives, LIMITS, machine.now)
    const closest = (key: Uint8Array): readonly Peer[] => {
      this.#table ??= population.tableOf(peer)
      return population.nearest(this.#table, key)
    }
    this.#serving = new DhtServing(machine, LIMITS, { closest }, this.#records, () => undefined)
  }

  get stored(): number {
    return this.#records.count
  }

  opened(): void {}
  closed(): void {}

  asked(stream: Stream, { remote: { peer } }: Line): void {
    void this.#serving.answer(stream, { address: addressText(peer), via: 'direct', peer: peer.text })
  }
}
