# shellcheck shell=sh
# Shared by the launchers beside it: picks the program and a fitting Node, then becomes it by `exec`, so that the pid, the
# signals and the exit code are the program's own.
#
# Program: the TypeScript source where it is there (a clone), else dist/ (an installed package).
# Node:    `node` on PATH where it is new enough, else the one that came with the packages.
# Exits 69 (service unavailable) with one clear message where there is no Node to run with.

NODE_MAJOR_MIN=24

# Whether $1 runs and is new enough. Asking for the version costs 10 ms; running a script to ask would cost 40.
is_fit_node() {
  version=$("$1" --version 2>/dev/null) || return 1
  major=${version#v}
  major=${major%%.*}
  case $major in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -ge "$NODE_MAJOR_MIN" ]
}

# Sets `node` to the first fit Node: PATH, then node_modules of the package and of each folder above it (where a package
# manager puts the packages of an installed package).
find_node() {
  node=node
  is_fit_node "$node" && return 0
  folder=$root
  while :; do
    for node in "$folder"/node_modules/.bin/node "$folder"/node_modules/node-linux-*/bin/node; do
      [ -x "$node" ] && is_fit_node "$node" && return 0
    done
    [ -n "$folder" ] || return 1
    folder=${folder%/*}
  done
}

# launch SELF PART ARGS...: SELF is the launcher's path, links resolved; PART is cli, agent or coordinator.
launch() {
  self=$1 part=$2
  shift 2
  root=$(cd "${self%/*}/.." && pwd -P) || exit 69
  if ! find_node; then
    found=$(command -v node) && found="$found is $(node --version 2>&1)" || found="no node on PATH"
    {
      echo "${self##*/}: needs Node $NODE_MAJOR_MIN or newer; $found."
      if [ -f "$root/$part/main.ts" ]; then
        echo "Run 'npm run setup' in $root (it brings its own Node), or put a newer node on PATH."
      else
        echo "Install the package again with optional packages (npm install --include=optional), or put a newer node on PATH."
      fi
    } >&2
    exit 69
  fi
  program=$root/$part/main.ts
  [ -f "$program" ] || program=$root/dist/$part/main.js
  if [ ! -f "$program" ]; then
    echo "${self##*/}: $root holds neither $part/main.ts nor dist/$part/main.js; install the package again." >&2
    exit 69
  fi
  # The command line is started often: keeping compiled code halves its start. The long-lived programs gain nothing.
  if [ "$part" = cli ] && [ -z "${NODE_COMPILE_CACHE:-}" ] && [ -n "${XDG_CACHE_HOME:-${HOME:-}}" ]; then
    export NODE_COMPILE_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/exp/compile"
  fi
  exec "$node" --disable-warning=ExperimentalWarning "$program" "$@"
}
