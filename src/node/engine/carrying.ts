/**
 * Carrying: boxes that are kept here for contacts, and the letters in them.
 *
 *     carry ──▶ room for one more box? ──▶ kept: key, audience, tokens ──▶ carrying, a fact owed to the owner
 *     mail-put ──▶ token good, room ──▶ letter, token spent ──▶ committed ──▶ mail-answer
 *     box-opened ──▶ hand-over: a portion, the next once it is taken ──▶ letters-taken ──▶ letters go
 *
 * All that is known of a letter is its box, its token, its size and how long it is to be kept.
 *
 * Holds: an envelope that was accepted stays until its owner has taken it, or its life is over by our running time; a token is good
 * for one envelope, and the same envelope once more is answered as before; what a box may hold is reserved when it is made, so that
 * one flood cannot take the room of others.
 */
import {
  type AccountId,
  type Content,
  createGrant,
  type DeviceId,
  ENVELOPE_LIFE_DAYS,
  envelopeId,
  epochOf,
  fromBase32,
  readEnvelope,
  SLOTS_GRANTED,
  toBase32,
  tokenHash,
} from '../../protocol/index.ts'
import type { CarriedRow, LetterRow } from '../store/records.ts'
import { closeAudience, openForBox } from './audiences.ts'
import { type Draft, lookUp, type Steps } from './draft.ts'
import type { Env } from './env.ts'
import type { ConnectionId, DepositStatus, Input } from './input.ts'
import { BOXES_ENDED, DAY, ENDED_AT_ONCE, HAND_OVER_BYTES, HAND_OVER_LETTERS, SLOTS_AHEAD } from './limits.ts'
import { runningTime } from './running.ts'

type Told<T extends Input['type']> = Extract<Input, { type: T }>
type Carried = readonly [key: string, row: CarriedRow]

export function applyCarry(
  draft: Draft,
  env: Env,
  contact: AccountId,
  device: DeviceId,
  { version, request }: Extract<Content, { kind: 'carry' }>,
): void {
  const current = carriedFor(draft, device)
  if (current !== undefined && version <= current[1].version) return
  if (request === null) {
    if (current !== undefined) endCarrying(draft, ...current, version)
    return
  }
  const key = toBase32(request.box)
  const known = draft.maps.carried.get(key)
  if (known !== undefined && (known.device !== device || known.owner !== contact)) return
  if (current !== undefined && current[0] !== key) {
    endCarrying(draft, ...current)
    if (current[1].count === 0) forgetCarried(draft, current[0])
  }
  const state = known?.state === 'kept' ? 'kept' : answerTo(draft, key, device)
  const row: CarriedRow = {
    ...(known ?? {
      owner: contact,
      device,
      carrierSeed: env.random(32),
      audience: null,
      answer: 0,
      epoch: 0,
      count: 0,
      bytes: 0,
    }),
    ownerKey: request.ownerKey,
    version,
    state,
  }
  const audience = state === 'kept' ? (row.audience ?? openForBox(draft, env, key)) : row.audience
  if (state === 'kept') draft.write({ op: 'set-tokens', box: key, hashes: request.hashes })
  if (known?.state === 'kept') return putCarried(draft, key, row)
  putCarried(draft, key, { ...row, audience })
  oweAnswer(draft, env, key)
}

function answerTo(draft: Draft, key: string, device: DeviceId): 'kept' | 'full' | 'off' {
  const { carry, boxBytes, carriedBytes } = draft.limits
  if (!carry) return 'off'
  const ended = [...draft.maps.carried.entries()].filter(([, row]) => row.device === device && row.state === 'ended')
  if (ended.length >= BOXES_ENDED) return 'full'
  // What an ended box still holds has its room until it is taken.
  const reserved = [...draft.maps.carried.entries()].reduce((sum, [other, { state, bytes }]) => {
    if (other === key) return sum
    return sum + (state === 'kept' ? boxBytes : bytes)
  }, 0)
  return reserved + boxBytes <= carriedBytes ? 'kept' : 'full'
}

/** The owner is to hear, once more, what became of its request. */
function oweAnswer(draft: Draft, env: Env, key: string): void {
  const row = draft.maps.carried.get(key)
  if (row === undefined) return
  const audience = row.audience === null ? undefined : draft.maps.audiences.get(row.audience)
  const epoch = audience === undefined ? 0 : epochOf(env.now, audience.phase)
  putCarried(draft, key, { ...row, epoch, answer: Math.max(row.answer + 1, env.now) })
  draft.dirty.add(row.device)
}

