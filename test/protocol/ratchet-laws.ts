/**
 * What a session owes beside the model's weather: bounds, refusals of a peer that has the keys and breaks the rules.
 *
 * Each law is run on the protocol itself, and on copies of it with a fault, which it must find.
 */
import type { Random } from '../../src/protocol/index.ts'
import { startResponder } from '../../src/protocol/session.ts'
import { encodeSessionState } from '../../src/protocol/session-state.ts'
import { decoded, forge, lowOrderSender, reheaded, remembering } from './forge.ts'
import { NOW, own, person } from './people.ts'
import { playModel, WEATHERS } from './ratchet-model.ts'
import { seeded } from './seeded.ts'
import { type Code, HEADS, law, type Pair, type Party, pair, swift } from './session-pair.ts'

export interface Law {
  readonly name: string
  check(code: Code, seed: number): void
}

const DAY = 86_400_000
const TEXT = new Uint8Array(5).fill(7)

const sealMany = (party: Party, count: number, now = NOW): Uint8Array[] =>
  Array.from({ length: count }, () => party.seal(TEXT, now))

function mustOpen(party: Party, frame: Uint8Array | undefined, why: string, now = NOW): void {
  law(frame !== undefined && party.open(frame, now) !== undefined, why)
}

function mustRefuse(party: Party, frame: Uint8Array | undefined, why: string, now = NOW): void {
  law(frame !== undefined && party.open(frame, now) === undefined, why)
}

/** Bob answers, Alice answers: each has turned once. */
function roundTrip({ alice, bob }: Pair, now = NOW): void {
  mustOpen(alice, bob.seal(TEXT, now), 'an answer opens', now)
  mustOpen(bob, alice.seal(TEXT, now), 'the answer to it opens', now)
}

/** Turns until `enough`; each turn has 21 messages, so that post-quantum epochs keep coming. */
function talkUntil({ alice, bob }: Pair, enough: () => boolean): void {
  for (let turn = 0; !enough(); turn++) {
    law(turn < 60, 'the post-quantum ratchet stands still')
    const [from, to] = turn % 2 === 0 ? [bob, alice] : [alice, bob]
    for (const frame of sealMany(from, 21)) mustOpen(to, frame, 'a frame of a talk opens')
  }
}

/** A pair, and the same parties where a phase of the post-quantum ratchet is reached. */
function pairIn(code: Code, random: Random, alicePhase: string, bobPhase: string): Pair {
  const made = pair(code, random)
  const is = (party: Party, phase: string) => decoded(party.state).pq.phase.name === phase
  for (let n = 0; !(is(made.alice, alicePhase) && is(made.bob, bobPhase)); n++) {
    law(n < 200, `no moment of ${alicePhase} and ${bobPhase}`)
    const [from, to] = n % 2 === 0 ? [made.bob, made.alice] : [made.alice, made.bob]
    mustOpen(to, from.seal(TEXT, NOW), 'a frame opens')
  }
  return made
}

const flipped = (bytes: Uint8Array): Uint8Array => {
  const changed = bytes.slice()
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
  return changed
}

