/**
 * Our boxes: places at carriers that a person chose, where others leave mail for this device.
 *
 *     carrier on ──▶ carry: box, owner key, hashes of good tokens ──acknowledged──▶ these tokens can be given out (`tokens.ts`)
 *     carrying ──▶ kept: carrier key, where it is found ──▶ everybody is told
 *
 * The fact is whole: `carry` holds all hashes that are good.
 *
 * Holds: the carrier learns a fixed number of hashes and nothing of who has which.
 */
import {
  type AccountId,
  accountKeyOf,
  BOXES_OF_DEVICE,
  boxToken,
  carrierTag,
  type Content,
  createBox,
  epochOf,
  INVITE_BOXES,
  INVITE_TOKENS,
  type InviteBox,
  inviteToken,
  NO_RANGES,
  numbersOf,
  type Range,
  type Ranges,
  toBase32,
  tokenHash,
} from '../../protocol/index.ts'
import type { BoxRow } from '../store/records.ts'
import { bytesOf, isActive, putBox, requestTo, touchDevices, usable } from './box-rows.ts'
import type { Asked } from './command.ts'
import type { Draft } from './draft.ts'
import { type Env, refuse, reply } from './env.ts'
import type { ConnectionId } from './input.ts'
import { BOXES_ENDED, INVITES_WITH_MAIL } from './limits.ts'
import { forgetTokensOf, oweBoxes, takeTokensBack, topUp } from './tokens.ts'

type Ask<N extends Asked['name']> = Extract<Asked, { name: N }>

export function setCarrier(draft: Draft, env: Env, command: number, { contact, on }: Ask<'carrier'>): void {
  const row = draft.maps.contacts.get(contact)?.row
  if (row === undefined) return refuse(draft, command, 'contact-unknown', 'There is no such contact.')
  const current = requestTo(draft, contact)
  const isOn = current !== undefined && current[1].state !== 'ended'
  if (on && !isOn) {
    if (row.state !== 'active')
      return refuse(draft, command, 'usage', 'They cannot carry mail yet: they are not a contact before they answered.')
    if (kept(draft).length >= BOXES_OF_DEVICE)
      return refuse(
        draft,
        command,
        'usage',
        `There are ${BOXES_OF_DEVICE} carriers already: take one of them back first.`,
      )
    makeBox(draft, env, contact)
  } else if (!on && isOn) endBox(draft, env, ...current)
  if (on !== isOn) {
    touchDevices(draft, contact)
    draft.tell({ t: 'contact', c: contact })
  }
  reply(draft, command, contact)
}

function makeBox(draft: Draft, env: Env, carrier: AccountId): void {
  const { box, secret, ownerSeed } = createBox(env.random)
  const good: Ranges = [[1, draft.limits.tokens]]
  putBox(draft, toBase32(box), {
    carrier,
    order: Math.max(0, ...[...draft.maps.boxes.entries()].map(([, row]) => row.order)) + 1,
    secret,
    ownerSeed,
    version: Math.max((requestTo(draft, carrier)?.[1].version ?? 0) + 1, env.now),
    good,
    known: NO_RANGES,
    next: draft.limits.tokens + 1,
    state: 'asked',
    answered: 0,
    carrierKey: null,
    grant: null,
  })
}

/** Its keys stay a while: what lies there already is still for us. */
function endBox(draft: Draft, env: Env, key: string, row: BoxRow): void {
  putBox(draft, key, { ...row, state: 'ended', version: Math.max(row.version + 1, env.now) })
  oweBoxes(draft, env)
  const ended = [...draft.maps.boxes.entries()].filter(([, one]) => one.state === 'ended')
  for (const [gone] of ended.sort(([, a], [, b]) => b.version - a.version).slice(BOXES_ENDED)) {
    draft.maps.boxes.delete(gone)
    draft.remove('box', gone)
    forgetTokensOf(draft, gone)
  }
}

/** Those that a person wants. */
function kept(draft: Draft): readonly (readonly [key: string, row: BoxRow])[] {
  return [...draft.maps.boxes.entries()].filter(([, { state }]) => state !== 'ended')
}

// what a carrier is told, and tells

export const carryVersion = (draft: Draft, carrier: AccountId): number => requestTo(draft, carrier)?.[1].version ?? 0

export function carryFor(draft: Draft, env: Env, carrier: AccountId): readonly Content[] {
  const current = requestTo(draft, carrier)
  if (current === undefined) return []
  const [key, row] = current
  if (row.state === 'ended') return [{ kind: 'carry', version: row.version, request: null }]
  const ownerKey = env.p.ed25519PublicKey(row.ownerSeed)
  const box = bytesOf(key)
  const hashes = [...numbersOf(row.good)].map((index) => tokenHash(env.p, boxToken(env.p, row.secret, index)))
  const all = [...hashes, ...inviteHashes(draft, env, box)]
  return [{ kind: 'carry', version: row.version, request: { box, ownerKey, hashes: all } }]
}

