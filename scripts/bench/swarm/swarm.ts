/**
 * A simulated hash table: many servers (server.ts), and nodes among them that put and look up.
 */
import { readMessage } from '../../../src/node/net/dht/asking.ts'
import { ANSWER_BYTES, decodeMessage, encodeMessage, TYPE } from '../../../src/node/net/dht/messages.ts'
import { Exchange } from '../../../src/node/net/exchange.ts'
import { KAD } from '../../../src/node/net/protocols.ts'
import type { Machine } from '../../../src/node/net/machine.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import type { Asker } from './asker.ts'
import { addressText, drawing, makePeer, type Peer, Population, some } from './peers.ts'
import { Server } from './server.ts'
import { type Manner, type Station, Switchboard } from './switchboard.ts'
import { Whole } from './whole.ts'

/** Servers that a newcomer knows. */
const BEGIN = 3
/** The number of the first newcomer: beyond all servers. */
const BEYOND = 900_000
const PATIENCE_MS = 20_000

/** Makes a node that knows some servers. */
export type MakeAsker<A extends Asker> = (peer: Peer, begin: readonly Peer[], board: Switchboard, machine: Machine) => A

/** One of ours, which serves nobody. */
export const ours: MakeAsker<Whole> = (peer, begin, board, machine) => new Whole(peer, begin, board, machine)

export class Swarm {
  readonly servers: readonly Server[]
  readonly #population: Population
  readonly #board: Switchboard
  readonly #machine: Machine
  readonly #draw: () => number
  readonly #seed: string
  #newcomers = 0

  /** `now`: the clock of everybody. */
  constructor(count: number, more: Partial<Manner> = {}, now = Date.now, seed = 'swarm') {
    this.#seed = seed
    this.#draw = drawing(`swarm ${seed}`)
    this.#board = new Switchboard({ roundTripMs: 0, refuses: false, ...more })
    this.#machine = { ...nodejsMachine(), interfaces: () => [], now }
    this.#population = new Population(seed, count)
    this.servers = this.#population.peers.map((peer) => new Server(peer, this.#population, this.#machine))
    for (const server of this.servers) this.#board.add(server)
  }

  /** Nodes that come, and know three servers each. */
  async join<A extends Asker>(count: number, make: MakeAsker<A>): Promise<readonly A[]> {
    const newcomers = Array.from({ length: count }, () => {
      const peer = makePeer(this.#seed, BEYOND + this.#newcomers++)
      const begin = some(this.#population.peers, BEGIN, this.#draw)
      return make(peer, begin, this.#board, this.#machine)
    })
    await Promise.all(newcomers.map((newcomer) => newcomer.join()))
    return newcomers
  }

  /** Peers of all servers, those nearest to a key first. */
  nearest(key: Uint8Array): readonly Peer[] {
    const everybody = Uint32Array.from(this.servers.keys())
    return this.#population.nearest(everybody, key)
  }

  /** PeerIDs that a node names when it is asked by a server who is nearest to a key: from its table, at most twenty. */
  async namedBy(node: Station, by: Server, key: Uint8Array): Promise<readonly Uint8Array[]> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const line = await this.#board.dial(by, addressText(node.peer), signal)
    const stream = await line?.newStream(KAD, { signal })
    if (stream === undefined) throw new Error('the node was not reached')
    const exchange = new Exchange(stream, ANSWER_BYTES + 5, signal)
    exchange.write(encodeMessage({ type: TYPE.find, key, record: undefined, closer: [] }))
    const answer = await readMessage(exchange, ANSWER_BYTES)
    return (answer && decodeMessage(answer))?.closer.map(({ id }) => id) ?? []
  }

  /** So many of the servers that are there leave, without a word. */
  leave(count: number): void {
    const there = this.servers.filter(({ isUp }) => isUp)
    for (const server of some(there, count, this.#draw)) server.isUp = false
  }
}
