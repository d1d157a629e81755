/**
 * NodeApi: all that a window, a command line, a bot or an embedding program can ask of a node.
 *
 * Holds: every type here survives structured cloning and JSON; no key material but the recovery phrase, when asked for;
 * ids are strings, times are ISO 8601 UTC strings. A call rejects with an {@link ApiError} and then nothing was changed.
 */

/** 52 lower-case base32 characters of the account key. */
export type ContactId = string
/** 26 lower-case base32 characters. */
export type MessageId = string

export type ContactState = 'invited' | 'active' | 'blocked'
/** How a contact is reached now; `null`: not reached. */
export type Via = 'lan' | 'direct' | 'relayed' | null
export type MessageState = 'queued' | 'sent' | 'carried' | 'delivered' | 'read' | 'failed'

/** Why a message is not further than it is. Words for people are the window's and the command line's. */
export type Reason =
  | 'not-reached' // nobody of theirs answers at any known address
  | 'invite-pending' // the inviter was not reached yet
  | 'invite-used'
  | 'invite-expired'
  | 'repairing' // the session broke and is being set up again
  | 'not-collected' // no device of theirs took it within 30 days, and no carrier holds it any more
  | 'blocked'
  | null

export interface Contact {
  readonly id: ContactId
  /** My name for them, else their own, else the first characters of the id. */
  readonly name: string
  /** What they call themselves, as carried by their first message. */
  readonly ownName: string | null
  readonly state: ContactState
  readonly verified: boolean
  readonly online: boolean
  readonly lastSeen: string | null
  readonly via: Via
  /** The contact whose node relays between us; `null` where none does, or it is not known whose it is. */
  readonly relayedBy: ContactId | null
  /** Whether a direct path was made through routers that let nobody in, with the help of a relay. */
  readonly punched: boolean
  /** Whether they are told, and reached at, relayed addresses alone: this node does not tell them its IP address (docs/decisions/0028). */
  readonly relayOnly: boolean
  /**
   * Whether their node carries mail for me. `asked`: it has not answered yet; `full`: it has no room; `off`: it carries for nobody;
   * `null`: it was not asked to.
   */
  readonly carrier: 'asked' | 'on' | 'full' | 'off' | null
  /** Why an invited contact is not active yet, or why nothing is sent. */
  readonly reason: Reason
}

export interface Message {
  readonly id: MessageId
  /** The contact whose conversation it is in. */
  readonly conversation: ContactId
  /** Account id of its author: mine or the contact's. */
  readonly from: ContactId
  readonly text: string
  readonly replyTo: MessageId | null
  readonly attachments: readonly never[]
  /** When its author wrote it, by the author's clock: shown, never used to order, hide or expire. */
  readonly sentAt: string
  /** When this device stored it; for my own, when I wrote it. */
  readonly receivedAt: string
  readonly state: MessageState
  readonly reason: Reason
  /** While `carried`: those of my contacts whose nodes hold it; somebody I do not know may hold it, too. */
  readonly carriedBy: readonly ContactId[]
}

export interface Conversation {
  readonly contact: Contact
  readonly last: Message | null
  readonly unread: number
  readonly draft: string
  /** How many messages of theirs are known to exist and are not here. */
  readonly missing: number
  /** How many messages of mine no device of theirs has acknowledged. */
  readonly queued: number
}

export interface Self {
  readonly id: ContactId
  readonly name: string
  /** This device's id. */
  readonly device: string
}

/** `empty`: no profile yet; `locked`: waits for the passphrase; `open`: running. */
export type ProfilePhase = 'empty' | 'locked' | 'open'

