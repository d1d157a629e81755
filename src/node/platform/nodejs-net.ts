/**
 * The machine under the net, on Node.js: TCP, the interfaces, and multicast DNS on each of them.
 *
 * Holds: a socket that cannot be had is not a failure; the network is then smaller.
 */
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { BlockList, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import multicastDns from 'multicast-dns'
import { nodejs } from './nodejs-primitives.ts'
import type { InterfaceAddress, Machine, Multicast, MulticastListener } from '../net/machine.ts'

/** Sockets, both directions: the net's own limits are below. */
const SOCKETS = 400
const LAST_PORT = 65_535
/** Ports tried after the wanted one. */
const PORT_TRIES = 100
/** An answer is not repeated sooner. RFC 6762 §6 says a second; who has just come would then wait as long. */
const ANSWER_MS = 250
const TTL_SECONDS = 120
/** A search is said twice, for datagrams get lost. */
const SEARCH_AGAIN_MS = 300

/** What this computer lends the net. */
export function nodejsMachine(): Machine {
  return {
    primitives: nodejs,
    transports: (refuses) => [
      tcp({ maxConnections: SOCKETS, listenOpts: { blockList: new Door(refuses) } as object }),
      webSockets(),
    ],
    interfaces,
    gateways: () => attempt(() => gatewaysIn(readFileSync('/proc/net/route', 'utf8'))),
    freePort,
    multicast: (service, listener) => new MulticastOnEach(service, listener),
    datagrams,
    search,
    http,
    nextTurn: (run) => {
      const turn = setImmediate(run)
      return () => clearImmediate(turn)
    },
    now: Date.now,
  }
}

/**
 * Asked by a server of Node.js for each connection, before it makes a socket of it. Lists are made to be filled; this one decides
 * anew each time. Libp2p hands it on, although its types do not know it.
 */
class Door extends BlockList {
  readonly #refuses: (ip: string) => boolean

  constructor(refuses: (ip: string) => boolean) {
    super()
    this.#refuses = refuses
  }

  override check(ip: unknown): boolean {
    return typeof ip === 'string' && this.#refuses(ip)
  }
}

function interfaces(): readonly InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, family, cidr, internal }) => ({
      name,
      address,
      family: family === 'IPv4' ? (4 as const) : (6 as const),
      prefix: Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128)),
      internal,
    })),
  )
}

/** Linux's table of routes: those to everywhere that lead over a gateway, whose address is hexadecimal, last byte first. */
function gatewaysIn(table: string): readonly string[] {
  return table.split('\n').flatMap((line) => {
    const [, destination, gateway = ''] = line.split('\t')
    const bytes = gateway.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []
    return destination === NOWHERE && gateway !== NOWHERE && bytes.length === 4 ? [bytes.toReversed().join('.')] : []
  })
}

const NOWHERE = '00000000'

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

async function freePort(wanted: number): Promise<number> {
  for (let tries = 0, port = wanted; tries <= PORT_TRIES; tries++) {
    const free = await probe(port)
    if (free !== undefined) return free
    port = wanted === 0 || port >= LAST_PORT ? 0 : port + 1
  }
  throw new Error(`no free TCP port from ${wanted} on`)
}

/** The port, if it can be had for both families; `undefined` if it is taken. */
async function probe(port: number): Promise<number | undefined> {
  const free = await listenOnce('0.0.0.0', port)
  if (typeof free !== 'number') return undefined
  const six = await listenOnce('::', free)
  return six === 'taken' ? undefined : free
}

function listenOnce(host: string, port: number): Promise<number | 'taken' | 'impossible'> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' || error.code === 'EACCES' ? 'taken' : 'impossible')
    })
    server.listen({ host, port, ipv6Only: host === '::', exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 'impossible'))
    })
  })
}

const FAMILIES = [4, 6] as const

const datagrams: Machine['datagrams'] = (port, heard) => {
  const sockets = FAMILIES.map((family) => {
    const socket = createSocket(family === 4 ? { type: 'udp4' } : { type: 'udp6', ipv6Only: true })
    // Not to be had, or a datagram that could not leave: nobody is told, for nobody relies on it.
    socket.on('error', () => {})
    socket.on('message', (bytes, { address, port: from }) => heard(bytes, { address, family, port: from }))
    socket.bind(port)
    socket.unref()
    return socket
  })
  return {
    send: (bytes, to) => sockets[FAMILIES.indexOf(to.family)]?.send(bytes, to.port, to.address, () => {}),
    stop: async () => {
      const closed = sockets.map((socket) => new Promise<void>((resolve) => socket.close(resolve)))
      await Promise.all(closed)
    },
  }
}

const search: Machine['search'] = (from, group, question, heard) => {
  const socket = createSocket({ type: 'udp4' })
  socket.on('error', () => {})
  socket.on('message', (bytes, { address, port }) => heard(bytes, { address, family: 4, port }))
  const send = (): void => socket.send(question, group.port, group.address, () => {})
  let again: NodeJS.Timeout | undefined
  socket.bind(0, from, () => {
    socket.setMulticastTTL(1)
    socket.setMulticastInterface(from)
    send()
    again = setTimeout(send, SEARCH_AGAIN_MS)
  })
  socket.unref()
  return {
    stop: () => {
      clearTimeout(again)
      return new Promise((resolve) => socket.close(() => resolve()))
    },
  }
}

