/**
 * The port behind which a profile is remembered. Adapters: `sqlite.ts` (encrypted, the real one) and `memory.ts`.
 * One contract suite in `test/contract` runs on both.
 *
 * Holds: a commit is atomic; commits reach the disk in their order, so a crash leaves a beginning of their sequence; one
 * commit in flight; a store that failed once rejects everything after it, so that no caller speaks of what is not stored.
 */
import type { Key, LetterRow, MessageRow, EventRow, TableName, Tables, Write } from './records.ts'

/** A place in the order of a conversation. */
export interface Place {
  readonly lamport: number
  readonly author: number
  readonly counter: number
}

/** Newest first before a place in the order (lamport, author, counter) of a conversation. */
export interface HistoryQuery {
  readonly conversation: number
  readonly limit: number
  readonly before: Place | null
  /** Words, all of which must occur (accents and case folded, the last one as a prefix); `null`: everything. */
  readonly search: string | null
}

/** Letters of one box, the first that came first; or of all boxes, those whose time is over. */
export type LettersOf = { readonly box: string } | { readonly until: number }

export class StoreError extends Error {
  override name = 'StoreError'
  /** As the API names it, so that it may cross a wire as it is. */
  readonly code = 'storage'
  /** `full`, `read-only`, `damaged`, `io`, `newer` (written by a later version) or `key` (wrong key or not a database). */
  readonly kind: 'full' | 'read-only' | 'damaged' | 'io' | 'newer' | 'key'
  constructor(kind: StoreError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/**
 * When a commit has to be on the disk.
 *
 * `now`: when its promise resolves, with all commits before it, also where it writes nothing itself. `with-next`: at the latest
 * with the next commit that says `now`. Until then it is read like any other, but a crash may lose it, and with it those
 * after it: so nothing may leave the node that depends on it.
 */
export type Durability = 'now' | 'with-next'

export interface Store {
  /** Rows in the order of the keys; `undefined` where there is none. May answer at once (no promise) where it can. */
  read(
    keys: readonly Key[],
  ): Promise<readonly (Tables[TableName] | undefined)[]> | readonly (Tables[TableName] | undefined)[]
  /** Every row of a small table, in key order (numeric for `frame`): for start-up. */
  all<T extends Exclude<TableName, 'skipped' | 'seen' | 'token' | 'letter' | 'message' | 'event'>>(
    table: T,
  ): Promise<readonly { readonly key: string; readonly row: Tables[T] }[]>
  /** All writes or none; on the disk when it resolves, unless told otherwise. Rejects with {@link StoreError}. */
  commit(writes: readonly Write[], durability?: Durability): Promise<void>
  /**
   * The greatest `seq` of messages and number of events ever used, so that these go on rising; of frames the greatest that
   * was there since the store was opened. 0 if none.
   */
  last(): Promise<{ readonly message: number; readonly event: number; readonly frame: number }>

  history(query: HistoryQuery): Promise<readonly MessageRow[]>
  /** Oldest first after a place in the order of a conversation. */
  historyAfter(conversation: number, after: Place, limit: number): Promise<readonly MessageRow[]>
  /** Newest first over all conversations. */
  search(text: string, limit: number): Promise<readonly MessageRow[]>
  messageBySeq(seq: number): Promise<MessageRow | undefined>
  /** Messages of one author in a conversation with `from ≤ counter ≤ to`, ascending. */
  byCounter(
    conversation: number,
    author: number,
    from: number,
    to: number,
    limit: number,
  ): Promise<readonly MessageRow[]>
  /** At most `limit` letters. May answer at once, like `read`. */
  letters(of: LettersOf, limit: number): Promise<readonly LetterRow[]> | readonly LetterRow[]
  events(after: number, limit: number): Promise<readonly { readonly number: number; readonly row: EventRow }[]>

  /** Does a bounded piece of housekeeping (search index, what is forgotten, merge, checkpoint); `true` if more is waiting. */
  tidy(): Promise<boolean>
  /** Bytes on disk. */
  bytes(): Promise<number>
  close(): Promise<void>
}
