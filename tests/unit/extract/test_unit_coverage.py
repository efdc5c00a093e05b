"""What coverage.py is told of a notebook (named so, as tests/plugin has a test_coverage.py)."""

from __future__ import annotations

import json

import coverage
import pytest

from harness.extract.coverage import LABEL, PLUGIN, NotebookCoverage, close

ETL = (
    "import os\nRATE = 3",
    "def scale(x, factor=RATE):\n    if x is None:\n        return 0\n    return x * factor",
    "df = spark.table('a')\nif df:\n    print(1)",
)


@pytest.fixture
def report(project):
    """Give the reporter of a notebook of these cells, under a coverage configuration."""

    def make(*cells, name="etl.py", **options):
        plugin = NotebookCoverage()
        cov = coverage.Coverage(config_file=False, data_file=None)
        for option, value in options.items():
            cov.set_option(option.replace("__", ":"), value)
        plugin.configure(cov)
        return plugin.file_reporter(str(project.write(name, *cells)))

    return make


def test_kept_statements_count_and_held_back_ones_are_excluded(report):
    """At the file's own lines."""
    reporter = report(*ETL)

    assert reporter.lines() == {2, 3, 7, 8, 9, 10}
    assert reporter.excluded_lines() == {14, 15, 16}


def test_branches_count_inside_functions_only(report):
    """Top-level statements are executed one by one, so the way from one to the next is never seen."""
    reporter = report(*ETL)

    branches = {line for line, count in reporter.exit_counts().items() if count > 1} - reporter.no_branch_lines()

    assert branches == {8}
    assert {(8, 9), (8, 10)} <= reporter.arcs()
    assert reporter.translate_arcs([(8, 9)]) == {(8, 9)}
    assert "line 8" in reporter.missing_arc_description(8, 9)
    assert "line 9" in reporter.arc_description(8, 9)


def test_statement_on_several_lines_counts_as_its_first(report):
    """As everywhere in coverage.py."""
    reporter = report("SIZES = {\n    'a': 1,\n}")

    assert reporter.translate_lines({3, 4}) == {2}
    assert reporter.multiline_map()[4] == 2


def test_exclusions_of_the_user_hold_in_notebooks(report):
    """Lines, and partial branches."""
    reporter = report(
        "def f(x):\n    if x:  # either way\n        return 1\n    raise NotImplementedError",
        report__exclude_lines=["raise NotImplementedError"],
        report__partial_branches=["# either way"],
    )

    assert reporter.excluded_lines() == {5}
    assert 3 in reporter.no_branch_lines()


def test_notebook_that_is_only_a_body_is_missed_as_a_whole(report):
    """Excluding all of it would look like full coverage."""
    reporter = report("df = spark.table('a')\ndisplay(df)")

    assert reporter.lines() == {2, 3}
    assert reporter.excluded_lines() == set()


def test_jupyter_notebook_is_shown_as_its_python(project):
    """At the lines that the cells have in the JSON."""
    cell = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": ["def g():\n", "    return 2"],
    }
    path = project.folder / "nb.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1))
    plugin = NotebookCoverage()

    reporter = plugin.file_reporter(str(path))

    (first,) = [at for at, line in enumerate(path.read_text().split("\n"), start=1) if "def g" in line]
    assert reporter.lines() == {first, first + 1}
    assert reporter.source().split("\n")[first - 1] == "def g():"


def test_colours_and_regions_are_those_of_the_python(report):
    """What coverage.py's HTML report asks for."""
    reporter = report("class Box:\n    def get(self):\n        return 1")

    tokens = reporter.source_token_lines()
    regions = {(region.kind, region.name) for region in reporter.code_regions()}

    assert ("key", "class") in tokens[1]
    assert regions == {("class", "Box"), ("function", "Box.get")}
    assert dict(reporter.code_region_kinds()) == {"function": "functions", "class": "classes"}


@pytest.mark.parametrize("cell", ["%pip install x", "x = ("])
def test_text_that_is_no_python_is_shown_plain(report, cell):
    """A bare magic, or a broken cell: the source is there, without colours."""
    reporter = report("def f():\n    return 1", cell)

    tokens = list(reporter.source_token_lines())

    assert "".join(text for _, text in tokens[1]) == "def f():"
    assert reporter.lines() == {2, 3}


@pytest.mark.parametrize(
    "cell",
    ["return", "from __future__ import annotations", "x = await y", "global z", "%run ./other", "PATTERN = '\\d'"],
)
def test_statement_that_only_a_notebook_may_have_costs_no_other(report, cell):
    """The rest of the file is counted as ever, and no warning is raised for it."""
    reporter = report("import os", cell, "def f():\n    return 1")

    assert {2, 10, 11} <= reporter.lines()


def test_run_line_is_no_statement(report):
    """Neither where the notebook is a whole file for Python, nor where it isn't."""
    plain = report("%run ./other", "def f():\n    return 1", name="plain.py")
    odd = report("%run ./other", "def f():\n    return 1", "return", name="odd.py")

    assert plain.lines() == odd.lines() == {6, 7}
    assert plain.no_branch_lines().isdisjoint({2, 7})


def test_plugin_registers_as_a_configurer(project, monkeypatch):
    """coverage.py loads it by the name that labels carry; a file tracer would slow everything down."""
    monkeypatch.chdir(project.folder)
    path = str(project.write("etl.py", *ETL))
    cov = coverage.Coverage(config_file=False, data_file=None)
    cov.set_option("run:plugins", [PLUGIN])
    data = cov.get_data()
    data.add_lines({path: {2, 3, 7, 8, 10}})
    data.touch_file(path, LABEL)

    _, statements, excluded, missing, _ = cov.analysis2(path)
    close(data)

    assert (statements, excluded, missing) == ([2, 3, 7, 8, 9, 10], [14, 15, 16], [9])
