/**
 * Golden bytes of slots, records and grants: what this version writes is what the first one wrote, and that is still read.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  checkRecord,
  decodeBundle,
  decodeContents,
  decodeGrant,
  openInviteRecord,
  openRecord,
  parseDhtKey,
  utf8,
} from '../../src/protocol/index.ts'
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { rendezvousVectors } from './make-rendezvous-vectors.ts'
import { NOW } from './people.ts'
import { hex, unhex } from './seeded.ts'

const stored: Record<string, string> = JSON.parse(
  readFileSync(new URL('../vectors/rendezvous.json', import.meta.url), 'utf8'),
)
const text = (name: string) => stored[name] ?? ''
const bytes = (name: string) => unhex(text(name))

test('every vector is made again, byte for byte', () => {
  expect(rendezvousVectors()).toEqual(stored)
})

test('the stored record and grant are still read', () => {
  const slot = parseDhtKey(utf8(text('slot in the DHT')))
  expect([slot?.kind, hex(slot!.name)]).toEqual(['rv1', text('slot name')])
  const head = checkRecord(p, 'rv1', slot!.name, bytes('record'), NOW)
  expect(head).toEqual({ seq: 258, notAfter: NOW + 49 * 3_600_000 })
  const grant = decodeGrant(bytes('grant'))!
  expect([String(grant.phase), String(grant.firstEpoch)]).toEqual([text('phase'), text('epoch')])
  expect(hex(grant.names[0]!)).toBe(text('slot name'))
  expect(decodeContents(bytes('grant in a message'))).toEqual([{ kind: 'grant', version: 258, grant }])
  const opened = openRecord(p, grant.readKey, slot!.name, bytes('record'))!
  expect(hex(opened.peerId)).toBe(text('PeerID'))
  expect(opened.addresses.map(hex).join(' ')).toBe(text('addresses'))
  expect([hex(opened.device), hex(opened.carrierHints)]).toEqual([text('device id'), text('carrier hints')])
  expect(opened.names.map(hex)).toEqual(grant.names.slice(1, 15).map(hex))
})

test('the stored record of an invite is still read', () => {
  const slot = parseDhtKey(utf8(text('invite slot in the DHT')))
  expect(checkRecord(p, 'iv1', slot!.name, bytes('invite record'), NOW)?.seq).toBe(1)
  const opened = openInviteRecord(p, bytes('invite secret'), bytes('invite record'))!
  expect(hex(decodeBundle(p, opened.bundle)!.hash)).toBe(text('bundle hash'))
  expect(opened.addresses).toHaveLength(1)
})
