/**
 * The command line for tests, with a double for the node: as a program of its own, or in this process, which is sooner.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { run } from '../../../src/node/cli/run.ts'
import { DoubleNode, ME } from '../server/double-node.ts'

const MAIN = fileURLToPath(new URL('double-main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

type Env = Readonly<Record<string, string | undefined>>

/** A `start` that goes on. */
export interface Running {
  readonly child: ChildProcess
  /** Its next JSON line. */
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  next(): Promise<any>
}

/** What `--json` says of a message, in this order. */
export const MESSAGE_FIELDS = ['id', 'from', 'text', 'attachments', 'sentAt', 'receivedAt', 'state', 'carriedBy']

/** That it failed with this code and one line on stderr. */
export function expectFailure({ code, err, out }: Ended, exit: number, sentence: RegExp): void {
  expect(err).toMatch(/^tulnic: [^\n]+\n$/)
  expect(err).toMatch(sentence)
  expect(out).toBe('')
  expect(code).toBe(exit)
}

// biome-ignore lint/suspicious/noExplicitAny: what a program printed
export const objects = (text: string): any[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

/** What a child prints, and how it ends. */
export async function ended(child: ChildProcess, stdin = ''): Promise<Ended> {
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk) => (out += chunk))
  child.stderr?.on('data', (chunk) => (err += chunk))
  child.stdin?.on('error', () => {})
  child.stdin?.end(stdin)
  const [code] = await once(child, 'close')
  return { code, out, err }
}

/** A folder for profiles, and the commands that run in it. `close` ends what still runs. */
export class Program {
  readonly root = mkdtempSync(join(tmpdir(), 'tulnic-cli-'))
  /** The profile that commands speak to. */
  readonly data = join(this.root, 'profile')
  readonly #started: ChildProcess[] = []

  /** A program of its own. */
  launch(args: readonly string[], env: Env = {}): ChildProcess {
    const clean = { ...process.env, TULNIC_DATA: undefined, TULNIC_PASSPHRASE: undefined }
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...clean, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#started.push(child)
    return child
  }

  /** A command on the profile, as a program of its own. */
  spawned(args: readonly string[], stdin?: string): Promise<Ended> {
    return ended(this.launch(['--data', this.data, ...args]), stdin)
  }

  /** The same in this process: what it writes is caught. One at a time. */
  async run(args: readonly string[]): Promise<Ended> {
    const written = { out: '', err: '' }
    const catching = (key: 'out' | 'err') => (chunk: unknown) => {
      written[key] += String(chunk)
      return true
    }
    const spies = [
      vi.spyOn(process.stdout, 'write').mockImplementation(catching('out')),
      vi.spyOn(process.stderr, 'write').mockImplementation(catching('err')),
    ]
    try {
      const code = await run(['--data', this.data, ...args], async () => new DoubleNode('empty'))
      return { code, ...written }
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  }

  /** A node, by `start --json`, on any free port. */
  start(args: readonly string[], env: Env = {}): Running {
    const child = this.launch(['start', '--json', '--port', '0', ...args], env)
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
    const next = async () => {
      const { value, done } = await lines.next()
      if (done) throw new Error('it ended')
      return JSON.parse(value)
    }
    return { child, next }
  }

  close(): void {
    for (const child of this.#started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** For all tests of a file: a node that runs on the profile, from the first test to the last. */
export function withNode(): Program {
  const program = new Program()
  beforeAll(async () => {
    const running = program.start(['--headless', '--data', program.data])
    expect(await running.next()).toMatchObject({ type: 'ready', id: ME, name: 'Ana' })
  })
  afterAll(() => program.close())
  return program
}
