/**
 * A conversation: header, what is wrong if something is, the messages, the composer.
 *
 * Holds: at most a screenful of messages is in the page however long the conversation is; whoever reads at the end stays
 * at the end, whoever reads further up is not moved.
 */
import { createEffect, createMemo, createSignal, on, onCleanup, onMount, Show, untrack } from 'solid-js'
import { Virtualizer, type VirtualizerHandle } from 'virtua/solid'
import type { Contact, ContactId, Conversation as ConversationData, Message, MessageId } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { Trouble } from '../parts/dialog.tsx'
import { ContactFace } from '../parts/face.tsx'
import { nameIn, type NameOf } from '../parts/finding-words.ts'
import { Icon } from '../parts/icon.tsx'
import { MessageRow } from '../parts/message-row.tsx'
import { createCall } from '../primitives/create-call.ts'
import { createMessages, type Messages } from '../primitives/create-messages.ts'
import { createInFront, createSeen } from '../primitives/create-seen.ts'
import { kept } from '../primitives/kept.ts'
import { aboutHref, listHref } from '../route.ts'
import { moment } from '../words/dates.ts'
import type { Words } from '../words/en.ts'
import { useWords } from '../words/words.ts'
import { Composer } from './composer.tsx'

/** Closer to the end than this counts as reading the end. */
const END_PX = 48
/** Older messages are fetched this long before the reader arrives there. */
const AHEAD_PX = 1_500

/** How a contact is reached, in one line. */
function reachWords(t: Words, contact: Contact, nameOf: NameOf): string {
  if (contact.state === 'blocked') return t.list.blocked
  if (contact.relayedBy !== null) return t.chat.viaFriend(nameOf(contact.relayedBy))
  if (contact.via) return t.chat.via[contact.via]
  if (contact.state === 'invited') return t.details.invited
  return contact.lastSeen ? t.chat.notReachedSince(moment(contact.lastSeen)) : t.chat.notReached
}

const Header = (props: { contact: Contact; aboutOpen: boolean }) => {
  const t = useWords()
  const session = useNode()
  return (
    <header class="bar">
      <a class="ib back" href={listHref} aria-label={t().app.back}>
        <Icon name="back" flip />
      </a>
      <ContactFace contact={props.contact} />
      <div class="who grow">
        <h1 tabindex="-1" data-heading>
          <bdi>{props.contact.name}</bdi>
          <Show when={props.contact.verified}>
            <Icon name="verified" small />
            <span class="hidden">{t().app.verified}</span>
          </Show>
        </h1>
        <p>{reachWords(t(), props.contact, nameIn(session))}</p>
      </div>
      <div class="acts">
        <a
          class="ib"
          id="details-link"
          href={aboutHref(props.contact.id)}
          aria-label={t().chat.details}
          aria-expanded={props.aboutOpen}
        >
          <Icon name="more" />
        </a>
      </div>
    </header>
  )
}

const NetworkBanner = () => {
  const t = useWords()
  const { state } = useNode()
  const words = () => {
    const network = state.status?.network
    return network === 'none' ? t().chat.bannerNone : network === 'local' ? t().chat.bannerLocal : null
  }
  return (
    <div role="status">
      <Show when={state.door.phase === 'open' && state.status?.storage.trouble === null && words()}>
        {(sentence) => (
          <div class="banner">
            <Icon name="warn" />
            <p>{sentence()}</p>
            <a href="#/network">{t().chat.seeWho}</a>
          </div>
        )}
      </Show>
    </div>
  )
}

const offer = kept('tulnic.carrier-offer')
const [declined, setDeclined] = createSignal(offer.get() === 'no')

/** While nobody carries mail for me, a line says that this contact can be asked; once declined it never comes again. */
const CarrierOffer = (props: { contact: Contact }) => {
  const t = useWords()
  const { state } = useNode()
  const isOffered = () =>
    !declined() &&
    props.contact.state === 'active' &&
    // Where the network needs a line, that one matters more.
    state.status?.network === 'internet-unknown' &&
    Object.values(state.conversations).every(({ contact }) => contact.carrier === null)
  const decline = () => {
    offer.set('no')
    setDeclined(true)
    document.querySelector<HTMLElement>('.inbox textarea')?.focus()
  }
  return (
    <Show when={isOffered()}>
      <div class="banner calm">
        <Icon name="letter" />
        <p>{t().chat.offer(props.contact.name)}</p>
        <a href={aboutHref(props.contact.id)}>{t().chat.offerSee}</a>
        <button class="ib" type="button" aria-label={t().chat.offerNo} onClick={decline}>
          <Icon name="close" />
        </button>
      </div>
    </Show>
  )
}

