/**
 * Every command of this version, and the names of those of later ones.
 */
import { bench } from './bench.ts'
import { chat } from './chat.ts'
import type { Command } from './command.ts'
import { contactCommands, contacts } from './contacts.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { add, invite } from './invites.ts'
import { history, listen, send } from './messages.ts'
import { mailCommands } from './mail.ts'
import { nearby, pair } from './nearby.ts'
import { id, init, open } from './profile.ts'
import { relaying } from './relaying.ts'
import { start } from './start.ts'
import { status } from './status.ts'

/** In the order of the help. */
export const COMMANDS: readonly Command[] = [
  start,
  init,
  id,
  open,
  status,
  doctor,
  invite,
  add,
  nearby,
  pair,
  contacts,
  ...contactCommands,
  relaying,
  send,
  history,
  listen,
  chat,
  ...mailCommands,
  demo,
  bench,
]

/** First words of commands that a later version will have: known, so that their refusal can say so. */
export const LATER: ReadonlySet<string> = new Set(['group', 'attachment', 'devices', 'backup', 'recovery'])
