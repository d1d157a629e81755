/**
 * What a benchmark hands back: one measured figure, the peer's figure of the same run, and the bar of docs/quality it is held to.
 *
 * Each file of this folder whose name begins with `p` or `s` and a number, and `delivery.ts`, exports
 * `bench: () => Promise<readonly Result[]>`.
 */

/** The bar: which figure is judged, and what it must reach. */
export type Bar =
  | { readonly of: 'value' | 'ratio'; readonly atLeast: number }
  | { readonly of: 'value' | 'ratio'; readonly atMost: number }

export interface Result {
  /** The row of the quality table: `P1`, `P2` … Several results may share one. */
  readonly id: string
  /** What was measured, in a few words: `one way, 256 B, node:crypto`. */
  readonly what: string
  readonly value: number
  /** `µs`, `ms`, `msg/s`, `B`, `MiB` … */
  readonly unit: string
  /** The peer measured side by side in this run, in the same unit. */
  readonly peer?: { readonly name: string; readonly value: number }
  /** The figure that a bar on `ratio` judges; say in `what` which way it goes. */
  readonly ratio?: number
  readonly bar: Bar
  readonly met: boolean
}

/** What one file of benchmarks exports under the name `bench`. */
export type Bench = () => Promise<readonly Result[]>

/** Fills in `met`. Throws where the bar judges a ratio and none was measured. */
export function judged(measured: Omit<Result, 'met'>): Result {
  return { ...measured, met: margin(measured) >= 1 }
}

/** How many times better than its bar: 1 is just met, 0.5 is half-way. */
export function margin({ id, what, value, ratio, bar }: Omit<Result, 'met'>): number {
  const figure = bar.of === 'ratio' ? ratio : value
  if (figure === undefined) throw new Error(`${id} ${what}: the bar judges a ratio, and there is none`)
  return 'atLeast' in bar ? figure / bar.atLeast : bar.atMost / figure
}
