#!/bin/sh
# Enforces the leases of one workdir, so that a stopped or killed agent changes nothing: once a second it reads each
# runs/*/lease and kills the process tree of those whose deadline has passed on /proc/uptime (which counts sleep).
#
#   warden.sh WORKDIR        (an absolute path without symbolic links)
#
# A lease is one line: DEADLINE_SECONDS PID START_TICKS CGROUP_DIR|-   (PID 0 while the shim is not started).
# On expiry it claims the attempt, so that a shim not yet started never runs, writes `expired` unless the attempt has
# ended by itself, and kills until nothing is left. One instance per workdir, by warden.pid: PID START_TICKS BOOT_ID;
# it ends when that file names another one or when the workdir is gone. A round without an expired lease runs no
# external command but sleep.
workdir=$1
pidfile=$workdir/warden.pid
done_fences=' '
cd / || exit 1

# Sets state, session and start from a stat file; fails where the process is gone. The name may hold anything,
# also ")", so the fields count from the last one.
read_stat() {
  read -r line 2>/dev/null <"$1" || return 1
  # shellcheck disable=SC2086 # split into fields on purpose
  set -- ${line##*) }
  state=${1:-} session=${4:-}
  [ $# -ge 20 ] || return 1
  shift 19
  start=$1
}

read_pidfile() {
  owner='' owner_start='' owner_boot=''
  read -r owner owner_start owner_boot 2>/dev/null <"$pidfile"
}

owner_lives() {
  [ -n "$owner" ] && [ "$owner_boot" = "$boot" ] && read_stat "/proc/$owner/stat" &&
    [ "$start" = "$owner_start" ] && [ "$state" != Z ]
}

# Signals ($5) what carries the attempt's marker in its environment, or is in its session; sets found to what it saw alive.
# Session members count while the shim leads them; after its end, those which started before it and so cannot belong
# to a later session of the same number. $ended_ticks is 0 where the shim left no exit line.
signal_pass() {
  found=0
  [ "$5" != KILL ] || [ "$4" = - ] || [ ! -e "$4/cgroup.kill" ] || echo 1 2>/dev/null >"$4/cgroup.kill"
  until=$ended_ticks
  if [ "$2" = 0 ]; then
    until=0
  elif read_stat "/proc/$2/stat"; then
    until=0
    [ "$start" != "$3" ] || until=999999999999999
  fi
  for entry in /proc/[0-9]*; do
    read_stat "$entry/stat" || continue
    case $state in Z | X) continue ;; esac
    if [ "$until" != 0 ] && [ "$session" = "$2" ] && [ "$start" -le "$until" ]; then
      found=1
      kill -s "$5" "${entry#/proc/}" 2>/dev/null
    fi
  done
  # shellcheck disable=SC2013 # words without spaces
  for entry in $(grep -lsF "EXP_ATTEMPT_DIR=$1" /proc/[0-9]*/environ 2>/dev/null); do
    pid=${entry#/proc/} pid=${pid%/environ}
    # One that has ended since grep saw it may have left a child that was not on its list: another pass is due.
    read_stat "/proc/$pid/stat" || state=X
    case $state in Z | X) found=1 && continue ;; esac
    tr '\0' '\n' 2>/dev/null <"$entry" | grep -qxF "EXP_ATTEMPT_DIR=$1" || continue
    found=1
    kill -s "$5" "$pid" 2>/dev/null
  done
}

expire() {
  (set -C && echo warden >"$1/claim") 2>/dev/null
  ended_ticks=0
  if [ -e "$1/shim.log" ]; then
    while read -r word _ uptime; do
      [ "$word" != exit ] || ended_ticks=${uptime%.*}${uptime#*.}
    done <"$1/shim.log"
  fi
  # Before the kill: an exit line that our own signal causes must not be taken for the command's own end.
  [ "$ended_ticks" != 0 ] || [ -e "$1/expired" ] || echo "$now" >"$1/expired"
  # Everybody is stopped first, twice: with the shim gone, a child that is started between a look and a kill might not be known.
  signal_pass "$1" "$2" "$3" "$4" STOP
  [ "$found" = 0 ] || signal_pass "$1" "$2" "$3" "$4" STOP
  pass=0
  while [ "$pass" -lt 20 ]; do
    signal_pass "$1" "$2" "$3" "$4" KILL
    [ "$found" = 1 ] || break
    pass=$((pass + 1))
    [ "$pass" -lt 3 ] || sleep 0.1
  done
  [ "$found" = 0 ] && end_container "$1"
}

# A container may be none of these processes. Whoever has its claim decides whether one that starts late runs anything; one that
# has run is over when its engine says so. An engine that hangs must not keep others' leases waiting: it is asked aside.
end_container() {
  [ -e "$1/end-container.sh" ] || return 0
  (set -C && echo warden >"$1/container.claim") 2>/dev/null
  [ ! -e "$1/container.ended" ] || return 0
  timeout -s KILL 20 /bin/sh "$1/end-container.sh" >/dev/null 2>&1 &
  claimed=''
  read -r claimed 2>/dev/null <"$1/container.claim"
  [ "$claimed" = warden ] || [ "$claimed" = agent ]
}

read -r boot </proc/sys/kernel/random/boot_id
read_pidfile
! owner_lives || exit 0
read_stat "/proc/$$/stat" || exit 1
identity="$$ $start $boot"
echo "$identity" >"$pidfile.$$" && mv -f "$pidfile.$$" "$pidfile" || exit 1

while [ -d "$workdir" ]; do
  read_pidfile
  if [ -z "$owner" ]; then
    echo "$identity" 2>/dev/null >"$pidfile"
  elif [ "$owner $owner_start $owner_boot" != "$identity" ]; then
    exit 0
  fi
  read -r now _ </proc/uptime
  now=${now%.*}
  for lease in "$workdir"/runs/*/lease; do
    read -r deadline pid begin cgroup 2>/dev/null <"$lease" || continue
    case $deadline$pid in '' | *[!0-9]*) continue ;; esac
    [ "$now" -ge "$deadline" ] || continue
    dir=${lease%/lease}
    case $done_fences in *" ${dir##*/} "*) continue ;; esac
    ! expire "$dir" "$pid" "$begin" "${cgroup:--}" || done_fences="$done_fences${dir##*/} "
  done
  sleep 1
done
