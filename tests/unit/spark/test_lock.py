"""One start at a time: what a run is told that has to wait, and that a lock goes with the process that held it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from harness.errors import SparkStartError
from harness.spark import lock

pytest.importorskip("filelock", reason="the lock is filelock's (the extra `local`)")

HOLD = """
import sys
from pathlib import Path
from harness.spark import lock

with lock.starting(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_lock_of_a_process_that_was_killed_is_free(holder, tmp_path):
    """Its files stay, and are no hindrance."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    told = []

    with lock.starting(tmp_path, told.append):
        pass

    assert told == []
    assert (tmp_path / "lock").exists()


def test_a_run_that_waits_says_for_whom(holder, tmp_path, monkeypatch):
    """And goes on when the other one is done."""
    monkeypatch.setattr(lock, "TOLD_AFTER_S", 0.01)

    def tell(line):
        assert line == f"another run (pid {holder.pid}) is starting the engine: waiting for it …"
        holder.communicate("", timeout=30)

    with lock.starting(tmp_path, tell):
        assert holder.returncode == 0


def test_a_run_does_not_wait_for_ever(holder, tmp_path, monkeypatch):
    """The full text."""
    monkeypatch.setattr(lock, "TOLD_AFTER_S", 0.01)
    monkeypatch.setattr(lock, "GIVEN_UP_AFTER_S", 0.01)

    with pytest.raises(SparkStartError) as caught, lock.starting(tmp_path, lambda _line: None):
        pass

    assert str(caught.value) == (
        "NBH306 another run doesn't get done with starting the Spark engine\n"
        f"  cause: it (pid {holder.pid}) has held {tmp_path / 'lock'} for 0 seconds\n"
        "  mend:  look what that process does, and end it; its lock goes with it\n"
        "  more:  docs/errors.md#nbh306"
    )


def test_a_lock_that_is_held_is_left_alone(holder, tmp_path):
    """Only a folder where nobody starts anything is cleared."""
    with lock.if_free(tmp_path) as is_free:
        assert not is_free
    with lock.if_free(tmp_path.parent) as is_free:
        assert is_free
