/**
 * The loop: take what waits, step through it, commit once, then speak. The engine's only asynchronous file.
 *
 *     inputs ──▶ draft ── steps, reads ──▶ one commit ──▶ adopt ──▶ effects
 *                                             silent: on the disk with the next one
 *                  │ a step threw, or the commit failed: the draft is dropped, and each input tried alone;
 *                  └ the one that fails alone is put aside and reported
 *
 * Holds: commit, then speak: when an effect other than `wake` is performed, every commit so far is on the disk; one commit
 * in flight; effects are performed in the order of their inputs; what one connection brought is taken in its order, and where
 * several wait, none has more than its share of a batch.
 */
import type { Primitives, Random } from '../../protocol/index.ts'
import type { Store } from '../store/store.ts'
import { StoreError } from '../store/store.ts'
import { Draft, type Found, type Need, type Steps } from './draft.ts'
import type { Effect } from './effect.ts'
import type { Env } from './env.ts'
import type { ConnectionId, Input } from './input.ts'
import { BATCH_BYTES, BATCH_INPUTS, BATCH_SHARE, TIMER_AGAIN } from './limits.ts'
import type { Resident } from './state.ts'
import { begin, end, step } from './step.ts'

export interface Shell {
  readonly store: Store
  readonly primitives: Primitives
  readonly random: Random
  now(): number
  /** Performs one effect; must not throw. */
  perform(effect: Effect): void
  /** Lets other work run between two batches, and answers when it is time for the next. */
  pause(): Promise<void>
  /** Something failed that should not; for the log of a developer and the warning of a person. */
  report(error: unknown, input: Input | null): void
}

function bytesOf(input: Input): number {
  if (input.type === 'mail-put') return input.envelope.length
  const parts = input.type === 'frames' ? input.frames : input.type === 'letters' ? input.letters : []
  return parts.reduce((sum, part) => sum + part.length, 64)
}

export class Engine {
  readonly resident: Resident
  readonly #shell: Shell
  #waiting: Input[] = []
  #running: Promise<void> | undefined
  #stopped = false
  /** Something is committed that is perhaps not on the disk yet. */
  #unsynced = false
  readonly #watchers = new Set<() => void>()

  constructor(resident: Resident, shell: Shell) {
    this.resident = resident
    this.#shell = shell
  }

  /** Commits what a start needs (fresh prekeys, housekeeping) and tells the net whom to reach. */
  async start(): Promise<void> {
    const draft = new Draft(this.resident)
    const env = this.#env()
    await this.#drive(begin(draft, env))
    await this.#drive(end(draft, env))
    await this.#commit(draft)
  }

