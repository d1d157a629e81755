/**
 * A command's connection to the node that runs on the data directory, and waiting for what it tells.
 */
import type { AnyEvent, Self } from '../api.ts'
import { connectHolder } from '../server/lock.ts'
import { type Client, Disconnected } from '../server/socket.ts'
import type { Context } from './command.ts'
import { EXIT, Failure } from './failure.ts'

/** Runs `use` with the node's client. Ends the command with exit 3 if no node runs. */
export async function withNode<T>(context: Context, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await connectHolder(context.dataDirectory)
  if (client === undefined)
    throw new Failure(EXIT.noNode, `No node runs on ${context.dataDirectory}: start one with "tulnic start".`)
  try {
    return await use(client)
  } finally {
    client.close()
  }
}

/** Who I am. Ends the command if there is no profile or it is locked. */
export async function selfOf(client: Client): Promise<Self> {
  const { phase, self } = await client.call('status')
  if (self !== null) return self
  if (phase === 'empty')
    throw new Failure(EXIT.failed, 'There is no profile yet: make one in the app, or with "tulnic init".')
  throw new Failure(EXIT.passphrase, 'The profile is locked: give its passphrase in the app.')
}

/** Events as they come, kept from the first on, so that nothing between a call and the waiting is missed. */
export interface Watch<T> {
  readonly seen: readonly T[]
  /** The first, seen or to come, that is `wanted`; `undefined` when `signal` ends the waiting. Rejects if the node is gone. */
  until(wanted: (value: T) => boolean, signal: AbortSignal): Promise<T | undefined>
}

/** Subscribes and keeps what `pick` makes of each event. */
export async function watch<T>(client: Client, pick: (event: AnyEvent) => T | undefined): Promise<Watch<T>> {
  const seen: T[] = []
  const waiting = new Set<(value: T) => void>()
  await client.subscribe((event) => {
    const value = pick(event)
    if (value === undefined) return
    seen.push(value)
    for (const tell of waiting) tell(value)
  })
  const until = (wanted: (value: T) => boolean, signal: AbortSignal): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const known = seen.find(wanted)
      if (known !== undefined || signal.aborted) return resolve(known)
      const tell = (value: T): void => {
        if (!wanted(value)) return
        waiting.delete(tell)
        resolve(value)
      }
      waiting.add(tell)
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
      void client.closed.then(() => reject(new Disconnected('The node stopped: start it again with "tulnic start".')))
    })
  return { seen, until }
}

/** What `promise` becomes, or `undefined` when `signal` ends the waiting first. */
export async function before<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined
  return await Promise.race([
    promise,
    new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true })),
  ])
}