/** The names of our slots that its senders know are nearly used up. */
export function renewAnswers(draft: Draft, env: Env): void {
  for (const [key, row] of [...draft.maps.carried.entries()]) {
    const audience = row.state !== 'kept' || row.audience === null ? undefined : draft.maps.audiences.get(row.audience)
    if (audience === undefined) continue
    const passed = epochOf(env.now, audience.phase) - row.epoch
    if (passed < 0 || SLOTS_GRANTED - 1 - passed < SLOTS_AHEAD) oweAnswer(draft, env, key)
  }
}

/** Takes no more letters. Those that are here wait for their owner, or their end. */
function endCarrying(draft: Draft, key: string, row: CarriedRow, version = row.version): void {
  if (row.audience !== null) closeAudience(draft, row.audience)
  draft.write({ op: 'set-tokens', box: key, hashes: [] })
  putCarried(draft, key, { ...row, version, state: 'ended', audience: null })
}

/** Boxes of whoever is no contact any more. */
export function regroupCarried(draft: Draft): void {
  for (const [key, row] of [...draft.maps.carried.entries()]) {
    const isThere = draft.maps.contacts.get(row.owner)?.row.state === 'active'
    if (!isThere && row.state !== 'ended') endCarrying(draft, key, row)
    if (!isThere && row.count === 0) forgetCarried(draft, key)
  }
}

function putCarried(draft: Draft, key: string, row: CarriedRow): void {
  draft.maps.carried.set(key, row)
  draft.put('carried', key, row)
}

function forgetCarried(draft: Draft, key: string): void {
  draft.maps.carried.delete(key)
  draft.maps.opened.delete(key)
  draft.remove('carried', key)
}

/** The box of the last request of a device. */
function carriedFor(draft: Draft, device: DeviceId): Carried | undefined {
  const all = [...draft.maps.carried.entries()].filter(([, row]) => row.device === device)
  return all.sort(([, a], [, b]) => b.version - a.version)[0]
}

export function carryingVersion(draft: Draft, device: DeviceId): number {
  const row = carriedFor(draft, device)?.[1]
  return row === undefined || row.state === 'ended' ? 0 : row.answer
}

export function carryingFor(draft: Draft, env: Env, device: DeviceId): readonly Content[] {
  const [key, row] = carriedFor(draft, device) ?? []
  const box = key === undefined ? undefined : fromBase32(key)
  if (row === undefined || box === undefined || row.state === 'ended') return []
  const { answer: version, audience, carrierSeed, state } = row
  if (state !== 'kept') return [{ kind: 'carrying', version, box, answer: state }]
  const told = audience === null ? undefined : draft.maps.audiences.get(audience)
  if (told === undefined) return []
  const answer = { carrierKey: env.p.ed25519PublicKey(carrierSeed), grant: createGrant(env.p, told, env.now) }
  return [{ kind: 'carrying', version, box, answer }]
}

// letters

/** Somebody wants to leave an envelope: whoever it is, the token decides. */
export function* putMail(draft: Draft, env: Env, { request, envelope }: Told<'mail-put'>): Steps<void> {
  draft.effect({ type: 'mail-answer', request, status: yield* putEnvelope(draft, env, envelope) })
}

/** Also of one that came by hand. */
export function* putEnvelope(draft: Draft, env: Env, bytes: Uint8Array): Steps<DepositStatus> {
  const envelope = readEnvelope(bytes)
  const key = envelope === undefined ? '' : toBase32(envelope.box)
  const row = draft.maps.carried.get(key)
  if (envelope === undefined || row === undefined) return 'no-token'
  const id = envelopeId(env.p, bytes)
  const place = `${key}/${toBase32(id)}`
  if ((yield* lookUp(draft, 'letter', place)) !== undefined) return 'ok'
  const token = `${key}/${toBase32(tokenHash(env.p, envelope.token))}`
  if (row.state !== 'kept' || (yield* lookUp(draft, 'token', token))?.spent !== false) return 'no-token'
  const { boxBytes, boxLetters } = draft.limits
  if (row.bytes + bytes.length > boxBytes || row.count >= boxLetters) return 'full'
  const life = Math.min(envelope.life, ENVELOPE_LIFE_DAYS) * DAY
  draft.put('letter', place, { box: key, id, bytes, until: runningTime(draft, env) + life })
  draft.put('token', token, { spent: true })
  putCarried(draft, key, { ...row, count: row.count + 1, bytes: row.bytes + bytes.length })
  draft.waited.add(key)
  return 'ok'
}

