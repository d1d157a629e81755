/**
 * R4 for mail: two write to each other through a third's node; each of the three is killed (SIGKILL) in turn, at random moments of
 * the mail's way, and started again.
 *
 *     writes ──▶ ana ──envelopes──▶ carmen ──letters──▶ bogdan        and back
 *                 ╳                   ╳                   ╳
 *
 * Judged after each kill: whatever the others were told is true of what is stored: what is delivered is there, and what is carried
 * comes without its sender. Judged at the end: nothing lost, nothing doubled, in order, no letter left behind.
 *
 * `npm run test:long -- --mailkills 300` kills more often; `KILL_SEED` replays the choices of a run.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { AnyEvent } from '../../src/node/api.ts'
import { amount } from '../amount.ts'
import { Chance } from '../sim/random.ts'
import { WAIT_MS } from './people.ts'
import { DEADLINE, threeApart } from './through-carrier.ts'
import { judge, nothingQueued, until, Writer } from './writer.ts'

/** What has happened on the mail's way so often, drawn up to this, before the blow falls. */
const BETWEEN = 12
/** And it falls so many milliseconds later, drawn up to this: within a batch, a commit, a write. */
const LATER_MS = 40
/** Texts that somebody writes between two kills at most. */
const MOST = 40
/** Accepted texts that are looked for after a kill. */
const NEWEST = 200

const kills = amount('mailkills', 3)
const seed = Number(process.env.KILL_SEED ?? randomInt(2 ** 31))

/** Steps of the mail's way as a sender and a recipient hear of them. */
type Step = 'accepted' | 'carried' | 'arrived' | 'delivered'

/** After a step of one of these kinds somebody is killed, and started again. */
interface Blow {
  readonly after: readonly Step[]
  readonly strike: () => Promise<void>
}

/** Counts steps, and tells when one of a kind was taken so often. */
class Steps {
  readonly taken = { accepted: 0, carried: 0, arrived: 0, delivered: 0 }
  /** Called at each arrival, so that there is always something on its way. */
  onArrival: () => void = () => {}
  #awaited: { readonly step: Step; left: number; readonly resolve: () => void } | undefined

  count(step: Step): void {
    this.taken[step]++
    if (this.#awaited?.step === step && --this.#awaited.left <= 0) this.#awaited.resolve()
  }

  see(event: AnyEvent): void {
    if (event.type === 'message' && event.message.from === event.message.conversation) {
      this.count('arrived')
      this.onArrival()
    }
    if (event.type === 'state' && (event.state === 'carried' || event.state === 'delivered')) this.count(event.state)
  }

  until(step: Step, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`in vain waited for "${step}"`)), WAIT_MS)
      const taken = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#awaited = { step, left: count, resolve: taken }
    })
  }
}

test(
  `R4: each of sender, carrier and recipient killed ${kills} times while mail flows (KILL_SEED=${seed})`,
  DEADLINE,
  async () => {
    const chance = new Chance(seed)
    const steps = new Steps()
    const { ana, bogdan, carmen } = await threeApart()
    const options = {
      atOnce: 2,
      most: MOST,
      onAccepted: () => steps.count('accepted'),
      onEvent: (event: AnyEvent) => steps.see(event),
    }
    const writers = [new Writer(ana, bogdan.id, options), new Writer(bogdan, ana.id, options)] as const
    const [sender, recipient] = writers
    for (const writer of writers) await writer.connect()

    const restart = async (writer: Writer): Promise<void> => {
      await writer.person.start()
      await writer.connect()
      await writer.has([...writer.accepted.values()].slice(-NEWEST))
    }
    const writeMore = (): void => {
      for (const writer of writers) writer.write()
    }
    const moment = async (after: readonly Step[]): Promise<void> => {
      writeMore()
      steps.onArrival = writeMore
      await steps.until(chance.pick(after), 1 + chance.below(BETWEEN))
      steps.onArrival = () => {}
      await delay(chance.below(LATER_MS))
    }
    /** Of who wrote: what was accepted is there, and goes on. */
    const ofSender = async (): Promise<void> => {
      expect(await ana.stop('SIGKILL')).toBe('SIGKILL')
      await sender.rest()
      await restart(sender)
    }
    /** Of who reads: what its sender was told is delivered is there. */
    const ofRecipient = async (): Promise<void> => {
      expect(await bogdan.stop('SIGKILL')).toBe('SIGKILL')
      await recipient.rest()
      const told = await sender.told('delivered', 'read')
      await restart(recipient)
      await recipient.has(told)
    }
    /** Of who carries: what it said that it keeps comes, though its sender is gone. */
    const ofCarrier = async (): Promise<void> => {
      expect(await carmen.stop('SIGKILL')).toBe('SIGKILL')
      const told = await sender.told('carried', 'delivered', 'read')
      await ana.stop('SIGKILL')
      await sender.rest()
      await carmen.start()
      await until(bogdan, async (client) => {
        const found = await Promise.allSettled(told.map((id) => client.call('message', { id })))
        return found.every(({ status }) => status === 'fulfilled')
      })
      await restart(sender)
    }
    const blows: readonly Blow[] = [
      { after: ['accepted', 'carried'], strike: ofSender },
      { after: ['arrived', 'delivered'], strike: ofRecipient },
      { after: ['carried', 'arrived'], strike: ofCarrier },
    ]
    for (let round = 0; round < kills; round++)
      for (const { after, strike } of blows) {
        await moment(after)
        await strike()
      }
    writeMore()
    await steps.until('arrived', 1)
    await Promise.all(writers.map((writer) => writer.rest()))
    await Promise.all([ana, bogdan].map(nothingQueued))

    const here = await judge(writers)
    await until(carmen, async (client) => (await client.call('status')).mail?.letters === 0)
    const { accepted, carried, arrived } = steps.taken
    console.info(
      `R4 for mail: ${3 * kills} kills, ${accepted} accepted, ${here.length} stored, ${arrived} arrivals and ${carried} carried were told`,
    )
    expect(Math.min(carried, arrived)).toBeGreaterThan(0)
  },
)
