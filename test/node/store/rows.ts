/** Rows for the store's tests: small, distinct, and the same again for the same number. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type {
  AudienceRow,
  BoxRow,
  CarriedRow,
  ContactRow,
  ConversationRow,
  DeliveryRow,
  EventRow,
  FrameRow,
  GrantRow,
  LetterRow,
  MailRow,
  MessageRow,
  PrekeyRow,
  ProfileRow,
  RouteRow,
  SessionRow,
  SkippedRow,
  Write,
} from '../../../src/node/store/records.ts'
import { nodejsFiles } from '../../../src/node/store/sqlite-files.ts'
import { openSqlite } from '../../../src/node/store/sqlite.ts'
import type { Store } from '../../../src/node/store/store.ts'
import { type AccountId, type DeviceId, toBase32 } from '../../../src/protocol/index.ts'

export const KEY = bytes('database key', 32)
export const ANA = 'ana'.padEnd(52, 'a') as AccountId
export const ANAS_PHONE = 'phone'.padEnd(26, 'a') as DeviceId
export const NOON = 1_800_000_000_000

/** Bytes that a name stands for. */
export function bytes(name: string, length = 16): Uint8Array {
  const hash = createHash('shake256', { outputLength: length }).update(name).digest()
  return new Uint8Array(hash)
}

export function messageRow(seq: number, over: Partial<MessageRow> = {}): MessageRow {
  return {
    seq,
    id: bytes(`message ${seq}`),
    conversation: 1,
    author: 1,
    counter: seq,
    lamport: seq,
    sentAt: NOON + seq,
    receivedAt: NOON + seq + 1,
    replyTo: null,
    failed: null,
    text: `message number ${seq}`,
    ...over,
  }
}

export function putMessage(row: MessageRow): Extract<Write, { op: 'put'; table: 'message' }> {
  return { op: 'put', table: 'message', key: toBase32(row.id), row }
}

export function putMessages(...rows: readonly MessageRow[]): Write[] {
  return rows.map(putMessage)
}

export const profileRow: ProfileRow = {
  name: 'Ana',
  nameVersion: 1,
  accountKey: bytes('account', 32),
  accountEntropy: bytes('entropy', 32),
  deviceSigningSeed: bytes('signing', 32),
  deviceDhSeed: bytes('dh', 32),
  deviceLog: bytes('log', 200),
  listenPort: 40_123,
  addresses: ['/ip4/192.0.2.7/tcp/40123'],
  addressVersion: 2,
  dhtServers: ['/ip4/192.0.2.9/tcp/4001'],
  relaysForContacts: false,
  createdAt: NOON,
}

export const prekeyRow: PrekeyRow = {
  bundle: bytes('bundle', 1500),
  signedPrekeySeed: bytes('prekey', 32),
  kemSeed: bytes('kem', 64),
  sealSeed: bytes('seal', 32),
  createdAt: NOON,
}

export const conversationRow: ConversationRow = {
  number: 1,
  lamport: 7,
  counter: 3,
  received: [
    [1, 40],
    [42, 97],
  ],
  shown: [],
  known: 97,
  differing: [[96, 97]],
  receiptVersion: 4,
  lastSeq: 12,
  lastAt: NOON,
  draft: 'nearly said',
}

export const contactRow: ContactRow = {
  accountKey: bytes('account', 32),
  state: 'active',
  stateBeforeBlock: null,
  givenName: 'Ana',
  ownName: null,
  ownNameVersion: 0,
  deviceLog: null,
  verified: false,
  secrets: [{ generation: 1, secret: bytes('secret', 32), since: NOON, confirmed: true }],
  addresses: ['/ip4/192.0.2.1/tcp/4001'],
  addressVersion: 3,
  addedAt: NOON,
  lastSeenAt: null,
  invite: { secret: bytes('invite', 16), oneTimeKey: null, bundleHash: bytes('hash', 32), expiresAt: NOON },
  problem: null,
  repairs: [NOON, NOON + 1],
  relayOnly: false,
  audience: 'audience',
  grantVersion: NOON,
  grantEpoch: 20_000,
  found: { peerId: bytes('peer id', 38), addresses: [bytes('address', 8)] },
}

export const audienceRow: AudienceRow = {
  secret: bytes('audience secret', 32),
  phase: 3600,
  relayOnly: false,
  box: null,
  seqs: [{ epoch: 20_000, seq: 3 }],
}

