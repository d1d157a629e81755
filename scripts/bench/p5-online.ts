/**
 * P5: from the start of both processes to both online and the first message delivered, two people who know each other on one
 * local network. With the real program; known addresses and multicast both lead to the other, whichever is first. Its peers
 * (toxcore, Jami) are not on npm: none is measured here.
 */
import { Program, withProfiles } from './program.ts'
import { type Bench, judged } from './result.ts'

const ROUNDS = 5

export const bench: Bench = () =>
  withProfiles(async (alice, bob) => {
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) times.push(await firstMessage(alice, bob))
    times.sort((a, b) => a - b)
    return [
      judged({
        id: 'P5',
        what: `start of both to the first message delivered, median of ${ROUNDS} (${times.map(Math.round).join(', ')} ms)`,
        value: (times[ROUNDS >> 1] ?? 0) / 1000,
        unit: 's',
        bar: { of: 'value', atMost: 2 },
      }),
    ]
  })

async function firstMessage(alice: string, bob: string): Promise<number> {
  const begun = performance.now()
  const programs = [new Program(alice, ['--lan-only']), new Program(bob, ['--lan-only'])] as const
  try {
    const [client] = await Promise.all(programs.map((program) => program.ready()))
    if (client === undefined) throw new Error('there is no node')
    const [contact] = await client.call('contacts')
    const delivered = new Set<string>()
    let told = (): void => {}
    await client.subscribe((event) => {
      if (event.type === 'state' && event.state === 'delivered') delivered.add(event.message)
      told()
    })
    const { id } = await client.call('send', { to: contact?.id ?? '', text: 'Are you there?' })
    while (!delivered.has(id)) {
      await new Promise<void>((resolve) => {
        told = resolve
      })
    }
    return performance.now() - begun
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
  }
}