export interface Status {
  readonly phase: ProfilePhase
  readonly self: Self | null
  /** Whether any contact is reached now. */
  readonly online: boolean
  /** Connected devices of contacts. */
  readonly peers: number
  /** Where this node listens, as multiaddresses. */
  readonly addresses: readonly string[]
  /** Messages of mine that no device of their recipient has acknowledged. */
  readonly queued: number
  readonly contacts: { readonly total: number; readonly reached: number }
  /** Whether this machine has any network besides itself. */
  readonly network: 'none' | 'local' | 'internet-unknown'
  /** `on`: looks for others nearby, and shows itself. `only`: connects to nobody outside the local network. */
  readonly lan: { readonly on: boolean; readonly peers: number; readonly only: boolean }
  /** Whether a network key closes this network to whoever has another, or none. */
  readonly isPrivate: boolean
  /** How it stands with the distributed hash table; missing while nothing runs. */
  readonly dht?: DhtStatus
  /** How others see this node; missing while nothing runs. */
  readonly reach?: ReachStatus
  /** Who relays for this node, and for whom it does; missing while nothing runs. */
  readonly relays?: RelayStatus
  /** What this node carries for its contacts; missing while nothing runs. */
  readonly mail?: MailStatus
  /** `trouble`: why nothing can be stored at the moment, as one English sentence; the node goes on by itself once it can. */
  readonly storage: { readonly path: string; readonly bytes: number; readonly trouble: string | null }
  readonly version: string
  readonly startedAt: string
  /** What stands in the way of messages, and what is well: the worst first. */
  readonly findings: readonly Finding[]
}

/** `problem`: messages do not go, or are not kept; `note`: something works less well than it could; `good`: it is well. */
export type Finding =
  | { readonly level: 'problem'; readonly code: 'locked' | 'no-profile' }
  | { readonly level: 'problem'; readonly code: 'no-network' }
  /** Nothing can be stored: `storage.trouble` says why. */
  | { readonly level: 'problem'; readonly code: 'not-stored' }
  /** The link of this contact was used, or is too old: it leads nowhere any more. */
  | { readonly level: 'problem'; readonly code: 'link-dead'; readonly contact: ContactId }
  | { readonly level: 'note'; readonly code: 'lan-only' | 'private-network' | 'not-nearby' }
  /** Whether others reach this node from outside was not tried from two places yet. */
  | { readonly level: 'note'; readonly code: 'reach-unknown' }
  /** Nobody reaches this node from outside. `port`: TCP, to be let through by a router. */
  | { readonly level: 'note'; readonly code: 'not-reachable'; readonly port: number | null }
  /** What the router before this node said of letting others in (UPnP): `reach.router`. */
  | {
      readonly level: 'note'
      readonly code: 'router-open' | 'router-refused' | 'router-behind-another' | 'router-none'
    }
  /** Nodes of contacts through which others would reach this one: it lost its place there, has none, or they do not relay. */
  | {
      readonly level: 'note'
      readonly code: 'relay-lost' | 'relay-refused' | 'relay-none'
      readonly contacts: readonly ContactId[]
      readonly more: number
    }
  /** They are reached through a relay, and every try for a direct path was in vain. `port`: TCP, to be let through by a router. */
  | {
      readonly level: 'note'
      readonly code: 'not-direct'
      readonly natMapping: ReachStatus['natMapping']
      readonly port: number | null
      readonly contacts: readonly ContactId[]
      readonly more: number
    }
  /** The hash table is off, or no other node of it is known. */
  | { readonly level: 'note'; readonly code: 'dht-off' | 'dht-alone' | 'no-contacts' }
  /** They are reached through relays alone, and nobody relays for this node. `more`: how many are not named. */
  | {
      readonly level: 'note'
      readonly code: 'no-relay-for'
      readonly contacts: readonly ContactId[]
      readonly more: number
    }
  /** Messages of mine wait here for these contacts. `more`: how many are not named. */
  | {
      readonly level: 'note'
      readonly code: 'messages-wait'
      readonly messages: number
      readonly contacts: readonly ContactId[]
      readonly more: number
    }
  /** No contact's node carries mail for me, and none was asked to a moment ago. */
  | { readonly level: 'note'; readonly code: 'no-carrier' }
  /** These contacts' nodes carry mail for me. */
  | {
      readonly level: 'good'
      readonly code: 'mail-carried'
      readonly contacts: readonly ContactId[]
      readonly more: number
    }
  | { readonly level: 'good'; readonly code: 'stored' }
  | { readonly level: 'good'; readonly code: 'reached-directly' }
  | { readonly level: 'good'; readonly code: 'looks-nearby'; readonly peers: number }
  /** Others reach this node through the nodes of these contacts. */
  | { readonly level: 'good'; readonly code: 'reached-through'; readonly relays: readonly ContactId[] }
  | { readonly level: 'good'; readonly code: 'dht-well'; readonly servers: number; readonly published: number }
  | { readonly level: 'good'; readonly code: 'nothing-waits'; readonly reached: number; readonly total: number }

