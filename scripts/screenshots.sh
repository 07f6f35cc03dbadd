#!/bin/sh
# screenshots.sh: set-up, then the pictures of README and docs under the Node that came with the packages.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
export PATH
EXP_NATS_SERVER=$(sh scripts/nats-server.sh)
CHROME_PATH=$(sh scripts/browser.sh)
export EXP_NATS_SERVER CHROME_PATH
node scripts/dashboard.ts
exec node --disable-warning=ExperimentalWarning bench/screenshots.ts
