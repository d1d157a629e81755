/**
 * `tulnic init`, `id` and `open`: the profile, and the app's way in.
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
import { phraseLines } from './views.ts'

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
    const text = [`${plainLine(self.name)} is ${self.id}.`, ...phraseLines(phrase), 'Go on with "tulnic start".']
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
