/**
 * SQLite's file system over {@link Files}: translates calls and result codes, and remembers why something failed.
 *
 * Holds: what was written is with the system before a sync, a size or an overlapping read is answered; SQLite sees only result codes, so the first system error since it was last asked for is kept for the
 * sentence that people read; nothing is ever opened without a name, so no temporary file leaves the memory.
 */
import { randomFillSync } from 'node:crypto'
import type { Files, Handle } from './sqlite-files.ts'
import type { Pointer, Vfs, Wasm } from './sqlite-wasm.ts'

const OK = 0
const NOTFOUND = 12
const FULL = 13
const CANTOPEN = 14
const IOERR_READ = 266
const IOERR_SHORT_READ = 522
const IOERR_WRITE = 778
const IOERR_FSYNC = 1034
const IOERR_TRUNCATE = 1546
const IOERR_FSTAT = 1802
const IOERR_DELETE = 2570
const OPEN_CREATE = 0x4
/** Overwriting a part of a sector harms no neighbouring bytes: what SQLite assumes of every disk by default. */
const IOCAP_POWERSAFE_OVERWRITE = 0x1000
/** Milliseconds from the Julian epoch to 1970. */
const UNIX_EPOCH = 210_866_760_000_000n

/** The log is written in many small pieces one after another: they are gathered up to this size. */
const GATHERED_BYTES = 1 << 18

interface OpenFile {
  readonly handle: Handle
  readonly isLog: boolean
  /** The folder does not durably know the file yet. */
  unlisted: boolean
  /** Something was written since the last sync. */
  unsynced: boolean
}

export class FileVfs implements Vfs {
  readonly name = 'tulnic'
  readonly mxPathname = 64
  readonly #wasm: Wasm
  readonly #files: Files
  readonly #open = new Map<Pointer, OpenFile>()
  #failure: NodeJS.ErrnoException | undefined
  /** Bytes written to the write-ahead log since it last began anew. */
  walBytes = 0
  /** Pieces of the log that follow each other and are not yet given to the system. */
  readonly #gathered = new Uint8Array(GATHERED_BYTES)
  #gatheredAt = 0
  #gatheredBytes = 0

  constructor(wasm: Wasm, files: Files) {
    this.#wasm = wasm
    this.#files = files
  }

  /** The first system error since the last call. */
  takeFailure(): NodeJS.ErrnoException | undefined {
    const failure = this.#failure
    this.#failure = undefined
    return failure
  }

