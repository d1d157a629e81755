/**
 * `tulnic bench`: the benchmarks of this machine, which live beside the sources.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './command.ts'
import { EXIT, Failure } from './failure.ts'
import { PACKAGE_FOLDER } from '../server/package.ts'

export const bench: Command = {
  name: 'bench',
  takes: '[NAME]…',
  help: 'measure this machine, against the bars of the documents',
  options: {},
  count: [0, 100],
  run: async ({ args, out }) => {
    const script = join(PACKAGE_FOLDER, 'scripts', 'bench', 'index.ts')
    if (!existsSync(script))
      throw new Failure(
        EXIT.failed,
        'The benchmarks are not part of the installed package: run "npm run bench" in a clone of the sources.',
      )
    const child = spawn(process.execPath, [script, ...args.all(), ...(out.json ? ['--json'] : [])], {
      stdio: 'inherit',
    })
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('exit', resolve)
      child.once('error', reject)
    })
    if (code !== 0) throw new Failure(EXIT.failed, 'A benchmark did not end well: what it printed says why.')
  },
}