/** The place of the oldest of the `unread` newest messages of theirs; −1 if there are none. */
function firstUnread(list: readonly Message[], contact: ContactId, unread: number): number {
  let left = unread
  let first = -1
  for (let i = list.length - 1; i >= 0 && left > 0; i--) {
    if (list[i]?.from !== contact) continue
    first = i
    left--
  }
  return first
}

/** The messages, scrolled. */
function Log(props: {
  conversation: ConversationData
  messages: Messages
  unread: number
  at: MessageId | null
  onReply: (message: Message) => void
}) {
  const t = useWords()
  const { state, outgoing } = useNode()
  const contact = untrack(() => props.conversation.contact.id)
  const { messages } = untrack(() => props)
  const seen = createSeen(contact)
  const front = createInFront()
  let scroll: HTMLDivElement | undefined
  let handle: VirtualizerHandle | undefined
  const [atEnd, setAtEnd] = createSignal(true)
  const [below, setBelow] = createSignal(0)
  const [placed, setPlaced] = createSignal(false)
  const [sought, setSought] = createSignal<MessageId | null>(null)
  const [focused, setFocused] = createSignal<readonly number[]>([])
  const [freshFrom, setFreshFrom] = createSignal<MessageId | null>(null)

  const known = (id: MessageId) => messages.list.find((message) => message.id === id)

  /** The newest message whose middle is inside the view. */
  function lastInView(view: VirtualizerHandle): number {
    const bottom = view.scrollOffset + view.viewportSize
    let index = Math.min(messages.list.length - 1, view.findItemIndex(bottom))
    while (index > 0 && view.getItemOffset(index) + view.getItemSize(index) / 2 > bottom) index--
    return index
  }

  function look(): void {
    // A pane that another one covers on a phone has no height: nothing in it is seen.
    if (!handle || !placed() || !scroll?.clientHeight) return
    const left = handle.scrollSize - handle.scrollOffset - handle.viewportSize
    const end = left < END_PX && messages.newest()
    setAtEnd(end)
    if (end) setBelow(0)
    seen(messages.list, lastInView(handle))
    // Looked at again when they came: at the very top nothing scrolls by itself.
    if (handle.scrollOffset < AHEAD_PX) void messages.loadOlder().then((came) => came && requestAnimationFrame(look))
    if (left < AHEAD_PX) void messages.loadNewer().then((came) => came && requestAnimationFrame(look))
  }

  function toEnd(): void {
    handle?.scrollToIndex(messages.list.length - 1, { align: 'end' })
  }

  async function toNewest(): Promise<void> {
    await messages.toNewest()
    setBelow(0)
    toEnd()
  }

  async function goTo(id: MessageId): Promise<void> {
    const place = await messages.find(id)
    if (place < 0) return
    setSought(id)
    setAtEnd(false)
    handle?.scrollToIndex(place, { align: 'center' })
  }

  /** Where one begins to read: the line of the new, the message sought, or the end. */
  function begin(): void {
    const first = firstUnread(messages.list, contact, props.unread)
    setFreshFrom(messages.list[first]?.id ?? null)
    if (props.at) void goTo(props.at)
    else if (first >= 0) handle?.scrollToIndex(first, { align: 'start', offset: -64 })
    else toEnd()
    requestAnimationFrame(() => {
      setPlaced(true)
      look()
    })
  }

  createEffect(
    on([messages.ready, () => messages.list.length > 0], ([ready, some]) => {
      if (ready && some && !placed()) queueMicrotask(begin)
    }),
  )
  createEffect(
    on(
      messages.came,
      (message) => {
        if (!placed() || message === null) return
        if (atEnd() || message.from === state.self?.id) queueMicrotask(toEnd)
        else setBelow((count) => count + 1)
      },
      { defer: true },
    ),
  )
  // Whoever writes while reading further up comes back to what was written.
  onCleanup(
    outgoing.onSent((message) => {
      if (message.conversation !== contact) return
      if (messages.newest()) messages.put(message)
      else void toNewest()
    }),
  )
  createEffect(
    on(
      () => props.at,
      (at) => at && placed() && void goTo(at),
      { defer: true },
    ),
  )
  createEffect(on([front, () => props.conversation.unread], look, { defer: true }))
  onMount(() => {
    // The keyboard of a phone, a banner or the composer's growth take room: whoever read the end still does.
    const watch = new ResizeObserver(() => atEnd() && placed() && toEnd())
    if (scroll) watch.observe(scroll)
    onCleanup(() => watch.disconnect())
  })

  const missing = () => props.conversation.missing
  const unseen = () => below() + messages.later()
  return (
    <>
      <div
        class="scroll"
        ref={scroll}
        role="log"
        aria-live="off"
        aria-label={t().chat.log(props.conversation.contact.name)}
        tabindex="0"
      >
        <div class="push" />
        <Show when={messages.ready() && messages.list.length === 0}>
          <p class="sysline">{t().chat.firstMessage(props.conversation.contact.name)}</p>
        </Show>
        <Show when={messages.ready() && messages.list.length > 0}>
          <Virtualizer
            ref={(made) => {
              handle = made
            }}
            data={messages.list}
            shift={messages.prepending()}
            onScroll={look}
            onResize={() => {
              if (atEnd() && placed()) toEnd()
              look()
            }}
            keepMounted={focused()}
          >
            {(message, index) => (
              <div class="log" onFocusIn={() => setFocused([index()])} onFocusOut={() => setFocused([])}>
                <Show when={index() === 0}>
                  <p class="sysline">{messages.complete() ? t().chat.begin : t().chat.loading}</p>
                </Show>
                <MessageRow
                  message={message}
                  before={messages.list[index() - 1]}
                  after={messages.list[index() + 1]}
                  contact={props.conversation.contact}
                  fresh={freshFrom() === message.id ? props.unread : 0}
                  freshAfter={messages.list[index() + 1]?.id === freshFrom()}
                  sought={sought() === message.id}
                  known={known}
                  onReply={props.onReply}
                  onGo={(id) => void goTo(id)}
                />
                <Show when={index() === messages.list.length - 1 && messages.newest() && missing() > 0}>
                  <p class="gap">
                    <span>
                      <Icon name="warn" small />
                      <span>{t().chat.gap(missing())}</span>
                    </span>
                  </p>
                </Show>
              </div>
            )}
          </Virtualizer>
        </Show>
      </div>
      <Show when={placed() && !atEnd()}>
        <div class="toend">
          <button class="btn" type="button" onClick={() => void toNewest()}>
            {unseen() > 0 ? t().chat.toEndNew(unseen()) : t().chat.toEnd}
          </button>
        </div>
      </Show>
    </>
  )
}

