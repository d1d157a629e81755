/**
 * Pairing with somebody nearby, step by step: both want it, both see six digits, both say they are equal.
 *
 * Holds: nothing is confirmed but by the person's own press; whoever says no, or leaves, stops it on both sides.
 */
import { useNode } from '../node-context.ts'
import { chatHref, go } from '../route.ts'

/** Two people finding a button on two screens; longer, and one of them has gone. */
const PATIENCE_SECONDS = 120

export function createPairing() {
  const { api, state, setPairing, refresh } = useNode()

  const fail = (peer: string, name: string) => {
    if (state.pairing?.peer === peer && state.pairing.step !== 'differed')
      setPairing({ peer, name, step: 'failed', code: null })
  }

  /** Wants to pair, or agrees to it. */
  async function ask(peer: string, name: string): Promise<void> {
    setPairing({ peer, name, step: 'asking', code: null })
    try {
      const { code } = await api.pair({ peer, timeoutSeconds: PATIENCE_SECONDS })
      if (state.pairing?.peer === peer && state.pairing.step === 'asking')
        setPairing({ peer, name, step: 'code', code })
    } catch {
      fail(peer, name)
    }
  }

  /** The person says the digits are equal. */
  async function same(): Promise<void> {
    if (state.pairing?.step !== 'code') return
    const { ...now } = state.pairing
    setPairing({ ...now, step: 'confirming' })
    try {
      const contact = await api.confirmPairing({ peer: now.peer, byPerson: true, timeoutSeconds: PATIENCE_SECONDS })
      setPairing(null)
      refresh(contact.id)
      go(chatHref(contact.id))
    } catch {
      fail(now.peer, now.name)
    }
  }

  /** Stops it; `differed`: because the digits are not equal. */
  function stop(differed: boolean): void {
    if (!state.pairing) return
    // Copied: the store changes its object in place.
    const { ...now } = state.pairing
    setPairing(differed ? { ...now, step: 'differed', code: null } : null)
    // What cannot be stopped has ended already.
    if (now.step !== 'failed' && now.step !== 'differed') api.cancelPairing({ peer: now.peer }).catch(() => undefined)
  }

  return { ask, same, stop }
}
