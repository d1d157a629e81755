/**
 * The options of `start` that say which network to join, and how.
 *
 * Holds: a network key is read from a file that only its owner can read, never an argument (`ps` shows those).
 */
import { readFileSync, statSync } from 'node:fs'
import type { NodeSettings } from '../server/on-disk.ts'
import type { Context } from './command.ts'
import { usage } from './failure.ts'

const ON_OFF = ['on', 'off'] as const

export const NETWORK_OPTIONS = {
  listen: { type: 'string', value: 'MULTIADDR', multiple: true, help: 'listen here too' },
  bootstrap: { type: 'string', value: 'MULTIADDR', multiple: true, help: 'look for others here, too' },
  'no-mdns': {
    type: 'boolean',
    help: 'neither look for nor show oneself to others on this network, nor ask its router',
  },
  'no-dht': { type: 'boolean', help: 'neither use nor serve the distributed hash table' },
  'lan-only': { type: 'boolean', help: 'connect to nobody outside the local network' },
  'network-key': {
    type: 'string',
    value: 'FILE',
    help: 'join the private network of this key (64 hexadecimal digits)',
  },
  relay: { type: 'string', value: 'on|off', help: 'relay for strangers, too (off)' },
} as const

/** What the options say. Throws a usage Failure for a key file that is none. */
export function networkSettings({ args, out }: Context): NodeSettings {
  const file = args.text('network-key')
  return {
    listen: args.list('listen'),
    bootstrap: args.list('bootstrap'),
    mdns: !args.flag('no-mdns'),
    dht: !args.flag('no-dht'),
    lanOnly: args.flag('lan-only'),
    relay: args.choice('relay', ON_OFF) === 'on',
    networkKey: file === undefined ? null : readNetworkKey(file, (text) => out.warn(text)),
  }
}

function readNetworkKey(file: string, warn: (text: string) => void): Uint8Array {
  const text = contentOf(file)
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw usage(
      `The file ${file} holds no network key: it must be 64 hexadecimal digits, as "openssl rand -hex 32" writes.`,
    )
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    warn(`Others on this machine can read the network key in ${file}: say "chmod 600 ${file}".`)
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw usage(`The network key file ${file} cannot be read: check its name and its permissions.`)
  }
}
