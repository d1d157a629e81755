/**
 * R2, the test of the test: a node built wrongly on purpose is found out by the same play and the same judge.
 *
 * Each rule of `engine/step.ts` has at least two ways to break it. A fault that no seed finds would mean that R1 cannot see it.
 */
import { expect, test } from 'vitest'
import { toBase32 } from '../../src/protocol/index.ts'
import { perform } from './conversation.ts'
import { performMoving } from './moving.ts'
import { changing, losing, rewriting, silent } from './planting.ts'
import type { Faults } from './sim-node.ts'

const SEEDS = 40

const FAULTS: readonly { readonly rule: string; readonly fault: string; readonly planted: Faults }[] = [
  {
    rule: '1 acknowledge after the commit',
    fault: 'frames are acknowledged as they arrive',
    planted: { acknowledgeFirst: true },
  },
  {
    rule: '1 acknowledge after the commit',
    fault: 'what arrived is acknowledged, its text not stored',
    planted: losing('message', 0.02),
  },
  { rule: '2 commit, then speak', fault: 'the disk forgets its last commits', planted: { lyingDisk: true } },
  {
    rule: '2 commit, then speak',
    fault: 'what is said next is not waited for',
    planted: silent(({ op }) => op === 'put'),
  },
  {
    rule: '1 acknowledge after the commit',
    fault: 'what arrived is acknowledged before it is on the disk',
    planted: silent((write) => write.op === 'put' && write.table === 'seen'),
  },
  { rule: '2 commit, then speak', fault: "a session's new state is not stored", planted: losing('session', 0.1) },
  {
    rule: '3 a counter is stored once',
    fault: 'received counters are forgotten and ids drawn',
    planted: forgettingWhatArrived(),
  },
  {
    rule: '3 a counter stands for one message',
    fault: 'my counter is not stored',
    planted: rewriting('conversation', (row, chance) =>
      chance.happens(0.05) ? { ...row, counter: Math.max(0, row.counter - 1) } : row,
    ),
  },
  {
    rule: '4 a frame is resent until acknowledged',
    fault: 'frames in flight are not stored',
    planted: losing('frame'),
  },
  {
    rule: '4 a frame is resent with the same bytes',
    fault: 'frames are spoiled on their way',
    planted: {
      frame: (bytes, chance) =>
        chance.happens(0.2) ? bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)) : bytes,
    },
  },
  {
    rule: '4 a frame leaves only when acknowledged',
    fault: 'frames are lost without the connection ending',
    planted: { effect: (effect, chance) => !(effect.type === 'send' && chance.happens(0.05)) },
  },
  {
    rule: '5 texts leave in order',
    fault: 'the order within a conversation is not stored',
    planted: rewriting('message', (row, chance) => (chance.happens(0.1) ? { ...row, lamport: 1 } : row)),
  },
  {
    rule: '5 texts leave in order',
    fault: 'the cursor runs ahead of what was framed',
    planted: rewriting('delivery', (row, chance) => (chance.happens(0.5) ? { ...row, cursor: row.cursor + 1 } : row)),
  },
  {
    rule: '4 a frame leaves when acknowledged',
    fault: 'acknowledgements are never sent',
    planted: { effect: (effect) => effect.type !== 'acknowledge' },
  },
]

/** Two faults in one, because either alone is harmless: an id follows from the counter, and a counter is taken once. */
function forgettingWhatArrived(): Faults {
  return changing((write, chance) => {
    if (write.op !== 'put') return [write]
    if (write.table === 'conversation') return [{ ...write, row: { ...write.row, received: [] } }]
    if (write.table !== 'message') return [write]
    const id = chance.bytes(16)
    return [{ ...write, key: toBase32(id), row: { ...write.row, id } }]
  })
}

for (const { rule, fault, planted } of FAULTS) {
  test(`R2: rule ${rule}: found when ${fault}`, { timeout: 300_000 }, async () => {
    let found = ''
    let seed = 1
    for (; seed <= SEEDS && found === ''; seed++) found = (await perform(seed, planted)).wrong[0] ?? ''
    expect(found, `not found in ${SEEDS} seeds`).not.toBe('')
    console.log(`found at seed ${seed - 1}: ${found.split('\n')[0]}`)
  })
}

const AWAY_FAULTS: readonly { readonly rule: string; readonly fault: string; readonly planted: Faults }[] = [
  {
    rule: 'two records of one slot have two numbers',
    fault: 'seq is not stored before the record leaves',
    planted: losing('audience', 0.5),
  },
  {
    rule: 'no record from before the last one',
    fault: 'which record was taken last is not stored',
    planted: rewriting('grant', (row) => ({ ...row, seen: null })),
  },
  {
    rule: 'a grant is owed until it was acknowledged',
    fault: 'what was granted is not stored',
    planted: losing('grant'),
  },
  {
    rule: 'who moves is published where it is',
    fault: 'records are told to the net now and then',
    planted: { effect: (effect, chance) => effect.type !== 'publish' || chance.happens(0.2) },
  },
]

for (const { rule, fault, planted } of AWAY_FAULTS) {
  test(`R2: being found: ${rule}: found when ${fault}`, { timeout: 300_000 }, async () => {
    let found = ''
    let seed = 1
    for (; seed <= SEEDS && found === ''; seed++) found = (await performMoving(seed, planted)).wrong[0] ?? ''
    expect(found, `not found in ${SEEDS} seeds`).not.toBe('')
    console.log(`found at seed ${seed - 1}: ${found.split('\n')[0]}`)
  })
}
