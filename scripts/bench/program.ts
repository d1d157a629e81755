/**
 * The real program as benchmarks start it: `tulnic start --headless` on a profile, spoken to over its socket.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectHolder } from '../../src/node/server/lock.ts'
import type { Client } from '../../src/node/server/socket.ts'

const BIN = join(import.meta.dirname, '..', 'tulnic.cjs')

export class Program {
  readonly #directory: string
  readonly #child: ChildProcess
  #client: Client | undefined

  constructor(directory: string, options: readonly string[] = []) {
    this.#directory = directory
    const args = [BIN, 'start', '--headless', '--port', '0', '--json', '--data', directory, ...options]
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 2] })
  }

  /** Resolves when it has said `ready`, with a connection to it. */
  async ready(): Promise<Client> {
    const { stdout } = this.#child
    if (stdout === null) throw new Error('the program has no output')
    await Promise.race([once(stdout, 'data'), once(this.#child, 'exit')])
    stdout.resume()
    const client = await connectHolder(this.#directory)
    if (client === undefined) throw new Error('the program ended at once')
    this.#client = client
    return client
  }

  /** MB of memory that are resident, as the system counts them. `undefined` where it does not say. */
  residentMegabytes(): number | undefined {
    try {
      const kilobytes = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))?.[1]
      return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6
    } catch {
      return undefined
    }
  }

  async stop(): Promise<void> {
    this.#client?.close()
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

/** Two profiles that know each other, in folders that are gone afterwards; no node runs on them. */
export async function withProfiles<T>(use: (alice: string, bob: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-bench-'))
  const [alice, bob] = ['alice', 'bob'].map((name) => {
    const data = join(folder, name)
    execFileSync(process.execPath, [BIN, 'init', '--name', name, '--no-passphrase', '--quiet', '--data', data], {
      stdio: 'ignore',
    })
    return data
  }) as [string, string]
  try {
    const programs = [new Program(alice, ['--no-mdns']), new Program(bob, ['--no-mdns'])]
    const [a, b] = await Promise.all(programs.map((program) => program.ready()))
    const link = (await b?.call('createInvite', {}))?.link ?? ''
    const added = await a?.call('addContact', { link })
    if (added?.state !== 'active') throw new Error(`the link led to nobody: ${added?.reason}`)
    await Promise.all(programs.map((program) => program.stop()))
    return await use(alice, bob)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
