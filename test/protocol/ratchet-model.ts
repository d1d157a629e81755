/**
 * The model of a session: two parties, two wires that lose, double, delay and damage. What arrives whole opens, once.
 */
import type { Random } from '../../src/protocol/index.ts'
import { mutate } from './mutation.ts'
import { NOW } from './people.ts'
import { below, seeded } from './seeded.ts'
import { type Code, law, type Pair, type Party, pair, same } from './session-pair.ts'

export interface Weather {
  readonly name: string
  readonly steps: number
  /** Of a hundred sealed frames, how many are lost, and how many come twice. */
  readonly loss: number
  readonly doubles: number
  /** How many frames may wait on one wire before the oldest must come. */
  readonly waiting: number
  /** Of a hundred frames, how many Alice seals. */
  readonly alice: number
  /** Frames sealed at a time. */
  readonly burst: number
}

export const WEATHERS: readonly Weather[] = [
  { name: 'ping-pong', steps: 300, loss: 0, doubles: 5, waiting: 0, alice: 50, burst: 1 },
  { name: 'one-sided', steps: 300, loss: 10, doubles: 5, waiting: 6, alice: 95, burst: 3 },
  { name: 'lossy', steps: 300, loss: 30, doubles: 5, waiting: 4, alice: 50, burst: 2 },
  { name: 'shuffled', steps: 400, loss: 10, doubles: 10, waiting: 24, alice: 50, burst: 2 },
]

interface Letter {
  readonly frame: Uint8Array
  readonly plaintext: Uint8Array
  readonly to: Party
  opened: boolean
}

export interface Outcome {
  readonly sealed: number
  readonly opened: number
  readonly bytes: number
  readonly epochs: number
}

/** Plays one session; throws `BrokenLaw` where a law does not hold. */
export function playModel(code: Code, seed: number, weather: Weather): Outcome {
  const random = seeded(seed)
  const game = new Game(pair(code, seeded(seed ^ 0x5eed)), random, weather)
  for (let step = 0; step < weather.steps; step++) game.step()
  return game.finish()
}

class Game {
  readonly #pair: Pair
  readonly #random: Random
  readonly #weather: Weather
  readonly #wires = new Map<Party, Letter[]>()
  readonly #sealed: Letter[] = []
  #now = NOW
  #bytes = 0

  constructor(made: Pair, random: Random, weather: Weather) {
    this.#pair = made
    this.#random = random
    this.#weather = weather
    this.#wires.set(made.alice, [])
    this.#wires.set(made.bob, [])
  }

  step(): void {
    this.#now += this.#chance(2) ? 7_200_000 : below(this.#random, 5000)
    const fromAlice = this.#chance(this.#weather.alice)
    for (let n = 1 + below(this.#random, this.#weather.burst); n > 0; n--) this.#seal(fromAlice)
    for (const wire of this.#wires.values()) {
      while (wire.length > this.#weather.waiting || (wire.length > 0 && this.#chance(20))) this.#deliver(wire)
    }
    if (this.#chance(5)) this.#replay()
    if (this.#chance(10)) this.#damage()
    if (this.#chance(10)) this.#pair.alice.restart()
    if (this.#chance(10)) this.#pair.bob.restart()
  }

  finish(): Outcome {
    for (const wire of this.#wires.values()) while (wire.length > 0) this.#deliver(wire)
    for (const letter of this.#sealed) {
      if (letter.opened) law(letter.to.open(letter.frame, this.#now) === undefined, 'a used key opened a second time')
    }
    const { code, alice, bob } = this.#pair
    return {
      sealed: this.#sealed.length,
      opened: this.#sealed.filter((letter) => letter.opened).length,
      bytes: this.#bytes,
      epochs: Math.min(code.describe(alice.state).epoch, code.describe(bob.state).epoch) - 1,
    }
  }

  #seal(fromAlice: boolean): void {
    const { alice, bob } = this.#pair
    const [from, to] = fromAlice ? [alice, bob] : [bob, alice]
    const plaintext = this.#random(below(this.#random, 40))
    const letter = { frame: from.seal(plaintext, this.#now), plaintext, to, opened: false }
    this.#sealed.push(letter)
    this.#bytes += letter.frame.length
    if (this.#chance(this.#weather.loss)) return
    const wire = this.#wires.get(to)
    wire?.push(letter)
    if (this.#chance(this.#weather.doubles)) wire?.push(letter)
  }

  /** Any of the waiting frames comes, the oldest more often. */
  #deliver(wire: Letter[]): void {
    const at = this.#chance(50) ? 0 : below(this.#random, wire.length)
    const [letter] = wire.splice(at, 1)
    if (letter === undefined) return
    const crashed = this.#chance(10) ? letter.to.look(letter.frame, this.#now) : undefined
    const opened = letter.to.open(letter.frame, this.#now)
    if (letter.opened) return law(opened === undefined, 'a used key opened a second time')
    law(opened !== undefined, 'a frame that arrived did not open')
    law(same(opened, letter.plaintext), 'a frame opened to something else')
    law(crashed === undefined || same(crashed.plaintext, opened), 'a crash before the commit changed what opens')
    letter.opened = true
  }

  #replay(): void {
    const letter = this.#sealed[below(this.#random, this.#sealed.length)]
    if (letter?.opened) law(letter.to.open(letter.frame, this.#now) === undefined, 'a used key opened a second time')
  }

  #damage(): void {
    const letter = this.#sealed[this.#sealed.length - 1 - below(this.#random, Math.min(6, this.#sealed.length))]
    if (letter === undefined) return
    const damaged = mutate(this.#random, letter.frame)
    if (same(damaged, letter.frame)) return
    law(letter.to.open(damaged, this.#now) === undefined, 'a damaged frame opened')
  }

  #chance(percent: number): boolean {
    return below(this.#random, 100) < percent
  }
}
