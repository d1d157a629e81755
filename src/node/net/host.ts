/**
 * One libp2p node: what it is made of, and where it listens.
 *
 * The port was free when it was looked for. Who takes it before we listen does not keep us from starting: another is drawn for
 * this run, and told as our address.
 *
 * Holds: a fresh Ed25519 PeerID; no identify, no pings, no resolvers, no reconnecting of its own, so that nothing is said or
 * dialed that this folder did not decide.
 */
import type { Ed25519PrivateKey, MultiaddrConnection } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { preSharedKey } from '@libp2p/pnet'
import { yamux } from '@libp2p/yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { createLibp2p, type Libp2p } from 'libp2p'
import { utf8 } from '../../protocol/index.ts'
import { hostOf, isNear } from './addresses.ts'
import { inFewPackets } from './few-packets.ts'
import type { Circuit } from './relay/circuit.ts'
import type { Machine } from './machine.ts'
import type { NetConfig } from './net.ts'
import type { Limits } from './protocols.ts'
import type { Work } from './work.ts'
import { type WebRtc, webRtcDirectDialer, webRtcDirectListener } from './relay/webrtc.ts'

/** Streams of all protocols together on one connection, each way: each connection that a peer relays to us is one. */
const STREAMS_EACH_WAY = 64

/** Parts that this folder drives itself. */
export interface Parts {
  readonly work: Work
  readonly circuit: Circuit
  readonly webRtc: WebRtc
}

/** Ports tried, if each is taken between the look and the listening. */
const PORT_TRIES = 3

/** A node that is replaced, under the same PeerID, for as long as it has not listened. */
export class Host {
  readonly #machine: Machine
  readonly #limits: Limits
  readonly #config: NetConfig
  readonly #parts: Parts
  readonly #key: Ed25519PrivateKey
  #libp2p: Libp2p
  #port: number

  private constructor(
    machine: Machine,
    limits: Limits,
    config: NetConfig,
    parts: Parts,
    key: Ed25519PrivateKey,
    libp2p: Libp2p,
    port: number,
  ) {
    this.#machine = machine
    this.#limits = limits
    this.#config = config
    this.#parts = parts
    this.#key = key
    this.#libp2p = libp2p
    this.#port = port
  }

  /** Throws a RangeError for a closed network that should listen on webrtc-direct, where nothing would close it. */
  static async make(machine: Machine, limits: Limits, config: NetConfig, parts: Parts): Promise<Host> {
    const key = await generateKeyPair('Ed25519')
    const port = await machine.freePort(config.listenPort)
    const libp2p = await makeHost(machine, limits, config, key, port, parts)
    return new Host(machine, limits, config, parts, key, libp2p, port)
  }

  get libp2p(): Libp2p {
    return this.#libp2p
  }

  /** The port of every interface; may become another one until `listen` has resolved. */
  get port(): number {
    return this.#port
  }

  /** Starts; `prepare` readies each node that is tried. Rejects if a configured address cannot be listened on. */
  async listen(prepare: (libp2p: Libp2p) => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      await prepare(this.#libp2p)
      try {
        return await this.#libp2p.start()
      } catch (error) {
        if (tries === PORT_TRIES) throw error
        this.#port = await this.#machine.freePort(this.#port)
        this.#libp2p = await makeHost(this.#machine, this.#limits, this.#config, this.#key, this.#port, this.#parts)
      }
    }
  }
}

/** A node that will listen on `port` of every interface, and on the configured addresses. Not started. */
async function makeHost(
  machine: Machine,
  limits: Limits,
  config: NetConfig,
  privateKey: Ed25519PrivateKey,
  port: number,
  { circuit, webRtc, work }: Parts,
): Promise<Libp2p> {
  const { networkKey, lanOnly } = config
  const isOutside = (connection: MultiaddrConnection): boolean => {
    const address = hostOf(connection.remoteAddr.toString())
    return address === undefined || !isNear(address, machine.interfaces())
  }
  const refuses = (ip: string): boolean => work.refuses(ip)
  return createLibp2p({
    start: false,
    privateKey,
    addresses: { listen: [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`, ...config.listen] },
    transports: [...machine.transports(refuses), circuit.transport, ...(await webRtcDirect(config))],
    ...(networkKey === null ? {} : { connectionProtector: preSharedKey({ psk: pskFile(networkKey) }) }),
    services: { relay: circuit.server, ...(lanOnly ? {} : { webRtc: webRtc.service }) },
    connectionEncrypters: [inFewPackets(noise())],
    streamMuxers: [
      yamux({
        enableKeepAlive: false,
        maxInboundStreams: STREAMS_EACH_WAY,
        maxOutboundStreams: STREAMS_EACH_WAY,
        streamOptions: {
          initialStreamWindowSize: limits.streamWindow,
          maxStreamWindowSize: limits.streamWindow,
          maxReadBufferLength: limits.streamBuffer,
        },
      }),
    ],
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: limits.connections,
      maxIncomingPendingConnections: limits.upgrades,
      inboundConnectionThreshold: limits.inboundPerSecond,
      maxParallelDials: limits.dials,
      dialTimeout: limits.addressMs,
      addressDialTimeout: limits.addressMs,
      inboundUpgradeTimeout: limits.addressMs,
      inboundStreamProtocolNegotiationTimeout: limits.streamMs,
      outboundStreamProtocolNegotiationTimeout: limits.streamMs,
      resolvers: {},
      reconnectRetries: 0,
    },
    connectionGater: {
      denyInboundConnection: (connection) => (lanOnly && isOutside(connection)) || !work.admits(connection),
      // Nothing closes that transport to who has no network key.
      denyDialMultiaddr: (address) => networkKey !== null && isWebRtcDirect(address.toString()),
      // Hello's proofs name both PeerIDs: only the kind that we make ourselves.
      denyInboundEncryptedConnection: (peer) => peer.type !== 'Ed25519',
      denyOutboundEncryptedConnection: (peer) => peer.type !== 'Ed25519',
    },
  })
}

const isWebRtcDirect = (address: string): boolean => address.includes('/webrtc-direct')

async function webRtcDirect({ listen, networkKey }: NetConfig): Promise<Transports> {
  const listens = listen.some(isWebRtcDirect)
  if (listens && networkKey !== null) throw new RangeError('a closed network cannot listen on webrtc-direct')
  if (networkKey !== null) return []
  return [listens ? await webRtcDirectListener() : webRtcDirectDialer]
}

type Transports = ReturnType<Machine['transports']>

/** The form in which libp2p reads a key of 32 bytes. */
function pskFile(key: Uint8Array): Uint8Array {
  if (key.length !== 32) throw new RangeError('a network key has 32 bytes')
  const hex = Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return utf8(`/key/swarm/psk/1.0.0/\n/base16/\n${hex}`)
}
