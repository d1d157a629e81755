/**
 * What holds of the file of an invite: it is read as it was written, or not at all.
 */
import { nodejs as p } from '../../src/node/platform/nodejs-primitives.ts'
import { concat, type Random, toBase32, utf8 } from '../../src/protocol/index.ts'
import { LABELS } from '../../src/protocol/labels.ts'
import type { Plain } from '../../src/protocol/wire/codec.ts'
import { encode } from '../../src/protocol/wire/codec.ts'
import { IDENTITY, invited, kept, type Law } from './mail.ts'
import { NOW, type Person, person } from './people.ts'
import { seeded } from './seeded.ts'
import { type Code, law } from './session-pair.ts'

/** A file of an invite as somebody would write it who knows the form. */
function writtenFile(lines: readonly string[]): string {
  const body = lines.join('\n')
  return `${body}\ncheck ${toBase32(p.sha256(concat(LABELS.inviteFileCheck, utf8(body))).subarray(0, 5))}\n`
}

export const INVITE_FILE_LAWS: readonly Law[] = [
  {
    name: 'a file of an invite that was changed or cut is none',
    check(code, seed) {
      const random = seeded(seed)
      const maker = person(random, p)
      const link = linkOf(code, random, maker)
      const file = code.encodeInviteFile({
        link,
        bundle: maker.bundle.bytes.subarray(0, 60),
        mail: [invited(kept(random, maker), 1)],
      })
      law(code.decodeInviteFile(file) !== undefined, 'what was made is none')
      const spaces = /\s/
      for (let at = 0; at < file.length - 1; at++) {
        const cut = file.slice(0, at)
        law(code.decodeInviteFile(cut) === undefined, `cut to ${at}: it is one`)
        const old = file[at] ?? ''
        const next = old === 'a' ? 'b' : 'a'
        law(code.decodeInviteFile(cut + next + file.slice(at + 1)) === undefined, `character ${at} does not matter`)
        if (!spaces.test(old))
          law(code.decodeInviteFile(cut + file.slice(at + 1)) === undefined, `without character ${at} it is one`)
      }
    },
  },
  {
    name: 'a file of an invite has one form, line ends and spaces around lines aside',
    check(code, seed) {
      const random = seeded(seed)
      const maker = person(random, p)
      const link = linkOf(code, random, maker)
      const bundle = `bundle ${code.toBase64Url(random(40))}`
      const box = invited(kept(random, maker), 1)
      const mailOf = (boxes: readonly Plain[]) => `mail ${code.toBase64Url(encode(boxes))}`
      const plain = [box.box, box.carrierKey, box.tag, code.encodeShortGrant(box.grant)]
      const head = 'tulnic invite 1'
      const reads = (...lines: string[]) => code.decodeInviteFile(writtenFile(lines)) !== undefined
      law(reads(head, `link ${link}`, bundle, mailOf([plain])), 'the good form is none')
      const file = writtenFile([head, `link ${link}`, bundle])
      const read = code.decodeInviteFile(file)
      law(read !== undefined && code.encodeInviteFile(read) === file, 'what was read is written otherwise')
      for (const mailed of [
        file.replaceAll('\n', '\r\n'),
        file.replaceAll('\n', ' \n\n'),
        `\uFEFF\n${file}\n\n`,
        file.trim(),
      ])
        law(code.decodeInviteFile(mailed) !== undefined, 'what a mail program made of it is none')
      const bad: readonly (readonly [string, ...string[]])[] = [
        ['another version', 'tulnic invite 2', `link ${link}`],
        ['no link', head, bundle],
        ['a link of something else', head, `link ${link.slice(0, -1)}${link.endsWith('A') ? 'B' : 'A'}`],
        ['a link in capitals', head, `link ${link.replace('tulnic', 'TULNIC')}`],
        ['two links', head, `link ${link}`, `link ${link}`],
        ['another order', head, bundle, `link ${link}`],
        ['a line more', head, `link ${link}`, 'note hello'],
        ['an empty bundle', head, `link ${link}`, 'bundle '],
        ['a bundle with a spare bit', head, `link ${link}`, 'bundle AB'],
        ['a bundle beyond 6 KiB', head, `link ${link}`, `bundle ${code.toBase64Url(new Uint8Array(6145))}`],
        ['no boxes', head, `link ${link}`, mailOf([])],
        ['a box twice', head, `link ${link}`, mailOf([plain, plain])],
        [
          'three boxes',
          head,
          `link ${link}`,
          mailOf([plain, [random(16), ...plain.slice(1)], [random(16), ...plain.slice(1)]]),
        ],
        [
          'a box with a key that fits every proof',
          head,
          `link ${link}`,
          mailOf([[box.box, IDENTITY, ...plain.slice(2)]]),
        ],
        ['a box with a field more', head, `link ${link}`, mailOf([[...plain, 0]])],
      ]
      for (const [what, ...lines] of bad) law(!reads(...lines), `${what}: it is one`)
      law(code.decodeInviteFile(`${' '.repeat(20_000)}${file}`) === undefined, 'a text without end is read')
    },
  },
]

function linkOf(code: Code, random: Random, { account, log, bundle }: Person): string {
  const [logHead, bundleHash] = [log.head.subarray(0, 16), bundle.hash.subarray(0, 16)]
  return code.encodeInvite({
    account: account.key,
    logHead,
    secret: random(32),
    oneTimeKey: null,
    bundleHash,
    expiresAt: NOW,
    addresses: [],
  })
}
