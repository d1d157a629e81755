/**
 * What of a contact's WebRTC negotiation reaches the native library: descriptions line by line, candidates written anew.
 *
 *     message = length ‖ 0x08 ‖ kind 1 ‖ 0x12 ‖ length ‖ text, lengths as varints     (libp2p's protobuf)
 *     kind      0 an offer, 1 an answer: SDP;  2 a candidate: JSON of one, or of null
 *
 * The library looks up a candidate that is a host name: a question to a name server, which nothing here would see.
 *
 * Holds: no candidate passes but UDP at the literal address of an ordinary host, so many of them and no more; no line of a
 * description but those that a data channel needs; what is no such message ends the stream.
 */
import { type Stream, StreamMessageEvent } from '@libp2p/interface'
import { concat, fromUtf8, utf8 } from '../../../protocol/index.ts'
import { isLoopback, parseAddress } from '../addresses.ts'
import { altered } from '../altered.ts'
import { Broken } from '../failures.ts'
import { isPlain } from '../reach/told.ts'

/** Bytes of one message: a description has about 600. */
const MESSAGE_BYTES = 8192
const MESSAGES = 64
/** A machine has one for each of its addresses, and one more as which it is seen from outside. */
const CANDIDATES = 16

const KIND = { candidate: 2 } as const
const TAG = { kind: 0x08, text: 0x12 } as const

/** The same stream, but for what comes from the other end. */
export function sifted(stream: Stream): Stream {
  const sieve = new Sieve()
  const listen = (heard: (event: StreamMessageEvent) => void): void => {
    stream.addEventListener('message', ({ data }) => {
      const passed = sieve.take(data.subarray())
      if (passed === undefined) queueMicrotask(() => stream.abort(new Broken('no negotiation')))
      else if (passed.length > 0) heard(new StreamMessageEvent(passed))
    })
  }
  return altered<Stream>(stream, {
    addEventListener: (type: string, listener: unknown, options?: AddEventListenerOptions) => {
      if (type === 'message' && typeof listener === 'function') listen((event) => listener(event))
      else Reflect.apply(stream.addEventListener, stream, [type, listener, options])
    },
  })
}

/** Messages one after the other, in whatever pieces they come. */
export class Sieve {
  #waiting: Uint8Array = new Uint8Array()
  #messages = 0
  #candidates = 0
  #broken = false

  /** What may pass of what has come so far; `undefined` from the first byte on that is no negotiation. */
  take(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#broken) return undefined
    this.#waiting = concat(this.#waiting, bytes)
    const passed: Uint8Array[] = []
    for (;;) {
      const frame = readSized(this.#waiting, 0)
      if (frame === 'more') return concat(...passed)
      const sifted = frame === 'wrong' || ++this.#messages > MESSAGES ? undefined : this.#sift(frame.bytes)
      if (frame === 'wrong' || sifted === undefined) {
        this.#broken = true
        return undefined
      }
      this.#waiting = this.#waiting.slice(frame.end)
      passed.push(sifted)
    }
  }

  /** The message as it may pass, none at all, or `undefined` for what is no message. */
  #sift(frame: Uint8Array): Uint8Array | undefined {
    const [tag, kind = KIND.candidate + 1, next] = frame
    const text = next === TAG.text ? readSized(frame, 3) : 'wrong'
    if (tag !== TAG.kind || kind > KIND.candidate || typeof text === 'string' || text.end !== frame.length)
      return undefined
    const said = fromUtf8(text.bytes)
    if (said === undefined) return undefined
    const may = kind === KIND.candidate ? this.#candidate(said) : this.#description(said)
    if (may === undefined) return new Uint8Array()
    const bytes = utf8(may)
    return sized(concat(Uint8Array.of(TAG.kind, kind, TAG.text), sized(bytes)))
  }

  #description(sdp: string): string {
    const lines = sdp.split(/\r?\n/).flatMap((line) => {
      if (!line.startsWith('a=candidate:')) return DESCRIPTION.test(line) ? [line] : []
      const candidate = this.#made(line)
      return candidate === undefined ? [] : [`a=${candidate}`]
    })
    return lines.map((line) => `${line}\r\n`).join('')
  }

  /** JSON again; `undefined`: it does not pass. */
  #candidate(json: string): string | undefined {
    const said = parsedJson(json)
    if (said === null || said === '') return json
    if (typeof said !== 'object' || !('candidate' in said) || typeof said.candidate !== 'string') return undefined
    const candidate = this.#made(said.candidate)
    const mid = 'sdpMid' in said && typeof said.sdpMid === 'string' && MID.test(said.sdpMid) ? said.sdpMid : '0'
    return candidate === undefined ? undefined : JSON.stringify({ candidate, sdpMid: mid, sdpMLineIndex: 0 })
  }

  /** The candidate in a form that holds nothing else. */
  #made(text: string): string | undefined {
    const [, foundation, priority, host = '', port, type] = CANDIDATE.exec(text) ?? []
    const address = parseAddress(`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`)
    if (address === undefined || isLoopback(address) || !isPlain(address)) return undefined
    if (++this.#candidates > CANDIDATES) return undefined
    return `candidate:${foundation} 1 UDP ${priority} ${host} ${port} typ ${type}`
  }
}

const CANDIDATE =
  /^(?:a=)?candidate:([\w+/]{1,32}) 1 udp (\d{1,10}) ([\da-f.:]{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: |$)/i
const MID = /^\w{1,16}$/
const DESCRIPTION =
  /^(?:v=0|s=-|t=0 0|o=[\w-]{1,32} \d{1,20} \d{1,20} IN IP[46] [\da-f.:]{2,45}|c=IN IP[46] [\da-f.:]{2,45}|m=application \d{1,5} UDP\/DTLS\/SCTP webrtc-datachannel|a=sendrecv|a=(?:group|msid-semantic|extmap-allow-mixed|ice-options|ice-ufrag|ice-pwd|fingerprint|setup|mid|sctp-port|max-message-size)(?::[\x20-\x7e]{1,256})?)$/

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Bytes with their length before them, at some place. */
function readSized(bytes: Uint8Array, at: number): { bytes: Uint8Array; end: number } | 'more' | 'wrong' {
  const [low, high] = [bytes[at], bytes[at + 1]]
  if (low === undefined || (low > 0x7f && high === undefined)) return 'more'
  if (low > 0x7f && (high ?? 0) > 0x7f) return 'wrong'
  const length = low > 0x7f ? (low & 0x7f) | ((high ?? 0) << 7) : low
  const start = at + (low > 0x7f ? 2 : 1)
  if (length > MESSAGE_BYTES) return 'wrong'
  return start + length > bytes.length ? 'more' : { bytes: bytes.subarray(start, start + length), end: start + length }
}

function sized(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  return concat(length > 0x7f ? Uint8Array.of((length & 0x7f) | 0x80, length >> 7) : Uint8Array.of(length), bytes)
}
