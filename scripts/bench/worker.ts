/**
 * A program of this folder in a process of its own, asked from here by name: both ends of the pipe between them.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** What a program can be asked. Each call has one argument or none. */
export type CallTable = Record<string, (args: never) => Promise<unknown>>

/** No call takes so long, on a slow machine either: what has not answered by then (a message was lost) never will. */
const PATIENCE_MS = 180_000

export interface Worker<C extends CallTable> {
  /** Rejects with what the call threw, when the process ends, and when nothing comes for three minutes. */
  ask<N extends keyof C>(call: N, ...args: Parameters<C[N]>): ReturnType<C[N]>
  readonly process: ChildProcess
  stop(): Promise<void>
}

/** Starts `file` of this folder, which calls {@link serve}. */
export function startWorker<C extends CallTable>(file: string, execArgv: readonly string[] = []): Worker<C> {
  const child = fork(join(import.meta.dirname, file), [], {
    execArgv: [...execArgv],
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let next = 0
  child.on('message', ({ id, result, error }: { id: number; result: never; error?: string }) => {
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asked?.resolve(result)
    else asked?.reject(new Error(error))
  })
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended (${code})`))
  })
  return {
    process: child,
    ask: (call, ...args) =>
      new Promise((resolve, reject) => {
        const id = next++
        const tooLong = () => reject(new Error(`${file} did not answer '${String(call)}' in ${PATIENCE_MS / 1000} s`))
        const timer = setTimeout(tooLong, PATIENCE_MS)
        const settled = <T>(settle: (value: T) => void) => {
          return (value: T): void => {
            clearTimeout(timer)
            settle(value)
          }
        }
        waiting.set(id, { resolve: settled(resolve), reject: settled(reject) })
        child.send({ id, call, args: args[0] })
      }) as never,
    stop: async () => {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

/** Answers the calls of the parent, until it goes. */
export function serve(calls: CallTable): void {
  process.on('message', async ({ id, call, args }: { id: number; call: string; args: never }) => {
    try {
      process.send?.({ id, result: await calls[call]?.(args) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.on('disconnect', () => process.exit(0))
}
