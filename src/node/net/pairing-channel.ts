/**
 * `/tulnic/pair/1`: what is said nearby, before two people know each other. Both ends. (PROTOCOL §3)
 *
 *     opener                 opened
 *       0 (who?) ──────────────▶
 *       ◀── length 2 ‖ name        empty while hidden
 *
 *       1 (channel) ───────────▶
 *       ◀─ length 2 ‖ message ─▶   at most 16 each way, of 16 KiB each, two unread, within 5 minutes
 */
import type { Stream } from '@libp2p/interface'
import { fromUtf8, utf8 } from '../../protocol/index.ts'
import type { Ends } from '../engine/input.ts'
import { Exchange } from './exchange.ts'
import type { Channel } from './net.ts'
import type { Limits } from './protocols.ts'
import { within } from './waiting.ts'

const WHO = 0
const CHANNEL = 1

/** The name that the peer claims; `undefined` while it is hidden. */
export async function askName(stream: Stream, limits: Limits, signal: AbortSignal): Promise<string | undefined> {
  const exchange = new Exchange(stream, 2 + limits.name, signal)
  exchange.write(Uint8Array.of(WHO))
  const name = await exchange.readSized(limits.name)
  if (name === undefined) exchange.abort('no name')
  else void exchange.finish()
  return name === undefined || name.length === 0 ? undefined : fromUtf8(name)
}

/** Opens a channel on a fresh stream. */
export function openChannel(stream: Stream, ends: Ends, limits: Limits, signal: AbortSignal): Channel {
  const exchange = new Exchange(stream, limits.pairUnread, signal)
  exchange.write(Uint8Array.of(CHANNEL))
  return makeChannel(exchange, ends, limits)
}

/** Answers whatever a peer opened: with our name, or with the channel handed to `opened`. */
export async function answerPairing(
  stream: Stream,
  ends: Ends,
  limits: Limits,
  signal: AbortSignal,
  name: () => string | null,
  opened: (channel: Channel) => void,
): Promise<void> {
  const exchange = new Exchange(stream, 1 + limits.pairUnread, signal)
  // Digits take people minutes; what is wanted is said at once.
  const [what] = (await exchange.read(1, within(limits.streamMs, signal))) ?? []
  if (what === WHO) {
    exchange.writeSized(utf8(name() ?? ''))
    await exchange.finish()
  } else if (what === CHANNEL) opened(makeChannel(exchange, ends, limits))
  else exchange.abort('not pairing')
}

function makeChannel(exchange: Exchange, ends: Ends, limits: Limits): Channel {
  let sent = 0
  let received = 0
  return {
    ends,
    ended: exchange.ended,
    send(message) {
      if (message.length > limits.pairMessage)
        throw new RangeError(`a message of more than ${limits.pairMessage} bytes`)
      if (++sent > limits.pairMessages) throw new RangeError(`more than ${limits.pairMessages} messages`)
      exchange.writeSized(message)
    },
    async receive(signal) {
      if (++received > limits.pairMessages) return undefined
      return exchange.readSized(limits.pairMessage, signal)
    },
    close() {
      void exchange.finish()
    },
  }
}
