/**
 * Two who both moved while they were apart find each other through the hash table: a third whom both know serves it. Real
 * programs in network namespaces, without multicast.
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import { Person } from '../e2e/people.ts'
import { DEADLINE, missing, Networks } from './networks.ts'

const title = `both moved${missing === null ? '' : ` (skipped: ${missing})`}`

/** Ana and Bogdan, who know each other and Rareș, with other addresses than when they parted; only Ana's node runs. */
async function parted(options: readonly string[]): Promise<{ ana: Person; bogdan: Person }> {
  const nets = Networks.make()
  nets.lan('5.5.5', ['rares', 'a', 'b'])
  const person = (name: string, host: string): Person => new Person(name, ['--no-mdns', ...options], nets.host(host))
  const [rares, ana, bogdan] = [person('Rareș', 'rares'), person('Ana', 'a'), person('Bogdan', 'b')]
  const all = [rares, ana, bogdan]
  onTestFinished(async () => {
    await Promise.all(all.map((one) => one.remove()))
  })
  for (const one of all) {
    await one.get('init', '--name', one.name, '--no-passphrase')
    await one.start()
  }
  for (const one of [ana, bogdan]) await one.get('add', (await rares.get('invite')).link, '--wait')
  await bogdan.get('add', (await ana.get('invite')).link, '--wait')
  // Each has told the other where its records will lie.
  await ana.get('send', 'Bogdan', 'before', '--wait', 'delivered')
  await bogdan.get('send', 'Ana', 'before', '--wait', 'delivered')
  await Promise.all([ana.stop(), bogdan.stop()])
  nets.move('a', '5.5.5.101')
  nets.move('b', '5.5.5.102')
  await ana.start()
  bogdan.events.length = 0
  return { ana, bogdan }
}

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it('with other addresses and other PeerIDs, two find each other through the hash table', async () => {
    const { ana, bogdan } = await parted([])
    const before = performance.now()
    await bogdan.start()
    await bogdan.event(({ type, contact, via }) => type === 'connection' && contact === ana.id && via !== null)
    console.info(`found through the hash table ${Math.round(performance.now() - before)} ms after the program's start`)
    expect(await bogdan.get('send', 'Ana', 'after', '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
    const { dht } = await bogdan.get('status')
    expect(dht.servers).toBeGreaterThan(0)
  })

  it('without the hash table they do not (the control)', async () => {
    const { bogdan } = await parted(['--no-dht'])
    await bogdan.start()
    await bogdan.event(({ type, via }) => type === 'connection' && via !== null)
    const { code } = await bogdan.run(['send', 'Ana', 'after', '--wait', 'delivered', '--timeout', '10'])
    expect(code).toBe(4)
  })
})
