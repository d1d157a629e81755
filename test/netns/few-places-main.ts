/** The command line with a node that has no more places for others than `TULNIC_PLACES` says: a relay that is full. */
import { runProcess } from '../../src/node/cli/run.ts'
import { makeNet } from '../../src/node/net/libp2p.ts'
import { LIMITS } from '../../src/node/net/protocols.ts'
import { nodejsPlatform } from '../../src/node/platform/nodejs.ts'
import { nodejsMachine } from '../../src/node/platform/nodejs-net.ts'
import { packageVersion } from '../../src/node/server/package.ts'
import { startNode } from '../../src/node/start.ts'

const limits = { ...LIMITS, reservations: Number(process.env.TULNIC_PLACES) }

await runProcess(async (dataDirectory, net) => {
  const platform = await nodejsPlatform(dataDirectory)
  return await startNode(platform, makeNet(nodejsMachine(), limits), { net, version: packageVersion() })
})
