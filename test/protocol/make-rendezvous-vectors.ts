/**
 * Writes test/vectors/rendezvous.json: golden bytes of slots, records and grants.
 *
 *     node test/protocol/make-rendezvous-vectors.ts
 *
 * Only for a new version of one of these formats: vectors that exist are kept for ever.
 */
import { writeFileSync } from 'node:fs'
import {
  createAudience,
  createGrant,
  dhtKey,
  encodeContents,
  encodeGrant,
  epochOf,
  fromUtf8,
  inviteSlot,
  noble as p,
  readKey,
  sealInviteRecord,
  sealRecord,
  slotKeys,
} from '../../src/protocol/index.ts'
import { NOW, person } from './people.ts'
import { hex, seeded } from './seeded.ts'

/** Every vector by name, in hex or as the text that it is; the same on each call. */
export function rendezvousVectors(): Record<string, string> {
  const random = seeded(20260303)
  const audience = createAudience(random)
  const { secret, phase } = audience
  const epoch = epochOf(NOW, phase)
  const slot = slotKeys(p, secret, epoch)
  const [peerId, device, carrierHints] = [random(38), random(16), random(12)]
  const addresses = [random(8), random(22), random(67)]
  const record = sealRecord(
    p,
    random,
    secret,
    epoch,
    { seq: 258, nowMs: NOW + 1 },
    { peerId, addresses, device, carrierHints },
  )
  const grant = createGrant(p, audience, NOW)
  const alice = person(random)
  const inviteSecret = random(32)
  const invited = { bundle: alice.bundle.bytes, addresses: [random(8)], boxes: [] }
  const invite = sealInviteRecord(p, random, inviteSecret, { seq: 1, nowMs: NOW }, invited)
  return {
    'audience secret': hex(secret),
    phase: String(phase),
    epoch: String(epoch),
    'read key': hex(readKey(p, secret)),
    'slot seed': hex(slot.seed),
    'slot name': hex(slot.name),
    'slot in the DHT': fromUtf8(dhtKey('rv1', slot.name)) ?? '',
    PeerID: hex(peerId),
    addresses: addresses.map(hex).join(' '),
    'device id': hex(device),
    'carrier hints': hex(carrierHints),
    record: hex(record.value),
    grant: hex(encodeGrant(grant)),
    'grant in a message': hex(encodeContents([{ kind: 'grant', version: 258, grant }])),
    'invite secret': hex(inviteSecret),
    'invite slot seed': hex(inviteSlot(p, inviteSecret).seed),
    'invite slot in the DHT': fromUtf8(dhtKey('iv1', invite.name)) ?? '',
    'bundle hash': hex(alice.bundle.hash),
    'invite record': hex(invite.value),
  }
}

if (import.meta.main) {
  const path = new URL('../vectors/rendezvous.json', import.meta.url)
  writeFileSync(path, `${JSON.stringify(rendezvousVectors(), null, 2)}\n`)
}
