from __future__ import annotations

import textwrap

import pytest

from harness.extract.build import Extract
from harness.extract.inventory import import_name, list_notebook
from harness.extract.load import Loader

SEPARATOR = "\n\n# COMMAND ----------\n\n"


@pytest.fixture
def needs(tmp_path):
    """Give what each unit of a notebook of these cells needs, by name."""

    def make(*cells, **others):
        for name, content in {"etl": cells, **others}.items():
            text = SEPARATOR.join(textwrap.dedent(cell).strip("\n") for cell in content)
            (tmp_path / f"{name}.py").write_text(f"# Databricks notebook source\n{text}\n", encoding="utf-8")
        found = list_notebook(str(tmp_path / "etl.py"), Loader(str(tmp_path)))
        return {unit.name: unit.needs for unit in found.units}

    return make


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["def f(x):\n    return x + 1"], ()),
        (["def f():\n    return spark.table('t')"], ("spark",)),
        (["def f():\n    return sc.parallelize([1])"], ("spark",)),
        (["def f():\n    return dbutils.fs.ls('/')"], ("dbutils",)),
        (["def f():\n    return dbutils.widgets.get('day')"], ("widget",)),
        (["def f():\n    return dbutils.fs.ls(dbutils.widgets.get('day'))"], ("dbutils", "widget")),
        (["def f(x):\n    display(x)"], ("display",)),
        (["day = dbutils.widgets.get('day')", "def f():\n    return day"], ("widget",)),
        (["day = dbutils.widgets.get('day')", "def f(day):\n    return day"], ()),
        (["def g():\n    return spark.range(1)", "def f():\n    return g()"], ("spark",)),
        (["n = spark.table('t').count()", "def f():\n    return n"], ("spark",)),
        (["import json", "with open('rates.json') as f:\n    rates = json.load(f)", "def f():\n    return rates"], ("file",)),
        (["def f():\n    return nowhere"], ("unresolved nowhere",)),
        (["class f:\n    def go(self):\n        return spark.range(1)"], ("spark",)),
        (["if True:\n    def f():\n        return spark.range(1)"], ("spark",)),
    ],
)
def test_a_function_needs_what_it_reads(needs, cells, expected):
    """What a unit takes is followed through the functions and values that it uses."""
    assert needs(*cells)["f"] == expected


def test_what_many_units_share_is_looked_at_once(needs, monkeypatch):
    """In a notebook of hundreds of units that all lead to the same functions."""
    compiled = []
    compile_one = Extract.compile
    monkeypatch.setattr(Extract, "compile", lambda self, node, **how: compiled.append(node) or compile_one(self, node, **how))
    chain = ["def f0():\n    return dbutils.widgets.get('day')"]
    chain += [f"def f{number}():\n    return f{number - 1}()" for number in range(1, 40)]

    found = needs(*chain)

    assert set(found.values()) == {("widget",)}
    assert len(compiled) < 5 * len(chain)


def test_a_value_that_only_a_run_computes_is_named_with_its_cell(needs):
    """The need says which cell computes it, and why a test doesn't."""
    found = needs("import requests", "rows = requests.get('u').json()", "def f():\n    return rows")

    assert found["f"] == ("computed rows (cell 2): calls requests.get.json()",)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["x = 1\nprint(x)"], ()),
        (["frame = spark.table('t')", "rows = frame.count()\nprint(rows)"], ("spark",)),
        (["day = dbutils.widgets.get('day')", "print(day)"], ("widget",)),
        (["def g():\n    return spark.range(1)", "rows = g().count()"], ("spark",)),
        (["import requests\nrows = requests.get('u')", "print(rows)"], ("computed rows (cell 1): calls requests.get()",)),
        (["print(nowhere)"], ("unresolved nowhere",)),
        (["day = dbutils.widgets.get('day')", "path = day + '/x'", "print(path)"], ("widget",)),
        (["dbutils.fs.rm('/x')"], ("dbutils",)),
    ],
)
def test_a_cell_needs_what_it_reads_from_outside(needs, cells, expected):
    """A cell's needs are those of its names, as the notebook has them before the cell."""
    assert needs(*cells)[f"cell {len(cells)}"] == expected


@pytest.mark.parametrize(
    "cell",
    [
        "frame = [1]\nprint(frame)\nframe.append(2)\nprint(frame)",
        "for part in [1, 2]:\n    print(part)",
        "try:\n    total = len('x')\n    print(total)\nexcept ValueError as problem:\n    print(problem)",
        "def g():\n    return 1\nprint(g())",
        "with open('x') as file:\n    print(file)",
        "print([part for part in 'abc'])",
        "limit: int = len('x')\nprint(limit)",
    ],
)
def test_a_cell_does_not_need_what_it_makes(needs, cell):
    """Names that the cell itself binds are given by nobody."""
    assert needs(cell)["cell 1"] == ()


def test_a_cell_needs_what_it_takes_and_replaces(needs):
    """``x = x + 1`` reads the value from before the cell, not its own."""
    found = needs("import requests\nx = requests.get('u')", "x = x + 1\nprint(x)", "import requests\nx = requests.post('u')")

    assert found["cell 2"] == ("computed x (cell 1): calls requests.get()",)


