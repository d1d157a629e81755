/**
 * Rows of erased conversations are removed a few at a time: the words of a hundred thousand messages leave the search index
 * in minutes, not in a moment.
 *
 * Holds: a row goes with its words, in one transaction; where a crash lost steps, they are done again.
 */
import type { MessageRow } from './records.ts'
import type { Database, Statement } from './sqlite-database.ts'
import type { Erased } from './sqlite-erased.ts'
import type { SearchIndex } from './sqlite-search.ts'

/** Characters of the messages that one step removes, 8 of ordinary length: that many take about 5 ms to leave the index. */
const CHARACTERS_A_STEP = 640
/** Messages that one step removes, however short they are. */
const ROWS_A_STEP = 64

export class ErasedSweep {
  readonly #erased: Erased
  readonly #index: SearchIndex
  readonly #some: Statement
  readonly #sameIdOrSeq: Statement
  readonly #remove: Statement

  constructor(database: Database, erased: Erased, index: SearchIndex) {
    this.#erased = erased
    this.#index = index
    // Oldest first: the index finds a word's first row in half the time of its last.
    this.#some = database.prepare(
      `select seq, length(text) from message where conversation = ? order by lamport limit ${ROWS_A_STEP}`,
    )
    this.#sameIdOrSeq = database.prepare('select seq, id, conversation from message where id = ? or seq = ?')
    this.#remove = database.prepare('delete from message where seq = ?')
  }

  /** Removes some rows, inside the caller's transaction; `true` if more are waiting. */
  step(): boolean {
    const [number] = this.#erased.left
    if (number === undefined) return false
    const rows = this.#some.all([number], (row): [number, number] => [row.number(0), row.number(1)])
    let characters = 0
    let removed = 0
    for (const [seq, length] of rows) {
      if (characters > 0 && characters + length > CHARACTERS_A_STEP) break
      characters += length
      removed++
      this.#take(seq)
    }
    if (removed === rows.length && rows.length < ROWS_A_STEP) this.#erased.swept(number)
    return this.#erased.left.length > 0
  }

  /** To be called before a message is put: an erased one with its id or its `seq` goes first. */
  makeRoom(row: MessageRow): void {
    if (this.#erased.left.length === 0) return
    const same = this.#sameIdOrSeq.all([row.id, row.seq], (found) =>
      this.#erased.holds(found) ? found.number(0) : null,
    )
    for (const seq of same) if (seq !== null) this.#take(seq)
  }

  #take(seq: number): void {
    this.#index.leave(seq)
    this.#remove.run(seq)
  }
}
