#!/bin/sh
# Owns one attempt, so that running work needs neither Node nor the agent.
#
#   shim.sh ATTEMPT_DIR CGROUP_PROCS|- COMMAND [ARGUMENT...]
#
# Started in its own session, in the directory of the command, with stdout and stderr on the attempt's output.log.
# 1. claim: creates `claim` exclusively; where it exists already, nothing runs.
# 2. start: enters the cgroup where allowed and appends `start <its /proc/self/stat line>` to shim.log.
# 3. run:   the command in the foreground, signals at their defaults; INT, TERM, HUP and QUIT do not end the shim.
# 4. exit:  appends `exit <code> <seconds of uptime>`. A line counts only with its newline.
# Builtins only: each external command would cost a fork and an exec.
trap : HUP INT QUIT TERM

dir=$1
procs=$2
shift 2

set -C
# The pid tells a shim's claim from one made by the agent or the warden, who write a word.
echo "$$" 2>/dev/null >"$dir/claim" || exit 1
set +C

[ "$procs" = - ] || echo "$$" 2>/dev/null >"$procs" || :

# The command must not run unrecorded: on a full disk it does not run at all.
read -r stat </proc/self/stat || exit 1
printf 'start %s\n' "$stat" >>"$dir/shim.log" || exit 1

# A subshell that only execs is the command itself. Unlike a plain "$@" it never takes `exit` or `eval` for a builtin.
(exec "$@")
code=$?

read -r uptime _ </proc/uptime
printf 'exit %s %s\n' "$code" "$uptime" >>"$dir/shim.log"
exit "$code"
