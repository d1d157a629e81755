/**
 * What this device keeps in the DHT: for each audience a record of the day, for each open invite its bundle.
 *
 *     start, another address or PeerID ┐
 *     audiences or invites changed     ├──▶ all records of now ──▶ committed: seq ──▶ publish
 *     a day ends or begins, by `wake`  ┘
 *
 * Holds: two records of one slot never have one `seq`, because it is stored before the record leaves; a record that says
 * nothing new stays as it is, so that `seq` tells of moves alone; a relay-only contact's records hold relayed addresses alone,
 * and so do those for boxes as long as there is such a contact.
 */
import {
  concat,
  deviceIdBytes,
  epochsToPublish,
  equal,
  type InviteBox,
  sealInviteRecord,
  sealRecord,
  type SlotRecord,
  toBase32,
} from '../../protocol/index.ts'
import type { AudienceRow, InviteRow } from '../store/records.ts'
import { putAudience } from './audiences.ts'
import { inviteBoxes } from './boxes.ts'
import type { Draft } from './draft.ts'
import type { Env } from './env.ts'
import type { Whereabouts } from './input.ts'
import {
  DHT_SERVERS,
  INVITE_RESEALED,
  INVITES_PUBLISHED,
  NAMES_FOR_GUESTS,
  RELAYED_TOLD,
  SLOTS_COUNTED,
} from './limits.ts'
import { quietFrom } from './quiet.ts'
import type { Published } from './state.ts'

/** Addresses in a record: what the protocol has room for. */
const TOLD = 10
/** The head of a /p2p part with an Ed25519 PeerID, in a multiaddress. */
const P2P = Uint8Array.of(0xa5, 0x03, 38)

/** The net says where we are, by which records are made; what was not found there may be found from here. */
export function moved(draft: Draft, env: Env, whereabouts: Whereabouts): void {
  if (says(draft.rendezvous.whereabouts) === says(whereabouts)) return
  const before = draft.rendezvous.whereabouts?.peerId
  if (before === undefined || !equal(before, whereabouts.peerId)) quietFrom(draft, env)
  draft.rendezvous = { ...draft.rendezvous, whereabouts, away: null }
  for (const [contact, search] of [...draft.maps.searches.entries()])
    draft.maps.searches.set(contact, { ...search, at: env.now })
  draft.due.publish = true
  draft.due.look = true
}

const says = (whereabouts: Whereabouts | null): string =>
  whereabouts === null
    ? ''
    : [whereabouts.peerId, ...whereabouts.addresses.map(({ bytes }) => bytes)].map(toBase32).join(' ')

/** Tells the net all records of now, if they are others than before. */
export function publish(draft: Draft, env: Env): void {
  draft.due.publish = false
  const { whereabouts, published } = draft.rendezvous
  if (whereabouts === null) return
  const known = new Map(published.map((one) => [one.says, one]))
  const next = [...ofAudiences(draft, env, whereabouts, known), ...ofInvites(draft, env, whereabouts, known)]
  if (next.length === published.length && next.every((one) => known.get(one.says) === one)) return
  draft.rendezvous = { ...draft.rendezvous, published: next }
  draft.effect({ type: 'publish', records: next.map(({ record }) => record) })
}

type Known = ReadonlyMap<string, Published>

function ofAudiences(draft: Draft, env: Env, whereabouts: Whereabouts, known: Known): readonly Published[] {
  const records: Published[] = []
  const hides = [...draft.maps.contacts.entries()].some(([, { row }]) => row.relayOnly)
  for (const [key, { secret, phase, relayOnly, box }] of [...draft.maps.audiences.entries()]) {
    // Nobody knows here who is told of a box: it may be whoever must not learn where we are.
    const relayedAlone = relayOnly || (box !== null && hides)
    const { epochs, until } = epochsToPublish(env.p, { secret, phase }, env.now)
    draft.effect({ type: 'wake', at: until })
    const told = whereabouts.addresses.filter(({ relayed }) => relayed || !relayedAlone)
    const addresses = withRelayed(told, ({ relayed }) => relayed, TOLD).map(({ bytes }) => bytes)
    if (addresses.length === 0) continue
    for (const epoch of epochs) {
      const says = [key, epoch, ...[whereabouts.peerId, ...addresses].map(toBase32)].join(' ')
      records.push(known.get(says) ?? sealed(env, says, ofEpoch(draft, env, key, epoch, whereabouts.peerId, addresses)))
    }
  }
  return records
}

const sealed = (env: Env, says: string, record: SlotRecord): Published => ({ says, sealedAt: env.now, record })

