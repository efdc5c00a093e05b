"""The warm engine answers as plain classic Spark does: the same values, types, schemas and errors, but for what is meant."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tomllib

import probe_runner
import pytest
from plain_java import plain_env

MEANT = {
    name: (set(where), reason["why"])
    for reason in tomllib.loads((probe_runner.PROBES / "differences.toml").read_text(encoding="utf-8"))["reason"]
    for name, where in reason["probes"].items()
}

# As spark_partitions does in the settings.
SEVERAL = {"spark.sql.shuffle.partitions": "3", "spark.sql.leafNodeDefaultParallelism": "3"}


class Classic:
    """Plain Spark in a process of its own, which answers while the tests ask the engine."""

    def __init__(self, folder):
        self._out, cwd = folder / "out", folder / "cwd"
        self._out.mkdir()
        cwd.mkdir()
        self._log = (folder / "log").open("w+")
        command = [sys.executable, "-W", "ignore", probe_runner.__file__, str(self._out), "classic"]
        self._process = subprocess.Popen(
            command, cwd=cwd, env=plain_env(folder), stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL
        )

    def answers(self, group):
        """The answers to a group, once they are there."""
        path = self._out / f"{group}.json"
        while not path.exists():
            if self._process.poll() is not None and not path.exists():
                self._log.seek(0)
                pytest.fail(f"classic Spark ended with {self._process.returncode}:\n{self._log.read()[-3000:]}")
            time.sleep(0.05)
        return json.loads(path.read_text())

    def end(self):
        """End it, if it still runs."""
        self._process.kill()
        self._process.wait()
        self._log.close()


@pytest.fixture(scope="module")
def classic(tmp_path_factory):
    """Plain classic Spark's answers."""
    running = Classic(tmp_path_factory.mktemp("classic"))
    yield running
    running.end()


def different(theirs, ours, place=""):
    """Where two answers differ, as "schema", "rows", "parts.0.rows", "message" and the like."""
    if theirs == ours:
        return set()
    inner = isinstance(theirs, dict) and isinstance(ours, dict), place in {"", "parts"}
    if all(inner) and theirs.keys() == ours.keys():
        return set().union(*(different(theirs[key], ours[key], key) for key in theirs))
    if isinstance(theirs, list) and isinstance(ours, list) and place == "parts" and len(theirs) == len(ours):
        return set().union(*(different(a, b) for a, b in zip(theirs, ours, strict=True)))
    return {place or "kind"}


def compare(group, theirs, ours):
    """Fail with every difference that isn't meant, and with each meant one that is gone."""
    assert theirs.keys() == ours.keys() == {probe.name for probe in probe_runner.read_group(group)[0]}
    wrong = []
    for name, their in theirs.items():
        found = different(their, ours[name])
        meant, why = MEANT.get(name, (set(), ""))
        if found != meant:
            expected = f"{sorted(meant)} ({why})" if meant else "nothing"
            wrong.append(
                f"{name}\n  differs in {sorted(found)}, and is to differ in {expected}\n"
                f"  classic: {shown(their)}\n  ours:    {shown(ours[name])}"
            )
    assert not wrong, f"{len(wrong)} of {len(theirs)} in {group}:\n" + "\n".join(wrong)


def shown(answer):
    """An answer in a line."""
    return json.dumps(answer, ensure_ascii=False)[:1500]


@pytest.mark.parametrize("group", probe_runner.groups())
def test_answers_are_those_of_classic_spark(spark, classic, group, tmp_path, monkeypatch):
    """With all settings, catalogs and extensions of the engine."""
    monkeypatch.chdir(tmp_path)

    ours = probe_runner.ask_group(group, spark, tmp_path)

    compare(group, classic.answers(group), ours)


def test_the_number_of_partitions_changes_no_answer(spark, classic, tmp_path, monkeypatch):
    """With the setting ``spark_partitions`` at 3: rows then come in another order where none is asked for, and that is all."""
    monkeypatch.chdir(tmp_path)
    for name, value in SEVERAL.items():
        spark.conf.set(name, value)
    assert spark.sql("SELECT DISTINCT spark_partition_id() FROM range(9)").count() == 3

    ours = probe_runner.ask_group("queries.sql", spark, tmp_path)

    compare("queries.sql", classic.answers("queries.sql"), ours)


def test_what_is_meant_to_differ_is_asked():
    """The list of differences names no probe that isn't there, and there are enough of them."""
    asked = {probe.name for group in probe_runner.groups() for probe in probe_runner.read_group(group)[0]}

    assert MEANT.keys() - asked == set()
    assert len(asked) >= 400
