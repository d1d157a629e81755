/**
 * The engine's own bounds: what one node may choose. What two peers must agree on is in `src/protocol/limits.ts`.
 */

const SECOND = 1000
const HOUR = 3600 * SECOND
export const DAY = 24 * HOUR

/** Inputs folded into one commit: enough to share an fsync, few enough that a commit stays under some milliseconds. */
export const BATCH_INPUTS = 128
/** …and their bytes. */
export const BATCH_BYTES = 256 * 1024
/** …and of one connection, where others wait, too: so that nobody waits for all that somebody else sent. */
export const BATCH_SHARE = 32 * 1024

/** Frames made and not yet acknowledged, for one device: what is resent after a break. */
export const IN_FLIGHT_FRAMES = 256
/** …and their bytes: padded, with one more frame of 64 KiB, they stay below the net's credit of 1 MiB. */
export const IN_FLIGHT_BYTES = 384 * 1024

/**
 * Texts that wait together go into one frame up to this size: a step of the ratchet, a stored frame and an acknowledgement
 * cost the same for one text as for fifty. With the PQ part it stays below 16 KiB.
 */
export const PACKED_BYTES = 14 * 1024
/** What a text costs beside its own bytes: counters, time and an answered id. */
export const TEXT_OVERHEAD = 48
/** A claimed place in the order may run ahead of what is known by so much: more is a lie or a fault, and is cut. */
export const LAMPORT_LEAP = 1 << 24
/** Likewise for counters: whoever claims more has lost its own, or lies about ours. */
export const COUNTER_LEAP = 1 << 24
/** Texts given other counters by one receipt, for a profile that is an older copy: more wait for the next. */
export const MOVED_AT_ONCE = 1024
/** Texts looked up at once: about what one frame holds of ordinary ones. */
export const TEXTS_AT_ONCE = 64

/** Sessions kept for one pair of devices: one active, four that still receive (PROTOCOL §2). */
export const SESSIONS_A_DEVICE = 5
/** "Cannot decrypt" is believed so often in 24 hours. */
export const REPAIRS_A_DAY = 3

/** Signed prekeys are made anew weekly and kept 30 days beyond (PROTOCOL §2). */
export const PREKEY_FRESH = 7 * DAY
export const PREKEY_KEPT = 37 * DAY
/** Hashes of INITs are kept as long as a prekey that could open them. */
export const INIT_REMEMBERED = PREKEY_KEPT + DAY
/** Frames whose acknowledgement was lost are sent again when the two meet next: after that a refusal costs them a new frame. */
export const FRAME_REMEMBERED = 30 * DAY
/** So many refused frames are made anew on one connection: more is a game. */
export const REMADE_A_CONNECTION = 256
export const EVENTS_KEPT = 7 * DAY
export const SKIPPED_KEPT = 30 * DAY
/** A used or expired invite is remembered so that its second user is told the truth. */
export const INVITE_REMEMBERED = 30 * DAY
/** Skipped message keys of one session (PROTOCOL §2). */
export const SKIPPED_A_SESSION = 4000
/** The contact secret is drawn anew each month; the one before stays valid 40 days. */
export const SECRET_FRESH = 30 * DAY
export const SECRET_KEPT = 40 * DAY

/**
 * Contact secrets of one contact: the one that is being introduced, and two of before: two people who add each other at the same
 * moment have two, and each may show itself by the other's.
 */
export const SECRETS_KNOWN = 3

/** Contacts of one audience, and shared audiences of a device (PROTOCOL §5): one record a day each. */
export const AUDIENCE_MEMBERS = 16
export const AUDIENCES_SHARED = 32
/** Shared audiences with room at one time: among so many a newcomer is drawn, so that who shares one says nothing. */
export const AUDIENCES_OPEN = 4
/** A grant is made anew when fewer names than these lie ahead. */
export const SLOTS_AHEAD = 10
/** Slots whose last `seq` is remembered: those of some days, and of clocks that were wrong. */
export const SLOTS_COUNTED = 16
/** Open invites that are kept in the DHT, those that last longest: each is 6.5 KiB at 20 servers, twice a day. */
export const INVITES_PUBLISHED = 32
/** Invites' records are sealed anew so often: they say themselves that they end after 48 hours. */
export const INVITE_RESEALED = 24 * HOUR
/** Of ten addresses in a record, at least so many relayed ones, if there are. */
export const RELAYED_TOLD = 3

/** Look-ups in the DHT within any minute. */
export const LOOKUPS_A_MINUTE = 6
export const LOOKUP_WINDOW = 60 * SECOND
/** Contacts that are looked for at start, before those with messages waiting. */
export const LOOKED_FOR_AT_START = 32
/**
 * Who was not found is looked for again after 15 s, then twice that, at most so long; where messages wait, at most an hour. Who
 * lost a path, as the one that relayed moved, publishes another a few seconds later.
 */
