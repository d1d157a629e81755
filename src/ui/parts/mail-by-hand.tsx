/**
 * Mail by hand: what waits here saved to a file, and a file taken in, with what came of it in words.
 */
import { createSignal, Match, Show, Switch } from 'solid-js'
import type { ContactId, MailTaken } from '../../node/api.ts'
import { useNode } from '../node-context.ts'
import { createCall } from '../primitives/create-call.ts'
import { saveMail, takeMail } from '../primitives/mail-file.ts'
import type { Words } from '../words/en.ts'
import { listOf, useWords } from '../words/words.ts'
import { Trouble } from './dialog.tsx'

/** What came of a file, without its damage. */
export function takenWords({ mail }: Words, { envelopes, delivered, kept }: MailTaken): string {
  if (envelopes === 0) return mail.takenNone
  const rest = envelopes - delivered - kept
  const parts = [
    ...(delivered > 0 ? [mail.takenForYou(delivered)] : []),
    ...(kept > 0 ? [mail.takenKept(kept)] : []),
    ...(rest > 0 ? [mail.takenOther(rest)] : []),
  ]
  return `${mail.taken(envelopes)} ${listOf(parts)}.`
}

/** A button that opens a file. */
export const FileButton = (props: { label: string; busy: boolean; onFile: (file: File) => void }) => (
  <label class="btn filebtn">
    {props.label}
    <input
      type="file"
      class="hidden"
      aria-disabled={props.busy}
      onChange={(event) => {
        const file = event.currentTarget.files?.[0]
        // The same file chosen again is a change only after this.
        event.currentTarget.value = ''
        if (file && !props.busy) props.onFile(file)
      }}
    />
  </label>
)

/** Saves what waits for the contact, or for everybody. */
export const SaveMail = (props: { to?: ContactId }) => {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  const [saved, setSaved] = createSignal<number | null>(null)
  const save = () =>
    call.run(async () => {
      setSaved(null)
      setSaved(await saveMail(api, props.to))
    })
  const words = () => {
    const letters = saved()
    if (call.busy()) return t().mail.saving
    if (letters === null) return ''
    return letters === 0 ? t().mail.savedNone : t().mail.saved(letters)
  }
  return (
    <div>
      <button class="btn" type="button" aria-disabled={call.busy()} onClick={() => void save()}>
        {t().mail.save}
      </button>
      <p role="status" class="hint">
        {words()}
      </p>
      <Trouble text={call.trouble()} />
    </div>
  )
}

/** Takes in a file of mail. */
export const TakeMail = () => {
  const t = useWords()
  const { api } = useNode()
  const call = createCall()
  const [taken, setTaken] = createSignal<MailTaken | null>(null)
  const take = (file: File) =>
    call.run(async () => {
      setTaken(null)
      setTaken(await takeMail(api, file))
    })
  return (
    <div>
      <FileButton label={t().mail.take} busy={call.busy()} onFile={(file) => void take(file)} />
      <p role="status" class="hint">
        <Switch>
          <Match when={call.busy()}>{t().mail.taking}</Match>
          <Match when={taken()}>{(found) => takenWords(t(), found())}</Match>
        </Switch>
      </p>
      <Show when={taken()?.damaged} fallback={<Trouble text={call.trouble()} />}>
        <Trouble text={t().mail.damaged} />
      </Show>
    </div>
  )
}