def test_needs_follow_run_targets(needs):
    """A helper from %run needs what its own notebook asks for."""
    found = needs(
        "# MAGIC %run ./shared", "def f():\n    return where()", shared=["def where():\n    return dbutils.widgets.get('c')"]
    )

    assert found["f"] == ("widget",)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["base = spark.table('t')\na = base.limit(1)\nb = base.limit(2)", "print(a, b)"], ("spark",)),
        (["base = spark.table('t')\na = base.limit(1)\nb = a.union(base)\nc = b.union(a)", "print(c)"], ("spark",)),
        (["rows.append(len('x'))", "print(rows)"], ()),
        (["limit = 2", "return limit\nprint(limit)"], ()),
        (["limit = 2", "return await limit\nprint(limit)"], ()),
        (["return dbutils.fs.ls('/')\ndbutils.fs.rm('/x')"], ("dbutils",)),
        (["day = getArgument('day')", "print(day)"], ("widget",)),
    ],
)
def test_needs_of_odd_cells(needs, cells, expected):
    """A value that is reached twice, one that is changed before it is there, and a statement that can't be compiled."""
    assert needs(*cells)[f"cell {len(cells)}"] == expected


@pytest.mark.parametrize(
    ("setting", "function", "expected"),
    [
        ("spark.conf.set('spark.sql.ansi.enabled', 'false')", "spark.range(1)", ("spark", "settings of spark (cell 2)")),
        ("spark.sql('SET TIME ZONE UTC')", "spark.range(1)", ("spark", "settings of spark (cell 2)")),
        ("spark.sql('USE CATALOG dev')", "spark.range(1)", ("spark",)),
        ("spark.conf.set('a', 'b')", "1", ()),
        ("pd.set_option('mode.copy_on_write', True)", "pd.DataFrame()", ("settings of pd (cell 2)",)),
        ("pd.options.display.max_rows = 7", "pd.DataFrame()", ("settings of pd (cell 2)",)),
        ("if True:\n    np.random.seed(1)", "g()", ("settings of np (cell 2)",)),
        ("os.environ['REGION'] = 'eu'", "os.environ['REGION']", ("settings of os (cell 2)",)),
        ("os.makedirs('/tmp/x')", "os.getcwd()", ()),
        ("sys.path[:0] = ['lib']", "sys.path", ()),
    ],
)
def test_a_unit_is_told_of_settings_at_top_level(needs, setting, function, expected):
    """Of Spark or of a module that it uses, for no unit test makes them; other calls there are no settings."""
    imports = "import os, sys\nimport numpy as np\nimport pandas as pd"
    body = f"def g():\n    return np.random.rand()\ndef f():\n    return {function}"

    assert needs(imports, setting, body)["f"] == expected


def test_a_cell_is_told_of_settings_before_it(needs):
    """Its own it makes, and later ones are no concern of it."""
    found = needs("spark.conf.set('a', 'b')", "spark.range(1).show()", "spark.conf.set('c', 'd')\nspark.range(1).show()")

    assert found["cell 1"] == ("spark",)
    assert found["cell 2"] == ("spark", "settings of spark (cell 1)")
    assert found["cell 3"] == ("spark", "settings of spark (cell 1)")


def test_what_a_sql_cell_gives_is_not_unresolved(needs):
    """``_sqldf`` is the result of the SQL cell before; without one it is no name."""
    sql = "# MAGIC %sql\n# MAGIC SELECT 1 AS n"
    found = needs("print(_sqldf)", sql, "print(_sqldf)\ndef f():\n    return _sqldf.first()", sql)

    assert found["cell 1"] == ("unresolved _sqldf",)
    assert found["cell 3"] == ("computed _sqldf (cell 2): is SQL, which a unit test doesn't run",)
    assert found["f"] == ("computed _sqldf (cell 4): is SQL, which a unit test doesn't run",)


@pytest.mark.parametrize("cell", ["rows = !ls", "%time print(1)", "print(await f())", "print(1)\n!ls"])
def test_a_cell_that_would_not_be_run_is_no_unit(needs, cell):
    """A test couldn't run it by itself."""
    assert list(needs("async def f():\n    return 1", cell, "print(2)")) == ["f", "cell 3"]


@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        ((), "nbs/etl.py", ("nbs.etl", "")),
        ((), "nbs/etl.ipynb", ("nbs.etl", "")),
        ((), "src/etl.py", ("etl", "")),
        ((), "etl.sql", ("", "Python can't import a .sql file: use load_notebook")),
        ((), "01-etl.py", ("", "'01-etl' is no Python name: use load_notebook")),
        ((), "my nbs/etl.py", ("", "'my nbs' is no Python name: use load_notebook")),
        ((), "class.py", ("", "'class' is no Python name: use load_notebook")),
        ((), "random.py", ("", "Python has a module 'random' of its own: use load_notebook")),
        ((), "nbs/random.py", ("nbs.random", "")),
        (("etl.py",), "etl.ipynb", ("", "etl.py lies beside it and is imported instead: use load_notebook")),
        (("etl/__init__.py",), "etl.py", ("", "the folder etl lies beside it and is imported instead: use load_notebook")),
        (("etl/x",), "etl.ipynb", ("", "the folder etl lies beside it and is imported instead: use load_notebook")),
        (("etl/x",), "etl.py", ("etl", "")),
    ],
)
def test_a_name_says_whether_a_notebook_can_be_imported(tmp_path, files, path, expected):
    """The reason is given where Python's own rules stand in the way."""
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert import_name(str(tmp_path / path), [str(tmp_path), str(tmp_path / "src")]) == expected


def test_a_notebook_outside_the_roots_cannot_be_imported(tmp_path):
    """The finder leaves it to Python, which would run it."""
    assert import_name(str(tmp_path / "etl.py"), [str(tmp_path / "src")])[0] == ""
