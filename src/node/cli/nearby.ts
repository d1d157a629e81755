/**
 * `tulnic nearby` and `pair`: people on this network.
 */
import type { Contact, NearbyPeer } from '../api.ts'
import type { Client } from '../server/socket.ts'
import { nextLine } from './ask.ts'
import type { Command, Context } from './command.ts'
import { selfOf, withNode } from './connection.ts'
import { EXIT, Failure } from './failure.ts'
import { watchSignals } from './interruption.ts'
import { plainLine, table } from './plain-text.ts'
import { contactFields } from './views.ts'

export const nearby: Command = {
  name: 'nearby',
  takes: '',
  help: 'who is visible on this network; you are visible too, meanwhile',
  options: { seconds: { type: 'string', value: '60', help: 'for how long (60)' } },
  count: [0, 0],
  run: async (context) => await withNode(context, (client) => look(context, client)),
}

async function look(context: Context, client: Client): Promise<void> {
  const { args, out } = context
  const seconds = args.whole('seconds', 1, 3600) ?? 60
  const self = await selfOf(client)
  const interruption = watchSignals()
  // Everybody seen meanwhile: whoever stopped looking a moment ago can still be paired with.
  const seen = new Map<string, string>()
  const onPeers = (now: readonly NearbyPeer[]): void => {
    for (const { peer, name } of now) {
      if (!seen.has(peer)) out.comfort(`${peer}  ${plainLine(name)}`)
      seen.set(peer, name)
    }
  }
  out.comfort(`Looking for ${seconds} seconds; you are visible as ${plainLine(self.name)}.`)
  await client.subscribe((event) => {
    if (event.type === 'nearby') onPeers(event.peers)
  })
  onPeers(await client.call('nearby', { seconds }))
  await pause(seconds * 1000, interruption.signal, client)
  if (interruption.signal.aborted) await client.call('nearby', { seconds: 0 })
  interruption.dispose()
  const peers = [...seen].map(([peer, name]) => ({ peer, name }))
  out.result({ peers }, peersText(peers))
}

function peersText(peers: readonly NearbyPeer[]): string {
  if (peers.length === 0) return 'Nobody is visible here: both must look at the same time, on the same network.'
  return `${table(
    ['PEER', 'CALLS ITSELF'],
    peers.map(({ peer, name }) => [peer, name]),
  )}\nGo on with "tulnic pair PEER", on both sides.`
}

/** Waits for a time, a signal, or the end of the node. */
async function pause(ms: number, signal: AbortSignal, client: Client): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    const end = (): void => {
      clearTimeout(timer)
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
    void client.closed.then(end)
  })
}

export const pair: Command = {
  name: 'pair',
  takes: 'PEER',
  help: 'pair with somebody nearby: run it on both sides and compare the six digits',
  options: { yes: { type: 'boolean', help: 'do not ask (then nobody compared, and the contact is not verified)' } },
  count: [1, 1],
  run: async (context) => await withNode(context, (client) => pairWith(context, client)),
}

async function pairWith(context: Context, client: Client): Promise<void> {
  const { args, out } = context
  const timeoutSeconds = Math.ceil(context.timeoutMs / 1000)
  const { peer, code } = await client.call('pair', { peer: args.at(0), timeoutSeconds })
  out.result({ type: 'code', peer, code }, `The code is ${code.slice(0, 3)} ${code.slice(3)}`)
  const byPerson = !args.flag('yes')
  if (byPerson) await askPerson(context, client, peer)
  const contact = await client.call('confirmPairing', { peer, byPerson, timeoutSeconds })
  out.result({ contact: contactFields(contact) }, pairedText(contact))
}

async function askPerson(context: Context, client: Client, peer: string): Promise<void> {
  context.out.comfort('If they see the same six digits, type yes:')
  const answer = await nextLine(AbortSignal.timeout(context.timeoutMs))
  if (answer?.trim().toLowerCase() === 'yes') return
  await client.call('cancelPairing', { peer })
  if (answer === undefined) throw new Failure(EXIT.notInTime, 'Nobody said yes in time: nothing was stored.')
  throw new Failure(EXIT.failed, 'Not confirmed: nothing was stored.')
}

function pairedText(contact: Contact): string {
  return `${plainLine(contact.name)} is your contact now${contact.verified ? ', and verified' : ''}.`
}
