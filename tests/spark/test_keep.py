"""``--nbh-keep`` and ``nbh spark sql``: what is kept of a test, and how it is looked at."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from inner_runs import ADDOPTS

from harness.collect.kept import summarise_kept

TESTS = """
def test_fails(uc, spark, make_catalog, make_volume):
    make_catalog(name="prod")
    spark.sql("CREATE SCHEMA prod.sales")
    orders = uc.make_table(name="orders", rows=[{"id": 1, "name": "Ann"}])
    spark.sql("CREATE TABLE hive_metastore.default.old AS SELECT 7 AS n")
    spark.sql(f"CREATE VIEW prod.sales.v AS SELECT count(*) AS n FROM {orders}")
    (uc.make_volume(name="landing").folder / "a.txt").write_text("kept")
    assert False


def test_fails_too(uc):
    uc.make_table(name="orders", rows=[{"id": 2, "name": "Bob"}])
    assert False


def test_fails_without_tables(spark):
    assert False


def test_passes(uc, spark):
    uc.make_table(name="other", rows=[{"id": 3}])
    assert spark.sql("SHOW CATALOGS LIKE 'prod'").count() == 0
"""


def nbh(*arguments, typed=""):
    """Run ``nbh spark``."""
    command = [sys.executable, "-m", "harness", "spark", *arguments]
    env = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(command, env=env, input=typed, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def runs(own_cache, tmp_path_factory):
    """Run the tests above, once for several looks at what is kept; gives the output and the kept spaces by test."""

    @functools.cache
    def run_tests(*arguments):
        folder = tmp_path_factory.mktemp("keep")
        (folder / "test_keep.py").write_text(TESTS)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        env = {**os.environ, "PYTEST_ADDOPTS": ADDOPTS}
        said = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False).stdout
        assert "3 failed, 1 passed" in said, said
        return said, dict(re.findall(r"^test_keep.py::(\w+): nbh spark sql --space (\S+)$", said, re.MULTILINE))

    return run_tests


@pytest.fixture
def run(runs, monkeypatch, own_cache):
    """The same, on an engine that stays."""
    monkeypatch.setenv("CI", "")
    monkeypatch.setenv("NBH_SPARK_IDLE_MINUTES", "30")
    monkeypatch.setenv("NBH_CACHE_DIR", str(own_cache))
    return runs


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["plain", "workers"])
def test_what_failed_tests_made_is_kept(run, arguments):
    """As each left it: tables, views over several catalogs, volumes; the tests after it see nothing of it."""
    _, kept = run("--nbh-keep", "failed", *arguments)

    assert set(kept) == {"test_fails", "test_fails_too"}
    for test, name in (("test_fails", "Ann"), ("test_fails_too", "Bob")):
        seen = nbh("sql", "--space", kept[test], "--json", "-c", "SELECT name FROM orders")
        assert json.loads(seen.stdout) == [{"name": name}], seen.stderr
    assert json.loads(nbh("sql", "--space", kept["test_fails"], "--json", "-c", "SELECT n FROM prod.sales.v").stdout) == [
        {"n": 1}
    ]
    old = nbh("sql", "--space", kept["test_fails"], "--json", "-c", "SELECT n FROM hive_metastore.default.old")
    assert json.loads(old.stdout) == [{"n": 7}], old.stderr
    told = json.loads(nbh("status", "--json").stdout)
    assert {one["space"] for one in told["kept"]} >= set(kept.values())


def test_the_prompt(run):
    """Statements end with a semicolon, an error ends nothing, and a change stays for the next look."""
    _, kept = run("--nbh-keep", "failed")

    seen = nbh(
        "sql",
        "--space",
        kept["test_fails"],
        typed="SELECT nope;\nINSERT INTO orders\n  VALUES (5, 'Eve');\nSELECT name FROM orders;\nquit\n",
    )

    assert "kept of test_keep.py::test_fails, in main.test_fails_" in seen.stderr
    assert "UNRESOLVED_COLUMN" in seen.stderr
    assert "JVM stacktrace" not in seen.stderr
    assert "Eve" in seen.stdout
    again = nbh("sql", "--space", kept["test_fails"], "-c", "SELECT value FROM text.`/Volumes/main/x`")
    assert again.returncode == 1
    assert "Eve" in nbh("sql", "--space", kept["test_fails"], "-c", "SELECT * FROM orders").stdout


def test_all_can_be_kept(run):
    """Passed tests too, where they made something."""
    _, kept = run("--nbh-keep", "always")

    assert set(kept) == {"test_fails", "test_fails_too", "test_passes"}


def test_nothing_is_kept_by_default(run):
    """And nothing is said of it."""
    said, kept = run()

    assert kept == {}
    assert "kept objects" not in said


def test_where_the_engine_ends_with_the_run_nothing_is_kept():
    """The run says why, rather than name what isn't there."""
    lines = []
    reports = [
        SimpleNamespace(nbh_kept=["kept-1", "test_a.py::test_a", "run"]),
        SimpleNamespace(nbh_kept=["", "test_a.py::test_b", "process"]),
    ]

    summarise_kept(SimpleNamespace(stats={"": reports}, section=lines.append, write_line=lines.append), environment="local")

    assert lines[0] == "kept objects"
    assert lines[1].startswith("nothing is kept: the engine ends with this run")
    assert lines[2:] == ["test_a.py::test_b: not kept, for the classic engine ends with its process"]


def test_a_space_that_is_not_there(run):
    """The error lists those that are."""
    _, kept = run("--nbh-keep", "failed")

    seen = nbh("sql", "--space", "kept-nope", "-c", "SELECT 1")

    assert seen.returncode == 3
    assert "NBH326 nothing is kept under 'kept-nope'" in seen.stderr
    assert kept["test_fails"] in seen.stderr


def test_what_was_kept_can_be_dropped(run):
    """By its own name or by its test's; the rest stays, and a wrong name drops nothing."""
    _, kept = run("--nbh-keep", "always")
    first, second = kept["test_fails"], kept["test_passes"]

    wrong = nbh("drop", first, "kept-nope")
    assert wrong.returncode == 3
    assert "NBH326 nothing is kept under 'kept-nope'" in wrong.stderr
    assert second in wrong.stderr
    gone = nbh("drop", first, "test_keep.py::test_fails_too")

    assert f"dropped {first}, kept of test_keep.py::test_fails\n" in gone.stdout, gone.stderr
    left = {one["space"]: one for one in json.loads(nbh("status", "--json").stdout)["kept"]}
    assert not left.keys() & {first, kept["test_fails_too"]}
    assert nbh("sql", "--space", first, "-c", "SELECT 1").returncode == 3
    assert json.loads(nbh("sql", "--space", second, "--json", "-c", "SELECT id FROM other").stdout) == [{"id": 3}]
    assert {one["space"] for one in json.loads(nbh("drop", "--all", "--json").stdout)["dropped"]} == left.keys()
    assert json.loads(nbh("status", "--json").stdout)["kept"] == []
    run.cache_clear()  # nothing is kept of any run now
