/** The command line with a double for the node; `DOUBLE_PHASE` says how its profile begins, `DOUBLE_STOP=never` that it does not stop. */
import type { Status } from '../../../src/node/api.ts'
import { runProcess } from '../../../src/node/cli/run.ts'
import { DoubleNode } from '../server/double-node.ts'

const PHASES: readonly Status['phase'][] = ['empty', 'locked', 'open']
const phase = PHASES.find((known) => known === process.env.DOUBLE_PHASE) ?? 'open'

await runProcess(async () => {
  const node = new DoubleNode(phase)
  if (process.env.DOUBLE_STOP === 'never') node.stop = () => new Promise(() => {})
  return node
})
