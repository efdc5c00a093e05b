"""Forks pytest runs from one warm process, each of which kills itself with SIGKILL at a moment that it was told.

Run as a script it reads ``{"calls": n, "when": ..., "delay_s": ..., "folder": ..., "environment": ..., "arguments": ...}``, one
a line: the run ends itself at its n-th call on the workspace, of REST or of Spark: "before" or "after" it, or so long after it
was "sent". The answer has the exit status and the number of calls that the run made.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import threading
import time
from functools import partial


class Killer:
    """Counts calls, and ends the process with SIGKILL at one of them."""

    def __init__(self, told, counted):
        self.told, self.counted = told, counted
        self.lock = threading.Lock()
        self.calls = 0

    def around(self, call, *args, **kwargs):
        """Make a call, or be killed at it."""
        with self.lock:
            self.calls += 1
            is_last = self.calls == self.told["calls"]
            os.pwrite(self.counted, b"%6d" % self.calls, 0)
        if not is_last:
            return call(*args, **kwargs)
        if self.told["when"] == "before":
            self.kill()
        if self.told["when"] == "sent":
            threading.Thread(target=lambda: (time.sleep(self.told["delay_s"]), self.kill()), daemon=True).start()
        answer = call(*args, **kwargs)
        if self.told["when"] == "after":
            self.kill()
        return answer

    @staticmethod
    def kill():
        """End as by kill -9."""
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)

    def install(self):
        """Have every call of the SDK's and of Spark's client go by here."""
        import requests
        from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

        around = self.around
        send = requests.adapters.HTTPAdapter.send
        requests.adapters.HTTPAdapter.send = lambda *args, **kwargs: around(send, *args, **kwargs)
        init = SparkConnectServiceStub.__init__

        def seen(stub, channel):
            init(stub, channel)
            for name, call in list(vars(stub).items()):
                setattr(stub, name, partial(around, call))

        SparkConnectServiceStub.__init__ = seen


def run(told, counted):
    """In a fork: be the pytest run."""
    os.setsid()
    os.chdir(told["folder"])
    os.environ.update(told["environment"])
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number in (1, 2):
        os.dup2(log, number)
    Killer(told, counted).install()
    import pytest

    status = int(pytest.main(["-q", "-p", "no:cacheprovider", "--databricks-env=trial", *told["arguments"]]))
    sys.stdout.flush()  # nobody else does before such an end
    os._exit(status)


def main():
    """Serve until the input ends."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"  # a process with threads can't be forked
    for name in ("pandas", "pytest", "databricks.sdk", "pyspark.sql.connect.session", "harness.remote.session", "nbclient"):
        with contextlib.suppress(ImportError):
            __import__(name)
    gc.freeze()
    for line in sys.stdin:
        told = json.loads(line)
        counted = os.memfd_create("calls")
        pid = os.fork()
        if pid == 0:
            run(told, counted)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        calls = int(os.pread(counted, 6, 0) or b"0")
        os.close(counted)
        sys.stdout.write(json.dumps({"status": status, "calls": calls}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
