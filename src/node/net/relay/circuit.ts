/**
 * libp2p's circuit relay (v2), both sides, with everything that it would decide by itself taken out of its hands.
 *
 *     dialer ── HOP connect ──▶ relay ── STOP ──▶ who reserved there
 *     who reserves ── HOP reserve ──▶ relay
 *
 * Holds: it opens no connection of its own, tags no peer for reconnecting, looks for no relays, and serves no stream that
 * the {@link CircuitGate} has not let through. Until there is a gate, it serves nothing.
 */
import {
  type CircuitRelayServerComponents,
  type CircuitRelayService,
  type CircuitRelayTransportComponents,
  circuitRelayServer,
  circuitRelayTransport,
  RELAY_V2_HOP_CODEC,
  RELAY_V2_STOP_CODEC,
} from '@libp2p/circuit-relay-v2'
import {
  type Connection,
  type ConnectionGater,
  isPeerId,
  type PeerId,
  serviceDependencies,
  type Stream,
  type StreamHandler,
  type Transport,
  type TypedEventTarget,
} from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { altered } from '../altered.ts'
import { attempt, Broken, Gone } from '../failures.ts'
import type { Limits } from '../protocols.ts'

type Registrar = CircuitRelayTransportComponents['registrar']
type ConnectionManager = CircuitRelayTransportComponents['connectionManager']

export const HOP = RELAY_V2_HOP_CODEC
export const STOP = RELAY_V2_STOP_CODEC

export interface CircuitGate {
  /** A stream by which somebody asks us to relay. */
  admitsHop(stream: Stream, connection: Connection): Promise<boolean>
  /** A stream by which somebody brings us a relayed connection. */
  admitsStop(connection: Connection): Promise<boolean>
  mayReserve(peer: PeerId): boolean
  /** Whether one more connection may be relayed. */
  mayConnect(from: PeerId, to: PeerId): boolean
  /** A stream to who reserved here, by which a relayed connection reaches them. */
  relays(stream: Stream): void
  /** The connection to use for that peer; none is opened. */
  connectionTo(peer: PeerId): Connection | undefined
  /** Where others reach this node, if it relays. */
  addresses(): readonly string[]
}

/** What came of asking for a reservation: the relay's own addresses; or why there is none. */
export type Reserved =
  | { readonly kind: 'reserved'; readonly addresses: readonly string[] }
  | { readonly kind: 'refused' | 'no-relay' | 'broken' }

/** Reservations that are asked for at once; more than we ever hold. */
const AT_ONCE = 64

export class Circuit {
  readonly #limits: Limits
  #gate: CircuitGate | undefined
  #transport: ReservingTransport | undefined
  #components: CircuitRelayTransportComponents | undefined
  #server: CircuitRelayService | undefined
  #lost: (relay: string) => void = () => {}

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** From now on streams are served, as the gate says. `lost` is told of each reservation that ended. */
  open(gate: CircuitGate, lost: (relay: string) => void): void {
    this.#gate = gate
    this.#lost = lost
  }

  /** For libp2p's list of transports. */
  readonly transport = (components: CircuitRelayTransportComponents): Transport => {
    const { relayedEach, streamMs } = this.#limits
    const lent = altered(components, {
      registrar: this.#guarded(components.registrar, STOP, (_, connection) => this.#gate?.admitsStop(connection)),
      connectionManager: this.#opensNothing(components.connectionManager),
      // Its tags would make libp2p reconnect by itself.
      peerStore: altered(components.peerStore, { merge: (peer) => components.peerStore.merge(peer, {}) }),
    })
    const transport = circuitRelayTransport({
      reservationCompletionTimeout: streamMs,
      // What waits in its queue is forgotten without a word whenever another reservation is made.
      reservationConcurrency: AT_ONCE,
      maxInboundStopStreams: relayedEach,
    })(lent)
    if (!isReserving(transport)) throw new Error('this libp2p keeps its reservations elsewhere')
    transport.reservationStore.addEventListener('relay:removed', ({ detail }) => this.#lost(detail.relay.toString()))
    this.#components = components
    this.#transport = transport
    // It says that it needs identify: to find relays, which it does not do here.
    return altered<Transport & { readonly [serviceDependencies]?: readonly string[] }>(transport, {
      [serviceDependencies]: [],
    })
  }

  /** For libp2p's services. */
  readonly server = (components: CircuitRelayServerComponents): CircuitRelayService => {
    const { relayedEach, reservations, reservationMs, relayedBytes, relayedMs, streamMs } = this.#limits
    const gater: ConnectionGater = {
      denyInboundRelayReservation: (peer) => this.#gate?.mayReserve(peer) !== true,
      denyOutboundRelayedConnection: (from, to) => this.#gate?.mayConnect(from, to) !== true,
    }
    const lent = altered(components, {
      registrar: this.#guarded(components.registrar, HOP, (stream, on) => this.#gate?.admitsHop(stream, on)),
      connectionManager: this.#opensNothing(components.connectionManager),
      connectionGater: gater,
      addressManager: altered(components.addressManager, {
        getAddresses: () => (this.#gate?.addresses() ?? []).map((address) => multiaddr(address)),
      }),
      peerStore: altered(components.peerStore, { merge: (peer) => components.peerStore.merge(peer, {}) }),
    })
    this.#server = circuitRelayServer({
      hopTimeout: streamMs,
      maxInboundHopStreams: relayedEach,
      maxOutboundHopStreams: relayedEach,
      maxOutboundStopStreams: relayedEach,
      // libp2p's server takes the duration for milliseconds, and tells it to both ends as if it were seconds.
      reservations: {
        maxReservations: reservations,
        reservationTtl: reservationMs,
        defaultDurationLimit: relayedMs,
        defaultDataLimit: BigInt(relayedBytes),
      },
    })(lent)
    return this.#server
  }

