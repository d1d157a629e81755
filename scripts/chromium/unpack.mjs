/**
 * Unpacks the fetched Chromium with its libraries and fonts: `unpack.mjs FOLDER`. The folder appears whole or not at all;
 * `FOLDER/run` starts it.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const target = process.argv[2]
const making = `${target}.making`
rmSync(making, { recursive: true, force: true })
rmSync(target, { recursive: true, force: true })
mkdirSync(making, { recursive: true })

// The package unpacks into the temporary folder, and its libraries only where it takes itself for a function service.
process.env.TMPDIR = making
process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs22.x'
const { default: chromium } = await import('@sparticuz/chromium')
await chromium.executablePath()

writeFileSync(
  join(making, 'fonts', 'fonts.conf'),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(target, 'fonts', 'fonts')}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${join(target, 'fonts-cache')}</cachedir>
</fontconfig>
`,
)
const run = `#!/bin/sh
here=\${0%/*}
export LD_LIBRARY_PATH="$here/al2023/lib" FONTCONFIG_PATH="$here/fonts"
exec "$here/chromium" "$@"
`
writeFileSync(join(making, 'run'), run, { mode: 0o755 })
renameSync(making, target)
