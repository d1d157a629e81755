/**
 * Planted faults: what the model and the laws of the ratchet must find, at least two for each rule.
 */
import { type Fault, fault } from './planted.ts'

const EC = 'ratchet/double-ratchet.ts'
const PQ = 'ratchet/pq-ratchet.ts'
const TRIPLE = 'ratchet/triple-ratchet.ts'
const CHAIN = 'ratchet/chain-key.ts'
const ZEROS = 'new Uint8Array(32)'

export const FAULTS: readonly Fault[] = [
  fault('a key is used once', 'the chain key does not step', 'weather: ping-pong', CHAIN, [
    'key: p.hmac(chain.key, labels.chain)',
    'key: chain.key',
  ]),
  fault('a key is used once', 'the sending chain is not stored', 'weather: ping-pong', EC, [
    'sending: { ...chain, headerKey',
    'sending: { ...sending, headerKey',
  ]),
  fault(
    'a key is used once',
    'a used row is not taken',
    'a thousand skipped in a chain are kept, one more is refused',
    'session.ts',
    ['take: header.needs', 'take: []'],
  ),
  fault('a key is used once', 'the receiving chain is not stored', 'weather: ping-pong', EC, [
    'receiving: { ...receiving, ...chain, skipped }',
    'receiving: { ...receiving, skipped }',
  ]),

  fault(
    'commit after the tag',
    'a body whose tag fails is taken for empty',
    'weather: one-sided',
    'session.ts',
    ['if (body === undefined) return undefined', ''],
    ['bodyData(session.transcript, parts.clear))\n  ', `bodyData(session.transcript, parts.clear)) ?? ${ZEROS}\n  `],
  ),
  fault(
    'commit after the tag',
    'the state is changed in place before the tag is checked',
    'weather: ping-pong',
    'session.ts',
    [
      'if (opening === undefined || !equal(',
      'if (opening !== undefined) state.set(encodeSessionState({ ...session, ...opening.state }).subarray(0, state.length))\n  if (opening === undefined || !equal(',
    ],
  ),
  fault(
    'commit after the tag',
    'the commitment is not compared',
    'a body whose commitment is another does not open',
    'session.ts',
    [' || !equal(opening.messageKey.commitment, parts.commitment)', ''],
  ),

  fault(
    'skipped keys are kept',
    'keys passed over are dropped',
    'a thousand skipped in a chain are kept, one more is refused',
    CHAIN,
    ['passed.push(taken.messageKey)', ''],
  ),
  fault(
    'skipped keys are kept',
    'a gap is refused',
    'a thousand skipped in a chain are kept, one more is refused',
    EC,
    ['if (n - receiving.next > SKIPPED_PER_STEP) return undefined', 'if (n > receiving.next) return undefined'],
  ),
  fault(
    'skipped keys are kept',
    'a turn drops what the old chain owes',
    'a thousand skipped at a turn are kept, one more is refused',
    EC,
    ['skipped === 0 ? state.old', 'skipped >= 0 ? state.old'],
  ),
  fault(
    'skipped keys are kept',
    'the post-quantum half allows a step no more than one chain of the other',
    'both chains of a step may have a thousand skipped',
    PQ,
    ['index - receive.next > PQ_SKIPPED_PER_STEP', 'index - receive.next > PQ_SKIPPED_PER_STEP / 2'],
  ),

  fault(
    'skipping is bounded',
    'no limit in the chain',
    'a thousand skipped in a chain are kept, one more is refused',
    EC,
    ['if (n - receiving.next > SKIPPED_PER_STEP) return undefined', ''],
  ),
  fault('skipping is bounded', 'no limit at a turn', 'a thousand skipped at a turn are kept, one more is refused', EC, [
    ' || length - receiving.next > SKIPPED_PER_STEP',
    '',
  ]),
  fault(
    'skipping is bounded',
    'the session never trims',
    'beyond four thousand skipped keys the oldest go, and nothing is refused',
    TRIPLE,
    ['dropped, trim: true', 'dropped, trim: false'],
  ),
  fault(
    'skipping is bounded',
    'old chains are never given up',
    'sixteen old chains are remembered, the rows of older ones go',
    EC,
    ['all.slice(-OLD_CHAINS)', 'all'],
  ),
  fault(
    'skipping is bounded',
    'rows of a chain given up stay',
    'sixteen old chains are remembered, the rows of older ones go',
    TRIPLE,
    ['put: [...ec.put, ...pq.put],\n    dropped: [...ec.dropped, ', 'put: [...ec.put, ...pq.put],\n    dropped: ['],
  ),

  fault(
    'skipped keys age',
    'old chains never expire',
    'skipped keys of a chain that was left live thirty days',
    TRIPLE,
    ['const ec = dropExpiredEc(state.ec, nowSeconds)', 'const ec = dropExpiredEc(state.ec, 0)'],
  ),
  fault(
    'skipped keys age',
    'old chains expire in an hour',
    'skipped keys of a chain that was left live thirty days',
    EC,
    ['nowSeconds - chain.retiredAt > SKIPPED_SECONDS', 'nowSeconds - chain.retiredAt > 3600'],
  ),
  fault('skipped keys age', 'retired epochs never expire', 'a retired receive chain lives thirty days', TRIPLE, [
    'const pq = dropExpiredPq(state.pq, nowSeconds)',
    'const pq = dropExpiredPq(state.pq, 0)',
  ]),

  fault('no DH of zeros', 'a turn takes zeros', 'a low-order ratchet key turns nothing', EC, [
    'const output = p.x25519(own.privateKey, position.publicKey)',
    `const output = p.x25519(own.privateKey, position.publicKey) ?? ${ZEROS}`,
  ]),
  fault('no DH of zeros', 'the handshake takes zeros', 'a low-order ephemeral key begins no session', 'handshake.ts', [
    'shared.filter((secret) => secret !== undefined)',
    `shared.map((secret) => secret ?? ${ZEROS})`,
  ]),

  fault(
    'late epochs open',
    'two epochs are kept',
    'receive chains of passed epochs stay for what is late, eight of them, and send chains go',
    PQ,
    ['epochs.slice(-PQ_EPOCHS)', 'epochs.slice(-2)'],
  ),
  fault('late epochs open', 'the epoch that the peer still sends in goes', 'weather: ping-pong', PQ, [
    'const epochs = state.epochs.map((e) => {',
    'const epochs = state.epochs.filter((e) => e.epoch >= epoch - 1).map((e) => {',
  ]),
  fault('late epochs open', 'epochs are never given up', 'weather: ping-pong', PQ, [
    'epochs.slice(-PQ_EPOCHS)',
    'epochs',
  ]),

  fault(
    'old send chains go',
    'they stay',
    'receive chains of passed epochs stay for what is late, eight of them, and send chains go',
    PQ,
    ['return { ...e, send: null, retiredAt', 'return { ...e, retiredAt'],
  ),
  fault(
    'old send chains go',
    'they stay for three epochs',
    'receive chains of passed epochs stay for what is late, eight of them, and send chains go',
    PQ,
    ['return { ...e, send: null, retiredAt', 'return { ...e, send: e.epoch < epoch - 3 ? null : e.send, retiredAt'],
  ),

  fault(
    'what rides is authentic',
    'the mac of a key is not checked',
    'an encapsulation key or ciphertext whose mac does not hold is not used',
    PQ,
    ['if (!equal(mac, attachment.subarray(EK_BYTES))) return undefined', 'void mac'],
  ),
  fault(
    'what rides is authentic',
    'the mac of a ciphertext is not checked',
    'an encapsulation key or ciphertext whose mac does not hold is not used',
    PQ,
    ['if (!equal(mac, attachment.subarray(CT_BYTES))) return undefined', 'void mac'],
  ),

  fault(
    'what rides is repeated, rarely',
    'on the first message only',
    'keys and ciphertexts ride on messages 0, 1, 2, 4, 8 … since the turn',
    PQ,
    ['(unanswered & (unanswered - 1)) === 0', 'unanswered === 0'],
  ),
  fault(
    'what rides is repeated, rarely',
    'on every message',
    'keys and ciphertexts ride on messages 0, 1, 2, 4, 8 … since the turn',
    PQ,
    ['(unanswered & (unanswered - 1)) === 0', 'unanswered >= 0'],
  ),
  fault(
    'what rides is repeated, rarely',
    'a turn does not begin the count again',
    'keys and ciphertexts ride on messages 0, 1, 2, 4, 8 … since the turn',
    PQ,
    ['turned ? { ...state, unanswered: 0 } : state', 'state'],
  ),

  fault(
    'epochs keep coming',
    'no epoch after the first',
    'receive chains of passed epochs stay for what is late, eight of them, and send chains go',
    PQ,
    ["if (state.phase.name !== 'ek-due') return false", 'if (state.epoch > 1) return false'],
  ),
  fault('epochs keep coming', 'time does not count', 'an epoch begins after twenty own messages or an hour', PQ, [
    ' || nowSeconds - state.since >= PQ_EPOCH_SECONDS',
    '',
  ]),
  fault(
    'epochs keep coming',
    'the answer never lets go',
    'receive chains of passed epochs stay for what is late, eight of them, and send chains go',
    PQ,
    [
      "state.phase.name === 'ct-send' ? enter(state, { name: 'ek-due' }, nowSeconds) : undefined",
      "state.phase.name === 'ct-send' ? state : undefined",
    ],
  ),

  fault(
    'no chain, no opening',
    'an absent chain is one of zeros',
    'a responder that has received nothing has no chain to open with',
    EC,
    [
      'if (receiving === null || peerKey === null || !equal(position.publicKey, peerKey)) return undefined',
      'if (receiving === null) return null\n  if (peerKey === null || !equal(position.publicKey, peerKey)) return undefined',
    ],
    [
      'const { receiving } = state\n  if (receiving === null) return undefined\n  if (position.n',
      `const receiving = state.receiving ?? { key: ${ZEROS}, headerKey: ${ZEROS}, next: 0, number: 0, skipped: 0 }\n  if (position.n`,
    ],
    [
      "if (ec.receiving !== null) keys.push(['current', ec.receiving.headerKey])",
      `keys.push(['current', ec.receiving?.headerKey ?? ${ZEROS}])`,
      'session.ts',
    ],
  ),
  fault(
    'no chain, no opening',
    'a responder may send',
    'a responder that has received nothing has no chain to open with',
    'session.ts',
    ['session.ec.peerKey !== null && ', ''],
  ),

  fault(
    'a header is of its place',
    'another ratchet key in one chain',
    'positions that no honest peer sends are refused',
    EC,
    [' || !equal(position.publicKey, peerKey)', ''],
  ),
  fault(
    'a header is of its place',
    'a previous chain shorter than what came of it',
    'positions that no honest peer sends are refused',
    EC,
    ['if (length < receiving.next || ', 'if ('],
  ),
  fault(
    'a header is of its place',
    'a message is not bound to its handshake',
    'a message of another handshake does not open',
    'session.ts',
    ['concat(LABELS.messageBody, transcript, clear)', 'concat(LABELS.messageBody, clear)'],
    ['concat(LABELS.messageHeader, transcript, prefix)', 'concat(LABELS.messageHeader, prefix)'],
  ),
  fault(
    'a header is of its place',
    'a body is not bound to its header',
    'a body does not open behind another header',
    'session.ts',
    ['concat(LABELS.messageBody, transcript, clear)', 'concat(LABELS.messageBody, transcript, clear.subarray(0, 27))'],
  ),
]
