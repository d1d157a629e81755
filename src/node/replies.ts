/**
 * Commands that wait for the engine's answer.
 *
 * Holds: each is settled once; when the node stops, those that still wait are refused.
 */
import { ApiError } from './api-error.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

export class Replies {
  readonly #waiting = new Map<number, Waiting>()
  #last = 0
  #abandoned = false

  /** A number for a command, and the promise of its answer. */
  expect(): { readonly id: number; readonly answer: Promise<unknown> } {
    const id = ++this.#last
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    if (this.#abandoned) this.abandon()
    return { id, answer }
  }

  resolve(id: number, value: unknown): void {
    this.#waiting.get(id)?.resolve(value)
    this.#waiting.delete(id)
  }

  reject(id: number, error: Error): void {
    this.#waiting.get(id)?.reject(error)
    this.#waiting.delete(id)
  }

  abandon(): void {
    this.#abandoned = true
    for (const id of [...this.#waiting.keys()])
      this.reject(id, new ApiError('usage', 'The node stopped before this was done.'))
  }
}
