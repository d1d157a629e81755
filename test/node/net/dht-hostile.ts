/**
 * A peer that says it serves the DHT, and then answers what a test tells it.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { type Address, parseAddress } from '../../../src/node/net/addresses.ts'
import { type DhtMessage, decodeMessage, encodeMessage, readVarint, TYPE } from '../../../src/node/net/dht/messages.ts'
import { answerGreeting } from '../../../src/node/net/hello.ts'
import { HELLO, KAD, REACH } from '../../../src/node/net/protocols.ts'
import { decodeMeeting, encodeMeeting, type Meeting } from '../../../src/node/net/reach/reach.ts'
import { concat } from '../../../src/protocol/index.ts'
import { type Hostile, hostile, pour } from './hostile.ts'
import { acquaintancesOf, DEADLINE_MS, type Online, person } from './world.ts'

const soon = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(DEADLINE_MS) })

/** What it answers to a question from that address: a message, any bytes, or nothing ever. */
export type Answering = (question: DhtMessage, from?: string) => DhtMessage | Uint8Array | undefined

export const parsed = (text: string): Address => {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`no address: ${text}`)
  return address
}

/** As a server that knows nothing does. */
export const honest = ({ type, key, record }: DhtMessage): DhtMessage => ({ type, key, record, closer: [] })

export interface HostileServer {
  readonly raw: Hostile
  /** Questions that came, pings aside. */
  readonly asked: DhtMessage[]
  /** Whether it hears nothing for now. */
  deaf: boolean
  /** Questions that it did not hear. */
  unheard: number
  /** Bytes that it got rid of in answers that are no messages. */
  poured: number
  /** What it was told of others when it met them. */
  readonly told: Meeting[]
  /** Gets to know a node, as a DHT server. */
  meet(node: Online): Promise<Connection>
}

/** `says`: where it says that it listens. */
export async function hostileServer(answering: Answering, says?: string): Promise<HostileServer> {
  const raw = await hostile()
  const asked: DhtMessage[] = []
  const told: Meeting[] = []
  function* counted(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 32_768) {
      const chunk = bytes.subarray(at, at + 32_768)
      made.poured += chunk.length
      yield chunk
    }
  }
  const mine = (): Meeting => ({ isServer: true, isRelay: true, seen: undefined, told: [parsed(says ?? raw.address)] })
  await raw.node.handle(HELLO, async (stream, connection) => {
    const ends = { local: raw.peer, remote: connection.remotePeer.toMultihash().bytes }
    await answerGreeting(stream, acquaintancesOf(person()), ends, null, soon().signal)
  })
  await raw.node.handle(REACH, async (stream) => {
    const question = await readSized(stream)
    const meeting = decodeMeeting(question)
    if (meeting !== undefined) told.push(meeting)
    stream.send(sized(encodeMeeting(mine())))
  })
  await raw.node.handle(KAD, async (stream, connection) => {
    const question = await readQuestion(stream)
    if (question === undefined) return
    if (made.deaf) {
      made.unheard++
      return stream.abort(new Error('deaf'))
    }
    if (question.type !== TYPE.ping) asked.push(question)
    const answer =
      question.type === TYPE.ping ? honest(question) : answering(question, connection.remoteAddr.toString())
    if (answer instanceof Uint8Array) await pour(stream, counted(answer)).catch(() => undefined)
    else if (answer !== undefined && stream.send(encodeMessage(answer))) await stream.close(soon())
  })
  const meet = async (node: Online): Promise<Connection> => {
    const connection = await raw.dialAsStranger(node.address)
    told.push(await meetOn(connection, mine()))
    return connection
  }
  const made: HostileServer = { raw, asked, told, deaf: false, unheard: 0, poured: 0, meet }
  return made
}

/** Says something of oneself on a connection; what the other end says. */
export async function meetOn(connection: Connection, meeting: Meeting): Promise<Meeting> {
  const answer = decodeMeeting(await askReach(connection, encodeMeeting(meeting)))
  if (answer === undefined) throw new Error('no meeting')
  return answer
}

/** One question on `/tulnic/reach/1`, and the bytes of its answer. */
export async function askReach(connection: Connection, question: Uint8Array): Promise<Uint8Array> {
  const stream = await connection.newStream(REACH, soon())
  stream.send(sized(question))
  return readSized(stream)
}

/** One question on `/tulnic/kad/1`. Rejects when there is no answer. */
export async function askKad(connection: Connection, question: DhtMessage): Promise<DhtMessage | undefined> {
  const stream = await connection.newStream(KAD, soon())
  stream.send(encodeMessage(question))
  return readQuestion(stream)
}

async function readQuestion(stream: Stream): Promise<DhtMessage | undefined> {
  const bytes = byteStream(stream)
  let head: Uint8Array = new Uint8Array()
  for (;;) {
    head = concat(head, (await bytes.read({ bytes: 1, ...soon() })).subarray())
    const length = readVarint(head, 0)
    if (length !== undefined)
      return decodeMessage(Uint8Array.from((await bytes.read({ bytes: length.value, ...soon() })).subarray()))
  }
}

async function readSized(stream: Stream): Promise<Uint8Array> {
  const bytes = byteStream(stream)
  const [high = 0, low = 0] = (await bytes.read({ bytes: 2, ...soon() })).subarray()
  return Uint8Array.from((await bytes.read({ bytes: high * 256 + low, ...soon() })).subarray())
}

const sized = (bytes: Uint8Array): Uint8Array => concat(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes)
