/**
 * `tulnic invite` and `add`: making a link, and accepting one.
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import encodeQR from 'qr'
import type { Contact, Reason } from '../api.ts'
import type { Client } from '../server/socket.ts'
import type { Command, Context } from './command.ts'
import { before, type Watch, watch, withNode } from './connection.ts'
import { EXIT, Failure } from './failure.ts'
import { plainLine } from './plain-text.ts'
import { reasonWords, timeWords } from './views.ts'

export const invite: Command = {
  name: 'invite',
  takes: '',
  help: 'make a link by which somebody can add me',
  options: {
    uses: { type: 'string', value: 'N', help: 'for how many people (1)' },
    expires: { type: 'string', value: '7d', help: 'for how long: s, m, h or d (7d)' },
    qr: { type: 'boolean', help: 'draw it as a QR code' },
    file: { type: 'string', value: 'FILE', help: 'write it to a file, which needs no network' },
  },
  count: [0, 0],
  run: async (context) => {
    const { args, out } = context
    const uses = args.whole('uses', 1, 1000)
    const expiresInSeconds = args.duration('expires')
    const file = args.text('file')
    const {
      link,
      expiresAt,
      file: text,
    } = await withNode(context, (client) =>
      client.call('createInvite', {
        ...(file === undefined ? {} : { file: true }),
        ...(uses === undefined ? {} : { uses }),
        ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
      }),
    )
    if (file !== undefined && text !== undefined) writeInvite(file, text)
    if (args.flag('qr')) out.aside(drawQr(link))
    out.result({ link, expiresAt }, link)
    out.comfort(
      `Give it to one person over a channel you trust. It expires ${timeWords(expiresAt)}.`.replace(
        'one person',
        uses === undefined || uses === 1 ? 'one person' : `at most ${uses} people`,
      ),
    )
  },
}

/** The file holds the link's secret: only its owner may read it, and nothing is written over. */
function writeInvite(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw new Failure(
      EXIT.failed,
      isThere
        ? `There is a file ${file} already: name another.`
        : `The file ${file} cannot be written: check its folder.`,
    )
  }
}

/** Two modules a character, light on dark whatever the terminal's colours, with the quiet zone of four modules around. */
function drawQr(link: string): string {
  const modules = encodeQR(link, 'raw', { ecc: 'low', border: 4 })
  const light = (row: number, column: number): boolean => modules[row]?.[column] !== true
  const lines: string[] = []
  for (let row = 0; row < modules.length; row += 2) {
    const cells = (modules[row] ?? []).map((_, column) => block(light(row, column), light(row + 1, column)))
    lines.push(process.stderr.isTTY === true ? `\u001b[97;40m${cells.join('')}\u001b[0m` : cells.join(''))
  }
  return lines.join('\n')
}

function block(top: boolean, bottom: boolean): string {
  if (top) return bottom ? '█' : '▀'
  return bottom ? '▄' : ' '
}

export const add: Command = {
  name: 'add',
  takes: 'LINK|FILE',
  help: 'accept a link',
  options: {
    name: { type: 'string', value: 'NAME', help: 'my name for them' },
    wait: { type: 'boolean', help: 'until both know each other' },
  },
  count: [1, 1],
  run: async (context) => await withNode(context, (client) => accept(context, client)),
}

async function accept(context: Context, client: Client): Promise<void> {
  const { args, out } = context
  const name = args.text('name')
  const call = { link: linkIn(args.at(0)), ...(name === undefined ? {} : { name }) }
  const contacts = await watch(client, (event) => (event.type === 'contact' ? event.contact : undefined))
  const signal = AbortSignal.timeout(context.timeoutMs)
  const adding = client.call('addContact', call)
  const first = args.flag('wait') ? await before(adding, signal) : await adding
  const last = args.flag('wait') ? await settledContact(first, contacts, signal) : first
  out.result(
    { contact: last === undefined ? null : { id: last.id, name: last.name, state: last.state } },
    addedText(last),
  )
  const spent = spentReason(last)
  if (spent !== undefined) throw new Failure(EXIT.failed, `This did not work: ${reasonWords(spent)}.`)
  if (args.flag('wait') && last?.state !== 'active')
    throw new Failure(
      EXIT.notInTime,
      'They could not be reached in time: it is tried again by itself, as long as the node runs.',
    )
}

/** The contact once it is active or its link turns out to be spent; as it is when the time is over. */
async function settledContact(
  first: Contact | undefined,
  contacts: Watch<Contact>,
  signal: AbortSignal,
): Promise<Contact | undefined> {
  const isSettled = (contact: Contact): boolean => contact.state !== 'invited' || spentReason(contact) !== undefined
  if (first === undefined) return contacts.seen.at(-1)
  if (isSettled(first)) return first
  const settled = await contacts.until((contact) => contact.id === first.id && isSettled(contact), signal)
  return settled ?? contacts.seen.findLast((contact) => contact.id === first.id) ?? first
}

function spentReason(contact: Contact | undefined): NonNullable<Reason> | undefined {
  return contact?.reason === 'invite-used' || contact?.reason === 'invite-expired' ? contact.reason : undefined
}

function addedText(contact: Contact | undefined): string {
  if (contact === undefined) return 'Not reached yet.'
  const name = plainLine(contact.name)
  if (contact.state === 'active') return `${name} is your contact now. Try: tulnic send ${JSON.stringify(name)} Hello`
  return `${name} is not reached yet: it is tried again by itself, as long as the node runs.`
}

/** A file that somebody saved a link into is short. */
const FILE_LIMIT = 65_536

/** The argument if it holds a link, else the content of the file that it names. The node finds the link in it. */
function linkIn(argument: string): string {
  if (argument.includes('tulnic:')) return argument
  let content: string
  try {
    content = readStart(argument)
  } catch {
    return argument
  }
  if (!content.includes('tulnic:'))
    throw new Failure(EXIT.failed, `The file ${argument} holds no tulnic link: ask for the link again.`)
  return content
}

function readStart(file: string): string {
  const handle = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(FILE_LIMIT)
    return buffer.toString('utf8', 0, readSync(handle, buffer))
  } finally {
    closeSync(handle)
  }
}
