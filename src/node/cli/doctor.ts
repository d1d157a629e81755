/**
 * `tulnic doctor`: what stands in the way of messages, and what to do about it, as the node found it.
 */
import type { Finding } from '../api.ts'
import type { Command } from './command.ts'
import { withNode } from './connection.ts'
import { type FindingWords, findingWords } from './finding-words.ts'
import { plainLine } from './plain-text.ts'
import { contactNames } from './views.ts'

const LEVEL_WORDS = { problem: 'problem', note: 'note', good: 'well' } as const

export const doctor: Command = {
  name: 'doctor',
  takes: '',
  help: 'what is wrong, and what to do about it',
  options: {},
  count: [0, 0],
  run: async (context) => {
    const [status, contacts] = await withNode(context, async (client) => {
      const now = await client.call('status')
      return [now, now.phase === 'open' && now.storage.trouble === null ? await client.call('contacts') : []]
    })
    const names = contactNames(contacts)
    const said = status.findings.map((finding) => ({ ...finding, ...findingWords(finding, status, names) }))
    context.out.result({ findings: said }, said.map(lineOf).join('\n'))
  },
}

function lineOf({ level, what, todo }: Finding & FindingWords): string {
  return `${LEVEL_WORDS[level].padEnd(8)} ${plainLine(what)}${todo === null ? '' : `\n         → ${plainLine(todo)}`}`
}
