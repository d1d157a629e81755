import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectHolder } from '../../../src/node/server/lock.ts'
import { withSocketPath } from '../../../src/node/server/socket-path.ts'
import { untilFolder } from './until-folder.ts'

const CHILD = fileURLToPath(new URL('hold-child.ts', import.meta.url))

interface Said {
  held?: boolean
  pid?: number
  code?: string
  message?: string
  stopping?: boolean
}

class Holder {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>
  #ready = false
  #begun = false

  constructor(directory: string) {
    this.process = spawn(process.execPath, [CHILD, directory], { stdio: ['pipe', 'pipe', 'inherit'] })
    holders.push(this)
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]()
  }

  /** How it went; lets it begin, if it was not told yet. */
  async hear(): Promise<Said> {
    await this.begin()
    return await this.#next()
  }

  /** Until it is loaded and waits for the word. */
  async ready(): Promise<void> {
    if (!this.#ready) await this.#next()
    this.#ready = true
  }

  async begin(): Promise<void> {
    await this.ready()
    if (!this.#begun) this.tell('go')
    this.#begun = true
  }

  async #next(): Promise<Said> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the child ended without a word')
    return JSON.parse(value)
  }

  tell(word: string): void {
    this.process.stdin?.write(`${word}\n`)
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    this.process.kill('SIGKILL')
    await once(this.process, 'exit')
  }
}

let root: string
let holders: Holder[] = []

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'tulnic-lock-')))
})
afterEach(async () => {
  await Promise.all(holders.map((holder) => holder.end()))
  holders = []
  rmSync(root, { recursive: true, force: true })
})

describe('the lock of a profile', () => {
  it('is a socket 0600 in a directory 0700, and a second start names who holds it', async () => {
    const directory = join(root, 'profile')
    const first = new Holder(directory)
    const { pid } = await first.hear()
    const sockets = readdirSync(directory).filter((name) => name.endsWith('.sock'))
    expect(sockets).toHaveLength(1)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, sockets[0]!)).mode & 0o777).toBe(0o600)

    const second = await new Holder(directory).hear()
    expect(second).toMatchObject({ held: false, code: 'held' })
    expect(second.message).toContain(`process ${pid}`)
  })

  it('goes to exactly one of several that start at once, with and without the remains of a dead one', async () => {
    for (let round = 0; round < 6; round++) {
      const directory = join(root, `round-${round}`)
      if (round % 2 === 1) await leaveDeadSocket(directory)
      const all = [1, 2, 3, 4].map(() => new Holder(directory))
      await Promise.all(all.map((holder) => holder.ready()))
      const said = await Promise.all(all.map((holder) => holder.hear()))
      expect(
        said.filter(({ held }) => held),
        JSON.stringify(said),
      ).toHaveLength(1)
      expect(said.filter(({ code }) => code === 'held')).toHaveLength(3)
      await Promise.all(all.map((holder) => holder.end()))
    }
  })

  it('is free at once after its holder was killed', async () => {
    const directory = join(root, 'profile')
    const first = new Holder(directory)
    await first.hear()
    await first.end()
    expect(readdirSync(directory)).toHaveLength(1)
    expect(await new Holder(directory).hear()).toMatchObject({ held: true })
    expect(readdirSync(directory)).toHaveLength(1)
  })

  it('is waited for while its holder is stopping', async () => {
    const directory = join(root, 'profile')
    const first = new Holder(directory)
    await first.hear()
    first.tell('stopping')
    await first.hear()
    const second = new Holder(directory)
    await second.begin()
    await twoSockets(directory)
    first.tell('release')
    expect(await second.hear()).toMatchObject({ held: true })
  })

  it('names a stopping holder that does not end', async () => {
    const directory = join(root, 'profile')
    const first = new Holder(directory)
    const { pid } = await first.hear()
    first.tell('stopping')
    await first.hear()
    const second = await new Holder(directory).hear()
    expect(second).toMatchObject({ held: false, code: 'held' })
    expect(second.message).toContain(`process ${pid}`)
  })

  it('names a holder that hangs and does not answer', async () => {
    const directory = join(root, 'profile')
    const first = new Holder(directory)
    const { pid } = await first.hear()
    first.process.kill('SIGSTOP')
    const second = await new Holder(directory).hear()
    first.process.kill('SIGCONT')
    expect(second).toMatchObject({ held: false, code: 'held' })
    expect(second.message).toContain(`process ${pid}`)
  })

  it('works, and is reached, in a directory too deep for a socket address', async () => {
    const directory = join(root, 'deep'.repeat(30), 'deeper'.repeat(20))
    const first = new Holder(directory)
    expect(await first.hear()).toMatchObject({ held: true })
    expect(await new Holder(directory).hear()).toMatchObject({ held: false, code: 'held' })
    const client = await connectHolder(directory)
    expect(await client?.call('holder')).toMatchObject({ pid: first.process.pid, state: 'running' })
    client?.close()
    first.tell('release')
    await once(first.process, 'exit')
    expect(readdirSync(directory)).toEqual([])
    expect(readdirSync(tmpdir()).filter((name) => /^tulnic-[A-Za-z0-9]{6}$/.test(name))).toEqual([])
  })

  it('is found under another name of the same directory', async () => {
    const directory = join(root, 'profile')
    const first = new Holder(directory)
    await first.hear()
    const other = `${root}/./profile/../profile`
    expect(await new Holder(other).hear()).toMatchObject({ held: false })
  })

  it('leaves other files alone', async () => {
    const directory = join(root, 'profile')
    mkdirSync(directory, { mode: 0o700 })
    const stranger = createServer().listen(join(directory, 'stranger.sock'))
    await once(stranger, 'listening')
    const first = new Holder(directory)
    expect(await first.hear()).toMatchObject({ held: true })
    first.tell('release')
    await once(first.process, 'exit')
    expect(existsSync(join(directory, 'stranger.sock'))).toBe(true)
    stranger.close()
  })

  it('says in a sentence that a directory cannot be made', async () => {
    writeFileSync(join(root, 'file'), '')
    expect(await new Holder(join(root, 'file', 'profile')).hear()).toMatchObject({ code: 'storage' })
  })
})

/** What a killed process leaves: a socket on which nobody listens. */
async function leaveDeadSocket(directory: string): Promise<void> {
  const holder = new Holder(directory)
  await holder.hear()
  await holder.end()
}

/** Until a second starter has bound its socket. */
async function twoSockets(directory: string): Promise<void> {
  await untilFolder(directory, () => readdirSync(directory).filter((name) => name.endsWith('.sock')).length > 1)
}

describe('a socket path', () => {
  it('is itself where it fits', async () => {
    expect(await withSocketPath('/tmp/x', 'node.sock', async (path) => path)).toBe('/tmp/x/node.sock')
  })

  it('is short where it does not, and nothing is left of it', async () => {
    const directory = join(root, 'ü'.repeat(60))
    mkdirSync(directory)
    const used = await withSocketPath(directory, 'node-123456-0123456789ab.sock', async (path) => {
      expect(realpathSync(join(path, '..'))).toBe(directory)
      expect(statSync(join(path, '..', '..')).isDirectory()).toBe(true)
      return path
    })
    expect(Buffer.byteLength(used)).toBeLessThanOrEqual(103)
    expect(existsSync(used)).toBe(false)
  })
})
