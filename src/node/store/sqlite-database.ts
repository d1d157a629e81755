/**
 * A synchronous thin layer over SQLite's exports: a database, and prepared statements that bind and read plain values.
 *
 * The package's own interface yields to the event loop at every row, which costs more than the row.
 *
 * Holds: arguments are copied into one scratch area that stays in place until the statement is reset, so a statement
 * is always reset before the next one binds; rows are copied out of the module's memory before anything else runs.
 */
import { FileVfs } from './sqlite-vfs.ts'
import type { Files } from './sqlite-files.ts'
import { instantiate, type Pointer, type Wasm } from './sqlite-wasm.ts'

const OK = 0
const ROW = 100
const DONE = 101
const OPEN_READWRITE_CREATE = 0x6
const NULL = 5
const INT32_LIMIT = 2 ** 31

export type Value = number | string | Uint8Array | null

/** SQLite refused: `code` is its extended result code, `system` the system's error behind it. */
export class SqliteError extends Error {
  override name = 'SqliteError'
  readonly code: number
  readonly system: NodeJS.ErrnoException | undefined
  constructor(code: number, message: string, system: NodeJS.ErrnoException | undefined) {
    super(message)
    this.code = code
    this.system = system
  }
}

/** Reads the columns of the row that a statement stands on. */
export interface Row {
  number(column: number): number
  text(column: number): string
  /** A fresh copy. */
  bytes(column: number): Uint8Array
  isNull(column: number): boolean
}

export class Database {
  readonly #wasm: Wasm
  readonly #vfs: FileVfs
  readonly #statements: Statement[] = []
  readonly scratch: Scratch
  #pointer: Pointer = 0

  private constructor(wasm: Wasm, vfs: FileVfs) {
    this.#wasm = wasm
    this.#vfs = vfs
    this.scratch = new Scratch(wasm)
  }

  /** Opens or makes the file; nothing is read yet. Throws {@link SqliteError}. */
  static async open(files: Files, name: string): Promise<Database> {
    const wasm = await instantiate()
    const vfs = new FileVfs(wasm, files)
    wasm.vfs_register(vfs, false)
    const database = new Database(wasm, vfs)
    database.#connect(name)
    return database
  }

  /** Bytes in the write-ahead log since it last began anew. */
  get walBytes(): number {
    return this.#vfs.walBytes
  }

  /** Brings to the disk what transactions that did not wait for it have written. Throws {@link SqliteError}. */
  syncLog(): void {
    const code = this.#vfs.syncLog()
    if (code !== OK) this.fail(code)
  }

  /** Rows changed since the database was opened. */
  get totalChanges(): number {
    return this.#wasm._sqlite3_total_changes(this.#pointer)
  }

  /** Compiles one statement, which lives until the database is closed. */
  prepare(sql: string): Statement {
    const statement = this.#compile(sql)
    this.#statements.push(statement)
    return statement
  }

  /** Runs one statement and forgets it; answers its first column as text, row by row. */
  run(sql: string): readonly string[] {
    const statement = this.#compile(sql)
    try {
      return statement.all([], (row) => row.text(0))
    } finally {
      statement.finalize()
    }
  }

  /** Runs one statement whose text is a secret: the bytes are zeroed in the module's memory. */
  runSecret(sql: string): void {
    try {
      this.run(sql)
    } finally {
      this.scratch.erase()
    }
  }

  /** Closes, whatever state it is in. SQLite moves the log into the database where it can. */
  close(): void {
    for (const statement of this.#statements) statement.finalize()
    this.#statements.length = 0
    if (this.#pointer !== 0) this.#wasm._sqlite3_close_v2(this.#pointer)
    this.#pointer = 0
    this.#vfs.closeAll()
  }

  /** Throws what SQLite says about a result code. */
  fail(code: number): never {
    const detail = this.#pointer === 0 ? 0 : this.#wasm._sqlite3_extended_errcode(this.#pointer)
    const message =
      this.#pointer === 0 ? 'out of memory' : this.scratch.textAt(this.#wasm._sqlite3_errmsg(this.#pointer))
    throw new SqliteError((detail & 0xff) === (code & 0xff) ? detail : code, message, this.#vfs.takeFailure())
  }

  #connect(name: string): void {
    const { scratch } = this
    scratch.begin()
    const out = scratch.reserve(8)
    const code = this.#wasm._sqlite3_open_v2(
      scratch.putText(`${name}\0`).at,
      out,
      OPEN_READWRITE_CREATE,
      scratch.putText('multipleciphers-tulnic\0').at,
    )
    this.#pointer = scratch.pointerAt(out)
    if (code === OK) return
    try {
      this.fail(code)
    } finally {
      this.close()
    }
  }

  #compile(sql: string): Statement {
    const { scratch } = this
    scratch.begin()
    const out = scratch.reserve(8)
    const text = scratch.putText(sql)
    const code = this.#wasm._sqlite3_prepare_v2(this.#pointer, text.at, text.length, out, 0)
    const pointer = scratch.pointerAt(out)
    if (code !== OK || pointer === 0) this.fail(code)
    return new Statement(this.#wasm, this, pointer)
  }
}

/** One prepared statement. Every method throws {@link SqliteError}, and leaves it reset. */
export class Statement {
  readonly #wasm: Wasm
  readonly #database: Database
  readonly #row: Row
  readonly #pointer: Pointer

