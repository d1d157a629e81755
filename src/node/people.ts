/**
 * Who I am and whom I know, as windows and command lines are shown it: committed state, turned into the API's plain types.
 *
 * Holds: nothing is read from the disk, and nothing here changes anything.
 */
import {
  type AccountId,
  accountKeyOf,
  phraseOf,
  type Primitives,
  type Ranges,
  safetyNumber,
  size,
  union,
} from '../protocol/index.ts'
import type { Contact, MailStatus, Reason, Self } from './api.ts'
import { ApiError } from './api-error.ts'
import { iso } from './iso.ts'
import { isRepairing, type Path, pathsOf, type Resident } from './engine/state.ts'
import type { BoxRow, ContactRow, DeliveryRow } from './store/records.ts'

/** What is found out once for many contacts. */
export interface Snapshot {
  /** Shown names. */
  readonly names: ReadonlyMap<AccountId, string>
  readonly paths: ReadonlyMap<AccountId, readonly Path[]>
}

/** Counters of messages of mine. */
export interface Held {
  readonly sent: Ranges
  readonly delivered: Ranges
  readonly read: Ranges
}

export class People {
  readonly #resident: Resident
  readonly #p: Primitives
  readonly #now: () => number

  constructor(resident: Resident, p: Primitives, now: () => number) {
    this.#resident = resident
    this.#p = p
    this.#now = now
  }

  self(): Self {
    const { row, id, deviceKeys } = this.#resident.self
    return { id, name: row.name, device: deviceKeys.id }
  }

  /** The 24 recovery words. */
  phrase(): string {
    return phraseOf(this.#resident.self.row.accountEntropy)
  }

  contacts(): readonly Contact[] {
    const snapshot = this.snapshot()
    return [...this.#resident.maps.contacts.keys()]
      .map((id) => this.contact(id, snapshot))
      .sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1))
  }

