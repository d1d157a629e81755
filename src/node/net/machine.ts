/**
 * What the platform lends the net: sockets, interfaces, multicast, the clock and cryptography. Filled by `platform/nodejs-net.ts`.
 */
import type { Libp2pOptions } from 'libp2p'
import type { Primitives } from '../../protocol/index.ts'

/** One address of one network interface. */
export interface InterfaceAddress {
  readonly address: string
  readonly family: 4 | 6
  /** Length of the subnet's prefix in bits. */
  readonly prefix: number
  readonly internal: boolean
  /** The interface's name. */
  readonly name: string
}

/** What a node says of itself to the local network. */
export interface LanAnnouncement {
  /** Random name of this run. */
  readonly instance: string
  /** Strings of at most 255 bytes. */
  readonly texts: readonly string[]
}

/** One service on every interface that multicast reaches. */
export interface Multicast {
  /** Asks who is there, and says what we are. */
  ask(): void
  /** Looks for interfaces that came and went. */
  refresh(): void
  stop(): Promise<void>
}

export interface MulticastListener {
  /** What to say on the interface with this address; `undefined`: nothing. */
  announcement(on: string): LanAnnouncement | undefined
  /** Somebody (perhaps we ourselves) asked. */
  asked(): void
  /** Somebody's texts, as they came: nothing about them is checked. `from`: the IP address from which they came, where it is known. */
  heard(texts: readonly string[], from?: string): void
}

/** Where a datagram comes from, or goes. */
export interface Endpoint {
  readonly address: string
  readonly family: 4 | 6
  readonly port: number
}

export interface Listening {
  stop(): Promise<void>
}

export interface Datagrams extends Listening {
  /** From the port on which we listen; what cannot leave is lost. */
  send(bytes: Uint8Array, to: Endpoint): void
}

/** One question by HTTP, to an IPv4 address alone. */
export interface HttpQuestion {
  readonly ip: string
  readonly port: number
  readonly path: string
  /** The address of this machine from which it is asked. */
  readonly from: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Bytes of the answer's body: one that is longer is none. */
  readonly most: number
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly body: Uint8Array
}

export interface Machine {
  readonly primitives: Primitives
  /** `refuses`: whether a connection from that IP address is ended before anything is made for it. */
  transports(refuses: (ip: string) => boolean): NonNullable<Libp2pOptions['transports']>
  interfaces(): readonly InterfaceAddress[]
  /** IPv4 addresses of the routers that lead on from here; `undefined` where the system does not say. */
  gateways(): readonly string[] | undefined
  /** The first TCP port from `wanted` on that is free for IPv4 and IPv6 (where there is IPv6); 0: any. Rejects when there is none. */
  freePort(wanted: number): Promise<number>
  multicast(service: string, listener: MulticastListener): Multicast
  /** Listens for UDP datagrams on a port, for each family that can have it; where none can, nothing comes. */
  datagrams(port: number, heard: (bytes: Uint8Array, from: Endpoint) => void): Datagrams
  /**
   * Sends a text from an IPv4 address of this machine to a multicast group, twice and no further than its link, and hears what
   * comes back to the port from which it was sent.
   */
  search(
    from: string,
    group: { readonly address: string; readonly port: number },
    question: string,
    heard: (bytes: Uint8Array, from: Endpoint) => void,
  ): Listening
  /** The answer; `undefined` where there is none in time, or none that fits. No redirect is followed. */
  http(question: HttpQuestion): Promise<HttpAnswer | undefined>
  /** Runs it when whatever else waits to be read had its turn. Returns how to take that back. */
  nextTurn(run: () => void): () => void
  /** Milliseconds since 1970; jumps after a sleep. */
  now(): number
}
