/**
 * A disk of its own for a data directory: it can be full, read-only, and fail under whoever uses it.
 *
 * Holds: it is one file of some megabytes with a real file system in it; nothing else is ever mounted, filled or made read-only.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const BYTES = 24 * 1024 * 1024
const BLOCK = new Uint8Array(4096)

export class Disk {
  readonly #folder: string
  readonly #place: string
  #number = 0

  /** Mounted on a folder that is there. */
  constructor(folder: string) {
    this.#folder = folder
    this.#place = mkdtempSync(join(tmpdir(), 'tulnic-disk-'))
    writeFileSync(this.#image, '')
    truncateSync(this.#image, BYTES)
    run('mkfs.ext4', '-q', '-m', '0', '-O', '^has_journal', this.#image)
    this.#mount()
  }

  get #image(): string {
    return join(this.#place, `image${this.#number}`)
  }

  get #ballast(): string {
    return join(this.#folder, 'ballast')
  }

  #mount(): void {
    run('mount', '-o', 'loop,errors=remount-ro', this.#image, this.#folder)
  }

  /** Not one block more. */
  fill(): void {
    const file = openSync(this.#ballast, 'w')
    try {
      for (;;) if (writeSync(file, BLOCK) < BLOCK.length) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(this.#ballast)
  }

  /** Answers whether it is: nothing on it may be open for writing meanwhile. */
  makeReadOnly(): boolean {
    return spawnSync('mount', ['-o', 'remount,ro', this.#folder]).status === 0
  }

  makeWritable(): void {
    run('mount', '-o', 'remount,rw', this.#folder)
  }

  /** The kernel finds a fault: from now on the disk is read-only, also for who has files open. */
  fail(): void {
    const device = run('findmnt', '-no', 'SOURCE', this.#folder).trim()
    writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, '1')
  }

  /**
   * As an administrator does, from what had reached the disk; nobody may use it meanwhile. It is another device from then on: the
   * old one lives as long as any namespace of mounts knows it.
   */
  repair(): void {
    run('umount', this.#folder)
    const broken = this.#image
    this.#number++
    copyFileSync(broken, this.#image)
    // Answers 1 where it repaired something.
    spawnSync('e2fsck', ['-fy', this.#image])
    this.#mount()
  }

  remove(): void {
    run('umount', '-l', this.#folder)
    rmSync(this.#place, { recursive: true })
  }
}

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** What this machine lacks for such disks, in words; `null`: nothing. */
export const missingForDisks: string | null = whatIsMissing()

function whatIsMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root under Linux'
  for (const program of ['mkfs.ext4', 'e2fsck', 'findmnt'])
    if (spawnSync(program, ['-V']).error !== undefined) return `needs the program "${program}"`
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-disk-probe-'))
  try {
    const disk = new Disk(folder)
    disk.fail()
    disk.remove()
    return null
  } catch {
    return 'cannot mount disks of its own'
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
