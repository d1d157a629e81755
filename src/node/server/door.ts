/**
 * The local door: the app's files and the RPC for its windows, on 127.0.0.1 and ::1 only. PRODUCT, "The local door".
 *
 *     GET  /…             the app's files, from a list read at start
 *     POST /api/session   {"code"} → {"token"}: a single-use code against the door's token
 *     GET  /api/session   204 if the token in Authorization is the door's, else 401
 *     GET  /api/socket    WebSocket, subprotocols `tulnic.v1` and `auth.<token>`: the RPC
 *
 * Holds: nothing is answered before the guard has seen the request; the token leaves only against a good code; bodies,
 * heads, frames, sockets and times are bounded; there are no CORS headers and no cookies.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { ApiError } from '../api-error.ts'
import type { Asset, Assets } from './assets.ts'
import { readDoorFile, writeDoorFile } from './door-file.ts'
import { isRecord } from './fields.ts'
import {
  type DoorNames,
  doorNames,
  hasBearer,
  hasSubprotocolToken,
  refusal,
  SUBPROTOCOL,
  socketRefusal,
} from './guard.ts'
import { listenLocally } from './listening.ts'
import { FRAME_LIMIT, type Served, serveRpc } from './rpc.ts'
import { type Codes, makeCodes } from './secret.ts'

/** Windows of one person; each holds one. */
const WINDOWS_AT_ONCE = 32
/** A code with the JSON around it needs 60 bytes. */
const BODY_LIMIT = 1024

export interface DoorOptions {
  /** The data directory, for `door.json`. */
  readonly directory: string
  /** A wanted port, which must be free; 0: any; `undefined`: the profile's, else 7733, else the next free. */
  readonly port: number | undefined
  readonly assets: Assets
  readonly served: Omit<Served, 'door'>
  /** Told in one sentence what a person should know. */
  readonly warn: (text: string) => void
}

export interface Door {
  readonly port: number
  /** The app's address, without a code. */
  readonly url: string
  /** The app's address with a fresh single-use code in its fragment. */
  openUrl(): string
  close(): Promise<void>
}

interface Room {
  readonly names: DoorNames
  readonly token: string
  readonly codes: Codes
  readonly assets: Assets
  readonly headers: Readonly<Record<string, string>>
}

/** Opens the door. Rejects with {@link PortTaken}, or `storage` if `door.json` cannot be written. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const file = readDoorFile(options.directory)
  const { servers, port, warning } = await listenLocally(options.port, file.port, 2 * WINDOWS_AT_ONCE)
  if (warning !== null) options.warn(warning)
  keep(options.directory, port, file.token)
  const room: Room = {
    names: doorNames(port),
    token: file.token,
    codes: makeCodes(() => performance.now()),
    assets: options.assets,
    headers: headersFor(options.assets),
  }
  const windows = new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_LIMIT,
    perMessageDeflate: false,
    handleProtocols: () => SUBPROTOCOL,
  })
  windows.on('connection', (window) => serveWindow(window, { ...options.served, door: null }))
  for (const server of servers) {
    server.on('request', (request, response) => void answer(request, response, room))
    server.on('upgrade', (request, socket, head) => upgrade(request, socket, head, room, windows))
  }
  const url = `http://127.0.0.1:${port}/`
  return { port, url, openUrl: () => `${url}#code=${room.codes.create()}`, close: () => closeAll(servers, windows) }
}

function keep(directory: string, port: number, token: string): void {
  try {
    writeDoorFile(directory, { port, token })
  } catch (error) {
    throw new ApiError(
      'storage',
      `door.json cannot be written in ${directory} (${codeOf(error)}): check that the disk has room and can be written.`,
    )
  }
}

async function closeAll(servers: readonly Server[], windows: WebSocketServer): Promise<void> {
  for (const window of windows.clients) window.close(1001)
  const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
  for (const server of servers) server.closeAllConnections()
  for (const window of windows.clients) window.terminate()
  await Promise.all(closed)
}

/** The policy has `wasm-unsafe-eval` only if the app brings WebAssembly (the QR scanner), and nothing else unsafe. */
function headersFor(assets: Assets): Readonly<Record<string, string>> {
  const wasm = [...assets.keys()].some((path) => path.endsWith('.wasm'))
  const policy = [
    "default-src 'none'",
    `script-src 'self'${wasm ? " 'wasm-unsafe-eval'" : ''}`,
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Permissions-Policy': 'camera=(self), microphone=(self), geolocation=(), usb=(), payment=()',
  }
}

