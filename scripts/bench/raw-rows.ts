/**
 * What has to be stored for one message and nothing more, by plain `node:sqlite`: the rows of our own schema, of the sizes that
 * a message of 256 B makes them, in three transactions (one before sending, one before acknowledging, one before telling).
 *
 * Holds: which rows change, their tables and indexes, the page size and the settings are ours, taken from a run of two nodes;
 * nothing is encrypted, encoded, decided or read. Our commits log 9, 12 and 8 pages, these 8, 9 and 5: it is a floor. Its SQLite
 * waits by `fsync`, ours by `fdatasync`; in a log that is written over, the two cost the same.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { SCHEMA } from '../../src/node/store/schema.ts'

/** Bytes of each frame, before padding. */
export const TEXT_FRAME_BYTES = 448
export const RECEIPT_FRAME_BYTES = 202
const STATE_BYTES = 745
const CONVERSATION_BYTES = 180
const DELIVERY_BYTES = 200
const TEXT = 'the quick brown fox jumps over the lazy dog, again and again; '.repeat(5).slice(0, 256)
const ACCOUNT = 'a'.repeat(52)
const DEVICE = 'd'.repeat(26)
const SESSION = 's'.repeat(26)

export class RawRows {
  readonly #database: DatabaseSync
  readonly #run: (sql: string, ...values: SQLInputValue[]) => void
  /** Numbers of messages, frames and events rise, and their places in the file with them. */
  #number = 0

  constructor(file: string) {
    const database = new DatabaseSync(file)
    database.exec(`pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full;
      pragma secure_delete = on; pragma cache_size = -16000; pragma wal_autocheckpoint = 4000`)
    for (const { statements } of SCHEMA) for (const statement of statements) database.exec(statement)
    const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>()
    this.#database = database
    this.#run = (sql, ...values) => {
      const statement = prepared.get(sql) ?? database.prepare(sql)
      prepared.set(sql, statement)
      statement.run(...values)
    }
  }

  /** The text, its place, the frame that goes out, and that it waits. */
  beforeSending(): void {
    this.#commit(() => {
      this.#message()
      this.#record('conversation', ACCOUNT, CONVERSATION_BYTES)
      this.#frame(TEXT_FRAME_BYTES)
      this.#record('delivery', DEVICE, DELIVERY_BYTES)
      this.#session()
      this.#event()
    })
  }

  /** The text, its place, that its frame was seen, and the receipt that goes out in the place of the last one. */
  beforeAcknowledging(): void {
    this.#commit(() => {
      this.#run('delete from frame where number = ?', this.#number)
      this.#record('delivery', DEVICE, DELIVERY_BYTES)
      this.#session()
      this.#message()
      this.#record('conversation', ACCOUNT, CONVERSATION_BYTES)
      this.#seen()
      this.#frame(RECEIPT_FRAME_BYTES)
      this.#event()
    })
  }

  /** That it was delivered; the frame goes. */
  beforeTelling(): void {
    this.#commit(() => {
      this.#session()
      this.#record('delivery', DEVICE, DELIVERY_BYTES)
      this.#seen()
      this.#run('delete from frame where number = ?', this.#number)
      this.#event()
    })
  }

  close(): void {
    this.#database.close()
  }

  #commit(write: () => void): void {
    this.#database.exec('begin immediate')
    write()
    this.#database.exec('commit')
  }

  #message(): void {
    const n = ++this.#number
    const values = [n, random(16), 1, 1, n, n, Date.now(), Date.now(), null, null, TEXT]
    this.#run('insert into message values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', ...values)
  }

  #record(kind: string, key: string, bytes: number): void {
    const put = 'insert into record values(?, ?, ?) on conflict(kind, key) do update set row = excluded.row'
    this.#run(put, kind, key, random(bytes))
  }

  #session(): void {
    const put =
      'insert into session values(?, ?, ?, ?, ?, ?) on conflict(key) do update set state = excluded.state, used_at = excluded.used_at'
    this.#run(put, SESSION, DEVICE, ACCOUNT, random(STATE_BYTES), 0, Date.now())
  }

  #frame(bytes: number): void {
    const put = 'insert into frame values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
    const n = this.#number
    this.#run(put, n, DEVICE, ACCOUNT, SESSION, random(bytes), random(16), n, n, `{"receipt":${n}}`, 0, 0)
  }

  #seen(): void {
    this.#run('insert into seen values(?, ?)', Buffer.from(random(16)).toString('hex').slice(0, 26), Date.now())
  }

  #event(): void {
    this.#run('insert into event(at, body) values(?, ?)', Date.now(), `{"t":"message","c":"${ACCOUNT}","a":1,"from":1}`)
  }
}

/** Ids are hashes: where in their index they go is not to be guessed. */
const random = (n: number): Uint8Array => crypto.getRandomValues(new Uint8Array(n))
