from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("nbclient", reason="whole notebooks need the extra `local`")

NOTEBOOK = """\
# Databricks notebook source
import unittest

def double(x):
    return 2 * x

# COMMAND ----------

class Doubles(unittest.TestCase):
    def test_two(self):
        self.assertEqual(double(1), 2)

    def test_three(self):
        self.assertEqual(double(1), 3)
"""
VERDICTS = {
    "nbs/doubles.py::Doubles::test_two": "passed",
    "nbs/doubles.py::Doubles::test_three": "failed",
    "nbs/doubles.py": "passed",
}
CHANGE = {
    "path": "nbs/doubles.py",
    "old": "2 * x",
    "new": "3 * x",
    "verdicts": {"nbs/doubles.py::Doubles::test_two": "failed", "nbs/doubles.py::Doubles::test_three": "passed"},
}


@pytest.fixture(scope="module")
def commit(tmp_path_factory):
    """A repository as somebody else's: its folder's parent, and its commit."""
    base = tmp_path_factory.mktemp("mirror")
    folder = base / "them+theirs"
    (folder / "nbs").mkdir(parents=True)
    (folder / "nbs" / "doubles.py").write_text(NOTEBOOK)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@nbh.invalid", "commit", "-q", "--no-gpg-sign", "-m", "x"],
    ):
        subprocess.run(["git", "-C", folder, *command], check=True)
    done = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return base, done.stdout.strip()


@pytest.fixture
def try_public(root, tmp_path, commit):
    """Run the script on a table of one project."""

    def run(verdicts, change=None, repository="them/theirs"):
        base, of_commit = commit
        lines = ["[[project]]", f'repository = "{repository}"', f'commit = "{of_commit}"', 'tests = ["nbs/doubles.py"]']
        lines += ["[project.verdicts]", *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in verdicts.items())]
        if change is not None:
            lines += ["[project.change]", *(f"{name} = {json.dumps(change[name])}" for name in ("path", "old", "new"))]
            told = change["verdicts"].items()
            lines += ["[project.change.verdicts]", *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in told)]
        table = tmp_path / "table.toml"
        table.write_text("\n".join(lines) + "\n")
        script = root / "scripts" / "try_public.py"
        command = [sys.executable, script, "--table", table, "--from", f"{base}/{{owner}}+{{name}}"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_verdicts_as_expected(try_public, commit):
    """Tests, a whole run, and those that a fault in the code makes red: all are compared."""
    done = try_public(VERDICTS, CHANGE)

    assert done.stdout == textwrap.dedent(f"""\
        them/theirs@{commit[1][:7]}: 3 verdicts, all as expected
        them/theirs, with 3 * x in nbs/doubles.py: 3 verdicts, all as expected
        """)
    assert done.returncode == 0


def test_other_verdicts_are_named(try_public):
    """A verdict that differs, a test that is gone, and one that nobody expects: each is red."""
    expected = {name.replace("test_two", "test_gone"): "passed" for name in VERDICTS}

    done = try_public(expected)

    assert done.returncode == 1
    assert "nbs/doubles.py::Doubles::test_three: failed, expected passed\n" in done.stdout
    assert "nbs/doubles.py::Doubles::test_gone: not there, expected passed\n" in done.stdout
    assert "nbs/doubles.py::Doubles::test_two: passed, expected no such test\n" in done.stdout


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"repository": "them/elsewhere"}, "could not be found out: git fetch: "),
        ({"change": {**CHANGE, "old": "5 * x"}}, "could not be found out: nbs/doubles.py has '5 * x' 0 times"),
        ({"verdicts": {"nbs/gone.py": "passed"}}, "could not be found out: nbh run nbs/gone.py ended with "),
    ],
)
def test_what_could_not_be_found_out_is_no_success(try_public, changed, why):
    """Neither a repository that can't be had, nor a fault that can't be put in, nor a run without an answer."""
    done = try_public(**{"verdicts": VERDICTS, **changed})

    assert done.returncode == 3
    assert why in done.stdout
