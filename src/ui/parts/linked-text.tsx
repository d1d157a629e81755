/**
 * Somebody's words: text, and links only where the text itself is an http(s) address.
 *
 * Holds: everything is a text node, the whole address is what is read, and a host that only looks like another shows its
 * true letters beside it. Nothing is fetched before a click.
 */
import { For, Show } from 'solid-js'
import { isolate } from '../words/plural.ts'

interface Piece {
  readonly text: string
  readonly url: URL | null
}

const ADDRESS = /https?:\/\/[^\s<>"\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu
const TAIL = /[.,;:!?'’”»)\]}]+$/u

const parse = (text: string): URL | null => {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password ? url : null
}

/** The end of a sentence is not part of its link, but a bracket that was opened inside is. */
const trimTail = (address: string): string => {
  const trimmed = address.replace(TAIL, '')
  const open = trimmed.split('(').length > trimmed.split(')').length
  return open && address.charAt(trimmed.length) === ')' ? `${trimmed})` : trimmed
}

/** Cuts a text into plain pieces and addresses; joined again they are the text. */
export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = []
  let end = 0
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimTail(match[0])
    const url = parse(address)
    if (!url) continue
    if (match.index > end) found.push({ text: text.slice(end, match.index), url: null })
    found.push({ text: address, url })
    end = match.index + address.length
  }
  if (end < text.length) found.push({ text: text.slice(end), url: null })
  return found
}

/** The host in the letters the network uses, if the text writes it otherwise; else nothing. */
const disguised = (piece: Piece): string | null =>
  piece.url && !piece.text.toLowerCase().includes(piece.url.hostname) ? piece.url.hostname : null

export const LinkedText = (props: { text: string }) => (
  <p class="text" dir="auto">
    <For each={pieces(props.text)}>
      {(piece) => (
        <Show when={piece.url} fallback={piece.text}>
          {(url) => (
            <>
              <a href={url().href} target="_blank" rel="noopener noreferrer" dir="ltr">
                {piece.text}
              </a>
              <Show when={disguised(piece)}>{(host) => <span class="mute"> ({isolate(host())})</span>}</Show>
            </>
          )}
        </Show>
      )}
    </For>
  </p>
)
