/**
 * The one decision function: what one input changes, and what should happen.
 *
 *     input ─▶ step ─▶ changes in the draft (rows, residents, effects)     many inputs a batch
 *              end  ─▶ frames for whoever is owed something                once a batch
 *
 * Invariants, each with a planted fault in `test/sim`:
 *   1. nothing is acknowledged before what it acknowledges is in the same batch's writes;
 *   2. no byte of a frame leaves before the frame and its session's new state are in the same batch's writes;
 *   3. one counter of one author stands for one message, and is stored once;
 *   4. a frame is resent with the same bytes until acknowledged, or dropped with its session and its texts owed again;
 *   5. my texts leave in the order of their counters;
 *   6. a contact that is blocked is neither heard nor answered;
 *   7. nothing a remote sends makes a step throw.
 */
import { type AccountId, ADDRESS_COUNT, isRelayed } from '../../protocol/index.ts'
import { regroup, renewGrants } from './audiences.ts'
import { openBoxes, regroupBoxes, setCarrier } from './boxes.ts'
import { answerBundle, currentPrekey, reachStranger, takeBundle } from './bundles.ts'
import { exportMail, importMail } from './by-hand.ts'
import { closeBoxes, handOver, openBox, putMail, regroupCarried, takeTaken } from './carrying.ts'
import { takeLetters } from './collecting.ts'
import type { Command } from './command.ts'
import { acknowledge } from './confirmations.ts'
import { answerAdding, changeContact, confirmSecret, devicesOf, want } from './contact-rows.ts'
import {
  addContact,
  addPaired,
  block,
  createInvite,
  expectPaired,
  relayOnly,
  remove,
  renameContact,
  unblock,
  verify,
} from './contacts.ts'
import { markRead, send, setDraft } from './conversations.ts'
import type { Draft, Steps } from './draft.ts'
import { type Env, reply } from './env.ts'
import { receiveFrames } from './frames.ts'
import type { Input } from './input.ts'
import { beginLooking, lookFor, lookNow, lookUp, takeLookedUp } from './finding.ts'
import { flush, isUnderWay, oweAddresses, resume, seenNow, touchAll } from './outbox.ts'
import { planPost, postDue, postNow, takeDeposited } from './post.ts'
import { sendAgain } from './posted.ts'
import { quietFrom } from './quiet.ts'
import { moved, publish, rememberServers, withRelayed } from './publishing.ts'
import { askToRepair, takeRefusal } from './sessions.ts'
import { onTimer } from './upkeep.ts'

type Told<T extends Input['type']> = Extract<Input, { type: T }>

export function* step(draft: Draft, env: Env, input: Input): Steps<void> {
  switch (input.type) {
    case 'command':
      return yield* command(draft, env, input)
    case 'connected':
      return yield* connected(draft, env, input)
    case 'reached-stranger':
      return yield* reachStranger(draft, input)
    case 'disconnected':
      return yield* disconnected(draft, env, input)
    case 'not-reached':
      return notReached(draft, env, input.contact)
    case 'frames':
      return yield* receiveFrames(draft, env, input)
    case 'acknowledged':
      return acknowledged(draft, env, input)
    case 'no-session':
      return yield* takeRefusal(draft, input)
    case 'bundle-asked':
      return answerBundle(draft, env, input)
    case 'bundle-answered':
      return yield* takeBundle(draft, env, input)
    case 'addresses':
      return addresses(draft, env, input)
    case 'looked-up':
      return yield* takeLookedUp(draft, env, input)
    case 'dht-servers':
      return rememberServers(draft, env, input.addresses)
    case 'deposited':
      return yield* takeDeposited(draft, env, input)
    case 'mail-put':
      return yield* putMail(draft, env, input)
    case 'box-opened':
      return openBox(draft, input)
    case 'letters':
      return yield* takeLetters(draft, env, input)
    case 'letters-taken':
      return yield* takeTaken(draft, input)
    case 'timer':
      return yield* onTimer(draft, env)
  }
}

/** Ends a batch: what is owed to devices that were touched becomes frames, what was told becomes event rows. */
export function* end(draft: Draft, env: Env): Steps<void> {
  if (draft.due.regroup) regroupAll(draft, env)
  for (const device of draft.dirty) {
    yield* flush(draft, env, device)
    planPost(draft, env, device)
  }
  draft.dirty.clear()
  if (draft.due.post) postNow(draft, env)
  yield* postDue(draft, env)
  yield* handOver(draft)
  if (draft.due.publish) publish(draft, env)
  if (draft.due.look) lookUp(draft, env)
  if (draft.hasNewText) quietFrom(draft, env)
  draft.recordTold(env.now)
}

/** Contacts came or left: who belongs to our audiences, has our tokens, and is carried for. */
function regroupAll(draft: Draft, env: Env): void {
  regroup(draft, env)
  regroupBoxes(draft, env)
  regroupCarried(draft)
}

/** What the net must be told at start, once. */
export function* begin(draft: Draft, env: Env): Steps<void> {
  quietFrom(draft, env)
  draft.effect({ type: 'relay', forContacts: draft.self.row.relaysForContacts })
  for (const [id] of draft.maps.contacts.entries()) want(draft, id)
  regroupAll(draft, env)
  renewGrants(draft, env)
  beginLooking(draft, env)
  touchAll(draft)
  yield* onTimer(draft, env)
}

