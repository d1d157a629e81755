/**
 * A net that reaches nobody, for what is tested above it.
 */
import type { Net } from '../../src/node/net/net.ts'

export const NO_NET: Net = {
  start: async () => {},
  stop: async () => {},
  perform: () => {},
  addresses: () => [],
  lanPeers: () => 0,
  relays: () => ({
    at: [],
    fromOutside: false,
    forContacts: true,
    places: 0,
    for: [],
    relayed: 0,
    bytes: 0,
    paths: [],
  }),
  dht: () => ({ on: false, mode: 'off', servers: 0, stored: 0, published: 0 }),
  reach: () => ({ observed: [], publiclyReachable: 'unknown', natMapping: 'unknown' }),
  pairing: {
    setVisible: () => {},
    look: async () => [],
    open: () => Promise.reject(new Error('nobody')),
    onChannel: () => {},
  },
}
