/**
 * R2 for mail: a carrier, an owner or a sender built wrongly on purpose is found out by the play of those who never meet.
 */
import { expect, test } from 'vitest'
import type { Input } from '../../src/node/engine/input.ts'
import type { Write } from '../../src/node/store/records.ts'
import { envelopeId } from '../../src/protocol/index.ts'
import { performMail } from './mail.ts'
import { changing, losing, rewriting, silent } from './planting.ts'
import type { Faults, SimNode } from './sim-node.ts'

const SEEDS = 40

/** What is done with an input before the engine has it. */
const first = <T extends Input['type']>(
  type: T,
  act: (input: Extract<Input, { type: T }>, node: SimNode) => void,
): Faults => ({
  input: (input, _chance, node) => {
    if (input.type === type) act(input as Extract<Input, { type: T }>, node)
    return input
  },
})

/** A carrier that makes room: with each letter that comes, the one before it goes now and then. */
function evicting(): Faults {
  let last: string | undefined
  return changing((write, chance): readonly Write[] => {
    if (write.op !== 'put' || write.table !== 'letter') return [write]
    const before = last ?? ''
    last = write.key
    const goes = before.startsWith(write.row.box) && chance.happens(0.5)
    return goes ? [write, { op: 'delete', table: 'letter', key: before }] : [write]
  })
}

const FAULTS: readonly { readonly rule: string; readonly fault: string; readonly planted: Faults }[] = [
  { rule: 'what was accepted stays', fault: 'a full box makes room', planted: evicting() },
  {
    rule: 'what was accepted stays',
    fault: 'lives are too short',
    planted: rewriting('letter', (row) => ({ ...row, until: 0 })),
  },
  { rule: 'commit, then answer', fault: 'letters are answered for and not stored', planted: losing('letter', 0.1) },
  {
    rule: 'commit, then answer',
    fault: 'a carrier answers as the envelope comes',
    planted: first('mail-put', ({ request }, node) =>
      node.around.perform(node, { type: 'mail-answer', request, status: 'ok' }),
    ),
  },
  {
    rule: 'commit, then answer',
    fault: 'a carrier answers before the letter is on the disk',
    planted: silent((write) => write.op === 'put' && write.table === 'letter'),
  },
  {
    rule: 'a token is good once',
    fault: 'neither side remembers what was spent',
    planted: changing((write) => {
      if (write.op !== 'put') return [write]
      if (write.table === 'token') return []
      if (write.table !== 'route') return [write]
      const boxes = write.row.boxes.map((box) => ({ ...box, tokens: [...box.spent, ...box.tokens], spent: [] }))
      return [{ ...write, row: { ...write.row, boxes } }]
    }),
  },
  {
    rule: 'commit, then take',
    fault: 'letters are taken as they come',
    planted: first('letters', ({ connection, box, letters }, node) => {
      const ids = letters.map((letter) => envelopeId(node.around.primitives, letter))
      node.around.perform(node, { type: 'take-letters', connection, box, ids })
    }),
  },
  {
    rule: 'commit, then take',
    fault: 'letters are taken before what was in them is on the disk',
    planted: silent((write) => write.op === 'put' && write.table === 'seen'),
  },
  {
    rule: 'what was taken goes',
    fault: 'letters are never taken',
    planted: { effect: (effect) => effect.type !== 'take-letters' },
  },
  {
    rule: 'carried is what a carrier said',
    fault: 'full counts as carried',
    planted: {
      input: (input) => (input.type === 'deposited' && input.status === 'full' ? { ...input, status: 'ok' } : input),
    },
  },
  {
    rule: 'carried is what a carrier said',
    fault: 'not reached counts as carried',
    planted: {
      input: (input) =>
        input.type === 'deposited' && input.status === 'unreachable' ? { ...input, status: 'ok' } : input,
    },
  },
  {
    rule: 'what cannot be said is left',
    fault: 'nothing is ever left',
    planted: { effect: (effect) => effect.type !== 'deposit' },
  },
  {
    rule: 'a text that came by mail is stored',
    fault: 'what came is told as stored, and is not',
    planted: losing('message', 0.05),
  },
]

for (const { rule, fault, planted } of FAULTS) {
  test(`R2: mail: ${rule}: found when ${fault}`, { timeout: 300_000 }, async () => {
    let found = ''
    let seed = 1
    for (; seed <= SEEDS && found === ''; seed++) found = (await performMail(seed, planted)).wrong[0] ?? ''
    expect(found, `not found in ${SEEDS} seeds`).not.toBe('')
    console.log(`found at seed ${seed - 1}: ${found.split('\n')[0]}`)
  })
}
