/**
 * The control of P2: a bare libp2p stream echoes what it is sent, with the same transport, encryption and multiplexer as ours,
 * and nothing else: no hello, no padding, no storing.
 */
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { echo } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'

const ECHO = '/tulnic-bench/echo/1'

const bare = (): Promise<Libp2p> =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionMonitor: { enabled: false },
  })

export interface RawEcho {
  /** Where to dial, with /p2p. */
  readonly address: string
  stop(): Promise<void>
}

/** Starts the echoing side: in a process of its own, if that is what is compared. */
export async function startRawEcho(): Promise<RawEcho> {
  const node = await bare()
  await node.handle(ECHO, (stream) => echo(stream))
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('the echo listens nowhere')
  return { address: address.toString(), stop: async () => node.stop() }
}

/** Sends `count` messages of `bytes` bytes, each when the last came back. Milliseconds of each round trip, in order. */
export async function measureRawEcho(address: string, count: number, bytes: number): Promise<readonly number[]> {
  const node = await bare()
  try {
    const stream = await node.dialProtocol(multiaddr(address), ECHO)
    const message = new Uint8Array(bytes).fill(7)
    const times: number[] = []
    let waiting = 0
    let back = Promise.withResolvers<void>()
    stream.addEventListener('message', ({ data }) => {
      waiting -= data.byteLength
      if (waiting === 0) back.resolve()
    })
    stream.addEventListener('close', () => back.reject(new Error('the echo broke off')))
    for (let i = 0; i < count; i++) {
      back = Promise.withResolvers<void>()
      waiting = bytes
      const before = performance.now()
      stream.send(message)
      await back.promise
      times.push(performance.now() - before)
    }
    return times
  } finally {
    await node.stop()
  }
}
