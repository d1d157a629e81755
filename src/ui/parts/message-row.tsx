/**
 * One message with what belongs to its place: the day before it, the line of the new, its state below.
 *
 * Holds: in a run of one author's messages with one state only the last says it; a stuck or failed one says why on demand.
 */
import { createEffect, createSignal, createUniqueId, Match, on, Show, Switch } from 'solid-js'
import type { Contact, Message, MessageId } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { createCall } from '../primitives/create-call.ts'
import { clock, day, dayOf, moment } from '../words/dates.ts'
import { useWords } from '../words/words.ts'
import { cx } from './cx.ts'
import { Trouble } from './dialog.tsx'
import { Icon, Way } from './icon.tsx'
import { LinkedText } from './linked-text.tsx'
import { SaveMail } from './mail-by-hand.tsx'
import { isStuck, reasonWords, stateWords, wayOf } from './message-state.ts'

/** Two messages further apart than this are two things said. */
const RUN_MS = 5 * 60_000

const sameRun = (a: Message, b: Message): boolean =>
  a.from === b.from &&
  a.state === b.state &&
  a.reason === b.reason &&
  a.carriedBy.join() === b.carriedBy.join() &&
  dayOf(a.receivedAt) === dayOf(b.receivedAt) &&
  Math.abs(Date.parse(b.receivedAt) - Date.parse(a.receivedAt)) < RUN_MS

/** The author's time; with its date if it came here on another day. */
const Written = (props: { message: Message }) => (
  <time datetime={props.message.sentAt}>
    {dayOf(props.message.sentAt) === dayOf(props.message.receivedAt)
      ? clock(props.message.sentAt)
      : moment(props.message.sentAt)}
  </time>
)

const Quote = (props: {
  id: MessageId
  known: (id: MessageId) => Message | undefined
  contact: Contact
  onGo: (id: MessageId) => void
}) => {
  const t = useWords()
  const { api, state } = useNode()
  const [fetched, setFetched] = createSignal<Message | null>(null)
  const quoted = () => props.known(props.id) ?? fetched()
  createEffect(() => {
    if (props.known(props.id)) return
    api.message({ id: props.id }).then(
      // Only from this conversation: an id is the other side's claim.
      (message) => message.conversation === props.contact.id && setFetched(message),
      () => undefined,
    )
  })
  return (
    <Show when={quoted()} fallback={<span class="quote">{t().chat.quoteGone}</span>}>
      {(message) => (
        <button class="quote" type="button" onClick={() => props.onGo(message().id)}>
          <b>
            <bdi>{message().from === state.self?.id ? t().app.you : props.contact.name}</bdi>
          </b>
          <bdi class="cut">{message().text.slice(0, 200)}</bdi>
        </button>
      )}
    </Show>
  )
}

/** The card behind a state line: what is the matter, what happens by itself, and what one can do. */
const WhyCard = (props: { message: Message; contact: Contact; id: string }) => {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  const [tried, setTried] = createSignal(false)
  const failed = () => props.message.state === 'failed'
  const waits = () => props.message.reason === 'not-reached' || props.message.reason === 'invite-pending'
  const needsLink = () => props.message.reason === 'invite-used' || props.message.reason === 'invite-expired'
  const tryNow = async () => {
    setTried(false)
    setTried(await call.run(() => api.reachNow({ to: props.contact.id })))
  }
  return (
    <div class="why" id={props.id}>
      <p>
        <b>{failed() ? t().chat.notSent : t().chat.whyTitle}</b>{' '}
        <Show when={props.message.reason}>{(reason) => t().because[reason()](props.contact.name)}</Show>
      </p>
      <p role="status">
        <Switch>
          <Match when={call.busy()}>{t().chat.trying}</Match>
          <Match when={tried()}>{t().chat.tried}</Match>
        </Switch>
      </p>
      <Trouble text={call.trouble()} />
      <Show when={props.message.reason === 'not-reached'}>
        <p>{t().chat.byHand(props.contact.name)}</p>
      </Show>
      <div class="row">
        <Show
          when={needsLink()}
          fallback={
            <Show when={!failed() && props.message.reason !== 'blocked'}>
              <button class="btn" type="button" disabled={call.busy()} onClick={tryNow}>
                {t().chat.tryNow}
              </button>
            </Show>
          }
        >
          <a class="btn" href="#/add">
            {t().chat.newLink}
          </a>
        </Show>
        <Show when={waits()}>
          <SaveMail to={props.contact.id} />
        </Show>
      </div>
    </div>
  )
}

