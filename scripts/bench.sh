#!/bin/sh
# bench.sh [CASE...]: set-up, then the benchmarks of bench/ under the Node that came with the packages.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
EXP_NATS_SERVER=$(sh scripts/nats-server.sh)
export PATH EXP_NATS_SERVER
exec node --disable-warning=ExperimentalWarning bench/main.ts "$@"
