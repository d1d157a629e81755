/**
 * `tulnic start`: runs the node and the app until it is stopped.
 */
import type { AnyEvent, Node, Status } from '../api.ts'
import { readAssets } from '../server/assets.ts'
import { type Host, hostNode } from '../server/host.ts'
import { openInBrowser } from '../server/open.ts'
import { askPassphrase, givenPassphrase, newPassphrase, PASSPHRASE_OPTIONS } from './ask.ts'
import type { Command, Context } from './command.ts'
import { EXIT, Failure } from './failure.ts'
import { watchSignals } from './interruption.ts'
import { NETWORK_OPTIONS, networkSettings } from './network.ts'
import { plainLine } from './plain-text.ts'
import { APP_FOLDER } from '../server/package.ts'
import { eventFields, phraseLines } from './views.ts'

const ON_OFF = ['on', 'off'] as const

export const start: Command = {
  name: 'start',
  takes: '',
  help: 'run the node and the app until stopped',
  options: {
    name: { type: 'string', value: 'NAME', help: 'make the profile with this name if there is none' },
    headless: { type: 'boolean', help: 'open no window and let no window be needed' },
    port: { type: 'string', value: 'N', help: "the app's port (7733, or the next free)" },
    'no-open': { type: 'boolean', help: 'do not open the app' },
    ...NETWORK_OPTIONS,
    carry: { type: 'string', value: 'on|off', help: 'carry mail for contacts that ask (on)' },
    ...PASSPHRASE_OPTIONS,
  },
  count: [0, 0],
  run: runStart,
}

async function runStart(context: Context): Promise<void> {
  const { args, out } = context
  const port = args.whole('port', 0, 65_535)
  const settings = { ...networkSettings(context), carry: args.choice('carry', ON_OFF) !== 'off' }
  const interruption = watchSignals()
  const host = await hostNode({
    dataDirectory: context.dataDirectory,
    startNode: (directory) => context.startNode(directory, settings),
    door: { port, assets: readAssets(APP_FOLDER) },
    warn: (text) => out.warn(text),
  })
  interruption.signal.addEventListener('abort', () => void host.stop().catch(() => {}))
  try {
    const phrase = await openProfile(context, host.node)
    await announce(context, host, phrase)
    await showApp(context, host)
  } catch (error) {
    await host.stop()
    throw error
  }
  await host.stopped
  interruption.dispose()
  out.comfort('Stopped.')
}

/** Makes or unlocks the profile as far as the options say; the app asks for the rest. Answers the recovery phrase of a new one. */
async function openProfile(context: Context, node: Node): Promise<string | undefined> {
  const { args, out } = context
  const { phase, self } = await node.status()
  const name = args.text('name')
  if (phase === 'empty') return await makeProfile(context, node, name)
  if (phase === 'locked') await unlock(context, node)
  const actual = self?.name ?? (await node.status()).self?.name
  if (name !== undefined && actual !== undefined && name !== actual)
    out.warn(`This profile is called ${actual}: --name names only a new one.`)
  return undefined
}

async function makeProfile(context: Context, node: Node, name: string | undefined): Promise<string | undefined> {
  if (name !== undefined) return (await node.createProfile({ name, passphrase: await newPassphrase(context) })).phrase
  if (context.args.flag('headless'))
    throw new Failure(EXIT.failed, 'There is no profile here yet: say --name NAME to make one, or run "tulnic init".')
  givenPassphrase(context)
  return undefined
}

async function unlock(context: Context, node: Node): Promise<void> {
  const headless = context.args.flag('headless')
  const passphrase = givenPassphrase(context) ?? (headless ? await askPassphrase() : undefined)
  if (passphrase !== undefined) await node.unlock({ passphrase })
}

async function announce(context: Context, host: Host, phrase: string | undefined): Promise<void> {
  const { out } = context
  if (out.json) host.node.subscribe((event) => report(context, host.node, event))
  const status = await host.node.status()
  out.result(
    {
      type: 'ready',
      ...who(status),
      url: host.url,
      addresses: status.addresses,
      pid: process.pid,
      ...(phrase === undefined ? {} : { phrase }),
    },
    readyText(status, host.url, phrase),
  )
}

function who(status: Status): { id: string | null; name: string | null } {
  return { id: status.self?.id ?? null, name: status.self?.name ?? null }
}

function readyText(status: Status, url: string | null, phrase: string | undefined): string {
  const name =
    status.self === null
      ? 'The app asks for what is missing.'
      : `${plainLine(status.self.name)} is here, as ${status.self.id}.`
  const words = phrase === undefined ? [] : phraseLines(phrase)
  return [name, ...words, `The app is at ${url} (open it with "tulnic open"). Stop with Ctrl+C.`].join('\n')
}

/** Events as `listen` gives them, and `unlocked` when the app opened the profile. */
function report(context: Context, node: Node, event: AnyEvent): void {
  if (event.type === 'profile') {
    if (event.phase === 'open') void reportUnlocked(context, node)
  } else if ('id' in event) context.out.object(eventFields(event))
}

async function reportUnlocked(context: Context, node: Node): Promise<void> {
  const status = await node.status()
  context.out.object({ type: 'unlocked', ...who(status), addresses: status.addresses })
}

async function showApp(context: Context, host: Host): Promise<void> {
  const { args, out } = context
  if (args.flag('headless') || args.flag('no-open')) return
  const url = host.openUrl()
  const opened = url !== null && (await openInBrowser(context.dataDirectory, url))
  if (!opened) out.warn('No browser could be started: run "tulnic open --print" and open the address that it prints.')
}
