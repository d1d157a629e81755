/**
 * Which conversations were erased: out of sight at once; `sqlite-sweep.ts` takes their rows off the disk a few at a time.
 *
 *     stored number = conversation + 2^24 × how often it was erased before
 *
 * So erasing writes one row, and what is stored afterwards begins anew beside what still has to go.
 *
 * Holds: what was erased never comes back, for a number under which rows were stored is used no more once it is erased.
 */
import type { Database, Row, Statement } from './sqlite-database.ts'

/** Conversations that a profile may ever have; the factor in a stored number. */
const CONVERSATIONS = 2 ** 24
/** Position of `conversation` among the columns of a message. */
export const CONVERSATION = 2

interface Erasures {
  /** How often the conversation was erased. */
  readonly times: number
  /** Of how many of these nothing is left. */
  readonly swept: number
}

/** The conversation of a stored number. */
export function conversationOf(stored: number): number {
  return stored % CONVERSATIONS
}

/** Under which number each conversation is stored now. */
export class Erased {
  readonly #put: Statement
  readonly #any: Statement
  #state: ReadonlyMap<number, Erasures>
  #left: readonly number[] = []

  constructor(database: Database) {
    this.#put = database.prepare('insert or replace into erased(conversation, times, swept) values(?, ?, ?)')
    this.#any = database.prepare('select seq from message where conversation = ? limit 1')
    const rows = database
      .prepare('select conversation, times, swept from erased')
      .all([], (row): [number, Erasures] => [row.number(0), { times: row.number(1), swept: row.number(2) }])
    this.#state = new Map(rows)
    this.state = this.#state
  }

  /** What is known: never changed in place, so that a transaction that is taken back can put it back. */
  get state(): ReadonlyMap<number, Erasures> {
    return this.#state
  }

  set state(state: ReadonlyMap<number, Erasures>) {
    this.#state = state
    this.#left = [...state].flatMap(([conversation, { times, swept }]) =>
      Array.from({ length: times - swept }, (_, n) => conversation + CONVERSATIONS * (swept + n)),
    )
  }

  /** The erased numbers of which rows may still be stored. */
  get left(): readonly number[] {
    return this.#left
  }

  /** Under which number the messages of a conversation are stored now. Throws a `RangeError` for no conversation. */
  stored(conversation: number): number {
    if (!(conversation >= 0 && conversation < CONVERSATIONS))
      throw new RangeError(`${conversation} is no number of a conversation`)
    return conversation + CONVERSATIONS * (this.#state.get(conversation)?.times ?? 0)
  }

  /** Whether the columns of a message are those of an erased one. */
  holds(row: Row): boolean {
    return this.#left.length > 0 && this.#left.includes(row.number(CONVERSATION))
  }

  /** Erases a conversation, inside the caller's transaction. */
  erase(conversation: number): void {
    if (this.#any.get([this.stored(conversation)], (row) => row.number(0)) === undefined) return
    const { times, swept } = this.#state.get(conversation) ?? { times: 0, swept: 0 }
    this.#set(conversation, { times: times + 1, swept })
  }

  /** Nothing of the first of {@link left} is stored any more; inside the caller's transaction. */
  swept(stored: number): void {
    const conversation = conversationOf(stored)
    const known = this.#state.get(conversation)
    if (known !== undefined) this.#set(conversation, { ...known, swept: known.swept + 1 })
  }

  #set(conversation: number, erasures: Erasures): void {
    this.#put.run(conversation, erasures.times, erasures.swept)
    this.state = new Map([...this.#state, [conversation, erasures]])
  }
}
