import { defineConfig } from 'vitest/config'
import { ClosingLine } from './scripts/closing-line.ts'

const SECOND = 1000

/** Deadlines against hangs, not measurements: what is fast is judged by the benchmarks. A long run has none. */
const DEADLINE = process.env.TULNIC_LONG ? 0 : 120 * SECOND

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    // The promise is ten minutes on two cores; more workers would only make each test's own nodes wait for one another.
    maxWorkers: 2,
    testTimeout: DEADLINE,
    hookTimeout: 120 * SECOND,
    teardownTimeout: 20 * SECOND,
    allowOnly: false,
    passWithNoTests: false,
    reporters: ['default', new ClosingLine()],
  },
})
