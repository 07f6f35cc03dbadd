#!/bin/sh
# make-secrets.sh DIR [SERVER...]
# Makes the secrets of a fleet, once, readable by the owner alone:
#   DIR/nats.env   the passwords of the bus, for nats-server (an environment file for systemd and docker compose)
#   DIR/bus.json   the same and the addresses, for `exp-coordinator start --bus-credentials`
#   DIR/token      what may do everything: for the coordinator's data directory, and for `exp` where others get tokens of their own
# SERVER is how agents reach the bus, such as tls://10.0.0.1:4222, or nats:// without TLS; without SERVER the bus serves this
# machine only. EXP_BUS_CERTIFICATE names the bus's own certificate, where it has one that no authority vouches for. Files
# that are there already are kept.
set -eu
if [ $# -lt 1 ]; then
  echo "usage: make-secrets.sh DIR [SERVER...]" >&2
  exit 2
fi
dir=$1
shift
[ $# -gt 0 ] || set -- nats://127.0.0.1:4222
for file in nats.env bus.json token; do
  if [ -e "$dir/$file" ]; then
    echo "make-secrets.sh: $dir/$file is there already; delete nats.env, bus.json and token for new secrets." >&2
    exit 1
  fi
done

# 256 random bits as hex. The letter in front keeps nats-server from reading a number.
new_secret() { echo "p$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"; }

umask 077
mkdir -p "$dir"
coordinator=$(new_secret)
agent=$(new_secret)
servers=
for server in "$@"; do servers="$servers${servers:+, }\"$server\""; done
certificate=
[ -z "${EXP_BUS_CERTIFICATE:-}" ] || certificate="
  \"certificate\": \"$EXP_BUS_CERTIFICATE\","

cat >"$dir/nats.env" <<EOF
EXP_NATS_COORDINATOR_PASSWORD=$coordinator
EXP_NATS_AGENT_PASSWORD=$agent
EOF
cat >"$dir/bus.json" <<EOF
{
  "servers": [$servers],$certificate
  "coordinator": { "user": "coordinator", "password": "$coordinator" },
  "agent": { "user": "agent", "password": "$agent" }
}
EOF
new_secret >"$dir/token"
echo "made $dir/nats.env, $dir/bus.json and $dir/token" >&2
