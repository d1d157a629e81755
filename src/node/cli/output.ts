/**
 * What a command says: results on stdout, everything else on stderr.
 *
 * Holds: with `--json` stdout carries JSON objects only, one a line; with `--quiet` what merely comforts is left out.
 */
import { jsonLine, plainLine } from './plain-text.ts'

export class Output {
  readonly json: boolean
  readonly #quiet: boolean

  constructor(json: boolean, quiet: boolean) {
    this.json = json
    this.#quiet = quiet
  }

  /** A result: the object with `--json`, else the text (already plain, may have several lines). */
  result(object: object, text: string): void {
    this.#write(this.json ? jsonLine(object) : text)
  }

  /** An object for `--json` only. */
  object(object: object): void {
    if (this.json) this.#write(jsonLine(object))
  }

  /** A text for people only, part of the result. */
  text(text: string): void {
    if (!this.json) this.#write(text)
  }

  /** A text for a person at a terminal that says that something was done, or what to do next: never in a pipe. */
  comfort(text: string): void {
    if (!this.json && !this.#quiet && process.stdout.isTTY === true) this.#write(text)
  }

  /** One sentence on stderr that a person should know. */
  warn(text: string): void {
    if (!this.#quiet) process.stderr.write(`tulnic: ${plainLine(text)}\n`)
  }

  /** Several lines on stderr, for a person who looks at the screen while stdout goes elsewhere. */
  aside(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  #write(text: string): void {
    process.stdout.write(`${text}\n`)
  }
}
