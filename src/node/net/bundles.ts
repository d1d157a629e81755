/**
 * `/tulnic/bundle/1`: a prekey bundle for who holds an invite's secret, or is a contact. Both ends. (PROTOCOL §2)
 *
 *     asker                                    asked
 *       how 1 (0 contact, 1 invite) ‖ proof 32 ──▶
 *       ◀── status 1 ‖ mac 32 ‖ length 2 ‖ bundle
 */
import type { Stream } from '@libp2p/interface'
import { concat } from '../../protocol/index.ts'
import type { BundleAnswer, BundleStatus } from '../engine/input.ts'
import { Exchange } from './exchange.ts'
import type { Limits } from './protocols.ts'

export type Answer = Omit<BundleAnswer, 'ends'>

const STATUSES: readonly BundleStatus[] = ['bundle', 'used', 'expired', 'unknown']
const PROOF_BYTES = 32
const MAC_BYTES = 32

/** Asks, with the proof of an invite or (`null`) as a contact. `undefined`: no sensible answer in time. */
export async function askBundle(
  stream: Stream,
  proof: Uint8Array | null,
  limits: Limits,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const exchange = new Exchange(stream, 1 + MAC_BYTES + 2 + limits.bundle, signal)
  exchange.write(concat(Uint8Array.of(proof === null ? 0 : 1), proof ?? new Uint8Array(PROOF_BYTES)))
  const head = await exchange.read(1 + MAC_BYTES)
  const bundle = head && (await exchange.readSized(limits.bundle))
  const status = head && STATUSES[head[0] ?? STATUSES.length]
  if (
    head === undefined ||
    bundle === undefined ||
    status === undefined ||
    (status !== 'bundle' && bundle.length > 0)
  ) {
    exchange.abort('no answer')
    return undefined
  }
  void exchange.finish()
  return { status, bundle, mac: head.subarray(1) }
}

/** Reads one question and writes what `answer` makes of it; `undefined` there ends the stream without a word. */
export async function answerBundle(
  stream: Stream,
  signal: AbortSignal,
  answer: (proof: Uint8Array | null) => Promise<Answer | undefined>,
): Promise<void> {
  const exchange = new Exchange(stream, 1 + PROOF_BYTES, signal)
  const question = await exchange.read(1 + PROOF_BYTES)
  const how = question?.[0]
  const given =
    question === undefined || how === undefined || how > 1
      ? undefined
      : await answer(how === 1 ? question.subarray(1) : null)
  if (given === undefined) return exchange.abort('no answer')
  exchange.write(concat(Uint8Array.of(STATUSES.indexOf(given.status)), given.mac))
  exchange.writeSized(given.bundle)
  await exchange.finish()
}
