/**
 * The handshake: both agree, whatever the invite brings; whoever is not who they say, or answers something else, does not.
 */
import { describe, expect, test } from 'vitest'
import {
  type Answered,
  CONTENTS_BYTES,
  canSend,
  createBundle,
  frameKind,
  type Init,
  initiate,
  inviteKey,
  noble,
  openInit,
  openMessage,
  readHeader,
  respond,
  sealMessage,
  utf8,
} from '../../src/protocol/index.ts'
import { mutate } from './mutation.ts'
import { NOW, own, person } from './people.ts'
import { LOW_ORDER } from './points.ts'
import { below, hex, seeded, seedOfRun } from './seeded.ts'
import { swift } from './session-pair.ts'

const SEED = seedOfRun(5)
const TEXT = utf8('the first message')
const HEADS = { own: new Uint8Array(16), peer: new Uint8Array(16) }

function play({ invited, single, p = swift }: { invited: boolean; single: boolean; p?: typeof noble }) {
  const random = seeded(SEED)
  const [alice, bob] = [person(random, p), person(random, p)]
  const inviteSecret = invited ? random(32) : null
  const oneTimeSeed = single ? random(32) : null
  const oneTimeKey = oneTimeSeed && p.x25519PublicKey(oneTimeSeed)
  const begun = initiate(p, random, own(alice), bob.bundle, { inviteSecret, oneTimeKey }, TEXT, NOW)
  const answered: Answered = { bundle: bob.bundle, secrets: bob.prekeys, oneTimeSeed, inviteSecret }
  const init = openInit(p, bob.prekeys.sealSeed, begun.frame)
  if (init === undefined) throw new Error('the INIT does not open')
  return { random, alice, bob, begun, answered, init, p }
}

type Play = ReturnType<typeof play>
const answer = ({ p, random, bob }: Play, answered: Answered, init: Init) =>
  respond(p, random, own(bob), answered, init, NOW)

describe.each([
  { invited: false, single: false },
  { invited: true, single: false },
  { invited: true, single: true },
  { invited: false, single: true },
])('invite secret: $invited, one-time key: $single', (kind) => {
  test.each([swift, noble])('both agree ($name)', (p) => {
    const played = play({ ...kind, p })
    const { begun, init, answered, alice, random } = played
    const accepted = answer(played, answered, init)
    expect(accepted?.plaintext).toEqual(TEXT)
    expect(hex(accepted?.sessionId ?? TEXT)).toBe(hex(begun.sessionId))
    expect(hex(accepted?.contactSecret ?? TEXT)).toBe(hex(begun.contactSecret))
    expect(init.account).toEqual(alice.account.key)
    expect(init.device.id).toBe(alice.keys.id)
    expect(init.usesOneTime).toBe(kind.single)
    expect(init.inviteKey).toEqual(answered.inviteSecret && inviteKey(p, answered.inviteSecret))
    if (accepted === undefined) return
    expect(canSend(accepted.session)).toBe(true)
    const reply = sealMessage(p, random, accepted.session, TEXT, HEADS, NOW)
    const header = readHeader(p, begun.session, reply.frame)
    expect(header && openMessage(p, random, begun.session, reply.frame, header, [], NOW)?.plaintext).toEqual(TEXT)
  })

  test('what does not answer exactly this INIT gives nothing', () => {
    const played = play(kind)
    const { answered, init, random, bob } = played
    const { bundle, secrets } = createBundle(swift, random, { log: bob.log, device: bob.device, createdAt: NOW })
    const refused: Answered[] = [
      { ...answered, bundle },
      { ...answered, secrets },
      { ...answered, bundle, secrets },
      { ...answered, inviteSecret: random(32) },
      { ...answered, oneTimeSeed: random(32) },
      { ...answered, inviteSecret: kind.invited ? null : random(32) },
      { ...answered, oneTimeSeed: kind.single ? null : random(32) },
    ]
    for (const [i, each] of refused.entries()) expect(answer(played, each, init), `case ${i}`).toBeUndefined()
    expect(answer({ ...played, bob: person(random, swift) }, answered, init), 'another device').toBeUndefined()
    expect(answer(played, answered, init), 'the control').toBeDefined()
  })

  test('an INIT in which somebody else is named, or a low-order key stands, gives nothing', () => {
    const played = play(kind)
    const { answered, init, random } = played
    const eve = person(random, swift)
    expect(answer(played, answered, { ...init, account: eve.account.key })).toBeUndefined()
    expect(answer(played, answered, { ...init, log: eve.log })).toBeUndefined()
    expect(answer(played, answered, { ...init, device: eve.keys })).toBeUndefined()
    expect(
      answer(played, answered, { ...init, clear: init.clear.map((b, i) => (i === 9 ? b ^ 1 : b)) }),
    ).toBeUndefined()
    for (const point of LOW_ORDER) {
      expect(answer(played, answered, { ...init, ephemeralKey: point })).toBeUndefined()
      expect(answer(played, answered, { ...init, device: { ...init.device, dh: point } })).toBeUndefined()
    }
  })
})

test('an INIT is opened by its own bundle only, is named by its contents, and shows nothing but its size', () => {
  const { begun, bob, alice, init, random } = play({ invited: true, single: true })
  expect(frameKind(begun.frame)).toBe('init')
  expect(openInit(swift, person(random, swift).prekeys.sealSeed, begun.frame)).toBeUndefined()
  expect(openInit(swift, bob.prekeys.sealSeed, begun.frame)?.id).toEqual(init.id)
  const bytes = hex(begun.frame)
  for (const secret of [alice.account.key, alice.keys.dh, bob.bundle.hash.subarray(0, 16), TEXT]) {
    expect(bytes.includes(hex(secret))).toBe(false)
  }
  const again = initiate(swift, random, own(alice), bob.bundle, { inviteSecret: null, oneTimeKey: null }, TEXT, NOW)
  expect(openInit(swift, bob.prekeys.sealSeed, again.frame)?.id).not.toEqual(init.id)
})

test(`any damage is refused, nothing throws (seed ${SEED})`, () => {
  const { begun, bob, random } = play({ invited: true, single: true })
  for (let n = 0; n < 1500; n++) {
    const damaged = mutate(random, begun.frame)
    const isSame = Buffer.compare(damaged, begun.frame) === 0
    expect(openInit(swift, bob.prekeys.sealSeed, damaged) !== undefined).toBe(isSame)
    expect(openInit(swift, bob.prekeys.sealSeed, random(below(random, 4000)))).toBeUndefined()
  }
})

test('the longest message fits, a longer one and an unusable key are the caller’s mistake', () => {
  const { alice, bob, random } = play({ invited: false, single: false })
  const none = { inviteSecret: null, oneTimeKey: null }
  const longest = initiate(swift, random, own(alice), bob.bundle, none, new Uint8Array(CONTENTS_BYTES - 4096), NOW)
  expect(openInit(swift, bob.prekeys.sealSeed, longest.frame)).toBeDefined()
  const tooLong = new Uint8Array(CONTENTS_BYTES + 1)
  expect(() => initiate(swift, random, own(alice), bob.bundle, none, tooLong, NOW)).toThrow(RangeError)
  const [point = TEXT] = LOW_ORDER
  const unusable = { ...none, oneTimeKey: point }
  expect(() => initiate(swift, random, own(alice), bob.bundle, unusable, TEXT, NOW)).toThrow(RangeError)
})
