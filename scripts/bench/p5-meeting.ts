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
import { type Bench, judged, type Result } from './result.ts'
import { type Three, withRelayedPair, withThree } from './talkers.ts'

const ROUNDS = 5
/** Any port: where a contact is, is not known any more. */
const MOVED = { listenPort: 0 }

/** The bar of R10 (issue of the local network); a look-up may take one grace more than its questions; a relay two dials. */
const BARS = { lan: 5, dht: 5, relay: 2 }

export const bench: Bench = async () => [
  await withThree({ dht: false, mdns: true }, ({ alice, relay, ...three }) =>
    relay.ask('close').then(() => meeting('on the local network', 'lan', BARS.lan, { alice, relay, ...three }, MOVED)),
  ),
  await withThree({}, (three) => meeting('through the hash table', 'lan', BARS.dht, three, MOVED)),
  await withRelayedPair((three) => meeting('through a relay', 'relayed', BARS.relay, three, {})),
]

/** Bob starts; Alice, who runs, was started anew before each round if she moved. */
async function meeting(
  what: string,
  how: 'lan' | 'relayed',
  seconds: number,
  { alice, bob, toAlice, opening }: Three,
  moved: Partial<typeof MOVED>,
): Promise<Result> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await bob.ask('close')
    if (moved.listenPort !== undefined) {
      await alice.ask('close')
      await alice.ask('open', opening('alice', moved))
      await alice.ask('published')
    }
    const { ms, via } = await bob.ask('meet', { opening: opening('bob', moved), who: toAlice })
    if (via !== how) throw new Error(`they met, but not ${what}: ${via}`)
    times.push(ms)
  }
  times.sort((a, b) => a - b)
  return judged({
    id: 'P5',
    what: `start of one to reaching the other ${what}, median of ${ROUNDS} (${times.map(Math.round).join(', ')} ms)`,
    value: (times[ROUNDS >> 1] ?? 0) / 1000,
    unit: 's',
    bar: { of: 'value', atMost: seconds },
  })
}
