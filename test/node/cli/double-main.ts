/** The command line with a double for the node; `DOUBLE_PHASE` says how its profile begins, `DOUBLE_STOP` that it stops `never`, or once stdin has ended (`late`). */
import type { Status } from '../../../src/node/api.ts'
import { runProcess } from '../../../src/node/cli/run.ts'
import { DoubleNode } from '../server/double-node.ts'

const PHASES: readonly Status['phase'][] = ['empty', 'locked', 'open']
const phase = PHASES.find((known) => known === process.env.DOUBLE_PHASE) ?? 'open'

await runProcess(async () => {
  const node = new DoubleNode(phase)
  if (process.env.DOUBLE_STOP === 'never') node.stop = () => new Promise(() => {})
  if (process.env.DOUBLE_STOP === 'late')
    node.stop = () => new Promise((resolve) => process.stdin.resume().once('end', resolve))
  return node
})
