"""``nbh run --serve``: runs for another program, each in a process of its own that is forked from one warm one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

psutil = pytest.importorskip("psutil", reason="processes are looked at with psutil (the extra `local`)")
pytest.importorskip("nbclient", reason="kernels need Jupyter's packages (the extra `local`)")

HEADER = "# Databricks notebook source\n"
NOTEBOOK = (
    HEADER
    + """
import builtins, json, os, sys
seen = getattr(builtins, "left_by_another", None)
builtins.left_by_another = os.getpid()
sys.path.append("/left/by/another")
os.environ["LEFT_BY_ANOTHER"] = "1"

# COMMAND ----------

dbutils.widgets.text("n", "0")
told = {"pid": os.getpid(), "seen": seen, "paths": sys.path.count("/left/by/another"), "own": os.environ.get("OWN", "")}
dbutils.notebook.exit(json.dumps(told | {"n": dbutils.widgets.get("n"), "home": os.environ.get("HOME", "")}))
"""
)
SLOW = (
    HEADER
    + """
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
with open(os.environ["TOLD"] + ".half", "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(os.environ["TOLD"] + ".half", os.environ["TOLD"])
time.sleep(600)
"""
)


class Serving:
    """The process, spoken to as its documentation says."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "harness", "run", "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def ask(self, what):
        """Ask something of it."""
        self.process.stdin.write(json.dumps(what) + "\n")

    def run(self, number, *arguments, **environment):
        """Ask for a run."""
        asked = {"run": number, "arguments": arguments, "folder": str(self.folder), "environment": environment}
        self.ask({**asked, "stdout": str(self.folder / f"out{number}"), "stderr": str(self.folder / f"err{number}")})

    def told(self):
        """Its next word."""
        return json.loads(self.process.stdout.readline())

    def statuses(self, *numbers):
        """How each run ended."""
        found = {}
        while set(found) != set(numbers):
            told = self.told()
            if "status" in told:
                found[told["run"]] = told["status"]
        return found

    def facts(self, number):
        """What a run wrote by --json."""
        return json.loads((self.folder / f"out{number}").read_text())


@pytest.fixture
def serving(tmp_path):
    """One process of a test's own, in a folder with two notebooks."""
    (tmp_path / "pyproject.toml").write_text("[tool.nbh]\n")
    (tmp_path / "a.py").write_text(NOTEBOOK)
    (tmp_path / "slow.py").write_text(SLOW)
    made = Serving(tmp_path)
    yield made
    made.process.stdin.close()
    assert made.process.wait(30) == 0
    made.process.stdout.close()


def test_runs_share_nothing(serving):
    """Each has a process, variables, parameters and modules of its own, whether beside another or after it."""
    serving.run(1, "a.py", "--json", "-pn=1", OWN="one")
    serving.run(2, "a.py", "--json", "-pn=2")
    assert serving.statuses(1, 2) == {1: 0, 2: 0}
    serving.run(3, "a.py", "--json", HOME="/somewhere")
    assert serving.statuses(3) == {3: 0}

    told = [json.loads(serving.facts(number)["exit_value"]) for number in (1, 2, 3)]
    assert len({one["pid"] for one in told}) == 3
    assert {one["seen"] for one in told} == {None}
    assert {one["paths"] for one in told} == {1}
    assert [one["own"] for one in told] == ["one", "", ""]
    assert [one["n"] for one in told] == ["1", "2", "0"]
    assert told[2]["home"] == "/somewhere"


def test_a_run_ends_as_the_command_does(serving):
    """With its exit code, and with what it says of wrong use where that belongs."""
    (serving.folder / "red.py").write_text(HEADER + "1 / 0\n")
    serving.run(1, "red.py", "--json")
    serving.run(2, "nowhere.py", "--json")

    assert serving.statuses(1, 2) == {1: 1, 2: 2}
    assert serving.facts(1)["outcome"] == "failed"
    assert "nowhere.py" in (serving.folder / "err2").read_text()


def started(serving, number):
    """A slow run that is on: the processes of its notebook."""
    told = serving.folder / f"told{number}"
    serving.run(number, "slow.py", "--json", "--timeout", "0", TOLD=str(told), PATH=os.environ["PATH"])
    run = psutil.Process(serving.told()["pid"])
    while not told.exists():
        assert run.is_running()
        assert serving.process.poll() is None
    return [run, *(psutil.Process(int(pid)) for pid in told.read_text().split())]


def gone(processes):
    """Whether all of them end."""
    return not psutil.wait_procs(processes, timeout=20)[1]


def test_a_run_that_is_ended_is_told_as_cancelled(serving):
    """And leaves no process."""
    processes = started(serving, 1)

    serving.ask({"end": 1})

    assert serving.statuses(1) == {1: 130}
    assert serving.facts(1)["outcome"] == "cancelled"
    assert gone(processes)


def test_a_run_that_is_killed_leaves_no_process_and_no_other_is_harmed(serving):
    """Its notebook's own children end too, whatever session they are in."""
    processes, others = started(serving, 1), started(serving, 2)

    serving.ask({"kill": 1})

    assert serving.statuses(1) == {1: -9}
    assert gone(processes)
    assert all(other.is_running() for other in others)


def test_runs_end_with_the_one_that_asked_for_them(serving):
    """However it ended: its pipe is closed then."""
    processes = started(serving, 1)

    serving.process.stdin.close()

    assert serving.process.wait(30) == 0
    assert gone(processes)
