"""Starts shims for the agent, and tells when they end.

Starting a process costs a large parent milliseconds for the pages it has; this one is small and uses posix_spawn. It reads
one JSON object a line from stdin and writes one a line to stdout:

    {"id", "argv", "env", "cwd", "output"}  ->  {"kind": "spawned", "id", "pid", "startTime"}
                                                {"kind": "failed", "id", "errno", "message"}
                                                {"kind": "exited", "id"}
    {"ahead", "argv"}                       ->  {"kind": "waiting", "ahead", "pid", "startTime", "pipe"}
                                                {"kind": "gone", "ahead"} when it ends without having been used
    {"used", "id"}                          ->  {"kind": "exited", "id"}
    {"drop"}

The second starts a shim ahead, under a number, which waits for its attempt's directory on a pipe. The agent writes it there by
itself, through this process's descriptor `pipe`, and then says that the number is used, and by what id; one that was gone it
drops. Until then the descriptor stays as it is, so that what the agent finds under it is never another shim's.

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
# In the place of the pid of a shim that has ended before it was used.
GONE = 0


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
    number = request["ahead"]
    try:
        theirs, ours = os.pipe()
    except OSError:
        return tell(kind="gone", ahead=number)
    actions = [
        (os.POSIX_SPAWN_DUP2, theirs, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        pid = launch(request["argv"], {}, actions)
        ahead[number] = (pid, ours)
        tell(kind="waiting", ahead=number, pid=pid, startTime=start_time(pid), pipe=ours)
    except OSError:
        os.close(ours)
        tell(kind="gone", ahead=number)
    finally:
        os.close(theirs)


def used(request, ids, ahead):
    pid, ours = ahead.pop(request["used"])
    os.close(ours)
    if pid == GONE:
        tell(kind="exited", id=request["id"])
    else:
        ids[pid] = request["id"]


def drop(request, ahead):
    """Also of one that could not be started, of which there is nothing."""
    one = ahead.pop(request["drop"], None)
    if one:
        os.close(one[1])


def reap(ids, ahead):
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in ids:
            tell(kind="exited", id=ids.pop(pid))
        for number in [n for n, (waiting, _) in ahead.items() if waiting == pid]:
            ahead[number] = (GONE, ahead[number][1])
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
                if "used" in request:
                    used(request, ids, ahead)
                elif "drop" in request:
                    drop(request, ahead)
                elif "ahead" in request:
                    spawn_ahead(request, ahead)
                else:
                    spawn(request, ids)


main()
