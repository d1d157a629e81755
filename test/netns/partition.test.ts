/**
 * R9: five people on one network that is cut in different places and ways, and heals. Everybody writes to everybody all the time; some
 * carry for others. Real programs in network namespaces.
 *
 *     ana ─┐          ┌─ bogdan        carmen carries for bogdan, dan for carmen, elena for ana and dan
 *          ├─ switch ─┼─ dan
 *     carmen ┘  ╳     └─ elena
 *
 * Judged after each healing: how long until nothing waits anywhere, neither at who wrote nor at who carries; at the end: every text is
 * there once, in order, at both.
 *
 * `npm run test:long -- --partitions 100` cuts more often, for up to some minutes; `CUT_SEED` replays the choices of a run.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { MessageState } from '../../src/node/api.ts'
import { Person } from '../e2e/people.ts'
import { clientOf, judge, until, Writer } from '../e2e/writer.ts'
import { amount } from '../amount.ts'
import { Chance } from '../sim/random.ts'
import { DEADLINE, missing, Networks } from './networks.ts'

const title = `a network that is cut${missing === null ? '' : ` (skipped: ${missing})`}`

const SUBNET = '10.9.0'
const NAMES = ['Ana', 'Bogdan', 'Carmen', 'Dan', 'Elena'] as const
type Name = (typeof NAMES)[number]
/** Who carries for whom. */
const CARRIERS = [
  ['Carmen', 'Bogdan'],
  ['Dan', 'Carmen'],
  ['Elena', 'Ana'],
  ['Elena', 'Dan'],
] as const

type How = Parameters<Networks['split']>[2]
interface Cut {
  readonly how: How
  readonly groups: readonly (readonly Name[])[]
  /** It stays until all that can be carried is; and so long at least, in milliseconds. */
  readonly untilCarried: boolean
  readonly lasts: number
}

/** What `npm test` cuts. */
const CUTS: readonly Cut[] = [
  {
    how: 'silent',
    groups: [
      ['Ana', 'Carmen'],
      ['Bogdan', 'Dan', 'Elena'],
    ],
    untilCarried: true,
    lasts: 0,
  },
  { how: 'refused', groups: [['Bogdan', 'Elena'], ['Ana'], ['Carmen', 'Dan']], untilCarried: false, lasts: 0 },
  { how: 'unplugged', groups: [['Ana', 'Bogdan', 'Carmen', 'Dan'], ['Elena']], untilCarried: false, lasts: 0 },
]
const LONGEST_MS = 240_000
/** The bar of QUALITY R9, and five times as much. */
const BAR_MS = 30_000
const HANG_MS = 5 * BAR_MS

const partitions = amount('partitions', CUTS.length)
const seed = Number(process.env.CUT_SEED ?? randomInt(2 ** 31))

function draw(chance: Chance): Cut {
  const groups = [[], [], []] as Name[][]
  for (const name of NAMES) chance.pick(groups).push(name)
  const filled = groups.filter((group) => group.length > 0)
  if (filled.length < 2) return draw(chance)
  return {
    how: chance.pick(['silent', 'refused', 'unplugged'] as const),
    groups: filled,
    untilCarried: chance.happens(0.5),
    lasts: chance.below(LONGEST_MS),
  }
}

type Each<T> = Readonly<Record<Name, T>>

async function each<T>(make: (name: Name) => Promise<T>): Promise<Each<T>> {
  return Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await make(name)]))) as Each<T>
}

/** The five run, and know each other; mail is carried. */
async function five(nets: Networks): Promise<Each<Person>> {
  nets.lan(SUBNET, NAMES)
  const people = await each(async (name) => new Person(name, [], nets.host(name)))
  onTestFinished(() => each((name) => people[name].remove()).then(() => undefined))
  await each(async (name) => {
    await people[name].get('init', '--name', name, '--no-passphrase')
    await people[name].start()
  })
  const clients = await each((name) => clientOf(people[name]))
  for (const [at, host] of NAMES.entries()) {
    const { link } = await clients[host].call('createInvite', { uses: NAMES.length })
    for (const guest of NAMES.slice(at + 1)) await clients[guest].call('addContact', { link })
  }
  for (const [carrier, owner] of CARRIERS) {
    await clients[owner].call('setCarrier', { to: carrier, on: true })
    await until(people[owner], async (client) => (await client.call('contact', { to: carrier })).carrier === 'on')
  }
  return people
}

