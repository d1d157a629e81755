/**
 * Frames that were seen are forgotten a few rows at a time: an index by age would cost every commit of what arrives a page
 * more, and one pass over all rows a pause that a person feels.
 *
 * Holds: a row goes only when it is older than asked for; who begins anew while a pass is under way, or starts the program
 * again, only makes rows be remembered longer.
 */
import type { Database, Statement } from './sqlite-database.ts'

/** Rows of one step: some pages, a fraction of a millisecond. */
const ROWS_A_STEP = 256

export class SeenSweep {
  readonly #end: Statement
  readonly #forget: Statement
  #before = 0
  /** The key up to which this pass came; `undefined`: no pass. */
  #at: string | undefined

  constructor(database: Database) {
    this.#end = database.prepare(`select key from seen where key > ? order by key limit 1 offset ${ROWS_A_STEP - 1}`)
    this.#forget = database.prepare('delete from seen where key > ?1 and (?2 is null or key <= ?2) and at < ?3')
  }

  /** From now on rows older than `before` go. */
  begin(before: number): void {
    this.#before = before
    this.#at = ''
  }

  /** Looks at some rows, inside the caller's transaction; `true` if more are waiting. */
  step(): boolean {
    if (this.#at === undefined) return false
    const end = this.#end.get([this.#at], (row) => row.text(0)) ?? null
    this.#forget.run(this.#at, end, this.#before)
    this.#at = end ?? undefined
    return end !== null
  }
}
