"""One warm parent for all workers of a run: the first worker starts it, and each other is lent a fork of it.

To get warm takes a second of processor time, which with as many workers as cores nobody would have to spare.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from typing import IO, Any

# Between the making of the folder and that of the socket in it; who waits longer waits for a process that was killed there.
_PATIENCE_S = 1.0


class Lent:
    """A parent of kernels that another one has forked, with what of `subprocess.Popen` is used of one's own."""

    def __init__(self, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.stdin, self.stdout = stdin, stdout
        self.pid: int | None = None
        """Known once it has answered."""

    def poll(self) -> int | None:
        """None while it runs, as far as is known."""
        if self.pid is None:
            return None
        import psutil

        with contextlib.suppress(psutil.Error):
            if psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE:
                return None
        return 0

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises:
            subprocess.TimeoutExpired: It runs on.
        """
        until = time.monotonic() + (timeout or 0)
        while self.poll() is None and self.pid is not None:
            if timeout is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("a parent of kernels", timeout)
            time.sleep(0.005)
        return 0

    def kill(self) -> None:
        """Kill it."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def first(shared: str) -> socket.socket | None:
    """The socket on which other workers will ask; None where another process is the first, or there can be none."""
    try:
        os.mkdir(shared, mode=0o700)
    except OSError:
        return None
    door = socket.socket(socket.AF_UNIX)
    try:
        door.bind(_socket_of(shared))
        door.listen(64)
    except OSError:  # its name is too long
        door.close()
        return None
    return door


def borrow(shared: str, facts: dict[str, Any]) -> Lent | None:
    """Ask the first worker's parent for a fork of it, and don't wait for it; None if nobody takes the question.

    ``facts`` are what `asked_for` gives there.
    """
    until = time.monotonic() + _PATIENCE_S
    while _is_mine(shared):
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(_socket_of(shared))
            except OSError:
                if time.monotonic() > until:
                    return None
                time.sleep(0.01)
                continue
            in_read, in_write = os.pipe()
            out_read, out_write = os.pipe()
            lent = Lent(os.fdopen(in_write, "wb"), os.fdopen(out_read, "rb"))
            try:
                socket.send_fds(asking, [json.dumps(facts).encode()], [in_read, out_write])
            except OSError:  # it ended before it heard what was asked
                lent.stdin.close()
                lent.stdout.close()
                return None
            finally:
                os.close(in_read)
                os.close(out_write)
            return lent
    return None


def asked_for(door: socket.socket) -> tuple[dict[str, Any], int, int] | None:
    """What another worker says of itself, and its two pipes; None of one that said nothing and went."""
    connection, _ = door.accept()
    with connection:
        connection.settimeout(5)
        try:
            said, pipes, _flags, _address = socket.recv_fds(connection, 1 << 16, 2)
            facts: dict[str, Any] = json.loads(said)
            read, write = pipes
        except (OSError, ValueError):
            return None
    return facts, read, write


def _socket_of(shared: str) -> str:
    return os.path.join(shared, "s")


def _is_mine(shared: str) -> bool:
    with contextlib.suppress(OSError):
        return os.stat(shared).st_uid == os.getuid()
    return False