export const grantRow: GrantRow = {
  contact: ANA,
  version: NOON,
  readKey: bytes('read key', 32),
  phase: 7200,
  slots: [{ epoch: 20_000, name: bytes('slot', 32) }],
  seen: { epoch: 20_000, seq: 2 },
}

export const deliveryRow: DeliveryRow = {
  contact: ANA,
  cursor: 4,
  sent: [[1, 4]],
  delivered: [[1, 3]],
  read: [],
  facts: { name: 1, receipt: 2, secret: 1, grant: 2 },
  awaitsReceipt: false,
  comparing: { from: 5, to: 9, asked: true, told: false },
  asked: null,
  boxes: NOON,
  stored: [bytes('stored')],
}

export function sessionRow(usedAt: number): SessionRow {
  return { device: ANAS_PHONE, contact: ANA, state: bytes(`state ${usedAt}`, 1100), createdAt: NOON, usedAt }
}

export function frameRow(counter: number): FrameRow {
  return {
    device: ANAS_PHONE,
    contact: ANA,
    session: 'session',
    bytes: bytes(`frame ${counter}`, 400),
    id: bytes(`frame id ${counter}`),
    from: counter,
    to: counter,
    facts: { name: 1, addresses: 2, receipt: 3, secret: 4, grant: 5 },
    made: 6000,
    away: true,
  }
}

export const boxRow: BoxRow = {
  carrier: ANA,
  order: 1,
  secret: bytes('box secret', 32),
  ownerSeed: bytes('owner seed', 32),
  version: NOON,
  good: [[1, 40]],
  known: [
    [1, 7],
    [9, 40],
  ],
  next: 41,
  state: 'kept',
  answered: NOON,
  carrierKey: bytes('carrier key', 32),
  grant: { readKey: bytes('carrier read key', 32), phase: 60, firstEpoch: 20_000, names: [bytes('name', 32)] },
}

export const carriedRow: CarriedRow = {
  owner: ANA,
  device: ANAS_PHONE,
  ownerKey: bytes('owner key', 32),
  carrierSeed: bytes('carrier seed', 32),
  audience: 'audience',
  version: NOON,
  state: 'kept',
  answer: NOON,
  epoch: 20_000,
  count: 2,
  bytes: 2048,
}

export const routeRow: RouteRow = {
  contact: ANA,
  version: NOON,
  boxes: [
    {
      box: bytes('box'),
      key: bytes('box key', 32),
      carrierKey: bytes('carrier key', 32),
      tag: bytes('tag'),
      readKey: bytes('carrier read key', 32),
      phase: 60,
      slots: [{ epoch: 20_000, name: bytes('name', 32) }],
      seen: { epoch: 20_000, seq: 3 },
      found: { peerId: bytes('peer id', 38), addresses: [bytes('address', 8)] },
      tokens: [bytes('token')],
      spent: [],
    },
  ],
}

export const mailRow: MailRow = {
  device: ANAS_PHONE,
  contact: ANA,
  box: bytes('box'),
  tag: bytes('tag'),
  id: bytes('envelope id'),
  bytes: bytes('envelope', 1024),
  frames: [7, 8],
  counters: [[4, 6]],
  accepted: null,
}

/** The letter of that number in a box. */
export function letterRow(box: string, number: number, until = NOON): LetterRow {
  return { box, id: bytes(`letter ${number}`), bytes: bytes(`letter ${number} of ${box}`, 1024), until }
}

export function putLetter(row: LetterRow): Extract<Write, { op: 'put'; table: 'letter' }> {
  return { op: 'put', table: 'letter', key: `${row.box}/${toBase32(row.id)}`, row }
}

export function skippedRow(at: number): SkippedRow {
  return { key: bytes(`skipped ${at}`, 32), at }
}

export function eventRow(at: number): EventRow {
  return { at, body: `{"type":"message","at":${at}}` }
}

/** An empty folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tulnic-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function openIn(folder: string, key = KEY): Promise<Store> {
  return openSqlite({ files: nodejsFiles(folder), key, path: folder })
}

/** Does all the housekeeping that is waiting. */
export async function tidyAll(store: Store): Promise<void> {
  while (await store.tidy());
}
