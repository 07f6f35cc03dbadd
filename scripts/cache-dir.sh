#!/bin/sh
# Prints the folder for fetched tools, and makes it: .cache of a clone, else exp/ in the user's cache folder (an installed
# package may be read-only and is replaced as a whole). The folder of `$EXP_CACHE_DIR` wins.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
if [ -n "${EXP_CACHE_DIR:-}" ]; then
  cache=$EXP_CACHE_DIR
elif [ -e "$root/.git" ] && [ -w "$root" ]; then
  cache=$root/.cache
elif [ -n "${XDG_CACHE_HOME:-${HOME:-}}" ]; then
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/exp
else
  echo "no folder to keep fetched tools in: set HOME, XDG_CACHE_HOME or EXP_CACHE_DIR." >&2
  exit 1
fi
mkdir -p "$cache" || exit 1
(cd "$cache" && pwd -P)
