/**
 * Planted faults: what the laws of mail must find, at least two for each rule.
 */
import { type Fault, fault } from './planted.ts'

const ENVELOPE = 'envelope.ts'
const BOX = 'box.ts'
const CONTENT = 'mail-content.ts'
const FILE = 'mail-file.ts'
const AEAD = 'crypto/aead.ts'

const CHANGED = 'an envelope that was changed anywhere does not open'
const BOUND = 'an envelope is for one box, with one token, for one life'
const ONE_KEY = 'an envelope opens under one key, and says which'
const UNLINKED = 'two envelopes of one hand have in common what any two to that box have'
const ONE_FORM = 'what is in an envelope has one form'
const APART = 'keys and tokens of different uses have nothing in common'
const TAG =
  'who knows the account of a carrier knows it behind its tag, and two boxes of one carrier have nothing in common'
const VISIT = 'a proof is good for one role, purpose, box and pair of ends, for one visit'
const KEY = 'a proof is made by who has the key, and no key fits every proof'
const GOOD_KEYS = 'a key that fits every proof is told to nobody, and believed from nobody'
const FORM = 'what has not the form of an envelope is none, whoever is asked'
const ONCE = 'a box is told once in a list, with what it takes to use it'
const CUT = 'a file of an invite that was changed or cut is none'
const WRITTEN = 'a file of an invite has one form, line ends and spaces around lines aside'
const INVITE_FILE = 'invite-file.ts'
const ORDER = 'hashes of tokens travel in an order that tells nothing, each once'
const DAMAGED = 'of a damaged file of mail all that is whole is given, and nothing else'

/** Envelopes whose sealed part is bound to this and no more, at both ends. */
const boundTo = (data: string): (readonly [string, string])[] => [
  ['packed(frames), clear)', `packed(frames), ${data})`],
  ['bytes.subarray(CLEAR_BYTES), clear)', `bytes.subarray(CLEAR_BYTES), ${data})`],
]
/** Proofs over a transcript without one of its parts. */
const without = (what: string, from: string, to: string): Fault =>
  fault('a proof is of one visit', `${what} is not in it`, VISIT, BOX, [from, to])

