/**
 * A whole node of the simulated hash table: all of our part in it (dht.ts and below), with kad-dht inside, on lines of the
 * switchboard in place of libp2p's connections.
 *
 * Holds: what the room of reach/ finds out is given: a server is known for one, and is where it is dialed.
 */
import { randomBytes } from 'node:crypto'
import type { Stream } from '@libp2p/interface'
import type { Input } from '../../../src/node/engine/input.ts'
import { parseAddress } from '../../../src/node/net/addresses.ts'
import { Dht } from '../../../src/node/net/dht/dht.ts'
import { DhtRecords } from '../../../src/node/net/dht/records.ts'
import type { Link } from '../../../src/node/net/link.ts'
import { Links } from '../../../src/node/net/links.ts'
import type { Machine } from '../../../src/node/net/machine.ts'
import { LIMITS, type Limits } from '../../../src/node/net/protocols.ts'
import type { SlotRecord } from '../../../src/protocol/index.ts'
import { NET_DEFAULTS } from '../../../src/node/config.ts'
import { Meter, quiet } from './meter.ts'
import { addressText, type Peer } from './peers.ts'
import type { Asker } from './asker.ts'
import { type Line, type Station, silent, type Switchboard } from './switchboard.ts'

export interface WholeOptions {
  readonly serves: boolean
  readonly limits: Limits
}

const PATIENCE_MS = 20_000

export class Whole implements Station, Asker {
  readonly peer: Peer
  readonly serves: boolean
  readonly meter = new Meter()
  isUp = true
  readonly #board: Switchboard
  readonly #links: Links
  readonly #dht: Dht
  readonly #machine: Machine
  readonly #looking = new Map<string, (found: readonly SlotRecord[]) => void>()
  readonly #own: SlotRecord[] = []
  #nextLookUp = 0

  constructor(
    peer: Peer,
    begin: readonly Peer[],
    board: Switchboard,
    machine: Machine,
    more: Partial<WholeOptions> = {},
  ) {
    const { serves, limits } = { serves: false, limits: LIMITS, ...more }
    this.peer = peer
    this.serves = serves
    this.#board = board
    this.#machine = machine
    const nothing = (): void => {}
    const notice = { reached: nothing, lost: nothing, closed: nothing }
    let connections = 0
    this.#links = new Links(machine, limits, peer.bytes, () => ++connections, nothing, notice)
    const bootstrap = begin.map((one) => `${addressText(one)}/p2p/${one.text}`)
    this.#dht = new Dht({
      libp2p: { peerId: peer.id, logger: { forComponent: () => silent } },
      machine,
      limits,
      config: { ...NET_DEFAULTS, listenPort: 0, listen: [], mdns: false, lanOnly: false, bootstrap },
      links: this.#links,
      reaching: { reachStranger: (address, signal) => this.#reach(address, signal) },
      records: new DhtRecords(machine.primitives, limits, machine.now),
      random: (n) => new Uint8Array(randomBytes(n)),
      emit: (input) => this.#hear(input),
    })
    board.add(this)
  }

  get servers(): number {
    return this.#dht.status(this.serves).servers
  }

  /** Resolves when it knows its neighbourhood. */
  async join(): Promise<void> {
    await this.#dht.start()
    await quiet(this.meter)
  }

  async stop(): Promise<void> {
    await this.#dht.stop()
    for (const link of this.#links.all()) link.abort('stopped')
  }

  /** What the net does every five seconds. */
  tick(): void {
    this.#links.tick(this.#machine.now(), false)
    this.#dht.tick()
  }

  /** Dials a peer; if it serves and there is room for it in the table, it stays there. */
  async dial({ text, addresses: [address] }: Peer): Promise<void> {
    await this.#reach(`${address?.text}/p2p/${text}`, AbortSignal.timeout(PATIENCE_MS))
  }

  async put(record: SlotRecord): Promise<boolean> {
    const before = this.#dht.status(this.serves).published
    this.#own.push(record)
    this.#dht.publish([...this.#own])
    await quiet(this.meter)
    return this.#dht.status(this.serves).published > before
  }

  async get({ kind, name }: SlotRecord): Promise<Uint8Array | undefined> {
    const sought = `look-up ${this.#nextLookUp++}` as never
    const looking = new Promise<readonly SlotRecord[]>((resolve) => this.#looking.set(sought, resolve))
    void this.#dht.lookUp({ type: 'look-up', sought, kind, names: [name] })
    const [found] = await looking
    return found?.value
  }

  opened(line: Line): void {
    this.#met(line)
  }

  closed(line: Line): void {
    this.#links.closed(line.asConnection())
  }

  asked(stream: Stream, line: Line): void {
    const link = this.#links.of(line.asConnection())
    if (link !== undefined) void this.#dht.answer(stream, link)
  }

  async #reach(address: string, signal: AbortSignal): Promise<Link | undefined> {
    const parsed = parseAddress(address)
    const line = parsed && (await this.#board.dial(this, parsed.text, signal))
    if (line === undefined) return undefined
    const link = this.#met(line)
    return link.isOpen ? link : undefined
  }

  #met(line: Line): Link {
    const link = this.#links.open(line.asConnection())
    this.#links.settle(link, 'stranger', null)
    const { peer, serves } = line.remote
    const told = serves ? peer.addresses : []
    if (link.isOpen) this.#dht.told(link, { isServer: serves, isRelay: false, seen: undefined, told })
    return link
  }

  #hear(input: Input): void {
    if (input.type !== 'looked-up') return
    this.#looking.get(input.sought)?.(input.found)
    this.#looking.delete(input.sought)
  }
}
