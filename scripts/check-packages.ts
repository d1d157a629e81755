/**
 * Step of `npm run check`: what may come from the package registry. Every lock records no address, every version is exact and
 * carries its hash, no package that we run needs an install script, and every licence in the runtime tree is permissive.
 */
import { readFileSync } from 'node:fs'

/** Licences under which anybody may use, change and ship a program that holds the package. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  // Copyleft for its own files alone: the WebRTC library, used as it is (decision 0018).
  'MPL 2.0',
  'Unlicense',
  'WTFPL',
  'Zlib',
])

/** Packages whose package.json names no licence, and the licence that their LICENSE file holds: read at the pinned version. */
const READ_BY_HAND: Readonly<Record<string, string>> = { 'node_modules/@journeyapps/wa-sqlite': 'MIT' }

/** Packages at run time besides libp2p's own: each is somebody more to trust. */
const MOST_PACKAGES = 150

interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly resolved?: string
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly hasInstallScript?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const wrong: string[] = []
for (const folder of ['.', 'scripts/runtime', 'scripts/chromium', 'scripts/bench']) {
  const packages = Object.entries(readLock(folder))
  for (const [name, locked] of packages)
    wrong.push(...findings(`${folder}: ${name || 'package.json'}`, name === '', locked))
}

const runtime = Object.entries(readLock('.')).filter(
  ([name, { dev, devOptional }]) => name !== '' && !dev && !devOptional,
)
for (const [name, { license = READ_BY_HAND[name], hasInstallScript }] of runtime) {
  if (!isPermissive(license)) wrong.push(`${name}: its licence is ${license ?? 'unknown'}: choose another package`)
  if (hasInstallScript) wrong.push(`${name}: needs an install script, and none ever runs: choose another package`)
}
const others = runtime.filter(([name]) => !/(^|\/)(@libp2p|@multiformats|@chainsafe)\/|\/libp2p$/.test(name))
if (others.length > MOST_PACKAGES)
  wrong.push(`${others.length} packages at run time, ${MOST_PACKAGES} allowed: drop one`)

for (const says of wrong) console.log(says)
console.log(`${runtime.length} packages at run time, ${others.length} besides libp2p's own`)
process.exitCode = wrong.length === 0 && runtime.length > 0 ? 0 : 1

function findings(name: string, isRoot: boolean, locked: Locked): string[] {
  const found: string[] = []
  const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = locked
  if (isRoot) {
    for (const [dependency, version] of Object.entries({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    })) {
      if (!/^\d+\.\d+\.\d+$/.test(version)) found.push(`${name}: ${dependency} is not pinned: write its exact version`)
    }
  } else {
    if (!locked.integrity) found.push(`${name}: has no hash: write the lock anew`)
    if (locked.resolved)
      found.push(`${name}: the lock records an address: set omit-lockfile-registry-resolved and write it anew`)
  }
  return found
}

function isPermissive(license: string | undefined): boolean {
  if (license === undefined) return false
  const either = license.replace(/[()]/g, '').split(' OR ')
  return either.some((each) => each.split(' AND ').every((part) => PERMISSIVE.has(part.trim())))
}

function readLock(folder: string): Readonly<Record<string, Locked>> {
  return JSON.parse(readFileSync(`${folder}/package-lock.json`, 'utf8')).packages
}
