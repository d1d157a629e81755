/**
 * SQLite with Multiple Ciphers as WebAssembly: found in the package, checked against a pinned hash, compiled once,
 * and instantiated for each database, so that no two databases share memory.
 *
 * Holds: bytes that differ from the pinned ones are never compiled.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import createModule from '@journeyapps/wa-sqlite/dist/mc-wa-sqlite.mjs'
import { StoreError } from './store.ts'

/** Of `@journeyapps/wa-sqlite@2.0.6`, `dist/mc-wa-sqlite.wasm`: SQLite 3.53 with FTS5. */
export const WASM_SHA256 = 'd7032a56e5ad1309a6327d22c45253f8d406d6111713412146a779f3d9a12a5d'

/** Offsets into the module's memory, in bytes. */
export type Pointer = number

/** The methods that SQLite calls on a file system; 64-bit offsets come as two signed halves, the low one first. */
export interface Vfs {
  readonly name: string
  /** The longest file name that SQLite may pass, in bytes. */
  readonly mxPathname: number
  hasAsyncMethod(method: string): boolean
  xOpen(vfs: Pointer, name: Pointer, file: Pointer, flags: number, outFlags: Pointer): number
  xDelete(vfs: Pointer, name: Pointer, syncFolder: number): number
  xAccess(vfs: Pointer, name: Pointer, flags: number, out: Pointer): number
  xFullPathname(vfs: Pointer, name: Pointer, length: number, out: Pointer): number
  xRandomness(vfs: Pointer, length: number, out: Pointer): number
  xCurrentTimeInt64(vfs: Pointer, out: Pointer): number
  xGetLastError(vfs: Pointer, length: number, out: Pointer): number
  xClose(file: Pointer): number
  xRead(file: Pointer, out: Pointer, length: number, low: number, high: number): number
  xWrite(file: Pointer, from: Pointer, length: number, low: number, high: number): number
  xTruncate(file: Pointer, low: number, high: number): number
  xSync(file: Pointer, flags: number): number
  xFileSize(file: Pointer, out: Pointer): number
  xLock(file: Pointer, level: number): number
  xUnlock(file: Pointer, level: number): number
  xCheckReservedLock(file: Pointer, out: Pointer): number
  xFileControl(file: Pointer, operation: number, argument: Pointer): number
  xSectorSize(file: Pointer): number
  xDeviceCharacteristics(file: Pointer): number
}

/** The exports that the store uses, named as in the SQLite C interface. */
export interface Wasm {
  /** The module's memory: replaced by a new array whenever it grows. */
  readonly HEAPU8: Uint8Array<ArrayBuffer>
  _malloc(size: number): Pointer
  _free(pointer: Pointer): void
  vfs_register(vfs: Vfs, makeDefault: boolean): number
  _sqlite3_open_v2(name: Pointer, out: Pointer, flags: number, vfs: Pointer): number
  _sqlite3_close_v2(database: Pointer): number
  _sqlite3_extended_errcode(database: Pointer): number
  _sqlite3_errmsg(database: Pointer): Pointer
  _sqlite3_total_changes(database: Pointer): number
  _sqlite3_prepare_v2(database: Pointer, sql: Pointer, length: number, out: Pointer, tail: Pointer): number
  _sqlite3_bind_null(statement: Pointer, index: number): number
  _sqlite3_bind_int(statement: Pointer, index: number, value: number): number
  _sqlite3_bind_int64(statement: Pointer, index: number, low: number, high: number): number
  /** `destructor` 0: the bytes stay in place until the statement is reset. */
  _sqlite3_bind_text(statement: Pointer, index: number, text: Pointer, length: number, destructor: 0): number
  _sqlite3_bind_blob(statement: Pointer, index: number, bytes: Pointer, length: number, destructor: 0): number
  _sqlite3_step(statement: Pointer): number
  _sqlite3_reset(statement: Pointer): number
  _sqlite3_finalize(statement: Pointer): number
  _sqlite3_column_type(statement: Pointer, column: number): number
  _sqlite3_column_double(statement: Pointer, column: number): number
  _sqlite3_column_blob(statement: Pointer, column: number): Pointer
  _sqlite3_column_bytes(statement: Pointer, column: number): number
}

let compiled: Promise<WebAssembly.Module> | undefined

/** A fresh instance with its own memory. Rejects with a {@link StoreError} `io` where the package's bytes are not the pinned ones. */
export async function instantiate(): Promise<Wasm> {
  compiled ??= compile()
  const module = await compiled
  return new Promise((resolve, reject) => {
    const options = {
      instantiateWasm(imports: object, ready: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void) {
        WebAssembly.instantiate(module, imports).then((instance) => ready(instance, module), reject)
        return {}
      },
      // What goes wrong comes back as a result code; nothing is printed.
      print: () => {},
      printErr: () => {},
    }
    createModule(options).then((wasm) => resolve(wasm as Wasm), reject)
  })
}

async function compile(): Promise<WebAssembly.Module> {
  const path = fileURLToPath(import.meta.resolve('@journeyapps/wa-sqlite/dist/mc-wa-sqlite.wasm'))
  const bytes = readFileSync(path)
  checkPinned(bytes, path)
  return WebAssembly.compile(bytes)
}

/** Throws a {@link StoreError} `io` for bytes other than the pinned ones. */
export function checkPinned(bytes: Uint8Array, path: string): void {
  if (createHash('sha256').update(bytes).digest('hex') === WASM_SHA256) return
  throw new StoreError(
    'io',
    `The database program ${path} is not the one this version was made with: install tulnic again.`,
  )
}
