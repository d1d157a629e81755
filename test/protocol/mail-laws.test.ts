/**
 * The laws of mail, on the protocol as it is. `SEED=n` repeats one run.
 */
import { test } from 'vitest'
import * as protocol from '../../src/protocol/index.ts'
import { LAWS } from './mail-laws.ts'
import { seedOfRun } from './seeded.ts'

const SEED = seedOfRun(12)

test.each(LAWS)(`$name (seed ${SEED})`, ({ check }) => check(protocol, SEED))
