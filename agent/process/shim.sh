#!/bin/sh
# Owns one attempt, so that running work needs neither Node nor the agent.
#
#   shim.sh ATTEMPT_DIR CGROUP_PROCS|- COMMAND [ARGUMENT...]
#   shim.sh --ahead CGROUP_PROCS|-
#
# Started in its own session, in the directory of the command, with stdout and stderr on the attempt's output.log.
# Started ahead, it has entered the cgroup, if any, when it is needed: it reads the attempt's directory from stdin and the
# rest from `launch.sh` in there; where stdin ends instead, so does it.
# 1. claim: creates `claim` exclusively; where it exists already, nothing runs.
# 2. start: enters the cgroup where allowed and appends `start <its /proc/self/stat line>` to shim.log.
# 3. run:   the command in the foreground, signals at their defaults; INT, TERM, HUP and QUIT do not end the shim.
# 4. exit:  appends `exit <code> <seconds of uptime>`. A line counts only with its newline.
# Builtins only: each external command would cost a fork and an exec. Its own variables have a prefix, since a variable of
# the command's environment would be changed with one of the same name.
trap : HUP INT QUIT TERM

# Of its own, which stays the same: read here, where nobody waits yet for a shim that was started ahead.
read -r _exp_stat </proc/self/stat || exit 1

if [ "$1" = --ahead ]; then
  [ "$2" = - ] || echo "$$" 2>/dev/null >"$2" || exit 1
  IFS= read -r _exp_dir || exit 0
  exec </dev/null >>"$_exp_dir/output.log" 2>&1 || exit 1
  # shellcheck disable=SC1091 # written for each attempt
  . "$_exp_dir/launch.sh" || exit 1
  _exp_procs=-
else
  _exp_dir=$1
  _exp_procs=$2
  shift 2
fi

set -C
# The pid tells a shim's claim from one made by the agent or the warden, who write a word.
echo "$$" 2>/dev/null >"$_exp_dir/claim" || exit 1
set +C

[ "$_exp_procs" = - ] || echo "$$" 2>/dev/null >"$_exp_procs" || :

# The command must not run unrecorded: on a full disk it does not run at all.
printf 'start %s\n' "$_exp_stat" >>"$_exp_dir/shim.log" || exit 1

# A subshell that only execs is the command itself. Unlike a plain "$@" it never takes `exit` or `eval` for a builtin.
(exec "$@")
_exp_code=$?

read -r _exp_uptime _ </proc/uptime
printf 'exit %s %s\n' "$_exp_code" "$_exp_uptime" >>"$_exp_dir/shim.log"
exit "$_exp_code"
