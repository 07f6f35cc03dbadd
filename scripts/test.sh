#!/bin/sh
# test.sh [check|all|long]: set-up, then the tests of that stage under the Node that came with the packages.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
export PATH
exec node --disable-warning=ExperimentalWarning scripts/test.ts "$@"
