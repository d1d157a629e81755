/**
 * Looks for secrets where none may be: each in every form in which it might lie around.
 *
 * Holds: a secret is found whatever its alignment and case, in a file of any size.
 */
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A secret's forms as bytes (kept as latin1 text): UTF-8, UTF-16 both ways, hexadecimal, base64 at each of its three alignments. */
function formsOf(secret: string): readonly { readonly form: string; readonly bytes: string }[] {
  const utf8 = Buffer.from(secret)
  const little = Buffer.from(secret, 'utf16le')
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), utf8]).toString('base64')
    // What the neighbours before and after touch is left out.
    return text.slice(shift === 0 ? 0 : shift + 1, Math.floor(((shift + utf8.length) * 8) / 6))
  })
  return [
    { form: 'utf-8', bytes: utf8.toString('latin1') },
    { form: 'utf-16le', bytes: little.toString('latin1') },
    { form: 'utf-16be', bytes: Buffer.from(little).swap16().toString('latin1') },
    { form: 'hex', bytes: utf8.toString('hex') },
    { form: 'HEX', bytes: utf8.toString('hex').toUpperCase() },
    ...base64.map((bytes) => ({ form: 'base64', bytes })),
    ...base64.map((bytes) => ({ form: 'base64url', bytes: bytes.replaceAll('+', '-').replaceAll('/', '_') })),
    { form: 'json', bytes: JSON.stringify(secret).slice(1, -1) },
    { form: 'uri', bytes: encodeURIComponent(secret) },
    { form: 'reversed', bytes: Buffer.from(utf8).reverse().toString('latin1') },
  ]
}

export interface Hit {
  readonly secret: string
  readonly form: string
  readonly where: string
}

export class Canaries {
  readonly #forms: readonly { readonly secret: string; readonly form: string; readonly bytes: string }[]

  constructor(secrets: readonly string[]) {
    const short = secrets.find((secret) => secret.length < 12)
    if (short !== undefined) throw new Error(`"${short}" may occur by chance`)
    this.#forms = secrets.flatMap((secret) => formsOf(secret).map((form) => ({ secret, ...form })))
  }

  in(bytes: Uint8Array, where: string): readonly Hit[] {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    return this.#forms.filter((form) => text.includes(form.bytes)).map(({ secret, form }) => ({ secret, form, where }))
  }

  /** In the contents, the names and the link targets of everything below. Answers how many files were read, too. */
  below(folder: string): { readonly hits: readonly Hit[]; readonly files: number } {
    const hits: Hit[] = []
    let files = 0
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      hits.push(...this.in(Buffer.from(path), `the name ${path}`))
      if (entry.isSymbolicLink()) hits.push(...this.in(Buffer.from(readlinkSync(path)), `the link ${path}`))
      if (!entry.isFile()) continue
      hits.push(...this.in(readFileSync(path), path))
      files++
    }
    return { hits, files }
  }
}

/** Everything in or below a folder that others than its owner may do something with. */
export function openToOthers(folder: string): readonly string[] {
  const paths = ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })].map((name) => join(folder, name))
  return paths.flatMap((path) => {
    const { mode } = statSync(path)
    return (mode & 0o077) === 0 ? [] : [`${path} ${(mode & 0o777).toString(8)}`]
  })
}
