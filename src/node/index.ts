/**
 * The entry of the package: a node inside another program.
 *
 *     const tulnic = await startNode({ dataDirectory })
 *     tulnic.node.subscribe((event) => …)
 *     await tulnic.node.send({ to: 'Ana', text: 'Hello' })
 *     await tulnic.stop()
 *
 * Holds: while it runs it owns the profile in its directory, and the command line can speak to it.
 */
import { type Host, hostNode } from './server/host.ts'
import { startOnDisk } from './server/on-disk.ts'

export type * from './api.ts'
export { ApiError } from './api-error.ts'
export type { Host as RunningNode } from './server/host.ts'

export interface StartOptions {
  /** The profile's folder; made (0700) if it is missing. */
  readonly dataDirectory: string
  /** More multiaddresses to listen on. */
  readonly listen?: readonly string[]
  /** Whether to look for others on this network, and be seen there (true). */
  readonly mdns?: boolean
  /** Whether to connect to nobody outside the local network (false). */
  readonly lanOnly?: boolean
  /** Whether to use and serve the distributed hash table (true). */
  readonly dht?: boolean
  /** Multiaddresses of nodes to begin with, besides those that are known. */
  readonly bootstrap?: readonly string[]
  /** Whether to relay for strangers, too (false). */
  readonly relay?: boolean
  /** Whether to carry mail for contacts that ask (true). */
  readonly carry?: boolean
  /** 32 bytes that close the network to whoever has others, or none. */
  readonly networkKey?: Uint8Array
  /** Told in one sentence what a person should know. */
  readonly onWarning?: (text: string) => void
}

/** Starts a node on a folder. Rejects with an ApiError `held` if another process has the profile, `storage` if the disk does not do. */
export async function startNode(options: StartOptions): Promise<Host> {
  const { dataDirectory, onWarning = () => {}, listen = [], mdns = true, lanOnly = false, ...more } = options
  return await hostNode({
    dataDirectory,
    startNode: (directory) => startOnDisk(directory, { ...more, listen, mdns, lanOnly }),
    door: null,
    warn: onWarning,
  })
}
