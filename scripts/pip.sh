#!/bin/sh
# pip.sh ARGS...: runs pip under python3. Where python3 has no pip of its own, Debian's wheel of pip serves.
set -eu
if ! command -v python3 >/dev/null 2>&1; then
  echo "no python3 on PATH" >&2
  exit 1
fi
if python3 -m pip --version >/dev/null 2>&1; then
  exec python3 -m pip "$@"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
if command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; then
  (cd "$work" && apt-get -qq download python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb .) >/dev/null 2>&1 || true
fi
for wheel in "$work"/usr/share/python-wheels/pip-*.whl /usr/share/python-wheels/pip-*.whl; do
  if [ -f "$wheel" ]; then
    python3 "$wheel/pip" "$@"
    exit
  fi
done
echo "python3 has no pip: install it, for example as python3-pip" >&2
exit 1
