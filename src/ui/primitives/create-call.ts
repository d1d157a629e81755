/** A call a person asked for: one at a time, with the sentence to show when it was not done. */
import { createSignal } from 'solid-js'
import { CallError } from '../node-client.ts'
import { useWords } from '../words/words.ts'

export interface Call {
  readonly busy: () => boolean
  /** What went wrong last, in the window's language; `null` while nothing has. */
  readonly trouble: () => string | null
  clear(): void
  /** Does `work` unless one is on its way; whether it was done. */
  run(work: () => Promise<unknown>): Promise<boolean>
}

export function createCall(): Call {
  const t = useWords()
  const [busy, setBusy] = createSignal(false)
  const [failed, setFailed] = createSignal<CallError['code'] | null>(null)
  return {
    busy,
    trouble: () => {
      const code = failed()
      return code && t().error[code]
    },
    clear: () => setFailed(null),
    async run(work) {
      if (busy()) return false
      setBusy(true)
      setFailed(null)
      try {
        await work()
        return true
      } catch (error) {
        setFailed(error instanceof CallError && error.code in t().error ? error.code : 'internal')
        return false
      } finally {
        setBusy(false)
      }
    },
  }
}
