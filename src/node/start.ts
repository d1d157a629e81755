/**
 * The composition root: a node out of a platform, a network and a configuration. Wiring, no logic.
 */
import type { Node } from './api.ts'
import { Calls } from './calls.ts'
import type { NodeConfig } from './config.ts'
import { Lifecycle } from './lifecycle.ts'
import type { MakeNet } from './net/net.ts'
import type { Platform } from './platform/platform.ts'

/** Starts a node: it opens at once if its profile has no passphrase. */
export async function startNode(platform: Platform, makeNet: MakeNet, config: NodeConfig): Promise<Node> {
  const lifecycle = new Lifecycle(platform, makeNet, config)
  await lifecycle.openIfBare()
  return new Calls(lifecycle)
}
