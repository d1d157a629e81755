/**
 * One libp2p node: what it is made of, and where it listens.
 *
 * Holds: a fresh Ed25519 PeerID; no identify, no pings, no resolvers, no reconnecting of its own, so that nothing is said or
 * dialed that this folder did not decide.
 */
import type { Ed25519PrivateKey, MultiaddrConnection } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { isNear, parseAddress } from './addresses.ts'
import type { Machine } from './machine.ts'
import type { NetConfig } from './net.ts'
import type { Limits } from './protocols.ts'

/** Streams of all protocols together on one connection, each way. */
const STREAMS_EACH_WAY = 16

/** A node that will listen on `port` of every interface, and on the configured addresses. Not started. */
export function makeHost(
  machine: Machine,
  limits: Limits,
  config: NetConfig,
  privateKey: Ed25519PrivateKey,
  port: number,
): Promise<Libp2p> {
  const isOutside = (connection: MultiaddrConnection): boolean => {
    const address = parseAddress(connection.remoteAddr.toString())
    return address === undefined || !isNear(address, machine.interfaces())
  }
  return createLibp2p({
    start: false,
    privateKey,
    addresses: { listen: [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`, ...config.listen] },
    transports: machine.transports,
    connectionEncrypters: [noise()],
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
      denyInboundConnection: (connection) => config.lanOnly && isOutside(connection),
      // Hello's proofs name both PeerIDs: only the kind that we make ourselves.
      denyInboundEncryptedConnection: (peer) => peer.type !== 'Ed25519',
      denyOutboundEncryptedConnection: (peer) => peer.type !== 'Ed25519',
    },
  })
}
