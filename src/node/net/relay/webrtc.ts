/**
 * WebRTC: direct paths through NATs, negotiated over a relayed link; and /webrtc-direct addresses. Its binary is loaded when one
 * is first needed: 170 ms, 18 MiB.
 *
 * Who is at the other end of a negotiated path is known by the relayed link: Noise proved its PeerID there, and offer and answer,
 * which carry the fingerprints of both DTLS certificates, travel inside it. Noise is not run once more on the new path; hello
 * is, and it binds both PeerIDs (docs/decisions/0018).
 *
 * Holds: no STUN server is asked but those that the {@link WebRtcGate} names; no offer is answered that it did not admit;
 * nothing reaches the native library but what signalling.ts lets through.
 */
import {
  type Connection,
  type PeerId,
  type Startable,
  type StreamHandler,
  start,
  stop,
  type Transport,
  transportSymbol,
} from '@libp2p/interface'
import type { WebRTCDirectTransportComponents, WebRTCTransportComponents } from '@libp2p/webrtc'
import { multiaddr } from '@multiformats/multiaddr'
import { parseAddress } from '../addresses.ts'
import { altered } from '../altered.ts'
import { attempt, Broken } from '../failures.ts'
import { sifted } from './signalling.ts'

/** The protocol by which libp2p negotiates. */
export const SIGNALING = '/webrtc-signaling/0.0.1'

export interface WebRtcGate {
  /** Whether an offer that came over this connection is answered. */
  admitsOffer(connection: Connection): Promise<boolean>
  /** `stun:…` of peers that answer such questions. */
  stunServers(): readonly string[]
}

/** Streams that a peer may open before we listen, on one connection. */
const EARLY_STREAMS = 4
/** Offers that one peer may make at once. */
const OFFERS_EACH = 1

interface Loaded {
  readonly transport: Transport
  readonly answer: StreamHandler
}

export class WebRtc {
  #gate: WebRtcGate | undefined
  #components: WebRTCTransportComponents | undefined
  #loading: Promise<Loaded> | undefined
  /** The relayed connections over which paths are being negotiated, by PeerID. */
  readonly #over = new Map<string, Connection>()

  /** From now on offers are answered, as the gate says. */
  open(gate: WebRtcGate): void {
    this.#gate = gate
  }

  /** For libp2p's services. */
  readonly service = (components: WebRTCTransportComponents): Startable => {
    this.#components = components
    return {
      start: () =>
        components.registrar.handle(
          SIGNALING,
          async (stream, connection) => {
            if ((await this.#gate?.admitsOffer(connection)) !== true) return stream.abort(new Broken('not wanted'))
            const { answer } = await this.#load(components)
            await answer(sifted(stream), connection)
          },
          { runOnLimitedConnection: true, maxInboundStreams: OFFERS_EACH, maxOutboundStreams: OFFERS_EACH },
        ),
      stop: async () => {
        await components.registrar.unhandle(SIGNALING)
        const loaded = await this.#loading
        if (loaded !== undefined) await stop(loaded.transport)
      },
    }
  }

  /** A direct connection to the peer at the other end of a relayed one; `undefined` where there is no path. */
  async negotiate(relayed: Connection, signal: AbortSignal): Promise<Connection | undefined> {
    const components = this.#components
    if (components === undefined) return undefined
    const peer = relayed.remotePeer.toString()
    this.#over.set(peer, relayed)
    try {
      const { transport } = await this.#load(components)
      const { upgrader } = components
      return await attempt(transport.dial(multiaddr(`/webrtc/p2p/${peer}`), { signal, upgrader }))
    } finally {
      if (this.#over.get(peer) === relayed) this.#over.delete(peer)
    }
  }

  #load(components: WebRTCTransportComponents): Promise<Loaded> {
    this.#loading ??= this.#make(components)
    return this.#loading
  }

  async #make(components: WebRTCTransportComponents): Promise<Loaded> {
    const { webRTC } = await import('@libp2p/webrtc')
    let answer: StreamHandler | undefined
    const lent = altered(components, {
      registrar: altered(components.registrar, {
        handle: async (_, handler) => {
          answer = handler
        },
        unhandle: async () => {},
      }),
      connectionManager: altered(components.connectionManager, {
        getConnections: (peer?: PeerId) => {
          const relayed = peer && this.#over.get(peer.toString())
          return relayed === undefined ? [] : [negotiating(relayed)]
        },
      }),
    })
    const transport = webRTC({
      rtcConfiguration: () => ({ iceServers: (this.#gate?.stunServers() ?? []).map((urls) => ({ urls })) }),
      maxEarlyStreams: EARLY_STREAMS,
    })(lent)
    await start(transport)
    if (answer === undefined) throw new Error('this libp2p negotiates otherwise')
    return { transport, answer }
  }
}

const negotiating = (relayed: Connection): Connection =>
  altered(relayed, { newStream: async (protocols, options) => sifted(await relayed.newStream(protocols, options)) })

/** libp2p's transport of /webrtc-direct, loaded when an address is first dialed. It does not listen. */
export function webRtcDirectDialer(components: WebRTCDirectTransportComponents): Transport {
  let loading: Promise<Transport> | undefined
  const load = async (): Promise<Transport> => {
    const { webRTCDirect } = await import('@libp2p/webrtc')
    return webRTCDirect({ rtcConfiguration: { iceServers: [] }, maxEarlyStreams: EARLY_STREAMS })(components)
  }
  return {
    [transportSymbol]: true,
    [Symbol.toStringTag]: 'webrtc-direct',
    dial: async (address, options) => {
      loading ??= load()
      return (await loading).dial(address, options)
    },
    createListener: () => {
      throw new Error('webrtc-direct was not loaded for listening')
    },
    listenFilter: () => [],
    dialFilter: (addresses) => addresses.filter((one) => parseAddress(one.toString())?.transport === 'webrtc-direct'),
  }
}

/** The same, which listens, too. */
export async function webRtcDirectListener(): Promise<(components: WebRTCDirectTransportComponents) => Transport> {
  const { webRTCDirect } = await import('@libp2p/webrtc')
  return webRTCDirect({ rtcConfiguration: { iceServers: [] }, maxEarlyStreams: EARLY_STREAMS })
}
