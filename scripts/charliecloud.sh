#!/bin/sh
# Prints a folder with two programs for tests of containers, and puts them there: Charliecloud's ch-run, which needs neither root
# nor a daemon, and a busybox without libraries, of which a root file system can be made. Messages go to stderr; exit 1 where they
# cannot be had. Each is the one on PATH where that serves, else that of Debian's package, without installing it.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
cache=$(sh "$here/cache-dir.sh")/charliecloud
bin=$cache/bin

say() { echo "charliecloud: $*" >&2; }

runs() { USER=${USER:-nobody} "$1" --version >/dev/null 2>&1; }

# A busybox that is its own interpreter and needs nothing beside it.
is_static() { [ -x "$1" ] && "$1" true 2>/dev/null && ! ldd "$1" >/dev/null 2>&1; }

# Packages into the working directory. A machine whose lists of packages were never read, or are old, gets lists beside them:
# the system's own need root.
download() {
  ! apt-get -qq download "$@" || return 0
  mkdir -p lists/partial apt/archives/partial
  own="-o Dir::State::Lists=$PWD/lists -o Dir::Cache=$PWD/apt -o APT::Sandbox::User=$(id -un)"
  # shellcheck disable=SC2086 # options are words; a path of the cache with a space in it is none that apt takes
  apt-get -qq $own update && apt-get -qq $own download "$@"
}

# Unpacks packages beside each other into the cache; prints why not on failure.
fetch() {
  if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
    echo "not a Debian system"
    return 1
  fi
  work=$(mktemp -d "$cache/XXXXXX")
  if ! (cd "$work" && download "$@" && for deb in *.deb; do dpkg-deb -x "$deb" root || exit 1; done) >"$work/log" 2>&1; then
    tail -n 1 "$work/log"
    rm -rf "$work"
    return 1
  fi
  rm -rf "${cache:?}/$1"
  mv "$work/root" "$cache/$1"
  rm -rf "$work"
}

# Puts a file at $1 in one step, with the text of stdin.
put() {
  cat >"$1.$$"
  chmod 755 "$1.$$"
  mv -f "$1.$$" "$1"
}

mkdir -p "$bin"
if ! runs "$bin/ch-run"; then
  if path=$(command -v ch-run) && runs "$path"; then
    ln -sf "$path" "$bin/ch-run"
  elif reason=$(fetch charliecloud-runtime libsquashfuse0 libfuse3-3 liblzo2-2 liblz4-1 libzstd1); then
    root=$cache/charliecloud-runtime
    libraries=$(find "$root" -name '*.so.*' -exec dirname {} \; | sort -u | paste -sd : -)
    # Its libraries are for itself and not for what it runs.
    put "$bin/ch-run" <<RUN
#!/bin/sh
export LD_LIBRARY_PATH='$libraries'
exec '$root/usr/bin/ch-run' --unset-env=LD_LIBRARY_PATH "\$@"
RUN
  fi
  if ! runs "$bin/ch-run"; then
    say "no ch-run: ${reason:-the one that was found does not run here}. Install Charliecloud, or have apt-get fetch it."
    exit 1
  fi
fi
if ! is_static "$bin/busybox"; then
  if path=$(command -v busybox) && is_static "$path"; then
    ln -sf "$path" "$bin/busybox"
  elif reason=$(fetch busybox-static); then
    ln -sf "$cache/busybox-static/bin/busybox" "$bin/busybox"
  fi
  if ! is_static "$bin/busybox"; then
    say "no static busybox: ${reason:-the one that was found does not run here}. Install Debian's busybox-static."
    exit 1
  fi
fi
echo "$bin"
