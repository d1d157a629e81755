/**
 * `tulnic demo`: three people on one machine who know each other, each with an app window; gone when it ends.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Node } from '../api.ts'
import { readAssets } from '../server/assets.ts'
import { type Host, hostNode } from '../server/host.ts'
import { openInBrowser } from '../server/open.ts'
import type { Command, Context } from './command.ts'
import { watchSignals } from './interruption.ts'
import { table } from './plain-text.ts'
import { APP_FOLDER } from '../server/package.ts'

const PEOPLE = ['Ana', 'Mihai', 'Ioana'] as const

export const demo: Command = {
  name: 'demo',
  takes: '',
  help: 'three people on this machine, each with an app window',
  options: { 'no-open': { type: 'boolean', help: 'print the addresses instead of opening windows' } },
  count: [0, 0],
  run: runDemo,
}

interface Person {
  readonly name: string
  readonly folder: string
  readonly host: Host
  readonly id: string
}

async function runDemo(context: Context): Promise<void> {
  const { args, out } = context
  const interruption = watchSignals()
  const root = await mkdtemp(join(tmpdir(), 'tulnic-demo-'))
  const people: Person[] = []
  try {
    for (const name of PEOPLE) people.push(await settle(context, root, name))
    await introduce(people.map((person) => person.host.node))
    const shown = people.map(({ name, id, folder, host }) => ({ name, id, data: folder, url: host.openUrl() }))
    out.result({ type: 'ready', people: shown }, demoText(shown, args.flag('no-open')))
    if (!args.flag('no-open')) await openAll(context, people)
    await ended(interruption.signal, people)
  } finally {
    await Promise.allSettled(people.map((person) => person.host.stop()))
    await rm(root, { recursive: true, force: true })
  }
}

async function settle(context: Context, root: string, name: string): Promise<Person> {
  const folder = join(root, name.toLowerCase())
  const settings = { listen: [], mdns: false, dht: false, lanOnly: true }
  const host = await hostNode({
    dataDirectory: folder,
    startNode: (directory) => context.startNode(directory, settings),
    door: { port: 0, assets: readAssets(APP_FOLDER) },
    warn: (text) => context.out.warn(text),
  })
  const { self } = await host.node.createProfile({ name, passphrase: null })
  return { name, folder, host, id: self.id }
}

/** Everybody accepts a link of everybody before. */
async function introduce(nodes: readonly Node[]): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    for (const earlier of nodes.slice(0, index)) {
      const { link } = await earlier.createInvite({})
      await node.addContact({ link })
    }
  }
}

interface Shown {
  readonly name: string
  readonly data: string
  readonly url: string | null
}

function demoText(people: readonly Shown[], printed: boolean): string {
  const rows = people.map(({ name, data, url }) => [name, printed ? (url ?? '') : '', data])
  const addresses = printed
    ? table(['NAME', 'ADDRESS (once, within 60 seconds)', 'DATA'], rows)
    : table(
        ['NAME', 'DATA'],
        people.map(({ name, data }) => [name, data]),
      )
  return `Three people who know each other, until you press Ctrl+C.\n\n${addresses}\n\nAnother window: tulnic open --data DATA. From the terminal: tulnic send --data DATA Ana Hello.`
}

async function openAll(context: Context, people: readonly Person[]): Promise<void> {
  for (const { host, folder } of people) {
    const url = host.openUrl()
    if (url === null || (await openInBrowser(folder, url))) continue
    return context.out.warn(
      'No browser could be started: run "tulnic open --print --data DATA" and open the address that it prints.',
    )
  }
}

async function ended(signal: AbortSignal, people: readonly Person[]): Promise<void> {
  const interrupted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await Promise.race([interrupted, Promise.all(people.map((person) => person.host.stopped))])
}
