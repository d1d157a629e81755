/**
 * One owner for each profile: who listens on a socket in the data directory holds it.
 *
 * Every starter binds a socket of its own, `node-<pid>-<random>.sock`, and only then looks for others. Names are never
 * used twice, so a socket that refuses is the rest of a dead process and may be removed by anybody at any time. Of two
 * starters, the later to bind sees the earlier, so never do both find nobody; the one with the greater name withdraws.
 *
 *     bind own ──▶ others? ── none, and own still there ──▶ held here
 *                    ├─ one holds ──▶ withdraw, name its process      (if it is stopping: wait for its end, ≤ 5 s)
 *                    └─ one is claiming ──▶ the greater name withdraws, both look again
 *
 * Holds: at most one process holds a profile, whatever is killed when; needs no file that must be cleaned up.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { HolderState } from '../api.ts'
import { ApiError } from '../api-error.ts'
import { removeLeftover } from './remove.ts'
import { type Client, clientOf, connectSocket, Disconnected } from './socket.ts'
import { pipeOf, withSocketPath } from './socket-path.ts'

/** How long a stopping holder, or another starter, is waited for. */
const PATIENCE_MS = 5000
/** How long a living holder may take to say who it is. */
const ANSWER_MS = 2000
/** How long a node may be too busy for a command. */
const SILENCE_MS = 10_000
/** How long the last answers may take to leave. */
const LAST_WORDS_MS = 500
/** Between two looks at another starter, drawn anew each time so that two do not march in step. */
const LOOK_AGAIN_MS = [20, 60] as const

const onWindows = process.platform === 'win32'

/** A held profile. */
export interface Lock {
  /** Gives the profile free: the socket is gone and every connection ended when it resolves. */
  release(): Promise<void>
}

/** Somebody else who listens. */
interface Other {
  readonly name: string
  readonly pid: number | null
  readonly state: HolderState
  /** Resolves when its process or its claim has ended. */
  readonly ended: Promise<void>
  leave(): void
}

interface Claim {
  readonly name: string
  stands(): boolean
  withdraw(): Promise<void>
}

/**
 * Takes the profile in `directory`, which is made (0700) if it is missing. From then on `serve` gets every connection; it
 * must answer the call `holder` from the first moment, `claiming` until this resolves.
 *
 * Rejects with `held`, naming the holder's process.
 */
export async function holdProfile(directory: string, serve: (socket: Socket) => void): Promise<Lock> {
  makeDirectory(directory)
  const deadline = performance.now() + PATIENCE_MS
  let claim: Claim | undefined
  for (;;) {
    claim ??= onWindows ? await claimPipe(directory, serve) : await claimSocket(directory, serve)
    const own = claim
    const others = await findOthers(directory, own?.name)
    if (own !== undefined && others.length === 0 && own.stands()) return { release: () => own.withdraw() }
    const holder = holderAmong(others, performance.now() > deadline)
    const yields = own === undefined || !own.stands() || others.some((other) => other.name < own.name)
    if (holder !== undefined || yields) {
      await own?.withdraw()
      claim = undefined
    }
    if (holder === undefined) await standBack(others, deadline)
    for (const other of others) other.leave()
    if (holder !== undefined) throw heldBy(holder, directory)
  }
}

/** Who is in the way for good: one that runs, or, once patience is over, anybody. */
function holderAmong(others: readonly Other[], late: boolean): Other | undefined {
  return (
    others.find((other) => other.state === 'starting' || other.state === 'running') ?? (late ? others[0] : undefined)
  )
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new ApiError(
      'storage',
      `The data directory ${directory} cannot be made (${codeOf(error)}): choose another with --data.`,
    )
  }
}

/** Waits for the end of one that is stopping, or a moment for one that is claiming. */
async function standBack(others: readonly Other[], deadline: number): Promise<void> {
  const stopping = others.find((other) => other.state === 'stopping')
  const moment = LOOK_AGAIN_MS[0] + Math.random() * (LOOK_AGAIN_MS[1] - LOOK_AGAIN_MS[0])
  if (stopping === undefined) await delay(moment)
  else await Promise.race([stopping.ended, delay(Math.max(moment, deadline - performance.now()))])
}

function heldBy(other: Other, directory: string): ApiError {
  const who = other.pid === null ? 'another process' : `process ${other.pid}`
  return new ApiError(
    'held',
    `This profile is already in use by ${who} (${directory}): stop that one first, or choose another with --data.`,
  )
}

