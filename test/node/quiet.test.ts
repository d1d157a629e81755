/**
 * Whole nodes that nobody uses for a day and a half, by a clock that is set forward: they go by other PeerIDs, and talk on.
 */
import { expect, test } from 'vitest'
import { toBase32 } from '../../src/protocol/index.ts'
import type { Platform } from '../../src/node/platform/platform.ts'
import { Street, type Whole } from './whole.ts'

const HOUR = 3_600_000
/** A deadline that only a broken build meets. */
const DEADLINE_MS = 60_000

const idOf = ({ peerId }: Whole): string => toBase32(peerId)

/** Sends, and waits until it is there and its sender knows. */
async function say(from: Whole, to: Whole, text: string): Promise<void> {
  const { id } = await from.node.send({ to: to.name, text })
  await to.event('message', ({ message }) => message.text === text)
  await from.event('state', ({ message, state }) => message === id && state === 'delivered')
}

/** One clock for all, and timers that ring when it is set past them. */
class Clock {
  #ahead = 0
  readonly #timers = new Set<{ readonly at: number; readonly ring: () => void }>()

  readonly platform = (): Partial<Platform> => ({
    now: () => Date.now() + this.#ahead,
    wake: (at, callback) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#timers.delete(one)
      }
      const ring = (): void => {
        end()
        callback()
      }
      const one = { at, ring }
      const timer = setTimeout(ring, Math.min(at - Date.now() - this.#ahead, HOUR))
      this.#timers.add(one)
      return end
    },
  })

  forward(ms: number): void {
    this.#ahead += ms
    for (const { at, ring } of [...this.#timers]) if (at <= Date.now() + this.#ahead) ring()
  }
}

test('they go by other PeerIDs after a day, and what is written meanwhile arrives', async () => {
  const clock = new Clock()
  const street = new Street()
  const ana = await street.node('Ana', { platform: clock.platform() })
  const bob = await street.node('Bob', { platform: clock.platform() })
  const { link } = await ana.node.createInvite({})
  await bob.node.addContact({ link })
  await ana.event('contact', ({ contact }) => contact.state === 'active')
  await say(ana, bob, 'one')
  const before = [ana, bob].map(idOf)
  let hours = 0
  const another = (one: Whole, i: number): Promise<void> =>
    expect
      .poll(
        () => {
          clock.forward(HOUR)
          hours++
          return idOf(one)
        },
        { interval: 50, timeout: DEADLINE_MS },
      )
      .not.toBe(before[i])
  await another(ana, 0)
  expect(hours).toBeGreaterThanOrEqual(24)
  await say(bob, ana, 'two')
  await say(ana, bob, 'three')
  await another(bob, 1)
  await say(bob, ana, 'four')
  expect((await bob.node.status()).queued).toBe(0)
  expect((await ana.node.history({ to: 'Bob' })).map(({ text }) => text)).toEqual(['one', 'two', 'three', 'four'])
})