  /** An exact id, else a case-folded name. */
  resolve(to: string): AccountId {
    const exact = to.trim().toLowerCase() as AccountId
    if (this.#resident.maps.contacts.has(exact)) return exact
    const wanted = fold(to)
    const found = this.contacts().filter((contact) => fold(contact.name) === wanted)
    const [only] = found
    if (only === undefined)
      throw new ApiError('contact-unknown', `There is no contact "${to}": "tulnic contacts" lists them.`)
    if (found.length > 1)
      throw new ApiError('contact-ambiguous', `Several contacts are called "${to}": use an id from "tulnic contacts".`)
    return only.id as AccountId
  }

  /** How many contacts there are. */
  count(): number {
    return this.#resident.maps.contacts.size
  }

  reached(): { readonly contacts: number; readonly devices: number } {
    const devices = [...this.#resident.maps.links.keys()]
    const contacts = new Set(devices.map((device) => this.#resident.maps.deliveries.get(device)?.contact))
    return { contacts: contacts.size, devices: devices.length }
  }

  /** Messages of mine that wait here, by contact; who has none is not among them. */
  queued(): ReadonlyMap<AccountId, number> {
    const { contacts, deliveries } = this.#resident.maps
    const rows = Map.groupBy(deliveries.values(), ({ contact }) => contact)
    const all = [...contacts.keys()].map((id) => [id, this.#queued(id, together(rows.get(id) ?? []))] as const)
    return new Map(all.filter(([, count]) => count > 0))
  }

  /** Messages of mine to one contact that wait here. */
  queuedFor(id: AccountId): number {
    return this.#queued(id, this.held(id))
  }

  #queued(id: AccountId, { sent, delivered, read }: Held): number {
    return (this.#resident.maps.conversations.get(id)?.counter ?? 0) - size(union(union(sent, delivered), read))
  }

  /** What the devices of a contact hold of mine, together, by counters. */
  held(id: AccountId): Held {
    return together([...this.#resident.maps.deliveries.values()].filter(({ contact }) => contact === id))
  }

  /** Why a contact is not reached, or nothing arrives there; `null`: nothing is known to be wrong. */
  reasonOf(id: AccountId): Reason {
    const row = this.#resident.maps.contacts.get(id)?.row
    return row === undefined ? null : this.#reason(row, pathsOf(this.#resident.maps).get(id) ?? [])
  }

  safetyNumber(id: AccountId): string {
    return safetyNumber(this.#p, this.#resident.self.account.key, accountKeyOf(id))
  }

  /** Shown names: mine for them, else their own; a name that is taken gets a number, in the order of adding. */
  #names(): ReadonlyMap<AccountId, string> {
    const names = new Map<AccountId, string>()
    const taken = new Set<string>()
    const all = [...this.#resident.maps.contacts].sort(
      ([, a], [, b]) =>
        Number(a.row.givenName === null) - Number(b.row.givenName === null) || a.row.addedAt - b.row.addedAt,
    )
    for (const [id, { row }] of all) {
      const base = row.givenName ?? row.ownName ?? id.slice(0, 8)
      let name = base
      for (let n = 2; taken.has(fold(name)); n++) name = `${base} ${n}`
      taken.add(fold(name))
      names.set(id, name)
    }
    return names
  }

  snapshot(): Snapshot {
    return { names: this.#names(), paths: pathsOf(this.#resident.maps) }
  }

  contact(id: AccountId, { names, paths }: Snapshot = this.snapshot()): Contact {
    const acquaintance = this.#resident.maps.contacts.get(id)
    if (acquaintance === undefined) throw new ApiError('contact-unknown', 'There is no such contact.')
    const { row } = acquaintance
    const all = paths.get(id) ?? []
    const path = all[0]?.connection
    const via = path?.via ?? null
    return {
      id,
      name: names.get(id) ?? id.slice(0, 8),
      ownName: row.ownName,
      state: row.state,
      verified: row.verified,
      relayOnly: row.relayOnly,
      carrier: this.#carrier(id),
      online: via !== null,
      lastSeen: via !== null ? iso(this.#now()) : row.lastSeenAt === null ? null : iso(row.lastSeenAt),
      via,
      relayedBy: path?.relayedBy ?? null,
      punched: path?.punched ?? false,
      reason: this.#reason(row, all),
    }
  }

  /** How it stands with the newest box that was asked of them. */
  #carrier(id: AccountId): Contact['carrier'] {
    const boxes = [...this.#resident.maps.boxes.values()].filter(({ carrier }) => carrier === id)
    const newest = boxes.reduce<BoxRow | undefined>(
      (a, b) => (a === undefined || b.version > a.version ? b : a),
      undefined,
    )
    if (newest === undefined || newest.state === 'ended') return null
    return newest.state === 'kept' ? 'on' : newest.state
  }

  /** What lies here for contacts. */
  mail(): MailStatus {
    const carried = [...this.#resident.maps.carried.values()]
    const sum = (of: (row: (typeof carried)[number]) => number): number =>
      carried.reduce((all, row) => all + of(row), 0)
    return {
      on: this.#resident.limits.carry,
      boxes: carried.filter(({ state }) => state === 'kept').length,
      letters: sum(({ count }) => count),
      bytes: sum(({ bytes }) => bytes),
    }
  }

  #reason(row: ContactRow, paths: readonly Path[]): Reason {
    if (row.state === 'blocked') return 'blocked'
    if (row.problem !== null) return row.problem
    if (row.state === 'invited') return 'invite-pending'
    if (paths.length === 0) return 'not-reached'
    return paths.some((path) => isRepairing(this.#resident.maps, path)) ? 'repairing' : null
  }
}

function together(rows: Iterable<DeliveryRow>): Held {
  let all: Held = { sent: [], delivered: [], read: [] }
  for (const row of rows) {
    all = {
      sent: union(all.sent, row.sent),
      delivered: union(all.delivered, row.delivered),
      read: union(all.read, row.read),
    }
  }
  return all
}

const fold = (name: string): string => name.trim().normalize('NFKC').toLowerCase()
