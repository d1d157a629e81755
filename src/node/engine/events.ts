/**
 * What an event row says: ids and counters, never text. `queries.ts` turns it into what the API tells.
 *
 * Holds: a run of messages or of one state is one row, so that a flood costs one row a batch.
 */
import type { AccountId } from '../../protocol/index.ts'
import type { MessageState, Reason, Via } from '../api.ts'
import type { Author } from '../store/records.ts'

export type EventBody =
  | { readonly t: 'message'; readonly c: AccountId; readonly a: Author; readonly from: number; readonly to: number }
  | {
      readonly t: 'state'
      readonly c: AccountId
      readonly from: number
      readonly to: number
      readonly s: MessageState
      readonly r: Reason
    }
  | { readonly t: 'contact'; readonly c: AccountId }
  | { readonly t: 'removed'; readonly c: AccountId }
  | { readonly t: 'connection'; readonly c: AccountId; readonly via: Via }
  | { readonly t: 'gap'; readonly c: AccountId; readonly count: number }
  | { readonly t: 'warning'; readonly text: string }

/** The one run that `next` makes with the run `last`, where it goes on where that ended. */
export function joinedRun(last: EventBody | undefined, next: EventBody): EventBody | undefined {
  if (last?.t === 'message' && next.t === 'message') {
    return last.c === next.c && last.a === next.a && last.to + 1 === next.from ? { ...last, to: next.to } : undefined
  }
  if (last?.t === 'state' && next.t === 'state') {
    const same = last.c === next.c && last.s === next.s && last.r === next.r
    return same && last.to + 1 === next.from ? { ...last, to: next.to } : undefined
  }
  return undefined
}