/** The owner came for what lies here. */
export function openBox(draft: Draft, { connection, box }: Told<'box-opened'>): void {
  const key = toBase32(box)
  if (draft.maps.carried.get(key) === undefined) return
  draft.maps.opened.set(key, { connection, handed: [] })
  draft.waited.add(key)
}

/** Hands the next portion to each owner who has none in hand. The last thing a batch does with letters. */
export function* handOver(draft: Draft): Steps<void> {
  for (const key of draft.waited) {
    const opened = draft.maps.opened.get(key)
    const box = fromBase32(key)
    if (opened === undefined || opened.handed.length > 0 || box === undefined) continue
    const letters = yield* firstLetters(draft, key)
    if (letters.length === 0) continue
    draft.maps.opened.set(key, { ...opened, handed: letters.map(({ id }) => toBase32(id)) })
    const { connection } = opened
    draft.effect({ type: 'hand-over', connection, box, letters: letters.map(({ id, bytes }) => ({ id, bytes })) })
  }
  draft.waited.clear()
}

/** What the store holds of a box, with what this batch changed. */
function* firstLetters(draft: Draft, key: string): Steps<readonly LetterRow[]> {
  const changed = new Map([...draft.letters()].filter(([place]) => place.startsWith(`${key}/`)))
  const limit = HAND_OVER_LETTERS + changed.size
  const stored = (yield { kind: 'letters', of: { box: key }, limit }) as readonly LetterRow[]
  const fresh = [...changed.values()].filter((row) => row !== undefined)
  const all = [...stored.filter(({ id }) => !changed.has(`${key}/${toBase32(id)}`)), ...fresh]
  let room = HAND_OVER_BYTES
  return all.slice(0, HAND_OVER_LETTERS).filter(({ bytes }) => {
    room -= bytes.length
    return room >= 0
  })
}

export function* takeTaken(draft: Draft, { connection, box, ids }: Told<'letters-taken'>): Steps<void> {
  const key = toBase32(box)
  const opened = draft.maps.opened.get(key)
  if (opened === undefined || opened.connection !== connection) return
  const taken = new Set(ids.map(toBase32))
  for (const id of opened.handed.filter((one) => taken.has(one))) yield* removeLetter(draft, key, id)
  const handed = opened.handed.filter((id) => !taken.has(id))
  if (draft.maps.carried.get(key) === undefined) return
  draft.maps.opened.set(key, { ...opened, handed })
  draft.waited.add(key)
}

function* removeLetter(draft: Draft, key: string, id: string): Steps<void> {
  const letter = yield* lookUp(draft, 'letter', `${key}/${id}`)
  const row = draft.maps.carried.get(key)
  if (letter === undefined || row === undefined) return
  draft.remove('letter', `${key}/${id}`)
  const left = { ...row, count: row.count - 1, bytes: row.bytes - letter.bytes.length }
  putCarried(draft, key, left)
  forgetIfDone(draft, key)
}

/** One that has ended and is empty; the last of a contact stays: it says which request was the last. */
function forgetIfDone(draft: Draft, key: string): void {
  const row = draft.maps.carried.get(key)
  if (row === undefined || row.state !== 'ended' || row.count > 0) return
  const isLast = carriedFor(draft, row.device)?.[0] === key
  if (!isLast || draft.maps.contacts.get(row.owner)?.row.state !== 'active') forgetCarried(draft, key)
}

/** That connection is gone. */
export function closeBoxes(draft: Draft, connection: ConnectionId): void {
  for (const [key, opened] of [...draft.maps.opened.entries()])
    if (opened.connection === connection) draft.maps.opened.delete(key)
}

/** Letters whose time is over go. */
export function* endLetters(draft: Draft, env: Env): Steps<void> {
  const until = runningTime(draft, env)
  const over = (yield { kind: 'letters', of: { until }, limit: ENDED_AT_ONCE }) as readonly LetterRow[]
  for (const { box, id } of over) yield* removeLetter(draft, box, toBase32(id))
  if (over.length === ENDED_AT_ONCE) draft.effect({ type: 'wake', at: env.now + 1000 })
}
