/**
 * A file dropped anywhere on the window: mail is taken in, an invite accepted; what came of it stays until it is closed.
 *
 * Holds: a file is never opened by the browser in place of the window; what is dragged and is no file changes nothing.
 */
import { createSignal, Match, onCleanup, Show, Switch } from 'solid-js'
import type { MailTaken } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { Icon } from '../parts/icon.tsx'
import { takenWords } from '../parts/mail-by-hand.tsx'
import { createCall } from '../primitives/create-call.ts'
import { inviteIn, takeMail } from '../primitives/mail-file.ts'
import { chatHref, go } from '../route.ts'
import { useWords } from '../words/words.ts'

const hasFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false

export const FileDrop = () => {
  const t = useWords()
  const { api, refresh } = useNode()
  const call = createCall()
  const [over, setOver] = createSignal(false)
  const [taken, setTaken] = createSignal<MailTaken | null>(null)

  function close(): void {
    setTaken(null)
    call.clear()
  }

  const take = (file: File) =>
    call.run(async () => {
      close()
      const link = await inviteIn(file)
      if (link === undefined) return setTaken(await takeMail(api, file))
      const contact = await api.addContact({ link })
      refresh(contact.id)
      go(chatHref(contact.id))
    })

  const onDrag = (event: DragEvent) => {
    if (!hasFile(event)) return
    event.preventDefault()
    setOver(document.querySelector('dialog[open]') === null)
  }
  // Leaving an element for another one is not leaving the window.
  const onLeave = (event: DragEvent) => event.relatedTarget === null && setOver(false)
  const onDrop = (event: DragEvent) => {
    if (!hasFile(event)) return
    event.preventDefault()
    const wanted = over()
    setOver(false)
    const file = event.dataTransfer?.files[0]
    if (file && wanted) void take(file)
  }
  addEventListener('dragenter', onDrag)
  addEventListener('dragover', onDrag)
  addEventListener('dragleave', onLeave)
  addEventListener('drop', onDrop)
  onCleanup(() => {
    removeEventListener('dragenter', onDrag)
    removeEventListener('dragover', onDrag)
    removeEventListener('dragleave', onLeave)
    removeEventListener('drop', onDrop)
  })

  const words = () => {
    const found = taken()
    if (found === null) return call.trouble()
    return found.damaged ? `${takenWords(t(), found)} ${t().mail.damaged}` : takenWords(t(), found)
  }
  return (
    <>
      <div role="status">
        <Switch>
          <Match when={call.busy()}>
            <div class="banner calm">
              <p>{t().mail.taking}</p>
            </div>
          </Match>
          <Match when={words()}>
            {(sentence) => (
              <div class="banner" classList={{ calm: taken()?.damaged === false }}>
                <Icon name={taken()?.damaged === false ? 'check' : 'warn'} />
                <p>{sentence()}</p>
                <button class="ib" type="button" aria-label={t().mail.close} onClick={close}>
                  <Icon name="close" />
                </button>
              </div>
            )}
          </Match>
        </Switch>
      </div>
      <Show when={over()}>
        <div class="drop">
          <p>
            <b>{t().mail.drop}</b>
            <span class="mute">{t().mail.dropHint}</span>
          </p>
        </div>
      </Show>
    </>
  )
}
