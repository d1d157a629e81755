/**
 * What is possible at all, known from hours alone and from theory, without any node: the yardsticks of what was measured.
 */
import { CYCLE, type Span } from './hours.ts'

/** The first moment from `at` on when both are online; infinite: none. */
export function together(a: readonly Span[], b: readonly Span[], at: number): number {
  let [i, j] = [0, 0]
  for (let [x, y] = [a[i], b[j]]; x !== undefined && y !== undefined; x = a[i], y = b[j]) {
    const from = Math.max(at, x.from, y.from)
    if (from < Math.min(x.to, y.to)) return from
    if (x.to < y.to) i++
    else j++
  }
  return Number.POSITIVE_INFINITY
}

/** How long two are online together before `end`. */
export function timeTogether(a: readonly Span[], b: readonly Span[], end: number): number {
  let all = 0
  for (const x of a) for (const y of b) all += Math.max(0, Math.min(x.to, y.to, end) - Math.max(x.from, y.from))
  return all
}

/**
 * The earliest moment at which what was written at `at` can be with the reader, by any program: from hand to hand, or by one of
 * these carriers.
 */
export function earliest(
  at: number,
  writer: readonly Span[],
  reader: readonly Span[],
  carriers: readonly (readonly Span[])[],
): number {
  const carried = carriers.map((carrier) => together(carrier, reader, together(writer, carrier, at)))
  return Math.min(together(writer, reader, at), ...carried)
}

/**
 * Theory: the likelihood that two with random hours, of whom one is online now, have been online together by each of these times
 * (ms, rising). A Markov chain of three states, integrated in steps of a minute.
 */
export function theoryTogether(share: number, times: readonly number[]): readonly number[] {
  const STEP = 60_000
  const leave = STEP / (CYCLE * share)
  const come = STEP / (CYCLE * (1 - share))
  let [writerOnly, readerOnly, nobody] = [1 - share, 0, 0]
  let at = 0
  return times.map((time) => {
    for (; at < time; at += STEP) {
      const toNobody = leave * (writerOnly + readerOnly)
      const fromNobody = come * nobody
      writerOnly += fromNobody - (leave + come) * writerOnly
      readerOnly += fromNobody - (leave + come) * readerOnly
      nobody += toNobody - 2 * fromNobody
    }
    return 1 - writerOnly - readerOnly - nobody
  })
}

/** Theory: with a carrier that is always on, only the reader is waited for. */
export function theoryAlwaysOn(share: number, times: readonly number[]): readonly number[] {
  return times.map((time) => 1 - (1 - share) * Math.exp(-time / (CYCLE * (1 - share))))
}
