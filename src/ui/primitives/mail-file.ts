/**
 * Files of sealed mail, and of invites, between the node and the person's disk.
 *
 *     mail file = pieces one after the other, each "tulnic mail 1\n" ‖ length of what follows 4, big-endian ‖ …
 *
 * Holds: the window only cuts and joins pieces, the node reads what is in them; a file is read piece by piece, however large
 * it is; what is no mail reaches the node not at all.
 */
import type { MailTaken, NodeApi } from '../../node/api.ts'
import { CallError } from '../node-client.ts'

const MAGIC = 'tulnic mail 1\n'
const HEAD_BYTES = MAGIC.length + 4
/** The largest piece that a node takes. */
const PIECE_BYTES = 704 * 1024
/** The largest text that a node takes as a link. */
const INVITE_CHARACTERS = 65_536
/** A saved file is read by the browser once it was asked where to: until then its address must stand. */
const SAVING_MS = 10 * 60_000

/** Saves what waits for the contact, or for everybody; how many letters. Without any, nothing is saved. */
export async function saveMail(api: NodeApi, to?: string): Promise<number> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let envelopes = 0
  for (let after: number | null = 0; after !== null; ) {
    const piece = await api.exportMail({ ...(to === undefined ? {} : { to }), after })
    pieces.push(fromBase64(piece.piece))
    envelopes += piece.envelopes
    after = piece.after
  }
  if (envelopes > 0) saveFile(`mail-${new Date().toISOString().slice(0, 10)}.tulnic`, pieces)
  return envelopes
}

/** Gives a file's pieces to the node. Rejects `mail-foreign` for what is no mail; the rest of one that is cut short is `damaged`. */
export async function takeMail(api: NodeApi, file: Blob): Promise<MailTaken> {
  let all: MailTaken = { envelopes: 0, delivered: 0, kept: 0, damaged: false }
  if ((await pieceAt(file, 0)) === undefined) throw new CallError('mail-foreign', 'no tulnic mail')
  for (let at = 0; at < file.size; ) {
    const piece = await pieceAt(file, at)
    if (piece === undefined) return { ...all, damaged: true }
    const taken = await api.importMail({ piece: toBase64(piece) })
    all = {
      envelopes: all.envelopes + taken.envelopes,
      delivered: all.delivered + taken.delivered,
      kept: all.kept + taken.kept,
      damaged: all.damaged || taken.damaged,
    }
    at += piece.length
  }
  return all
}

/** The text of a file that holds an invite; `undefined` where it holds none. */
export async function inviteIn(file: Blob): Promise<string | undefined> {
  if (file.size > INVITE_CHARACTERS) return undefined
  const text = await file.text()
  return text.includes('tulnic:') ? text : undefined
}

export const saveInvite = (text: string): void => saveFile('invite.tulnic', [text])

/** The piece that begins there, cut short where the file is; `undefined` where none begins. */
async function pieceAt(file: Blob, at: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const head = await bytesOf(file.slice(at, at + HEAD_BYTES))
  if (head.length < HEAD_BYTES || !MAGIC.split('').every((sign, place) => head[place] === sign.charCodeAt(0)))
    return undefined
  const length = new DataView(head.buffer).getUint32(MAGIC.length)
  return length > PIECE_BYTES - HEAD_BYTES ? undefined : bytesOf(file.slice(at, at + HEAD_BYTES + length))
}

const bytesOf = async (blob: Blob): Promise<Uint8Array<ArrayBuffer>> => new Uint8Array(await blob.arrayBuffer())

/** Bytes for one call of `fromCharCode`: more would be too many arguments. */
const AT_ONCE = 8192

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += AT_ONCE) text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE))
  return btoa(text)
}

const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))

function saveFile(name: string, parts: BlobPart[]): void {
  const url = URL.createObjectURL(new Blob(parts, { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), SAVING_MS)
}
