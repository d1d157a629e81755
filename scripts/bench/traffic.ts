/**
 * Counts what this process sends over TCP, from the moment when this file is imported.
 */
import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

export interface Traffic {
  /** Payload, without TCP's and IP's own bytes. */
  readonly bytes: number
  /** Calls of `write`: about as many segments, on a line that rests between them. */
  readonly writes: number
}

const sockets = new Set<Socket>()
/** Of connections that have ended. */
let bytes = 0
let writes = 0

for (const name of ['net.client.socket', 'net.server.socket']) {
  channel(name).subscribe((message) => count((message as { socket: Socket }).socket))
}

function count(socket: Socket): void {
  sockets.add(socket)
  socket.once('close', () => {
    sockets.delete(socket)
    bytes += socket.bytesWritten
  })
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

/** IPv4 20, TCP 20, its time stamps 12; and the same for the acknowledgement. */
const SEGMENT_BYTES = 104

/** Bytes on the wire: what was written to TCP, and for each write the headers of its segment and of a bare acknowledgement. */
export function onWire(traffic: readonly Traffic[]): number {
  return traffic.reduce((sum, { bytes, writes }) => sum + bytes + writes * SEGMENT_BYTES, 0)
}

export function trafficSoFar(): Traffic {
  return { bytes: [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, bytes), writes }
}
