/**
 * The store in one encrypted SQLite file (ChaCha20-Poly1305 for each page), with a write-ahead log beside it.
 *
 * Everything runs synchronously inside the call: a point read takes microseconds, a commit as long as its fsync.
 *
 * Holds: a commit is one transaction, and the log is synced after it where it has to be on the disk at once; after the first failure
 * of the disk every call throws that failure, and the file is opened anew to go on.
 */
import type { EventRow, Key, LetterRow, MessageRow, TableName, Tables, Write } from './records.ts'
import type { Database, Row } from './sqlite-database.ts'
import { Erased } from './sqlite-erased.ts'
import { ErasedSweep } from './sqlite-sweep.ts'
import { storeError } from './sqlite-failures.ts'
import type { Files } from './sqlite-files.ts'
import { FILES, openDatabase, PAGE_BYTES, removeDatabase, type SqliteOptions } from './sqlite-opening.ts'
import { SearchIndex } from './sqlite-search.ts'
import { SeenSweep } from './sqlite-seen.ts'
import {
  MESSAGE_COLUMNS,
  readMessage,
  tables,
  type AllTables,
  type Listed,
  type ListedTable,
  type ListedTables,
  type Table,
} from './sqlite-tables.ts'
import type { Durability, LettersOf, StoreError, HistoryQuery, Place, Store } from './store.ts'
import { matches, query, type Query } from './words.ts'

/**
 * Housekeeping moves the log into the database from this size on. At SQLite's own 1000 pages, message ids, which fall
 * on pages at random, cost a third more time and one message in a hundred meets the move; at 4000 one in four hundred.
 */
const CHECKPOINT_BYTES = 4000 * PAGE_BYTES
/** Messages of a conversation read one by one before its search asks the index. */
const WALKED = 1000

/** Makes the database in place of any that is there. */
export async function makeSqlite(options: Omit<SqliteOptions, 'existing'>): Promise<Store> {
  removeDatabase(options)
  return openSqlite(options)
}

/** Opens the database, or makes it. Rejects with a {@link StoreError}, and then nothing was changed. */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const database = await openDatabase(options)
  try {
    return new SqliteStore(database, options.files, options.path)
  } catch (error) {
    database.close()
    throw storeError(error, options.path) ?? error
  }
}

/** The tables whose numbers the engine draws. */
const NUMBERED = { message: 'seq', event: 'number', frame: 'number' } as const
type Numbered = keyof typeof NUMBERED
/** Those whose numbers go on rising once rows are gone, and the mark that remembers the greatest. */
const RISING = { message: 'last message', event: 'last event' } as const
type Rising = keyof typeof RISING

class SqliteStore implements Store {
  readonly #database: Database
  readonly #files: Files
  readonly #path: string
  readonly #tables: AllTables
  readonly #listed: ListedTables
  readonly #erased: Erased
  readonly #index: SearchIndex
  readonly #sweep: ErasedSweep
  readonly #seen: SeenSweep
  readonly #statements: ReturnType<typeof prepareAll>
  #last: Record<Numbered, number>
  /** The log's size when it was last moved into the database. */
  #checkpointed = 0
  #failed: StoreError | undefined
  #closed = false

