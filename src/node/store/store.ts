/**
 * The port behind which a profile is remembered. Adapters: `sqlite.ts` (encrypted, the real one) and `memory.ts`.
 * One contract suite in `test/contract` runs on both.
 *
 * Holds: a commit is atomic and durable when its promise resolves; one commit in flight; a store that failed once
 * rejects everything after it, so that no caller speaks of what is not stored.
 */
import type { Key, MessageRow, EventRow, TableName, Tables, Write } from './records.ts'

/** Newest first before a place in the order (lamport, author, counter) of a conversation. */
export interface HistoryQuery {
  readonly conversation: number
  readonly limit: number
  readonly before: { readonly lamport: number; readonly author: number; readonly counter: number } | null
  /** Words, all of which must occur (accents and case folded, the last one as a prefix); `null`: everything. */
  readonly search: string | null
}

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

export interface Store {
  /** Rows in the order of the keys; `undefined` where there is none. May answer at once (no promise) where it can. */
  read(
    keys: readonly Key[],
  ): Promise<readonly (Tables[TableName] | undefined)[]> | readonly (Tables[TableName] | undefined)[]
  /** Every row of a small table, in key order (numeric for `frame`): for start-up. */
  all<T extends 'profile' | 'prekey' | 'invite' | 'contact' | 'conversation' | 'delivery' | 'session' | 'frame'>(
    table: T,
  ): Promise<readonly { readonly key: string; readonly row: Tables[T] }[]>
  /** All writes or none. Rejects with {@link StoreError}. */
  commit(writes: readonly Write[]): Promise<void>
  /** The greatest `seq` of messages and number of events and frames ever used, 0 if none: so that numbers go on rising. */
  last(): Promise<{ readonly message: number; readonly event: number; readonly frame: number }>

  history(query: HistoryQuery): Promise<readonly MessageRow[]>
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
  events(after: number, limit: number): Promise<readonly { readonly number: number; readonly row: EventRow }[]>

  /** Does a bounded piece of housekeeping (search index, merge, checkpoint); `true` if more is waiting. */
  tidy(): Promise<boolean>
  /** Bytes on disk. */
  bytes(): Promise<number>
  close(): Promise<void>
}
