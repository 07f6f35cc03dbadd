"""Runs a program in a pseudo terminal. Standard input: a JSON object a line, what to do. Standard output: what the terminal got."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios

columns, rows = int(sys.argv[1]), int(sys.argv[2])
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execvp(sys.argv[3], sys.argv[3:])

before = None
pending = b""
sources = [terminal, 0]
while True:
    ready, _, _ = select.select(sources, [], [])
    if terminal in ready:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if not data:
            break
        sys.stdout.write(json.dumps({"data": data.decode("latin-1")}) + "\n")
        sys.stdout.flush()
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            sources.remove(0)
            os.kill(pid, signal.SIGKILL)
        pending += data
        *lines, pending = pending.split(b"\n")
        for line in lines:
            order = json.loads(line)
            if "send" in order:
                os.write(terminal, order["send"].encode())
            if "resize" in order:
                wide, high = order["resize"]
                fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", high, wide, 0, 0))
            if "signal" in order:
                os.kill(pid, getattr(signal, order["signal"]))
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.stdout.write(json.dumps({"exit": code}) + "\n")
