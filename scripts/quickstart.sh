#!/bin/sh
# The tour: set-up, a fleet on this machine, the digits sweep with live progress, its leaderboard, a clean stop. The stack
# lives in .exp; a second tour finds its results there and starts nothing again. Stops the fleet however it ends.
set -eu
cd "$(dirname "$0")/.."
dir=.exp
file=examples/digits/sweep.toml

sh scripts/setup.sh

# Only a fleet that was started here is stopped here: one that is up already (exit 6) belongs to somebody else.
is_up=
stop_fleet() {
  code=$?
  trap - EXIT
  trap '' INT TERM
  if [ -n "$is_up" ]; then
    bin/exp down --dir "$dir" --yes || code=$((code ? code : 1))
  fi
  exit "$code"
}

# Prints field $2 of the JSON object in $1.
field() {
  PATH=$PWD/node_modules/.bin:$PATH node -p 'JSON.parse(process.argv[1])[process.argv[2]]' "$1" "$2"
}

cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
trap stop_fleet EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
is_up=yes
bin/exp up --detach --port 0 --dir "$dir" --gpus none --cpu-slots "$cores" || {
  code=$?
  [ "$code" -ne 6 ] || is_up=
  exit "$code"
}

made=$(bin/exp submit "$file" --dir "$dir" --wait --json)
sweep=$(field "$made" sweep)
if [ "$(field "$made" reused)" = "$(field "$made" total)" ]; then
  echo "quickstart: all $(field "$made" total) runs were done by an earlier tour; their results are shown again." >&2
fi
bin/exp best "$sweep" --dir "$dir"
