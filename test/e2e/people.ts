/**
 * People with the real program: each has a data directory, runs commands of the bin, and a node that can be stopped.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../scripts/tulnic.cjs', import.meta.url))

/** Against hangs only. */
const DEADLINE_MS = 60_000
/** What a test waits for at most: longer than a node pauses between two tries. */
export const WAIT_MS = 180_000

/** What a command left. */
export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
  /** The lines of stdout as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  readonly json: any[]
}

export interface RunOptions {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs the bin to its end. */
export async function tulnic(args: readonly string[], { stdin = '', env = {} }: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, TULNIC_PASSPHRASE: undefined, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  const json = args.includes('--json')
    ? out
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : []
  return { code, out, err, json }
}

/** What a line says; the last one of a process that was killed may be half a line. */
// biome-ignore lint/suspicious/noExplicitAny: what a program printed
function whole(line: string, killed: boolean): any {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (killed) return undefined
    throw error
  }
}

export class Person {
  readonly name: string
  readonly data: string
  /** Known once the node was started. */
  id = ''
  readonly #extra: readonly string[]
  readonly #host: string | undefined
  #node: ChildProcess | undefined
  readonly #watchers: (() => void)[] = []
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  events: any[] = []
  /** What the node runs, and its environment: another one from the next start on. */
  main = BIN
  env: Readonly<Record<string, string>> = {}

  /** `host`: the network namespace that the node runs in. */
  constructor(name: string, startOptions: readonly string[] = [], host?: string) {
    this.name = name
    this.data = mkdtempSync(join(tmpdir(), `tulnic-${name}-`))
    this.#extra = startOptions
    this.#host = host
  }

  /** Runs a command on this person's profile, with `--json`. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return tulnic([...args, '--json', '--data', this.data], options)
  }

  /** The first object of a command that must succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  async get(...args: string[]): Promise<any> {
    const { code, json, err } = await this.run(args)
    if (code !== 0) throw new Error(`tulnic ${args.join(' ')} ended with ${code}: ${err}`)
    return json[0]
  }

  /** Starts the node; resolves with its `ready`. */
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  async start(...args: string[]): Promise<any> {
    const start = ['start', '--headless', '--port', '0', '--json', '--data', this.data, ...this.#extra, ...args]
    const inside = this.#host === undefined ? [] : ['ip', 'netns', 'exec', this.#host]
    const [program = '', ...rest] = [...inside, process.execPath, this.main, ...start]
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...this.env } })
    this.#node = child
    let err = ''
    child.stderr.on('data', (chunk) => (err += chunk))
    const events = this.events
    return await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const event = whole(line, child.killed)
        if (event === undefined) return
        events.push(event)
        for (const look of this.#watchers.splice(0)) look()
        if (event.type === 'ready') this.id = event.id ?? ''
        if (event.type === 'ready') resolve(event)
      })
      child.once('close', (code) => reject(new Error(`the node of ${this.name} ended with ${code}: ${err}`)))
    })
  }

  /** The first event so far, or to come, that is as asked; a wait that hangs says what it waited for, and what came instead. */
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  async event(is: (event: any) => boolean): Promise<any> {
    const end = performance.now() + WAIT_MS
    for (;;) {
      const found = this.events.find(is)
      if (found !== undefined) return found
      const left = end - performance.now()
      if (left <= 0) throw new Error(`${await this.account()}\nin vain ${this.name} waited for an event: ${is}`)
      await this.#news(left)
    }
  }

  /** Resolves when something is heard, or after `ms`. */
  #news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#watchers.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** What the node said last, and says now: for whoever has to find out why a wait was in vain. */
  async account(): Promise<string> {
    const [status, doctor] = await Promise.all([this.run(['status']), this.run(['doctor'])])
    const heard = this.events.slice(-20).map((event) => JSON.stringify(event))
    return [...heard, status.out, doctor.out].join('\n')
  }

  /** Ends the node by a signal; answers its exit code, or the signal's name. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    const child = this.#node
    this.#node = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null
    const closed = once(child, 'close')
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
    const [code, by] = await closed
    clearTimeout(timer)
    return code ?? by
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.data, { recursive: true, force: true })
  }
}
