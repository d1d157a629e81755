/**
 * What the engine keeps at hand between inputs: small, and rebuilt from the store at every start.
 *
 * Holds: sessions' states, skipped keys, texts and frames' bytes are not in here: they are looked up. Only
 * {@link Draft.adopt} changes a Resident, after its batch was committed.
 */
import type {
  Account,
  AccountId,
  Bundle,
  DeviceId,
  DeviceKeys,
  DeviceLog,
  DeviceSecrets,
  SlotRecord,
} from '../../protocol/index.ts'
import type {
  AudienceRow,
  BoxRow,
  CarriedRow,
  ContactRow,
  ConversationRow,
  DeliveryRow,
  Facts,
  GivenRow,
  GrantRow,
  InviteRow,
  MailRow,
  PrekeyRow,
  ProfileRow,
  RouteRow,
} from '../store/records.ts'
import type { BoxName, ConnectionId, Sought, Whereabouts } from './input.ts'
import type { MailLimits } from './limits.ts'

/** This account and device, derived once from the profile. */
export interface Own {
  readonly row: ProfileRow
  readonly id: AccountId
  readonly account: Account
  readonly device: DeviceSecrets
  readonly deviceKeys: DeviceKeys
  readonly log: DeviceLog
}

export interface Prekey {
  readonly row: PrekeyRow
  readonly bundle: Bundle
}

/** A contact with its device log decoded once. */
export interface Acquaintance {
  readonly row: ContactRow
  readonly log: DeviceLog | null
}

/** Sessions of one device, the active one first; their states are looked up. */
export interface SessionRef {
  readonly key: string
  readonly createdAt: number
  readonly usedAt: number
}

/** A frame that is stored and not yet acknowledged; its bytes are looked up to be sent again. */
export interface InFlight {
  readonly number: number
  readonly id: Uint8Array
  readonly session: string
  readonly size: number
  readonly from: number
  readonly to: number
  readonly facts: Facts
  readonly made: number
  readonly away: boolean
  /** The device said on this connection that nothing opens it. */
  readonly refused?: boolean
}

/** An open connection; `device: null` while they cannot know us yet (invited). */
export interface Connection {
  readonly contact: AccountId
  readonly device: DeviceId | null
  readonly via: 'lan' | 'direct' | 'relayed'
  readonly relayedBy: AccountId | null
  readonly punched: boolean
  /** A bundle was asked for here and is not answered yet: to begin a session with, or for the device log in it. */
  readonly asking: 'session' | 'log' | null
  /** The head of their device log (16 bytes) for which a bundle was asked here. */
  readonly askedHead: Uint8Array | null
  /** A person was told that they hold a device log of ours that we do not know. */
  readonly warned: boolean
  /** They have refused our INIT here: another bundle may begin anew. */
  readonly refused: boolean
  /** The highest number of a frame that they stored here, and how many refused ones were made anew. */
  readonly stored: number
  readonly remade: number
}

/** An envelope; its bytes are looked up to be left. */
export type Posted = Omit<MailRow, 'bytes'>

/** The tries to leave one envelope. */
export interface Tries {
  /** How many ended without an answer. */
  readonly count: number
  /** Not again before. */
  readonly at: number
  /** When the net was asked and has not answered yet. */
  readonly askedAt: number | null
}

/** Why nothing is left in a box at the moment. */
export interface Shut {
  /** Tokens that it refused one after another. */
  readonly refusals: number
  readonly until: number
}

/** An owner who came for its letters, and which it was handed (base32 of ids) and has not taken yet. */
export interface Opened {
  readonly connection: ConnectionId
  readonly handed: readonly string[]
}

/** Somebody who is looked for. */
export interface Search {
  /** Look-ups in a row that brought nothing new. */
  readonly tries: number
  /** Not again before. */
  readonly at: number
  /** When the net was asked and has not answered yet. */
  readonly askedAt: number | null
}