function ofEpoch(
  draft: Draft,
  env: Env,
  key: string,
  epoch: number,
  peerId: Uint8Array,
  addresses: readonly Uint8Array[],
): SlotRecord {
  const row = draft.maps.audiences.get(key)
  if (row === undefined) throw new Error('ofEpoch: no such audience')
  const seq = nextSeq(draft, key, row, epoch)
  // Whoever leaves mail in a box learns nothing of its carrier.
  const device = row.box === null ? deviceIdBytes(draft.self.deviceKeys.id) : new Uint8Array(16)
  const content = { peerId, addresses, device, carrierHints: new Uint8Array(0) }
  return sealRecord(env.p, env.random, row.secret, epoch, { seq, nowMs: env.now }, content)
}

/** One more than the last of that slot. Slots that were filled last are remembered longest, whatever days a clock made of it. */
function nextSeq(draft: Draft, key: string, row: AudienceRow, epoch: number): number {
  const seq = (row.seqs.find((one) => one.epoch === epoch)?.seq ?? 0) + 1
  const others = row.seqs.filter((one) => one.epoch !== epoch)
  putAudience(draft, key, { ...row, seqs: [{ epoch, seq }, ...others].slice(0, SLOTS_COUNTED) })
  return seq
}

function ofInvites(draft: Draft, env: Env, whereabouts: Whereabouts, known: Known): readonly Published[] {
  const open = [...draft.maps.invites.entries()]
    .filter(([, row]) => row.usesLeft > 0 && row.expiresAt > env.now && row.link !== '')
    .sort(([, a], [, b]) => b.expiresAt - a.expiresAt)
    .slice(0, INVITES_PUBLISHED)
  const addresses = withRelayed(whereabouts.addresses, ({ relayed }) => relayed, TOLD).map(({ bytes, relayed }) =>
    relayed ? concat(bytes, P2P, whereabouts.peerId) : bytes,
  )
  const records: Published[] = []
  for (const [key, row] of open) {
    const bundle = draft.maps.prekeys.get(row.prekey)?.bundle.bytes
    if (bundle === undefined || addresses.length === 0) continue
    const boxes = inviteBoxes(draft, env, row.boxes, NAMES_FOR_GUESTS)
    const says = [key, ...[...addresses, ...boxes.map(({ box }) => box)].map(toBase32)].join(' ')
    const before = known.get(says)
    const isFresh = before !== undefined && Math.abs(env.now - before.sealedAt) < INVITE_RESEALED
    const one = isFresh ? before : sealed(env, says, ofInvite(draft, env, key, row, bundle, addresses, boxes))
    draft.effect({ type: 'wake', at: Math.min(one.sealedAt + INVITE_RESEALED, row.expiresAt) })
    records.push(one)
  }
  return records
}

function ofInvite(
  draft: Draft,
  env: Env,
  key: string,
  row: InviteRow,
  bundle: Uint8Array,
  addresses: readonly Uint8Array[],
  boxes: readonly InviteBox[],
): SlotRecord {
  const next = { ...row, seq: row.seq + 1 }
  draft.maps.invites.set(key, next)
  draft.put('invite', key, next)
  const version = { seq: next.seq, nowMs: env.now }
  return sealInviteRecord(env.p, env.random, row.secret, version, { bundle, addresses, boxes })
}

/** The first `most` of them, in which RELAYED_TOLD relayed ones have a place, if there are: direct ones may all be out of reach. */
export function withRelayed<T>(
  addresses: readonly T[],
  isRelayed: (address: T) => boolean,
  most: number,
): readonly T[] {
  const relayed = addresses.filter(isRelayed)
  const kept = addresses.filter((one) => !isRelayed(one)).slice(0, most - Math.min(relayed.length, RELAYED_TOLD))
  const more = relayed.slice(0, most - kept.length)
  // By turns, because a record has room for fewer than ten long ones.
  return Array.from({ length: most }, (_, at) => [kept[at], more[at]]).flatMap((pair) =>
    pair.filter((one) => one !== undefined),
  )
}

/** Servers to begin with at the next start. */
export function rememberServers(draft: Draft, env: Env, addresses: readonly string[]): void {
  const dhtServers = addresses.slice(0, DHT_SERVERS)
  // It is there: whoever is looked for is looked for now.
  const { away } = draft.rendezvous
  if (away !== null) {
    draft.rendezvous = { ...draft.rendezvous, away: { ...away, until: env.now } }
    draft.due.look = true
  }
  if (draft.self.row.dhtServers.join(' ') === dhtServers.join(' ')) return
  const row = { ...draft.self.row, dhtServers }
  draft.self = { ...draft.self, row }
  draft.put('profile', 'self', row)
}
