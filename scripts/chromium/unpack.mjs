/**
 * Unpacks the fetched Chromium with its libraries and fonts: `unpack.mjs FOLDER`. The folder appears whole or not at all.
 */
import { renameSync, rmSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const target = process.argv[2]
const making = `${target}.making`
rmSync(making, { recursive: true, force: true })
rmSync(target, { recursive: true, force: true })
mkdirSync(making, { recursive: true })

// The package unpacks into the temporary folder, and unpacks the libraries it brings only where it takes itself for a function service.
process.env.TMPDIR = making
process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs22.x'
const { default: chromium } = await import('@sparticuz/chromium')
await chromium.executablePath()

const fonts = `<dir>${join(target, 'fonts', 'fonts')}</dir><dir>/usr/share/fonts</dir>`
const cache = `<cachedir>${join(target, 'fonts-cache')}</cachedir>`
writeFileSync(
  join(making, 'fonts', 'fonts.conf'),
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${fonts}${cache}</fontconfig>\n`,
)
renameSync(making, target)