export interface DhtStatus {
  readonly on: boolean
  /** `server`: others keep records here. */
  readonly mode: 'server' | 'client' | 'off'
  /** Servers in the routing table. */
  readonly servers: number
  /** Records kept for others. */
  readonly stored: number
  /** Own records that at least one server took. */
  readonly published: number
}

export interface RelayStatus {
  /** Contacts' nodes that were asked for a place: through those that hold one, others reach this node. */
  readonly at: readonly {
    readonly contact: ContactId
    /** `refused`: it is full, or relays for others; `no-relay`: it does not relay at all; `lost`: it did, and is gone, or asked again soon. */
    readonly state: 'held' | 'asking' | 'refused' | 'no-relay' | 'lost'
  }[]
  /** Whether one of these places is at a public address beyond our networks, so that others come through it from anywhere. */
  readonly fromOutside: boolean
  /** Whether contacts get places here. */
  readonly forContacts: boolean
  /** Places that others hold here. */
  readonly places: number
  /** Contacts that hold one of them: through this node, others reach them. The rest are strangers'. */
  readonly for: readonly ContactId[]
  /** Connections that this node relays. */
  readonly relayed: number
  /** Bytes that it relayed since it started. */
  readonly bytes: number
  /** Contacts who are reached through a relay now. */
  readonly paths: readonly RelayedPath[]
}

export interface RelayedPath {
  readonly contact: ContactId
  /** Tries to find a direct path beside it, all in vain; `null`: none is wanted. */
  readonly tries: number | null
}

export interface MailStatus {
  /** Whether it carries for contacts that want it to. */
  readonly on: boolean
  /** Contacts whose mail is kept here, their sealed letters, and these letters' bytes. */
  readonly boxes: number
  readonly letters: number
  readonly bytes: number
}

export interface ReachStatus {
  /** IP addresses at which others see this node, as `/ip4/…` or `/ip6/…`, the one seen from most places first. */
  readonly observed: readonly string[]
  /** `yes`: peers at two places got through to one of our addresses. */
  readonly publiclyReachable: 'yes' | 'no' | 'unknown'
  /**
   * What the router offers: `open`: it lets others in, as it says; `refused`: it does not, though it could; `behind-another`: it has
   * no public address itself; `none`: nobody answered. Missing where no router is asked.
   */
  readonly router?: 'asking' | 'open' | 'refused' | 'behind-another' | 'none'
  /**
   * How the router before this node chooses the port that others see. `none`: nothing is translated; `endpoint-independent`: one
   * port for everybody, so that others behind routers are met directly; `endpoint-dependent`: another for each, so that they are not.
   */
  readonly natMapping: 'none' | 'endpoint-independent' | 'endpoint-dependent' | 'unknown'
}

export interface Invite {
  /** `tulnic:` and base64url. */
  readonly link: string
  readonly expiresAt: string
  readonly uses: number
  /** The text of a file by which it can be accepted with no network at all; where it was asked for. */
  readonly file?: string
}

export interface MailPiece {
  readonly piece: string
  readonly envelopes: number
  readonly after: number | null
}

export interface MailTaken {
  readonly envelopes: number
  readonly delivered: number
  readonly kept: number
  readonly damaged: boolean
}

export interface NearbyPeer {
  /** A name for this exchange alone: it identifies nobody and is gone with their node's restart. */
  readonly peer: string
  /** What they say they are called: a claim. */
  readonly name: string
}

interface Stamp {
  /** Rises; kept 7 days. */
  readonly id: string
  readonly at: string
}

export type NodeEvent = Stamp &
  (
    | { readonly type: 'message'; readonly message: Message; readonly to: ContactId }
    | {
        readonly type: 'state'
        readonly message: MessageId
        readonly conversation: ContactId
        readonly state: MessageState
        readonly reason: Reason
      }
    | { readonly type: 'contact'; readonly contact: Contact }
    | { readonly type: 'contact-removed'; readonly contact: ContactId }
    | { readonly type: 'connection'; readonly contact: ContactId; readonly via: Via }
    | { readonly type: 'gap'; readonly from: ContactId; readonly count: number }
    | { readonly type: 'warning'; readonly text: string }
  )

