/**
 * The list of conversations, newest first, and the search over names and messages.
 *
 * Holds: the foot says which networks there are and how many people are reached; each row says in words what its marks mean.
 */
import { createMemo, For, Match, Show, Switch } from 'solid-js'
import { Dynamic } from 'solid-js/web'
import type { Conversation, Message } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { ContactFace } from '../parts/face.tsx'
import { Icon, Mark, Way } from '../parts/icon.tsx'
import { SmallRidge } from '../parts/land.tsx'
import { stateWords, wayOf } from '../parts/message-state.ts'
import { createSearch } from '../primitives/create-search.ts'
import { isWrittenDown } from '../primitives/written-down.ts'
import { chatHref, messageHref, route, routeContact } from '../route.ts'
import { brief } from '../words/dates.ts'
import { useWords } from '../words/words.ts'

const Name = (props: { conversation: Conversation }) => {
  const t = useWords()
  return (
    <span class="name">
      <bdi>{props.conversation.contact.name}</bdi>
      <Show when={props.conversation.contact.verified}>
        <Icon name="verified" small />
        <span class="hidden">{t().app.verified}</span>
      </Show>
    </span>
  )
}

/** The first line of a text: a row shows no more, and 16 kB need not be laid out for it. */
const opening = (text: string): string => text.slice(0, 200).split('\n', 1)[0] ?? ''

const LastWords = (props: { conversation: Conversation }) => {
  const t = useWords()
  const session = useNode()
  const contact = () => props.conversation.contact
  const mine = (last: Message) => last.from === session.state.self?.id
  return (
    <span class="last">
      <Switch fallback={<span>{t().list.quiet}</span>}>
        <Match when={contact().state === 'blocked'}>
          <span>{t().list.blocked}</span>
        </Match>
        <Match when={props.conversation.draft.trim() && routeContact() !== contact().id}>
          <span class="draft">{t().list.draft}</span>
          <bdi>{opening(props.conversation.draft)}</bdi>
        </Match>
        <Match when={props.conversation.last}>
          {(last) => (
            <>
              <Show when={mine(last())}>
                <Way at={wayOf(last())} label={stateWords(t(), last(), session)} />
                <span class="from">{t().list.you}</span>
              </Show>
              <bdi>{opening(last().text)}</bdi>
            </>
          )}
        </Match>
        <Match when={contact().state === 'invited'}>
          <span>{t().list.invited(contact().name)}</span>
        </Match>
      </Switch>
    </span>
  )
}

const Row = (props: { conversation: Conversation }) => {
  const t = useWords()
  const contact = () => props.conversation.contact
  return (
    <li>
      <a
        class="rowlink"
        classList={{ new: props.conversation.unread > 0 }}
        href={chatHref(contact().id)}
        aria-current={routeContact() === contact().id ? 'page' : undefined}
      >
        <ContactFace contact={contact()} />
        <Name conversation={props.conversation} />
        <Show when={props.conversation.last} fallback={<span class="when" />}>
          {(last) => (
            <time class="when" datetime={last().receivedAt}>
              {brief(last().receivedAt)}
            </time>
          )}
        </Show>
        <LastWords conversation={props.conversation} />
        <span class="tail">
          <Show when={props.conversation.unread > 0}>
            <span class="badge" aria-hidden="true">
              {props.conversation.unread > 999 ? '999+' : props.conversation.unread}
            </span>
            <span class="hidden">{t().list.unread(props.conversation.unread)}</span>
          </Show>
        </span>
      </a>
    </li>
  )
}

const Hit = (props: { message: Message }) => {
  const t = useWords()
  const { state } = useNode()
  const conversation = () => state.conversations[props.message.conversation]
  return (
    <Show when={conversation()}>
      {(found) => (
        <li>
          <a class="rowlink" href={messageHref(props.message.conversation, props.message.id)}>
            <ContactFace contact={found().contact} bare />
            <Name conversation={found()} />
            <time class="when" datetime={props.message.receivedAt}>
              {brief(props.message.receivedAt)}
            </time>
            <span class="last">
              <Show when={props.message.from === state.self?.id}>
                <span class="from">{t().list.you}</span>
              </Show>
              <bdi>{opening(props.message.text)}</bdi>
            </span>
            <span class="tail" />
          </a>
        </li>
      )}
    </Show>
  )
}

