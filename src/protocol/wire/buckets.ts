/**
 * The few sizes to which everything is padded that others watch or keep: 1024, 2048 and 4096 bytes, above that Padmé (PURBs, §4: at
 * most 12 % more).
 *
 * Holds: a size that was padded is padded already.
 */

const BUCKETS = [1024, 2048, 4096]

/** The least size of those that hold `size` bytes. */
export function paddedSize(size: number): number {
  const bucket = BUCKETS.find((each) => each >= size)
  if (bucket !== undefined) return bucket
  const exponent = 31 - Math.clz32(size)
  const kept = 32 - Math.clz32(exponent)
  const step = 2 ** (exponent - kept)
  return Math.ceil(size / step) * step
}