  /** A connection through a relay to which there is a connection. The address names the relay and the peer. */
  async dial(address: string, signal: AbortSignal): Promise<Connection | undefined> {
    const { upgrader } = this.#components ?? {}
    if (this.#transport === undefined || upgrader === undefined) return undefined
    return attempt(this.#transport.dial(multiaddr(address), { signal, upgrader }))
  }

  /** Reserves a place at a peer that is connected. It is renewed until it is lost. */
  async reserve(relay: PeerId): Promise<Reserved> {
    if (this.#transport === undefined) return { kind: 'broken' }
    try {
      const { details } = await this.#transport.reservationStore.addRelay(relay, 'configured')
      return { kind: 'reserved', addresses: details.reservation.addrs.flatMap(textOf) }
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Broken('libp2p said nothing')
      if (name === 'UnsupportedProtocolError') return { kind: 'no-relay' }
      return { kind: message.startsWith('reservation failed') ? 'refused' : 'broken' }
    }
  }

  /** Lets all reservations at others run out. */
  release(): void {
    this.#transport?.reservationStore.cancelReservations()
  }

  /** Forgets the reservation at a relay, of which it knows nothing any more. */
  forget(relay: PeerId): void {
    const { reservations } = this.#transport?.reservationStore ?? {}
    clearTimeout(reservations?.get(relay)?.timeout)
    reservations?.delete(relay)
  }

  /** Who has a place here. */
  reserved(): readonly PeerId[] {
    return [...(this.#server?.reservations.keys() ?? [])]
  }

  /** Whether that peer has a place here. */
  holds(peer: PeerId): boolean {
    return this.#server?.reservations.has(peer) === true
  }

  /** Gives the place of a peer that left to others; libp2p would keep it until its time is over. */
  vacate(peer: PeerId): void {
    this.#server?.reservations.get(peer)?.signal.clear()
    this.#server?.reservations.delete(peer)
  }

  /** Ends all places here. */
  vacateAll(): void {
    for (const peer of [...(this.#server?.reservations.keys() ?? [])]) this.vacate(peer)
  }

  #guarded(
    registrar: Registrar,
    guarded: string,
    admits: (stream: Stream, connection: Connection) => Promise<boolean> | undefined,
  ): Registrar {
    const guard =
      (handler: StreamHandler): StreamHandler =>
      async (stream, connection) => {
        if ((await admits(stream, connection)) === true) await handler(stream, connection)
        else stream.abort(new Broken('not served'))
      }
    return altered(registrar, {
      handle: (protocol, handler, options) =>
        registrar.handle(protocol, protocol === guarded ? guard(handler) : handler, options),
    })
  }

  #opensNothing(manager: ConnectionManager): ConnectionManager {
    const connectionTo = (peer: PeerId): Connection | undefined => this.#gate?.connectionTo(peer)
    return altered(manager, {
      getConnections: (peer) => {
        const connection = peer && connectionTo(peer)
        return connection === undefined ? [] : [this.#counted(connection)]
      },
      openConnection: async (to) => {
        const connection = isPeerId(to) ? connectionTo(to) : undefined
        if (connection === undefined) throw new Gone(String(to))
        return connection
      },
    })
  }

  #counted(connection: Connection): Connection {
    return altered(connection, {
      newStream: async (protocols, options) => {
        const stream = await connection.newStream(protocols, options)
        if (protocols === STOP) this.#gate?.relays(stream)
        return stream
      },
    })
  }
}

/** What of libp2p's transport its own interface does not show. */
interface ReservingTransport extends Transport {
  readonly reservationStore: TypedEventTarget<{ 'relay:removed': CustomEvent<{ relay: PeerId }> }> & {
    addRelay(relay: PeerId, type: 'configured'): Promise<{ details: { reservation: { addrs: Uint8Array[] } } }>
    cancelReservations(): void
    readonly reservations: Pick<Map<PeerId, { timeout: ReturnType<typeof setTimeout> }>, 'get' | 'delete'>
  }
}

function isReserving(transport: Transport): transport is ReservingTransport {
  return 'reservationStore' in transport
}

function textOf(bytes: Uint8Array): readonly string[] {
  try {
    return [multiaddr(bytes).toString()]
  } catch {
    return []
  }
}
