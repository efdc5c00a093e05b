"""What plain classic Spark answers to the probes: asked now, or as it was recorded in ``tests/data/probes/recorded``.

A recording holds for the versions that it names and for the probes as they were: where one of them is another, plain Spark is
asked. ``NBH_PROBES=live`` (``make deep``) has it asked in any case, and its answers compared with the recorded ones.

Run as a script this asks plain Spark all probes and writes down the answers anew: ``make golden``.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import probe_runner

from harness.spark.java import find_java

if TYPE_CHECKING:
    from collections.abc import Iterable

RECORDED = probe_runner.PROBES / "recorded"
LIVE = "NBH_PROBES"

# Tried with both, and their answers are the same; no answer depends on the Python, nor on the numpy that there is for it.
JAVAS = frozenset(["17", "21"])


class ClassicError(Exception):
    """Plain Spark ended before it had answered, or not as it is recorded."""


class Classic:
    """Plain Spark in a process of its own, which answers while others ask the engine."""

    def __init__(self, folder: Path, groups: Iterable[str] = ()) -> None:
        from plain_java import plain_env

        self._out, cwd = folder / "out", folder / "cwd"
        self._out.mkdir()
        cwd.mkdir()
        self._log = (folder / "log").open("w+")
        command = [sys.executable, "-W", "ignore", probe_runner.__file__, str(self._out), "classic", *groups]
        # As on Databricks; Python's own times are else those of the machine.
        env = {**plain_env(folder), "TZ": "UTC"}
        self._process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL
        )

    def answers(self, group: str) -> dict[str, Any]:
        """The answers to a group, once they are there."""
        path = self._out / f"{group}.json"
        while not path.exists():
            if self._process.poll() is not None and not path.exists():
                self._log.seek(0)
                raise ClassicError(f"classic Spark ended with {self._process.returncode}:\n{self._log.read()[-3000:]}")
            time.sleep(0.05)
        return json.loads(path.read_text(encoding="utf-8"))

    def end(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._process.wait()
        self._log.close()


class Answers:
    """Plain Spark's answers by group: recorded ones where they hold, else those of one that is started at the first need."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._versions = versions()
        self._is_live = os.environ.get(LIVE) == "live"
        self._running: Classic | None = None

    def of(self, group: str) -> dict[str, Any]:
        """The answers to a group.

        Raises:
            ClassicError: Plain Spark didn't answer, or ``NBH_PROBES=live`` found another answer than the recorded one.
        """
        recorded = recording(group)
        if not self._is_live and holds(recorded, group, self._versions):
            answers: dict[str, Any] = recorded["answers"]
            return answers
        if self._running is None:
            self._running = Classic(self._folder, probe_runner.groups() if self._is_live else self._stale())
        answers = self._running.answers(group)
        if self._is_live:
            check(group, recorded, answers, self._versions)
        return answers

    def _stale(self) -> list[str]:
        return [group for group in probe_runner.groups() if not holds(recording(group), group, self._versions)]

    def end(self) -> None:
        """End what was started."""
        if self._running is not None:
            self._running.end()


def versions() -> dict[str, str]:
    """What answers depend on beside the probes."""
    packages = {name: importlib.metadata.version(name) for name in ("pyspark", "pandas", "pyarrow")}
    return {**packages, "java": str(find_java(os.environ).major)}


def digest(group: str) -> str:
    """A digest of a group's probes, and of how they are asked and their answers are written."""
    texts = [(probe_runner.PROBES / group).read_bytes(), Path(probe_runner.__file__).read_bytes()]
    return hashlib.sha256(b"\0".join(text.replace(b"\r\n", b"\n") for text in texts)).hexdigest()[:16]


def recording(group: str) -> dict[str, Any]:
    """What is recorded of a group: versions, digest, and answers by the probes' names; empty if nothing is."""
    path = RECORDED / f"{group}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def holds(recorded: dict[str, Any], group: str, today: dict[str, str]) -> bool:
    """Whether a recording is of these probes and these versions, or of a Java that is known to give the same answers."""
    if not recorded or recorded["digest"] != digest(group):
        return False
    javas = {recorded["versions"]["java"], today["java"]}
    return {**recorded["versions"], "java": ""} == {**today, "java": ""} and (len(javas) == 1 or javas <= JAVAS)


def check(group: str, recorded: dict[str, Any], asked: dict[str, Any], today: dict[str, str]) -> None:
    """See whether plain Spark still answers as it is recorded.

    Raises:
        ClassicError: It doesn't, or the recording is of other probes or versions.
    """
    if not holds(recorded, group, today):
        raise ClassicError(f"the answers to {group} are recorded for other versions or probes: make golden")
    kept = recorded["answers"]
    wrong = [name for name in {**kept, **asked} if kept.get(name) != asked.get(name)]
    if wrong:
        told = "\n".join(f"{name}\n  recorded: {kept.get(name)}\n  asked:    {asked.get(name)}" for name in wrong)
        raise ClassicError(f"classic Spark answers {group} otherwise than is recorded (make golden):\n{told}")


def write(group: str, answers: dict[str, Any], today: dict[str, str]) -> None:
    """Record the answers to a group: one line for each probe, so that a change shows as what it is."""
    lines = ",\n".join(f"{_json(name)}: {_json(answer)}" for name, answer in answers.items())
    text = f'{{"versions": {_json(today)},\n"digest": {_json(digest(group))},\n"answers": {{\n{lines}\n}}}}\n'
    RECORDED.mkdir(exist_ok=True)
    (RECORDED / f"{group}.json").write_text(text, encoding="utf-8", newline="\n")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def main() -> None:
    """Ask plain Spark all probes, and record its answers."""
    today = versions()
    with tempfile.TemporaryDirectory() as folder:
        running = Classic(Path(folder))
        try:
            for group in probe_runner.groups():
                write(group, running.answers(group), today)
                print(f"recorded {group}")  # noqa: T201 -- to who called it
        finally:
            running.end()
    for path in RECORDED.glob("*.json"):
        if path.stem not in probe_runner.groups():
            path.unlink()


if __name__ == "__main__":
    main()
