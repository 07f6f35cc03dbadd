#!/bin/sh
# What comes between the shim and a command that asks for it, in the shell that then becomes the command.
#
#   prelude.sh STAGE_FILE UMASK|- CONDA_PREFIX|- PYTHON|- STDIN|- SETUP COMMAND [ARGUMENT...]
#
# STAGE_FILE holds the word of what is being done, and is empty once the command itself is next: whoever reads an exit
# code of the shim knows by it what has ended.
# setup:  the activation scripts of a conda environment, then SETUP; the first command of it that fails ends it. What it
#         exports is there for the command; the directory is as before.
# python: the interpreter that was asked for exists by now.
# stdin:  the file can be opened.
_exp_stage=$1
_exp_conda=$3
_exp_python=$4
_exp_stdin=$5
_exp_setup=$6
_exp_cwd=$PWD
[ "$2" = - ] || umask "$2"
shift 6

# The text sees no arguments, and cannot change those of the command.
_exp_run() {
  eval "$_exp_setup"
}

_exp_activate() {
  for _exp_script in "$_exp_conda"/etc/conda/activate.d/*.sh; do
    # shellcheck disable=SC1090 # whatever the environment has
    [ ! -r "$_exp_script" ] || . "$_exp_script"
  done
}

# A command without a note of its stage would be taken for the command.
echo setup >"$_exp_stage" || exit 1
[ "$_exp_conda" = - ] || _exp_activate
if [ -n "$_exp_setup" ]; then
  set -e
  _exp_run
  _exp_code=$?
  set +e
  # Where the text has said `set +e`.
  [ "$_exp_code" -eq 0 ] || exit "$_exp_code"
  cd "$_exp_cwd" || exit 1
fi

echo python >"$_exp_stage"
case $_exp_python in
  -) ;;
  */*)
    if [ ! -x "$_exp_python" ]; then
      echo "the Python of this run is not there: $_exp_python" >&2
      exit 127
    fi
    ;;
  *)
    if ! command -v "$_exp_python" >/dev/null; then
      echo "the Python of this run is not there: no $_exp_python on PATH" >&2
      exit 127
    fi
    ;;
esac

echo stdin >"$_exp_stage"
[ "$_exp_stdin" = - ] || exec <"$_exp_stdin"

# Emptied, which no full disk prevents.
: >"$_exp_stage"
unset _exp_stage _exp_conda _exp_python _exp_stdin _exp_setup _exp_cwd _exp_code _exp_script
exec "$@"
