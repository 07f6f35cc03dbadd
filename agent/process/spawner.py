"""Starts shims for the agent, and tells when they end.

Starting a process costs a large parent milliseconds for the pages it has; this one is small and uses posix_spawn. It reads
one JSON object a line from stdin and writes one a line to stdout:

    {"id", "argv", "env", "cwd", "output"}  ->  {"kind": "spawned", "id", "pid", "startTime"}
                                                {"kind": "failed", "id", "errno", "message"}
                                                {"kind": "exited", "id"}
    {"ahead", "argv"}                       ->  {"kind": "gone", "ahead"} when it ends without having been used
    {"id", "use", "dir"}                    ->  as the first; {"kind": "failed", "id", "errno": 0} where it is gone

The second starts a shim ahead, under a number, and the third gives it an attempt's directory.

Holds no state that matters: when it ends, shims go on and the agent watches them by itself, and those that were started
ahead end. It ends when stdin does.
Standard library only, Python 3.8 or later.
"""
import json
import os
import select
import signal

# Python ignores some of these, and this program others; the shim must start with all at their defaults.
DEFAULTS = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
READ_BYTES = 1 << 16


def tell(**message):
    line = (json.dumps(message) + "\n").encode()
    while line:
        line = line[os.write(1, line) :]


def start_time(pid):
    """Field 22 of /proc/PID/stat, counted from the last ")" of the name; 0 where there is no such file."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[19])
    except OSError:
        return 0


def launch(argv, env, actions):
    return os.posix_spawn(argv[0], argv, env, file_actions=actions, setsid=True, setsigmask=[], setsigdef=DEFAULTS)


def spawn(request, ids):
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, request["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        os.chdir(request["cwd"])
        pid = launch(request["argv"], request["env"], actions)
    except OSError as error:
        tell(kind="failed", id=request["id"], errno=error.errno, message=error.strerror)
        return
    ids[pid] = request["id"]
    tell(kind="spawned", id=request["id"], pid=pid, startTime=start_time(pid))


def spawn_ahead(request, ahead):
    """Its stdin is a pipe of which nobody else has an end, so that it ends with this process."""
    try:
        theirs, ours = os.pipe()
    except OSError:
        return tell(kind="gone", ahead=request["ahead"])
    actions = [
        (os.POSIX_SPAWN_DUP2, theirs, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        pid = launch(request["argv"], {}, actions)
        ahead[request["ahead"]] = (pid, ours, start_time(pid))
    except OSError:
        os.close(ours)
        tell(kind="gone", ahead=request["ahead"])
    finally:
        os.close(theirs)


def use(request, ids, ahead):
    pid, ours, since = ahead.pop(request["use"], (0, -1, 0))
    try:
        if pid == 0:
            raise BrokenPipeError
        os.write(ours, (request["dir"] + "\n").encode())
    except OSError:
        tell(kind="failed", id=request["id"], errno=0, message="it has ended")
        return
    finally:
        if ours >= 0:
            os.close(ours)
    ids[pid] = request["id"]
    tell(kind="spawned", id=request["id"], pid=pid, startTime=since)


def reap(ids, ahead):
    while ids or ahead:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        if pid in ids:
            tell(kind="exited", id=ids.pop(pid))
        for number in [n for n, (waiting, _, _) in ahead.items() if waiting == pid]:
            os.close(ahead.pop(number)[1])
            tell(kind="gone", ahead=number)


def main():
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # A signal to the agent's terminal or service group is the agent's to answer.
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    ids = {}
    ahead = {}
    rest = b""
    # An old Python or C library cannot make a session: better to fail here, before the agent counts on this.
    os.waitpid(os.posix_spawn("/bin/sh", ["/bin/sh", "-c", ":"], {}, setsid=True, setsigdef=DEFAULTS), 0)
    tell(kind="ready")
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, READ_BYTES)
            reap(ids, ahead)
        if 0 in ready:
            data = os.read(0, READ_BYTES)
            if not data:
                return
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            for line in lines:
                request = json.loads(line)
                if "use" in request:
                    use(request, ids, ahead)
                elif "ahead" in request:
                    spawn_ahead(request, ahead)
                else:
                    spawn(request, ids)


main()
