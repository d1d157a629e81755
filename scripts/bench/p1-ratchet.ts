/**
 * P1 with the primitives that a node on Node.js has.
 */
import { nodejs } from '../../src/node/platform/nodejs-primitives.ts'
import { contest } from './ratchet-contest.ts'
import type { Bench } from './result.ts'

export const bench: Bench = () => contest(nodejs, 'node:crypto', { oneWay: 2.5, pingPong: 1.3 })
