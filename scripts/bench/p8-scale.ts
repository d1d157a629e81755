/**
 * P8: a record is put and found in the hash table among 100, 1 000 and 10 000 servers, all of them there, a fifth of them gone, and
 * half of them gone at once. Real are our parts of the hash table on both sides, with kad-dht inside, and every byte between
 * them; the network is one in memory (swarm/switchboard.ts), and tables of those who only serve are made, not grown
 * (swarm/peers.ts).
 *
 * Beside it: Kademlia's promise, log₂ N hops; and kad-dht with its defaults among the same servers.
 *
 *     TULNIC_SERVERS=100,1000     other sizes
 */
import { judged, type Bench, type Result } from './result.ts'
import { HUNDRED, measureScale, type Scale } from './swarm/measure.ts'

const SIZES = (process.env.TULNIC_SERVERS ?? '100,1000,10000').split(',').map(Number)

export const bench: Bench = async () => {
  const scales: Scale[] = []
  for (const size of SIZES) scales.push(await measureScale(size, HUNDRED))
  return [...scales.flatMap(resultsOf), ...growth(scales)]
}

function resultsOf({ servers, put, get: [all, fewer, half], plain }: Scale): readonly Result[] {
  const found = `of ${all.of} look-ups found`
  const percent = ({ ok, of }: { ok: number; of: number }): number => (100 * ok) / of
  const name = 'kad-dht with its defaults'
  const rare = { of: 'value', atLeast: 99 } as const
  return [
    result(`${found}, ${servers} servers`, percent(all), '%', rare, { name, value: percent(plain.get) }),
    result(`${found}, ${servers} servers, 20 % gone (half gone: ${percent(half)} %)`, percent(fewer), '%', rare),
    result(
      `hops to a record, mean of ${all.of}, ${servers} servers (most: ${all.hopsMost})`,
      all.hops,
      'hops',
      { of: 'value', atMost: Math.log2(servers) },
      { name: 'Kademlia, log₂ N', value: Math.log2(servers) },
    ),
    ...[
      { what: 'put', figures: put, peer: plain.put },
      { what: 'look-up', figures: all, peer: plain.get },
    ].map(({ what, figures, peer }) =>
      judged({
        id: 'P8',
        what: `questions of a ${what}, ${servers} servers; ratio ours / theirs`,
        value: figures.messages,
        unit: 'questions',
        peer: { name, value: peer.messages },
        ratio: figures.messages / peer.messages,
        bar: { of: 'ratio', atMost: 1 },
      }),
    ),
  ]
}

/** From the fewest servers to the most: not more than the logarithm. */
function growth(scales: readonly Scale[]): readonly Result[] {
  const [first, last] = [scales[0], scales.at(-1)]
  if (first === undefined || last === undefined || first === last) return []
  const logarithm = Math.log2(last.servers) / Math.log2(first.servers)
  const peer = { name: 'log N', value: logarithm }
  const kinds = [
    ['put', last.put.messages / first.put.messages],
    ['look-up', last.get[0].messages / first.get[0].messages],
  ] as const
  return kinds.map(([what, value]) =>
    result(
      `questions of a ${what}, ${last.servers} servers against ${first.servers}`,
      value,
      '×',
      { of: 'value', atMost: logarithm },
      peer,
    ),
  )
}

function result(what: string, value: number, unit: string, bar: Result['bar'], peer?: Result['peer']): Result {
  return judged({ id: 'P8', what, value, unit, bar, ...(peer && { peer }) })
}
