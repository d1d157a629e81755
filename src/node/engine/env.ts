/**
 * What a step is told besides its input: the core never asks, it is told.
 */
import type { Primitives, Random } from '../../protocol/index.ts'
import type { ApiErrorData, ErrorCode } from '../api.ts'
import type { Draft } from './draft.ts'

export interface Env {
  readonly p: Primitives
  readonly random: Random
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Refuses a command: nothing of its draft was changed before. */
export function refuse(draft: Draft, command: number, code: ErrorCode, message: string): void {
  const error: ApiErrorData = { code, message }
  draft.effect({ type: 'refuse', command, error })
}

export function reply(draft: Draft, command: number, value: unknown): void {
  draft.effect({ type: 'reply', command, value })
}
