/** What the command line refuses, and its help. */
import { describe, expect, it } from 'vitest'
import { expectFailure, objects, withNode } from './program.ts'

const program = withNode()

describe('wrong usage', () => {
  const wrong: [string[], RegExp][] = [
    [[], /--help/],
    [['strat'], /no command "strat"/],
    [['contact'], /second word/],
    [['contact', 'foo'], /second word/],
    [['status', '--fast'], /--fast/],
    [['status', 'x'], /tulnic status/],
    [['send'], /tulnic send TO/],
    [['send', 'bob'], /what to send/],
    [['send', 'bob', 'a', 'b'], /tulnic send/],
    [['send', 'bob', 'a', '--wait', 'arrived'], /--wait must be sent, carried, delivered or read/],
    [['send', 'bob', 'a', '--timeout', '0'], /--timeout/],
    [['send', 'bob', 'a', '--timeout', '-1'], /--timeout/],
    [['history', 'bob', '--limit', '0'], /--limit/],
    [['history', 'bob', '--limit', '501'], /--limit/],
    [['invite', '--expires', '7 days'], /--expires/],
    [['invite', '--expires', '0s'], /--expires/],
    [['invite', '--uses', 'many'], /--uses/],
    [['nearby', '--seconds', '1e3'], /--seconds/],
    [['contact', 'rename', 'bob'], /TO NAME/],
    [['init'], /--name/],
    [['start', '--port', '65536'], /--port/],
    [['start', '--carry', 'maybe'], /--carry/],
    [['contact', 'relay-only', 'maybe', 'bob'], /on\|off/],
    [['contact', 'carrier', 'maybe', 'bob'], /on\|off/],
    [['mail', 'export'], /mail export FILE/],
    [['mail', 'import', 'a', 'b'], /mail import FILE/],
    [['start', '--relay', 'maybe'], /--relay/],
    [['relaying', 'maybe'], /on\|off/],
    [['relaying'], /relaying on\|off/],
    [['start', '--network-key', '/nowhere/key'], /cannot be read/],
    [['start', '--network-key', '/dev/null'], /holds no network key.*openssl/],
    [['chat', 'bob', '--json'], /send and listen/],
  ]
  it.each(wrong)('%j', async (args, sentence) => {
    expectFailure(await program.run(args), 2, sentence)
  })

  const later = [
    ['send', 'bob', 'x', '--file', 'y'],
    ['group', 'create', 'x'],
    ['group', 'list'],
    ['attachment', 'list'],
    ['devices'],
    ['devices', 'link'],
    ['backup', 'create', 'x'],
    ['recovery', 'split'],
  ]
  it.each(later.map((args) => [args.join(' '), args] as const))('%s is not in this version', async (_words, args) => {
    expectFailure(await program.run(args), 2, /not in this version/)
  })

  it('an ambiguous option value is not swallowed: -- ends the options', async () => {
    const { code, out } = await program.run(['send', 'bob', '--json', '--', '--help'])
    expect(code).toBe(0)
    const [{ id }] = objects(out)
    const history = objects((await program.run(['history', 'bob', '--json'])).out)[0]
    expect(history.messages.find((message: { id: string }) => message.id === id).text).toBe('--help')
  })
})

describe('the program', () => {
  it('ends with the code and the line of its failure', async () => {
    expectFailure(await program.spawned(['strat']), 2, /no command "strat"/)
    expectFailure(await program.spawned(['contact', 'show', 'nobody']), 6, /contact/)
    expect(await program.spawned(['id', '--json'])).toMatchObject({ code: 0, err: '' })
  })
})

describe('help', () => {
  it('is printed for all commands, a group, and each', async () => {
    for (const args of [
      ['--help'],
      ['help'],
      ['-h'],
      ['contact', '--help'],
      ['send', '--help'],
      ['start', '-h'],
      ['contact', 'verify', '--help'],
    ]) {
      const { code, out, err } = await program.run(args)
      expect(err, args.join(' ')).toBe('')
      expect(code).toBe(0)
      expect(out).toContain('--data DIR')
      expect(out).not.toContain('--file')
    }
    expect((await program.run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
