/**
 * A folder in memory that behaves as a disk does when things go wrong: it forgets what was not synced when the power is
 * cut, tears writes at sectors, fills up, turns read-only, reports errors and refuses to open.
 *
 * Holds: what is synced survives every cut; of the rest each write survives, is lost or is torn by the seeded `random`.
 */
import type { Files, Handle } from '../../../src/node/store/sqlite-files.ts'

const SECTOR = 512

type Pending = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number }

interface File {
  /** What reads see. */
  readonly seen: Growing
  /** What is certain to survive. */
  readonly kept: Growing
  pending: Pending[]
}

/** Bytes that grow at their end without being copied each time. */
class Growing {
  #room = new Uint8Array(0)
  length = 0

  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.length)
  }

  write(bytes: Uint8Array, at: number): void {
    if (at + bytes.length > this.length) this.resize(at + bytes.length)
    this.#room.set(bytes, at)
  }

  resize(size: number): void {
    if (size > this.#room.length) {
      const larger = new Uint8Array(size * 2)
      larger.set(this.bytes)
      this.#room = larger
    }
    this.#room.fill(0, Math.min(size, this.length), Math.max(size, this.length))
    this.length = size
  }
}

function apply(change: Pending, to: Growing): void {
  if ('size' in change) to.resize(change.size)
  else to.write(change.bytes, change.at)
}

function newFile(): File {
  return { seen: new Growing(), kept: new Growing(), pending: [] }
}

export interface FaultOptions {
  /** From 0 up to 1. */
  readonly random: () => number
  /** The control of the power-cut test: a disk that says "synced" and did nothing. */
  readonly syncDoesNothing?: boolean
}

/** Thrown by every operation once the power is cut. */
export class PowerCut extends Error {}

export class FaultFiles implements Files {
  readonly #random: () => number
  readonly #syncDoesNothing: boolean
  #files = new Map<string, File>()
  /** Names that the folder is certain to know after a cut. */
  #listed = new Map<string, File>()
  readonly #open = new Map<Handle, File>()
  #handles = 0
  /** Operations that change something until the power is cut. */
  operationsLeft = Number.POSITIVE_INFINITY
  /** Asked before each operation: an error code to fail with. */
  fault: (operation: 'open' | 'read' | 'write' | 'truncate' | 'sync' | 'remove', name: string) => string | undefined =
    () => undefined
  /** Bytes that all files may have together. */
  capacity = Number.POSITIVE_INFINITY

  constructor({ random, syncDoesNothing = false }: FaultOptions) {
    this.#random = random
    this.#syncDoesNothing = syncDoesNothing
  }

  /** The power comes back: what the disk then holds. */
  cut(): void {
    this.#open.clear()
    this.operationsLeft = Number.POSITIVE_INFINITY
    // A name that was not synced may be there or not.
    const files = new Map(this.#listed)
    for (const [name, file] of this.#files) if (this.#random() < 0.5) files.set(name, file)
    this.#files = files
    this.#listed = new Map(files)
    for (const file of files.values()) this.#settle(file)
  }

  /** The bytes of a file as it now is. */
  bytesOf(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.seen.bytes.slice()
  }

  names(): string[] {
    return [...this.#files.keys()]
  }

  put(name: string, bytes: Uint8Array): void {
    const file = newFile()
    file.seen.write(bytes, 0)
    file.kept.write(bytes, 0)
    this.#files.set(name, file)
    this.#listed.set(name, file)
  }

  open(name: string, create: boolean): { handle: Handle; made: boolean } {
    this.#fail('open', name)
    let file = this.#files.get(name)
    const made = file === undefined
    if (file === undefined) {
      if (!create) throw errno('ENOENT')
      file = newFile()
      this.#files.set(name, file)
    }
    this.#open.set(++this.#handles, file)
    return { handle: this.#handles, made }
  }

  close(handle: Handle): void {
    this.#open.delete(handle)
  }

  read(handle: Handle, into: Uint8Array, at: number): number {
    const file = this.#file(handle)
    this.#fail('read', this.#nameOf(file))
    const found = file.seen.bytes.subarray(at, at + into.length)
    into.set(found)
    return found.length
  }

  write(handle: Handle, from: Uint8Array, at: number): number {
    const file = this.#file(handle)
    this.#change('write', file)
    const room = this.capacity - this.#used() + file.seen.length
    const length = Math.min(from.length, Math.max(0, room - at))
    if (length === 0) throw errno('ENOSPC')
    const bytes = new Uint8Array(from.subarray(0, length))
    file.seen.write(bytes, at)
    file.pending.push({ at, bytes })
    return length
  }

  truncate(handle: Handle, size: number): void {
    const file = this.#file(handle)
    this.#change('truncate', file)
    file.seen.resize(size)
    file.pending.push({ size })
  }

  sync(handle: Handle): void {
    const file = this.#file(handle)
    this.#change('sync', file)
    if (this.#syncDoesNothing) return
    for (const change of file.pending) apply(change, file.kept)
    file.pending = []
  }

  syncFolder(): void {
    if (!this.#syncDoesNothing) this.#listed = new Map(this.#files)
  }

  size(handle: Handle): number {
    return this.#file(handle).seen.length
  }

  remove(name: string): void {
    const file = this.#files.get(name)
    if (file === undefined) return
    this.#change('remove', file)
    this.#files.delete(name)
  }

  exists(name: string): boolean {
    return this.#files.has(name)
  }

  sizeOf(name: string): number {
    return this.#files.get(name)?.seen.length ?? 0
  }

  /** Each write that was not synced survives, is lost, or survives only in some of its sectors. */
  #settle(file: File): void {
    for (const change of file.pending) {
      if (this.#random() < 0.5) continue
      if ('size' in change || this.#random() < 0.5) apply(change, file.kept)
      else this.#tear(change, file.kept)
    }
    file.pending = []
    file.seen.resize(0)
    file.seen.write(file.kept.bytes, 0)
  }

  #tear({ at, bytes }: { readonly at: number; readonly bytes: Uint8Array }, into: Growing): void {
    if (at + bytes.length > into.length) into.resize(at + bytes.length)
    for (let offset = 0; offset < bytes.length; offset += SECTOR) {
      if (this.#random() < 0.5) into.write(bytes.subarray(offset, offset + SECTOR), at + offset)
    }
  }

  #change(operation: 'write' | 'truncate' | 'sync' | 'remove', file: File): void {
    if (this.operationsLeft <= 0 || --this.operationsLeft <= 0) {
      this.operationsLeft = 0
      throw new PowerCut('the power is cut')
    }
    this.#fail(operation, this.#nameOf(file))
  }

  #fail(operation: Parameters<FaultFiles['fault']>[0], name: string): void {
    const code = this.fault(operation, name)
    if (code !== undefined) throw errno(code)
  }

  #file(handle: Handle): File {
    const file = this.#open.get(handle)
    if (file === undefined) throw errno('EBADF')
    return file
  }

  #nameOf(file: File): string {
    for (const [name, candidate] of this.#files) if (candidate === file) return name
    return '(removed)'
  }

  #used(): number {
    return [...this.#files.values()].reduce((sum, file) => sum + file.seen.length, 0)
  }
}

function errno(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: asked for by the test`), { code })
}
