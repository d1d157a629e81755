/**
 * Every bound on what a remote may send or make us keep, with its reason.
 *
 * Holds: a decoder refuses what is beyond a bound before it works on it.
 */

/** A name in code points: longer ones push everything else off a screen. */
export const NAME_CODE_POINTS = 64
/** A text in UTF-8 bytes: a long letter of ten pages; more is a file. */
export const TEXT_BYTES = 16_384
/** Plaintext of one session message: fits a frame of 64 KiB with its headers. */
export const CONTENTS_BYTES = 60 * 1024
/** Contents in one session message: what 60 KiB hold of the smallest texts, roughly. */
export const CONTENTS_COUNT = 1024
/** Counters, lamport times and versions: below, sums stay safe integers for ever. */
export const COUNTER_MOST = 2 ** 48
/** Ranges in one half of a receipt: 64 gaps are more than a working link leaves; the rest comes with the next. */
export const RECEIPT_RANGES = 64
/** Counters in one question what is stored under them, and digests in its answer: each is a text to be read and hashed. */
export const COMPARED_AT_ONCE = 256
/** Addresses of one device: more than ten only serve to make others dial. */
export const ADDRESS_COUNT = 10
/** An address in characters: `/ip6/…/tcp/…/ws` is below 70, and behind a relay, with two PeerIDs, below 200. */
export const ADDRESS_CHARACTERS = 256
/** Live devices of an account: a person has a handful, and each costs every sender a session. */
export const DEVICE_COUNT = 16
/** Entries of a device log: what a bundle has room for. Full is full: a checkpoint would be a new kind of entry. */
export const DEVICE_LOG_ENTRIES = 16
/** A device log in bytes: 16 entries of about 190, or fewer with a recovery of many devices. */
export const DEVICE_LOG_BYTES = 3400
/** A prekey bundle in bytes: 2.6 KiB of keys and signature, and the log. */
export const BUNDLE_BYTES = 6 * 1024
/** Binary part of an invite link: what a QR code of version 15 holds at level M, so that any phone reads it. */
export const INVITE_BYTES = 230
/** Address hints in an invite: what is left of it; 13 IPv4 or 4 IPv6 addresses. */
export const INVITE_ADDRESS_BYTES = 92
/** What is looked at for an invite link in a pasted text. */
export const INVITE_TEXT_CHARACTERS = 64 * 1024
/** One message of the pairing exchange (net/net.ts: 16 KiB). */
export const PAIRING_MESSAGE_BYTES = 16 * 1024
/** A record of an audience in the DHT, exactly: 14 names, ten addresses of the usual kinds, and what proves them. */
export const RENDEZVOUS_RECORD_BYTES = 1024
/** A record of an invite, exactly: any bundle of 6 KiB with ten IPv6 addresses, to a multiple of 512 (decision 0017). */
export const INVITE_RECORD_BYTES = 6656
/** How far ahead a record may say that it ends, in seconds: what one put can make strangers keep (72 hours). */
export const RECORD_SECONDS_AHEAD = 72 * 3600
/** An address in a record, in bytes of its multiaddress: a relayed one is 67, one with a certificate's hash 48. */
export const RECORD_ADDRESS_BYTES = 128
/** An Ed25519 PeerID as bytes: the identity multihash of its key. There are no others here (decision 0010). */
export const PEER_ID_BYTES = 38
/** Room in a record for what will say where mail may be left. */
export const CARRIER_HINT_BYTES = 64
/** Names of slots that a grant brings: a month, so that who is away for a holiday still finds the others. */
export const SLOTS_GRANTED = 30
/** Names of slots that each record brings: two weeks without a session or a look-up lose nobody. */
export const SLOTS_IN_RECORD = 14
/** Names of slots that a reader keeps of one audience: a month that is over, one that was granted; 2 KiB. */
export const SLOTS_KNOWN = 64
/** Days since 1970, up to the year 4707: below, sums stay small whatever a clock says. */
export const EPOCH_MOST = 1_000_000
/** A frame: contents, both headers, an INIT's bundle of keys and log. */
export const FRAME_BYTES = 64 * 1024

/** Frames in one envelope: as many as may be in flight for a device. */
export const FRAMES_IN_ENVELOPE = 256
/** Bytes of frames in one envelope: the largest frame, or as many small ones. */
export const ENVELOPE_ROOM = 64 * 1024
/** Days that an envelope may be kept: as long as a skipped message key lives. */
export const ENVELOPE_LIFE_DAYS = 30
/** Hashes of tokens that are good for one box at a time: 16 for each of 128 contacts; 32 KiB of one session message. */
export const TOKEN_HASHES = 2048
/** Boxes of one device: each further carrier costs every sender an envelope, and two hold what one may lose. */
export const BOXES_OF_DEVICE = 5
/** Tokens told of one box at a time: a message an hour for five days, without a session meanwhile. */
export const BOX_TOKENS = 128
/** Frames said to be stored at a time: as many as may be in flight. */
export const STORED_IDS = 256
/** Boxes told with an invite: two, as a sender uses; a third has no room in the record of a long bundle. */
export const INVITE_BOXES = 2
/** Envelopes that all guests of an invite together may leave in one box: an INIT, and three more tries or guests. */
export const INVITE_TOKENS = 4
/** A piece of a file of mail, in bytes: what is read into memory at once, and passes a local door as base64. */
export const MAIL_PIECE_BYTES = 704 * 1024
/** A file of an invite, in characters: a link, a bundle of 6 KiB and two boxes with 30 names, in base64url. */
export const INVITE_FILE_CHARACTERS = 12 * 1024

/** Message keys skipped in one chain at one step: what a month of unread mail of a talkative device may leave. */
export const SKIPPED_PER_STEP = 1000
/** The same in one post-quantum chain: it runs on while the other half turns, so one step may span two chains of that. */
export const PQ_SKIPPED_PER_STEP = 2 * SKIPPED_PER_STEP
/** Skipped keys of a session, both halves counted: all that one step may add. Beyond it the oldest go. */
export const SKIPPED_PER_SESSION = 4000
/** How long a skipped key or a superseded receive chain lives, in seconds: as long as the slowest mail (30 days). */
export const SKIPPED_SECONDS = 30 * 86_400
/** Superseded receive chains whose skipped keys may still be asked for: each costs every unknown frame one trial. */
export const OLD_CHAINS = 16
/** Post-quantum epochs whose receive chains are kept: keeping 1 lost messages under reordering. */
export const PQ_EPOCHS = 8
/** Own messages, or seconds, after which the owner of the next post-quantum epoch begins it. */
export const PQ_EPOCH_MESSAGES = 20
export const PQ_EPOCH_SECONDS = 3600
/** Counters of a session are 32 bits; one below the end it takes no more. */
export const COUNTER_MAX = 0xffff_ffff
