/**
 * The RPC over a unix socket (on Windows a named pipe), one frame a line: both ends.
 *
 * Holds: who may open the socket is the file system's decision (0600 in a 0700 directory); a line longer than
 * FRAME_LIMIT ends the connection.
 */
import { createConnection, type Socket } from 'node:net'
import type { AnyEvent, ApiErrorData, DoorApi, NodeApi } from '../api.ts'
import { ApiError } from '../api-error.ts'
import { isRecord } from './fields.ts'
import { FRAME_LIMIT, type Served, serveRpc } from './rpc.ts'
import { isApiError } from './wire-errors.ts'

const NEWLINE = 0x0a

/** Cuts a stream into lines and hands each on; `false` from the cutter: a line grew beyond `limit` bytes. */
function lineCutter(limit: number, onLine: (line: string) => void): (chunk: Buffer) => boolean {
  let parts: Buffer[] = []
  let length = 0
  return (chunk) => {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      if (length + at - from > limit) return false
      parts.push(chunk.subarray(from, at))
      const line = Buffer.concat(parts).toString('utf8')
      parts = []
      length = 0
      from = at + 1
      onLine(line)
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from))
      length += chunk.length - from
    }
    return length <= limit
  }
}

/** Serves the RPC on one accepted connection. */
export function serveSocket(socket: Socket, served: Served): void {
  const wire = {
    send: (frame: string): void => {
      socket.write(`${frame}\n`)
    },
    unread: (): number => socket.writableLength,
    close: (): void => {
      socket.destroy()
    },
  }
  const connection = serveRpc(wire, served)
  const cut = lineCutter(FRAME_LIMIT, (line) => {
    if (line.trim() !== '') connection.receive(line)
  })
  socket.on('data', (chunk: Buffer) => {
    if (!cut(chunk)) socket.destroy()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => connection.end())
}

/** All calls that the command line may make. */
export type Calls = NodeApi & DoorApi

/** The command line's end. Calls reject with an {@link ApiError}, or with {@link Disconnected} if the node is gone. */
export interface Client {
  call<M extends keyof Calls>(method: M, ...args: Parameters<Calls[M]>): Promise<Awaited<ReturnType<Calls[M]>>>
  /** Resolves once every event from now on reaches `listener`. */
  subscribe(listener: (event: AnyEvent) => void): Promise<void>
  /** Resolves when the connection is gone, from whichever side. */
  readonly closed: Promise<void>
  close(): void
}

const GONE = 'The node stopped before it answered: start it again with "tulnic start".'

/** The node ended, or ended the connection, before it answered, or does not answer: `message` is one sentence. */
export class Disconnected extends Error {
  override name = 'Disconnected'
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

function refusal(error: unknown): Error {
  if (isApiError(error)) return new ApiError(error.code, error.message)
  return new ApiError('internal', 'The node answered in a way that this version does not understand.')
}

/** Connects to a served socket. Rejects with the system's error (ECONNREFUSED, ENOENT …). */
export async function connectSocket(path: string): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    const socket = createConnection(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

/** The client's end of an open connection. */
export function clientOf(socket: Socket): Client {
  const waiting = new Map<number, Waiting>()
  let listener: ((event: AnyEvent) => void) | undefined
  let next = 0

  const receive = (line: string): void => {
    const frame: { id?: number; result?: unknown; error?: ApiErrorData; event?: AnyEvent } = JSON.parse(line)
    if (!isRecord(frame)) return
    if (frame.event !== undefined) return listener?.(frame.event)
    const call = frame.id === undefined ? undefined : waiting.get(frame.id)
    if (frame.id === undefined || call === undefined) return
    waiting.delete(frame.id)
    if (frame.error === undefined) call.resolve(frame.result)
    else call.reject(refusal(frame.error))
  }
  const cut = lineCutter(Number.POSITIVE_INFINITY, receive)

  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      for (const call of waiting.values()) call.reject(new Disconnected(GONE))
      waiting.clear()
      resolve()
    })
  })
  socket.on('data', (chunk: Buffer) => {
    cut(chunk)
  })
  socket.on('error', () => socket.destroy())

  // biome-ignore lint/suspicious/noExplicitAny: the node's answer has the type that its method's name says
  const request = (method: keyof Calls | 'subscribe', args: unknown): Promise<any> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Disconnected(GONE))
      const id = next++
      waiting.set(id, { resolve, reject })
      socket.write(`${JSON.stringify({ id, method, args })}\n`)
    })

  return {
    call: (method, ...args) => request(method, args[0]),
    subscribe: async (onEvent) => {
      listener = onEvent
      await request('subscribe', undefined)
    },
    closed,
    close: () => socket.destroy(),
  }
}
