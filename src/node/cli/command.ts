/**
 * What a command is: its words, its options, and what it does with them.
 */
import type { Node } from '../api.ts'
import type { NodeSettings } from '../server/on-disk.ts'
import { notInThisVersion, usage } from './failure.ts'
import type { Output } from './output.ts'

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: true
  /** How its value is called in the help; none for a flag. */
  readonly value?: string
  readonly help: string
  /** Known, and refused: a later version will have it. */
  readonly later?: true
}

/** How the program starts a node of its own: the real one in `main.ts`, a double in tests. */
export type StartNode = (dataDirectory: string, settings: NodeSettings) => Promise<Node>

/** All that a command may use. */
export interface Context {
  readonly args: Args
  readonly out: Output
  readonly dataDirectory: string
  /** How long to wait where something is waited for. */
  readonly timeoutMs: number
  readonly startNode: StartNode
}

export interface Command {
  /** One or two words. */
  readonly name: string
  /** What follows the name, as in the help: `TO [TEXT]`. */
  readonly takes: string
  readonly help: string
  readonly options: Readonly<Record<string, Option>>
  /** How many arguments, at least and at most. */
  readonly count: readonly [number, number]
  readonly run: (context: Context) => Promise<void>
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

/** The arguments and options of one call, already known to be the command's. Misuse ends the command with exit 2. */
export class Args {
  readonly #values: Values
  readonly #positionals: readonly string[]

  constructor(values: Values, positionals: readonly string[]) {
    this.#values = values
    this.#positionals = positionals
  }

  /** The argument at `index`, which the command requires. */
  at(index: number): string {
    const value = this.#positionals[index]
    if (value === undefined) throw usage('An argument is missing: see --help.')
    return value
  }

  optionalAt(index: number): string | undefined {
    return this.#positionals[index]
  }

  all(): readonly string[] {
    return this.#positionals
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  list(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
  }

  /** One of a few words. */
  choice<T extends string>(name: string, words: readonly T[]): T | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const word = words.find((known) => known === value)
    if (word === undefined)
      throw usage(
        `--${name} must be ${words.join(', ').replace(/, ([^,]*)$/, ' or $1')}, not ${JSON.stringify(value)}.`,
      )
    return word
  }

  whole(name: string, min: number, max: number): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= min && number <= max))
      throw usage(`--${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}.`)
    return number
  }

  /** A length of time such as `90s`, `30m`, `12h` or `7d`, in seconds. */
  duration(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(value) ?? []
    const seconds = Number(count) * (SECONDS_IN[unit ?? ''] ?? Number.NaN)
    if (!(seconds > 0 && seconds <= 366 * 86_400))
      throw usage(`--${name} must be a time such as 90s, 30m, 12h or 7d, at most a year, not ${JSON.stringify(value)}.`)
    return seconds
  }

  /** Refuses the options of a later version. */
  refuseLater(options: Readonly<Record<string, Option>>): void {
    for (const [name, option] of Object.entries(options)) {
      if (option.later === true && this.#values[name] !== undefined) throw notInThisVersion(`--${name}`)
    }
  }
}

const SECONDS_IN: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
