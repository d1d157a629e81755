/**
 * How much a test does that could go on for ever: power cuts, bit flips, kills … A fast amount in `npm test`, any other by
 * `npm run test:long -- --cuts 100000`.
 */

/** `fast`, unless the environment names another amount: `amount('cuts', 500)` reads `TULNIC_CUTS`. */
export function amount(name: string, fast: number): number {
  const variable = `TULNIC_${name.toUpperCase()}`
  const asked = process.env[variable]
  if (asked === undefined) return fast
  const number = Number(asked)
  if (!Number.isInteger(number) || number < 1) throw new Error(`${variable}=${asked} is no amount`)
  return number
}
