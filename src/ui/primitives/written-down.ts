/**
 * Whether the person said, in this browser, that the recovery phrase of a profile is written down.
 *
 * Kept in the browser and not in the profile: it is about what this person sees here. Another browser asks once more, which
 * costs a press; a profile that was made on the command line, or restored, is asked about too, which is right.
 */
import { createSignal } from 'solid-js'
import type { ContactId } from '../../node/api.ts'
import { kept } from './kept.ts'

const choice = kept('tulnic.phrase')
const [written, setWritten] = createSignal(choice.get())

/** Whether it was said of the profile with this account id; reactive. */
export const isWrittenDown = (self: ContactId): boolean => written() === self

export function setWrittenDown(self: ContactId): void {
  choice.set(self)
  setWritten(self)
}
