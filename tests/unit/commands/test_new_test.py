from __future__ import annotations

import ast
import re

import pytest

from harness.commands.new_test import write_test
from harness.errors import NotebookError, SettingsError


@pytest.fixture
def written(make_project):
    """Write a test file for etl.py of these cells; gives the file's text."""

    def make(*cells, files=None, notebook="etl.py"):
        root = make_project({notebook: list(cells), **(files or {})})
        done = write_test(notebook, output="test_new.py", force=False, current=str(root))
        assert done.is_written
        text = (root / "test_new.py").read_text(encoding="utf-8")
        ast.parse(text)
        return text

    return make


def test_it_runs_and_says_what_to_fill_in(make_project, pytester):
    """As written, one test passes and each other one fails with one clear line: nothing is green before it is filled in."""
    root = make_project(
        {
            "etl.py": [
                "def add(a, b=1, *, c):\n    return a + b + c",
                "class Rule:\n    def __init__(self, limit):\n        self.limit = limit",
                "import requests\nrows = requests.get('u')",
                "def count():\n    return len(rows)",
                "# DBTITLE 1,Clean\nclean = [row for row in rows]",
                "async def fetch(url):\n    return url",
                "def marked(x):\n    return x\nmarked = requests.mark(marked)",
            ]
        }
    )
    write_test("etl.py", output=None, force=False, current=str(root))

    result = pytester.runpytest_subprocess("--rootdir", str(root), "-p", "no:cacheprovider", str(root / "tests"))

    result.assert_outcomes(passed=1, failed=6)
    result.stdout.fnmatch_lines_random(
        [
            "fill in: a, c, and what add gives back",
            "fill in: limit, and what Rule makes",
            "fill in: rows, and what count gives back",
            "fill in: rows, and what the cell makes",
            "fill in: url, and what fetch gives back",
        ]
    )


def test_filled_in_it_passes(written, pytester):
    """Replacing the fail, the values and the answer is all there is to do."""
    text = written("def add(a, b):\n    return a + b")
    (pytester.path / "etl.py").write_text("# Databricks notebook source\ndef add(a, b):\n    return a + b\n")
    text = (
        re.sub(r"    pytest\.fail\(.*\n", "", text)
        .replace("a = ...", "a = 1")
        .replace("b = ...", "b = 2")
        .replace("== ...", "== 3")
    )
    pytester.makepyfile(test_new=text)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=2)


def test_what_can_be_imported_is_imported(written):
    """The test file's folder is on pytest's path, so the notebook's name is enough."""
    text = written("def add(a, b):\n    return a + b")

    assert "from etl import add\n" in text
    assert "    answer = add(a, b)\n" in text


def test_what_cannot_be_imported_is_loaded_by_path(written):
    """A name that is no Python name goes by the fixture."""
    text = written("def add(a, b):\n    return a + b", notebook="01-etl.py")

    assert "import add" not in text
    assert 'NOTEBOOK = "01-etl.py"' in text
    assert "    answer = units.add(a, b)\n" in text


def test_a_folder_that_pytest_does_not_have_on_its_path_is_not_imported_from(make_project):
    """An import that only works with a setting would make the file fail; the note says which setting."""
    root = make_project({"nbs/etl.py": ["def add(a, b):\n    return a + b"]})
    (root / "pyproject.toml").unlink()  # pytest's rootdir is then where the tests are

    done = write_test("nbs/etl.py", output=None, force=False, current=str(root))

    assert "from nbs.etl" not in (root / "tests" / "test_etl.py").read_text()
    assert 'pythonpath = ["."]' in done.text


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]'},
        {"pyproject.toml": '[tool.pytest]\npythonpath = ["."]'},
        {"pytest.ini": "[pytest]\npythonpath = ."},
        {"conftest.py": ""},
        {"tests/__init__.py": ""},
        {"pyproject.toml": ""},
    ],
)
def test_a_root_on_pytest_s_path_is_imported_from(make_project, files):
    """Each way to have the project's folder on the path is known."""
    root = make_project({"nbs/etl.py": ["def add(a, b):\n    return a + b"], **files})

    write_test("nbs/etl.py", output=None, force=False, current=str(root))

    assert "from nbs.etl import add\n" in (root / "tests" / "test_etl.py").read_text()


def test_a_project_in_one_with_pytest_s_settings_is_not_imported_from(make_project):
    """Pytest's rootdir is the outer one's folder."""
    files = {"pytest.ini": "[pytest]\n", "in/pyproject.toml": "", "in/nbs/etl.py": ["def add(a, b):\n    return a + b"]}
    root = make_project(files)

    write_test("in/nbs/etl.py", output=None, force=False, current=str(root))

    assert "from nbs.etl" not in (root / "in" / "tests" / "test_etl.py").read_text()


