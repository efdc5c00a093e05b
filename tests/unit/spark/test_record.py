from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from harness.spark import record

pytest.importorskip("psutil", reason="processes are looked at with psutil (the extra `local`)")


@pytest.fixture
def make_record():
    """A record of a process."""

    def make(pid=1):
        return record.Record(pid, "secret", 100.0, "4.2.1", "21.0.8", "4.4.0")

    return make


def test_a_record_is_read_back(make_record, tmp_path):
    """Whole, and private."""
    record.write(tmp_path, make_record(7))

    assert record.read(tmp_path) == make_record(7)
    assert (tmp_path / "record.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "colour": "red"}'])
def test_what_is_no_record_is_none(tmp_path, text):
    """Cut off, or of another version of ours."""
    (tmp_path / "record.json").write_text(text)

    assert record.read(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ('{"pid": 7, "port": 4711}', 4711),
        ('{"pid": 8, "port": 4711}', None),
        ("{}", None),
        ("", None),
        ('{"pid": 7, "port": null}', None),
    ],
)
def test_the_port_is_told_by_the_engine(tmp_path, text, port):
    """Nothing before it is ready; and another engine's, which nobody recorded, is not taken for its own."""
    (tmp_path / "ready").write_text(text)

    assert record.port(tmp_path, pid=7) == port


def test_only_the_very_process_is_alive(make_record, tmp_path):
    """A number that another process has by now is not the engine; one that ended isn't either."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        engine.stdout.readline()
        assert record.is_alive(make_record(engine.pid), tmp_path)
        assert not record.is_alive(make_record(os.getpid()), tmp_path)
        engine.stdin.close()
        engine.wait()

    assert not record.is_alive(make_record(engine.pid), tmp_path)


def test_the_address_hides_the_token(make_record):
    """Unless it is for a client; the host is the one that pyspark speaks to without TLS."""
    assert make_record().url(5) == "sc://localhost:5/"
    assert make_record().url(5, with_token=True) == "sc://localhost:5/;token=secret"


@pytest.mark.parametrize("wall", [0.0, 4e9])
def test_the_age_is_true_whatever_the_clock_on_the_wall_says(monkeypatch, wall):
    """It may be set back or on while the engine runs."""
    monkeypatch.setattr(time, "time", lambda: wall)

    assert 60 <= record.age_s(record.Record(1, "", time.monotonic() - 60, "", "", "")) < 120


PARENT = """\
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
input()
"""


def test_a_process_that_its_parent_has_not_noticed_the_end_of_has_ended():
    """The engine of a rehearsal is the rehearsal's child, and in CI the test run ends both."""
    import psutil

    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        process = psutil.Process(int(parent.stdout.readline()))
        alive = record.has_ended(process, within_s=0)
        process.kill()
        ended = record.has_ended(process, within_s=30)
        parent.stdin.close()

    assert (alive, ended) == (False, True)
