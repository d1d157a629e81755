/**
 * `tulnic init`, `id`, `open` and `status`: the profile and the node themselves.
 */
import type { NodeApi, Status } from '../api.ts'
import { hostNode } from '../server/host.ts'
import { connectHolder } from '../server/lock.ts'
import { openInBrowser } from '../server/open.ts'
import { newPassphrase, PASSPHRASE_OPTIONS } from './ask.ts'
import type { Command, Context } from './command.ts'
import { selfOf, withNode } from './connection.ts'
import { EXIT, Failure, usage } from './failure.ts'
import { plainLine } from './plain-text.ts'

export const init: Command = {
  name: 'init',
  takes: '',
  help: 'make a profile; prints its id and the recovery phrase',
  options: { name: { type: 'string', value: 'NAME', help: 'what you are called (needed)' }, ...PASSPHRASE_OPTIONS },
  count: [0, 0],
  run: async (context) => {
    const name = context.args.text('name')
    if (name === undefined) throw usage('Say who you are: tulnic init --name NAME.')
    const { self, phrase } = await makeProfile(context, name)
    const text = [
      `${plainLine(self.name)} is ${self.id}.`,
      '',
      'Your recovery phrase: write it down and keep it safe. The app shows it again.',
      '',
      `  ${phrase}`,
      '',
      'Go on with "tulnic start".',
    ]
    context.out.result({ id: self.id, name: self.name, phrase }, text.join('\n'))
  },
}

type Made = Awaited<ReturnType<NodeApi['createProfile']>>

/** Asks a node that runs there, else starts one that speaks to nobody, and ends it. */
async function makeProfile(context: Context, name: string): Promise<Made> {
  const running = await connectHolder(context.dataDirectory)
  if (running !== undefined) {
    try {
      refuseSecond((await running.call('status')).phase)
      return await running.call('createProfile', { name, passphrase: await newPassphrase(context) })
    } finally {
      running.close()
    }
  }
  const settings = { listen: [], mdns: false, dht: false, lanOnly: true }
  const { dataDirectory, startNode, out } = context
  const host = await hostNode({
    dataDirectory,
    startNode: (directory) => startNode(directory, settings),
    door: null,
    warn: (text) => out.warn(text),
  })
  try {
    refuseSecond((await host.node.status()).phase)
    return await host.node.createProfile({ name, passphrase: await newPassphrase(context) })
  } finally {
    await host.stop()
  }
}

function refuseSecond(phase: Status['phase']): void {
  if (phase !== 'empty')
    throw new Failure(
      EXIT.failed,
      'There is a profile here already: choose another folder with --data for a second one.',
    )
}

export const id: Command = {
  name: 'id',
  takes: '',
  help: 'who I am',
  options: {},
  count: [0, 0],
  run: async (context) => {
    const { id: own, name, device } = await withNode(context, selfOf)
    context.out.result({ id: own, name, device }, `${plainLine(name)}\nid      ${own}\ndevice  ${device}`)
  },
}

export const open: Command = {
  name: 'open',
  takes: '',
  help: 'open the app with a fresh single-use code',
  options: {
    print: { type: 'boolean', help: 'print the address instead (it holds the code: valid for 60 seconds, once)' },
  },
  count: [0, 0],
  run: async (context) => {
    const { out } = context
    const { url } = await withNode(context, (client) => client.call('openCode'))
    if (context.args.flag('print')) return out.result({ url }, url)
    if (!(await openInBrowser(context.dataDirectory, url))) {
      throw new Failure(
        EXIT.failed,
        'No browser could be started: run "tulnic open --print" and open the address that it prints.',
      )
    }
    const plain = url.split('#', 1)[0]
    out.object({ url: plain })
    out.comfort(`Opened ${plain}`)
  },
}

const NETWORK_WORDS = { none: 'no network', local: 'local network', 'internet-unknown': 'network' } as const
const PHASE_WORDS = { empty: 'there is none yet', locked: 'locked: waits for its passphrase', open: 'open' } as const

export const status: Command = {
  name: 'status',
  takes: '',
  help: 'connections, addresses, what waits',
  options: {},
  count: [0, 0],
  run: async (context) => {
    const now = await withNode(context, (client) => client.call('status'))
    context.out.result(now, statusText(now))
  },
}

function statusText(now: Status): string {
  const rows: readonly (readonly [string, string])[] = [
    ['profile', now.self === null ? PHASE_WORDS[now.phase] : `${plainLine(now.self.name)} (${now.self.id})`],
    ['contacts', `${now.contacts.reached} of ${now.contacts.total} reached, on ${now.peers} of their devices`],
    ['waiting', now.queued === 1 ? '1 message' : `${now.queued} messages`],
    ['network', `${NETWORK_WORDS[now.network]}; ${now.lan.on ? `${now.lan.peers} seen nearby` : 'not looking nearby'}`],
    ['reach', reachText(now)],
    ['found by', foundText(now)],
    ['listening', now.addresses.length === 0 ? 'nowhere' : now.addresses.join('\n           ')],
    ['stored', `${megabytes(now.storage.bytes)} in ${now.storage.path}`],
    ['running', `tulnic ${now.version} since ${now.startedAt}`],
  ]
  return rows.map(([name, value]) => `${name.padEnd(9)}  ${value}`).join('\n')
}

const REACHABLE_WORDS = {
  yes: 'others reach this node directly',
  no: 'others do not reach this node directly',
  unknown: 'not known yet',
} as const

function reachText({ reach, relays }: Status): string {
  const held = relays?.at.filter(({ state }) => state === 'held').length ?? 0
  const through = held === 0 ? '' : `; through ${held === 1 ? 'one relay' : `${held} relays`}`
  const relaying = relays === undefined || relays.places === 0 ? '' : `; relays for ${relays.places}`
  const off = relays?.forContacts === false ? '; relaying for contacts is off' : ''
  return `${REACHABLE_WORDS[reach?.publiclyReachable ?? 'unknown']}${through}${relaying}${off}`
}

function foundText({ dht }: Status): string {
  if (dht === undefined || !dht.on) return 'addresses alone: the hash table is off'
  const part = dht.mode === 'server' ? `; keeps ${dht.stored} records for others` : ''
  return `the hash table: ${dht.servers} servers known, ${dht.published} records there${part}`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
