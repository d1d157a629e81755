/**
 * `tulnic mail export` and `import`: sealed mail that goes by hand, on a stick or over any channel.
 *
 *     file = pieces one after the other, each "tulnic mail 1\n" ‖ length 4 ‖ …       the node reads what is in them
 *
 * Holds: the file is opened here, not by the node; it is written whole or not at all; whatever an imported file holds, it is
 * given to the node piece by piece, and what is wrong with it is said in one sentence.
 */
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
import type { MailPiece, MailTaken } from '../api.ts'
import type { Client } from '../server/socket.ts'
import type { Command, Context } from './command.ts'
import { withNode } from './connection.ts'
import { EXIT, Failure } from './failure.ts'

const MAGIC = 'tulnic mail 1\n'
const HEAD_BYTES = MAGIC.length + 4
/** The largest piece that a node takes. */
const PIECE_BYTES = 704 * 1024

const exportMail: Command = {
  name: 'mail export',
  takes: 'FILE',
  help: 'write what waits for others to a file, sealed, to be carried by hand',
  options: { for: { type: 'string', value: 'TO', help: 'only what waits for this contact' } },
  count: [1, 1],
  run: async (context) => {
    const file = context.args.at(0)
    const envelopes = await withNode(context, (client) => writeWhole(file, (write) => exportTo(context, client, write)))
    context.out.result(
      { envelopes, delivered: 0, kept: 0 },
      envelopes === 0 ? 'Nothing waits for anybody: the file is empty.' : `${count(envelopes, 'envelope')} in ${file}.`,
    )
    if (envelopes > 0)
      context.out.comfort('Whoever it is for takes it in with "tulnic mail import". Nobody else can read it.')
  },
}

async function exportTo(context: Context, client: Client, write: (bytes: Uint8Array) => void): Promise<number> {
  const to = context.args.text('for')
  let envelopes = 0
  for (let after: number | null = 0; after !== null; ) {
    const piece: MailPiece = await client.call('exportMail', { ...(to === undefined ? {} : { to }), after })
    write(Buffer.from(piece.piece, 'base64'))
    envelopes += piece.envelopes
    after = piece.after
  }
  return envelopes
}

/** Writes a file beside the name and puts it there when it is whole and on the disk; only its owner may read it. */
async function writeWhole(
  file: string,
  fill: (write: (bytes: Uint8Array) => void) => Promise<number>,
): Promise<number> {
  const beside = `${file}.${process.pid}.part`
  const handle = inFiles(file, () => openSync(beside, 'wx', 0o600))
  try {
    const filled = await fill((bytes) => inFiles(file, () => writeAll(handle, bytes)))
    inFiles(file, () => {
      fsyncSync(handle)
      renameSync(beside, file)
    })
    return filled
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  } finally {
    closeSync(handle)
  }
}

function writeAll(handle: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at)
}

const importMail: Command = {
  name: 'mail import',
  takes: 'FILE',
  help: 'take in such a file: what is for me, and what I carry for others',
  options: {},
  count: [1, 1],
  run: async (context) => {
    const file = context.args.at(0)
    const taken = await withNode(context, (client) => importFrom(client, file))
    const { envelopes, delivered, kept, damaged } = taken
    context.out.result({ envelopes, delivered, kept }, takenText(taken))
    if (damaged)
      throw new Failure(
        EXIT.failed,
        `The file ${file} is damaged or cut short: what was whole was taken in. Ask for it again.`,
      )
  },
}

function takenText({ envelopes, delivered, kept }: MailTaken): string {
  if (envelopes === 0) return 'The file holds no mail.'
  const parts = [
    ...(delivered > 0 ? [`${delivered} for you`] : []),
    ...(kept > 0 ? [`${kept} kept for others`] : []),
    ...(delivered + kept < envelopes ? [`${envelopes - delivered - kept} not for you, or known already`] : []),
  ]
  return `${count(envelopes, 'envelope')}: ${parts.join(', ')}.`
}

async function importFrom(client: Client, file: string): Promise<MailTaken> {
  const handle = inFiles(file, () => openSync(file, 'r'))
  try {
    let all: MailTaken = { envelopes: 0, delivered: 0, kept: 0, damaged: false }
    for (let first = true; ; first = false) {
      const piece = inFiles(file, () => readPiece(handle))
      if (piece === undefined) {
        if (first) throw notMail(file)
        return all
      }
      if (piece === 'damaged') {
        if (first) throw notMail(file)
        return { ...all, damaged: true }
      }
      const taken = await client.call('importMail', { piece: piece.toString('base64') })
      all = {
        envelopes: all.envelopes + taken.envelopes,
        delivered: all.delivered + taken.delivered,
        kept: all.kept + taken.kept,
        damaged: all.damaged || taken.damaged,
      }
    }
  } finally {
    closeSync(handle)
  }
}

const notMail = (file: string): Failure =>
  new Failure(EXIT.failed, `The file ${file} holds no tulnic mail: nothing was taken in.`)

/** The next piece; `undefined` at the end; `damaged` where no piece begins. One that is cut short is given as far as it goes. */
function readPiece(handle: number): Buffer | 'damaged' | undefined {
  const head = readUpTo(handle, HEAD_BYTES)
  if (head.length === 0) return undefined
  if (head.length < HEAD_BYTES || head.toString('latin1', 0, MAGIC.length) !== MAGIC) return 'damaged'
  const length = head.readUInt32BE(MAGIC.length)
  return length > PIECE_BYTES - HEAD_BYTES ? 'damaged' : Buffer.concat([head, readUpTo(handle, length)])
}

function readUpTo(handle: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  let at = 0
  while (at < bytes) {
    const read = readSync(handle, buffer, at, bytes - at, null)
    if (read === 0) break
    at += read
  }
  return buffer.subarray(0, at)
}

/** What the disk refuses, in one sentence. */
function inFiles<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw new Failure(EXIT.failed, `The file ${file} ${WHY[code] ?? `cannot be used (${code || String(error)})`}.`)
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'is not there: check its name',
  EACCES: 'may not be opened by you: check its permissions',
  EPERM: 'may not be opened by you: check its permissions',
  EISDIR: 'is a folder: name a file',
  ENOTDIR: 'is not there: check its name',
  ENOSPC: 'does not fit: the disk is full',
  EROFS: 'cannot be written: the disk is read-only',
  EEXIST: 'is being written by another command',
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

export const mailCommands: readonly Command[] = [exportMail, importMail]