/** A record of ours as the net keeps it. */
export interface Published {
  /** Whose it is and what it says: as long as that stays, so does the record. */
  readonly says: string
  readonly sealedAt: number
  readonly record: SlotRecord
}

/** What this run has to do with the DHT; nothing of it outlives the process. */
export interface Rendezvous {
  readonly whereabouts: Whereabouts | null
  readonly published: readonly Published[]
  /** When the last look-ups were made, LOOKUPS_A_MINUTE at most. */
  readonly lookedAt: readonly number[]
  /** The DHT was not there when it was asked: how often in a row, and when it is asked again. */
  readonly away: { readonly tries: number; readonly until: number } | null
}

export interface ResidentMaps {
  readonly prekeys: Map<string, Prekey>
  readonly invites: Map<string, InviteRow>
  readonly contacts: Map<AccountId, Acquaintance>
  readonly conversations: Map<AccountId, ConversationRow>
  readonly deliveries: Map<DeviceId, DeliveryRow>
  readonly audiences: Map<string, AudienceRow>
  readonly grants: Map<DeviceId, GrantRow>
  readonly searches: Map<Sought, Search>
  readonly sessions: Map<DeviceId, readonly SessionRef[]>
  readonly frames: Map<DeviceId, readonly InFlight[]>
  /** Our boxes at carriers, and which tokens of them a device has (key: box `/` device). */
  readonly boxes: Map<string, BoxRow>
  readonly given: Map<string, GivenRow>
  /** Boxes of others that are kept here, and who came for letters. */
  readonly carried: Map<string, CarriedRow>
  readonly opened: Map<string, Opened>
  /** Where mail for others is left, what was left or is to be, by its number, and when it is time to look for more. */
  readonly routes: Map<DeviceId, RouteRow>
  readonly mail: Map<number, Posted>
  readonly tries: Map<number, Tries>
  readonly shut: Map<BoxName, Shut>
  readonly posts: Map<DeviceId, number>
  readonly connections: Map<ConnectionId, Connection>
  /** The connection over which a device is spoken to. */
  readonly links: Map<DeviceId, ConnectionId>
  /** Commands that wait for the first answer of an inviter. */
  readonly adding: Map<AccountId, { readonly command: number; readonly until: number; readonly fresh: boolean }>
}

/** A device that is spoken to, and over which connection. */
export interface Path {
  readonly device: DeviceId
  readonly connection: Connection
}

/** All paths, by contact. */
export function pathsOf({ links, connections }: ResidentMaps): ReadonlyMap<AccountId, readonly Path[]> {
  const paths = new Map<AccountId, Path[]>()
  for (const [device, link] of links) {
    const connection = connections.get(link)
    if (connection === undefined) continue
    const known = paths.get(connection.contact)
    if (known === undefined) paths.set(connection.contact, [{ device, connection }])
    else known.push({ device, connection })
  }
  return paths
}

/** Whether the session of a device that is reached has to be set up anew before texts leave. */
export function isRepairing({ deliveries, sessions }: ResidentMaps, { device, connection }: Path): boolean {
  const delivery = deliveries.get(device)
  const hasSession = (sessions.get(device) ?? []).length > 0
  if (!hasSession || connection.asking === 'session') return true
  return delivery !== undefined && (delivery.awaitsReceipt || delivery.comparing !== null)
}

export interface Resident {
  self: Own
  /** The last numbers given out. */
  numbers: { message: number; event: number; frame: number; conversation: number; mail: number }
  /** How long this profile has run, when that was counted, and what of it is stored (ms). */
  running: { readonly ms: number; readonly at: number | null; readonly stored: number }
  readonly limits: MailLimits
  /** When housekeeping by date ran last. */
  keptUpAt: number
  /** Since when nobody used this node, and when it is to go by another PeerID, once that is drawn. */
  quiet: { readonly since: number; readonly renewAt: number | null }
  rendezvous: Rendezvous
  readonly maps: ResidentMaps
}
