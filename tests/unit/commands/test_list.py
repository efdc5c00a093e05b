from __future__ import annotations

import io
import json
import os
import zipfile

import pytest

from harness.commands.list import make_list, problems_of, summary, write_json
from harness.errors import SettingsError

ADD = "def add(a, b):\n    return a + b"


def listed(root, *paths):
    """The list of a project, by path."""
    return {found.path: found for found in make_list(paths, current=str(root)).notebooks}


def units(root, path):
    """The units of one notebook, by name."""
    return {unit.name: unit for unit in listed(root)[path].units}


def test_json_has_the_promised_shape(make_project):
    """Other programs read the keys and kinds that the documentation names, and no others."""
    root = make_project({"nbs/etl.py": [ADD, "class Rule:\n    pass", "frame = spark.table('t')"]})
    out = io.StringIO()

    write_json(make_list([], current=str(root)), out)

    found = json.loads(out.getvalue())
    assert list(found) == ["notebooks"]
    (notebook,) = found["notebooks"]
    assert list(notebook) == ["path", "format", "language", "cells", "units", "problems"]
    assert notebook["path"] == "nbs/etl.py"
    assert notebook["cells"] == 3
    assert [list(unit) for unit in notebook["units"]] == [
        ["name", "kind", "cell", "line", "needs", "importable", "reason", "tests"]
    ] * 3
    assert [(unit["name"], unit["kind"], unit["cell"], unit["needs"]) for unit in notebook["units"]] == [
        ("add", "function", 1, []),
        ("Rule", "class", 2, []),
        ("cell 3", "cell", 3, ["spark"]),
    ]


def test_an_empty_project_gives_an_empty_list(make_project):
    """No notebook is no error."""
    root = make_project({"plain.py": "x = 1"})
    out = io.StringIO()

    listing = make_list([], current=str(root))
    write_json(listing, out)

    assert json.loads(out.getvalue()) == {"notebooks": []}
    assert listing.is_whole


def test_notebooks_come_in_the_order_of_their_paths(make_project):
    """The same files give the same list, whatever the file system's order."""
    root = make_project({"b.py": [ADD], "a/z.py": [ADD], "a.py": [ADD], "a-b/c.py": [ADD]})

    assert list(listed(root)) == ["a-b/c.py", "a.py", "a/z.py", "b.py"]


def test_a_path_may_be_a_folder_or_a_notebook(make_project):
    """Only what lies at or below the paths is listed, each notebook once."""
    root = make_project({"a/x.py": [ADD], "b/y.py": [ADD], "c.py": [ADD]})

    assert list(listed(root, "a", "c.py", "a/x.py")) == ["a/x.py", "c.py"]


def test_a_broken_cell_costs_only_itself(make_project):
    """Its problem names file, line and cell, and the other cells' units are listed."""
    root = make_project({"etl.py": [ADD, "def broken(:"]})

    found = make_list([], current=str(root))

    (notebook,) = found.notebooks
    (problem,) = notebook.problems
    assert [unit.name for unit in notebook.units] == ["add"]
    assert (problem.code, str(problem.location)) == ("NBH102", "etl.py:7 (cell 2, line 1)")
    assert found.is_whole


def test_a_notebook_that_cannot_be_read_costs_only_itself(make_project):
    """It is listed with its problem, and the list says that it isn't whole."""
    root = make_project({"etl.py": [ADD], "torn.ipynb": '{"cells": [}'})

    found = make_list([], current=str(root))

    torn = found.notebooks[1]
    assert [notebook.path for notebook in found.notebooks] == ["etl.py", "torn.ipynb"]
    assert (torn.format, torn.cells, torn.units) == ("ipynb", 0, ())
    assert torn.problems[0].location.path == "torn.ipynb"
    assert not found.is_whole


def test_a_folder_that_cannot_be_searched_is_told(make_project):
    """What may hold more notebooks is no whole list."""
    root = make_project({"etl.py": [ADD], "closed/inner.py": [ADD]})
    (root / "closed").chmod(0)
    try:
        if os.access(root / "closed", os.R_OK):
            pytest.skip("this user may read everything")
        found = make_list([], current=str(root))
    finally:
        (root / "closed").chmod(0o700)

    assert [problem.location.path for problem in found.problems] == ["closed"]
    assert not found.is_whole


def test_a_file_named_by_hand_that_is_no_notebook_is_told(make_project):
    """Leaving it out silently would look as if it had nothing to test."""
    root = make_project({"plain.py": "x = 1"})

    found = make_list(["plain.py"], current=str(root))

    assert [problem.code for problem in found.notebooks[0].problems] == ["NBH101"]
    assert not found.is_whole