def test_a_function_that_pytest_would_collect_is_not_imported(written):
    """Imported, a notebook's ``test_connection`` would be a test of this file."""
    text = written("def test_connection(url):\n    return url")

    assert "import test_connection" not in text
    assert "units.test_connection(url)" in text


def test_widgets_that_a_unit_reads_have_their_mark(written):
    """Only those that it reads, with the notebook's own defaults."""
    text = written(
        "dbutils.widgets.text('catalog', 'dev')\ndbutils.widgets.text('day', 'today')",
        "catalog = dbutils.widgets.get('catalog')",
        "def table(name):\n    return f'{catalog}.{name}'\n\ndef plain(catalog):\n    return catalog",
    )

    assert text.count("nbh_widgets") == 1
    assert '@pytest.mark.nbh_widgets(catalog="dev")\ndef test_table():' in text


def test_a_widget_whose_name_is_no_python_name_has_its_mark(written):
    """Databricks allows any name."""
    text = written("def day():\n    return dbutils.widgets.get('the-day')")

    assert '@pytest.mark.nbh_widgets(**{"the-day": ""})' in text


def test_a_frame_is_made_by_spark(written):
    """An argument that is annotated as a DataFrame is made with the fixture ``spark``."""
    text = written("from pyspark.sql import DataFrame", "def clean(frame: DataFrame):\n    return frame")

    assert "def test_clean(spark):" in text
    assert "    frame = spark.createDataFrame(" in text


def test_a_frame_that_comes_back_is_compared_as_a_table(written):
    """Two frames are never equal, whatever they hold."""
    text = written("from pyspark.sql import DataFrame\ndef clean(df: DataFrame) -> DataFrame:\n    return df")

    assert "\nfrom harness import assert_table_equal\nimport pytest\n" in text
    assert "    assert_table_equal(answer, ...)\n" in text


@pytest.mark.parametrize("decorator", ['@F.udf("string")', "@udf", "@pandas_udf('int')"])
def test_a_udf_is_called_as_the_plain_function_that_it_is_made_of(written, decorator):
    """What is filled in are values, and it takes columns."""
    text = written(f"from pyspark.sql.functions import *\n{decorator}\ndef bucket(amount):\n    return 'big'")

    assert "    answer = bucket.func(amount)\n" in text


def test_an_argument_named_as_a_fixture_is_that_fixture(written):
    """``def load(spark, path)`` is called with the test's own session."""
    text = written("def load(spark, path):\n    return spark.read.csv(path)")

    assert "def test_load(spark):" in text
    assert "load(spark, path)" in text


def test_a_cell_is_given_what_comes_from_data(written):
    """Values from widgets and constants the notebook works out itself."""
    text = written(
        "limit = int(dbutils.widgets.get('limit'))",
        "raw = spark.table('t')",
        '# DBTITLE 1,Clean "raw"\nclean = raw.limit(limit)',
    )

    assert 'units.cell("Clean \\"raw\\"").execute(raw=raw)' in text
    assert "assert made.clean == ..." in text


def test_cells_of_the_same_title_go_by_number(written):
    """The title alone would be refused as ambiguous."""
    text = written("raw = spark.table('t')", "# DBTITLE 1,Go\na = raw.limit(1)", "# DBTITLE 1,Go\nb = raw.limit(2)")

    assert "units.cell(2).execute(raw=raw)" in text
    assert "units.cell(3).execute(raw=raw)" in text
    assert "def test_cell_go_2(" in text


def test_a_notebook_with_nothing_to_test_gives_one_test(make_project):
    """The file still shows that the notebook loads, and the note says what to do."""
    root = make_project({"etl.py": ["print('x')"]})

    done = write_test("etl.py", output="test_new.py", force=False, current=str(root))

    assert "assert units is not None" in (root / "test_new.py").read_text()
    assert "put what it computes into functions" in done.text


def test_a_file_that_is_there_is_left_alone(make_project):
    """Somebody's tests are worth more than ours."""
    root = make_project({"etl.py": ["x = 1"], "tests/test_etl.py": "mine"})

    done = write_test("etl.py", output=None, force=False, current=str(root))

    assert not done.is_written
    assert "--force" in done.text
    assert (root / "tests" / "test_etl.py").read_text() == "mine"


