/**
 * P5: from the start of one node until it reaches a contact that runs already, where one thing alone leads there.
 *
 *     local network   both moved to other ports, the hash table is off: multicast tells
 *     hash table      both moved to other ports, no multicast: a third whom both know serves
 *     relay           each may be reached through a third alone, whom both know
 *
 * All three on one machine, so that what is measured is waiting and work, not the way. The start of a node, with its imports done,
 * is part of it. No peer is on npm.
 */
import { type Bar, type Bench, judged, type Result } from './result.ts'
import type { Met } from './talker.ts'
import { type Three, withRelayedPair, withThree } from './talkers.ts'

const ROUNDS = 5
/** Any port: where a contact is, is not known any more. */
const MOVED = { listenPort: 0 }

/**
 * The local network has the bar of R10. The other two are judged by how much longer they take than reaching the third, whose
 * address is known, in the same start: the hash table needs that dial, a question or two and one more dial; a relay that dial, one
 * to itself and one through it.
 */
const BARS = {
  lan: { of: 'value', atMost: 5 },
  dht: { of: 'ratio', atMost: 4 },
  relay: { of: 'ratio', atMost: 4 },
} as const

export const bench: Bench = async () => [
  await withThree({ dht: false, mdns: true }, async (three) => {
    await three.relay.ask('close')
    return meeting('on the local network', 'lan', BARS.lan, three, MOVED)
  }),
  await withThree({}, (three) => meeting('through the hash table', 'lan', BARS.dht, three, MOVED)),
  await withRelayedPair((three) => meeting('through a relay', 'relayed', BARS.relay, three, {})),
]

/** Bob starts; Alice, who runs, was started anew before each round if she moved. */
async function meeting(
  what: string,
  how: 'lan' | 'relayed',
  bar: Bar,
  { alice, bob, toAlice, opening }: Three,
  moved: Partial<typeof MOVED>,
): Promise<Result> {
  const rounds: Met[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await bob.ask('close')
    if (moved.listenPort !== undefined) {
      await alice.ask('close')
      await alice.ask('open', opening('alice', moved))
      await alice.ask('published')
    }
    const met = await bob.ask('meet', { opening: opening('bob', moved), who: toAlice })
    if (met.via !== how) throw new Error(`they met, but not ${what}: ${met.via}`)
    rounds.push(met)
  }
  const times = rounds.map(({ ms }) => Math.round(ms)).join(', ')
  const others = rounds.flatMap(({ otherMs }) => otherMs ?? [])
  const ratios = rounds.flatMap(({ ms, otherMs }) => (otherMs === undefined ? [] : ms / otherMs))
  return judged({
    id: 'P5',
    what: `start of one to reaching the other ${what}, median of ${ROUNDS} (${times} ms)`,
    value: median(rounds.map(({ ms }) => ms)) / 1000,
    unit: 's',
    ...(bar.of === 'ratio' && {
      peer: { name: 'a third at its known address', value: median(others) / 1000 },
      ratio: median(ratios),
    }),
    bar,
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
