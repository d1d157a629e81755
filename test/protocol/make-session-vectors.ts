/**
 * Writes test/vectors/session.json: golden bytes of a handshake, of session states and of session messages.
 *
 *     node test/protocol/make-session-vectors.ts
 *
 * Only for a new version of one of these formats: vectors that exist are kept for ever. Made with noble, for whose
 * functions all take their randomness.
 */
import { writeFileSync } from 'node:fs'
import {
  type Heads,
  initiate,
  noble,
  openInit,
  openMessage,
  readHeader,
  respond,
  sealMessage,
  utf8,
} from '../../src/protocol/index.ts'
import { NOW, own, person } from './people.ts'
import { hex, seeded } from './seeded.ts'

const SEED = 2026
const HEADS: Heads = { own: new Uint8Array(16).fill(1), peer: new Uint8Array(16).fill(2) }

/** Every vector by name, in hex; the same on each call. */
export function sessionVectors(): Record<string, string> {
  const random = seeded(SEED)
  const vectors: Record<string, string> = {}
  const keep = (name: string, bytes: Uint8Array) => {
    vectors[name] = hex(bytes)
  }
  const [alice, bob] = [person(random), person(random)]
  const oneTimeSeed = random(32)
  const inviteSecret = random(32)
  const invite = { inviteSecret, oneTimeKey: noble.x25519PublicKey(oneTimeSeed) }
  const begun = initiate(noble, random, own(alice), bob.bundle, invite, utf8('INIT'), NOW)
  const init = openInit(noble, bob.prekeys.sealSeed, begun.frame)
  const answered = { bundle: bob.bundle, secrets: bob.prekeys, oneTimeSeed, inviteSecret }
  const accepted = init && respond(noble, random, own(bob), answered, init, NOW)
  if (accepted === undefined) throw new Error('the handshake failed')
  keep('seal seed', bob.prekeys.sealSeed)
  keep('INIT', begun.frame)
  keep('session id', begun.sessionId)
  keep('contact secret', begun.contactSecret)
  keep('initiator, state 0', begun.session)
  keep('responder, state 0', accepted.session)

  // The second message attaches a key, its answer a ciphertext; the third is late, so that its keys are rows.
  let [ours, theirs] = [begun.session, accepted.session]
  const seal = (state: Uint8Array, text: string) => sealMessage(noble, random, state, utf8(text), HEADS, NOW)
  const open = (state: Uint8Array, frame: Uint8Array) => {
    const header = readHeader(noble, state, frame)
    const opened = header && openMessage(noble, random, state, frame, header, [], NOW)
    if (opened === undefined) throw new Error('a message does not open')
    return opened
  }
  const second = seal(ours, 'with a key')
  const third = seal(second.state, 'late')
  const fourth = seal(third.state, 'after it')
  theirs = open(open(theirs, second.frame).state, fourth.frame).state
  keep('message with a key', second.frame)
  keep('late message', third.frame)
  keep('responder, state 1', theirs)
  const rows = open(open(accepted.session, second.frame).state, fourth.frame).skipped.put
  for (const { key, bytes } of rows) keep(`row ${key}`, bytes)
  const answer = seal(theirs, 'with a ciphertext')
  keep('message with a ciphertext', answer.frame)
  keep('initiator, state 1', fourth.state)
  ours = open(fourth.state, answer.frame).state
  keep('initiator, state 2', ours)
  keep('plain message', seal(ours, 'plain').frame)
  return vectors
}

if (import.meta.main) {
  writeFileSync(new URL('../vectors/session.json', import.meta.url), `${JSON.stringify(sessionVectors(), null, 2)}\n`)
}
