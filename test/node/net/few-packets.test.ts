import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'
import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { Stream } from '@libp2p/interface'
import { expect, onTestFinished, test } from 'vitest'
import { inFewPackets } from '../../../src/node/net/few-packets.ts'
import { LIMITS } from '../../../src/node/net/protocols.ts'
import { DEADLINE_MS, random } from './world.ts'

const ECHO = '/test/echo'
const SINK = '/test/sink'

test('a message and its answer are one write each, with all that keeps the stream going', async () => {
  const writes = countWrites()
  const { stream } = await pair(ECHO)
  const answered = answers(stream, 1000)
  const exchange = async (): Promise<void> => {
    stream.send(random(1000))
    await answered()
  }
  // The streams' beginning has writes of its own.
  await exchange()
  const before = writes()
  for (let i = 0; i < 20; i++) await exchange()
  expect(writes() - before).toBe(2 * 20)
})

test('who only listens gives credit again before it runs out, however many windows are sent', async () => {
  const { stream, taken } = await pair(SINK)
  const whole = 8 * LIMITS.streamWindow
  for (let sent = 0; sent < whole; sent += 16_384)
    if (!stream.send(random(16_384))) await stream.onDrain({ signal: AbortSignal.timeout(DEADLINE_MS) })
  await taken(whole)
})

test('small pieces over many streams, too', async () => {
  const { dialer, listener, taken } = await pair(SINK)
  const [connection] = dialer.getConnections(listener.peerId)
  if (connection === undefined) throw new Error('no connection')
  for (let i = 0; i < 200; i++) {
    const stream = await connection.newStream(SINK)
    stream.send(random(100))
    await stream.close()
  }
  await taken(200 * 100)
})

interface Pair {
  readonly dialer: Libp2p
  readonly listener: Libp2p
  readonly stream: Stream
  /** Resolves once the listener has taken so many bytes by SINK. */
  readonly taken: (bytes: number) => Promise<void>
}

async function pair(protocol: string): Promise<Pair> {
  const dialer = await node()
  const listener = await node()
  let bytes = 0
  let look = (): void => {}
  await listener.handle(ECHO, (stream) => {
    stream.addEventListener('message', ({ data }) => stream.send(data.subarray()))
  })
  await listener.handle(SINK, (stream) => {
    stream.addEventListener('remoteCloseWrite', () => void stream.close())
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
      look()
    })
  })
  const stream = await dialer.dialProtocol(listener.getMultiaddrs(), protocol)
  const taken = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${bytes} of ${wanted} bytes came`)), DEADLINE_MS)
      look = () => {
        if (bytes < wanted) return
        clearTimeout(timer)
        resolve()
      }
      look()
    })
  return { dialer, listener, stream, taken }
}

async function node(): Promise<Libp2p> {
  const made = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [inFewPackets(noise())],
    streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionMonitor: { enabled: false },
  })
  onTestFinished(async () => made.stop())
  return made
}

/** Each call resolves with the next answer of so many bytes. */
function answers(stream: Stream, bytes: number): () => Promise<void> {
  let here = 0
  let wake = (): void => {}
  stream.addEventListener('message', ({ data }) => {
    here += data.byteLength
    wake()
  })
  return async () => {
    while (here < bytes) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    here -= bytes
  }
}

/** How often this process wrote to a socket that was made from now on. */
function countWrites(): () => number {
  let writes = 0
  const count = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    // connect() puts a socket's own write() back.
    queueMicrotask(() => {
      socket.write = new Proxy(socket.write, {
        apply: (write, on, args) => {
          writes++
          return Reflect.apply(write, on, args)
        },
      })
    })
  }
  for (const name of ['net.client.socket', 'net.server.socket']) {
    channel(name).subscribe(count)
    onTestFinished(() => void channel(name).unsubscribe(count))
  }
  return () => writes
}