  /** Adds an input; it is stepped through soon, in order. */
  take(input: Input): void {
    if (this.#stopped) return
    this.#waiting.push(input)
    this.#running ??= this.#run()
  }

  /** Resolves as soon as committed state is so; rejects when the signal aborts. */
  when(signal: AbortSignal, holds: (resident: Resident) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!holds(this.resident)) return
        this.#watchers.delete(check)
        resolve()
      }
      const end = (): void => {
        this.#watchers.delete(check)
        reject(signal.reason)
      }
      if (signal.aborted) return end()
      signal.addEventListener('abort', end, { once: true })
      this.#watchers.add(check)
      check()
    })
  }

  /** Ends after the batch in hand; what still waits is dropped: nobody was told that it was done. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#waiting = []
    await this.#running
  }

  #env(): Env {
    return { p: this.#shell.primitives, random: this.#shell.random, now: this.#shell.now() }
  }

  async #run(): Promise<void> {
    await this.#shell.pause()
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch()
      try {
        await this.#runBatch(batch)
      } catch (error) {
        await this.#runAlone(batch, error)
      }
      if (this.#waiting.length > 0) await this.#shell.pause()
    }
    this.#running = undefined
  }

  #nextBatch(): readonly Input[] {
    const brought = new Set(this.#waiting.map(connectionOf))
    const share = brought.size > 1 ? BATCH_SHARE : BATCH_BYTES
    const shares = new Map<ConnectionId | undefined, number>()
    const batch: Input[] = []
    const left: Input[] = []
    let bytes = 0
    for (const input of this.#waiting) {
      const connection = connectionOf(input)
      const size = bytesOf(input)
      const used = shares.get(connection) ?? 0
      const isFull = batch.length >= BATCH_INPUTS || bytes + size > BATCH_BYTES || (used > 0 && used + size > share)
      const waits = isFull && batch.length > 0
      // What one connection brought stays in its order: after the first that waits, all of it does.
      shares.set(connection, waits ? Number.POSITIVE_INFINITY : used + size)
      if (!waits) bytes += size
      ;(waits ? left : batch).push(input)
    }
    this.#waiting = left
    return batch
  }

  async #runBatch(batch: readonly Input[]): Promise<void> {
    const draft = new Draft(this.resident)
    const env = this.#env()
    for (const input of batch) await this.#drive(step(draft, env, input))
    await this.#drive(end(draft, env))
    await this.#commit(draft)
  }

  async #commit(draft: Draft): Promise<void> {
    await this.#store(draft)
    draft.adopt()
    for (const effect of draft.effects) this.#perform(effect)
    for (const check of this.#watchers) check()
  }

  async #store({ writes, isSilent }: Draft): Promise<void> {
    if (writes.length === 0 && (isSilent || !this.#unsynced)) return
    await this.#shell.store.commit(writes, isSilent ? 'with-next' : 'now')
    this.#unsynced = isSilent
  }

  /** What is committed is not done a second time because telling it failed. */
  #perform(effect: Effect): void {
    try {
      this.#shell.perform(effect)
    } catch (error) {
      this.#shell.report(error, null)
    }
  }

  async #runAlone(batch: readonly Input[], error: unknown): Promise<void> {
    if (batch.length === 1) return this.#putAside(batch[0] as Input, error)
    for (const input of batch) {
      try {
        await this.#runBatch([input])
      } catch (cause) {
        this.#putAside(input, cause)
      }
    }
  }

  /**
   * Refuses what failed alone. What a connection told ends it, so that it is told again; an end needs no disk to be true;
   * time goes on.
   */
  #putAside(input: Input, error: unknown): void {
    this.#shell.report(error, input)
    if (input.type === 'command') {
      const known = error instanceof StoreError
      const message = known ? error.message : 'Something inside tulnic failed; nothing was changed. Please report it.'
      this.#perform({
        type: 'refuse',
        command: input.id,
        error: { code: known ? 'storage' : 'internal', message },
      })
    }
    if (input.type === 'mail-put') this.#perform({ type: 'mail-answer', request: input.request, status: null })
    if (input.type === 'timer') this.#perform({ type: 'wake', at: this.#shell.now() + TIMER_AGAIN })
    if (input.type === 'disconnected') this.#forget(input.connection)
    else if ('connection' in input) this.#perform({ type: 'close', connection: input.connection })
  }

  #forget(connection: ConnectionId): void {
    const { connections, links } = this.resident.maps
    connections.delete(connection)
    for (const [device, link] of links) if (link === connection) links.delete(device)
  }

  /** Runs a step to its end, answering what it needs from the store. */
  async #drive<T>(steps: Steps<T>): Promise<T> {
    let next = steps.next()
    while (!next.done) {
      const found = this.#find(next.value)
      next = steps.next(found instanceof Promise ? await found : found)
    }
    return next.value
  }

  #find(need: Need): Promise<Found> | Found {
    if (need.kind === 'texts')
      return this.#shell.store.byCounter(need.conversation, need.author, need.from, need.to, need.limit)
    if (need.kind === 'letters') return this.#shell.store.letters(need.of, need.limit)
    return this.#shell.store.read(need.keys)
  }
}

/** Which connection brought it; commands, times and whatever else is nobody's are one more. */
const connectionOf = (input: Input): ConnectionId | undefined => ('connection' in input ? input.connection : undefined)
