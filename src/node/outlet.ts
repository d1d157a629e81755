/**
 * Where effects go: to the net, to the one timer, to whoever asked, to whoever listens.
 *
 * Holds: effects are performed in their order; what is stored is told in the order of its numbers, although reading a message
 * takes a moment.
 */
import type { AnyEvent } from './api.ts'
import { ApiError } from './api-error.ts'
import type { Effect } from './engine/effect.ts'
import type { Input } from './engine/input.ts'
import type { Net } from './net/net.ts'
import type { Platform } from './platform/platform.ts'
import type { Queries } from './queries.ts'
import type { Replies } from './replies.ts'
import { StoreError } from './store/store.ts'

/** Performs effects: each goes to the one that it concerns. */
export class Outlet {
  readonly #tell: (event: AnyEvent) => void
  readonly #queries: Queries
  readonly #replies: Replies
  readonly #platform: Platform
  #net: Net | undefined
  #take: (input: Input) => void = () => {}
  #wakeAt = Number.POSITIVE_INFINITY
  #takeBack: () => void = () => {}
  #told: Promise<void> = Promise.resolve()
  readonly #held: Effect[] = []
  #reported: unknown

  constructor(tell: (event: AnyEvent) => void, queries: Queries, replies: Replies, platform: Platform) {
    this.#tell = tell
    this.#queries = queries
    this.#replies = replies
    this.#platform = platform
  }

  connect(net: Net, take: (input: Input) => void): void {
    this.#net = net
    this.#take = take
    for (const effect of this.#held.splice(0)) this.perform(effect)
  }

  stop(): void {
    this.#takeBack()
    this.#take = () => {}
  }

  /** Warns of what went wrong. A store that failed refuses everything for the same cause: that is told once. */
  report(error: unknown): void {
    if (error instanceof StoreError && error === this.#reported) return
    this.#reported = error
    const text =
      error instanceof StoreError
        ? error.message
        : 'Something inside tulnic failed and was put aside; nothing is lost. Please report it.'
    this.#tell({ id: '', at: new Date(this.#platform.now()).toISOString(), type: 'warning', text })
  }

  perform(effect: Effect): void {
    switch (effect.type) {
      case 'wake':
        return this.#wake(effect.at)
      case 'event':
        return this.#tell(effect.event)
      case 'stored-event':
        return this.#tellStored(effect)
      case 'reply':
        return this.#replies.resolve(effect.command, effect.value)
      case 'refuse':
        return this.#replies.reject(effect.command, new ApiError(effect.error.code, effect.error.message))
      default:
        if (this.#net === undefined) this.#held.push(effect)
        else this.#net.perform(effect)
    }
  }

  #wake(at: number): void {
    // What is due although it was not called back was asked for by a clock that has been set forward since.
    if (at >= this.#wakeAt && this.#wakeAt > this.#platform.now()) return
    this.#wakeAt = Math.min(at, this.#wakeAt)
    this.#takeBack()
    this.#takeBack = this.#platform.wake(this.#wakeAt, () => {
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.#take({ type: 'timer' })
    })
  }

  /** In the order of their numbers, although reading a message takes a moment. */
  #tellStored({ number, at, body }: Extract<Effect, { type: 'stored-event' }>): void {
    this.#told = this.#told.then(async () => {
      for (const event of await this.#queries.expand(number, at, body)) this.#tell(event)
    })
    this.#told = this.#told.catch(() => undefined)
  }
}
