#!/bin/sh
# The first program in the container of an attempt, which then becomes its command.
#
#   enter.sh ATTEMPT_DIR PYTHON_FIRST PYTHON_LAST COMMAND [ARGUMENT...]
#
# claim: creates `container.claim` exclusively. Whoever ends the attempt tries to have it first, so that a container which its
#        engine starts late, after nobody waits for it any more, runs nothing.
# stage: from here on an exit code is not that of the engine.
# path:  the folders of the Python client around the PYTHONPATH of the image.
set -C
if ! echo container 2>/dev/null >"$1/container.claim"; then
  echo "this container has started too late: its attempt is over" >&2
  exit 1
fi
set +C
: >"$1/stage"
if [ -n "$2" ]; then
  PYTHONPATH=$2${PYTHONPATH:+:$PYTHONPATH}${3:+:$3}
  export PYTHONPATH
fi
shift 3
exec "$@"
