/** Light, dark, or as the system: `data-theme` on the root, kept in this browser. */
import { createEffect, createRoot, createSignal } from 'solid-js'
import { kept } from './kept.ts'

const choice = kept('tulnic.theme')
const [theme, setTheme] = createSignal(choice.get() ?? '')

createRoot(() =>
  createEffect(() => {
    if (theme()) document.documentElement.dataset.theme = theme()
    else delete document.documentElement.dataset.theme
  }),
)

/** `light`, `dark`, or `''` for as the system; reactive. */
export { theme }

export function chooseTheme(next: string): void {
  choice.set(next)
  setTheme(next)
}
