/**
 * R4: two real nodes under a steady load both ways; either is killed (SIGKILL) at random moments and started again.
 *
 *     load ──▶ node ◀── link ──▶ node ◀── load        a text counts as accepted once `send` resolved
 *                ╳ killed, started again, load goes on
 *
 * Judged at the end, from both histories: every accepted text is there once and delivered, each author's texts are in the
 * order of their sending, and both people see the same. A text whose `send` broke off may be there or not, but not twice.
 *
 * `npm run test:long -- --kills 1000` kills more often; `KILL_SEED` replays the choices of a run.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { amount } from '../amount.ts'
import { Chance } from '../sim/random.ts'
import { Person } from './people.ts'
import { judge, nothingQueued, Writer } from './writer.ts'

/** Sends that wait for their answer, for each person: the load. */
const AT_ONCE = 8
/** Accepted texts between two kills: at least one, drawn up to this. */
const BETWEEN = 150
/** Texts that somebody writes while the other is away: then they rest, so that a slow machine does not judge a flood. */
const MOST = 2 * BETWEEN
/** The blow falls so many milliseconds later, drawn up to this: within a batch, a commit, a write. */
const LATER_MS = 20
/** Five times the bar of QUALITY R4. */
const READY_MS = 10_000

const kills = amount('kills', 10)
const seed = Number(process.env.KILL_SEED ?? randomInt(2 ** 31))

const ana = new Person('Ana', ['--no-mdns'])
const bogdan = new Person('Bogdan', ['--no-mdns'])
const people = [ana, bogdan]

beforeAll(async () => {
  for (const person of people) {
    await person.get('init', '--name', person.name, '--no-passphrase')
    await person.start()
  }
  await bogdan.get('add', (await ana.get('invite')).link, '--wait')
})
afterAll(() => Promise.all(people.map((person) => person.remove())))

test(`R4: ${kills} times killed under load: nothing lost or doubled, in order (KILL_SEED=${seed})`, async () => {
  const chance = new Chance(seed)
  let accepted = 0
  let struck: (() => void) | undefined
  const count = (): void => {
    if (--accepted <= 0) struck?.()
  }
  const options = { atOnce: AT_ONCE, most: MOST, onAccepted: count }
  const writers = [new Writer(ana, 'Bogdan', options), new Writer(bogdan, 'Ana', options)] as const
  for (const writer of writers) {
    await writer.connect()
    writer.write()
  }
  const readyMs: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    const victim = chance.pick(writers)
    await new Promise<void>((resolve) => {
      accepted = 1 + chance.below(BETWEEN)
      struck = resolve
    })
    await delay(chance.below(LATER_MS))
    expect(await victim.person.stop('SIGKILL')).toBe('SIGKILL')
    await victim.rest()
    const begun = performance.now()
    await victim.person.start()
    readyMs.push(Math.round(performance.now() - begun))
    const client = await victim.connect()
    for (const [text, id] of [...victim.accepted].slice(-2 * BETWEEN))
      expect((await client.call('message', { id })).text).toBe(text)
    for (const writer of writers) writer.write()
  }
  await Promise.all(writers.map((writer) => writer.rest()))
  await Promise.all(people.map(nothingQueued))

  const here = await judge(writers)
  const total = writers.reduce((sum, writer) => sum + writer.accepted.size, 0)
  console.log(
    `R4: ${kills} kills, ${total} accepted, ${here.length} stored; ready again after ${readyMs.join(', ')} ms`,
  )
  expect(Math.max(...readyMs)).toBeLessThan(READY_MS)
})
