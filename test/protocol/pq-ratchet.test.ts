/**
 * The post-quantum ratchet in traffic of every kind: it never stands still, and says what it costs.
 */
import { expect, test } from 'vitest'
import * as protocol from '../../src/protocol/index.ts'
import { NOW } from './people.ts'
import { below, seeded, seedOfRun } from './seeded.ts'
import { pair } from './session-pair.ts'

const SEED = seedOfRun(3)
const MESSAGES = 600
const TEXT = new Uint8Array(64)
/** A frame of that text with nothing attached. */
const BARE = 1 + 2 + 24 + 49 + 16 + 32 + 32 + 64 + 16

interface Traffic {
  readonly name: string
  /** Of a hundred messages, how many are Alice's; 'turns' for strict turns. */
  readonly alice: number | 'turns'
  readonly loss: number
  /** Messages that a frame may be overtaken by. */
  readonly delay: number
  readonly epochs: number
  readonly bytes: number
}

const TRAFFIC: readonly Traffic[] = [
  { name: 'ping-pong', alice: 'turns', loss: 0, delay: 0, epochs: 12, bytes: 200 },
  { name: 'ping-pong, 30 % lost', alice: 'turns', loss: 30, delay: 0, epochs: 8, bytes: 200 },
  { name: 'both at random', alice: 50, loss: 0, delay: 0, epochs: 8, bytes: 250 },
  { name: 'both at random, 30 % lost, 20 late', alice: 50, loss: 30, delay: 20, epochs: 4, bytes: 300 },
  { name: 'nearly one-sided', alice: 95, loss: 20, delay: 10, epochs: 2, bytes: 250 },
]

test.each(TRAFFIC)(`$name (seed ${SEED})`, ({ name, alice: share, loss, delay, epochs, bytes }) => {
  const random = seeded(SEED)
  const { alice, bob } = pair(protocol, random)
  const due: { readonly at: number; deliver(): void }[] = []
  let attached = 0
  let opened = 0
  let arrived = 0
  for (let n = 0; n < MESSAGES; n++) {
    const fromAlice = share === 'turns' ? n % 2 === 0 : below(random, 100) < share
    const [from, to] = fromAlice ? [alice, bob] : [bob, alice]
    const frame = from.seal(TEXT, NOW)
    attached += frame.length - BARE
    if (below(random, 100) >= loss) {
      arrived++
      const deliver = () => {
        if (to.open(frame, NOW) !== undefined) opened++
      }
      due.push({ at: n + below(random, delay + 1), deliver })
    }
    for (const each of due.filter(({ at }) => at <= n)) {
      each.deliver()
      due.splice(due.indexOf(each), 1)
    }
  }
  for (const { deliver } of due) deliver()
  const reached = Math.min(...[alice, bob].map(({ state }) => protocol.describe(state).epoch)) - 1
  console.log(
    `${name}: ${reached} epochs, ${(attached / MESSAGES).toFixed(0)} B a message, ${opened} of ${arrived} opened`,
  )
  expect(opened).toBe(arrived)
  expect(reached).toBeGreaterThanOrEqual(epochs)
  expect(attached / MESSAGES).toBeLessThan(bytes)
})

test('one-sided for long, then one answer: it goes on where it stood', () => {
  const { alice, bob } = pair(protocol, seeded(SEED))
  let attached = 0
  for (let n = 0; n < 1000; n++) {
    const frame = alice.seal(TEXT, NOW)
    attached += frame.length - BARE
    expect(bob.open(frame, NOW)).toBeDefined()
  }
  console.log(`one-sided: ${(attached / 1000).toFixed(1)} B a message`)
  expect(attached / 1000).toBeLessThan(20)
  expect(protocol.describe(alice.state).epoch).toBe(1)
  expect(alice.open(bob.seal(TEXT, NOW), NOW)).toBeDefined()
  expect(bob.open(alice.seal(TEXT, NOW), NOW)).toBeDefined()
  expect(protocol.describe(alice.state).epoch).toBe(2)
  expect(protocol.describe(bob.state).epoch).toBe(2)
})
