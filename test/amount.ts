/**
 * How much a test does that could go on for ever: seeds, power cuts, kills … A fast amount in `npm test`, any other by
 * `npm run test:long -- --seeds 100000`.
 */

/** `fast`, unless the environment names another amount: `amount('seeds', 500)` reads `TULNIC_SEEDS`. */
export function amount(name: string, fast: number): number {
  const asked = process.env[`TULNIC_${name.toUpperCase()}`]
  if (asked === undefined) return fast
  const number = Number(asked)
  if (!Number.isInteger(number) || number < 1) throw new Error(`TULNIC_${name.toUpperCase()}=${asked} is no amount`)
  return number
}
