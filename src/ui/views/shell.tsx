/**
 * The three zones, or on a phone one pane at a time.
 *
 * Holds: Escape goes one pane back and the focus with it; every change of page puts the focus on its heading unless the
 * page takes it itself.
 */
import { createEffect, createSignal, Match, on, onCleanup, Show, Switch } from 'solid-js'
import { useNode } from '../node-context.ts'
import { SmallRidge } from '../parts/land.tsx'
import { chatHref, go, listHref, route, routeContact } from '../route.ts'
import { useWords } from '../words/words.ts'
import { Add } from './add.tsx'
import { ChatList, Nobody } from './chat-list.tsx'
import { Conversation } from './conversation.tsx'
import { Details } from './details.tsx'
import { FileDrop } from './file-drop.tsx'
import { Network } from './network.tsx'
import { StoppedBanner, StorageBanner } from './no-door.tsx'
import { PairingDialog } from './pairing-dialog.tsx'
import { Phrase } from './phrase.tsx'
import { Settings } from './settings.tsx'
import { Verify } from './verify.tsx'

/** Wide enough for three zones: details then stand beside the conversation without being asked for. */
const WIDE = matchMedia('(min-width: 1120px)')

function createWide(): () => boolean {
  const [wide, setWide] = createSignal(WIDE.matches)
  const look = () => setWide(WIDE.matches)
  WIDE.addEventListener('change', look)
  onCleanup(() => WIDE.removeEventListener('change', look))
  return wide
}

const Nothing = () => {
  const t = useWords()
  const { state } = useNode()
  return (
    <section class="pane talk" id="talk" tabindex="-1" aria-label={t().app.pickTitle}>
      <Show when={Object.keys(state.conversations).length > 0} fallback={<Nobody />}>
        <div class="empty grow">
          <SmallRidge />
          <h2>{t().app.pickTitle}</h2>
          <p>{t().app.pick}</p>
        </div>
      </Show>
    </section>
  )
}

/** Where Escape leads from each page; `null`: nowhere. */
function wayBack(): string | null {
  const now = route()
  if (now.page === 'about' || now.page === 'verify') return chatHref(now.contact)
  if (now.page === 'phrase') return '#/settings'
  return now.page === 'list' ? null : listHref
}

export const Shell = () => {
  const t = useWords()
  const { state } = useNode()
  const wide = createWide()
  const known = () => {
    const id = routeContact()
    return id !== null && state.conversations[id] ? id : null
  }
  const page = () => (routeContact() !== null && known() === null ? 'list' : route().page)
  const inChat = () => page() === 'chat' || page() === 'about'
  const hasDetails = () => inChat() && (wide() || page() === 'about')

  const onKeyDown = (event: KeyboardEvent) => {
    const back = wayBack()
    if (event.key !== 'Escape' || event.defaultPrevented || back === null || document.querySelector('dialog[open]'))
      return
    go(back)
  }
  addEventListener('keydown', onKeyDown)
  onCleanup(() => removeEventListener('keydown', onKeyDown))

  // Where the focus goes when another pane is shown; with a mouse or keys a conversation's field takes it by itself.
  const focusOn = (...selectors: readonly string[]) =>
    requestAnimationFrame(() => {
      for (const selector of selectors) {
        const element = document.querySelector<HTMLElement>(selector)
        if (element) return element.focus()
      }
    })
  createEffect(
    on(route, (now, before) => {
      if (now.page === before?.page) return
      if (now.page === 'about') focusOn('.details [data-heading]')
      else if (now.page === 'list') {
        if (before) focusOn(`.rowlink[href="${'contact' in before ? chatHref(before.contact) : ''}"]`, '.list .rowlink')
      } else if (now.page !== 'chat') focusOn('.page [data-heading]')
      else if (before?.page === 'about') focusOn('#details-link')
      else if (!matchMedia('(pointer: fine)').matches) focusOn('.talk [data-heading]')
    }),
  )

  return (
    <>
      <button class="skip btn" type="button" onClick={() => document.getElementById('talk')?.focus()}>
        {t().app.skip}
      </button>
      <StoppedBanner />
      <StorageBanner />
      <FileDrop />
      <main class="app" classList={{ two: !hasDetails() }}>
        <ChatList shown={page() === 'list'} />
        <Switch fallback={<Nothing />}>
          <Match when={inChat() && known()} keyed>
            {(contact) => {
              const at = () => {
                const now = route()
                return now.page === 'chat' ? now.at : null
              }
              return (
                <Conversation contact={contact} at={at()} shown={page() === 'chat'} aboutOpen={page() === 'about'} />
              )
            }}
          </Match>
          <Match when={page() === 'verify' && known()} keyed>
            {(contact) => <Verify contact={contact} />}
          </Match>
          <Match when={page() === 'add'}>
            <Add />
          </Match>
          <Match when={page() === 'network'}>
            <Network />
          </Match>
          <Match when={page() === 'phrase'}>
            <Phrase />
          </Match>
          <Match when={page() === 'settings'}>
            <Settings />
          </Match>
        </Switch>
        <Show when={hasDetails() && known()} keyed>
          {(contact) => <Details contact={contact} shown={page() === 'about'} />}
        </Show>
      </main>
      <PairingDialog />
    </>
  )
}
