/**
 * When this node is to go by another PeerID: nobody used it for a day, so nobody misses the connections.
 *
 *     a text, a command, another PeerID ──▶ quiet ── a day ──▶ a lot: up to 12 h more ──▶ renew, then each hour until it is another
 *
 * The lot is for two who wrote to each other last: if both moved at one moment, each would look where the other was.
 *
 * Who carries mail for somebody keeps the PeerID.
 *
 * Holds: in memory alone, for each start makes a PeerID anyway.
 */
import type { Draft } from './draft.ts'
import type { Env } from './env.ts'
import { QUIET, QUIET_LOT, RENEW_AGAIN } from './limits.ts'

/** Somebody uses this node, or it goes by another PeerID: from now on it is quiet. */
export function quietFrom(draft: Draft, env: Env): void {
  draft.quiet = { since: env.now, renewAt: null }
}

/** Asks for another PeerID if it is time; in any case a wake for the next look. */
export function renewIfQuiet(draft: Draft, env: Env): void {
  const { now } = env
  const { since, renewAt } = draft.quiet
  // Senders find a carrier by its record, which would be an old one until they look again.
  if (carries(draft)) return
  // Where the clock was set back there is no telling how long it has been.
  if (since > now || (renewAt !== null && renewAt > now + QUIET_LOT)) quietFrom(draft, env)
  else if (now - since >= QUIET && renewAt === null) draft.quiet = { since, renewAt: now + lot(env) }
  else if (renewAt !== null && now >= renewAt) {
    draft.effect({ type: 'renew' })
    draft.quiet = { since, renewAt: now + RENEW_AGAIN }
  }
  draft.effect({ type: 'wake', at: draft.quiet.renewAt ?? draft.quiet.since + QUIET })
}

function lot(env: Env): number {
  const drawn = env.random(4)
  return Math.floor((new DataView(drawn.buffer, drawn.byteOffset).getUint32(0) / 2 ** 32) * QUIET_LOT)
}

function carries(draft: Draft): boolean {
  for (const [, { state }] of draft.maps.carried.entries()) if (state === 'kept') return true
  return false
}
