/**
 * `tulnic send`, `history` and `listen`: messages.
 */
import type { AnyEvent, Contact, Message, MessageState, NodeEvent } from '../api.ts'
import type { Client } from '../server/socket.ts'
import { allOfStdin } from './ask.ts'
import type { Command, Context } from './command.ts'
import { selfOf, watch, withNode } from './connection.ts'
import { EXIT, Failure, usage } from './failure.ts'
import { watchSignals } from './interruption.ts'
import { eventFields, eventWords, messageFields, messageWords, type Names, stateWords } from './views.ts'

const WAITS = ['sent', 'carried', 'delivered', 'read'] as const
type Wait = (typeof WAITS)[number]

/** How far a message is on its way; `sent` and `carried` are two ways, neither beyond the other. */
const DISTANCE: Readonly<Record<MessageState, number>> = {
  failed: -1,
  queued: 0,
  sent: 1,
  carried: 1,
  delivered: 2,
  read: 3,
}

/** Whether a message in `state` has what was waited for: that state or a later one. */
export function meets(state: MessageState, wait: Wait): boolean {
  return state === wait || DISTANCE[state] > DISTANCE[wait]
}

export const send: Command = {
  name: 'send',
  takes: 'TO [TEXT]',
  help: 'send a message; TEXT - reads it from stdin',
  options: {
    reply: { type: 'string', value: 'ID', help: 'as an answer to this message' },
    wait: { type: 'string', value: 'sent|carried|delivered|read', help: 'until it is there' },
    file: { type: 'string', value: 'PATH', multiple: true, help: 'attach a file', later: true },
  },
  count: [1, 2],
  run: async (context) => {
    const wait = context.args.choice('wait', WAITS)
    const given = context.args.optionalAt(1)
    if (given === undefined) throw usage('Say what to send: tulnic send TO TEXT, or "-" to read it from stdin.')
    const text = given === '-' ? await allOfStdin() : given
    await withNode(context, (client) => sendAndWait(context, client, text, wait))
  },
}

interface Progress {
  readonly id: string
  readonly state: MessageState
  readonly reason: Message['reason']
}

function progressIn(event: AnyEvent): Progress | undefined {
  return event.type === 'state' ? { id: event.message, state: event.state, reason: event.reason } : undefined
}

async function sendAndWait(context: Context, client: Client, text: string, wait: Wait | undefined): Promise<void> {
  const { args, out } = context
  const replyTo = args.text('reply')
  const call = { to: args.at(0), text, ...(replyTo === undefined ? {} : { replyTo }) }
  const progress = wait === undefined ? undefined : await watch(client, progressIn)
  const message = await client.call('send', call)
  const signal = AbortSignal.timeout(context.timeoutMs)
  const isEnd = (now: Progress): boolean =>
    now.id === message.id && (now.state === 'failed' || (wait !== undefined && meets(now.state, wait)))
  const reached = isEnd(message) ? message : await progress?.until(isEnd, signal)
  const last: Progress = reached ?? progress?.seen.findLast((now) => now.id === message.id) ?? message
  out.result(
    { id: message.id, to: message.conversation, state: last.state },
    `${message.id}  ${stateWords(last.state, last.reason)}`,
  )
  if (last.state === 'failed')
    throw new Failure(EXIT.failed, `The message could not be sent: ${stateWords(last.state, last.reason)}.`)
  if (wait !== undefined && reached === undefined) {
    throw new Failure(
      EXIT.notInTime,
      `The message is not ${wait} yet but ${stateWords(last.state, last.reason)}: it goes on by itself, as long as the node runs.`,
    )
  }
}

export const history: Command = {
  name: 'history',
  takes: 'TO',
  help: 'the newest messages, oldest first; marks nothing as read',
  options: {
    limit: { type: 'string', value: 'N', help: 'how many (50, at most 500)' },
    before: { type: 'string', value: 'ID', help: 'only those before this message' },
    search: { type: 'string', value: 'TEXT', help: 'only those with these words' },
  },
  count: [1, 1],
  run: async (context) => {
    const { args, out } = context
    const limit = args.whole('limit', 1, 500)
    const before = args.text('before')
    const search = args.text('search')
    const query = {
      ...(limit === undefined ? {} : { limit }),
      ...(before === undefined ? {} : { before }),
      ...(search === undefined ? {} : { search }),
    }
    await withNode(context, async (client) => {
      const messages = await client.call('history', { to: args.at(0), ...query })
      const names = out.json ? new Map() : await namesOf(client)
      const text =
        messages.length === 0 ? 'No messages.' : messages.map((message) => messageWords(message, names)).join('\n')
      out.result({ messages: messages.map(messageFields) }, text)
    })
  },
}

/** Everybody's name by id, mine included. */
export async function namesOf(client: Client): Promise<Map<string, string>> {
  const self = await selfOf(client)
  const contacts = await client.call('contacts')
  return new Map([
    [self.id, self.name],
    ...contacts.map((contact: Contact): [string, string] => [contact.id, contact.name]),
  ])
}

export const listen: Command = {
  name: 'listen',
  takes: '',
  help: 'follow what happens',
  options: { since: { type: 'string', value: 'ID', help: 'first what happened after this event (kept for 7 days)' } },
  count: [0, 0],
  run: async (context) => await withNode(context, (client) => follow(context, client)),
}

async function follow(context: Context, client: Client): Promise<void> {
  const since = context.args.text('since')
  const interruption = watchSignals()
  const names: Map<string, string> = new Map()
  // What comes while the past is being told waits for its turn.
  let waiting: NodeEvent[] | undefined = []
  const tell = (event: NodeEvent): void => tellEvent(context, event, names)
  await client.subscribe((event) => {
    if (!('id' in event)) return
    if (waiting === undefined) tell(event)
    else waiting.push(event)
  })
  for (const [id, name] of await namesOf(client)) names.set(id, name)
  const told = since === undefined ? new Set() : await tellPast(client, since, tell)
  for (const event of waiting) {
    if (!told.has(event.id)) tell(event)
  }
  waiting = undefined
  await Promise.race([
    client.closed,
    new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true })),
  ])
  if (!interruption.signal.aborted)
    throw new Failure(EXIT.noNode, 'The node stopped: start it again with "tulnic start".')
}

function tellEvent(context: Context, event: NodeEvent, names: Map<string, string>): void {
  if (event.type === 'contact') names.set(event.contact.id, event.contact.name)
  context.out.result(eventFields(event), eventWords(event, names as Names))
}

/** Tells all stored events after `since`; answers their ids. */
async function tellPast(client: Client, since: string, tell: (event: NodeEvent) => void): Promise<ReadonlySet<string>> {
  const told = new Set<string>()
  for (let last: string | undefined = since; last !== undefined; ) {
    const page: readonly NodeEvent[] = await client.call('events', { since: last })
    for (const event of page) {
      tell(event)
      told.add(event.id)
    }
    last = page.at(-1)?.id
  }
  return told
}
