/**
 * What time does: old things are forgotten, keys are made anew, whoever waits too long is answered.
 *
 * Holds: a wrong clock costs keys that are too old or too new, never a message.
 */
import { renewGrants } from './audiences.ts'
import { askCarriersAgain } from './boxes.ts'
import { renewTokens } from './tokens.ts'
import { endLetters, renewAnswers } from './carrying.ts'
import { answerAdding, changeContact } from './contact-rows.ts'
import { currentPrekey } from './bundles.ts'
import type { Draft, Steps } from './draft.ts'
import type { Env } from './env.ts'
import {
  EVENTS_KEPT,
  FIRST_TRY,
  INVITE_REMEMBERED,
  MAINTENANCE_EVERY,
  PREKEY_KEPT,
  SECRET_FRESH,
  SECRET_KEPT,
  SECRETS_KNOWN,
  SKIPPED_KEPT,
} from './limits.ts'
import { touch } from './outbox.ts'
import { expire } from './posted.ts'
import { keepRunningTime } from './running.ts'
import { renewIfQuiet } from './quiet.ts'

export function* onTimer(draft: Draft, env: Env): Steps<void> {
  for (const [contact, waiting] of [...draft.maps.adding.entries()]) {
    // Where the clock was set back there is no telling how long it has been.
    if (waiting.until <= env.now || waiting.until > env.now + FIRST_TRY) answerAdding(draft, contact)
    else draft.effect({ type: 'wake', at: waiting.until })
  }
  keepRunningTime(draft, env)
  yield* endLetters(draft, env)
  yield* expire(draft, env)
  if (Math.abs(env.now - draft.keptUpAt) >= MAINTENANCE_EVERY) maintain(draft, env)
  draft.effect({ type: 'wake', at: draft.keptUpAt + MAINTENANCE_EVERY })
  renewIfQuiet(draft, env)
  draft.due.publish = true
  draft.due.look = true
}

function maintain(draft: Draft, env: Env): void {
  draft.keptUpAt = env.now
  draft.write({ op: 'forget', table: 'seen', before: env.now })
  draft.write({ op: 'forget', table: 'skipped', before: env.now - SKIPPED_KEPT })
  draft.write({ op: 'forget-events', before: env.now - EVENTS_KEPT, now: env.now })
  forgetInvites(draft, env.now)
  currentPrekey(draft, env)
  forgetPrekeys(draft, env.now)
  for (const [id] of [...draft.maps.contacts.entries()]) renewSecret(draft, env, id)
  renewGrants(draft, env)
  renewAnswers(draft, env)
  askCarriersAgain(draft, env)
  renewTokens(draft, env)
}

function forgetInvites(draft: Draft, now: number): void {
  for (const [key, row] of [...draft.maps.invites.entries()]) {
    if (row.expiresAt + INVITE_REMEMBERED > now) continue
    draft.maps.invites.delete(key)
    draft.remove('invite', key)
  }
}

/** A prekey goes when no INIT to it can still be under way and no open invite promises it. */
function forgetPrekeys(draft: Draft, now: number): void {
  const promised = new Set(
    [...draft.maps.invites.entries()]
      .filter(([, row]) => row.usesLeft > 0 && row.expiresAt > now)
      .map(([, row]) => row.prekey),
  )
  for (const [key, prekey] of [...draft.maps.prekeys.entries()]) {
    if (promised.has(key) || prekey.row.createdAt + PREKEY_KEPT > now) continue
    draft.maps.prekeys.delete(key)
    draft.remove('prekey', key)
  }
}

/**
 * Monthly, by the account with the lower id (PROTOCOL §2, contact secret). What a renewal replaced goes after 40 days; of two
 * secrets of one generation, which simultaneous adding leaves, either may be the one that the other side goes by.
 */
function renewSecret(draft: Draft, env: Env, id: Parameters<typeof changeContact>[1]): void {
  const row = draft.maps.contacts.get(id)?.row
  const current = row?.secrets[0]
  if (row === undefined || current === undefined || row.state !== 'active') return
  if (draft.self.id < id && current.confirmed && env.now - current.since >= SECRET_FRESH) {
    const next = { generation: current.generation + 1, secret: env.random(32), since: env.now, confirmed: false }
    changeContact(draft, id, { secrets: [next, ...row.secrets].slice(0, SECRETS_KNOWN) })
    touch(draft, id)
  } else if (current.confirmed && env.now - current.since >= SECRET_KEPT) {
    const secrets = row.secrets.filter(({ generation }) => generation >= current.generation)
    if (secrets.length < row.secrets.length) changeContact(draft, id, { secrets })
  }
}
