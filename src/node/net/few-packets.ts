/**
 * Noise, sparing packets. By themselves the libraries write each message of noise in two pieces, its length and the rest, and
 * answer each piece that a stream received with a window update of yamux in a message of its own: six packets and as many
 * wake-ups of the other side where one does.
 *
 *     data of a stream        ──▶ window updates that wait ‖ data, one message, one write
 *     window update, no flags ──▶ waits, added up by stream, for data or for HELD_CREDIT
 *
 * Holds: bytes that the other side waits for are never held; of a stream's window less than HELD_CREDIT is held back, a quarter
 * of it, so nobody ever waits for what is held.
 */
import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import { concat } from '../../protocol/index.ts'
import { LIMITS } from './protocols.ts'

type Data = Parameters<MessageStream['send']>[0]

/** Bytes of credit, of all streams together, and streams that have some. */
const HELD_CREDIT = LIMITS.streamWindow / 4
const HELD_STREAMS = 16

/** The yamux header: version 0 ‖ type 1 ‖ flags 2 ‖ stream 4 ‖ length 4 (yamux specification, "Framing"). */
const HEADER_BYTES = 12
const WINDOW_UPDATE = 1

/** The same encrypter, in fewer packets; what it makes is to be read and written by yamux alone. */
export function inFewPackets<C, E>(
  make: (components: C) => ConnectionEncrypter<E>,
): (components: C) => ConnectionEncrypter<E> {
  return (components) => {
    const inner = make(components)
    const secureOutbound = inner.secureOutbound.bind(inner)
    const secureInbound = inner.secureInbound.bind(inner)
    inner.secureOutbound = async (stream, options) => sparing(await secureOutbound(inOnePiece(stream), options))
    inner.secureInbound = async (stream, options) => sparing(await secureInbound(inOnePiece(stream), options))
    return inner
  }
}

/** What is sent at once is written at once. */
function inOnePiece(stream: MessageStream): MessageStream {
  const send = stream.send.bind(stream)
  stream.send = (data) => send(data.subarray())
  return stream
}

function sparing<E>(secured: SecuredConnection<E>): SecuredConnection<E> {
  const { connection } = secured
  const send = connection.send.bind(connection)
  const held = new Map<number, number>()
  let heldBytes = 0
  connection.send = (data) => {
    const update = windowUpdate(data)
    if (update !== undefined) {
      held.set(update.stream, (held.get(update.stream) ?? 0) + update.credit)
      heldBytes += update.credit
      if (heldBytes < HELD_CREDIT && held.size < HELD_STREAMS) return connection.writableNeedsDrain !== true
    }
    const updates = [...held].map(([stream, credit]) => encodeUpdate(stream, credit))
    held.clear()
    heldBytes = 0
    if (update === undefined) updates.push(data.subarray())
    return send(updates.length === 1 ? (updates[0] as Uint8Array) : concat(...updates))
  }
  return secured
}

/** What a frame of yamux that only gives credit says. */
function windowUpdate(data: Data): { readonly stream: number; readonly credit: number } | undefined {
  if (data.byteLength !== HEADER_BYTES) return undefined
  const bytes = data.subarray()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== WINDOW_UPDATE << 16) return undefined
  return { stream: view.getUint32(4), credit: view.getUint32(8) }
}

function encodeUpdate(stream: number, credit: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, WINDOW_UPDATE << 16)
  view.setUint32(4, stream)
  view.setUint32(8, credit)
  return bytes
}
