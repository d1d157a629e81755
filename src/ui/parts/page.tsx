/** A page beside the list: header with the way back, heading, and what scrolls below. */
import { type JSX, Show } from 'solid-js'
import { listHref } from '../route.ts'
import { useWords } from '../words/words.ts'
import { cx } from './cx.ts'
import { Icon } from './icon.tsx'

export const Page = (props: {
  title: string
  line?: string
  /** Where the way back leads, if not to the list, and what it is called. */
  back?: { readonly href: string; readonly label: string }
  slim?: boolean
  face?: JSX.Element
  acts?: JSX.Element
  children: JSX.Element
}) => {
  const t = useWords()
  return (
    <section class="pane page show" id="talk" tabindex="-1" aria-label={props.title}>
      <header class="bar">
        <a
          class="ib back"
          classList={{ always: props.back !== undefined }}
          href={props.back?.href ?? listHref}
          aria-label={props.back?.label ?? t().app.back}
        >
          <Icon name="back" flip />
        </a>
        {props.face}
        <div class="who grow">
          <h1 tabindex="-1" data-heading>
            {props.title}
          </h1>
          <Show when={props.line}>
            <p>{props.line}</p>
          </Show>
        </div>
        <div class="acts">{props.acts}</div>
      </header>
      <div class="in">
        <div class={cx('col', props.slim && 'slim')}>{props.children}</div>
      </div>
    </section>
  )
}
