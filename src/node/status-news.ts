/**
 * When to tell how the node is: soon after something changed, at most a few times a second, and only what a person sees.
 *
 *     look ──▶ status ── another than was told ──▶ tell ──▶ rest ──▶ what was asked meanwhile is looked at once
 *
 * Holds: one status at a time is computed, whatever happens and however many listen; the last change is always told.
 */
import type { Status } from './api.ts'

/** Three a second are as many as a person can follow. */
const REST_MS = 300

export class StatusNews {
  readonly #status: () => Promise<Status>
  readonly #tell: (status: Status) => void
  #told = ''
  #wanted = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #stopped = false

  constructor(status: () => Promise<Status>, tell: (status: Status) => void) {
    this.#status = status
    this.#tell = tell
  }

  /** Something happened that may be seen in the status. */
  look(): void {
    this.#wanted = true
    if (this.#timer === undefined && !this.#stopped) this.#timer = setTimeout(() => void this.#run(), 0)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  async #run(): Promise<void> {
    this.#wanted = false
    // A status that cannot be had now, of a store that is closing, is asked for again by what happens next.
    const status = await this.#status().catch(() => undefined)
    if (this.#stopped) return
    const seen = status === undefined ? this.#told : visible(status)
    if (status !== undefined && seen !== this.#told) this.#tell(status)
    this.#told = seen
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#wanted) this.look()
    }, REST_MS)
  }
}

/** All of a status but the bytes on the disk, which change with every message. */
function visible({ storage: { trouble }, ...status }: Status): string {
  return JSON.stringify([status, trouble])
}