def test_the_notebooks_of_an_archive_are_listed(make_project):
    """They are read only: their units have no line, and can't be imported."""
    root = make_project({})
    setup = {"commands": [{"command": "limit = 3", "position": 1}], "language": "python"}
    main = {
        "commands": [
            {"command": "%run ./setup", "position": 1},
            {"command": "def over(x):\n    return x > limit", "position": 2},
        ],
        "language": "python",
    }
    with zipfile.ZipFile(root / "old.dbc", "w") as archive:
        archive.writestr("jobs/main.python", json.dumps(main))
        archive.writestr("jobs/setup.python", json.dumps(setup))

    found = listed(root)

    assert list(found) == ["old.dbc/jobs/main.python", "old.dbc/jobs/setup.python"]
    (over,) = found["old.dbc/jobs/main.python"].units
    assert (over.name, over.line, over.needs, over.importable) == ("over", None, (), False)
    assert over.reason == "archives are only read: export the notebook as source"
    assert found["old.dbc/jobs/main.python"].problems == ()


def test_an_archive_that_is_no_zip_file_is_told(make_project):
    """It is one line in the list, with its problem."""
    root = make_project({"old.dbc": "no zip"})

    found = make_list([], current=str(root))

    assert found.notebooks[0].problems[0].code == "NBH103"
    assert not found.is_whole


def test_projects_in_one_repository_never_mix(make_project):
    """Each project's tests name its own notebook, though both have the same name."""
    for folder in ("one", "two"):
        make_project(
            {
                "features.py": [ADD],
                f"tests/test_{folder}.py": "from features import add\n\ndef test_add():\n    assert add(1, 2)",
            },
            folder=folder,
        )
    root = make_project({})

    found = listed(root)

    assert found["one/features.py"].units[0].tests == ("one/tests/test_one.py::test_add",)
    assert found["two/features.py"].units[0].tests == ("two/tests/test_two.py::test_add",)


def test_each_project_has_its_own_run_prefixes(make_project):
    """An absolute %run is looked up by the settings of the notebook's own project."""
    make_project(
        {
            "pyproject.toml": '[tool.nbh]\nrun_prefixes = {"/Shared/p" = "lib"}',
            "lib/setup.py": ["RATE = 2"],
            "etl.py": ["# MAGIC %run /Shared/p/setup", "def double(x):\n    return x * RATE"],
        },
        folder="one",
    )
    root = make_project({"etl.py": ["# MAGIC %run /Shared/p/setup", "def double(x):\n    return x * RATE"]})

    found = listed(root)

    assert found["one/etl.py"].units[0].needs == ()
    assert found["etl.py"].units[0].needs == ("unresolved RATE",)


def test_python_files_of_the_project_say_what_a_test_file_is(make_project):
    """A file that pytest doesn't collect holds no tests."""
    test = "from etl import add\n\ndef test_add():\n    assert add(1, 2) == 3"
    settings = '[tool.pytest.ini_options]\npython_files = "check_*.py"'
    root = make_project({"pyproject.toml": settings, "etl.py": [ADD], "check_etl.py": test, "test_etl.py": test})

    assert units(root, "etl.py")["add"].tests == ("check_etl.py::test_add",)


def test_a_test_of_a_test_notebook_names_itself(make_project):
    """The tests that a notebook holds are no units without a test."""
    root = make_project({"etl.py": [ADD], "test_etl.py": ["# MAGIC %run ./etl", "def test_add():\n    assert add(1, 2) == 3"]})

    assert units(root, "etl.py")["add"].tests == ("test_etl.py::test_add",)
    assert units(root, "test_etl.py")["test_add"].tests == ("test_etl.py::test_add",)


def test_a_wrong_setting_stops_the_list(make_project):
    """Nothing is listed by settings that aren't meant."""
    root = make_project({"pyproject.toml": "[tool.nbh]\nrots = []", "etl.py": [ADD]})

    with pytest.raises(SettingsError, match="unknown setting 'rots'"):
        make_list([], current=str(root))


def test_the_summary_counts(make_project):
    """The last line says how many notebooks and units there are, and how many a test names."""
    test = "from etl import add\n\ndef test_add():\n    assert add(1, 2) == 3"
    root = make_project({"etl.py": [ADD, "class Rule:\n    pass", "x = spark.table('t')"], "test_etl.py": test})

    line = summary(make_list([], current=str(root)))

    assert line == "1 notebook, 3 units (1 function, 1 class, 1 cell), 1 named by a test"


def test_a_problem_of_a_shared_notebook_is_told_once(make_project):
    """Two notebooks %run the one with the broken cell."""
    root = make_project({"a.py": ["# MAGIC %run ./shared"], "b.py": ["# MAGIC %run ./shared"], "shared.py": ["def broken(:"]})

    found = make_list([], current=str(root))

    assert len(list(problems_of(found))) == 1


def test_nothing_is_left_behind(make_project):
    """Looking at notebooks writes no file beside them."""
    root = make_project({"etl.py": [ADD], "nb.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'})
    before = sorted(root.rglob("*"))

    make_list([], current=str(root))

    assert sorted(root.rglob("*")) == before


def test_what_was_read_is_forgotten(make_project):
    """Thousands of notebooks don't stay in memory together."""
    root = make_project({f"n{number}.py": [ADD] for number in range(250)})
    alive = []

    def watch(paths):
        import gc

        from harness.extract.build import Extract

        for path in paths:
            alive.append(sum(isinstance(thing, Extract) for thing in gc.get_objects()) if path.endswith("n9.py") else 0)
            yield path

    make_list([], current=str(root), watch=watch)

    assert max(alive) <= 101
