/**
 * Rows of our boxes, for those who work with them: `boxes.ts` chooses carriers, `tokens.ts` gives tokens out.
 */
import { type AccountId, fromBase32 } from '../../protocol/index.ts'
import type { BoxRow } from '../store/records.ts'
import { devicesOf } from './contact-rows.ts'
import type { Draft } from './draft.ts'

type KeyedBox = readonly [key: string, row: BoxRow]

export function putBox(draft: Draft, key: string, row: BoxRow): void {
  draft.maps.boxes.set(key, row)
  draft.put('box', key, row)
}

/** The newest box that was asked of a carrier, or taken back. */
export function requestTo(draft: Draft, carrier: AccountId): KeyedBox | undefined {
  const all = [...draft.maps.boxes.entries()].filter(([, row]) => row.carrier === carrier)
  return all.sort(([, a], [, b]) => b.version - a.version)[0]
}

/** Those that others are told of, in the order in which they were chosen. */
export const usable = (draft: Draft): readonly KeyedBox[] =>
  [...draft.maps.boxes.entries()].filter(([, { state }]) => state === 'kept').sort(([, a], [, b]) => a.order - b.order)

export const isActive = (draft: Draft, contact: AccountId): boolean =>
  draft.maps.contacts.get(contact)?.row.state === 'active'

/** Something is owed to all devices of a contact. */
export function touchDevices(draft: Draft, contact: AccountId): void {
  for (const device of devicesOf(draft, contact)) draft.dirty.add(device)
}

export function bytesOf(key: string): Uint8Array {
  const bytes = fromBase32(key)
  if (bytes === undefined) throw new Error(`"${key}" is no box`)
  return bytes
}