/** Of the open invites that name this box. */
function inviteHashes(draft: Draft, env: Env, box: Uint8Array): readonly Uint8Array[] {
  const open = [...draft.maps.invites.entries()].filter(
    ([, row]) => row.usesLeft > 0 && row.expiresAt > env.now && row.boxes.includes(toBase32(box)),
  )
  const newest = open.sort(([, a], [, b]) => b.expiresAt - a.expiresAt).slice(0, INVITES_WITH_MAIL)
  return newest.flatMap(([, { secret }]) =>
    Array.from({ length: INVITE_TOKENS }, (_, index) => tokenHash(env.p, inviteToken(env.p, secret, box, index))),
  )
}

/** The carrier has the hashes of the last request. */
export function carryConfirmed(draft: Draft, env: Env, carrier: AccountId): void {
  const current = requestTo(draft, carrier)
  if (current === undefined || current[1].state === 'ended') return
  const [key, row] = current
  if (sameRanges(row.known, row.good)) return
  putBox(draft, key, { ...row, known: row.good })
  if (row.state === 'kept') topUp(draft, env)
}

export function applyCarrying(
  draft: Draft,
  env: Env,
  contact: AccountId,
  { version, box, answer }: Extract<Content, { kind: 'carrying' }>,
): void {
  const key = toBase32(box)
  const row = draft.maps.boxes.get(key)
  if (row === undefined || row.carrier !== contact || row.state === 'ended' || version <= row.answered) return
  const next: BoxRow =
    typeof answer === 'string'
      ? { ...row, answered: version, state: answer }
      : { ...row, answered: version, state: 'kept', carrierKey: answer.carrierKey, grant: answer.grant }
  putBox(draft, key, next)
  oweBoxes(draft, env)
  if (next.state === row.state) return
  draft.tell({ t: 'contact', c: contact })
  for (const [, link] of draft.maps.links.entries())
    if (draft.maps.connections.get(link)?.contact === contact) openBoxes(draft, link)
}

/** Asks a carrier that is linked for what lies in our boxes there. */
export function openBoxes(draft: Draft, connection: ConnectionId): void {
  const contact = draft.maps.connections.get(connection)?.contact
  for (const [key, { carrier, carrierKey }] of draft.maps.boxes.entries())
    if (carrier === contact && carrierKey !== null)
      draft.effect({ type: 'open-box', connection, box: bytesOf(key), carrierKey })
}

/** Asks once more who had no room, or did not carry. */
export function askCarriersAgain(draft: Draft, env: Env): void {
  for (const [key, row] of kept(draft)) {
    if (row.state !== 'full' && row.state !== 'off') continue
    putBox(draft, key, { ...row, version: Math.max(row.version + 1, env.now) })
    touchDevices(draft, row.carrier)
  }
}

// what guests of an invite are told

/** Where they may leave their first words, `names` of each carrier's slots from now on; `keys` of boxes that are kept. */
export function inviteBoxes(draft: Draft, env: Env, keys: readonly string[], names: number): readonly InviteBox[] {
  return usable(draft).flatMap(([key, { carrier, carrierKey, grant }]): readonly InviteBox[] => {
    if (!keys.includes(key) || carrierKey === null || grant === null) return []
    const passed = Math.min(Math.max(epochOf(env.now, grant.phase) - grant.firstEpoch, 0), grant.names.length - 1)
    const ahead = { ...grant, firstEpoch: grant.firstEpoch + passed, names: grant.names.slice(passed, passed + names) }
    const box = bytesOf(key)
    return [{ box, carrierKey, tag: carrierTag(env.p, box, accountKeyOf(carrier)), grant: ahead }]
  })
}

/** The boxes of a new invite: their carriers are to take its tokens. */
export function boxesForInvite(draft: Draft, env: Env): readonly string[] {
  const keys = usable(draft).slice(0, INVITE_BOXES)
  for (const [key, row] of keys) {
    putBox(draft, key, { ...row, version: Math.max(row.version + 1, env.now) })
    touchDevices(draft, row.carrier)
  }
  return keys.map(([key]) => key)
}

/** Contacts were removed or blocked: their tokens are good no more, and their boxes not ours. */
export function regroupBoxes(draft: Draft, env: Env): void {
  for (const [key, row] of kept(draft)) if (!isActive(draft, row.carrier)) endBox(draft, env, key, row)
  takeTokensBack(draft, env)
}

const sameRange = (a: Range, b: Range | undefined): boolean => b !== undefined && a[0] === b[0] && a[1] === b[1]
const sameRanges = (a: Ranges, b: Ranges): boolean =>
  a.length === b.length && a.every((one, at) => sameRange(one, b[at]))
