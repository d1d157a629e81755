import { watch } from 'node:fs'

/** Resolves once `holds` does, asked at first and at every change of the folder; rejects after a minute. */
export async function untilFolder(folder: string, holds: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const watcher = watch(folder, () => look())
    const timer = setTimeout(() => end(() => reject(new Error(`it did not happen in ${folder}`))), 60_000)
    const end = (how: () => void): void => {
      watcher.close()
      clearTimeout(timer)
      how()
    }
    const look = (): void => {
      if (holds()) end(resolve)
    }
    look()
  })
}
