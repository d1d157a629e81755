/**
 * P11: bytes on the wire for one message of 256 B with all acknowledgements (traffic.ts says what counts). Beside it: a raw libp2p
 * stream that carries a message and a receipt of our padded sizes, and nothing besides.
 */
import { withRawPair } from './raw-pair.ts'
import { type Bench, judged, type Result } from './result.ts'
import { sentBy, withPair } from './talkers.ts'
import { onWire } from './traffic.ts'

const BYTES = 256
const WARM_UP = 100
const COUNT = 200

export const bench: Bench = async () => [await oneMessage()]

async function oneMessage(): Promise<Result> {
  const value = await withPair({}, ({ alice, bob, toBob }) =>
    bytesEach(
      (count) => alice.ask('latency', { to: toBob, count, bytes: BYTES }),
      () => sentBy([alice, bob]),
    ),
  )
  const raw = await withRawPair(({ stored, traffic }) => bytesEach(stored, async () => onWire(await traffic())))
  const what = `one ${BYTES} B message with all acknowledgements, mean of ${COUNT}`
  const peer = { name: 'raw libp2p stream, padded message and receipt', value: raw }
  return judged({ id: 'P11', what, value, unit: 'B', peer, ratio: value / raw, bar: { of: 'value', atMost: 4000 } })
}

async function bytesEach(send: (count: number) => Promise<unknown>, sent: () => Promise<number>): Promise<number> {
  await send(WARM_UP)
  const before = await sent()
  await send(COUNT)
  return ((await sent()) - before) / COUNT
}
