/**
 * Who may speak to the local door: PRODUCT, "The local door".
 *
 * Any page in the browser can send requests here, and by DNS rebinding even as its own origin. So a request must name
 * this door in Host, come from this door's own pages, and for anything but the static app carry the token.
 *
 * Holds: decided from the request's head alone; Origin is compared with a fixed set, never with Host.
 */
import type { IncomingMessage } from 'node:http'
import { SECRET_FORM, sameSecret } from './secret.ts'

/** The names that a door on `port` has. */
export interface DoorNames {
  readonly hosts: ReadonlySet<string>
  readonly origins: ReadonlySet<string>
}

export function doorNames(port: number): DoorNames {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]
  return { hosts: new Set(hosts), origins: new Set(hosts.map((host) => `http://${host}`)) }
}

/** How often a header occurs: Node.js keeps only the first Host, and a proxy might have looked at the second. */
function count(request: IncomingMessage, name: string): number {
  return request.rawHeaders.filter((header, index) => index % 2 === 0 && header.toLowerCase() === name).length
}

/**
 * A person opening the app from somewhere else (the redirect file, a link): a top-level navigation to the front page,
 * which holds nothing secret and cannot be framed.
 */
function isFrontDoor(request: IncomingMessage): boolean {
  const { headers } = request
  return (
    request.method === 'GET' &&
    request.url === '/' &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document' &&
    headers.origin === undefined
  )
}

/** The status to refuse a request with, or `undefined` if its head says that it comes from here. */
export function refusal(request: IncomingMessage, names: DoorNames): 400 | 403 | 421 | undefined {
  const { host, origin } = request.headers
  if (host === undefined || count(request, 'host') !== 1 || !names.hosts.has(host)) return 421
  if (request.url === undefined || !request.url.startsWith('/')) return 400
  if (origin !== undefined && !names.origins.has(origin)) return 403
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isFrontDoor(request)) return 403
  return undefined
}

/** The same for a WebSocket, which must say where it comes from. */
export function socketRefusal(request: IncomingMessage, names: DoorNames): 400 | 403 | 421 | undefined {
  return refusal(request, names) ?? (request.headers.origin === undefined ? 403 : undefined)
}

/** Whether `Authorization: Bearer …` carries the token. */
export function hasBearer(request: IncomingMessage, token: string): boolean {
  const given = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(request.headers.authorization ?? '')?.[1]
  return given !== undefined && sameSecret(given, token)
}

export const SUBPROTOCOL = 'tulnic.v1'

/** Whether the WebSocket's subprotocols are this door's and one of them carries the token. */
export function hasSubprotocolToken(request: IncomingMessage, token: string): boolean {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const given = offered.find((name) => name.startsWith('auth.'))?.slice('auth.'.length)
  return offered.includes(SUBPROTOCOL) && given !== undefined && SECRET_FORM.test(given) && sameSecret(given, token)
}
