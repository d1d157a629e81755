/**
 * The resident state, rebuilt from the store at every start.
 *
 * Holds: what cannot be decoded is damage: it throws, and the profile does not open, rather than run on half of it.
 */
import {
  type AccountId,
  accountFromEntropy,
  accountId,
  type DeviceId,
  decodeBundle,
  decodeDeviceLog,
  deviceKeys,
  parseAccountKey,
  numbersOf,
  type Primitives,
  type Range,
} from '../../protocol/index.ts'
import type {
  ContactRow,
  ConversationRow,
  DeliveryRow,
  FactName,
  Facts,
  FrameRow,
  ProfileRow,
  SessionRow,
} from '../store/records.ts'
import { MAIL_LIMITS, type MailLimits } from './limits.ts'
import type { Acquaintance, InFlight, Own, Posted, Prekey, Resident, SessionRef } from './state.ts'

/** What rows of the first profiles lack. */
const ABSENT = {
  profile: { dhtServers: [], relaysForContacts: true },
  invite: { seq: 0, boxes: [], guests: [] },
  contact: { relayOnly: false, audience: null, grantVersion: 0, grantEpoch: 0, found: null },
  conversation: { differing: [] },
  delivery: { comparing: null, asked: null, boxes: 0, stored: [] },
  audience: { box: null },
} as const

type Row<R> = { readonly key: string; readonly row: R }

/** The five verbs of a store that loading needs. */
export interface Loadable {
  all: import('../store/store.ts').Store['all']
  last: import('../store/store.ts').Store['last']
}

export function ownOf(p: Primitives, row: ProfileRow): Own {
  const account = accountFromEntropy(p, row.accountEntropy)
  const device = { signingSeed: row.deviceSigningSeed, dhSeed: row.deviceDhSeed }
  const log = decodeDeviceLog(p, account.key, row.deviceLog)
  if (log === undefined) throw new Error('The device log of this profile is damaged.')
  return { row, id: accountId(account.key), account, device, deviceKeys: deviceKeys(p, device), log }
}

export async function loadResident(
  p: Primitives,
  store: Loadable,
  limits: MailLimits = MAIL_LIMITS,
): Promise<Resident> {
  const [profile] = await store.all('profile')
  if (profile === undefined) throw new Error('This database holds no profile.')
  const conversations = new Map(
    (await store.all('conversation')).map(({ key, row }): [AccountId, ConversationRow] => [
      key as AccountId,
      { ...ABSENT.conversation, ...row },
    ]),
  )
  const last = await store.last()
  const mail = (await store.all('mail')).map(({ key, row: { bytes: _, ...row } }): [number, Posted] => [
    Number(key),
    row,
  ])
  const ms = (await store.all('running'))[0]?.row.ms ?? 0
  const conversation = Math.max(0, ...[...conversations.values()].map((row) => row.number))
  return {
    self: ownOf(p, { ...ABSENT.profile, ...profile.row }),
    numbers: { ...last, conversation, mail: Math.max(0, ...mail.map(([number]) => number)) },
    running: { ms, at: null, stored: ms },
    limits,
    keptUpAt: 0,
    quiet: { since: 0, renewAt: null },
    rendezvous: { whereabouts: null, published: [], lookedAt: [], away: null },
    maps: {
      prekeys: new Map(
        (await store.all('prekey')).map(({ key, row }): [string, Prekey] => [
          key,
          { row, bundle: must(decodeBundle(p, row.bundle), 'prekey') },
        ]),
      ),
      invites: new Map((await store.all('invite')).map(({ key, row }) => [key, { ...ABSENT.invite, ...row }])),
      contacts: new Map((await store.all('contact')).map((entry) => acquaintance(p, entry))),
      conversations,
      // This may be an older copy of a disk: what it holds is said anew to everybody.
      deliveries: new Map(
        (await store.all('delivery')).map(({ key, row }) => [
          key as DeviceId,
          { ...ABSENT.delivery, ...row, facts: { ...factsOf(row), receipt: 0 } },
        ]),
      ),
      audiences: new Map((await store.all('audience')).map(({ key, row }) => [key, { ...ABSENT.audience, ...row }])),
      grants: new Map((await store.all('grant')).map(({ key, row }) => [key as DeviceId, row])),
      searches: new Map(),
      sessions: sessionRefs(await store.all('session')),
      frames: inFlight(await store.all('frame')),
      boxes: new Map((await store.all('box')).map(({ key, row }) => [key, row])),
      given: new Map((await store.all('given')).map(({ key, row }) => [key, { ...row, tokens: inOrder(row.tokens) }])),
      carried: new Map((await store.all('carried')).map(({ key, row }) => [key, row])),
      opened: new Map(),
      routes: new Map((await store.all('route')).map(({ key, row }) => [key as DeviceId, row])),
      mail: new Map(mail.sort(([a], [b]) => a - b)),
      tries: new Map(),
      shut: new Map(),
      posts: new Map(),
      connections: new Map(),
      links: new Map(),
      adding: new Map(),
    },
  }
}

/** Until version 3 of the database each fact had a field of its own. */
const FACT_FIELDS: { readonly [F in FactName]?: string } = {
  name: 'nameVersion',
  addresses: 'addressVersion',
  secret: 'secretGeneration',
  grant: 'grantVersion',
}

function factsOf(row: Partial<DeliveryRow>): Facts {
  if (row.facts !== undefined) return row.facts
  const old = row as Readonly<Record<string, number | undefined>>
  return Object.fromEntries(Object.entries(FACT_FIELDS).map(([name, field]) => [name, old[field] ?? 0]))
}

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`A ${what} of this profile is damaged.`)
  return value
}

function acquaintance(p: Primitives, { key, row }: Row<ContactRow>): [AccountId, Acquaintance] {
  const account = must(parseAccountKey(row.accountKey), 'contact')
  const log = row.deviceLog === null ? null : must(decodeDeviceLog(p, account, row.deviceLog), 'contact')
  return [key as AccountId, { row: { ...ABSENT.contact, ...row }, log }]
}

function sessionRefs(rows: readonly Row<SessionRow>[]): Map<DeviceId, readonly SessionRef[]> {
  const byDevice = new Map<DeviceId, SessionRef[]>()
  for (const { key, row } of rows) {
    const refs = byDevice.get(row.device) ?? []
    refs.push({ key, createdAt: row.createdAt, usedAt: row.usedAt })
    byDevice.set(row.device, refs)
  }
  for (const refs of byDevice.values()) refs.sort((a, b) => b.usedAt - a.usedAt)
  return byDevice
}

function inFlight(rows: readonly Row<FrameRow>[]): Map<DeviceId, readonly InFlight[]> {
  const byDevice = new Map<DeviceId, InFlight[]>()
  for (const { key, row } of rows) {
    const { id, session, from, to, facts, made, away } = row
    const frame: InFlight = { number: Number(key), id, session, size: row.bytes.length, from, to, facts, made, away }
    byDevice.set(row.device, [...(byDevice.get(row.device) ?? []), frame])
  }
  return byDevice
}

/** The first rows of that kind held ranges. */
const inOrder = (tokens: readonly (number | Range)[]): readonly number[] =>
  tokens.flatMap((one) => (typeof one === 'number' ? [one] : [...numbersOf([one])]))
