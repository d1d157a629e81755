/**
 * How long this profile has been running in all. Lives of letters, and how long a frame has been waiting, are counted in it.
 *
 *     clock   ──10:00──10:07────2036!──2036──10:09──▶
 *     counted      7 min     1 h at most      0 min
 *
 * Holds: it never goes back but for what a crash forgot, and no clock makes it leap: so nothing that is kept ends early.
 */
import type { Draft } from './draft.ts'
import type { Env } from './env.ts'
import { RUNNING_STEP, RUNNING_STEP_MOST } from './limits.ts'

/** Milliseconds up to now. */
export function runningTime(draft: Draft, env: Env): number {
  const { ms, at, stored } = draft.running
  const passed = at === null ? 0 : Math.min(Math.max(env.now - at, 0), RUNNING_STEP_MOST)
  draft.running = { ms: ms + passed, at: env.now, stored }
  return draft.running.ms
}

/** Counts, and stores what was counted, once a step: as long as anything waits for its end. */
export function keepRunningTime(draft: Draft, env: Env): void {
  const ms = runningTime(draft, env)
  if (isCounted(draft)) draft.effect({ type: 'wake', at: env.now + RUNNING_STEP })
  if (ms - draft.running.stored < RUNNING_STEP / 2) return
  draft.running = { ...draft.running, stored: ms }
  draft.put('running', 'self', { ms })
}

/** Whether anything here waits for an end. */
function isCounted({ maps }: Draft): boolean {
  for (const [, { count }] of maps.carried.entries()) if (count > 0) return true
  for (const _ of maps.mail.entries()) return true
  for (const [, frames] of maps.frames.entries()) if (frames.length > 0) return true
  return false
}
