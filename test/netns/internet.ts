/**
 * People on an internet of network namespaces: some whom everybody reaches, some behind routers of their own.
 *
 *     const net = Internet.make()
 *     const rares = await net.reachable('Rareș')
 *     const ana = await net.behind('masquerade', 'Ana')
 *     await net.acquaint(ana, rares)
 *
 * Holds: each router and each reachable host is alone in its /24; the hosts of a test go with it.
 */
import { onTestFinished } from 'vitest'
import { Person, WAIT_MS } from '../e2e/people.ts'
import { Networks, type Translation } from './networks.ts'

export class Internet {
  readonly nets: Networks
  readonly #people: Person[] = []
  readonly #hosts = new Map<Person, { host: string; router?: string }>()
  #places = 0

  private constructor(nets: Networks) {
    this.nets = nets
  }

  static make(): Internet {
    const net = new Internet(Networks.make())
    // Before the namespaces go, which are removed after it: the last that was asked for is done first.
    onTestFinished(async () => {
      await Promise.all(net.#people.map((person) => person.remove()))
    })
    return net
  }

  /** Somebody whose host everybody reaches; the node runs. */
  async reachable(name: string, options: readonly string[] = []): Promise<Person> {
    const address = this.#place()
    const host = `h${this.#places}`
    this.nets.internet(host, address)
    return this.#join(name, { host }, options)
  }

  /** Somebody behind a router alone; the node runs. */
  async behind(translation: Translation, name: string, options: readonly string[] = []): Promise<Person> {
    const [person] = await this.together(translation, [name], options)
    if (person === undefined) throw new Error('nobody is behind that router')
    return person
  }

  /** Several behind one router; their nodes run. */
  async together(
    translation: Translation,
    names: readonly string[],
    options: readonly string[] = [],
  ): Promise<readonly Person[]> {
    const address = this.#place()
    const router = `n${this.#places}`
    const hosts = names.map((_, i) => `${router}-${i}`)
    this.nets.router(router, address, `192.168.${this.#places}`, hosts, translation)
    return Promise.all(names.map((name, i) => this.#join(name, { host: hosts[i] ?? '', router }, options)))
  }

  /** Gives somebody's host another address, and another to the router before it. */
  move(person: Person): void {
    const { host, router } = this.#hostOf(person)
    this.nets.move(router ?? host, this.#place())
    if (router !== undefined) this.nets.moveInside(router, host, 100 + this.#places)
  }

  /** Lets everybody in to somebody's node, by the router before it. */
  async letIn(person: Person): Promise<void> {
    const { router } = this.#hostOf(person)
    const { addresses } = await person.get('status')
    const [, inside, port] = /^\/ip4\/([\d.]+)\/tcp\/(\d+)$/m.exec(addresses.join('\n')) ?? []
    if (router === undefined || inside === undefined) throw new Error(`${person.name} is behind no router`)
    this.nets.forward(router, Number(port), inside)
  }

  /** The host that somebody's node runs on. */
  hostOf(person: Person): string {
    return this.#hostOf(person).host
  }

  #hostOf(person: Person): { host: string; router?: string } {
    const at = this.#hosts.get(person)
    if (at === undefined) throw new Error(`${person.name} is not on this internet`)
    return at
  }

  /** `guest` takes a link of `host`'s; both are active when it resolves. */
  async acquaint(guest: Person, host: Person): Promise<void> {
    await guest.get('add', (await host.get('invite')).link, '--wait')
  }

  async #join(name: string, at: { host: string; router?: string }, options: readonly string[]): Promise<Person> {
    const person = new Person(name, options, this.nets.host(at.host))
    this.#people.push(person)
    this.#hosts.set(person, at)
    await person.get('init', '--name', name, '--no-passphrase')
    await person.start()
    return person
  }

  /** An address in a /24 of its own. */
  #place(): string {
    return `5.5.${++this.#places}.1`
  }
}

/** Resolves once what a node says of itself is as asked. */
// biome-ignore lint/suspicious/noExplicitAny: what a program printed
export async function status(person: Person, is: (status: any) => boolean): Promise<any> {
  for (const end = performance.now() + WAIT_MS; performance.now() < end; ) {
    const now = await person.get('status')
    if (is(now)) return now
  }
  throw new Error(`${await person.account()}\nin vain ${person.name} waited for a status: ${is}`)
}

/** The node has a place at a relay, so that an invite leads there. */
export const placed = (person: Person): Promise<unknown> =>
  status(person, ({ addresses }) => addresses.some((address: string) => address.includes('p2p-circuit')))

/** The event that says how somebody is reached now; `null`: not any more. */
export const isPath =
  (contact: Person, via: string | null) =>
  // biome-ignore lint/suspicious/noExplicitAny: what a program printed
  (event: any): boolean =>
    event.type === 'connection' && event.contact === contact.id && event.via === via

/** All that `tulnic doctor` finds. */
export const doctor = async (person: Person): Promise<string> =>
  (await person.get('doctor')).findings.map(({ what }: { what: string }) => what).join('\n')

/** Both say something, and both arrive. */
export async function talk(one: Person, other: Person, text: string): Promise<void> {
  await one.get('send', other.name, `${text}, says ${one.name}`, '--wait', 'delivered')
  await other.get('send', one.name, `${text}, says ${other.name}`, '--wait', 'delivered')
}
