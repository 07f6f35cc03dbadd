#!/bin/sh
# compat-venv.sh [results|trackers|mlflow]: prints the path of a python that has the programs that we speak with.
#   results   those whose formats we write: EXP (xpriment), ztxexp, Hydra, and readers of workbooks and Parquet
#   trackers  TensorBoard and the package of W&B: 250 MB
#   mlflow    a server of MLflow: 900 MB
# Makes it in the cache at the first call, which takes a minute and the network; later calls do nothing. Callers at once do no
# harm.
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)

fail() {
  echo "compat-venv: $*" >&2
  exit 1
}

case ${1:-results} in
results)
  packages="xpriment==0.0.2 ztxexp==1.0.3 hydra-core==1.3.8 openpyxl==3.1.5 pyarrow==26.0.1"
  modules="experiment_manager, ztxexp, hydra, yaml, openpyxl, pyarrow"
  ;;
trackers)
  packages="tensorboard==2.21.0 wandb==0.31.0"
  modules="tensorboard, wandb"
  ;;
mlflow)
  packages="mlflow==3.17.2"
  modules="mlflow"
  ;;
*) fail "there is no set of packages called $1" ;;
esac

command -v python3 >/dev/null 2>&1 || fail "no python3 on PATH"
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
key=$(echo "$packages $version" | cksum | cut -d ' ' -f 1)
venv=$("$here/cache-dir.sh")/compat-venv-$key

if [ ! -x "$venv/bin/python" ]; then
  work=$(mktemp -d "$venv.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
  echo "compat-venv: installing $packages for python $version" >&2
  # Without its own pip: that part of venv is a package apart on Debian.
  python3 -m venv --without-pip "$work/venv" >"$work/log" 2>&1 || fail "python3 -m venv failed: $(tail -n 1 "$work/log")"
  target=$("$work/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  # shellcheck disable=SC2086 # two words on purpose
  "$here/pip.sh" install --quiet --disable-pip-version-check --target "$target" $packages >"$work/log" 2>&1 ||
    fail "pip cannot install $packages (is there a network?): $(grep -i error "$work/log" | tail -n 1)"
  "$work/venv/bin/python" -c "import $modules" >"$work/log" 2>&1 ||
    fail "the installed packages do not load: $(tail -n 1 "$work/log")"
  # Who comes second leaves the first one's in place.
  [ -x "$venv/bin/python" ] || mv "$work/venv" "$venv"
fi
echo "$venv/bin/python"
