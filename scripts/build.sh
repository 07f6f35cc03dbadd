#!/bin/sh
# Builds dist/, what an installed package runs. It mirrors the tree (sources as .js, other files as they are), so that
# paths relative to a module hold in both.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH
export PATH
rm -rf dist
tsc -p tsconfig.build.json
copy() {
  mkdir -p "dist/$(dirname "$1")"
  cp "$1" "dist/$1"
}
find agent coordinator cli scripts proto dashboard python -type f \
  ! -name '*.ts' ! -name '*.pyc' ! -path '*/node_modules/*' ! -path '*/__pycache__/*' | while IFS= read -r file; do
  copy "$file"
done
copy package.json
