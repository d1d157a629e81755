/**
 * A node of this runtime, on a folder: the platform and the network of Node.js put together.
 */
import type { Node } from '../api.ts'
import type { NodeConfig } from '../config.ts'
import { makeNet } from '../net/libp2p.ts'
import { nodejsPlatform } from '../platform/nodejs.ts'
import { nodejsMachine } from '../platform/nodejs-net.ts'
import { startNode } from '../start.ts'
import { packageVersion } from './package.ts'

/** What may be chosen for a node: its network, and whether it carries mail. */
export type NodeSettings = Omit<NodeConfig['net'], 'listenPort'> & Pick<NodeConfig, 'carry'>

/** Starts a node on a data directory that the caller holds. */
export async function startOnDisk(dataDirectory: string, { carry, ...net }: NodeSettings): Promise<Node> {
  const platform = await nodejsPlatform(dataDirectory)
  return await startNode(platform, makeNet(nodejsMachine()), {
    net,
    version: packageVersion(),
    ...(carry === undefined ? {} : { carry }),
  })
}
