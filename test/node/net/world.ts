/**
 * People with accounts in memory, and their nets on real libp2p over loopback.
 *
 *     const { alice, bob } = friends()
 *     const a = await online(alice), b = await online(bob)
 *     a.want(b); await a.sees('connected')
 */
import { NET_DEFAULTS } from '../../../src/node/config.ts'
import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { Input } from '../../../src/node/engine/input.ts'
import { makeNet } from '../../../src/node/net/libp2p.ts'
import type { Machine } from '../../../src/node/net/machine.ts'
import type { Acquaintances, HelloRole, Net, NetConfig } from '../../../src/node/net/net.ts'
import { LIMITS, type Limits } from '../../../src/node/net/protocols.ts'
import { nodejsMachine } from '../../../src/node/platform/nodejs-net.ts'
import {
  type AccountId,
  accountFromEntropy,
  accountId,
  checkHelloProof,
  type DeviceKeys,
  type DeviceSecrets,
  deviceKeys,
  equal,
  helloProof,
  helloTag,
  inviteProof,
  noble as p,
} from '../../../src/protocol/index.ts'

export const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))

/** A deadline that only a broken build meets. */
export const DEADLINE_MS = 20_000

export interface Friend {
  readonly id: AccountId
  readonly secret: Uint8Array
  readonly devices: readonly DeviceKeys[]
}

export interface Person {
  readonly id: AccountId
  readonly device: DeviceSecrets
  readonly keys: DeviceKeys
  /** In the order in which they were seen last. */
  readonly contacts: Friend[]
}

export function person(): Person {
  const device = { signingSeed: random(32), dhSeed: random(32) }
  const account = accountFromEntropy(p, random(32))
  return { id: accountId(account.key), device, keys: deviceKeys(p, device), contacts: [] }
}

/** Both know each other from now on, by a fresh contact secret (or by `theirs`, if one of them has it wrong). */
export function befriend(a: Person, b: Person, secret = random(32), theirs = secret): void {
  a.contacts.push({ id: b.id, secret, devices: [b.keys] })
  b.contacts.push({ id: a.id, secret: theirs, devices: [a.keys] })
}

export function friends(): { alice: Person; bob: Person } {
  const alice = person()
  const bob = person()
  befriend(alice, bob)
  return { alice, bob }
}

/** What an engine would answer: `role` is whose tag or proof it is; `ends.local` is always ours. */
export function acquaintancesOf(me: Person): Acquaintances {
  const find = (id: AccountId): Friend => {
    const friend = me.contacts.find((one) => one.id === id)
    if (friend === undefined) throw new Error('no such contact')
    return friend
  }
  const order = (
    mine: boolean,
    role: HelloRole,
    { local, remote }: { local: Uint8Array; remote: Uint8Array },
  ): [Uint8Array, Uint8Array] => (mine === (role === 'dialer') ? [local, remote] : [remote, local])
  return {
    day: () => 20_000,
    tag: (contact, day, role, ends, nth = 0) => {
      const secret = nth > 0 ? undefined : me.contacts.find((one) => one.id === contact)?.secret
      return secret && helloTag(p, secret, day, role, ...order(true, role, ends))
    },
    tags: (day, role, ends, except) =>
      me.contacts
        .filter(({ id }) => except?.has(id) !== true)
        .map(({ secret }) => helloTag(p, secret, day, role, ...order(true, role, ends))),
    recognise: (tags, day, role, ends) =>
      me.contacts.find(({ secret }) => {
        const theirs = helloTag(p, secret, day, role, ...order(false, role, ends))
        return tags.some((tag) => equal(tag, theirs))
      })?.id,
    prove: (contact, role, ends, nonces) =>
      helloProof(
        p,
        random,
        { secret: find(contact).secret, device: me.device, deviceId: me.keys.id },
        role,
        ...order(true, role, ends),
        nonces,
      ),
    check: (contact, role, ends, nonces, proof) =>
      checkHelloProof(p, find(contact).secret, find(contact).devices, role, ...order(false, role, ends), nonces, proof),
    inviteProof: (secret, ends) => inviteProof(p, secret, ends.local, ends.remote),
    random,
    boxes: {
      carrierProof: () => undefined,
      isCarrier: () => false,
      ownerProof: () => undefined,
      isOwner: () => false,
    },
  }
}

