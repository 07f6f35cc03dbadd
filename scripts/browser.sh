#!/bin/sh
# Prints the absolute path of a Chromium or Chrome for the tests of the dashboard, fetching one where there is none; messages go
# to stderr. Exit 1 where none can be had. Needs the Node of the packages on PATH to fetch. Looks at, in this order:
#   1. $CHROME_PATH
#   2. chromium, chromium-browser, google-chrome and google-chrome-stable on PATH, and the applications of macOS
#   3. the cache folder (scripts/cache-dir.sh), filled by 4
#   4. the npm package @sparticuz/chromium, which brings the program itself, pinned by version and hash; nothing of it is installed
set -eu
VERSION_PINNED=153.0.0
SHA512=8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34efc41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0
here=$(cd "$(dirname "$0")" && pwd -P)

say() { echo "browser: $*" >&2; }

if [ -n "${CHROME_PATH:-}" ]; then
  if ! path=$(command -v "$CHROME_PATH"); then
    say "CHROME_PATH=$CHROME_PATH: there is no such program; unset it or name one."
    exit 1
  fi
  case $path in /*) echo "$path" ;; *) echo "$PWD/$path" ;; esac
  exit 0
fi

for name in chromium chromium-browser google-chrome google-chrome-stable \
  "/Applications/Chromium.app/Contents/MacOS/Chromium" "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
  if path=$(command -v "$name"); then
    echo "$path"
    exit 0
  fi
done

cache=$(sh "$here/cache-dir.sh")/chromium
pinned=$cache/$VERSION_PINNED/chrome
if [ -x "$pinned" ]; then
  echo "$pinned"
  exit 0
fi

# Prints why not on failure.
fetch() {
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/XXXXXX")
  if (cd "$work" && npm pack --silent "@sparticuz/chromium@$VERSION_PINNED") >"$work/log" 2>&1 &&
    node --disable-warning=ExperimentalWarning "$here/unpack-chromium.ts" "$work"/*.tgz "$SHA512" "$work/unpacked" \
      >"$work/log" 2>&1 && "$work/unpacked/chrome" --version >"$work/log" 2>&1; then
    # Of two callers at once the first one's stays.
    [ -e "$cache/$VERSION_PINNED" ] || mv "$work/unpacked" "$cache/$VERSION_PINNED"
    rm -rf "$work"
    return 0
  fi
  tail -n 1 "$work/log"
  rm -rf "$work"
  return 1
}

system=$(uname -s)-$(uname -m)
if [ "$system" != Linux-x86_64 ]; then
  reason="there is none for $system"
else
  say "fetching Chromium $VERSION_PINNED"
  if reason=$(fetch); then
    echo "$pinned"
    exit 0
  fi
fi
say "the package @sparticuz/chromium could not be used: ${reason:-it ended without a word}"
say "none found. Install one (Debian: apt-get install chromium), or name one in CHROME_PATH."
exit 1
