"""The warm engine answers as plain classic Spark does: the same values, types, schemas and errors, but for what is meant.

What plain Spark answers is recorded: see ``probe_recordings.py``. Whoever changes probes records anew with ``make golden``.
"""

from __future__ import annotations

import json
import os
import time
import tomllib

import probe_recordings
import probe_runner
import pytest

from harness.collect.engine import SPARK

MEANT = {
    name: (set(where), reason["why"])
    for reason in tomllib.loads((probe_runner.PROBES / "differences.toml").read_text(encoding="utf-8"))["reason"]
    for name, where in reason["probes"].items()
}

# As spark_partitions does in the settings.
SEVERAL = {"spark.sql.shuffle.partitions": "3", "spark.sql.leafNodeDefaultParallelism": "3"}


@pytest.fixture(scope="module")
def classic(tmp_path_factory):
    """Plain classic Spark's answers."""
    answers = probe_recordings.Answers(tmp_path_factory.mktemp("classic"))
    yield answers
    answers.end()


@pytest.fixture(scope="module", autouse=True)
def _utc(spark, request):
    """A clock in UTC here and in the engine's Python workers, as the answers are recorded."""
    session = request.config.stash[SPARK]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        session.lend(os.getpid())  # says this process's variables once more
        yield
    time.tzset()
    session.lend(os.getpid())


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

    if group == "statements.sql":
        spark.sql("USE hive_metastore.default")  # of its managed tables of files: Unity Catalog has none
    ours = probe_runner.ask_group(group, spark, tmp_path)

    compare(group, classic.of(group), ours)


def test_the_number_of_partitions_changes_no_answer(spark, classic, tmp_path, monkeypatch):
    """With the setting ``spark_partitions`` at 3: rows then come in another order where none is asked for, and that is all."""
    monkeypatch.chdir(tmp_path)
    for name, value in SEVERAL.items():
        spark.conf.set(name, value)
    assert spark.sql("SELECT DISTINCT spark_partition_id() FROM range(9)").count() == 3

    ours = probe_runner.ask_group("queries.sql", spark, tmp_path)

    compare("queries.sql", classic.of("queries.sql"), ours)


def test_what_is_meant_to_differ_is_asked():
    """The list of differences names no probe that isn't there, and there are enough of them."""
    asked = {probe.name for group in probe_runner.groups() for probe in probe_runner.read_group(group)[0]}

    assert MEANT.keys() - asked == set()
    assert len(asked) >= 400


def test_the_recordings_are_of_these_probes():
    """Else plain Spark would be asked in each run, which takes minutes."""
    digests = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["digest"] for path in probe_recordings.RECORDED.iterdir()
    }

    assert digests == {group: probe_recordings.digest(group) for group in probe_runner.groups()}, "run `make golden`"


def test_a_recording_of_something_else_does_not_hold():
    """Of another version, of other probes, or where there is none."""
    recorded = probe_recordings.recording("times.sql")
    today = recorded["versions"]

    assert probe_recordings.holds(recorded, "times.sql", today)
    for other in ({"pyspark": "4.2.1"}, {"pandas": "3.0.0"}, {"pyarrow": "1"}, {"java": "25"}):
        assert not probe_recordings.holds(recorded, "times.sql", {**today, **other}), other
    assert not probe_recordings.holds(recorded, "casts.sql", today)
    assert not probe_recordings.holds({}, "times.sql", today)


def test_plain_spark_that_answers_otherwise_than_recorded_is_told():
    """As ``make deep`` finds it: with the probe and both answers."""
    recorded = probe_recordings.recording("times.sql")
    today, kept = recorded["versions"], recorded["answers"]
    name = next(iter(kept))

    probe_recordings.check("times.sql", recorded, dict(kept), today)
    for asked in ({**kept, name: {"value": "other"}}, {**kept, "new": {"value": "1"}}, dict(list(kept.items())[1:])):
        with pytest.raises(probe_recordings.ClassicError, match="otherwise than is recorded"):
            probe_recordings.check("times.sql", recorded, asked, today)
    with pytest.raises(probe_recordings.ClassicError, match="other versions or probes"):
        probe_recordings.check("times.sql", recorded, kept, {**today, "pyspark": "4.2.1"})
