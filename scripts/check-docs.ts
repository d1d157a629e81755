/**
 * Step of `npm run check`: every ```ts block of README.md, docs/ and the sources' own README files compiles against what the
 * step before it built, with the package's name as a user would write it; `./x.ts` is read from the page's folder.
 *
 * A block that begins with `// continues` is joined to the block before it. What is no program is fenced as something else.
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** The specifier of a relative import. */
const RELATIVE = /(?<=from ')(\.{1,2}\/[^']+)(?=')/g

const OUT = resolve('dist/docs-check')
const SETTINGS = {
  extends: resolve('tsconfig.base.json'),
  compilerOptions: {
    composite: false,
    declaration: false,
    noEmit: true,
    noUnusedLocals: false,
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
    lib: ['ES2024', 'ESNext.Disposable', 'DOM'],
    types: ['node'],
    typeRoots: [resolve('node_modules/@types')],
    paths: { tulnic: [resolve('dist/node/index.d.ts')] },
  },
  include: ['*.ts'],
}

const pages = globSync(['README.md', 'docs/**/*.md', 'src/**/README.md'])
const programs = new Map(pages.flatMap((page) => programsOf(page, readFileSync(page, 'utf8'))))

rmSync(OUT, { recursive: true, force: true })
mkdirSync(OUT, { recursive: true })
writeFileSync(join(OUT, 'tsconfig.json'), JSON.stringify(SETTINGS))
for (const [name, text] of programs) writeFileSync(join(OUT, name), `${text}\nexport {}\n`)

const { status, stdout, stderr } = compile()
process.stdout.write(`${stdout}${stderr}`)
console.log(`${programs.size} programs in ${pages.length} pages`)
process.exitCode = status ?? 1

function compile(): { status: number | null; stdout: string; stderr: string } {
  if (programs.size === 0) return { status: pages.length > 0 ? 0 : 1, stdout: '', stderr: '' }
  const compiler = 'node_modules/typescript/bin/tsc'
  return spawnSync(process.execPath, [compiler, '-p', OUT, '--pretty', 'false'], { encoding: 'utf8' })
}

/** File name (page and line) → program. */
function programsOf(page: string, text: string): [string, string][] {
  const programs: [string, string][] = []
  for (const block of text.matchAll(/^```ts\n(.*?)^```$/gms)) {
    const body = block[1] ?? ''
    const line = text.slice(0, block.index).split('\n').length
    const before = programs.at(-1)
    if (body.startsWith('// continues') && before) before[1] += body
    else programs.push([`${page.replace(/[/.\\]/g, '-')}-line-${line}.ts`, body.replace(RELATIVE, built(page))])
  }
  return programs
}

/** A relative import of a page in src/ as the path of what was built from it. */
function built(page: string): (all: string, specifier: string) => string {
  return (all, specifier) => {
    const file = relative(resolve('src'), resolve(dirname(page), specifier))
    return all.replace(specifier, join(resolve('dist'), file).replace(/\.ts$/, '.js'))
  }
}
