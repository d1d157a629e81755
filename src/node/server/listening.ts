/**
 * Finding a port and listening on it, on 127.0.0.1 and ::1 and nowhere else.
 *
 * Holds: the door has both addresses, or the one that this machine has: whoever had the other could pose as the door
 * under the name `localhost`.
 */
import { createServer, type Server } from 'node:http'
import { ApiError } from '../api-error.ts'

/** An installed app, its storage and its permissions belong to the port, so it is kept once chosen. */
const DEFAULT_PORT = 7733
/** How many ports after a taken one are tried. */
const PORTS_TRIED = 100

/** A port that was asked for is another program's. */
export class PortTaken extends Error {
  override name = 'PortTaken'
}

/** Servers that bound heads and times; the caller answers their requests. */
export interface Listening {
  readonly servers: readonly Server[]
  readonly port: number
  /** That another port had to be taken than last time, in one sentence. */
  readonly warning: string | null
}

/**
 * Listens on `wanted` (0: any), else on `kept`, else on 7733, else on the next free one.
 *
 * Rejects with {@link PortTaken} if `wanted` is taken. At most `connections` on each address.
 */
export async function listenLocally(
  wanted: number | undefined,
  kept: number | null,
  connections: number,
): Promise<Listening> {
  const first = wanted ?? kept ?? DEFAULT_PORT
  for (let port = first; port < first + PORTS_TRIED && port <= 65_535; port++) {
    const servers = await listenOn(port, connections)
    if (servers !== 'taken') return listening(servers, first)
    if (wanted !== undefined && wanted !== 0)
      throw new PortTaken(`Port ${wanted} is taken by another program: choose another with --port, or leave it out.`)
  }
  throw new ApiError('storage', `No free port was found from ${first} on: name one with --port.`)
}

function listening(servers: readonly Server[], first: number): Listening {
  const port = portOf(servers[0])
  const moved = first !== 0 && port !== first
  return {
    servers,
    port,
    warning: moved ? `Port ${first} is taken by another program: the app is at port ${port} from now on.` : null,
  }
}

async function listenOn(port: number, connections: number): Promise<readonly Server[] | 'taken'> {
  const four = await tryListen('127.0.0.1', port, connections)
  if (four === 'taken') return 'taken'
  const six = await tryListen('::1', four === 'absent' ? port : portOf(four), connections)
  if (six !== 'taken' && !(four === 'absent' && six === 'absent'))
    return [four, six].filter((server) => server !== 'absent')
  if (four !== 'absent') four.close()
  return 'taken'
}

function tryListen(host: string, port: number, connections: number): Promise<Server | 'taken' | 'absent'> {
  const server = createServer({
    maxHeaderSize: 8192,
    headersTimeout: 5000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 5000,
    keepAliveTimeout: 5000,
  })
  server.maxConnections = connections
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT' ? 'absent' : 'taken'),
    )
    server.listen({ host, port, exclusive: true }, () => resolve(server))
  })
}

function portOf(server: Server | undefined): number {
  const address = server?.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen')
  return address.port
}
