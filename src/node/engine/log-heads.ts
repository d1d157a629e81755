/**
 * The heads of both device logs that every message names: what its sender has, and what it holds of ours. (docs/protocol.md, 2)
 *
 *     theirs is not in the log that is known ──▶ ask for their bundle: its log is newer (believed) or a fork (told)
 *     ours is not in our log                 ──▶ told: somebody gave them devices of ours that we do not have
 *
 * Holds: a message is taken whatever heads it names: its session proves the device; a head is asked about once a connection.
 */
import { type AccountId, type DeviceLog, equal, type Heads } from '../../protocol/index.ts'
import type { Draft } from './draft.ts'
import type { ConnectionId } from './input.ts'

export function compareHeads(draft: Draft, connection: ConnectionId, contact: AccountId, heads: Heads): void {
  const log = draft.maps.contacts.get(contact)?.log ?? null
  if (log !== null && !knows(log, heads.own)) askForLog(draft, connection, contact, heads.own)
  if (!isNone(heads.peer) && !knows(draft.self.log, heads.peer)) warn(draft, connection, contact)
}

/** A head that lies further back belongs to a message that was under way, or to a device that has not heard of the newest. */
const knows = (log: DeviceLog, head: Uint8Array): boolean =>
  log.chain.some(({ hash }) => equal(hash.subarray(0, head.length), head))

const isNone = (head: Uint8Array): boolean => head.every((byte) => byte === 0)

function askForLog(draft: Draft, connection: ConnectionId, contact: AccountId, head: Uint8Array): void {
  const link = draft.maps.connections.get(connection)
  if (link === undefined || link.asking !== null || (link.askedHead !== null && equal(link.askedHead, head))) return
  draft.maps.connections.set(connection, { ...link, asking: 'log', askedHead: head })
  draft.effect({ type: 'ask-bundle', connection, contact, inviteSecret: null })
}

function warn(draft: Draft, connection: ConnectionId, contact: AccountId): void {
  const link = draft.maps.connections.get(connection)
  if (link === undefined || link.warned) return
  draft.maps.connections.set(connection, { ...link, warned: true })
  const text = `${contact} was told of devices of yours that this one does not know: somebody may be using your account key. Compare safety numbers.`
  draft.tell({ t: 'warning', text })
}
