/**
 * INITs that arrive: first messages, which begin a session.
 *
 *     INIT ─▶ which prekey opens it? ─▶ seen before? ─▶ which invite, or which known device? ─▶ new session, first contents
 *
 * Holds: an INIT counts once, however it is sealed; it spends an invite, or comes from a device that the hello proved.
 */
import {
  type AccountId,
  accountId,
  compareDeviceLogs,
  decodeContents,
  type DeviceId,
  type Init,
  openInit,
  respond,
  toBase32,
} from '../../protocol/index.ts'
import type { InviteRow } from '../store/records.ts'
import { answerAdding, logAgrees, newContact, oweReceipt, putContact, want } from './contact-rows.ts'
import { applyContents } from './contents.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import type { ConnectionId } from './input.ts'
import { DAY, GUESTS_REMEMBERED, INIT_REMEMBERED, INVITE_REMEMBERED, REPAIRS_A_DAY, SECRETS_KNOWN } from './limits.ts'
import { recentRepairs, startSession } from './sessions.ts'
import type { Prekey } from './state.ts'

/** Whence a frame came: over a connection (`null`: by mail), from a device that is known, or from a stranger (both `null`). */
export interface Whence {
  readonly connection: ConnectionId | null
  readonly contact: AccountId | null
  readonly device: DeviceId | null
}
/** What became of a frame: stored here (now or before), or opened by nothing here. */
export type Outcome = 'stored' | 'no-session'

export function* receiveInit(draft: Draft, env: Env, from: Whence, frame: Uint8Array): Steps<Outcome> {
  const found = findPrekey(draft, env, frame)
  if (found === undefined) return 'no-session'
  const { init, prekey } = found
  const replayed = toBase32(init.id)
  if ((yield* lookUp(draft, 'seen', replayed)) !== undefined) return 'stored'
  const id = accountId(init.account)
  if (id === draft.self.id) return 'no-session'
  const admitted = admit(draft, env, from, init, id)
  if (admitted === undefined) return 'no-session'
  const response = respond(
    env.p,
    env.random,
    { account: draft.self.account.key, device: draft.self.device, log: draft.self.log },
    {
      bundle: prekey.bundle,
      secrets: prekey.row,
      oneTimeSeed: admitted.oneTimeSeed,
      inviteSecret: admitted.inviteSecret,
    },
    init,
    env.now,
  )
  const contents = response === undefined ? undefined : decodeContents(response.plaintext)
  if (response === undefined || contents === undefined) return 'no-session'
  if (!welcome(draft, env, id, init, admitted, response.contactSecret)) return 'no-session'
  draft.put('seen', replayed, { at: rememberedUntil(draft, env, prekey) })
  const tellsWhatItHolds = contents.some(({ kind }) => kind === 'receipt')
  startSession(draft, env, id, init.device.id, response, tellsWhatItHolds)
  oweReceipt(draft, id)
  yield* applyContents(draft, env, id, init.device.id, contents)
  draft.tell({ t: 'contact', c: id })
  want(draft, id)
  return 'stored'
}

function findPrekey(draft: Draft, env: Env, frame: Uint8Array): { init: Init; prekey: Prekey } | undefined {
  for (const [key, prekey] of draft.maps.prekeys.entries()) {
    const init = openInit(env.p, prekey.row.sealSeed, frame)
    if (init !== undefined && toBase32(init.bundleHash16) === key) return { init, prekey }
  }
  return undefined
}

/** An INIT is remembered as long as anything could open it once more: its prekey, which the invites on it keep. */
function rememberedUntil(draft: Draft, env: Env, prekey: Prekey): number {
  const key = toBase32(prekey.bundle.hash.subarray(0, 16))
  let until = env.now + INIT_REMEMBERED
  for (const [, invite] of draft.maps.invites.entries())
    if (invite.prekey === key) until = Math.max(until, invite.expiresAt + INVITE_REMEMBERED + DAY)
  return until
}

interface Admitted {
  readonly invite: { readonly key: string; readonly row: InviteRow } | null
  readonly inviteSecret: Uint8Array | null
  readonly oneTimeSeed: Uint8Array | null
}

/** Whether this INIT may begin something: it spends a valid invite, or comes from a device already known. */
function admit(draft: Draft, env: Env, from: Whence, init: Init, id: AccountId): Admitted | undefined {
  const known = draft.maps.contacts.get(id)
  if (known?.row.state === 'blocked') return undefined
  if (init.inviteKey !== null) {
    const key = toBase32(init.inviteKey)
    const row = draft.maps.invites.get(key)
    if (row === undefined || row.usesLeft < 1 || row.expiresAt <= env.now) return undefined
    if (row.prekey !== toBase32(init.bundleHash16) || (row.onlyFor !== null && row.onlyFor !== id)) return undefined
    if (init.usesOneTime !== (row.oneTimeSeed !== null)) return undefined
    return { invite: { key, row }, inviteSecret: row.secret, oneTimeSeed: row.oneTimeSeed }
  }
  const isTheirs = from.contact === id && from.device === init.device.id
  if (
    known === undefined ||
    !isTheirs ||
    init.usesOneTime ||
    recentRepairs(known.row.repairs, env.now).length >= REPAIRS_A_DAY
  )
    return undefined
  return { invite: null, inviteSecret: null, oneTimeSeed: null }
}

/** Stores what the INIT says of its sender; `false` where its device log contradicts the one that is known. */
function welcome(draft: Draft, env: Env, id: AccountId, init: Init, admitted: Admitted, secret: Uint8Array): boolean {
  const known = draft.maps.contacts.get(id)
  if (!logAgrees(draft, id, known?.log ?? null, init.log)) return false
  const row = known?.row ?? newContact(init.account, 'active', env.now)
  const log = known?.log != null && compareDeviceLogs(known.log, init.log) !== 'newer' ? known.log : init.log
  if (admitted.invite !== null) {
    const { key, row: invite } = admitted.invite
    const guests = [init.device.id, ...invite.guests].slice(0, GUESTS_REMEMBERED)
    const spent: InviteRow = { ...invite, usesLeft: invite.usesLeft - 1, oneTimeSeed: null, guests }
    draft.maps.invites.set(key, spent)
    draft.put('invite', key, spent)
    draft.due.publish = true
    const secrets = [{ generation: 0, secret, since: env.now, confirmed: true }, ...row.secrets].slice(0, SECRETS_KNOWN)
    const verified = row.verified || invite.verified
    putContact(
      draft,
      id,
      { ...row, state: 'active', deviceLog: log.bytes, invite: null, problem: null, secrets, verified },
      log,
    )
  } else {
    putContact(
      draft,
      id,
      { ...row, deviceLog: log.bytes, repairs: [...recentRepairs(row.repairs, env.now), env.now] },
      log,
    )
  }
  answerAdding(draft, id)
  return true
}