const Blocked = (props: { contact: Contact }) => {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  return (
    <div class="compose">
      <Trouble text={call.trouble()} />
      <div class="row">
        <p class="grow">{t().compose.blocked(props.contact.name)}</p>
        <button
          class="btn"
          type="button"
          onClick={() => void call.run(() => api.unblockContact({ to: props.contact.id }))}
        >
          {t().compose.unblock}
        </button>
      </div>
    </div>
  )
}

/** `contact` stays the same for the life of the component. */
export function Conversation(props: { contact: ContactId; at: MessageId | null; shown: boolean; aboutOpen: boolean }) {
  const t = useWords()
  const { state } = useNode()
  const id = untrack(() => props.contact)
  const conversation = createMemo(() => state.conversations[id])
  const unread = untrack(() => conversation()?.unread ?? 0)
  const messages = createMessages(
    id,
    Math.min(unread + 20, 500),
    untrack(() => props.at),
  )
  const [replyTo, setReplyTo] = createSignal<Message | null>(null)
  const replyName = () => (replyTo()?.from === state.self?.id ? t().app.you : (conversation()?.contact.name ?? ''))
  let pane: HTMLElement | undefined
  const reply = (message: Message) => {
    setReplyTo(message)
    pane?.querySelector('textarea')?.focus()
  }
  return (
    <section
      class="pane talk"
      classList={{ show: props.shown }}
      id="talk"
      ref={pane}
      tabindex="-1"
      aria-label={conversation()?.contact.name}
    >
      <Show when={conversation()}>
        {(found) => (
          <>
            <Header contact={found().contact} aboutOpen={props.aboutOpen} />
            <NetworkBanner />
            <CarrierOffer contact={found().contact} />
            <Log conversation={found()} messages={messages} unread={unread} at={props.at} onReply={reply} />
            <Show when={found().contact.state !== 'blocked'} fallback={<Blocked contact={found().contact} />}>
              <Composer
                contact={found().contact}
                replyTo={replyTo()}
                replyName={replyName()}
                onReplyDone={() => setReplyTo(null)}
                onReply={reply}
              />
            </Show>
          </>
        )}
      </Show>
    </section>
  )
}
