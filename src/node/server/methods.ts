/**
 * Every call that may cross a wire, with the shape of its arguments: the one table behind both doors.
 *
 * Holds: a method that is not here does not exist; nothing reaches the node whose arguments do not fit; a method of
 * NodeApi that is missing here does not compile.
 */
import type { NodeApi } from '../api.ts'
import { ApiError } from '../api-error.ts'
import { type Checked, fault, fits, flag, maybe, orNull, type Shape, text, whole } from './fields.ts'

/** What a call is made on. `stop` begins stopping and does not wait for the end: the connection's end says it. */
export interface Callee {
  readonly node: NodeApi
  readonly stop: () => void
}

type Method = (callee: Callee, args: unknown) => Promise<unknown>

function method<S extends Shape>(
  shape: S,
  run: (node: NodeApi, args: Checked<S>, callee: Callee) => Promise<unknown>,
): Method {
  return async (callee, args) => {
    if (!fits(shape, args)) throw new ApiError('usage', `This call was not understood: ${fault(shape, args)}.`)
    return await run(callee.node, args, callee)
  }
}

/** Longer than any name, id or search that the node accepts: it says itself what is too long. */
const WORD = text(1024, 1)
/** A message has at most 16 384 bytes; the node refuses a longer one in its own words, up to this. */
const LONG = text(65_536)
/** A link may be pasted with the text around it. */
const LINK = text(65_536)
/** A piece of a mail file in base64. */
const PIECE = text(961_200)
const SECONDS = whole(1, 86_400)

const TABLE: Readonly<Record<keyof NodeApi, Method>> = {
  status: method({}, (node) => node.status()),
  createProfile: method({ name: text(1024), passphrase: orNull(text(1024, 1)) }, (node, args) =>
    node.createProfile(args),
  ),
  unlock: method({ passphrase: text(1024) }, (node, args) => node.unlock(args)),
  recoveryPhrase: method({ passphrase: orNull(text(1024)) }, (node, args) => node.recoveryPhrase(args)),
  rename: method({ name: text(1024) }, (node, args) => node.rename(args)),
  stop: method({}, async (_node, _args, callee) => callee.stop()),

  contacts: method({}, (node) => node.contacts()),
  contact: method({ to: WORD }, (node, args) => node.contact(args)),
  createInvite: method(
    { uses: maybe(whole(1, 1000)), expiresInSeconds: maybe(whole(1, 31_536_000)), file: maybe(flag) },
    (node, args) => node.createInvite(args),
  ),
  addContact: method({ link: LINK, name: maybe(text(1024)) }, (node, args) => node.addContact(args)),
  renameContact: method({ to: WORD, name: text(1024) }, (node, args) => node.renameContact(args)),
  blockContact: method({ to: WORD }, (node, args) => node.blockContact(args)),
  unblockContact: method({ to: WORD }, (node, args) => node.unblockContact(args)),
  removeContact: method({ to: WORD }, (node, args) => node.removeContact(args)),
  safetyNumber: method({ to: WORD }, (node, args) => node.safetyNumber(args)),
  verifyContact: method({ to: WORD, number: orNull(text(1024)) }, (node, args) => node.verifyContact(args)),
  setRelayOnly: method({ to: WORD, on: flag }, (node, args) => node.setRelayOnly(args)),
  setCarrier: method({ to: WORD, on: flag }, (node, args) => node.setCarrier(args)),
  reachNow: method({ to: maybe(WORD) }, (node, args) => node.reachNow(args)),

  setRelaying: method({ forContacts: flag }, (node, args) => node.setRelaying(args)),

  nearby: method({ seconds: whole(0, 3600) }, (node, args) => node.nearby(args)),
  pair: method({ peer: WORD, timeoutSeconds: SECONDS }, (node, args) => node.pair(args)),
  confirmPairing: method({ peer: WORD, byPerson: flag, timeoutSeconds: SECONDS }, (node, args) =>
    node.confirmPairing(args),
  ),
  cancelPairing: method({ peer: WORD }, (node, args) => node.cancelPairing(args)),

  conversations: method({}, (node) => node.conversations()),
  conversation: method({ to: WORD }, (node, args) => node.conversation(args)),
  send: method({ to: WORD, text: LONG, replyTo: maybe(WORD), key: maybe(WORD) }, (node, args) => node.send(args)),
  message: method({ id: WORD }, (node, args) => node.message(args)),
  history: method(
    {
      to: WORD,
      limit: maybe(whole(1, 500)),
      before: maybe(WORD),
      after: maybe(WORD),
      around: maybe(WORD),
      search: maybe(text(1024)),
    },
    (node, args) => node.history(args),
  ),
  search: method({ text: text(1024), limit: maybe(whole(1, 500)) }, (node, args) => node.search(args)),
  markRead: method({ to: WORD, upTo: WORD }, (node, args) => node.markRead(args)),
  setDraft: method({ to: WORD, text: LONG }, (node, args) => node.setDraft(args)),

  sendAgain: method({ id: WORD }, (node, args) => node.sendAgain(args)),
  exportMail: method({ to: maybe(WORD), after: maybe(whole(0, Number.MAX_SAFE_INTEGER)) }, (node, args) =>
    node.exportMail(args),
  ),
  importMail: method({ piece: PIECE }, (node, args) => node.importMail(args)),

  events: method({ since: text(64), limit: maybe(whole(1, 500)) }, (node, args) => node.events(args)),
}

/** Every call by its name. */
export const METHODS: ReadonlyMap<string, Method> = new Map(Object.entries(TABLE))

/** Makes one call. Rejects with `usage` for a name or arguments that are not in the table, else as the node does. */
export async function callNode(callee: Callee, name: string, args: unknown): Promise<unknown> {
  const method = METHODS.get(name)
  if (method === undefined) throw new ApiError('usage', `There is no call named ${JSON.stringify(name.slice(0, 40))}.`)
  return await method(callee, args)
}
