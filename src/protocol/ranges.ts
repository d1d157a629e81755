/**
 * Sets of counters as ascending, disjoint, non-touching ranges: `[[1, 40], [42, 97]]`.
 *
 * Receipts and delivery state are such sets: they are cumulative, so any later one stands for all before it, and
 * a lost receipt costs nothing.
 *
 * Holds: every function returns a normal form; counters are safe integers from 1.
 */

export type Range = readonly [from: number, to: number]
export type Ranges = readonly Range[]

export const NO_RANGES: Ranges = []

/** Whether `n` lies in the set. */
export function has(ranges: Ranges, n: number): boolean {
  for (const [from, to] of ranges) if (n >= from && n <= to) return true
  return false
}

/** The set with `from … to` (inclusive) in it. */
export function add(ranges: Ranges, from: number, to: number): Ranges {
  const last = ranges.at(-1)
  if (last !== undefined && from > last[0] && from <= last[1] + 1) {
    return to <= last[1] ? ranges : [...ranges.slice(0, -1), [last[0], to]]
  }
  const before = ranges.filter((r) => r[1] < from - 1)
  const after = ranges.filter((r) => r[0] > to + 1)
  const touching = ranges.filter((r) => r[1] >= from - 1 && r[0] <= to + 1)
  const low = Math.min(from, ...touching.map((r) => r[0]))
  const high = Math.max(to, ...touching.map((r) => r[1]))
  return [...before, [low, high], ...after]
}

/** All that is in either set. */
export function union(a: Ranges, b: Ranges): Ranges {
  return b.reduce<Ranges>((set, [from, to]) => add(set, from, to), a)
}

/** What is in `a` and not in `b`. */
export function subtract(a: Ranges, b: Ranges): Ranges {
  const left: Range[] = []
  for (const [from, to] of a) {
    let next = from
    for (const [low, high] of b) {
      if (high < next || low > to) continue
      if (low > next) left.push([next, low - 1])
      next = high + 1
    }
    if (next <= to) left.push([next, to])
  }
  return left
}

/** What of the set is not beyond `most`. */
export function upTo(ranges: Ranges, most: number): Ranges {
  return ranges.filter(([from]) => from <= most).map(([from, to]) => [from, Math.min(to, most)])
}

/** How many counters the set holds. */
export function size(ranges: Ranges): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}

/** The numbers in them, ascending. */
export function* numbersOf(ranges: Ranges): Generator<number> {
  for (const [from, to] of ranges) for (let n = from; n <= to; n++) yield n
}
