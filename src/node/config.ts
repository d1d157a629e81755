/**
 * The defaults of a node, each with its why.
 */
import type { NetConfig } from './net/net.ts'

export interface NodeConfig {
  readonly net: Pick<NetConfig, 'listen' | 'mdns' | 'lanOnly'> & Partial<NetConfig>
  /** Whether it carries mail for contacts that ask; it does unless told otherwise. */
  readonly carry?: boolean
  /** Shown in `status`. */
  readonly version: string
}

/** What a node does that was told no more: it helps to find people, and relays for its contacts alone. */
export const NET_DEFAULTS = { dht: true, bootstrap: [], relay: false, networkKey: null } as const

/** Invites that nobody said more about: one use, a week (PROTOCOL §3). */
export const INVITE_USES = 1
export const INVITE_SECONDS = 7 * 24 * 3600
/** More would be a public address: that is what a directory is for. */
export const INVITE_MOST_USES = 20
export const INVITE_MOST_SECONDS = 365 * 24 * 3600

/** A name that people can take in at a glance (PROTOCOL §2). */
export const NAME_MOST_CODE_POINTS = 64

/** Argon2id, RFC 9106 §4, second recommended option: for machines without gigabytes to spare. */
export const ARGON2ID = { passes: 3, memoryKiB: 64 * 1024, parallelism: 4 } as const

/** Page sizes of histories. */
export const HISTORY_DEFAULT = 50
export const HISTORY_MOST = 500

/** Peers' TCP ports are drawn from the dynamic range (RFC 6335), so that a known address survives a restart. */
export const PORT_LOWEST = 49152
export const PORT_COUNT = 16384