function* command(draft: Draft, env: Env, asked: Command): Steps<void> {
  quietFrom(draft, env)
  switch (asked.name) {
    case 'rename':
      return rename(draft, asked.id, asked.to)
    case 'create-invite':
      return createInvite(draft, env, asked.id, asked)
    case 'add-contact':
      return yield* addContact(draft, env, asked.id, asked)
    case 'add-paired':
      return addPaired(draft, env, asked.id, asked)
    case 'expect-paired':
      return expectPaired(draft, env, asked.id, asked)
    case 'current-bundle':
      return reply(draft, asked.id, currentPrekey(draft, env).bundle.bytes)
    case 'rename-contact':
      return renameContact(draft, asked.id, asked)
    case 'block':
      return block(draft, asked.id, asked)
    case 'unblock':
      return unblock(draft, asked.id, asked)
    case 'remove':
      return remove(draft, asked.id, asked)
    case 'verify':
      return verify(draft, asked.id, asked)
    case 'relay-only':
      return relayOnly(draft, env, asked.id, asked)
    case 'carrier':
      return setCarrier(draft, env, asked.id, asked)
    case 'export-mail':
      return yield* exportMail(draft, env, asked.id, asked)
    case 'import-mail':
      return yield* importMail(draft, env, asked.id, asked)
    case 'send-again':
      return yield* sendAgain(draft, env, asked.id, asked)
    case 'send':
      return send(draft, env, asked.id, asked)
    case 'mark-read':
      return markRead(draft, asked.id, asked)
    case 'set-draft':
      return setDraft(draft, asked.id, asked)
    case 'set-relaying':
      return setRelaying(draft, asked.id, asked.forContacts)
    case 'reach-now':
      for (const [id] of draft.maps.contacts.entries())
        if (asked.contact === null || asked.contact === id) want(draft, id, true)
      lookNow(draft, env, asked.contact)
      return reply(draft, asked.id, null)
  }
}

function rename(draft: Draft, id: number, name: string): void {
  const row = { ...draft.self.row, name, nameVersion: draft.self.row.nameVersion + 1 }
  draft.self = { ...draft.self, row }
  draft.put('profile', 'self', row)
  touchAll(draft)
  reply(draft, id, null)
}

function setRelaying(draft: Draft, id: number, forContacts: boolean): void {
  const row = { ...draft.self.row, relaysForContacts: forContacts }
  draft.self = { ...draft.self, row }
  draft.put('profile', 'self', row)
  draft.effect({ type: 'relay', forContacts })
  reply(draft, id, null)
}

function* connected(draft: Draft, env: Env, input: Told<'connected'>): Steps<void> {
  const { connection, contact, device, via, relayedBy = null, punched = false } = input
  const known = draft.maps.contacts.get(contact)
  if (known === undefined || known.row.state === 'blocked') return draft.effect({ type: 'close', connection })
  draft.maps.connections.set(connection, {
    contact,
    device,
    via,
    relayedBy,
    punched,
    asking: null,
    refused: false,
    askedHead: null,
    warned: false,
    stored: 0,
    remade: 0,
  })
  draft.maps.links.set(device, connection)
  for (const [other, link] of draft.maps.connections.entries()) {
    if (link.contact === contact && link.device === null) draft.effect({ type: 'close', connection: other })
  }
  changeContact(draft, contact, { lastSeenAt: env.now })
  draft.maps.searches.delete(contact)
  draft.tell({ t: 'connection', c: contact, via })
  if (known.row.state === 'active' && known.row.invite !== null) knownAfterAll(draft, contact)
  if ((draft.maps.sessions.get(device) ?? []).length === 0) yield* askToRepair(draft, env, connection, contact, device)
  yield* resume(draft, device)
  openBoxes(draft, connection)
  draft.due.post = true
}

/** Somebody who was added once more recognised us. */
function knownAfterAll(draft: Draft, contact: AccountId): void {
  changeContact(draft, contact, { invite: null, problem: null })
  answerAdding(draft, contact)
  want(draft, contact)
}

function* disconnected(draft: Draft, env: Env, { connection }: Told<'disconnected'>): Steps<void> {
  const gone = draft.maps.connections.get(connection)
  if (gone === undefined) return
  draft.maps.connections.delete(connection)
  closeBoxes(draft, connection)
  if (gone.device === null) return
  const link = draft.maps.links.get(gone.device)
  if (link !== connection) {
    // A carrier may have been handing over on the one that is gone.
    if (link !== undefined) openBoxes(draft, link)
    return
  }
  draft.maps.links.delete(gone.device)
  seenNow(draft, gone.contact, env.now)
  for (const [other, link] of draft.maps.connections.entries()) {
    if (link.device !== gone.device) continue
    draft.maps.links.set(gone.device, other)
    openBoxes(draft, other)
    return yield* resume(draft, gone.device)
  }
  draft.dirty.add(gone.device)
  draft.tell({ t: 'connection', c: gone.contact, via: null })
}

function acknowledged(draft: Draft, env: Env, { connection, ids }: Told<'acknowledged'>): void {
  const link = draft.maps.connections.get(connection)
  if (link === undefined) return
  if (link.device !== null) return acknowledge(draft, env, link.device, ids)
  // The INIT arrived where they could not know us: from now on they do.
  const device = devicesOf(draft, link.contact).find((one) => isUnderWay(draft, one, ids))
  if (device === undefined) return
  acknowledge(draft, env, device, ids)
  confirmSecret(draft, link.contact)
  draft.effect({ type: 'hello-again', connection, contact: link.contact })
}

function addresses(draft: Draft, env: Env, input: Told<'addresses'>): void {
  if (input.whereabouts !== undefined) moved(draft, env, input.whereabouts)
  const told = withRelayed(input.addresses, isRelayed, ADDRESS_COUNT)
  if (draft.self.row.addresses.join(' ') !== told.join(' ')) oweAddresses(draft, env, told)
}

/** The round ended without them: whoever waits for it is answered, and the DHT is asked. */
function notReached(draft: Draft, env: Env, contact: AccountId): void {
  answerAdding(draft, contact)
  lookFor(draft, env, contact)
}
