/**
 * A bare libp2p node, with the same transport, encryption and multiplexer as ours, and nothing else: no hello, no padding, no
 * storing. And the reading of messages of one length from a stream.
 */
import type { Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2p } from 'libp2p'

/** Listens on the loopback interface. */
export const bare = (): Promise<Libp2p> =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionMonitor: { enabled: false },
  })

/** Where to dial it, with /p2p. */
export function addressOf(node: Libp2p): string {
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('the bare node listens nowhere')
  return address.toString()
}

/** Calls `each` with every message of `bytes` bytes, as soon as it has arrived whole. */
export function readEach(stream: Stream, bytes: number, each: (message: Uint8Array) => void): void {
  let held: Uint8Array = new Uint8Array(0)
  stream.addEventListener('message', ({ data }) => {
    const all = held.length === 0 ? data.subarray() : Buffer.concat([held, data.subarray()])
    let at = 0
    for (; at + bytes <= all.length; at += bytes) each(all.subarray(at, at + bytes))
    held = all.subarray(at)
  })
}

/** Each call resolves with the next message of `bytes` bytes, and rejects when the stream has ended. */
export function nextOf(stream: Stream, bytes: number): () => Promise<Uint8Array> {
  const here: Uint8Array[] = []
  let isOpen = true
  let wake = (): void => {}
  readEach(stream, bytes, (message) => {
    here.push(message)
    wake()
  })
  stream.addEventListener('close', () => {
    isOpen = false
    wake()
  })
  return async () => {
    for (;;) {
      const message = here.shift()
      if (message !== undefined) return message
      if (!isOpen) throw new Error('the raw stream broke off')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}
