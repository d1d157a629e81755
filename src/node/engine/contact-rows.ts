/**
 * Contacts, conversations and deliveries as rows: every change of one goes through here, so that what is at hand and
 * what is stored never differ.
 */
import {
  type AccountId,
  type AccountKey,
  compareDeviceLogs,
  type DeviceId,
  type DeviceLog,
  NO_RANGES,
} from '../../protocol/index.ts'
import type { ContactRow, ConversationRow, DeliveryRow, GrantRow } from '../store/records.ts'
import type { Draft } from './draft.ts'
import { reply } from './env.ts'

export function putContact(draft: Draft, id: AccountId, row: ContactRow, log: DeviceLog | null): void {
  const known = draft.maps.contacts.get(id)?.row
  if (known?.state !== row.state || known.relayOnly !== row.relayOnly) draft.due.regroup = true
  draft.maps.contacts.set(id, { row, log })
  draft.put('contact', id, row)
}

/** Changes some fields of a contact that exists. */
export function changeContact(draft: Draft, id: AccountId, change: Partial<ContactRow>): void {
  const known = draft.maps.contacts.get(id)
  if (known === undefined) throw new Error('changeContact: no such contact')
  putContact(draft, id, { ...known.row, ...change }, known.log)
}

/** Takes a log that is newer than the one that is known; one that contradicts it is told, and not believed. */
export function learnLog(draft: Draft, id: AccountId, log: DeviceLog): void {
  const known = draft.maps.contacts.get(id)
  if (known === undefined) throw new Error('learnLog: no such contact')
  if (!logAgrees(draft, id, known.log, log)) return
  if (known.log !== null && compareDeviceLogs(known.log, log) !== 'newer') return
  putContact(draft, id, { ...known.row, deviceLog: log.bytes }, log)
  draft.tell({ t: 'contact', c: id })
}

/** The devices of a contact that are live in its log. */
export function devicesOf(draft: Draft, id: AccountId): readonly DeviceId[] {
  return draft.maps.contacts.get(id)?.log?.devices.map((device) => device.id) ?? []
}

export function putConversation(draft: Draft, id: AccountId, row: ConversationRow): void {
  draft.maps.conversations.set(id, row)
  draft.put('conversation', id, row)
}

/** The conversation, made if it is the first time. */
export function conversationOf(draft: Draft, id: AccountId): ConversationRow {
  const known = draft.maps.conversations.get(id)
  if (known !== undefined) return known
  const row: ConversationRow = {
    number: ++draft.numbers.conversation,
    lamport: 0,
    counter: 0,
    received: NO_RANGES,
    shown: NO_RANGES,
    known: 0,
    differing: NO_RANGES,
    receiptVersion: 0,
    lastSeq: 0,
    lastAt: 0,
    draft: '',
  }
  putConversation(draft, id, row)
  return row
}

/** Makes a receipt due, although nothing new arrived: the other side seems not to know what is here. */
export function oweReceipt(draft: Draft, id: AccountId): void {
  const row = conversationOf(draft, id)
  putConversation(draft, id, { ...row, receiptVersion: row.receiptVersion + 1 })
}

export function putDelivery(draft: Draft, device: DeviceId, row: DeliveryRow): void {
  draft.maps.deliveries.set(device, row)
  draft.put('delivery', device, row)
}

export function deliveryOf(draft: Draft, device: DeviceId, contact: AccountId): DeliveryRow {
  const known = draft.maps.deliveries.get(device)
  if (known !== undefined) return known
  const row: DeliveryRow = {
    contact,
    cursor: 0,
    sent: NO_RANGES,
    delivered: NO_RANGES,
    read: NO_RANGES,
    facts: {},
    awaitsReceipt: false,
    comparing: null,
    asked: null,
    boxes: 0,
    stored: [],
  }
  putDelivery(draft, device, row)
  return row
}

export function putGrant(draft: Draft, device: DeviceId, row: GrantRow): void {
  draft.maps.grants.set(device, row)
  draft.put('grant', device, row)
}

/** The other side has our newest secret. */
export function confirmSecret(draft: Draft, contact: AccountId): void {
  const [newest, ...older] = draft.maps.contacts.get(contact)?.row.secrets ?? []
  if (newest === undefined || newest.confirmed) return
  changeContact(draft, contact, { secrets: [{ ...newest, confirmed: true }, ...older] })
}

/** Answers a waiting `add` with the contact as it now is. */
export function answerAdding(draft: Draft, contact: AccountId): void {
  const waiting = draft.maps.adding.get(contact)
  if (waiting === undefined) return
  draft.maps.adding.delete(contact)
  reply(draft, waiting.command, contact)
}

/** Whether two logs of one account agree. If not, it is an alarm, and nothing of the new one is believed. */
export function logAgrees(draft: Draft, id: AccountId, known: DeviceLog | null, next: DeviceLog): boolean {
  if (known === null || compareDeviceLogs(known, next) !== 'fork') return true
  const text = `The devices of ${id} contradict each other: somebody may be using that account's key. Compare safety numbers.`
  draft.tell({ t: 'warning', text })
  return false
}

/** A contact of whom nothing is known but the key. */
export function newContact(accountKey: AccountKey, state: 'invited' | 'active', now: number): ContactRow {
  return {
    accountKey,
    state,
    stateBeforeBlock: null,
    givenName: null,
    ownName: null,
    ownNameVersion: 0,
    deviceLog: null,
    verified: false,
    secrets: [],
    addresses: [],
    addressVersion: 0,
    addedAt: now,
    lastSeenAt: null,
    invite: null,
    problem: null,
    repairs: [],
    relayOnly: false,
    audience: null,
    grantVersion: 0,
    grantEpoch: 0,
    found: null,
  }
}

/** Whether a device of the contact is at the other end of a connection. */
export function isReached(draft: Draft, id: AccountId): boolean {
  for (const [, { contact, device }] of draft.maps.connections.entries())
    if (contact === id && device !== null) return true
  return false
}

/** Tells the net how much this contact is wanted now. */
export function want(draft: Draft, id: AccountId, now = false): void {
  const row = draft.maps.contacts.get(id)?.row
  if (row === undefined || row.state === 'blocked' || row.problem !== null) {
    draft.effect({ type: 'unwant', contact: id })
    return
  }
  draft.effect({
    type: 'want',
    contact: id,
    addresses: row.addresses,
    stranger: row.invite !== null,
    now,
    relayOnly: row.relayOnly,
    found: row.found,
  })
}
