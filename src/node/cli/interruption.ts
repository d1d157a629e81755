/**
 * SIGINT, SIGTERM and SIGHUP: the first asks to stop cleanly, a second ends at once.
 *
 * A terminal or a supervisor often signals the launcher and this process together, and the launcher passes its signal on:
 * what arrives within {@link ONE_PRESS_MS} of the first is the same wish.
 */
const ONE_PRESS_MS = 500
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface Interruption {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal
  /** Lets signals do again what they do by themselves. */
  dispose(): void
}

export function watchSignals(): Interruption {
  const controller = new AbortController()
  let first: number | undefined
  const onSignal = (name: NodeJS.Signals): void => {
    const now = performance.now()
    if (first === undefined) {
      first = now
      controller.abort()
    } else if (name !== 'SIGHUP' && now - first > ONE_PRESS_MS) process.exit(1)
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of SIGNALS) process.off(name, onSignal)
    },
  }
}
