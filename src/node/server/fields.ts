/**
 * Checks of arguments that came over a wire: what each may be, and how long.
 *
 * Holds: only plain values pass; a string is well-formed Unicode and bounded; an argument that is not named is refused.
 */

/** One argument: `what` finishes the sentence "… must be". */
export interface Field<T> {
  readonly is: (value: unknown) => value is T
  readonly what: string
  readonly optional: boolean
}

export type Shape = Readonly<Record<string, Field<unknown>>>

type Value<F> = F extends Field<infer T> ? T : never
type OptionalKeys<S> = { [K in keyof S]: S[K] extends { readonly optional: true } ? K : never }[keyof S]
/** The arguments that a shape lets through. */
export type Checked<S extends Shape> = { [K in Exclude<keyof S, OptionalKeys<S>>]: Value<S[K]> } & {
  [K in OptionalKeys<S>]?: Value<S[K]>
}

interface Required<T> extends Field<T> {
  readonly optional: false
}

const LONE_SURROGATE = /\p{Surrogate}/u

/** Well-formed text of `min` to `max` UTF-16 units. */
export function text(max: number, min = 0): Required<string> {
  const is = (value: unknown): value is string =>
    typeof value === 'string' && value.length >= min && value.length <= max && !LONE_SURROGATE.test(value)
  return {
    is,
    what: min === 0 ? `text of at most ${max} characters` : `text of ${min} to ${max} characters`,
    optional: false,
  }
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): Required<number> {
  const is = (value: unknown): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
  return { is, what: `a whole number from ${min} to ${max}`, optional: false }
}

export const flag: Required<boolean> = {
  is: (value): value is boolean => typeof value === 'boolean',
  what: 'true or false',
  optional: false,
}

export function orNull<T>(field: Required<T>): Required<T | null> {
  return {
    is: (value): value is T | null => value === null || field.is(value),
    what: `${field.what}, or null`,
    optional: false,
  }
}

/** An argument that may be left out. */
export function maybe<T>(field: Required<T>): Field<T> & { readonly optional: true } {
  return { is: field.is, what: field.what, optional: true }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What is wrong with these arguments, as half a sentence; `undefined` if nothing is. */
export function fault(shape: Shape, args: unknown): string | undefined {
  if (!isRecord(args)) return 'the arguments must be one object'
  for (const name of Object.keys(args)) {
    if (!Object.hasOwn(shape, name)) return `there is no argument ${JSON.stringify(name.slice(0, 40))}`
  }
  for (const [name, field] of Object.entries(shape)) {
    if (!Object.hasOwn(args, name)) {
      if (!field.optional) return `the argument "${name}" is missing`
    } else if (!field.is(args[name])) return `"${name}" must be ${field.what}`
  }
  return undefined
}

/** Whether these arguments are what the shape says. */
export function fits<S extends Shape>(shape: S, args: unknown): args is Checked<S> {
  return fault(shape, args) === undefined
}
