/**
 * `tulnic relaying`: whether this node gives its contacts places to be reached through.
 */
import type { Command } from './command.ts'
import { withNode } from './connection.ts'
import { usage } from './failure.ts'

export const relaying: Command = {
  name: 'relaying',
  takes: 'on|off',
  help: 'relay for contacts whom others do not reach (on)',
  options: {},
  count: [1, 1],
  run: async (context) => {
    const { args, out } = context
    const word = args.at(0)
    if (word !== 'on' && word !== 'off') throw usage('Use it so: tulnic relaying on|off')
    const forContacts = word === 'on'
    await withNode(context, (client) => client.call('setRelaying', { forContacts }))
    out.object({ forContacts })
    out.comfort(
      forContacts
        ? 'Contacts whom others do not reach are reached through this node.'
        : 'Nobody is reached through this node as its contact any more.',
    )
  },
}
