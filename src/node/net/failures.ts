/**
 * Where libp2p's failures end: a rejection may be an error, an event or nothing at all, and none of it is our caller's fault.
 */

/** What came of it, or `undefined` for any failure. */
export async function attempt<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch {
    return undefined
  }
}

/** Does something to a stream or connection; `false` where libp2p throws because what is below it has just ended. */
export function tried(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false
  }
}

/** A reason in the form in which libp2p wants it. */
export class Broken extends Error {
  override name = 'Broken'
}

/** A peer of the local network that is not there any more. */
export class Gone extends Error {
  override name = 'Gone'

  constructor(peer: string) {
    super(`no peer ${peer} on this network`)
  }
}