  constructor(database: Database, files: Files, path: string) {
    this.#database = database
    this.#files = files
    this.#path = path
    this.#erased = new Erased(database)
    const { each, listed } = tables(database, this.#erased)
    this.#tables = each
    this.#listed = listed
    this.#index = new SearchIndex(database, this.#erased)
    this.#sweep = new ErasedSweep(database, this.#erased, this.#index)
    this.#seen = new SeenSweep(database)
    this.#statements = prepareAll(database)
    this.#last = this.#storedLast()
  }

  read(keys: readonly Key[]): readonly (Tables[TableName] | undefined)[] {
    return this.#guarded(() => keys.map(({ table, key }) => this.#tables[table].get(key)))
  }

  async all<T extends Listed>(table: T): Promise<readonly { readonly key: string; readonly row: Tables[T] }[]> {
    const listed: ListedTable<Tables[T]> = this.#listed[table]
    return this.#guarded(() => listed.all())
  }

  async commit(writes: readonly Write[], durability: Durability = 'now'): Promise<void> {
    this.#guarded(() => {
      this.#transaction(() => this.#applyAll(writes))
      if (durability === 'now') this.#database.syncLog()
    })
  }

  async last(): Promise<{ readonly message: number; readonly event: number; readonly frame: number }> {
    return this.#guarded(() => ({ ...this.#last }))
  }

  async history(asked: HistoryQuery): Promise<readonly MessageRow[]> {
    return this.#guarded(() => {
      if (asked.search === null) return this.#page(asked)
      const wanted = query(asked.search)
      return wanted === null ? [] : this.#searchConversation(asked, wanted)
    })
  }

  async historyAfter(conversation: number, after: Place, limit: number): Promise<readonly MessageRow[]> {
    return this.#guarded(() =>
      this.#statements.pageAfter.all(
        [this.#erased.stored(conversation), after.lamport, after.author, after.counter, limit],
        readMessage,
      ),
    )
  }

  async search(text: string, limit: number): Promise<readonly MessageRow[]> {
    const wanted = query(text)
    return this.#guarded(() => (wanted === null ? [] : this.#index.newest(wanted, limit)))
  }

  async messageBySeq(seq: number): Promise<MessageRow | undefined> {
    return this.#guarded(() =>
      this.#statements.bySeq.get([seq], (row) => (this.#erased.holds(row) ? undefined : readMessage(row))),
    )
  }

  async byCounter(
    conversation: number,
    author: number,
    from: number,
    to: number,
    limit: number,
  ): Promise<readonly MessageRow[]> {
    return this.#guarded(() =>
      this.#statements.byCounter.all([this.#erased.stored(conversation), author, from, to, limit], readMessage),
    )
  }

  letters(of: LettersOf, limit: number): readonly LetterRow[] {
    return this.#guarded(() => this.#tables.letter.some(of, limit))
  }

  async events(after: number, limit: number): Promise<readonly { readonly number: number; readonly row: EventRow }[]> {
    return this.#guarded(() =>
      this.#statements.events.all([after, limit], (row) => ({
        number: row.number(0),
        row: { at: row.number(1), body: row.text(2) },
      })),
    )
  }

  async tidy(): Promise<boolean> {
    // One of them at a time: whoever waits meanwhile waits for one.
    return this.#guarded(() => this.#checkpoint() || this.#houseStep())
  }

  async bytes(): Promise<number> {
    return this.#guarded(() => FILES.reduce((sum, name) => sum + this.#files.sizeOf(name), 0))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#database.close()
  }

  /** What is lost with a crash is done again: so these transactions do not wait for the disk. */
  #houseStep(): boolean {
    // Each of them does its piece, whatever the others have left.
    return this.#transaction(() => [this.#sweep.step(), this.#index.step(), this.#seen.step()].includes(true))
  }

  #checkpoint(): boolean {
    const { walBytes } = this.#database
    if (walBytes < CHECKPOINT_BYTES || walBytes === this.#checkpointed) return false
    this.#database.run('pragma wal_checkpoint(passive)')
    this.#checkpointed = walBytes
    return true
  }

  #guarded<T>(work: () => T): T {
    if (this.#closed) throw new Error('the store is closed')
    if (this.#failed !== undefined) throw this.#failed
    try {
      return work()
    } catch (error) {
      this.#failed = storeError(error, this.#path)
      throw this.#failed ?? error
    }
  }

  #transaction<T>(work: () => T): T {
    const last = { ...this.#last }
    const erased = this.#erased.state
    this.#statements.begin.run()
    try {
      const result = work()
      this.#statements.commit.run()
      return result
    } catch (error) {
      this.#last = last
      this.#erased.state = erased
      this.#takeBack()
      throw error
    }
  }

  #takeBack(): void {
    try {
      this.#statements.rollback.run()
    } catch {
      // After some failures SQLite has already taken the transaction back.
    }
  }

  #applyAll(writes: readonly Write[]): void {
    const removed = new Set<Rising>()
    for (const write of writes) {
      this.#apply(write)
      const table = removedFrom(write)
      if (table !== undefined) removed.add(table)
    }
    for (const table of removed) this.#statements.rememberLast.run(RISING[table], this.#last[table])
  }

  #apply(write: Write): void {
    const { trimSkipped, dropChain, forgetSkipped, forgetEvents } = this.#statements
    switch (write.op) {
      case 'put':
        return this.#put(write)
      case 'delete':
        return this.#delete(write.table, write.key)
      case 'trim-skipped':
        return trimSkipped.run(write.session, write.keep)
      case 'drop-chain':
        return dropChain.run(write.session, write.chain)
      case 'forget':
        return write.table === 'seen' ? this.#seen.begin(write.before) : forgetSkipped.run(write.before)
      case 'forget-events':
        return forgetEvents.run(write.before, write.now)
      case 'set-tokens':
        return this.#tables.token.set(write.box, write.hashes)
      case 'erase-conversation':
        return this.#erased.erase(write.conversation)
    }
  }

  #put(write: Extract<Write, { op: 'put' }>): void {
    if (write.table === 'message') {
      this.#sweep.makeRoom(write.row)
      this.#index.leave(write.row.seq)
      this.#tables.message.put(write.key, write.row)
      this.#index.enter(write.row)
      this.#last.message = Math.max(this.#last.message, write.row.seq)
      return
    }
    const table: Table<Tables[TableName]> = this.#tables[write.table]
    table.put(write.key, write.row)
    if (write.table === 'event' || write.table === 'frame')
      this.#last[write.table] = Math.max(this.#last[write.table], Number(write.key))
  }

  #delete(table: TableName, key: string): void {
    if (table === 'message') {
      const row = this.#tables.message.get(key)
      if (row === undefined) return
      this.#index.leave(row.seq)
    }
    this.#tables[table].delete(key)
  }

  #storedLast(): Record<Numbered, number> {
    const number = (sql: string): number => Number(this.#database.run(sql)[0] ?? 0)
    const there = (table: Numbered): number =>
      number(`select cast(coalesce(max(${NUMBERED[table]}), 0) as text) from ${table}`)
    const ever = (table: Rising): number =>
      Math.max(there(table), number(`select cast(value as text) from mark where name = '${RISING[table]}'`))
    return { message: ever('message'), event: ever('event'), frame: there('frame') }
  }

  #page({ conversation, limit, before }: HistoryQuery): readonly MessageRow[] {
    const rows: MessageRow[] = []
    this.#eachNewestFirst(conversation, before, (row) => {
      if (rows.length < limit) rows.push(readMessage(row))
      return rows.length < limit
    })
    return rows
  }

  #eachNewestFirst(conversation: number, before: HistoryQuery['before'], visit: (row: Row) => boolean): void {
    const { page, pageBefore } = this.#statements
    const stored = this.#erased.stored(conversation)
    if (before === null) page.each([stored], visit)
    else pageBefore.each([stored, before.lamport, before.author, before.counter], visit)
  }

  /** The newest are read one by one; if that is not enough, all the rest that the index knows is put in order. */
  #searchConversation({ conversation, limit, before }: HistoryQuery, wanted: Query): readonly MessageRow[] {
    const found: MessageRow[] = []
    let walked = 0
    let place = before
    this.#eachNewestFirst(conversation, before, (row) => {
      place = { lamport: row.number(5), author: row.number(3), counter: row.number(4) }
      if (matches(row.text(10), wanted)) found.push(readMessage(row))
      return found.length < limit && ++walked < WALKED
    })
    if (found.length >= limit || walked < WALKED || place === null) return found.slice(0, limit)
    const rest: MessageRow[] = []
    const end = place
    this.#index.eachInConversation(conversation, wanted, (row) => {
      if (isBefore(row, end)) rest.push(readMessage(row))
    })
    return [...found, ...rest.sort(newestFirst)].slice(0, limit)
  }
}

