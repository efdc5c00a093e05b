"""The summary's list of units that no test names: on complete runs only, once, and never in the way."""

from __future__ import annotations

import pytest

TITLE = "*notebook units that no test names*"


@pytest.fixture
def shop(project):
    """Two of three units are named by tests."""
    project.write(
        {
            "nbs/etl.py": ["open('ran_it', 'w')", "def used(): return 1\ndef unused(): return 2\nclass Named: pass"],
            "tests/test_it.py": "from nbs.etl import Named, used\ndef test_used(): assert used() and Named\n",
            "tests/test_more.py": "def test_more(): pass\n",
        }
    )
    return project


def test_a_complete_run_names_them_once(shop, workers):
    """With path, line and cell, by the controller alone."""
    result = shop.run(*workers)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([TITLE, "  nbs/etl.py:7 (cell 2, line 2): unused"])
    assert result.stdout.str().count("no test names") == 1
    assert "used" not in [line.rpartition(": ")[2] for line in result.stdout.lines]
    assert not shop.exists("ran_*")


@pytest.mark.parametrize(
    "arguments",
    [
        ("-q",),
        ("-k", "more"),
        ("-m", "not slow"),
        ("tests/test_more.py",),
        ("tests",),
        ("-x",),
        ("--lf",),
        ("--ignore=tests/test_it.py",),
        ("--deselect=tests/test_it.py::test_used",),
        ("--collect-only",),
        ("--setup-plan",),
        ("-p", "no:terminal"),
    ],
    ids=" ".join,
)
def test_a_part_of_the_tests_says_nothing_of_the_rest(shop, arguments):
    """Whatever leaves tests out, or asks for quiet, leaves the list out."""
    result = shop.run(*arguments)

    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line(TITLE)


def test_a_run_from_a_subfolder_is_no_complete_run(shop, monkeypatch):
    """Started below the rootdir, pytest collects that folder only."""
    shop.write({"pytest.ini": "[pytest]\npythonpath = .\n", "other/test_other.py": "def test_other(): pass\n"})
    monkeypatch.chdir(shop.path / "other")

    result = shop.run()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line(TITLE)


def test_an_interrupted_run_is_no_complete_run(shop):
    """A collection error stops before all tests ran."""
    shop.write({"tests/test_error.py": "raise RuntimeError\n"})

    result = shop.run()

    result.assert_outcomes(errors=1)
    result.stdout.no_fnmatch_line(TITLE)


def test_nothing_is_said_where_all_is_named(project):
    """No section without a line in it."""
    project.write({"nbs/etl.py": ["def f(): return 1"], "test_it.py": "from nbs.etl import f\ndef test_f(): assert f()\n"})

    result = project.run()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line(TITLE)


def test_a_project_whose_notebooks_have_no_units(project):
    """Bodies only: nothing to name, nothing to fail."""
    project.write({"nbs/body.py": ["print(1)"], "nbs/b.ipynb": ["print(1)"], "test_it.py": "def test_a(): pass\n"})

    result = project.run()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line(TITLE)


def test_many_are_cut_short(project):
    """Ten are shown, and how many more there are."""
    units = "\n".join(f"def f{n}(): return {n}" for n in range(13))
    project.write({"nbs/etl.py": [units], "test_it.py": "def test_a(): pass\n"})

    project.run().stdout.fnmatch_lines([TITLE, "*: f9", "  and 3 more: `nbh list` shows all"])


def test_many_notebooks_are_counted(project):
    """Of many notebooks that no test names only the number is told, and a long list doesn't hide it."""
    units = "\n".join(f"def f{n}(): return {n}" for n in range(13))
    project.write({f"nbs/other_{n}.py": ["def g(): return 1"] for n in range(60)})
    project.write({"nbs/etl.py": [units], "test_it.py": "from nbs.etl import f0\ndef test_a(): assert f0() == 0\n"})

    result = project.run()

    result.stdout.fnmatch_lines([TITLE, "  60 notebooks that no test names", "*: f1", "  and 3 more: `nbh list` shows all"])
