/** Icons, the mark and the way: references into the sprite. Each is silent for screen readers; words stand beside it. */
import { cx } from './cx.ts'

export type IconName =
  | 'search'
  | 'add'
  | 'send'
  | 'more'
  | 'back'
  | 'verified'
  | 'lan'
  | 'direct'
  | 'relay'
  | 'wait'
  | 'warn'
  | 'check'
  | 'copy'
  | 'chats'
  | 'people'
  | 'ridge'
  | 'settings'
  | 'reply'
  | 'close'
  | 'letter'

/** `small` for 16 px beside text; `flip` for an arrow that turns round in right-to-left. */
export const Icon = (props: { name: IconName; small?: boolean; flip?: boolean; class?: string }) => (
  <svg class={cx('i', props.small && 's', props.flip && 'flip', props.class)} aria-hidden="true">
    <use href={`#i-${props.name}`} />
  </svg>
)

export const Mark = (props: { class?: string }) => (
  <svg class={cx('mark', props.class)} aria-hidden="true">
    <use href="#i-logo" />
  </svg>
)

export type WayName = 'here' | 'sent' | 'carried' | 'delivered' | 'read' | 'stuck' | 'failed'

/** Where a message is, drawn: always beside the words that say it, unless `label` says it instead. */
export const Way = (props: { at: WayName; label?: string }) => (
  <svg
    class="way"
    role={props.label ? 'img' : undefined}
    aria-label={props.label}
    aria-hidden={props.label ? undefined : 'true'}
  >
    <use href={`#i-way-${props.at}`} />
  </svg>
)
