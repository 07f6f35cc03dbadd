#!/bin/sh
# Makes a fresh clone ready to run, and does nothing where it is: packages (once for each lock file), nats-server, dashboard. Needs
# git, npm with any Node >= 20, and python3; once done it needs no network. Every entry script calls it, so that nobody
# has to. Quiet where there is nothing to do; messages go to stderr.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"

say() { echo "set-up: $*" >&2; }

# npm puts node_modules/.bin first on PATH. `npm ci` deletes that folder, and the Node that runs npm must outlive it.
outside_path() {
  rest=$PATH: outside=
  while [ -n "$rest" ]; do
    folder=${rest%%:*} rest=${rest#*:}
    case $folder in */node_modules/.bin | '') ;; *) outside=$outside:$folder ;; esac
  done
  echo "${outside#:}"
}

# What the installed packages depend on, apart from the registry: the lock file and the kind of machine.
packages_wanted() {
  cksum package-lock.json
  uname -sm
}

packages_are_there() {
  [ -f node_modules/.setup-stamp ] && [ "$(cat node_modules/.setup-stamp)" = "$(packages_wanted)" ]
}

install_packages() {
  say "installing packages"
  rm -f node_modules/.setup-stamp
  # Install scripts stay off (a package must not run code here), development and platform packages are always in.
  if ! NODE_ENV='' PATH=$(outside_path) npm ci --ignore-scripts --include=dev --include=optional \
    --no-audit --no-fund --loglevel=error >&2; then
    say "npm ci failed; its messages are above."
    return 1
  fi
  packages_wanted >node_modules/.setup-stamp
}

# Two set-ups at once (two terminals) would delete each other's packages: the second waits for the first.
lock=.cache/setup.lock
take_lock() {
  mkdir -p .cache
  waited=0
  until mkdir "$lock" 2>/dev/null; do
    holder=$(cat "$lock/pid" 2>/dev/null || true)
    if [ "$waited" -ge 300 ] || { [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; }; then
      rm -rf "$lock"
      continue
    fi
    [ "$waited" -gt 0 ] || say "waiting for another set-up${holder:+ (pid $holder)}"
    waited=$((waited + 1))
    sleep 1
  done
  echo $$ >"$lock/pid"
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT TERM HUP
}

if ! packages_are_there; then
  if ! PATH=$(outside_path) command -v npm >/dev/null; then
    say "npm is missing: install Node 20 or newer with npm."
    exit 1
  fi
  take_lock
  packages_are_there || install_packages
fi
sh scripts/nats-server.sh >/dev/null
PATH=$PWD/node_modules/.bin:$PATH node scripts/dashboard.ts >&2
