/**
 * A network in memory: stations at addresses, lines between them, streams on lines. What libp2p does below our protocols, without
 * sockets, Noise and yamux; a message takes half a round trip, a dial with its hellos four.
 *
 * Holds: who is gone answers nothing and refuses nothing, neither a dial nor a question on a line that was open, so that only
 * patience ends either; or refuses both at once, for tests that are to count and not to wait.
 */
import type { Connection, Logger, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { AbstractStream } from '@libp2p/utils'
import { addressText, type Peer } from './peers.ts'
import type { Meter } from './meter.ts'

/** TCP, Noise, yamux and the hello of ours: round trips before the first question. */
const DIAL_ROUND_TRIPS = 4
/** After this TCP and libp2p give up by themselves, whatever whoever dials or asks does. */
const GIVES_UP_MS = 15_000

/** Who is at an address. */
export interface Station {
  readonly peer: Peer
  readonly serves: boolean
  isUp: boolean
  readonly meter: Meter | undefined
  /** Somebody dialed. */
  opened(line: Line): void
  /** A stream that the other end of a line opened. */
  asked(stream: Stream, line: Line): void
  /** A line ended. */
  closed(line: Line): void
}

export interface Manner {
  readonly roundTripMs: number
  /** Of who is gone. */
  readonly refuses: boolean
}

export class Switchboard {
  readonly #manner: Manner
  readonly #stations = new Map<string, Station>()
  #lines = 0

  constructor(manner: Manner) {
    this.#manner = manner
  }

  add(station: Station): void {
    this.#stations.set(addressText(station.peer), station)
  }

  /** A line from one station to whoever is at an address; `undefined` when the signal comes first. */
  async dial(from: Station, address: string, signal: AbortSignal): Promise<Line | undefined> {
    const to = this.#stations.get(address)
    from.meter?.dialed()
    const late = new Promise<undefined>((resolve) => {
      const givesUp = setTimeout(() => resolve(undefined), GIVES_UP_MS)
      const aborted = (): void => {
        clearTimeout(givesUp)
        resolve(undefined)
      }
      if (signal.aborted) aborted()
      else signal.addEventListener('abort', aborted, { once: true })
    })
    const { roundTripMs, refuses } = this.#manner
    const refused = refuses ? later(roundTripMs).then(() => undefined) : late
    const answers = to?.isUp === true ? later(roundTripMs * DIAL_ROUND_TRIPS).then(() => to) : refused
    const reached = await Promise.race([answers, late])
    from.meter?.dialEnded(reached !== undefined)
    if (reached === undefined || signal.aborted) return undefined
    const near = new Line(`line ${this.#lines++}`, from, reached, 'outbound', this.#manner)
    const far = new Line(`line ${this.#lines++}`, reached, from, 'inbound', this.#manner)
    near.far = far
    far.far = near
    reached.opened(far)
    return near
  }
}

/** One end of a line, with as much of libp2p's Connection as our net uses. */
export class Line {
  readonly id: string
  readonly local: Station
  readonly remote: Station
  readonly direction: 'inbound' | 'outbound'
  readonly streams: Wire[] = []
  far: Line | undefined
  isOpen = true
  readonly #manner: Manner
  readonly #events = new EventTarget()

  constructor(id: string, local: Station, remote: Station, direction: 'inbound' | 'outbound', manner: Manner) {
    this.id = id
    this.local = local
    this.remote = remote
    this.direction = direction
    this.#manner = manner
  }

  asConnection(): Connection {
    return this as unknown as Connection
  }

  get remotePeer(): Peer['id'] {
    return this.remote.peer.id
  }

  get remoteAddr(): ReturnType<typeof multiaddr> {
    return multiaddr(addressText(this.remote.peer))
  }

  addEventListener(name: string, listener: () => void, options?: { once?: boolean }): void {
    this.#events.addEventListener(name, listener, options)
  }

  async newStream(protocol: string, { signal }: { signal: AbortSignal }): Promise<Stream> {
    const { far } = this
    signal.throwIfAborted()
    const { roundTripMs, refuses } = this.#manner
    if (!this.isOpen || far === undefined || (refuses && !this.remote.isUp)) throw new Error('the line has ended')
    const near = new Wire(this, protocol, 'outbound', roundTripMs / 2)
    const other = new Wire(far, protocol, 'inbound', roundTripMs / 2)
    near.other = other
    other.other = near
    // Who is gone never sees it; as libp2p negotiates a single protocol, the first question goes along.
    if (this.remote.isUp) queueMicrotask(() => this.remote.asked(other, far))
    return near
  }

  async close(): Promise<void> {
    this.abort()
  }

  abort(): void {
    if (!this.isOpen) return
    this.#end()
    const { far } = this
    if (far !== undefined) far.#end()
  }

  #end(): void {
    this.isOpen = false
    for (const stream of [...this.streams]) stream.onRemoteReset()
    this.#events.dispatchEvent(new Event('close'))
    this.local.closed(this)
  }
}

/** One end of a stream. */
export class Wire extends AbstractStream {
  other: Wire | undefined
  readonly #line: Line
  readonly #halfMs: number

  constructor(line: Line, protocol: string, direction: 'inbound' | 'outbound', halfMs: number) {
    super({ id: 'wire', protocol, log: silent, direction })
    this.#line = line
    this.#halfMs = halfMs
    line.streams.push(this)
    if (direction === 'outbound') this.#meter()?.opened()
    const givesUp = setTimeout(() => this.onRemoteReset(), GIVES_UP_MS)
    this.addEventListener('close', () => {
      clearTimeout(givesUp)
      if (direction === 'outbound') this.#meter()?.closed()
      line.streams.splice(line.streams.indexOf(this), 1)
    })
  }

  override sendData(data: Parameters<AbstractStream['sendData']>[0]): ReturnType<AbstractStream['sendData']> {
    const bytes = Uint8Array.from(data.subarray())
    if (this.direction === 'outbound') this.#meter()?.asked(bytes)
    this.#over((other) => {
      if (other.direction === 'outbound') other.#meter()?.answered(this.#line.local.peer, bytes)
      other.onData(bytes)
    })
    return { sentBytes: data.byteLength, canSendMore: true }
  }

  override sendReset(): void {
    this.#over((other) => other.onRemoteReset())
  }

  override async sendCloseWrite(): Promise<void> {
    this.#over((other) => other.onRemoteCloseWrite())
  }

  override sendPause(): void {}
  override sendResume(): void {}
  override async sendCloseRead(): Promise<void> {}

  #meter(): Meter | undefined {
    return this.#line.local.meter
  }

  #over(then: (other: Wire) => void): void {
    const { other } = this
    if (other === undefined || !this.#line.remote.isUp || !this.#line.local.isUp) return
    const arrive = (): void => {
      if (this.#line.remote.isUp && other.status !== 'closed' && other.status !== 'aborted') then(other)
    }
    if (this.#halfMs > 0) setTimeout(arrive, this.#halfMs)
    else setImmediate(arrive)
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => (ms > 0 ? setTimeout(resolve, ms) : setImmediate(resolve)))
}

/** libp2p's log, of which nobody reads a line. */
export const silent: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent,
})
