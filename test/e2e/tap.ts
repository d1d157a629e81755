/**
 * A TCP proxy that writes down what passes, both ways: a wire tap that needs no privileges.
 */
import { createServer, createConnection, type AddressInfo, type Server } from 'node:net'
import { once } from 'node:events'

/** One connection that went through. */
export interface Tapped {
  /** Towards the target. */
  readonly forth: Buffer[]
  readonly back: Buffer[]
}

export interface Tap {
  readonly port: number
  readonly connections: readonly Tapped[]
  close(): Promise<void>
}

/** Listens on loopback and forwards to a port there. */
export async function tap(target: number): Promise<Tap> {
  const connections: Tapped[] = []
  const server: Server = createServer((near) => {
    const tapped: Tapped = { forth: [], back: [] }
    connections.push(tapped)
    const far = createConnection({ host: '127.0.0.1', port: target })
    for (const [from, to, record] of [
      [near, far, tapped.forth],
      [far, near, tapped.back],
    ] as const) {
      from.on('data', (chunk) => {
        record.push(chunk)
        to.write(chunk)
      })
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.close()
    await once(server, 'close')
  }
  return { port: (server.address() as AddressInfo).port, connections, close }
}

/** Lines by which both ends agree on Noise, each behind its length. */
const AGREEMENT = ['/multistream/1.0.0\n', '/noise\n'].map((line) => Buffer.from([line.length, ...Buffer.from(line)]))

/** Lengths of the Noise messages in one direction of a connection: what a watcher sees. The handshake's come first. */
export function noiseLengths(chunks: readonly Buffer[]): readonly number[] {
  const bytes = Buffer.concat(chunks)
  const lengths: number[] = []
  let at = 0
  for (const line of AGREEMENT) {
    if (!bytes.subarray(at, at + line.length).equals(line)) throw new Error('this is not Noise over multistream-select')
    at += line.length
  }
  while (at + 2 <= bytes.length) {
    const length = bytes.readUInt16BE(at)
    at += 2 + length
    if (at <= bytes.length) lengths.push(length)
  }
  return lengths
}