  /** Brings to the disk what was written to the log since its last sync, if anything was; answers a result code. */
  syncLog(): number {
    return this.#attempt(IOERR_FSYNC, () => {
      for (const open of this.#open.values()) if (open.isLog && open.unsynced) this.#sync(open)
    })
  }

  /** Closes what SQLite left open after a failure. */
  closeAll(): void {
    for (const file of [...this.#open.keys()]) this.xClose(file)
  }

  hasAsyncMethod(): boolean {
    return false
  }

  xOpen(_vfs: Pointer, name: Pointer, file: Pointer, flags: number, outFlags: Pointer): number {
    if (name === 0) return CANTOPEN
    return this.#attempt(CANTOPEN, () => {
      const text = this.#text(name)
      const { handle, made } = this.#files.open(text, (flags & OPEN_CREATE) !== 0)
      this.#open.set(file, { handle, isLog: text.endsWith('-wal'), unlisted: made, unsynced: false })
      if (outFlags !== 0) this.#view(outFlags, 4).setInt32(0, flags, true)
    })
  }

  xClose(file: Pointer): number {
    const open = this.#open.get(file)
    if (open === undefined) return OK
    const code = this.#attempt(IOERR_WRITE, () => this.#flush(open))
    this.#open.delete(file)
    this.#attempt(OK, () => this.#files.close(open.handle))
    return code
  }

  xRead(file: Pointer, out: Pointer, length: number, low: number, high: number): number {
    return this.#attempt(IOERR_READ, () => {
      const into = this.#bytes(out, length)
      const open = this.#opened(file)
      const at = offset(low, high)
      if (at < this.#gatheredAt + this.#gatheredBytes && at + length > this.#gatheredAt) this.#flush(open)
      const read = this.#files.read(open.handle, into, at)
      if (read === length) return OK
      into.fill(0, read)
      return IOERR_SHORT_READ
    })
  }

  xWrite(file: Pointer, from: Pointer, length: number, low: number, high: number): number {
    return this.#attempt(IOERR_WRITE, () => {
      const open = this.#opened(file)
      const at = offset(low, high)
      if (!open.isLog) return this.#write(open.handle, this.#bytes(from, length), at)
      this.walBytes = at + length
      open.unsynced = true
      return this.#gather(open, this.#bytes(from, length), at)
    })
  }

  xTruncate(file: Pointer, low: number, high: number): number {
    return this.#attempt(IOERR_TRUNCATE, () => this.#files.truncate(this.#flushed(file).handle, offset(low, high)))
  }

  xSync(file: Pointer): number {
    return this.#attempt(IOERR_FSYNC, () => this.#sync(this.#opened(file)))
  }

  xFileSize(file: Pointer, out: Pointer): number {
    return this.#attempt(IOERR_FSTAT, () => {
      this.#view(out, 8).setBigInt64(0, BigInt(this.#files.size(this.#flushed(file).handle)), true)
    })
  }

  xDelete(_vfs: Pointer, name: Pointer, syncFolder: number): number {
    return this.#attempt(IOERR_DELETE, () => {
      this.#files.remove(this.#text(name))
      if (syncFolder !== 0) this.#files.syncFolder()
    })
  }

  xAccess(_vfs: Pointer, name: Pointer, _flags: number, out: Pointer): number {
    this.#view(out, 4).setInt32(0, this.#files.exists(this.#text(name)) ? 1 : 0, true)
    return OK
  }

  xFullPathname(_vfs: Pointer, name: Pointer, length: number, out: Pointer): number {
    const bytes = Buffer.from(`${this.#text(name)}\0`)
    if (bytes.length > length) return CANTOPEN
    this.#wasm.HEAPU8.set(bytes, out)
    return OK
  }

  xRandomness(_vfs: Pointer, length: number, out: Pointer): number {
    randomFillSync(this.#bytes(out, length))
    return length
  }

  xCurrentTimeInt64(_vfs: Pointer, out: Pointer): number {
    this.#view(out, 8).setBigInt64(0, UNIX_EPOCH + BigInt(Date.now()), true)
    return OK
  }

  xGetLastError(): number {
    return OK
  }

  // The profile's lock is the node's; within one process one connection has the file for itself.
  xLock(): number {
    return OK
  }

  xUnlock(): number {
    return OK
  }

  xCheckReservedLock(_file: Pointer, out: Pointer): number {
    this.#view(out, 4).setInt32(0, 0, true)
    return OK
  }

  xFileControl(): number {
    return NOTFOUND
  }

  xSectorSize(): number {
    return 4096
  }

  xDeviceCharacteristics(): number {
    return IOCAP_POWERSAFE_OVERWRITE
  }

  /** The result code that `operation` answers, {@link OK} where it answers none; `code` where it throws. */
  #attempt(code: number, operation: () => unknown): number {
    try {
      const answer = operation()
      return typeof answer === 'number' ? answer : OK
    } catch (error) {
      const failure = error as NodeJS.ErrnoException
      this.#failure ??= failure
      return failure.code === 'ENOSPC' || failure.code === 'EDQUOT' ? FULL : code
    }
  }

  #opened(file: Pointer): OpenFile {
    const open = this.#open.get(file)
    if (open === undefined) throw new Error('the file is not open')
    return open
  }

  #flushed(file: Pointer): OpenFile {
    const open = this.#opened(file)
    this.#flush(open)
    return open
  }

  #sync(open: OpenFile): void {
    this.#flush(open)
    this.#files.sync(open.handle)
    open.unsynced = false
    if (open.unlisted) this.#files.syncFolder()
    open.unlisted = false
  }

  #gather(open: OpenFile, bytes: Uint8Array, at: number): number {
    const follows = at === this.#gatheredAt + this.#gatheredBytes
    if (!follows || this.#gatheredBytes + bytes.length > GATHERED_BYTES) this.#flush(open)
    if (bytes.length > GATHERED_BYTES) return this.#write(open.handle, bytes, at)
    if (this.#gatheredBytes === 0) this.#gatheredAt = at
    this.#gathered.set(bytes, this.#gatheredBytes)
    this.#gatheredBytes += bytes.length
    return OK
  }

  /** Gives the gathered pieces of the log to the system; throws where it takes only a part of them. */
  #flush(open: OpenFile): void {
    if (!open.isLog || this.#gatheredBytes === 0) return
    const bytes = this.#gathered.subarray(0, this.#gatheredBytes)
    this.#gatheredBytes = 0
    if (this.#write(open.handle, bytes, this.#gatheredAt) !== OK) throw new NothingWritten()
  }

  /** A short write is the disk's way to say that it is nearly full: the next try names the error. */
  #write(handle: Handle, bytes: Uint8Array, at: number): number {
    for (let written = 0; written < bytes.length; ) {
      const step = this.#files.write(handle, bytes.subarray(written), at + written)
      if (step <= 0) return FULL
      written += step
    }
    return OK
  }

  #bytes(at: Pointer, length: number): Uint8Array<ArrayBuffer> {
    return this.#wasm.HEAPU8.subarray(at, at + length)
  }

  #view(at: Pointer, length: number): DataView {
    return new DataView(this.#wasm.HEAPU8.buffer, at, length)
  }

  #text(at: Pointer): string {
    const { HEAPU8 } = this.#wasm
    return Buffer.from(HEAPU8.buffer, at, HEAPU8.indexOf(0, at) - at).toString()
  }
}

/** The system took no more bytes and gave no reason: what it does on some full disks. */
class NothingWritten extends Error {
  readonly code = 'ENOSPC'
}

function offset(low: number, high: number): number {
  return high * 0x1_0000_0000 + (low >>> 0)
}
