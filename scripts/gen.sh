#!/bin/sh
# gen.sh [--check]: makes proto/gen from the .proto files. With --check it changes nothing, and fails where the checked-in
# code is not what the .proto files give.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
export PATH
buf lint
if [ "${1:-}" != --check ]; then
  rm -rf proto/gen
  exec buf generate
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
buf generate --output "$work"
if ! diff -r "$work/proto/gen" proto/gen; then
  echo "proto/gen is not what proto/ gives: run 'npm run gen' and commit the result." >&2
  exit 1
fi
