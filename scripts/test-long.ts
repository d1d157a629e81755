/**
 * `npm run test:long`: the tests at the amounts of the long column of docs/quality, and the machine that has only Node.js.
 *
 *     npm run test:long                        everything, hours
 *     npm run test:long -- --seeds 5000        only the tests that take seeds, 5000 of them
 *     npm run test:long -- --cuts 1000 --flips 500
 *     npm run test:long -- --machine           only the machine that has only Node.js and npm
 *
 * An amount reaches the tests as `TULNIC_SEEDS` and so on (test/amount.ts).
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/** What can be asked for: the amount of a whole long run, and where the tests are that take it. */
const AMOUNTS = {
  seeds: { long: 100_000, in: ['test/sim'] },
  cuts: { long: 100_000, in: ['test/node/store'] },
  flips: { long: 10_000, in: ['test/node/store'] },
  kills: { long: 1_000, in: ['test/e2e'] },
  mutations: { long: 1_000_000, in: ['test/protocol'] },
} as const

const { values } = parseArgs({
  options: {
    ...Object.fromEntries(Object.keys(AMOUNTS).map((name) => [name, { type: 'string' }] as const)),
    machine: { type: 'boolean', default: false },
  },
})
const amountOf: Readonly<Record<string, unknown>> = values
const asked = Object.entries(AMOUNTS).filter(([name]) => amountOf[name] !== undefined)
const everything = asked.length === 0 && !values.machine

const tests = everything || asked.length > 0 ? vitest() : 0
const machine = everything || values.machine ? run('bash', ['scripts/bare-machine.sh'], {}) : 0
process.exitCode = tests === 0 && machine === 0 ? 0 : 1

function vitest(): number {
  const amounts = everything ? Object.entries(AMOUNTS) : asked
  const env = Object.fromEntries(
    amounts.map(([name, { long }]) => [`TULNIC_${name.toUpperCase()}`, String(amountOf[name] ?? long)]),
  )
  const folders = everything ? [] : [...new Set(asked.flatMap(([, amount]) => amount.in))]
  return run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...folders], { ...env, TULNIC_LONG: '1' })
}

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>>): number {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  return status ?? 1
}
