/**
 * A private network: who has another key, or none, gets nowhere and sees nobody. Real programs in network namespaces.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Person } from '../e2e/people.ts'
import { DEADLINE, missing, Networks } from './networks.ts'

const title = `a private network${missing === null ? '' : ` (skipped: ${missing})`}`

describe.skipIf(missing !== null)(title, DEADLINE, () => {
  it('lets in who has its key, and nobody else', async () => {
    const nets = Networks.make()
    const names = ['Ana', 'Bogdan', 'Clara', 'Dan']
    nets.lan('10.9.0', names)
    const folder = mkdtempSync(join(tmpdir(), 'tulnic-keys-'))
    const key = (name: string): string => {
      const file = join(folder, name)
      writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 })
      return file
    }
    const ours = ['--network-key', key('ours')]
    const options = [ours, ours, ['--network-key', key('another')], []]
    const people = names.map((name, i) => new Person(name, options[i], nets.host(name)))
    onTestFinished(async () => {
      await Promise.all(people.map((person) => person.remove()))
      rmSync(folder, { recursive: true })
    })
    for (const person of people) {
      await person.get('init', '--name', person.name, '--no-passphrase')
      await person.start()
    }
    const [ana, bogdan, ...others] = people as [Person, Person, ...Person[]]
    const { link } = await ana.get('invite', '--uses', '3')
    expect(await bogdan.get('add', link, '--wait')).toMatchObject({ contact: { name: 'Ana', state: 'active' } })
    expect(await bogdan.get('send', 'Ana', 'inside', '--wait', 'delivered')).toMatchObject({ state: 'delivered' })
    for (const other of others) {
      const { code, err } = await other.run(['add', link, '--wait', '--timeout', '6'])
      expect([code, err]).toEqual([4, expect.stringMatching(/could not be reached/)])
      const { json } = await other.run(['nearby', '--seconds', '3'])
      expect(JSON.stringify(json)).not.toMatch(/Ana|Bogdan/)
    }
    expect((await ana.get('contacts')).contacts.map(({ name }: { name: string }) => name)).toEqual(['Bogdan'])
  })
})
