/**
 * A process with one side of the raw exchanges (raw-exchanges.ts), which does what its parent (raw-pair.ts) asks.
 */
import { RawSide } from './raw-exchanges.ts'
import { type Traffic, trafficSoFar } from './traffic.ts'
import { serve } from './worker.ts'

const calls = {
  /** Makes its database in `file`; answers with where it is to be dialled. */
  start: async (file: string): Promise<string> => {
    side = await RawSide.start(file)
    return side.address
  },
  echo: ({ to, count }: { to: string; count: number }) => running().echo(to, count),
  stored: ({ to, count }: { to: string; count: number }) => running().stored(to, count),
  flood: ({ to, count }: { to: string; count: number }) => running().flood(to, count),
  traffic: async (): Promise<Traffic> => trafficSoFar(),
}

export type RawCalls = typeof calls

let side: RawSide | undefined

function running(): RawSide {
  if (side === undefined) throw new Error('the raw side has not started')
  return side
}

serve(calls)