export const FAULTS: readonly Fault[] = [
  fault('an envelope is of its box', 'it is of none', BOUND, ENVELOPE, ...boundTo('new Uint8Array(0)')),
  fault('an envelope is of its box', 'life and token count', BOUND, ENVELOPE, ...boundTo('clear.subarray(LIFE_AT)')),
  fault(
    'an envelope is of its box',
    'the AEAD has no associated data',
    BOUND,
    AEAD,
    ['nonce, plaintext, concat(label, associatedData))', 'nonce, plaintext, label)'],
    ['nonce, ciphertext, concat(label, associatedData))', 'nonce, ciphertext, label)'],
  ),
  fault(
    'an envelope is of its token',
    'box and life count',
    BOUND,
    ENVELOPE,
    ...boundTo('clear.subarray(0, TOKEN_AT)'),
  ),
  fault(
    'an envelope is of its token',
    'half of it counts',
    BOUND,
    ENVELOPE,
    ...boundTo('clear.subarray(0, TOKEN_AT + 8)'),
  ),
  fault(
    'an envelope is of its life and version',
    'not of its life',
    BOUND,
    ENVELOPE,
    ...boundTo('concat(clear.subarray(0, LIFE_AT), clear.subarray(TOKEN_AT))'),
  ),
  fault(
    'an envelope is of its life and version',
    'not of its version',
    CHANGED,
    ENVELOPE,
    ['bytes[0] !== VERSION || ', ''],
    ...boundTo('clear.subarray(1)'),
  ),

  fault('the commitment is checked', 'it is not', ONE_KEY, AEAD, [
    'if (!equal(keys.subarray(32), sealed.subarray(0, COMMITMENT_BYTES))) return undefined',
    '',
  ]),
  fault('the commitment is checked', 'its beginning is', ONE_KEY, AEAD, [
    'equal(keys.subarray(32), sealed.subarray(0, COMMITMENT_BYTES))',
    'equal(keys.subarray(32, 36), sealed.subarray(0, 4))',
  ]),

  fault('envelopes have nothing in common', 'a nonce is used twice', UNLINKED, AEAD, [
    'random(NONCE_BYTES)',
    'new Uint8Array(NONCE_BYTES)',
  ]),
  fault('envelopes have nothing in common', 'equal keys show as equal commitments', UNLINKED, AEAD, [
    'const nonce = random(NONCE_BYTES)\n  const keys = expand(p, key, concat(label, nonce), 64)',
    'const nonce = random(NONCE_BYTES)\n  const keys = expand(p, key, label, 64)',
  ]),
  fault('envelopes have nothing in common', 'a trace of the key stands at the end', UNLINKED, ENVELOPE, [
    'return concat(clear, seal(p, random, boxKey, LABELS.envelope, packed(frames), clear))',
    'const whole = concat(clear, seal(p, random, boxKey, LABELS.envelope, packed(frames), clear))\n  whole.set(p.sha256(boxKey).subarray(0, 8), whole.length - 8)\n  return whole',
  ]),

  fault('only an envelope is one', 'of any size', FORM, ENVELOPE, [
    ' && bytes.length === paddedSize(bytes.length)',
    '',
  ]),
  fault('only an envelope is one', 'of any number of bytes', FORM, ENVELOPE, [
    'bytes.length <= ENVELOPE_MOST_BYTES && ',
    '',
  ]),
  fault('only an envelope is one', 'for any number of days', FORM, ENVELOPE, [' && life <= ENVELOPE_LIFE_DAYS', '']),
  fault('only an envelope is one', 'for no day', FORM, ENVELOPE, [' && life >= 1', '']),
  fault('only an envelope is one', 'of any version', FORM, ENVELOPE, ['bytes[0] !== VERSION || ', '']),

  fault('an envelope has one form', 'padding is not looked at', ONE_FORM, ENVELOPE, [
    ' && plaintext.subarray(at).every((byte) => byte === 0)',
    '',
  ]),
  fault('an envelope has one form', 'any size will do', ONE_FORM, ENVELOPE, [
    'plaintext.length === plaintextBytes(at) && ',
    '',
  ]),
  fault('an envelope has one form', 'it may hold nothing', ONE_FORM, ENVELOPE, ['count >= 1 && ', '']),
  fault('an envelope has one form', 'a frame may be empty', ONE_FORM, ENVELOPE, ['length === 0 || room', 'room']),
  fault('an envelope has one form', 'frames have no bound together', ONE_FORM, ENVELOPE, [
    'length === 0 || room > ENVELOPE_ROOM || ',
    'length === 0 || ',
  ]),
  fault('an envelope has one form', 'frames have no bound in number', ONE_FORM, ENVELOPE, [
    ' && count <= FRAMES_IN_ENVELOPE',
    '',
  ]),
  fault(
    'an envelope has one form',
    'a frame may end behind it',
    ONE_FORM,
    ENVELOPE,
    [' || at > plaintext.length) return undefined', ') return undefined'],
    ['plaintext.length === plaintextBytes(at) && ', ''],
  ),

  fault('each key has one use', 'all devices have one', APART, BOX, [
    'concat(LABELS.boxKey, deviceIdBytes(sender))',
    'concat(LABELS.boxKey, deviceIdBytes(sender).fill(0))',
  ]),
  fault('each key has one use', 'the key of a hand box begins with its name', APART, BOX, [
    'concat(LABELS.handBoxKey, ends)',
    'concat(LABELS.handBox, ends)',
  ]),
  fault('each key has one use', "the key of an invite's hand box begins with its name", APART, BOX, [
    'key: derive(p, inviteSecret, LABELS.inviteHandBoxKey, 32)',
    'key: derive(p, inviteSecret, LABELS.inviteHandBox, 32)',
  ]),
  fault('each key has one use', 'a hand box serves both ways', APART, BOX, [
    'concat(deviceIdBytes(sender), deviceIdBytes(recipient))',
    'concat(...[sender, recipient].sort().map(deviceIdBytes))',
  ]),
  fault('each key has one use', 'an invite has one key for all boxes', APART, BOX, [
    'concat(LABELS.inviteBoxKey, box)',
    'LABELS.inviteBoxKey',
  ]),
  fault('each token is one', 'beyond 2^16 they repeat', APART, BOX, ['uint32(index)', 'uint32(index & 0xffff)']),
  fault('each token is one', 'an invite has the same for all boxes', APART, BOX, [
    'concat(LABELS.inviteToken, box, Uint8Array.of(index))',
    'concat(LABELS.inviteToken, Uint8Array.of(index))',
  ]),
  fault('each token is one', 'its hash is the token', APART, BOX, [
    'p.sha256(concat(LABELS.tokenHash, token)).slice(0, 16)',
    'token.slice()',
  ]),

  fault('the tag of a carrier', 'is the same for all boxes', TAG, BOX, [
    'concat(LABELS.carrierTag, box, carrierAccount)',
    'concat(LABELS.carrierTag, carrierAccount)',
  ]),
  fault('the tag of a carrier', 'says nothing of the carrier', TAG, BOX, [
    'concat(LABELS.carrierTag, box, carrierAccount)',
    'concat(LABELS.carrierTag, box)',
  ]),
  fault('the tag of a carrier', 'is the beginning of its account', TAG, BOX, [
    'p.sha256(concat(LABELS.carrierTag, box, carrierAccount)).slice(0, 16)',
    'carrierAccount.slice(0, 16)',
  ]),

  without('the role', "role === 'carrier' ? 1 : 2", '1'),
  without('the purpose', "purpose === 'leave' ? 1 : 2", '1'),
  without('the box', 'head, joined(box, ', 'head, joined('),
  without("the visitor's nonce", 'nonces.visitor, ', ''),
  without("the carrier's nonce", 'nonces.carrier, ', ''),
  without('the visitor', 'peers.visitor, ', ''),
  without('the carrier', ', peers.carrier)', ')'),
  without('where its parts end', 'head, joined(', 'head, concat('),

  fault('the key of a carrier is checked', 'any signature will do', KEY, BOX, [
    'return p.verify(publicKey, transcript, signature)',
    'return publicKey.length === 32 && transcript.length > 0 && signature.length === 64',
  ]),
  fault('the key of a carrier is checked', 'no signature is one too', KEY, BOX, [
    'return p.verify(publicKey, transcript, signature)',
    'return signature.length === 0 || p.verify(publicKey, transcript, signature)',
  ]),
  fault('the key of a carrier is checked', 'by the looser rules of ZIP 215', KEY, 'crypto/noble.ts', [
    'zip215: false',
    'zip215: true',
  ]),
  fault('the key of a carrier is checked', 'any 32 bytes are a key', GOOD_KEYS, CONTENT, [
    '(isSigningKey(key) ? key : undefined)',
    '(isSigningKey(key) ? key : key)',
  ]),
  fault('the key of a carrier is checked', 'a point of small order is one', GOOD_KEYS, 'crypto/points.ts', [
    '!ed25519.Point.fromBytes(bytes).isSmallOrder()',
    'ed25519.Point.fromBytes(bytes) !== undefined',
  ]),

  fault(
    'hashes are a set',
    'they are sent as they were made',
    ORDER,
    CONTENT,
    ['[...hashes].sort(compare)', '[...hashes]'],
    ['isAscending(hashes) ? hashes : undefined', 'hashes'],
  ),
  fault('hashes are a set', 'any order is taken', ORDER, CONTENT, [
    'isAscending(hashes) ? hashes : undefined',
    'isAscending(hashes) ? hashes : hashes',
  ]),
  fault('hashes are a set', 'one may stand twice', ORDER, CONTENT, [
    'compare(hashes[at - 1] ?? hash, hash) < 0',
    'compare(hashes[at - 1] ?? hash, hash) <= 0',
  ]),

  fault('a box is told once', 'or twice', ONCE, CONTENT, ['hasNoBoxTwice(boxes) ? boxes : undefined', 'boxes']),
  fault('a box is told once', 'or in a list of any length', ONCE, CONTENT, [
    'list(BOX_GRANT, 0, BOXES_OF_DEVICE)',
    'list(BOX_GRANT, 0, 99)',
  ]),
  fault('a box is told once', 'with any number of tokens', ONCE, CONTENT, [
    'parts(16, 0, BOX_TOKENS)',
    'parts(16, 0, 999)',
  ]),
  fault('a box is told once', 'with half a token', ONCE, 'wire/codec.ts', ['whole.length % size === 0', 'true']),

  fault('a file of an invite', 'its check is not compared', CUT, INVITE_FILE, [' || checked !== check(body)', '']),
  fault('a file of an invite', 'its check is of the link alone', CUT, INVITE_FILE, [
    'utf8(body))).subarray',
    'utf8(body.slice(0, 200)))).subarray',
  ]),
  fault('a file of an invite', 'its link is not read', WRITTEN, INVITE_FILE, [
    'decodeInvite(link) === undefined ? undefined',
    'link === undefined ? undefined',
  ]),
  fault('a file of an invite', 'it may be of any length', WRITTEN, INVITE_FILE, [
    'if (text.length > INVITE_FILE_CHARACTERS) return undefined',
    '',
  ]),
  fault('a file of an invite', 'its bundle may be of any length', WRITTEN, INVITE_FILE, [
    ' && bundle.length <= BUNDLE_BYTES',
    '',
  ]),
  fault(
    'a file of an invite',
    'more may stand in it',
    WRITTEN,
    INVITE_FILE,
    ['\\ncheck ([a-z2-7]{8})$/', '(?:\\nnote .*)?\\ncheck ([a-z2-7]{8})$/'],
    ['checked !== check(body)', '(checked !== check(body) && !text.includes("note"))'],
  ),
  fault('a file of an invite', 'a box may stand twice', WRITTEN, 'invite-box.ts', [
    'equal(first.box, second.box) ? undefined',
    'equal(first.box, second.box) ? boxes',
  ]),
  fault('a file of an invite', 'a box may have any key', WRITTEN, 'invite-box.ts', [
    '(isSigningKey(key) ? key : undefined)',
    '(isSigningKey(key) ? key : key)',
  ]),

  fault('what is left of a file', 'ids are not compared', DAMAGED, FILE, [
    ' && equal(envelopeId(p, envelope), id)',
    '',
  ]),
  fault('what is left of a file', 'its form is not looked at', DAMAGED, FILE, [
    'readEnvelope(envelope) !== undefined && ',
    '',
  ]),
  fault('what is left of a file', 'nothing behind the first damage is given', DAMAGED, FILE, [
    'else damaged++',
    'else break',
  ]),
  fault('what is left of a file', 'the end is not looked at', DAMAGED, FILE, [
    ' && equal(p.sha256(piece.subarray(0, at)), piece.subarray(at))',
    '',
  ]),
  fault(
    'what is left of a file',
    'more behind the end is nothing',
    DAMAGED,
    FILE,
    [
      'piece.length - at === HASH_BYTES && equal(p.sha256(piece.subarray(0, at)), piece.subarray(at))',
      'equal(p.sha256(piece.subarray(0, at)), piece.subarray(at, at + HASH_BYTES))',
    ],
    [' && said === piece.length - START', ''],
    ['length <= ENVELOPE_MOST_BYTES', 'length <= ENVELOPE_MOST_BYTES && length >= 1024'],
  ),
  fault('what is left of a file', 'its length is not looked at', DAMAGED, FILE, [
    ' && said === piece.length - START',
    '',
  ]),
  fault('what is left of a file', 'damage is not told', DAMAGED, FILE, ['isEnd && damaged === 0', 'isEnd']),
]
