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
