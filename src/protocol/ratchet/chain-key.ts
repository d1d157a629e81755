/**
 * The symmetric half of a ratchet: one chain, one direction.
 *
 *     chain key ──"chain"──▶ chain key ──"chain"──▶ …
 *         │"message"             │"message"
 *         ▼                      ▼
 *     message key            message key
 *
 * Spec: Signal "Double Ratchet", KDF_CK, with labels in the place of the constants 1 and 2. The chains of the
 * post-quantum half are the same with labels of their own.
 * Holds: a chain never steps back, so a stolen chain opens no earlier message.
 */
import type { Primitives } from '../crypto/primitives.ts'
import { LABELS } from '../labels.ts'

export interface Chain {
  readonly key: Uint8Array
  /** Number of the message whose key comes next, from 0. */
  readonly next: number
}

/** The labels that separate the two keys taken from one chain key. */
export interface ChainLabels {
  readonly chain: Uint8Array
  readonly message: Uint8Array
}

export const EC_CHAIN: ChainLabels = { chain: LABELS.chainKey, message: LABELS.chainMessageKey }
export const PQ_CHAIN: ChainLabels = { chain: LABELS.pqChainKey, message: LABELS.pqChainMessageKey }

export interface Taken {
  readonly chain: Chain
  readonly messageKey: Uint8Array
}

/**
 * Takes the next message key (32 bytes) out of the chain.
 *
 * The old chain still holds the key just taken: the caller keeps only the returned `chain`.
 */
export function takeMessageKey(p: Primitives, labels: ChainLabels, chain: Chain): Taken {
  return {
    chain: { key: p.hmac(chain.key, labels.chain), next: chain.next + 1 },
    messageKey: p.hmac(chain.key, labels.message),
  }
}

export interface Skipped extends Taken {
  /** The keys of the messages passed over, in order; the first has the number that the chain stood at. */
  readonly passed: readonly Uint8Array[]
}

/** Takes the key of message `n`, and those of all before it that are still in the chain; `n` must not lie behind. */
export function skipTo(p: Primitives, labels: ChainLabels, chain: Chain, n: number): Skipped {
  if (n < chain.next) throw new RangeError(`the chain is past message ${n}`)
  const { chain: before, passed } = passOver(p, labels, chain, n)
  return { ...takeMessageKey(p, labels, before), passed }
}

/** Takes the keys of all messages before `n`, and leaves the chain standing at `n`. */
export function passOver(p: Primitives, labels: ChainLabels, chain: Chain, n: number): Omit<Skipped, 'messageKey'> {
  const passed: Uint8Array[] = []
  let at = chain
  while (at.next < n) {
    const taken = takeMessageKey(p, labels, at)
    passed.push(taken.messageKey)
    at = taken.chain
  }
  return { chain: at, passed }
}
