/** A face without a picture: a worn stone with initials, one of six pairs by account id, the mark at its foot by reach. */
import type { Contact } from '../../node/api.ts'
import { Show } from 'solid-js'
import { cx } from './cx.ts'

const PAIRS = 6
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const LETTER = /[\p{L}\p{N}\p{Emoji_Presentation}]/u

const firstLetter = (word: string): string => {
  for (const { segment } of segmenter.segment(word)) if (LETTER.test(segment)) return segment
  return ''
}

/** Two initials of two words, else the first two letters; `·` for a name without any. Cut after 8 units: marks can be piled up without end. */
export function initials(name: string): string {
  const words = name
    .slice(0, 200)
    .split(/\s+/)
    .filter((word) => firstLetter(word))
  const [first = '', second] = words
  if (second) return (firstLetter(first).slice(0, 8) + firstLetter(second).slice(0, 8)).toLocaleUpperCase()
  const letters = [...segmenter.segment(first)]
    .map((part) => part.segment.slice(0, 8))
    .filter((part) => LETTER.test(part))
  return letters.slice(0, 2).join('').toLocaleUpperCase() || '·'
}

const pairOf = (id: string): number => {
  let sum = 0
  for (let i = 0; i < id.length; i++) sum = (sum * 31 + id.charCodeAt(i)) % 9973
  return (sum % PAIRS) + 1
}

export const Face = (props: { id: string; name: string; here?: boolean | null; size?: 's' | 'l' }) => (
  <span class={cx('face', `f${pairOf(props.id)}`, props.size)} aria-hidden="true">
    {initials(props.name)}
    <Show when={props.here !== undefined && props.here !== null}>
      <span class={cx('here', !props.here && 'not')} />
    </Show>
  </span>
)

export const ContactFace = (props: { contact: Contact; size?: 's' | 'l'; bare?: boolean }) => (
  <Face
    id={props.contact.id}
    name={props.contact.name}
    here={props.bare ? null : props.contact.online}
    {...(props.size ? { size: props.size } : {})}
  />
)
