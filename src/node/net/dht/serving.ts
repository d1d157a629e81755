/**
 * What this node answers to questions of the DHT.
 *
 * kad-dht could answer them, too; but it does not say who puts a record, hands on addresses without a look at who asks, and takes
 * messages of 4 MiB.
 *
 * Holds: one question a stream, of bounded size; so many questions for each address prefix; provider records, public keys and
 * names of other kinds are neither kept nor looked for; nobody is told an address that it has no business with.
 */
import type { Stream } from '@libp2p/interface'
import { equal, parseDhtKey } from '../../../protocol/index.ts'
import type { SlotKind } from '../../../protocol/index.ts'
import { type Address, parseAddress } from '../addresses.ts'
import { readMessage } from './asking.ts'
import {
  CLOSER,
  type DhtMessage,
  type DhtPeer,
  decodeMessage,
  encodeMessage,
  QUESTION_BYTES,
  TYPE,
} from './messages.ts'
import type { DhtPeers } from './peers.ts'
import type { DhtRecords } from './records.ts'
import { Exchange } from '../exchange.ts'
import type { Link } from '../link.ts'
import type { Machine } from '../machine.ts'
import type { Limits } from '../protocols.ts'
import { bytesOfAddress, mayTell, prefixOf } from '../reach/told.ts'
import { Rates } from '../waiting.ts'

/** What a put counts for among questions: its signature is verified. */
const PUT_COST = 4

/** What counts of who asks. */
type Asker = Pick<Link, 'address' | 'via' | 'peer'>

export class DhtServing {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #peers: Pick<DhtPeers, 'closest'>
  readonly #records: DhtRecords
  readonly #own: (kind: SlotKind, name: Uint8Array) => Uint8Array | undefined
  readonly #rates: Rates

  /** `own`: records that this node publishes itself. */
  constructor(
    machine: Machine,
    limits: Limits,
    peers: Pick<DhtPeers, 'closest'>,
    records: DhtRecords,
    own: (kind: SlotKind, name: Uint8Array) => Uint8Array | undefined,
  ) {
    this.#machine = machine
    this.#limits = limits
    this.#peers = peers
    this.#records = records
    this.#own = own
    this.#rates = new Rates(limits.dhtQuestions, limits.dhtQuestionsAtOnce, machine.now)
  }

  /** A stream that a peer opened. */
  async answer(stream: Stream, link: Asker): Promise<void> {
    const exchange = new Exchange(stream, QUESTION_BYTES + 5, AbortSignal.timeout(this.#limits.dhtMs))
    const body = await readMessage(exchange, QUESTION_BYTES)
    const question = body && decodeMessage(body)
    const answer = question && this.#answerTo(question, link)
    if (answer === undefined) return exchange.abort('no answer')
    exchange.write(encodeMessage(answer))
    await exchange.finish()
  }

  #answerTo(question: DhtMessage, link: Asker): DhtMessage | undefined {
    const { type, key } = question
    const asker = parseAddress(link.address)
    const prefix = prefixOf(asker, link.via === 'lan')
    if (!this.#rates.of(prefix).take(type === TYPE.put ? PUT_COST : 1)) return undefined
    if (type === TYPE.ping) return { type, key: new Uint8Array(), record: undefined, closer: [] }
    if (type === TYPE.put) return this.#put(question, prefix)
    if (type === TYPE.find) return { type, key, record: undefined, closer: this.#closer(key, asker, link) }
    const slot = type === TYPE.get ? parseDhtKey(key) : undefined
    if (slot === undefined) return undefined
    const value = this.#own(slot.kind, slot.name) ?? this.#records.get(slot.kind, slot.name)
    const record = value && { key, value }
    return { type, key, record, closer: this.#closer(key, asker, link) }
  }

  #put(question: DhtMessage, prefix: string): DhtMessage | undefined {
    const { key, record } = question
    const slot = record !== undefined && equal(record.key, key) ? parseDhtKey(key) : undefined
    if (slot === undefined || record === undefined) return undefined
    return this.#records.put(slot.kind, slot.name, record.value, prefix) ? { ...question, closer: [] } : undefined
  }

  #closer(key: Uint8Array, asker: Address | undefined, link: Asker): readonly DhtPeer[] {
    const interfaces = this.#machine.interfaces()
    const now = this.#machine.now()
    const closer: DhtPeer[] = []
    for (const { text, bytes, addresses, restUntil } of this.#peers.closest(key)) {
      if (closer.length === CLOSER) break
      if (text === link.peer || restUntil > now) continue
      const told = addresses.filter((address) => mayTell(address, asker, interfaces)).map(bytesOfAddress)
      if (told.length > 0) closer.push({ id: bytes, addresses: told })
    }
    return closer
  }
}