export const LAWS: readonly Law[] = [
  ...WEATHERS.map((weather) => ({
    name: `weather: ${weather.name}`,
    check: (code: Code, seed: number) => void playModel(code, seed, weather),
  })),
  {
    name: 'a thousand skipped in a chain are kept, one more is refused',
    check(code, seed) {
      const { alice, bob } = pair(code, seeded(seed))
      const frames = sealMany(alice, 1003)
      mustRefuse(bob, frames[1001], '1001 were skipped')
      mustOpen(bob, frames[1000], '1000 may be skipped')
      for (const late of [0, 1, 500, 999]) mustOpen(bob, frames[late], 'a late frame opens')
      mustRefuse(bob, frames[500], 'a used key opened a second time')
      mustOpen(bob, frames[1002], 'the chain goes on')
    },
  },
  {
    name: 'a thousand skipped at a turn are kept, one more is refused',
    check(code, seed) {
      const run = (count: number) => {
        const { alice, bob } = pair(code, seeded(seed))
        const frames = sealMany(alice, count)
        mustOpen(alice, bob.seal(TEXT, NOW), 'an answer opens')
        return { bob, frames, next: alice.seal(TEXT, NOW) }
      }
      const refused = run(1001)
      mustRefuse(refused.bob, refused.next, '1001 were skipped before the turn')
      const kept = run(1000)
      mustOpen(kept.bob, kept.next, '1000 may be skipped before the turn')
      for (const late of [0, 999]) mustOpen(kept.bob, kept.frames[late], 'a late frame of the old chain opens')
    },
  },
  {
    name: 'both chains of a step may have a thousand skipped',
    check(code, seed) {
      const { alice, bob } = pair(code, seeded(seed))
      const before = sealMany(alice, 1000)
      mustOpen(alice, bob.seal(TEXT, NOW), 'an answer opens')
      const after = sealMany(alice, 1001)
      mustOpen(bob, after[1000], 'a thousand on both sides of the turn')
      mustOpen(bob, before[0], 'a late frame of the old chain opens')
      mustOpen(bob, after[0], 'a late frame of the new chain opens')
    },
  },
  {
    name: 'beyond four thousand skipped keys the oldest go, and nothing is refused',
    check(code, seed) {
      const { alice, bob } = pair(code, seeded(seed))
      const gaps: Uint8Array[][] = []
      for (let gap = 0; gap < 4; gap++) {
        const frames = sealMany(alice, 901, NOW + gap)
        mustOpen(bob, frames.pop(), 'a frame after a gap opens', NOW + gap)
        gaps.push(frames)
      }
      mustRefuse(bob, gaps[0]?.[0], 'the oldest skipped key is gone', NOW + 9)
      mustOpen(bob, gaps[3]?.[899], 'the newest skipped key is there', NOW + 9)
      mustOpen(bob, gaps[3]?.[0], 'the newest gap is whole', NOW + 9)
      law(code.describe(bob.state).skipped <= 4000, 'the count is bounded')
    },
  },
  {
    name: 'sixteen old chains are remembered, the rows of older ones go',
    check(code, seed) {
      const made = pair(code, seeded(seed))
      const { alice, bob } = made
      const late: Uint8Array[] = []
      for (let turn = 0; turn < 18; turn++) {
        late.push(alice.seal(TEXT, NOW))
        mustOpen(bob, alice.seal(TEXT, NOW), 'a frame after a gap opens')
        roundTrip(made)
      }
      law(decoded(bob.state).ec.old.length <= 16, 'sixteen old chains')
      for (const frame of late.slice(0, 2)) mustRefuse(bob, frame, 'the oldest chains are forgotten')
      for (const frame of late.slice(2)) mustOpen(bob, frame, 'a frame of an old chain opens')
      law(decoded(bob.state).ec.old.length === 0, 'a chain that owes nothing is forgotten')
    },
  },
  {
    name: 'skipped keys of a chain that was left live thirty days',
    check(code, seed) {
      const run = (after: number) => {
        const made = pair(code, seeded(seed))
        const { alice, bob } = made
        const late = [alice.seal(TEXT, NOW), alice.seal(TEXT, NOW)]
        mustOpen(bob, alice.seal(TEXT, NOW), 'a frame after a gap opens')
        roundTrip(made)
        roundTrip(made, NOW + after)
        return { bob, late }
      }
      const young = run(29 * DAY)
      mustOpen(young.bob, young.late[0], 'within thirty days', NOW + 29 * DAY)
      const old = run(31 * DAY)
      mustRefuse(old.bob, old.late[0], 'after thirty days', NOW + 31 * DAY)
      law(![...old.bob.rows.keys()].some((key) => key.startsWith('e')), 'the rows of the chain are gone')
    },
  },
  {
    name: 'receive chains of passed epochs stay for what is late, eight of them, and send chains go',
    check(code, seed) {
      const made = pair(code, seeded(seed))
      const { alice, bob } = made
      roundTrip(made)
      const late = alice.seal(TEXT, NOW)
      mustOpen(bob, alice.seal(TEXT, NOW), 'a frame after a gap opens')
      const epoch = () => decoded(bob.state).pq.epoch
      const start = epoch()
      talkUntil(made, () => epoch() >= start + 6)
      for (const party of [alice, bob]) {
        const sending = decoded(party.state).pq.epochs.filter(({ send }) => send !== null)
        law(sending.length <= 2, `${sending.length} epochs can send`)
      }
      mustOpen(bob, late, 'a frame of six epochs ago opens')
      talkUntil(made, () => epoch() >= start + 12)
      law(decoded(bob.state).pq.epochs.length <= 8, 'eight epochs are kept')
    },
  },
  {
    name: 'a retired receive chain lives thirty days',
    check(code, seed) {
      const made = pair(code, seeded(seed))
      const epoch = () => decoded(made.bob.state).pq.epoch
      talkUntil(made, () => epoch() >= 6)
      law(decoded(made.bob.state).pq.epochs.length > 3, 'retired epochs are kept')
      roundTrip(made, NOW + 31 * DAY)
      law(decoded(made.bob.state).pq.epochs.length <= 3, 'after thirty days only what the peer may still use')
    },
  },
  {
    name: 'keys and ciphertexts ride on messages 0, 1, 2, 4, 8 … since the turn',
    check(code, seed) {
      const made = pair(code, seeded(seed))
      const { alice, bob } = made
      const ridden = () => {
        const lengths = sealMany(alice, 40).map((frame) => frame.length)
        return lengths.flatMap((length, i) => (length > 1000 ? [i] : [])).join(' ')
      }
      law(ridden() === '0 1 2 4 8 16 32', 'an unanswered key is repeated ever more rarely')
      mustOpen(alice, bob.seal(TEXT, NOW), 'an answer opens')
      law(ridden() === '0 1 2 4 8 16 32', 'after a turn the count begins again')
      const answering = pairIn(code, seeded(seed), 'ek-sent', 'ct-send')
      const lengths = sealMany(answering.bob, 20).map((frame) => frame.length)
      law(lengths.flatMap((length, i) => (length > 1000 ? [i] : [])).join(' ') === '0 1 2 4 8 16', 'ciphertexts too')
    },
  },
  {
    name: 'an epoch begins after twenty own messages or an hour',
    check(code, seed) {
      const due = (count: number, later: number) => {
        const { alice, bob } = pairIn(code, seeded(seed), 'ek-wait', 'ek-due')
        for (const frame of sealMany(bob, count)) mustOpen(alice, frame, 'a frame opens')
        bob.seal(TEXT, NOW + later)
        return decoded(bob.state).pq.phase.name === 'ek-sent'
      }
      law(!due(10, 0) && !due(0, 3_500_000), 'not before')
      law(due(20, 0), 'after twenty messages')
      law(due(0, 3_600_000), 'after an hour')
    },
  },
  {
    name: 'a low-order ratchet key turns nothing',
    check(code, seed) {
      const random = seeded(seed)
      const { alice, bob } = pair(code, random)
      mustOpen(alice, bob.seal(TEXT, NOW), 'an answer opens')
      const evil = lowOrderSender(swift, () => true)
      const { frame } = code.sealMessage(evil, random, alice.state, TEXT, HEADS, NOW)
      mustRefuse(bob, frame, 'a low-order ratchet key')
      mustOpen(bob, alice.seal(TEXT, NOW), 'an honest key still turns')
    },
  },
  {
    name: 'a low-order ephemeral key begins no session',
    check(code, seed) {
      const random = seeded(seed)
      const [eve, bob] = [person(random, swift), person(random, swift)]
      const answered = { bundle: bob.bundle, secrets: bob.prekeys, oneTimeSeed: null, inviteSecret: null }
      const none = { inviteSecret: null, oneTimeKey: null }
      const first = remembering(random)
      const evil = lowOrderSender(swift, first.isFirst)
      const begun = code.initiate(evil, first.random, own(eve), bob.bundle, none, TEXT, NOW)
      const init = code.openInit(swift, bob.prekeys.sealSeed, begun.frame)
      law(init !== undefined, 'the INIT itself is whole')
      const answer = code.respond(swift, random, own(bob), answered, init, NOW)
      law(answer === undefined, 'a low-order ephemeral key')
    },
  },
  {
    name: 'a body whose commitment is another does not open',
    check(code, seed) {
      const random = seeded(seed)
      const { alice, bob } = pair(code, random)
      const forged = forge(swift, random, alice.state, { commitment: random(32) })
      mustRefuse(bob, forged, 'a commitment to another key')
      mustOpen(bob, forge(swift, random, alice.state, {}), 'the forger forges well')
    },
  },
  {
    name: 'a message of another handshake does not open',
    check(code, seed) {
      const random = seeded(seed)
      const { alice, bob } = pair(code, random)
      const elsewhere = encodeSessionState({ ...decoded(alice.state), transcript: random(32) })
      const { frame } = code.sealMessage(swift, random, elsewhere, TEXT, HEADS, NOW)
      mustRefuse(bob, frame, 'another transcript')
      mustOpen(bob, alice.seal(TEXT, NOW), 'the honest frame opens')
    },
  },
  {
    name: 'a body does not open behind another header',
    check(code, seed) {
      const { alice, bob } = pair(code, seeded(seed))
      const frame = alice.seal(TEXT, NOW)
      const other = reheaded(swift, alice.state, frame, (honest) => ({
        ...honest,
        ec: { ...honest.ec, previousLength: honest.ec.previousLength + 7 },
      }))
      mustRefuse(bob, other, 'another header')
      mustOpen(
        bob,
        reheaded(swift, alice.state, frame, (honest) => honest),
        'the same header',
      )
    },
  },
  {
    name: 'positions that no honest peer sends are refused',
    check(code, seed) {
      const random = seeded(seed)
      const made = pair(code, random)
      const { alice, bob } = made
      for (const frame of sealMany(alice, 3)) mustOpen(bob, frame, 'a frame opens')
      const otherKey = forge(swift, random, alice.state, {
        position: (honest) => ({ ...honest, ec: { ...honest.ec, publicKey: random(32) } }),
      })
      mustRefuse(bob, otherKey, 'another ratchet key in one chain')
      mustOpen(alice, bob.seal(TEXT, NOW), 'an answer opens')
      const shorter = forge(swift, random, alice.state, {
        position: (honest) => ({ ...honest, ec: { ...honest.ec, previousLength: 2 } }),
      })
      mustRefuse(bob, shorter, 'a previous chain that is shorter than what came of it')
      const ahead = forge(swift, random, alice.state, {
        position: (honest) => ({ ...honest, pq: { ...honest.pq, epoch: honest.pq.epoch + 1 } }),
      })
      mustRefuse(bob, ahead, 'an epoch that was not agreed')
      mustOpen(bob, alice.seal(TEXT, NOW), 'the honest frame opens')
    },
  },
  {
    name: 'an encapsulation key or ciphertext whose mac does not hold is not used',
    check(code, seed) {
      const random = seeded(seed)
      const forged = (state: Uint8Array) =>
        forge(swift, random, state, {
          position: (honest) => ({ ...honest, pq: { ...honest.pq, attachment: flipped(honest.pq.attachment) } }),
        })
      const { alice, bob } = pair(code, random)
      alice.seal(TEXT, NOW)
      mustRefuse(bob, forged(alice.state), 'a forged encapsulation key')
      mustOpen(bob, alice.seal(TEXT, NOW), 'the honest encapsulation key')
      const sending = pairIn(code, random, 'ek-sent', 'ct-send')
      mustRefuse(sending.alice, forged(sending.bob.state), 'a forged ciphertext')
      mustOpen(sending.alice, sending.bob.seal(TEXT, NOW), 'the honest ciphertext')
    },
  },
  {
    name: 'a responder that has received nothing has no chain to open with',
    check(code, seed) {
      const random = seeded(seed)
      const { alice } = pair(code, random)
      const nothing = new Uint8Array(32)
      const key = swift.x25519KeyPair(random(32))
      const fresh = startResponder(swift, { sk: random(32), ak: nothing, transcript: nothing }, key, NOW)
      law(!code.canSend(fresh), 'it cannot send')
      const session = decoded(alice.state)
      const { sending } = session.ec
      law(sending !== null, 'Alice sends')
      const zeros = { ...session.ec, sending: { key: nothing, headerKey: nothing, next: 0 } }
      const pq = { ...decoded(fresh).pq, initiator: true, epochs: mirrored(fresh) }
      const frame = forgeFrom({ ...session, transcript: nothing, ec: zeros, pq }, random)
      const header = code.readHeader(swift, fresh, frame)
      const opened = header && code.openMessage(swift, random, fresh, frame, header, [], NOW)
      law(opened === undefined, 'a chain of zeros opened')
    },
  },
]

/** The post-quantum chains of a fresh responder as its initiator has them. */
function mirrored(state: Uint8Array) {
  return decoded(state).pq.epochs.map((e) => ({ ...e, send: e.receive, receive: e.receive }))
}

function forgeFrom(session: ReturnType<typeof decoded>, random: Random): Uint8Array {
  return forge(swift, random, encodeSessionState(session), {})
}
