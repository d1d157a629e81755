/**
 * Mail by hand: envelopes that leave in a file, and come in one.
 *
 * Holds: (in the making)
 */
import type { Asked } from './command.ts'
import type { Draft, Steps } from './draft.ts'
import { type Env, reply } from './env.ts'

type Ask<N extends Asked['name']> = Extract<Asked, { name: N }>

export function* exportMail(draft: Draft, _env: Env, command: number, _asked: Ask<'export-mail'>): Steps<void> {
  reply(draft, command, { envelopes: [], after: null })
}

export function* importMail(draft: Draft, _env: Env, command: number, _asked: Ask<'import-mail'>): Steps<void> {
  reply(draft, command, { delivered: 0, kept: 0 })
}
