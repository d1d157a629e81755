/**
 * Counts what simulated nodes write to each other, as bytes of the streams on which they would write it: with padding, lengths and
 * kinds, as `net/hello.ts`, `net/envelopes.ts` and `net/mail/box.ts` do. What lies below a stream is estimated in `measure.ts`.
 */
import type { Effect } from '../../../src/node/engine/effect.ts'
import type { Input } from '../../../src/node/engine/input.ts'
import { HELLO_ANSWER_BYTES, HELLO_OPENING_BYTES, padFrame, PROOF_BYTES } from '../../../src/protocol/index.ts'

const HELLO = HELLO_OPENING_BYTES + HELLO_ANSWER_BYTES + PROOF_BYTES
/** Length and kind of a message between two who are linked. */
const HEAD = 5
const ID = 16
/** At a box: what a visitor says first, the carrier's answer, the owner's proof; the length of an envelope, a status, a count. */
const OPENING = 1 + 16 + 32
const ANSWER = 32 + 64
const OWNER = 64
const LENGTH = 4
const STATUS = 1
const COUNT = 2

export interface Traffic {
  connections: number
  /** Bytes of the hellos on them. */
  hello: number
  /** Bytes between two who are linked: frames, and their acknowledgements. */
  links: number
  /** Bytes of leaving mail and of fetching it. */
  mail: number
  envelopes: number
  /** Writes of all these: each is a packet on a line that rests between them. */
  writes: number
  /** Questions to the hash table, and records put there. */
  lookUps: number
  puts: number
}

const noTraffic = (): Traffic => ({
  connections: 0,
  hello: 0,
  links: 0,
  mail: 0,
  envelopes: 0,
  writes: 0,
  lookUps: 0,
  puts: 0,
})

export class Meter {
  readonly traffic = noTraffic()

  /** What a node does. */
  effect(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        return this.#link(sum(effect.frames, ({ bytes }) => HEAD + padFrame(bytes).length))
      case 'acknowledge':
      case 'no-session':
        return this.#link(HEAD + effect.ids.length * ID)
      case 'open-box':
        return this.#mail(OPENING + ANSWER + OWNER, 3)
      case 'hand-over':
        return this.#mail(
          sum(effect.letters, ({ bytes }) => LENGTH + bytes.length),
          1,
        )
      case 'take-letters':
        return this.#mail(COUNT + effect.ids.length * ID, 1)
      case 'look-up':
        this.traffic.lookUps++
        return
      case 'publish':
        this.traffic.puts += effect.records.length
    }
  }

  /** What reaches a node. */
  input(input: Input): void {
    if (input.type === 'connected' && input.dialed) {
      this.traffic.connections++
      this.traffic.hello += HELLO
      this.traffic.writes += 3
    } else if (input.type === 'mail-put') {
      this.traffic.envelopes++
      this.#mail(OPENING + ANSWER + LENGTH + input.envelope.length + STATUS, 4)
    }
  }

  #link(bytes: number): void {
    this.traffic.links += bytes
    this.traffic.writes++
  }

  #mail(bytes: number, writes: number): void {
    this.traffic.mail += bytes
    this.traffic.writes += writes
  }
}

const sum = <T>(list: readonly T[], of: (one: T) => number): number => list.reduce((all, one) => all + of(one), 0)