/** What concerns only windows that are open now: never stored, not in `listen`. */
export type LiveEvent =
  | { readonly type: 'profile'; readonly phase: ProfilePhase; readonly self: Self | null }
  | { readonly type: 'nearby'; readonly peers: readonly NearbyPeer[] }
  | {
      readonly type: 'pairing'
      readonly peer: string
      readonly name: string
      readonly code: string | null
      readonly step: 'wanted' | 'code' | 'done' | 'failed'
      readonly contact: Contact | null
    }
  | { readonly type: 'draft'; readonly conversation: ContactId; readonly text: string }
  | { readonly type: 'read'; readonly conversation: ContactId }
  /** Something that a person sees in the status changed; at most a few a second. `storage.bytes` alone is no news. */
  | { readonly type: 'status'; readonly status: Status }

export type AnyEvent = NodeEvent | LiveEvent

export type ErrorCode =
  | 'usage' // a caller's mistake: the text says which
  | 'no-profile'
  | 'profile-exists'
  | 'locked'
  | 'passphrase-wrong'
  | 'invite-malformed'
  | 'invite-used'
  | 'invite-expired'
  | 'invite-own'
  | 'contact-unknown'
  | 'contact-ambiguous'
  | 'contact-blocked'
  | 'message-unknown'
  | 'peer-unknown'
  | 'pairing-failed'
  | 'number-differs'
  | 'mail-foreign'
  | 'timeout'
  | 'too-large'
  | 'storage' // disk full, read-only, damaged: the text says which and what to do
  | 'held' // another node runs on this profile: the text names it
  | 'not-in-this-version'
  | 'internal'

/** What a rejected call carries; over a wire `{ code, message }`. */
export interface ApiErrorData {
  readonly code: ErrorCode
  /** One English sentence that says what happened and what to do. The window has its own words by `code`. */
  readonly message: string
}

/** Methods only, each with one argument object (or none) and a promise: so that any of them can cross a wire. */
export interface NodeApi {
  // profile
  status(): Promise<Status>
  /** Makes a profile; `passphrase: null` keeps the key in a 0600 file. `phrase`: the 24 recovery words. */
  createProfile(args: { name: string; passphrase: string | null }): Promise<{ self: Self; phrase: string }>
  unlock(args: { passphrase: string }): Promise<Self>
  /** The 24 recovery words again. Rejects `passphrase-wrong` unless `passphrase` is the profile's, `null` where it has none. */
  recoveryPhrase(args: { passphrase: string | null }): Promise<{ phrase: string }>
  rename(args: { name: string }): Promise<Self>
  stop(): Promise<void>

  // contacts
  contacts(): Promise<readonly Contact[]>
  /** `to`: an exact id, else a case-folded name. Rejects `contact-unknown` or `contact-ambiguous`. */
  contact(args: { to: string }): Promise<Contact>
  createInvite(args: { uses?: number; expiresInSeconds?: number; file?: boolean }): Promise<Invite>
  /**
   * Accepts a link. Resolves once the contact is stored and the first try to reach the inviter ended: `invited` if nobody
   * answered yet (tried again by itself), `active` once the first message, which carries my name, was stored there.
   */
  addContact(args: { link: string; name?: string }): Promise<Contact>
  renameContact(args: { to: string; name: string }): Promise<Contact>
  blockContact(args: { to: string }): Promise<Contact>
  unblockContact(args: { to: string }): Promise<Contact>
  /** Removes the contact and the conversation from this device. */
  removeContact(args: { to: string }): Promise<Contact>
  /** 60 digits in groups of five, the same on both sides. */
  safetyNumber(args: { to: string }): Promise<{ contact: Contact; number: string }>
  /** Marks as verified if `number` (spaces ignored) equals the safety number, else rejects `number-differs`. `number: null`: takes the mark away. */
  verifyContact(args: { to: string; number: string | null }): Promise<Contact>
  /** Whether they are told, and reached at, relayed addresses alone. What they were told before, they know. */
  setRelayOnly(args: { to: string; on: boolean }): Promise<Contact>
  /** Whether their node shall carry mail for me while I am away. */
  setCarrier(args: { to: string; on: boolean }): Promise<Contact>
  /** Tries to reach the contact (or everybody) at once instead of when its turn comes. */
  reachNow(args: { to?: string }): Promise<void>

