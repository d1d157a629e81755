/**
 * Skipped message keys: how they are named, counted and given up.
 *
 * The keys themselves are rows of the store, never part of the state (a thousand of them would make every message
 * rewrite 100 kB). The state counts them by chain, so that the header key of a chain that nobody misses is forgotten.
 *
 *     e<chain>/<n>   message n of an elliptic receive chain        p<epoch>/<i>   of a post-quantum one
 *
 * Holds: a row is put when its message is passed over and taken when it is opened, so no key opens twice; the oldest
 * keys go when there are too many, and nothing is ever refused for want of room.
 *
 * The counts are exact until rows are given up (`trim`, or thirty days); from then on they are estimates: the total of
 * rows stays below its bound, and a chain may be given up with a few of its rows.
 */

/** A skipped message key to keep: `bytes` are its 32 bytes. */
export interface SkippedKey {
  readonly key: string
  readonly bytes: Uint8Array
}

export const ecChainName = (chain: number): string => `e${chain}`
export const pqChainName = (epoch: number): string => `p${epoch}`
export const rowName = (chain: string, n: number): string => `${chain}/${n}`

/** The rows for keys passed over in a chain, the first of which has the number `from`. */
export function rowsOf(chain: string, from: number, passed: readonly Uint8Array[]): SkippedKey[] {
  return passed.map((bytes, i) => ({ key: rowName(chain, from + i), bytes }))
}

/** The counts of several chains, oldest first, lowered by `excess` in all: the oldest lose first. */
export function giveUpOldest(counts: readonly number[], excess: number): number[] {
  let left = excess
  return counts.map((count) => {
    const lost = Math.min(count, left)
    left -= lost
    return count - lost
  })
}
