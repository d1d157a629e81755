/**
 * The entry of the command line: started by `scripts/tulnic.cjs`.
 */
import { runProcess } from './run.ts'

// The network and the store are loaded only by the commands that start a node: all others answer sooner without.
await runProcess(async (dataDirectory, settings) => {
  const { startOnDisk } = await import('../server/on-disk.ts')
  return await startOnDisk(dataDirectory, settings)
})