const MyState = (props: { message: Message; contact: Contact }) => {
  const t = useWords()
  const session = useNode()
  const again = createCall()
  const [open, setOpen] = createSignal(false)
  const card = createUniqueId()
  const hasReason = () => props.message.reason !== null && (isStuck(props.message) || props.message.state === 'failed')
  createEffect(on(hasReason, (has) => !has && setOpen(false)))
  return (
    <>
      <p class={cx('state', isStuck(props.message) && 'stuck', props.message.state === 'failed' && 'failed')}>
        <Way at={wayOf(props.message)} />
        <Show when={hasReason() && props.message.reason} fallback={stateWords(t(), props.message, session)}>
          {(reason) => (
            <>
              <b>{stateWords(t(), props.message, session)}</b>
              {t().app.colon}
              {reasonWords(t(), reason(), props.contact)}
              {' · '}
              <button
                class="link"
                type="button"
                aria-expanded={open()}
                aria-controls={card}
                onClick={() => setOpen(!open())}
              >
                {t().chat.why}
              </button>
              <Show when={reason() === 'not-collected'}>
                {' · '}
                <button
                  class="link"
                  type="button"
                  aria-disabled={again.busy()}
                  onClick={() => void again.run(() => session.api.sendAgain({ id: props.message.id }))}
                >
                  {t().chat.sendAgain}
                </button>
              </Show>
            </>
          )}
        </Show>
        <span class="nowrap">
          {' · '}
          <Written message={props.message} />
        </span>
      </p>
      <Trouble text={again.trouble()} />
      <Show when={open()}>
        <WhyCard message={props.message} contact={props.contact} id={card} />
      </Show>
    </>
  )
}

export function MessageRow(props: {
  message: Message
  before: Message | undefined
  after: Message | undefined
  contact: Contact
  /** How many new ones begin here; 0: the line is not here. */
  fresh: number
  /** The line of the new is right after: a run ends here. */
  freshAfter: boolean
  sought: boolean
  known: (id: MessageId) => Message | undefined
  onReply: (message: Message) => void
  onGo: (id: MessageId) => void
}) {
  const t = useWords()
  const { state } = useNode()
  const mine = () => props.message.from === state.self?.id
  const newDay = () => !props.before || dayOf(props.before.receivedAt) !== dayOf(props.message.receivedAt)
  const runs = () => props.after !== undefined && !props.freshAfter && sameRun(props.message, props.after)
  const author = () => (mine() ? t().app.you : props.contact.name)
  return (
    <div class={cx('line', runs() && 'run')}>
      <Show when={newDay()}>
        <p class="day">
          <time datetime={props.message.receivedAt}>{day(props.message.receivedAt)}</time>
        </p>
      </Show>
      <Show when={props.fresh > 0}>
        <p class="fresh">
          <span>{t().chat.fresh(props.fresh)}</span>
        </p>
      </Show>
      <article class={cx('msg', mine() ? 'mine' : 'theirs')} aria-current={props.sought ? 'true' : undefined}>
        <div class="said">
          <div class="bubble" tabindex="-1">
            <span class="hidden">{t().chat.said(author())}</span>
            <Show when={props.message.replyTo}>
              {(id) => <Quote id={id()} known={props.known} contact={props.contact} onGo={props.onGo} />}
            </Show>
            <LinkedText text={props.message.text} />
          </div>
          <button
            class="ib reply"
            type="button"
            aria-label={t().chat.replyTo(author())}
            onClick={() => props.onReply(props.message)}
          >
            <Icon name="reply" small flip />
          </button>
        </div>
        <Show when={!runs()}>
          <Show
            when={mine()}
            fallback={
              <p class="state">
                <Written message={props.message} />
              </p>
            }
          >
            <MyState message={props.message} contact={props.contact} />
          </Show>
        </Show>
      </article>
    </div>
  )
}