/** Where rows with the greatest numbers may go. */
function removedFrom(write: Write): Rising | undefined {
  if (write.op === 'erase-conversation') return 'message'
  if (write.op === 'forget-events') return 'event'
  return write.op === 'delete' && (write.table === 'message' || write.table === 'event') ? write.table : undefined
}

function isBefore(row: Row, place: NonNullable<HistoryQuery['before']>): boolean {
  return (row.number(5) - place.lamport || row.number(3) - place.author || row.number(4) - place.counter) < 0
}

function newestFirst(a: MessageRow, b: MessageRow): number {
  return b.lamport - a.lamport || b.author - a.author || b.counter - a.counter || b.seq - a.seq
}

function prepareAll(database: Database) {
  const order = 'order by lamport desc, author desc, counter desc, seq desc'
  return {
    begin: database.prepare('begin immediate'),
    commit: database.prepare('commit'),
    rollback: database.prepare('rollback'),
    trimSkipped: database.prepare(
      `delete from skipped where session = ?1 and (chain, number) in (select chain, number from skipped where session = ?1
         order by at, number, chain limit max(0, (select count(*) from skipped where session = ?1) - ?2))`,
    ),
    dropChain: database.prepare('delete from skipped where session = ? and chain = ?'),
    forgetSkipped: database.prepare('delete from skipped where at < ?'),
    forgetEvents: database.prepare(
      `delete from event where number <
         coalesce((select number from event where at between ?1 and ?2 order by number limit 1), ${Number.MAX_SAFE_INTEGER})`,
    ),
    rememberLast: database.prepare(
      'insert into mark(name, value) values(?1, ?2) on conflict(name) do update set value = ?2 where value < ?2',
    ),
    bySeq: database.prepare(`select ${MESSAGE_COLUMNS} from message where seq = ?`),
    byCounter: database.prepare(
      `select ${MESSAGE_COLUMNS} from message where conversation = ? and author = ? and counter between ? and ? order by counter, seq limit ?`,
    ),
    events: database.prepare('select number, at, body from event where number > ? order by number limit ?'),
    page: database.prepare(`select ${MESSAGE_COLUMNS} from message where conversation = ?1 ${order}`),
    pageBefore: database.prepare(
      `select ${MESSAGE_COLUMNS} from message where conversation = ?1 and (lamport, author, counter) < (?2, ?3, ?4) ${order}`,
    ),
    pageAfter: database.prepare(
      `select ${MESSAGE_COLUMNS} from message where conversation = ?1 and (lamport, author, counter) > (?2, ?3, ?4)
         order by lamport, author, counter, seq limit ?5`,
    ),
  }
}
