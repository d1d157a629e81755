import { writeSync } from 'node:fs'
import { test } from 'vitest'
import { performMail } from './mail.ts'

test('scratch', { timeout: 1e6 }, async () => {
  const first = Number(process.env.SIM_FIRST ?? 1)
  for (let seed = first; seed < first + Number(process.env.SIM_SEEDS ?? 10); seed++) {
    const start = process.cpuUsage()
    const { wrong, counts, healedAfter } = await performMail(seed)
    const ms = Math.round(process.cpuUsage(start).user / 1000)
    writeSync(
      2,
      `${seed} cpu ${ms} ms ${JSON.stringify(counts)} healed ${healedAfter / 1000} ${wrong
        .map((w) => w.split('\n').slice(0, 6).join(' | '))
        .slice(0, 4)
        .join('\n   ')}\n`,
    )
  }
})
