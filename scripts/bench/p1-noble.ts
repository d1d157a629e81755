/**
 * P1 with the primitives in pure JavaScript. No bar is set for ping-pong, where scalar multiplications are nearly all.
 */
import { noble } from '../../src/protocol/index.ts'
import { contest } from './ratchet-contest.ts'
import type { Bench } from './result.ts'

export const bench: Bench = () => contest(noble, 'pure noble', { oneWay: 1.2, pingPong: null })
