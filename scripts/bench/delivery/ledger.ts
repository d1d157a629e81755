/**
 * What became of each text: noted from the events that the nodes tell.
 */
import type { EventBody } from '../../../src/node/engine/events.ts'
import { authorOf } from '../../../src/node/engine/text-id.ts'
import type { AccountId } from '../../../src/protocol/index.ts'

/** One text. Times are milliseconds since it was written; infinite: not yet. */
export interface Text {
  readonly writer: AccountId
  readonly reader: AccountId
  /** When it was written. */
  readonly at: number
  /** The sender was told that a carrier has it; that the reader has it. */
  carried: number
  told: number
  /** It came to the reader. */
  arrived: number
  /** The sender was told that nobody collected it. */
  failed: boolean
}

export class Ledger {
  readonly #texts = new Map<string, Text>()

  written(writer: AccountId, reader: AccountId, counter: number, at: number): void {
    const never = { carried: Infinity, told: Infinity, arrived: Infinity, failed: false }
    this.#texts.set(keyOf(writer, reader, counter), { writer, reader, at, ...never })
  }

  /** What a node tells its windows. */
  told(node: AccountId, event: EventBody, now: number): void {
    if (event.t === 'message' && event.a === authorOf(event.c, node))
      this.#each(event.c, node, event, (text) => {
        text.arrived = Math.min(text.arrived, now - text.at)
      })
    else if (event.t === 'state')
      this.#each(node, event.c, event, (text) => {
        if (event.s === 'carried') text.carried = Math.min(text.carried, now - text.at)
        if (event.s === 'delivered') text.told = Math.min(text.told, now - text.at)
        if (event.s === 'failed') text.failed = true
      })
  }

  get all(): readonly Text[] {
    return [...this.#texts.values()]
  }

  get isDone(): boolean {
    return this.all.every(({ told }) => told < Infinity)
  }

  #each(writer: AccountId, reader: AccountId, run: { from: number; to: number }, use: (text: Text) => void): void {
    for (let counter = run.from; counter <= run.to; counter++) {
      const text = this.#texts.get(keyOf(writer, reader, counter))
      if (text !== undefined) use(text)
    }
  }
}

const keyOf = (writer: AccountId, reader: AccountId, counter: number): string => `${writer}>${reader}/${counter}`
