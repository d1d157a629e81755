/**
 * Every label that separates one use of a key, hash or signature from all others, in one table.
 *
 * Holds: no label is a prefix of another (each ends in `/` and a version, and only there), and none is used twice; a
 * label that changes meaning gets a new version.
 */
import { utf8 } from './bytes.ts'

export const LABELS = {
  // identity
  accountSeed: utf8('tulnic/account-seed/1'),
  deviceId: utf8('tulnic/device-id/1'),
  deviceLogEntry: utf8('tulnic/device-log-entry/1'),
  deviceLogHead: utf8('tulnic/device-log-head/1'),
  safetyNumber: utf8('tulnic/safety-number/1'),
  // prekeys and invites
  bundle: utf8('tulnic/bundle/1'),
  bundleHash: utf8('tulnic/bundle-hash/1'),
  inviteCheck: utf8('tulnic/invite-check/1'),
  inviteKey: utf8('tulnic/invite-key/1'),
  inviteProof: utf8('tulnic/invite-proof/1'),
  bundleAnswer: utf8('tulnic/bundle-answer/1'),
  // content
  messageId: utf8('tulnic/message-id/1'),
  conversationId: utf8('tulnic/conversation-id/1'),
  textDigest: utf8('tulnic/text-digest/1'),
  // hello
  helloTagKey: utf8('tulnic/hello-tag-key/1'),
  helloTag: utf8('tulnic/hello-tag/1'),
  helloProofKey: utf8('tulnic/hello-proof-key/1'),
  helloProof: utf8('tulnic/hello-proof/1'),
  helloSignature: utf8('tulnic/hello-signature/1'),
  // nearby pairing
  pairingCommitment: utf8('tulnic/pairing-commitment/1'),
  pairingTranscript: utf8('tulnic/pairing-transcript/1'),
  pairingDigits: utf8('tulnic/pairing-digits/1'),
  pairingSecret: utf8('tulnic/pairing-secret/1'),
  pairingCardKey: utf8('tulnic/pairing-card-key/1'),
  pairingCard: utf8('tulnic/pairing-card/1'),
  pairingSignature: utf8('tulnic/pairing-signature/1'),
  // slots of the DHT
  audienceReadKey: utf8('tulnic/audience-read-key/1'),
  audienceSlot: utf8('tulnic/audience-slot/1'),
  audienceLead: utf8('tulnic/audience-lead/1'),
  rendezvousSeal: utf8('tulnic/rendezvous-seal/1'),
  rendezvousSignature: utf8('tulnic/rendezvous-signature/1'),
  inviteSlot: utf8('tulnic/invite-slot/1'),
  inviteSlotKey: utf8('tulnic/invite-slot-key/1'),
  inviteSlotSeal: utf8('tulnic/invite-slot-seal/1'),
  inviteSlotSignature: utf8('tulnic/invite-slot-signature/1'),
  // mail
  envelope: utf8('tulnic/mail-envelope/1'),
  envelopeId: utf8('tulnic/mail-envelope-id/1'),
  boxKey: utf8('tulnic/box-key/1'),
  boxToken: utf8('tulnic/box-token/1'),
  tokenHash: utf8('tulnic/token-hash/1'),
  boxProof: utf8('tulnic/box-proof/1'),
  carrierTag: utf8('tulnic/carrier-tag/1'),
  inviteBoxKey: utf8('tulnic/invite-box-key/1'),
  inviteToken: utf8('tulnic/invite-token/1'),
  handBox: utf8('tulnic/hand-box/1'),
  handBoxKey: utf8('tulnic/hand-box-key/1'),
  inviteHandBox: utf8('tulnic/invite-hand-box/1'),
  inviteHandBoxKey: utf8('tulnic/invite-hand-box-key/1'),
  inviteFileCheck: utf8('tulnic/invite-file-check/1'),
  // handshake
  pqxdh: utf8('tulnic/pqxdh/1'),
  transcript: utf8('tulnic/transcript/1'),
  init: utf8('tulnic/init/1'),
  initId: utf8('tulnic/init-id/1'),
  sessionId: utf8('tulnic/session-id/1'),
  frameId: utf8('tulnic/frame-id/1'),
  // ratchet
  ratchetStart: utf8('tulnic/ratchet-start/1'),
  rootKey: utf8('tulnic/root-key/1'),
  chainKey: utf8('tulnic/chain-key/1'),
  chainMessageKey: utf8('tulnic/chain-message-key/1'),
  pqStart: utf8('tulnic/pq-start/1'),
  pqAuthenticator: utf8('tulnic/pq-authenticator/1'),
  pqSecret: utf8('tulnic/pq-secret/1'),
  pqEpoch: utf8('tulnic/pq-epoch/1'),
  pqChainKey: utf8('tulnic/pq-chain-key/1'),
  pqChainMessageKey: utf8('tulnic/pq-chain-message-key/1'),
  pqEncapsulationKeyMac: utf8('tulnic/pq-ek-mac/1'),
  pqCiphertextMac: utf8('tulnic/pq-ct-mac/1'),
  // session message
  messageKey: utf8('tulnic/mk/1'),
  messageHeader: utf8('tulnic/message-header/1'),
  messageBody: utf8('tulnic/message-body/1'),
} as const
