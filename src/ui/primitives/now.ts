/** The time, for words such as “today”; moves at each full minute, so that a window left open overnight stays right. */
import { createSignal } from 'solid-js'

const MINUTE_MS = 60_000
const [now, setNow] = createSignal(Date.now())

function wait(): void {
  setTimeout(
    () => {
      setNow(Date.now())
      wait()
    },
    MINUTE_MS - (Date.now() % MINUTE_MS),
  )
}
wait()

/** Milliseconds since 1970; reactive. */
export { now }
