/** Where every part of the window finds its node. */
import { createContext, useContext } from 'solid-js'
import type { Session } from './primitives/create-session.ts'

export const NodeContext = createContext<Session>()

/** The session with the node; throws outside the window's root. */
export function useNode(): Session {
  const session = useContext(NodeContext)
  if (!session) throw new Error('useNode outside of NodeContext')
  return session
}