  constructor(wasm: Wasm, database: Database, pointer: Pointer) {
    const { scratch } = database
    this.#wasm = wasm
    this.#database = database
    this.#pointer = pointer
    this.#row = {
      number: (column) => wasm._sqlite3_column_double(pointer, column),
      text(column) {
        const at = wasm._sqlite3_column_blob(pointer, column)
        return scratch.textFrom(at, wasm._sqlite3_column_bytes(pointer, column))
      },
      bytes(column) {
        const at = wasm._sqlite3_column_blob(pointer, column)
        return wasm.HEAPU8.slice(at, at + wasm._sqlite3_column_bytes(pointer, column))
      },
      isNull: (column) => wasm._sqlite3_column_type(pointer, column) === NULL,
    }
  }

  /** Runs to the end; rows are passed over. */
  run(...values: readonly Value[]): void {
    this.#bind(values)
    let code = ROW
    while (code === ROW) code = this.#wasm._sqlite3_step(this.#pointer)
    this.#end(code)
  }

  /** The first row, or `undefined`. */
  get<T>(values: readonly Value[], read: (row: Row) => T): T | undefined {
    this.#bind(values)
    const code = this.#wasm._sqlite3_step(this.#pointer)
    const found = code === ROW ? this.#read(read) : undefined
    this.#end(code === ROW ? DONE : code)
    return found
  }

  /** Every row. */
  all<T>(values: readonly Value[], read: (row: Row) => T): T[] {
    const rows: T[] = []
    this.each(values, (row) => {
      rows.push(read(row))
      return true
    })
    return rows
  }

  /** Row after row until `visit` answers `false`; `visit` must not use the database. */
  each(values: readonly Value[], visit: (row: Row) => boolean): void {
    this.#bind(values)
    let code = this.#wasm._sqlite3_step(this.#pointer)
    while (code === ROW && this.#read(visit)) code = this.#wasm._sqlite3_step(this.#pointer)
    this.#end(code === ROW ? DONE : code)
  }

  finalize(): void {
    this.#wasm._sqlite3_finalize(this.#pointer)
  }

  #read<T>(read: (row: Row) => T): T {
    try {
      return read(this.#row)
    } catch (error) {
      this.#wasm._sqlite3_reset(this.#pointer)
      throw error
    }
  }

  #end(code: number): void {
    if (code === DONE) {
      this.#wasm._sqlite3_reset(this.#pointer)
      return
    }
    try {
      this.#database.fail(code)
    } finally {
      this.#wasm._sqlite3_reset(this.#pointer)
    }
  }

  #bind(values: readonly Value[]): void {
    this.#database.scratch.begin(values)
    for (let i = 0; i < values.length; i++) {
      const code = this.#bindOne(i + 1, values[i] ?? null)
      if (code !== OK) this.#database.fail(code)
    }
  }

  #bindOne(index: number, value: Value): number {
    const wasm = this.#wasm
    if (value === null) return wasm._sqlite3_bind_null(this.#pointer, index)
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no safe integer`)
      if (value < INT32_LIMIT && value >= -INT32_LIMIT) return wasm._sqlite3_bind_int(this.#pointer, index, value)
      return wasm._sqlite3_bind_int64(this.#pointer, index, value | 0, Math.floor(value / 0x1_0000_0000))
    }
    const { scratch } = this.#database
    if (typeof value === 'string') {
      const { at, length } = scratch.putText(value)
      return wasm._sqlite3_bind_text(this.#pointer, index, at, length, 0)
    }
    return wasm._sqlite3_bind_blob(this.#pointer, index, scratch.putBytes(value), value.length, 0)
  }
}

/** A piece of the module's memory into which arguments are written, one after another. */
class Scratch {
  readonly #wasm: Wasm
  #at: Pointer
  #size = 1 << 16
  #used = 0
  #view: Buffer

  constructor(wasm: Wasm) {
    this.#wasm = wasm
    this.#at = wasm._malloc(this.#size)
    this.#view = Buffer.from(wasm.HEAPU8.buffer)
  }

  /** Starts anew, with room for these values. */
  begin(values: readonly Value[] = []): void {
    this.#used = 0
    let need = 0
    for (const value of values) {
      // UTF-8 needs at most three bytes for a UTF-16 unit.
      if (typeof value === 'string') need += value.length * 3 + 8
      else if (typeof value === 'object' && value !== null) need += value.length + 8
    }
    if (need > this.#size) this.#grow(need)
  }

  reserve(length: number): Pointer {
    if (this.#used + length > this.#size) this.#grow(this.#used + length)
    const at = this.#at + this.#used
    this.#used += (length + 7) & ~7
    return at
  }

  putText(text: string): { readonly at: Pointer; readonly length: number } {
    const at = this.reserve(text.length * 3)
    const length = this.#memory().write(text, at, 'utf8')
    this.#used = (at - this.#at + length + 7) & ~7
    return { at, length }
  }

  putBytes(bytes: Uint8Array): Pointer {
    const at = this.reserve(bytes.length)
    this.#wasm.HEAPU8.set(bytes, at)
    return at
  }

  pointerAt(at: Pointer): Pointer {
    return this.#memory().readUInt32LE(at)
  }

  textFrom(at: Pointer, length: number): string {
    return this.#memory().toString('utf8', at, at + length)
  }

  /** Text that ends with a zero byte. */
  textAt(at: Pointer): string {
    return this.textFrom(at, this.#wasm.HEAPU8.indexOf(0, at) - at)
  }

  erase(): void {
    this.#wasm.HEAPU8.fill(0, this.#at, this.#at + this.#size)
  }

  #grow(size: number): void {
    if (this.#used > 0) throw new RangeError('the scratch area is too small')
    this.#wasm._free(this.#at)
    this.#size = size * 2
    this.#at = this.#wasm._malloc(this.#size)
    if (this.#at === 0) throw new RangeError('out of memory')
  }

  #memory(): Buffer {
    const { buffer } = this.#wasm.HEAPU8
    if (this.#view.buffer !== buffer) this.#view = Buffer.from(buffer)
    return this.#view
  }
}