  // network
  /** Whether this node relays for contacts: it does unless it is told not to. Off, places end at once, and what they carry. */
  setRelaying(args: { forContacts: boolean }): Promise<void>

  // nearby
  /** Is visible on this network by the profile's name for `seconds`, and looks who is. The list comes as `nearby` events; 0 hides. */
  nearby(args: { seconds: number }): Promise<readonly NearbyPeer[]>
  /** Wants to pair. Resolves with the six digits when the other side wants it too; rejects `timeout`. */
  pair(args: { peer: string; timeoutSeconds: number }): Promise<{ peer: string; code: string }>
  /** The person (`byPerson`, which verifies) or a script says the digits are equal. Resolves when both did and the contact is stored. */
  confirmPairing(args: { peer: string; byPerson: boolean; timeoutSeconds: number }): Promise<Contact>
  cancelPairing(args: { peer: string }): Promise<void>

  // messages
  conversations(): Promise<readonly Conversation[]>
  conversation(args: { to: string }): Promise<Conversation>
  /**
   * Stored when it resolves. At most 16 384 bytes of UTF-8. `key`, 16 to 64 characters chosen by the caller at random, says
   * which calls are one: a call with the key of an earlier one sends nothing, and resolves with the message of that one as it
   * now is. Keys are known as long as this node runs (`startedAt`), the last 1000 of them.
   */
  send(args: { to: string; text: string; replyTo?: MessageId; key?: string }): Promise<Message>
  message(args: { id: MessageId }): Promise<Message>
  /**
   * Of one conversation, oldest first, at most `limit` (50, at most 500): the newest; the newest before `before`; the oldest
   * after `after`; or `around` and its neighbours, `limit` / 2 on each side. At most one of the three; `search` not with the
   * last two.
   */
  history(args: {
    to: string
    limit?: number
    before?: MessageId
    after?: MessageId
    around?: MessageId
    search?: string
  }): Promise<readonly Message[]>
  /** Over all conversations, newest first. */
  search(args: { text: string; limit?: number }): Promise<readonly Message[]>
  /** Everything up to and with this message of theirs was shown to a person. */
  markRead(args: { to: string; upTo: MessageId }): Promise<void>
  setDraft(args: { to: string; text: string }): Promise<void>

  /** Leaves a `failed` message of mine with carriers once more. */
  sendAgain(args: { id: MessageId }): Promise<Message>

  // mail by hand
  /**
   * What waits for the contact (or everybody), sealed, as a piece of a file: base64, of which the file is made
   * one after the other. `after` names the next one; `null`: there is none.
   */
  exportMail(args: { to?: string; after?: number }): Promise<MailPiece>
  /**
   * Takes in a piece of such a file, base64. `delivered`: for me, and new; `kept`: for somebody whose mail this node carries.
   * Rejects `mail-foreign` for what is no such file; `damaged`: something of the piece is not as it was written.
   */
  importMail(args: { piece: string }): Promise<MailTaken>

  // events
  /** Stored events after `since`, oldest first, at most `limit` (500); the live ones come through {@link EventSource}. */
  events(args: { since: string; limit?: number }): Promise<readonly NodeEvent[]>
}

/** How a holder of a NodeApi in this process hears events; over a wire the door pushes the same objects. */
export interface EventSource {
  subscribe(listener: (event: AnyEvent) => void): () => void
}

export type Node = NodeApi & EventSource

/** What the local door adds to a node's calls, for the command line. */
export interface DoorApi {
  /** Makes a fresh single-use code for the app window, valid 60 seconds: `url` carries the code in its fragment. */
  openCode(): Promise<{ url: string }>
  /** Process id of the holder, the app's address without a code (`null`: no door), and how far it is. */
  holder(): Promise<{ pid: number; url: string | null; state: HolderState }>
}

/** `claiming`: does not know yet whether it may have the profile; `stopping`: about to give it free. */
export type HolderState = 'claiming' | 'starting' | 'running' | 'stopping'
