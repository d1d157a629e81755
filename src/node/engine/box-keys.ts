/**
 * Who we are to whoever leaves or fetches mail, and who they are: signatures over one visit, made and checked by committed state.
 *
 * Holds: no key leaves; a box that is not carried here, or not ours, has no proof.
 */
import {
  type BoxPeers,
  type BoxPurpose,
  boxTranscript,
  type BoxVisit,
  checkBox,
  type Primitives,
  signBox,
  toBase32,
} from '../../protocol/index.ts'
import type { Resident } from './state.ts'

/** As `BoxKeys` of `net/net.ts`, which the engine cannot import. */
export interface BoxKeyring {
  carrierProof(purpose: BoxPurpose, visit: BoxVisit, peers: BoxPeers): Uint8Array | undefined
  isCarrier(key: Uint8Array, purpose: BoxPurpose, visit: BoxVisit, peers: BoxPeers, signature: Uint8Array): boolean
  ownerProof(visit: BoxVisit, peers: BoxPeers): Uint8Array | undefined
  isOwner(visit: BoxVisit, peers: BoxPeers, signature: Uint8Array): boolean
}

export function boxKeys(resident: Resident, p: Primitives): BoxKeyring {
  const { boxes, carried } = resident.maps
  return {
    carrierProof(purpose, visit, peers) {
      const row = carried.get(toBase32(visit.box))
      // One that takes no more still hands over what it has.
      const isHere = row !== undefined && (row.state === 'kept' || (purpose === 'fetch' && row.state === 'ended'))
      return isHere ? signBox(p, row.carrierSeed, boxTranscript('carrier', purpose, visit, peers)) : undefined
    },
    isCarrier: (key, purpose, visit, peers, signature) =>
      checkBox(p, key, boxTranscript('carrier', purpose, visit, peers), signature),
    ownerProof(visit, peers) {
      const row = boxes.get(toBase32(visit.box))
      return row && signBox(p, row.ownerSeed, boxTranscript('owner', 'fetch', visit, peers))
    },
    isOwner(visit, peers, signature) {
      const row = carried.get(toBase32(visit.box))
      return row !== undefined && checkBox(p, row.ownerKey, boxTranscript('owner', 'fetch', visit, peers), signature)
    },
  }
}