const http: Machine['http'] = ({ ip, port, path, from, method, headers, body, most, signal }) =>
  new Promise((resolve) => {
    const length = { 'content-length': String(Buffer.byteLength(body)) }
    const options = { host: ip, port, path, method, localAddress: from, agent: false, signal } as const
    const asked = request(
      { ...options, headers: method === 'POST' ? { ...headers, ...length } : headers },
      (answer) => {
        const parts: Buffer[] = []
        let bytes = 0
        answer.on('data', (part: Buffer) => {
          bytes += part.length
          if (bytes <= most) parts.push(part)
          else asked.destroy()
        })
        answer.on('error', () => resolve(undefined))
        answer.on('close', () => resolve(undefined))
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: new Uint8Array(Buffer.concat(parts)) }))
      },
    )
    asked.on('error', () => resolve(undefined))
    asked.end(body)
  })

type Socket = ReturnType<typeof multicastDns>

interface OpenSocket {
  readonly socket: Socket
  answeredAt: number
  /** The answer to a question that came too soon after the last one. */
  later: NodeJS.Timeout | undefined
}

/** One socket for each IPv4 interface, for a socket without one speaks on the default route alone. */
class MulticastOnEach implements Multicast {
  readonly #service: string
  readonly #listener: MulticastListener
  readonly #sockets = new Map<string, OpenSocket>()

  constructor(service: string, listener: MulticastListener) {
    this.#service = service
    this.#listener = listener
    this.refresh()
  }

  ask(): void {
    for (const { socket } of this.#sockets.values()) this.#question(socket)
  }

  refresh(): void {
    const now = new Set(multicastAddresses())
    for (const on of this.#sockets.keys()) if (!now.has(on)) void this.#close(on)
    for (const on of now) if (!this.#sockets.has(on)) this.#open(on)
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#sockets.keys()].map((on) => this.#close(on)))
  }

  #open(on: string): void {
    // Bound to the wildcard, for Linux drops multicast to a socket that is bound to an address.
    const socket = multicastDns({ interface: on, bind: '0.0.0.0' })
    this.#sockets.set(on, { socket, answeredAt: 0, later: undefined })
    socket.on('ready', () => {
      this.#answer(on)
      this.#question(socket)
    })
    socket.on('query', ({ questions }) => {
      if (!questions.some(({ name }) => name === this.#service)) return
      this.#listener.asked()
      this.#answer(on)
    })
    socket.on('response', ({ answers, additionals }, { address }) => {
      if (!answers.some(({ name, type }) => type === 'PTR' && name === this.#service)) return
      this.#listener.heard(
        [...answers, ...additionals].flatMap(({ type, data }) => (type === 'TXT' ? textsOf(data) : [])),
        address,
      )
    })
    socket.on('error', () => void this.#close(on))
    socket.on('warning', () => {})
  }

  #question(socket: Socket): void {
    socket.query([{ name: this.#service, type: 'PTR' }])
  }

  #answer(on: string): void {
    const open = this.#sockets.get(on)
    const said = this.#listener.announcement(on)
    if (open === undefined || said === undefined || open.later !== undefined) return
    const tooSoonMs = open.answeredAt + ANSWER_MS - Date.now()
    if (tooSoonMs > 0) {
      open.later = setTimeout(() => {
        open.later = undefined
        this.#answer(on)
      }, tooSoonMs)
      return
    }
    open.answeredAt = Date.now()
    const texts = said.texts.map((data) => ({ name: said.instance, type: 'TXT', ttl: TTL_SECONDS, data }))
    open.socket.respond({
      answers: [{ name: this.#service, type: 'PTR', ttl: TTL_SECONDS, data: said.instance }, ...texts],
    })
  }

  #close(on: string): Promise<void> {
    const open = this.#sockets.get(on)
    this.#sockets.delete(on)
    clearTimeout(open?.later)
    return new Promise((resolve) => (open === undefined ? resolve() : open.socket.destroy(resolve)))
  }
}

/** One address for each interface that leads somewhere; the loopback one where none does. */
function multicastAddresses(): readonly string[] {
  const four = Object.values(networkInterfaces()).flatMap(
    (addresses = []) => addresses.find(({ family }) => family === 'IPv4') ?? [],
  )
  const outward = four.filter(({ internal }) => !internal)
  return (outward.length > 0 ? outward : four).map(({ address }) => address)
}

function textsOf(data: unknown): readonly string[] {
  const parts: readonly unknown[] = Array.isArray(data) ? data : [data]
  return parts.flatMap((part) =>
    typeof part === 'string' ? part : part instanceof Uint8Array ? new TextDecoder().decode(part) : [],
  )
}
