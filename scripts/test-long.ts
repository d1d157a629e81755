/**
 * `npm run test:long`: the tests at the amounts of the long column of docs/quality, and the machine that has only Node.js.
 *
 *     npm run test:long                                everything, hours
 *     npm run test:long -- --seeds 5000                only the tests that take seeds, 5000 of them
 *     npm run test:long -- --seeds 1 --first 4711      one seed, the one that a failure printed
 *     npm run test:long -- --cuts 1000 --flips 500     and so on
 *     npm run test:long -- --machine                   only the machine that has only Node.js and npm
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

interface Amount {
  /** The variable by which it reaches the tests; test/amount.ts reads those that begin with TULNIC. */
  readonly env: string
  /** Of a run in which no amount was asked for. */
  readonly long?: number
  /** Where the tests are that take it. */
  readonly in: string
}

const AMOUNTS: Readonly<Record<string, Amount>> = {
  seeds: { env: 'SIM_SEEDS', long: 100_000, in: 'test/sim/two-people' },
  first: { env: 'SIM_FIRST', in: 'test/sim/two-people' },
  cuts: { env: 'TULNIC_CUTS', long: 100_000, in: 'test/node/store/power-cut' },
  flips: { env: 'TULNIC_FLIPS', long: 10_000, in: 'test/node/store/bit-flips' },
  cells: { env: 'TULNIC_CELLS', long: 9, in: 'test/netns/nat' },
  kills: { env: 'TULNIC_KILLS', long: 1_000, in: 'test/node/store/kill' },
  mailkills: { env: 'TULNIC_MAILKILLS', long: 300, in: 'test/e2e/mail-kill' },
  partitions: { env: 'TULNIC_PARTITIONS', long: 100, in: 'test/netns/partition' },
}

const { values } = parseArgs({
  options: {
    ...Object.fromEntries(Object.keys(AMOUNTS).map((name) => [name, { type: 'string' }] as const)),
    machine: { type: 'boolean', default: false },
  },
})
const given: Readonly<Record<string, unknown>> = values
const asked = Object.keys(AMOUNTS).filter((name) => given[name] !== undefined)
const everything = asked.length === 0 && !values.machine

const ends = [
  ...(everything || asked.length > 0 ? [runTests()] : []),
  ...(everything || values.machine ? [run('bash', ['scripts/bare-machine.sh'], {})] : []),
]
process.exitCode = Math.max(...ends)

function runTests(): number {
  const env: Record<string, string> = { TULNIC_LONG: '1' }
  for (const [name, { env: variable, long }] of Object.entries(AMOUNTS)) {
    const amount = given[name] ?? (everything ? long : undefined)
    if (amount !== undefined) env[variable] = String(amount)
  }
  const folders = asked.map((name) => AMOUNTS[name]?.in ?? '')
  return run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...new Set(folders)], env)
}

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>>): number {
  return spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1
}
