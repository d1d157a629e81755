/**
 * The small facts: what a device is told besides texts, each whole and with a version.
 *
 *     version now > what the device acknowledged, and no frame is bringing it ──▶ owed ──▶ contents of the next frame
 *
 * Holds: a fact is made when its frame is, so the newest version stands for all before it; one that was lost with a session or a
 * disk is owed again.
 */
import { type AccountId, type Content, type DeviceId, isRelayed, RECEIPT_RANGES } from '../../protocol/index.ts'
import type { ContactRow, ConversationRow, DeliveryRow, FactName, Facts, ProfileRow } from '../store/records.ts'
import { grantFor } from './audiences.ts'
import { carryConfirmed, carryFor, carryVersion } from './boxes.ts'
import { boxesFor, boxesVersion } from './tokens.ts'
import { carryingFor, carryingVersion } from './carrying.ts'
import { confirmSecret } from './contact-rows.ts'
import type { Draft } from './draft.ts'
import type { Env } from './env.ts'

/** Whom a fact is told. */
interface Listener {
  readonly contact: AccountId
  readonly device: DeviceId
  readonly row: ContactRow
  readonly conversation: ConversationRow | undefined
}

interface Fact {
  /** 0: there is nothing to tell. */
  version(draft: Draft, to: Listener): number
  contents(draft: Draft, env: Env, to: Listener): readonly Content[]
  /** A device has the newest version. */
  confirmed?(draft: Draft, env: Env, contact: AccountId): void
  /** Up to half of what a message holds: no texts go beside it. */
  readonly large?: boolean
}

/** In the order in which a frame brings them. */
const FACTS: { readonly [F in FactName]: Fact } = {
  name: {
    version: ({ self }) => self.row.nameVersion,
    contents: ({ self }) => [{ kind: 'profile', version: self.row.nameVersion, name: self.row.name }],
  },
  addresses: {
    version: ({ self }) => self.row.addressVersion,
    contents: ({ self }, _, { row }) => [
      { kind: 'addresses', version: self.row.addressVersion, addresses: addressesFor(self.row, row) },
    ],
  },
  secret: {
    version: (_, { row }) => row.secrets[0]?.generation ?? 0,
    contents: (_draft, _env, { row }) =>
      row.secrets.slice(0, 1).map(({ generation, secret }) => ({ kind: 'secret', generation, secret })),
    confirmed: (draft, _, contact) => confirmSecret(draft, contact),
  },
  grant: {
    version: (_, { row }) => (row.audience === null ? 0 : row.grantVersion),
    contents: (draft, env, { row }) => grantFor(draft, env, row),
  },
  carry: {
    version: (draft, { contact }) => carryVersion(draft, contact),
    contents: (draft, env, { contact }) => carryFor(draft, env, contact),
    confirmed: carryConfirmed,
    large: true,
  },
  carrying: {
    version: (draft, { device }) => carryingVersion(draft, device),
    contents: (draft, env, { device }) => carryingFor(draft, env, device),
  },
  boxes: {
    version: (draft, { device }) => boxesVersion(draft, device),
    contents: (draft, env, { contact, device }) => boxesFor(draft, env, contact, device),
    large: true,
  },
  receipt: {
    version: (_, { conversation }) => conversation?.receiptVersion ?? 0,
    contents: (_draft, _env, { conversation }) => (conversation === undefined ? [] : receiptOf(conversation)),
  },
}

const ALL = Object.entries(FACTS) as (readonly [FactName, Fact])[]

/** What a device is not known to have and no frame is bringing. */
export function owedFacts(
  draft: Draft,
  env: Env,
  device: DeviceId,
  { contact, facts: known }: DeliveryRow,
): { readonly contents: readonly Content[]; readonly facts: Facts; readonly large: boolean } {
  const to = listener(draft, contact, device)
  const coming = draft.maps.frames.get(device) ?? []
  const contents: Content[] = []
  const facts: { [F in FactName]?: number } = {}
  let large = false
  for (const [name, fact] of to === undefined ? [] : ALL) {
    if (to === undefined) break
    const version = fact.version(draft, to)
    if (version <= (known[name] ?? 0) || coming.some((frame) => frame.facts[name] === version)) continue
    contents.push(...fact.contents(draft, env, to))
    facts[name] = version
    large ||= fact.large === true
  }
  return { contents, facts, large }
}

/** A device acknowledged a frame that brought these. */
export function confirmFacts(draft: Draft, env: Env, contact: AccountId, device: DeviceId, brought: Facts): void {
  const to = listener(draft, contact, device)
  if (to === undefined) return
  for (const [name, fact] of ALL) {
    const version = brought[name] ?? 0
    if (version > 0 && version >= fact.version(draft, to)) fact.confirmed?.(draft, env, contact)
  }
}

function listener(draft: Draft, contact: AccountId, device: DeviceId): Listener | undefined {
  const row = draft.maps.contacts.get(contact)?.row
  return row && { contact, device, row, conversation: draft.maps.conversations.get(contact) }
}

/** The later version of each. */
export function later(a: Facts, b: Facts): Facts {
  const all: { [F in FactName]?: number } = { ...a }
  for (const [name, version] of Object.entries(b) as [FactName, number][]) all[name] = Math.max(all[name] ?? 0, version)
  return all
}

/** Which of my addresses a contact is told. */
export function addressesFor({ addresses }: ProfileRow, contact: ContactRow | undefined): readonly string[] {
  return contact?.relayOnly === true ? addresses.filter(isRelayed) : addresses
}

/** Whole: `contents.ts` takes nothing that would make more ranges. */
export function receiptOf({ received, shown, differing }: ConversationRow): readonly Content[] {
  const receipt: Content = {
    kind: 'receipt',
    received: received.slice(0, RECEIPT_RANGES),
    shown: shown.slice(0, RECEIPT_RANGES),
  }
  return differing.length === 0 ? [receipt] : [receipt, { kind: 'differing', counters: differing }]
}