async function claimSocket(directory: string, serve: (socket: Socket) => void): Promise<Claim | undefined> {
  const name = `node-${process.pid}-${randomBytes(6).toString('hex')}.sock`
  const path = join(directory, name)
  const { server, close } = acceptor(serve)
  await withSocketPath(directory, name, (short) => listen(server, short, directory))
  try {
    chmodSync(path, 0o600)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
  return {
    name,
    stands: () => existsSync(path),
    withdraw: async () => {
      removeLeftover(path)
      await close()
    },
  }
}

/** Under Windows the system lets only one process have the pipe. */
async function claimPipe(directory: string, serve: (socket: Socket) => void): Promise<Claim | undefined> {
  const { server, close } = acceptor(serve)
  try {
    await listen(server, pipeOf(directory), directory)
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return undefined
    throw error
  }
  return { name: 'pipe', stands: () => true, withdraw: close }
}

function acceptor(serve: (socket: Socket) => void): { server: Server; close: () => Promise<void> } {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  server.maxConnections = 64
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    // What was answered may still leave; who does not read it is not waited for.
    for (const socket of sockets) socket.destroySoon()
    await Promise.race([closed, delay(LAST_WORDS_MS, undefined, { ref: false })])
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { server, close }
}

async function listen(server: Server, path: string, directory: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const refused =
        codeOf(error) === 'EADDRINUSE'
          ? error
          : new ApiError(
              'storage',
              `No socket can be made in ${directory} (${codeOf(error)}): check that the disk can be written, or choose another place with --data.`,
            )
      reject(refused)
    })
    server.listen(path, resolve)
  })
}

const SOCKET_NAME = /^node-(\d+)-[0-9a-f]{12}\.sock$/

function socketNames(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => SOCKET_NAME.test(name))
  } catch {
    return []
  }
}

async function findOthers(directory: string, own: string | undefined): Promise<readonly Other[]> {
  if (onWindows) return own === undefined ? await asked(directory, 'pipe') : []
  const found = await Promise.all(
    socketNames(directory)
      .filter((name) => name !== own)
      .map((name) => asked(directory, name)),
  )
  return found.flat()
}

/** Asks one socket who it is; nothing if nobody listens there. */
async function asked(directory: string, name: string): Promise<readonly Other[]> {
  const pid = Number(SOCKET_NAME.exec(name)?.[1] ?? Number.NaN)
  const unknown: Other = {
    name,
    pid: Number.isNaN(pid) ? null : pid,
    state: 'running',
    ended: Promise.resolve(),
    leave: () => {},
  }
  const client = await reach(directory, name)
  if (client === 'nobody') return []
  if (client === 'busy') return [unknown]
  const holder = await Promise.race([
    client.call('holder').catch(() => 'gone' as const),
    delay(ANSWER_MS, undefined, { ref: false }),
  ])
  if (holder === 'gone') {
    client.close()
    return [{ ...unknown, state: 'claiming' }]
  }
  const leave = (): void => client.close()
  if (holder === undefined) return [{ ...unknown, ended: client.closed, leave }]
  return [{ name, pid: holder.pid, state: holder.state, ended: client.closed, leave }]
}

/** Connects to one socket; removes it if its process is gone. */
async function reach(directory: string, name: string): Promise<Client | 'nobody' | 'busy'> {
  try {
    const path = onWindows
      ? Promise.resolve(connectSocket(pipeOf(directory)))
      : withSocketPath(directory, name, connectSocket)
    return clientOf(await path)
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return 'nobody'
    if (code !== 'ECONNREFUSED') return 'busy'
    if (!onWindows) removeLeftover(join(directory, name))
    return 'nobody'
  }
}

/**
 * Connects to the node that holds the profile in `directory`; `undefined` if none does. Never removes anything.
 *
 * Rejects with {@link Disconnected} if one does and says nothing.
 */
export async function connectHolder(directory: string): Promise<Client | undefined> {
  const names = onWindows ? ['pipe'] : socketNames(directory)
  for (const name of names) {
    const client = await reachQuietly(directory, name)
    if (client === undefined) continue
    const answer = client.call('holder').catch(() => undefined)
    const holder = await Promise.race([answer, delay(SILENCE_MS, 'silence' as const, { ref: false })])
    if (holder === 'silence') {
      client.close()
      throw new Disconnected(
        `The node on ${directory} does not answer: wait a little, or stop its process and start it again.`,
      )
    }
    if (holder !== undefined && holder.state !== 'claiming') return client
    client.close()
  }
  return undefined
}

async function reachQuietly(directory: string, name: string): Promise<Client | undefined> {
  try {
    const socket = onWindows ? connectSocket(pipeOf(directory)) : withSocketPath(directory, name, connectSocket)
    return clientOf(await socket)
  } catch {
    return undefined
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'
}
