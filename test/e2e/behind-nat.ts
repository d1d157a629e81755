/**
 * Preloaded into a node (`--import`): nobody can connect to it, as behind a NAT; it still connects to others.
 */
import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

channel('net.server.socket').subscribe((message) => {
  const { socket } = message as { socket: Socket }
  // The command line's unix socket has no remote address.
  if (socket.remoteAddress !== undefined) socket.destroy()
})