export const LOOKUP_AGAIN = 15 * SECOND
export const LOOKUP_AGAIN_MOST = 6 * HOUR
export const LOOKUP_AGAIN_OWED = HOUR
/** A DHT that was not there is asked for one contact after 5 s, then twice that, at most so long. */
export const DHT_AGAIN = 5 * SECOND
export const DHT_AGAIN_MOST = 5 * 60 * SECOND
/** The net answers every look-up; one that it did not answer for so long is made again. */
export const LOOKUP_PATIENCE = 120 * SECOND
/** Servers remembered for the next start. */
export const DHT_SERVERS = 64

/** Mail is left for a device that could not be reached for so long since something was written: most are back by then. */
export const MAIL_AFTER = 10 * SECOND
/** Carriers with which one frame is left; from a day on, one more. */
export const COPIES = 2
export const COPIES_LATER = 3
export const COPIES_LATER_AFTER = 24 * HOUR
/** Days for which a carrier is asked to keep an envelope; who has not had it by then is left another. */
export const LIFE_DAYS = 14
/** A frame is left with carriers so long; then its texts count as not collected, until a person wants them sent again. */
export const MAIL_GIVEN_UP = 30 * DAY
/** A carrier that was not reached is tried again after half a minute, then twice that, at most so long. */
export const DEPOSIT_AGAIN = 30 * SECOND
export const DEPOSIT_AGAIN_MOST = HOUR
/** The net answers every deposit; one that it did not answer for so long is made again. */
export const DEPOSIT_PATIENCE = 120 * SECOND
/** A box that is full, or refused REFUSALS tokens one after another, is left alone for so long. */
export const BOX_SHUT = HOUR
export const REFUSALS = 3
/** Running time is counted when somebody asks, and so often; a step that took longer was a wrong clock, or a sleeping machine. */
export const RUNNING_STEP = 30 * 60 * SECOND
export const RUNNING_STEP_MOST = 2 * RUNNING_STEP
/** Letters that a carrier hands over and are not taken yet, and their bytes: below the net's credit of 1 MiB. */
export const HAND_OVER_LETTERS = 64
export const HAND_OVER_BYTES = 512 * 1024
/** Letters whose time is over, and that go in one batch. */
export const ENDED_AT_ONCE = 64
/** Tokens are replaced after so long: what they were used for may have been lost. */
export const TOKENS_FRESH = 14 * DAY
/** Letters with no token that we know: one costs a trial for each device of every contact. So many are tried of those handed over at once. */
export const STRANGE_LETTERS = 4
/** Bytes of frames in one portion of an export: what one answer through a door holds. */
export const EXPORTED_AT_ONCE = 192 * 1024
/** Open invites whose tokens a carrier is told, those that last longest: with our own they stay below TOKEN_HASHES. */
export const INVITES_WITH_MAIL = 256
/** Names of a carrier's slots that stand in an invite's record, which is sealed anew each day. */
export const NAMES_FOR_GUESTS = 4
/** Guests of an invite that are remembered for mail which they leave by it. */
export const GUESTS_REMEMBERED = 16
/** Boxes that a person took back and whose keys are kept, for what still lies in them. */
export const BOXES_ENDED = 5

/** What one node carries and gives out: the engine's defaults, which a configuration may change. */
export interface MailLimits {
  /** Whether it carries for contacts that ask. */
  readonly carry: boolean
  /** Of one box, reserved when it is made; and of all boxes, in bytes. */
  readonly boxBytes: number
  readonly boxLetters: number
  readonly carriedBytes: number
  /** Good tokens of a box of ours: a fixed number, so that it tells nothing of how many senders there are. */
  readonly tokens: number
  /** Tokens that one device has at most. */
  readonly tokensEach: number
}

export const MAIL_LIMITS: MailLimits = {
  carry: true,
  boxBytes: 64 * 1024 * 1024,
  boxLetters: 5000,
  carriedBytes: 512 * 1024 * 1024,
  tokens: 1024,
  tokensEach: 128,
}

/** A node that nobody used for so long goes by another PeerID, up to so much later by lot; where it cannot, an hour later. */
export const QUIET = 24 * HOUR
export const QUIET_LOT = 12 * HOUR
export const RENEW_AGAIN = HOUR

/** How often housekeeping by date runs. */
export const MAINTENANCE_EVERY = 6 * HOUR
/** …and how soon it is tried again where the disk failed. */
export const TIMER_AGAIN = 60 * SECOND
/** `add` waits so long for the first answer before it says "invited". */
export const FIRST_TRY = 8 * SECOND
/** Invites open at once: more would be a mistake or a script gone wild. */
export const INVITES_OPEN = 1000
