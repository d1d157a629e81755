/**
 * The RPC behind both doors: JSON text frames over anything that carries them.
 *
 *     client → {"id":1,"method":"send","args":{…}}        node → {"id":1,"result":…} | {"id":1,"error":{"code","message"}}
 *     client → {"id":2,"method":"subscribe"}              node → {"id":2,"result":null}, then {"event":{…}} for each event
 *
 * Holds: whatever a client sends, this never throws and answers at most once a frame; an error leaves as code and
 * sentence only; calls are begun in the order of their frames.
 */
import type { AnyEvent, DoorApi, Node } from '../api.ts'
import { ApiError } from '../api-error.ts'
import { isRecord } from './fields.ts'
import { type Callee, callNode } from './methods.ts'
import { errorForWire } from './wire-errors.ts'

/** Bytes of the largest frame that a client may send: four times a message of 16 KiB in which every byte is escaped. */
export const FRAME_LIMIT = 1 << 20
/** Calls of one client that may wait for their answers at once: far more than a window has. */
const CALLS_AT_ONCE = 256
/** Bytes that may wait for a client that does not read, before it is cut off: several of the largest answers. */
export const UNREAD_LIMIT = 64 << 20

/** Where the frames go. */
export interface Wire {
  send(frame: string): void
  /** Bytes handed over and not yet taken by the other side. */
  unread(): number
  close(): void
}

/** What is served: the node once it runs, and what the door itself answers, on the command line's socket only. */
export interface Served {
  readonly node: Promise<Node>
  readonly door: DoorApi | null
  /** Begins stopping. */
  readonly stop: () => void
}

/** One client's end. `end` when its connection is gone. */
export interface RpcConnection {
  receive(frame: string): void
  end(): void
}

interface Call {
  readonly id: number
  readonly method: string
  readonly args: unknown
}

function parseCall(frame: string): Call | undefined {
  let value: unknown
  try {
    value = JSON.parse(frame)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const { id, method, args } = value
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0 || typeof method !== 'string') return undefined
  return { id, method, args: args === undefined ? {} : args }
}

const NOT_A_CALL = new ApiError(
  'usage',
  'This frame is not a call: it must be {"id":number,"method":string,"args":object}.',
)
const TOO_MANY = new ApiError(
  'usage',
  `More than ${CALLS_AT_ONCE} calls are waiting for their answers: wait for some first.`,
)

/** Serves one client until `end`. */
export function serveRpc(wire: Wire, served: Served): RpcConnection {
  let waiting = 0
  let ended = false
  let unsubscribe: (() => void) | undefined

  const write = (frame: object): void => {
    if (ended) return
    if (wire.unread() > UNREAD_LIMIT) {
      end()
      wire.close()
      return
    }
    wire.send(JSON.stringify(frame))
  }
  const push = (event: AnyEvent): void => write({ event })

  const answer = async (call: Call): Promise<unknown> => {
    if (served.door !== null && call.method === 'openCode') return await served.door.openCode()
    if (served.door !== null && call.method === 'holder') return await served.door.holder()
    const node = await served.node
    if (call.method !== 'subscribe')
      return await callNode({ node, stop: served.stop } satisfies Callee, call.method, call.args)
    if (!ended) unsubscribe ??= node.subscribe(push)
    return null
  }

  const run = async (call: Call): Promise<void> => {
    try {
      const result = await answer(call)
      write({ id: call.id, result: result === undefined ? null : result })
    } catch (error) {
      write({ id: call.id, error: errorForWire(error) })
    } finally {
      waiting--
    }
  }

  const receive = (frame: string): void => {
    if (ended) return
    const call = parseCall(frame)
    if (call === undefined) return write({ id: null, error: errorForWire(NOT_A_CALL) })
    if (waiting >= CALLS_AT_ONCE) return write({ id: call.id, error: errorForWire(TOO_MANY) })
    waiting++
    void run(call)
  }

  const end = (): void => {
    ended = true
    unsubscribe?.()
    unsubscribe = undefined
  }
  return { receive, end }
}
