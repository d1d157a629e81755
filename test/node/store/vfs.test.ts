/** What SQLite may count on between a write and the sync after it. */
import { expect, test } from 'vitest'
import { FileVfs } from '../../../src/node/store/sqlite-vfs.ts'
import type { Wasm } from '../../../src/node/store/sqlite-wasm.ts'
import { FaultFiles } from './fault-files.ts'

const OK = 0
const SHORT_READ = 522
const CREATE = 0x4
/** Addresses in the memory that stands for SQLite's: a name, an open file, what goes out and what comes back. */
const NAME = 16
const FILE = 64
const OUT = 1024
const IN = 600_000

function logFile() {
  const memory = new Uint8Array(1 << 20)
  memory.set(new TextEncoder().encode('profile.db-wal\0'), NAME)
  const files = new FaultFiles({ random: () => 0 })
  const vfs = new FileVfs({ HEAPU8: memory } as unknown as Wasm, files)
  expect(vfs.xOpen(0, NAME, FILE, CREATE, 0)).toBe(OK)
  const write = (at: number, ...bytes: number[]): void => {
    memory.set(bytes, OUT)
    expect(vfs.xWrite(FILE, OUT, bytes.length, at, 0)).toBe(OK)
  }
  const read = (at: number, length: number): number[] => {
    expect([OK, SHORT_READ]).toContain(vfs.xRead(FILE, IN, length, at, 0))
    return [...memory.subarray(IN, IN + length)]
  }
  const size = (): number => {
    expect(vfs.xFileSize(FILE, IN)).toBe(OK)
    return Number(new DataView(memory.buffer).getBigInt64(IN, true))
  }
  return { vfs, files, write, read, size }
}

test('the log is read as it was written, whatever order the pieces came in', () => {
  const { vfs, files, write, read, size } = logFile()
  write(0, 1, 2, 3)
  write(3, 4, 5)
  expect(files.sizeOf('profile.db-wal')).toBe(0)
  expect(read(1, 3)).toEqual([2, 3, 4])
  write(1, 9)
  expect(read(0, 7)).toEqual([1, 9, 3, 4, 5, 0, 0])
  write(5, 6)
  expect(size()).toBe(6)
  write(6, 7)
  expect(vfs.xTruncate(FILE, 3, 0)).toBe(OK)
  expect(size()).toBe(3)
  write(3, 8)
  expect(vfs.xSync(FILE)).toBe(OK)
  files.cut()
  expect([...(files.bytesOf('profile.db-wal') ?? [])]).toEqual([1, 9, 3, 8])
})

test('pieces larger than what is gathered keep their order', () => {
  const { vfs, files, write } = logFile()
  write(0, 1)
  expect(vfs.xWrite(FILE, OUT, 300_000, 1, 0)).toBe(OK)
  write(300_001, 2)
  expect(vfs.xClose(FILE)).toBe(OK)
  const bytes = files.bytesOf('profile.db-wal') ?? new Uint8Array(0)
  expect([bytes.length, bytes[0], bytes[300_001]]).toEqual([300_002, 1, 2])
})

test('no file without a name: nothing temporary reaches the disk', () => {
  const { vfs, files } = logFile()
  expect(vfs.xOpen(0, 0, FILE + 8, CREATE, 0)).not.toBe(OK)
  expect(files.names()).toEqual(['profile.db-wal'])
})
