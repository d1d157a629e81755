/**
 * The matrix of routers: who meets whom directly, who through a relay, and why. Real programs in network namespaces.
 *
 *     ana ── router or none ──┐
 *                             ├── internet ── rareș, sorin: reachable, they relay
 *     bogdan ─ router or none ┘
 *
 * A port-preserving router shows every port as it is; a random one draws another for each other end. Both let nobody in.
 */
import { afterAll, describe, expect, it } from 'vitest'
import { amount } from '../amount.ts'
import type { Person } from '../e2e/people.ts'
import { doctor, Internet, placed, status, talk } from './internet.ts'
import { DEADLINE, missing, type Translation } from './networks.ts'

const title = `behind routers${missing === null ? '' : ` (skipped: ${missing})`}`

const ROUTERS = {
  none: null,
  'port-preserving': 'masquerade',
  random: 'masquerade fully-random',
} as const satisfies Readonly<Record<string, Translation | null>>
type Router = keyof typeof ROUTERS

const MAPPING = { none: 'none', 'port-preserving': 'endpoint-independent', random: 'endpoint-dependent' } as const

const WHY = {
  none: /No router stands before this machine/,
  'port-preserving': /The router here would let a direct path through, so the one on their side seems not to/,
  random: /The router here opens another door \(port\) for everybody it connects to/,
} as const

/** What must come of it; the first few say all that there is to say, and are what `npm test` has time for. */
const CELLS: readonly (readonly [Router, Router, 'direct' | 'relayed'])[] = [
  ['port-preserving', 'port-preserving', 'direct'],
  ['port-preserving', 'random', 'relayed'],
  ['none', 'random', 'direct'],
  ['none', 'none', 'direct'],
  ['none', 'port-preserving', 'direct'],
  ['port-preserving', 'none', 'direct'],
  ['random', 'none', 'direct'],
  ['random', 'port-preserving', 'relayed'],
  ['random', 'random', 'relayed'],
]

interface Outcome {
  /** The paths, one after the other. */
  readonly vias: readonly string[]
  readonly why: string
}

const seen = new Map<string, Outcome>()

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  for (const [one, other, expected] of CELLS.slice(0, amount('cells', 3))) {
    it(`${one} and ${other}: ${expected}`, async () => {
      const net = Internet.make()
      const [ana, bogdan] = await pair(net, one, other)
      bogdan.events.length = 0
      await net.acquaint(bogdan, ana)
      await talk(ana, bogdan, 'hello')
      const vias = await settled(bogdan, ana, expected)
      for (const [person, router, peer] of [
        [ana, one, bogdan],
        [bogdan, other, ana],
      ] as const) {
        expect((await person.get('contact', 'show', peer.name)).contact.via).toBe(expected)
        await status(person, ({ reach }) => reach.natMapping === MAPPING[router])
        if (expected === 'relayed') expect(await relayedWords(person)).toMatch(WHY[router])
        else expect(await relayedWords(person)).toBe('')
      }
      seen.set(`${one} ${other}`, { vias, why: await whyOf(ana, bogdan) })
      await talk(ana, bogdan, 'goodbye')
    })
  }

  afterAll(() => console.info(matrix()))
})

/** Two who do not know each other, and can be invited; both know the two who relay. */
async function pair(net: Internet, one: Router, other: Router): Promise<readonly [ana: Person, bogdan: Person]> {
  const person = (router: Router, name: string): Promise<Person> => {
    const translation = ROUTERS[router]
    return translation === null ? net.reachable(name) : net.behind(translation, name)
  }
  const [rares, sorin, ana, bogdan] = await Promise.all([
    net.reachable('Rareș'),
    net.reachable('Sorin'),
    person(one, 'Ana'),
    person(other, 'Bogdan'),
  ])
  for (const relay of [rares, sorin]) await Promise.all([ana, bogdan].map((guest) => net.acquaint(guest, relay)))
  if (one !== 'none') await placed(ana)
  return [ana, bogdan]
}

/** How `contact` was reached, one path after the other, until there is none better to come. */
async function settled(person: Person, contact: Person, expected: 'direct' | 'relayed'): Promise<readonly string[]> {
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  const isPath = (event: any): boolean => event.type === 'connection' && event.contact === contact.id
  if (expected === 'direct') await person.event((event) => isPath(event) && event.via === 'direct')
  // Of six tries one fails by chance (docs/decisions/0018): hardly two.
  else
    for (const each of [person, contact])
      await status(each, ({ relays }) => relays.paths.some(({ tries }: { tries: number }) => tries >= 2))
  return person.events.filter(isPath).map(({ via }) => via)
}

const relayedWords = async (person: Person): Promise<string> =>
  /^Reached through a relay.*$/m.exec(await doctor(person))?.[0] ?? ''

async function whyOf(...people: readonly Person[]): Promise<string> {
  const said = await Promise.all(people.map(relayedWords))
  return said.map((words, i) => (words === '' ? '' : `\n      ${people[i]?.name}: ${words}`)).join('')
}

/** What was seen, as a table; then what doctor says of each pair that stayed relayed. */
function matrix(): string {
  const routers = Object.keys(ROUTERS) as Router[]
  const width = 20
  const cell = (row: Router, column: Router): string => seen.get(`${row} ${column}`)?.vias.join(' → ') ?? '·'
  const rows = routers.map((row) => [row, ...routers.map((column) => cell(row, column))])
  const lines = [['', ...routers], ...rows].map((cells) => cells.map((text) => text.padEnd(width)).join(''))
  const why = [...seen].flatMap(([key, { why: words }]) =>
    words === '' ? [] : [`  ${key.replace(' ', ' and ')}:${words}`],
  )
  return [`routers before two people, and how they talk (· not tried):`, ...lines, ...why].join('\n')
}
