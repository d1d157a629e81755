/**
 * The full-text index, behind the messages: kept up a few rows at a time, outside the transactions that store them.
 *
 *     seq   1 ……………………… indexed │ indexed + 1 …………… newest
 *           asked in the index    │ read one by one
 *
 * The newest rows are read one by one in any case: a frequent word is found there at once, and a rare one is cheap to
 * ask the index for. So no query meets a word that is both long to list and not at hand. The index only proposes:
 * `matches` of `words.ts` decides.
 *
 * Holds: every row with `seq ≤ indexed` is in the index, and no other.
 */
import type { MessageRow } from './records.ts'
import type { Database, Row, Statement } from './sqlite-database.ts'
import { CONVERSATION, type Erased } from './sqlite-erased.ts'
import { MESSAGE_COLUMNS, readMessage } from './sqlite-tables.ts'
import { matches, words, type Query } from './words.ts'

/** Rows of one step: more at once would be felt by messages that wait (32 rows take less than two milliseconds), fewer write the same pages more often. */
const ROWS_A_STEP = 32
/** Index pages merged in one step: more than 32 rows of ordinary length need in the long run. */
const PAGES_A_MERGE = 8
/** Rows read one by one before the index is asked. */
const NEWEST_READ = 1000
/** Shorter beginnings of words stand in so many texts that listing them costs more than reading candidates. */
const SHORTEST_PREFIX = 3
/** Position of `text` among the columns of a message. */
const TEXT = 10

export class SearchIndex {
  readonly #database: Database
  readonly #erased: Erased
  readonly #insert: Statement
  readonly #remove: Statement
  readonly #merge: Statement
  readonly #mark: Statement
  readonly #unindexed: Statement
  readonly #newest: Statement
  readonly #found: Statement
  readonly #bySeq: Statement
  readonly #tailOfConversation: Statement
  #indexed: number

  constructor(database: Database, erased: Erased) {
    this.#database = database
    this.#erased = erased
    this.#insert = database.prepare('insert into message_index(rowid, conversation, words) values(?, ?, ?)')
    this.#remove = database.prepare(
      `insert into message_index(message_index, rowid, conversation, words) values('delete', ?, ?, ?)`,
    )
    this.#merge = database.prepare(`insert into message_index(message_index, rank) values('merge', ${PAGES_A_MERGE})`)
    this.#mark = database.prepare(`insert or replace into mark(name, value) values('indexed', ?)`)
    this.#unindexed = database.prepare('select seq, conversation, text from message where seq > ? order by seq limit ?')
    this.#newest = database.prepare(`select ${MESSAGE_COLUMNS} from message order by seq desc`)
    this.#found = database.prepare(
      `select ${MESSAGE_COLUMNS.split(', ').map((column) => `m.${column}`)} from message_index f cross join message m on m.seq = f.rowid
         where f.message_index match ?1 and f.rowid < ?2 order by f.rowid desc`,
    )
    this.#bySeq = database.prepare('select seq, conversation, text from message where seq = ?')
    this.#tailOfConversation = database.prepare(
      `select ${MESSAGE_COLUMNS} from message where seq > ?2 and conversation = ?1`,
    )
    this.#indexed = storedMark(database)
  }

  /** To be called before a row is put or removed. */
  leave(seq: number): void {
    if (seq > this.#indexed) return
    const row = this.#bySeq.get([seq], readIndexed)
    if (row !== undefined) this.#remove.run(...row)
  }

  /** To be called after a row was put: those behind the mark are indexed at once, which only a rewritten row is. */
  enter(row: MessageRow): void {
    if (row.seq <= this.#indexed) this.#insert.run(...indexed(row.seq, this.#erased.stored(row.conversation), row.text))
  }

  /** Indexes some rows and merges some pages, inside the caller's transaction; `true` if more is waiting. */
  step(): boolean {
    const rows = this.#unindexed.all([this.#indexed, ROWS_A_STEP], readIndexed)
    for (const row of rows) this.#insert.run(...row)
    const last = rows.at(-1)
    if (last !== undefined) {
      this.#indexed = last[0]
      this.#mark.run(this.#indexed)
    }
    const before = this.#database.totalChanges
    this.#merge.run()
    // "If fewer than two rows changed, there was nothing to merge" (FTS5, "The 'merge' command").
    return rows.length === ROWS_A_STEP || this.#database.totalChanges - before >= 2
  }

  /** Newest first over all conversations. */
  newest(wanted: Query, limit: number): readonly MessageRow[] {
    const found: MessageRow[] = []
    const take = (row: Row): boolean => {
      if (!this.#erased.holds(row) && matches(row.text(TEXT), wanted)) found.push(readMessage(row))
      return found.length < limit
    }
    let read = 0
    let lowest = Number.MAX_SAFE_INTEGER
    if (limit <= 0) return found
    this.#newest.each([], (row) => {
      lowest = row.number(0)
      return take(row) && (++read < NEWEST_READ || lowest > this.#indexed + 1)
    })
    if (found.length < limit) this.#found.each([everywhere(wanted, this.#erased.left), lowest], take)
    return found
  }

  /** Visits everything in a conversation (as it is stored) that holds what is looked for, in no particular order. */
  eachInConversation(conversation: number, wanted: Query, visit: (row: Row) => void): void {
    const take = (row: Row): boolean => {
      if (row.number(CONVERSATION) === conversation && matches(row.text(TEXT), wanted)) visit(row)
      return true
    }
    this.#tailOfConversation.each([conversation, this.#indexed], take)
    this.#found.each([within(wanted, conversation), this.#indexed + 1], take)
  }
}

function storedMark(database: Database): number {
  const value = database.run(`select value from mark where name = 'indexed'`)[0]
  return value === undefined ? 0 : Number(value)
}

type Indexed = readonly [seq: number, conversation: string, words: string]

function indexed(seq: number, conversation: number, text: string): Indexed {
  return [seq, String(conversation), [...new Set(words(text))].join(' ')]
}

function readIndexed(row: Row): Indexed {
  return indexed(row.number(0), row.number(1), row.text(2))
}

/**
 * The query in FTS5's syntax, over all conversations but those that still have to go: they may hold a word so often that
 * reading their rows would take long. Words are quoted, so that nothing a person types is ever syntax.
 */
function everywhere(wanted: Query, without: readonly number[]): string {
  if (without.length === 0) return inWords(wanted)
  return `${inWords(wanted)} NOT {conversation} : (${without.map((number) => quote(String(number))).join(' OR ')})`
}

function within(wanted: Query, conversation: number): string {
  return `{conversation} : ${quote(String(conversation))} AND ${inWords(wanted)}`
}

function inWords(wanted: Query): string {
  const terms = wanted.whole.map(quote)
  if (terms.length === 0 || wanted.prefix.length >= SHORTEST_PREFIX) terms.push(`${quote(wanted.prefix)} *`)
  return `{words} : (${terms.join(' AND ')})`
}

function quote(word: string): string {
  return `"${word.replaceAll('"', '""')}"`
}