function reply(
  response: ServerResponse,
  room: Room,
  status: number,
  headers: Record<string, string> = {},
  body: Buffer | string = '',
): void {
  response.writeHead(status, {
    ...room.headers,
    'Cache-Control': 'no-store',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  })
  response.end(body)
}

/** The request's path, without what a page may add for itself. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split(/[?#]/, 1)[0] ?? ''
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0'
}

async function answer(request: IncomingMessage, response: ServerResponse, room: Room): Promise<void> {
  request.on('error', () => response.destroy())
  const path = pathOf(request)
  const isExchange = request.method === 'POST' && path === '/api/session'
  // A body that nobody wants is not read: the connection ends with the answer.
  if (hasBody(request) && !isExchange) response.setHeader('Connection', 'close')
  const refused = refusal(request, room.names)
  if (refused !== undefined) return reply(response, room, refused)
  if (isExchange) return await exchange(request, response, room)
  if (path.startsWith('/api/')) return answerApi(request, response, room, path)
  serveFile(request, response, room, room.assets.get(path))
}

function answerApi(request: IncomingMessage, response: ServerResponse, room: Room, path: string): void {
  if (!hasBearer(request, room.token)) return reply(response, room, 401)
  if (path === '/api/session')
    return reply(response, room, request.method === 'GET' ? 204 : 405, { Allow: 'GET, POST' })
  if (path === '/api/socket') return reply(response, room, 426, { Upgrade: 'websocket' })
  reply(response, room, 404)
}

function serveFile(request: IncomingMessage, response: ServerResponse, room: Room, asset: Asset | undefined): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(response, room, 405, { Allow: 'GET, HEAD' })
  if (asset === undefined)
    return reply(response, room, 404, { 'Content-Type': 'text/plain; charset=utf-8' }, notFound(room))
  const caching = asset.hashed ? 'private, max-age=31536000, immutable' : 'no-store'
  const headers = { 'Content-Type': asset.type, 'Cache-Control': caching }
  reply(response, room, 200, headers, asset.bytes)
}

function notFound(room: Room): string {
  return room.assets.size === 0
    ? 'The app was not built: run "npm run build" in the folder of tulnic.\n'
    : 'There is nothing here.\n'
}

async function exchange(request: IncomingMessage, response: ServerResponse, room: Room): Promise<void> {
  const body = await readBody(request)
  if (body === undefined) return reply(response, room, 413, { Connection: 'close' })
  const code = codeIn(body)
  if (code === undefined) return reply(response, room, 400)
  const outcome = room.codes.take(code)
  if (outcome === 'limited') return reply(response, room, 429, { 'Retry-After': '60' })
  if (outcome === 'wrong') return reply(response, room, 403)
  reply(
    response,
    room,
    200,
    { 'Content-Type': 'application/json; charset=utf-8' },
    JSON.stringify({ token: room.token }),
  )
}

function codeIn(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return isRecord(value) && typeof value.code === 'string' ? value.code : undefined
  } catch {
    return undefined
  }
}

/** The body as text, or `undefined` if it is longer than allowed or breaks off. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) return undefined
      length += chunk.length
      if (length > BODY_LIMIT) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks).toString('utf8')
}

function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, room: Room, windows: WebSocketServer): void {
  socket.on('error', () => socket.destroy())
  const refused = upgradeRefusal(request, room, windows)
  if (refused === undefined)
    return windows.handleUpgrade(request, socket, head, (window) => windows.emit('connection', window, request))
  socket.end(`HTTP/1.1 ${refused} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}

function upgradeRefusal(request: IncomingMessage, room: Room, windows: WebSocketServer): number | undefined {
  const refused = socketRefusal(request, room.names)
  if (refused !== undefined) return refused
  if (pathOf(request) !== '/api/socket') return 404
  if (!hasSubprotocolToken(request, room.token)) return 401
  return windows.clients.size >= WINDOWS_AT_ONCE ? 503 : undefined
}

function serveWindow(window: WebSocket, served: Served): void {
  const connection = serveRpc(
    { send: (frame) => window.send(frame), unread: () => window.bufferedAmount, close: () => window.terminate() },
    served,
  )
  window.on('message', (data: RawData, isBinary: boolean) => {
    if (isBinary || !Buffer.isBuffer(data)) window.close(1003)
    else connection.receive(data.toString('utf8'))
  })
  window.on('error', () => window.terminate())
  window.on('close', () => connection.end())
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error'
}