/** What each writes to each. */
async function letters(people: Each<Person>): Promise<readonly Writer[]> {
  const options = { atOnce: 1, most: 2 }
  const writers = NAMES.flatMap((name) =>
    NAMES.filter((to) => to !== name).map((to) => new Writer(people[name], to, options)),
  )
  for (const writer of writers) await writer.connect()
  return writers
}

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it(`R9: ${partitions} partitions of five (CUT_SEED=${seed})`, async () => {
    const chance = new Chance(seed)
    const nets = Networks.make()
    const people = await five(nets)
    const writers = await letters(people)
    await write(writers)
    await emptied(people)
    for (let n = 0; n < partitions; n++) {
      const cut = CUTS[n] ?? draw(chance)
      const heal = nets.split(SUBNET, cut.groups, cut.how)
      await write(writers)
      await Promise.all(writers.filter((one) => isTogether(cut, one.person.name, one.to)).map(hasArrived))
      if (cut.untilCarried) await Promise.all(writers.filter((one) => isCarriable(cut, one)).map(isCarried))
      await delay(cut.lasts)
      const across = writers.filter((one) => !isTogether(cut, one.person.name, one.to))
      for (const writer of across) expect(await stateOf(writer)).toMatch(/^(queued|sent|carried)$/)
      await write(writers)
      heal()
      const healed = performance.now()
      await emptied(people)
      const groups = cut.groups.map((group) => group.join(' ')).join(' | ')
      console.info(
        `R9: ${groups}, ${cut.how}: all queues empty ${Math.round(performance.now() - healed)} ms after healing (bar: ${BAR_MS} ms)`,
      )
    }
    for (const writer of writers) {
      const back = writers.find(({ person, to }) => person.name === writer.to && to === writer.person.name)
      if (back !== undefined) await judge([writer, back])
    }
  })
})

async function write(writers: readonly Writer[]): Promise<void> {
  for (const writer of writers) writer.write()
  await Promise.all(writers.map((writer) => writer.rest()))
}

/** Nothing waits at anybody's node any more, neither of their own nor of others. */
const emptied = (people: Each<Person>): Promise<unknown> =>
  each((name) =>
    until(
      people[name],
      async (client) => {
        const { queued, mail } = await client.call('status')
        return queued === 0 && mail?.letters === 0
      },
      HANG_MS,
    ),
  )

const groupOf = ({ groups }: Cut, name: string): readonly string[] =>
  groups.find((group) => group.some((one) => one === name)) ?? []

const isTogether = (cut: Cut, one: string, other: string): boolean =>
  !isAlone(cut, one) && groupOf(cut, one).includes(other)

/** Without any network. */
const isAlone = (cut: Cut, name: string): boolean => cut.how === 'unplugged' && groupOf(cut, name) !== cut.groups[0]

/** Who is on the other side has somebody here who carries for them. */
const isCarriable = (cut: Cut, { person, to }: Writer): boolean =>
  !isTogether(cut, person.name, to) &&
  CARRIERS.some(([carrier, owner]) => owner === to && carrier !== person.name && isTogether(cut, person.name, carrier))

/** How far the newest text is. */
async function stateOf({ client, accepted }: Writer): Promise<MessageState> {
  return (await client.call('message', { id: [...accepted.values()].at(-1) ?? '' })).state
}

const reaches =
  (...states: readonly MessageState[]) =>
  (writer: Writer): Promise<void> =>
    until(writer.person, async () => states.includes(await stateOf(writer)))

const hasArrived = reaches('delivered', 'read')
const isCarried = reaches('carried')