/** Which networks there are and how many people are reached. */
const WhereAmI = () => {
  const t = useWords()
  const { state } = useNode()
  const isLocal = () => state.status?.network === 'local' || state.status?.lan.only === true
  const network = () => {
    const kind = state.status?.network
    if (kind === 'none') return t().list.noNetwork
    return isLocal() ? t().list.localOnly : t().list.someNetwork
  }
  const reached = () => Object.values(state.conversations).filter(({ contact }) => contact.online).length
  return (
    <a class="whereami" href="#/network">
      <Icon name={isLocal() ? 'lan' : 'ridge'} small />
      <span>
        {network()} · {t().list.reachedNow(reached())}
      </span>
    </a>
  )
}

/** One quiet line, until the person has said that the recovery phrase is on paper. */
const Reminder = () => {
  const t = useWords()
  const { state } = useNode()
  return (
    <Show when={state.ready && state.self && !isWrittenDown(state.self.id)}>
      <a class="whereami" href="#/phrase" aria-current={route().page === 'phrase' ? 'page' : undefined}>
        <Icon name="warn" small class="larch" />
        <span>{t().phrase.remind}</span>
      </a>
    </Show>
  )
}

const Tabs = () => {
  const t = useWords()
  const tabs = () =>
    [
      { href: '#/', icon: 'chats', word: t().app.chats, here: ['list', 'chat', 'about', 'verify'] },
      { href: '#/add', icon: 'people', word: t().app.add, here: ['add'] },
      { href: '#/network', icon: 'ridge', word: t().app.network, here: ['network'] },
      { href: '#/settings', icon: 'settings', word: t().app.settings, here: ['settings', 'phrase'] },
    ] as const
  return (
    <div class="tabs">
      <For each={tabs()}>
        {(tab) => (
          <a href={tab.href} aria-current={tab.here.some((page) => page === route().page) ? 'page' : undefined}>
            <Icon name={tab.icon} />
            {tab.word}
          </a>
        )}
      </For>
    </div>
  )
}

/** Where nobody is yet: in the list on a phone, beside it elsewhere. */
export const Nobody = () => {
  const t = useWords()
  return (
    <div class="empty grow">
      <SmallRidge />
      <h2>{t().list.emptyTitle}</h2>
      <p>{t().list.empty}</p>
      <a class="btn main" href="#/add">
        {t().list.add}
      </a>
    </div>
  )
}

export const ChatList = (props: { shown: boolean }) => {
  const t = useWords()
  const { state } = useNode()
  const search = createSearch()
  const searching = () => search.text().trim() !== ''
  const sorted = createMemo(() => {
    const when = (one: Conversation) => one.last?.receivedAt ?? ''
    return Object.values(state.conversations).sort(
      (a, b) => when(b).localeCompare(when(a)) || a.contact.name.localeCompare(b.contact.name),
    )
  })
  const nothing = () => search.people().length === 0 && search.messages()?.length === 0
  return (
    <nav class="pane list" classList={{ show: props.shown }} aria-label={t().list.label}>
      <header class="bar">
        <Dynamic class="brand" component={props.shown ? 'h1' : 'span'}>
          <Mark />
          tulnic
        </Dynamic>
        <span class="acts">
          <a class="ib" href="#/add" aria-label={t().list.add}>
            <Icon name="add" />
          </a>
        </span>
      </header>
      <search class="find">
        <Icon name="search" />
        <input
          class="field"
          type="search"
          dir="auto"
          placeholder={t().list.search}
          aria-label={t().list.search}
          value={search.text()}
          onInput={(event) => search.setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Escape' || !searching()) return
            event.stopPropagation()
            search.setText('')
          }}
        />
      </search>
      <Show
        when={searching()}
        fallback={
          <Show
            when={sorted().length > 0 || !state.ready}
            fallback={<div class="rows nobody">{props.shown && <Nobody />}</div>}
          >
            <ul class="rows">
              <For each={sorted()}>{(conversation) => <Row conversation={conversation} />}</For>
            </ul>
          </Show>
        }
      >
        <div class="rows">
          <p class="hidden" role="status">
            <Show when={search.messages()}>{(found) => t().list.found(found().length + search.people().length)}</Show>
          </p>
          <Show when={search.people().length > 0}>
            <h2 class="heading">{t().list.people}</h2>
            <ul>
              <For each={search.people()}>{(conversation) => <Row conversation={conversation} />}</For>
            </ul>
          </Show>
          <Show when={(search.messages()?.length ?? 0) > 0}>
            <h2 class="heading">{t().list.messages}</h2>
            <ul>
              <For each={search.messages()}>{(message) => <Hit message={message} />}</For>
            </ul>
          </Show>
          <Show when={nothing()}>
            <p class="none">{t().list.noneFound(search.text().trim())}</p>
          </Show>
        </div>
      </Show>
      <Reminder />
      <WhereAmI />
      <Tabs />
    </nav>
  )
}
