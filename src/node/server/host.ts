/**
 * One node, held and served: the profile's lock, the command line's socket, and the local door.
 *
 *     hold the profile ──▶ start the node ──▶ open the door ──▶ …  stop: door, node, profile, in this order
 *
 * Holds: while a profile is held every call on its socket waits for the node to run; when `stopped` resolves another
 * process may hold the profile.
 */
import type { DoorApi, HolderState, Node } from '../api.ts'
import { ApiError } from '../api-error.ts'
import type { Assets } from './assets.ts'
import { type Door, openDoor } from './door.ts'
import { holdProfile, type Lock } from './lock.ts'
import { removeOldFiles } from './open.ts'
import type { Served } from './rpc.ts'
import { serveSocket } from './socket.ts'

export interface HostOptions {
  /** Made (0700) if it is missing. */
  readonly dataDirectory: string
  /** Starts the node on the held directory. */
  readonly startNode: (dataDirectory: string) => Promise<Node>
  /** `null`: no windows. */
  readonly door: { readonly port: number | undefined; readonly assets: Assets } | null
  /** Told in one sentence what a person should know. */
  readonly warn: (text: string) => void
}

export interface Host {
  readonly node: Node
  /** The app's address without a code; `null`: no door. */
  readonly url: string | null
  /** The app's address with a fresh single-use code; `null`: no door. */
  openUrl(): string | null
  /** Stops, once; resolves when all is over. */
  stop(): Promise<void>
  /** Resolves when all is over, whoever asked for it; rejects if the node could not stop cleanly. */
  readonly stopped: Promise<void>
}

/** Starts a node as {@link HostOptions} say. Rejects with `held`, or as the node or the door do; then nothing is left running. */
export async function hostNode(options: HostOptions): Promise<Host> {
  let state: HolderState = 'claiming'
  let door: Door | undefined
  let lock: Lock | undefined
  let stopAsked = false
  const started = settled<Node>()
  const stopped = settled<void>()

  const doorApi: DoorApi = {
    openCode: async () => {
      if (door === undefined)
        throw new ApiError('usage', 'This node has no app window to open: start it by "tulnic start".')
      return { url: door.openUrl() }
    },
    holder: async () => ({ pid: process.pid, url: door?.url ?? null, state }),
  }

  const end = async (node: Node | undefined): Promise<void> => {
    state = 'stopping'
    try {
      await door?.close()
      await node?.stop()
    } finally {
      removeOldFiles(options.dataDirectory, true)
      await lock?.release()
    }
  }
  const stop = (): Promise<void> => {
    if (!stopAsked) started.promise.then(end).then(stopped.resolve, stopped.reject)
    stopAsked = true
    return stopped.promise
  }

  // A turn later, so that the call is answered first.
  const served: Omit<Served, 'door'> = {
    node: started.promise,
    stop: () => void setImmediate(() => stop().catch(() => {})),
  }
  lock = await holdProfile(options.dataDirectory, (socket) => serveSocket(socket, { ...served, door: doorApi }))
  state = 'starting'
  let node: Node | undefined
  try {
    removeOldFiles(options.dataDirectory, true)
    node = await options.startNode(options.dataDirectory)
    if (options.door !== null)
      door = await openDoor({ directory: options.dataDirectory, served, warn: options.warn, ...options.door })
  } catch (error) {
    await end(node)
    started.reject(error)
    throw error
  }
  state = 'running'
  started.resolve(node)
  return { node, url: door?.url ?? null, openUrl: () => door?.openUrl() ?? null, stop, stopped: stopped.promise }
}

interface Settled<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

/** A promise that is settled from outside and may be rejected before anybody waits for it. */
function settled<T>(): Settled<T> {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  promise.catch(() => {})
  return { promise, resolve, reject }
}
