/** Something that is on or off, changed at once by a press; what it means stands below it. */
import { createUniqueId, type JSX } from 'solid-js'

export const Switch = (props: {
  label: string
  on: boolean
  busy: boolean
  onTurn: (on: boolean) => void
  children: JSX.Element
}) => {
  const id = createUniqueId()
  return (
    <>
      <button
        class="switch"
        type="button"
        role="switch"
        aria-checked={props.on}
        aria-describedby={id}
        aria-disabled={props.busy}
        onClick={() => props.busy || props.onTurn(!props.on)}
      >
        <span>{props.label}</span>
        <i />
      </button>
      <div id={id}>{props.children}</div>
    </>
  )
}