type Kind = Input['type']
type Of<K extends Kind> = Extract<Input, { type: K }>

/** What a net told its engine, in order, and a way to wait for more. */
export class Heard {
  readonly all: Input[] = []
  readonly #waiting = new Set<() => void>()

  readonly take = (input: Input): void => {
    this.all.push(input)
    for (const look of [...this.#waiting]) look()
  }

  of<K extends Kind>(kind: K): Of<K>[] {
    return this.all.filter((input): input is Of<K> => input.type === kind)
  }

  /** Resolves with what `find` finds among all inputs, as soon as it does. */
  until<T>(what: string, find: (inputs: readonly Input[]) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find(this.all)
        if (found === undefined) return
        done()
        resolve(found)
      }
      const deadline = setTimeout(() => {
        done()
        reject(new Error(`no ${what}; heard: ${this.all.map(({ type }) => type).join(' ')}`))
      }, DEADLINE_MS)
      const done = (): void => {
        clearTimeout(deadline)
        this.#waiting.delete(look)
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** The `n`th input (from 1) of a kind that passes. */
  next<K extends Kind>(kind: K, n = 1, passes: (input: Of<K>) => boolean = () => true): Promise<Of<K>> {
    return this.until(`${kind} ${n}`, () => this.of(kind).filter(passes)[n - 1])
  }

  /** At least `n` frames, of all inputs together. */
  frames(n: number): Promise<Uint8Array[]> {
    return this.until(`${n} frames`, () => {
      const frames = this.of('frames').flatMap((input) => input.frames)
      return frames.length >= n ? frames : undefined
    })
  }
}

export interface Online {
  readonly me: Person
  readonly net: Net
  readonly heard: Heard
  /** The first loopback address, so that no test depends on the machine's network. */
  readonly address: string
  want(
    other: Person,
    addresses: readonly string[],
    how?: { stranger?: boolean; now?: boolean; relayOnly?: boolean },
  ): void
  stop(): Promise<void>
}

export interface Around {
  readonly config?: Partial<NetConfig>
  readonly limits?: Partial<Limits>
  readonly machine?: Machine
  readonly acquaintances?: Acquaintances
}

/** Limits of one address where all have the same one. */
export const ONE_ADDRESS = { inboundPerSecond: 1000, unknownOfPrefix: 1000, workOfPrefix: 1e7 } as const

/** Starts a person's net; it is stopped when the test is over. */
export async function online(me: Person, around: Around = {}): Promise<Online> {
  const heard = new Heard()
  const limits = { ...LIMITS, ...ONE_ADDRESS, againMs: 20, ...around.limits }
  const config = {
    listenPort: 0,
    listen: [],
    mdns: false,
    lanOnly: false,
    ...NET_DEFAULTS,
    dht: false,
    ...around.config,
  }
  const acquaintances = around.acquaintances ?? acquaintancesOf(me)
  const net = await makeNet(around.machine ?? machineWith({}), limits)(config, acquaintances, heard.take)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= net.stop())
  onTestFinished(stop)
  await net.start()
  const port = net.addresses()[0]?.split('/')[4]
  return {
    me,
    net,
    heard,
    address: `/ip4/127.0.0.1/tcp/${port}`,
    want: (other, addresses, { stranger = false, now = false, relayOnly = false } = {}) =>
      net.perform({ type: 'want', contact: other.id, addresses, stranger, now, relayOnly }),
    stop,
  }
}

/** A machine of which everything but what is given is this one; but that it searches for no routers. */
export function machineWith(changes: Partial<Machine>): Machine {
  return { ...nodejsMachine(), search: () => ({ stop: async () => {} }), ...changes }
}

/** Numbers that count up. */
export function numbers(): () => number {
  let last = 0
  return () => ++last
}