def test_force_writes_over(make_project):
    """The user said so."""
    root = make_project({"etl.py": ["x = 1"], "tests/test_etl.py": "mine"})

    assert write_test("etl.py", output=None, force=True, current=str(root)).is_written
    assert (root / "tests" / "test_etl.py").read_text() != "mine"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "tests/test_etl.py"),
        ({"nbs/tests/x.py": ""}, "nbs/tests/test_etl.py"),
        ({"pyproject.toml": '[tool.pytest.ini_options]\npython_files = "check_*.py"'}, "tests/check_etl.py"),
        ({"pyproject.toml": '[tool.pytest.ini_options]\ntestpaths = ["checks"]', "checks/x.py": ""}, "checks/test_etl.py"),
    ],
)
def test_it_is_written_where_pytest_looks(make_project, files, expected):
    """The place and the name follow the project's settings."""
    root = make_project({"nbs/etl.py": ["x = 1"], **files})

    write_test("nbs/etl.py", output=None, force=False, current=str(root))

    assert (root / expected).is_file()


def test_a_name_that_pytest_does_not_find_is_told(make_project):
    """The file is written as asked, and the note says why pytest passes it by."""
    root = make_project({"etl.py": ["x = 1"]})

    done = write_test("etl.py", output="mine.py", force=False, current=str(root))

    assert "pytest finds it only if it is named" in done.text


def test_a_file_that_cannot_be_written_is_told(make_project):
    """The mend names the option."""
    root = make_project({"etl.py": ["x = 1"], "file": ""})

    with pytest.raises(SettingsError, match="can't be written"):
        write_test("etl.py", output="file/test_x.py", force=False, current=str(root))


def test_a_notebook_that_cannot_be_read_writes_nothing(make_project):
    """Half a file would look like a start."""
    root = make_project({"etl.ipynb": "{"})

    with pytest.raises(NotebookError):
        write_test("etl.ipynb", output="test_x.py", force=False, current=str(root))

    assert not (root / "test_x.py").exists()


def test_long_lists_stand_a_line_each(written):
    """A formatter has nothing to do."""
    names = [f"a_rather_long_name_of_a_function_{number}" for number in range(6)]
    text = written("\n\n".join(f"def {name}(first_argument, second_argument):\n    return 1" for name in names))

    assert "from etl import (\n    a_rather_long_name_of_a_function_0,\n" in text
    assert '    pytest.fail(\n        "fill in: ' in text
    assert max(map(len, text.splitlines()[1:])) <= 88


def test_a_value_that_nothing_defines_is_given(written):
    """What an unread %run would have brought stands among the values, with the reason."""
    text = written("def over(x):\n    return x > limit")

    assert '        "limit": ...,  # defined nowhere in the notebook\n' in text


def test_a_jupyter_notebook_is_imported_where_import_sorters_want_it(make_project):
    """They see no .py of that name, so they sort it with the packages of others."""
    source = '"source": ["def add(a):\\n", "    return a"]'
    cell = f'{{"cell_type": "code", "metadata": {{}}, "outputs": [], "execution_count": null, {source}}}'
    root = make_project({"etl.ipynb": f'{{"cells": [{cell}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}'})

    write_test("etl.ipynb", output="test_new.py", force=False, current=str(root))

    assert "\nfrom etl import add\nimport pytest\n\n" in (root / "test_new.py").read_text()


def test_a_notebook_outside_the_roots_is_loaded_by_path(make_project):
    """Imported, Python itself would run it."""
    root = make_project({"pyproject.toml": '[tool.nbh]\nroots = ["nbs"]', "etl.py": ["def add(a):\n    return a"]})

    write_test("etl.py", output="test_new.py", force=False, current=str(root))

    assert "import add" not in (root / "test_new.py").read_text()


def test_widget_defaults_are_read_however_they_are_written(written):
    """By keyword, and empty where the default is no plain text."""
    text = written(
        "dbutils.widgets.dropdown(name='size', defaultValue='small', choices=['small'])\n"
        "dbutils.widgets.text('day', str(1))\ndbutils.widgets.text(NAME, '')",
        "def pick():\n    return dbutils.widgets.get('size'), dbutils.widgets.get('day')",
    )

    assert '@pytest.mark.nbh_widgets(day="", size="small")' in text


def test_an_argument_named_as_the_file_s_own_names_is_renamed(written):
    """``def f(pytest)`` would hide what the test itself uses."""
    text = written("def f(pytest, *, notebook):\n    return pytest")

    assert "answer = f(pytest_, notebook=notebook_)" in text


def test_units_of_the_same_test_name_are_told_apart(written):
    """A function and a class may differ in capitals only."""
    text = written("def rule(a):\n    return a\n\nclass Rule:\n    pass")

    assert "def test_rule(" in text
    assert "def test_rule_2(" in text
