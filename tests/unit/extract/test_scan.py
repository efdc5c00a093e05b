"""Which statements are kept, which wait for a test and which are held back, seen by what a loaded notebook gives."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from harness.errors import PlaceholderError


def rows(module):
    """Each row's kind and the names it binds."""
    return [(row.kind, row.binds) for row in module.__units__.source.rows]


def test_bracket_left_open_breaks_only_its_own_cell(project):
    """What would be one statement if cells were joined is an error of each cell, as on Databricks."""
    module = project.load("x = (", "1)", "def f():\n    return 2")

    found = [(problem.code, problem.location.cell) for problem in module.__units__.problems]

    assert found == [("NBH102", 1), ("NBH102", 2)]
    assert module.f() == 2


def test_text_cell_holds_nothing_back(project):
    """A bare string is a remark: no line of it counts as held back."""
    module = project.load('"""About this notebook."""', "def f():\n    return 1")

    assert module.__units__.source.held == ()


def test_runtime_import_gives_the_tests_own(project):
    """``databricks.sdk.runtime`` names are the test's fixtures, under their new names too."""
    module = project.load(
        "from databricks.sdk.runtime import dbutils as utils, spark as spark, display",
        'def f():\n    return utils.widgets.get("w"), spark',
    )

    with project.test({"w": "x"}, spark="the test's"):
        found = module.f()

    assert found == ("x", "the test's")


def test_pipelines_beside_another_name_of_pyspark(project, monkeypatch):
    """Only ``pipelines`` is ours, what else the line imports is pyspark's."""
    pyspark = ModuleType("pyspark")
    pyspark.StorageLevel = "a level"
    monkeypatch.setitem(sys.modules, "pyspark", pyspark)

    module = project.load(
        "from pyspark import StorageLevel, pipelines as dp",
        '@dp.table(name="x")\ndef silver():\n    return StorageLevel',
    )

    assert module.silver() == "a level"


@pytest.mark.parametrize(
    "cell",
    [
        "from dlt import table",
        "from pyspark.pipelines import table",
        "import dlt, json\ntable = dlt.table",
        "import pyspark.pipelines as dp\ntable = dp.table",
    ],
)
def test_each_way_to_import_pipelines(project, cell):
    """The decorator hands the function back."""
    module = project.load(cell, "@table\ndef silver():\n    return 'silver'")

    assert module.silver() == "silver"


def test_unknown_pipeline_name_costs_only_itself(project):
    """The names beside it are there."""
    module = project.load("from dlt import no_such_name, table", "@table\ndef silver():\n    return 'silver'")

    assert module.silver() == "silver"
    with pytest.raises(PlaceholderError, match="cannot import name 'no_such_name'"):
        module.no_such_name()


def test_function_in_a_branch_that_only_a_run_decides_can_be_tested(project):
    """It is the only one of its name; what stands around it is held back, line by line."""
    module = project.load(
        """
        if len(open("mode").read()):
            LEVEL = 1
            @staticmethod
            def f():
                return 2
            LEVEL = 3
            def g():
                return 4
            def h():
                return 5
        """
    )

    assert (module.f(), module.g(), module.h()) == (2, 4, 5)
    assert module.__units__.source.held == ((2, 3), (7, 7))


def test_branch_keeps_what_defines_and_holds_back_the_rest(project):
    """Imports, functions and constants of a constant condition are there; its calls are not run."""
    module = project.load(
        """
        if True:
            "a remark"
            %pip install nothing
            import json
            def f():
                return json.dumps(1)
            open("never", "w")
        """,
        "if True:\n    RATE = 3\n    OTHER = 4",
    )

    assert (module.f(), module.RATE, module.OTHER) == ("1", 3, 4)
    assert module.__units__.source.held == ((8, 8),)
    assert not (project.folder / "never").exists()


def test_loud_definition_in_a_branch_waits_for_a_test(project):
    """Defining it would do more than define."""
    module = project.load('if True:\n    def f(made=open("never", "w")):\n        return 1\n    def g():\n        return 2')

    assert module.g() == 2
    assert not (project.folder / "never").exists()


def test_change_of_an_imported_module_is_no_change_of_the_notebooks(project):
    """``os.environ[…] = …`` leaves the notebook's ``os`` as it is."""
    module = project.load("import os", 'os.environ["NBH_NEVER"] = "x"', "def f():\n    return os.getcwd()")

    assert isinstance(module.f(), str)
    assert "NBH_NEVER" not in module.os.environ


@pytest.mark.parametrize("first", ["1", "len('a')"])
def test_sum_of_thousands_costs_only_its_own_names(project, first):
    """Python runs it, but looking into it takes too deep a recursion: it is held back, and said to be."""
    module = project.load("rows = [1]", f"x = {first}" + " + rows[0]" * 2500, "rows.append(2)", "def f():\n    return rows")

    with project.test():
        found = module.f()

    assert found == [1, 2]
    assert rows(module)[1] == ("held", ("x",))
    with pytest.raises(PlaceholderError, match="is nested too deeply"):
        str(module.x)


def test_sum_of_hundreds_is_computed(project):
    """A long text put together, say."""
    module = project.load("x = len('a')" + " + 1" * 400)

    with project.test():
        found = module.x

    assert found == 401


def test_session_of_the_test_is_never_counted_as_changed(project):
    """Settings made on ``spark`` leave it the test's."""
    module = project.load('spark.conf.set("a", "b")', "def f():\n    return spark")
    spark = SimpleNamespace(name="the test's")

    with project.test(spark=spark):
        found = module.f()

    assert found is spark
    assert rows(module)[0] == ("held", ())


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["if len('a') == 2:\n    import math\n    x = math.pi"], "math:pi"),
        (["from math import pi as p", "for _ in 'a':\n    from math import e, pi as p\n    open('x', 'w')"], "p"),
        (["import math as p", "with open('x', 'w'):\n    import math as p"], "p.e"),
        (["if len('a'):\n    pass\nelse:\n    import os.path, math\n    open('x', 'w')"], "math.pi, os.path"),
    ],
)
def test_import_in_a_held_back_statement_is_what_it_is(project, cells, value):
    """Whether or not the branch is taken: nothing else can be behind the name, so no placeholder is needed."""
    module = project.load(*cells, f"def f():\n    return {value.replace(':', '.')}")

    assert module.f() is not None
    assert not (project.folder / "x").exists()


@pytest.mark.parametrize(
    "cells",
    [
        ["if len('a') == 2:\n    import math as m\nelse:\n    import cmath as m\nopen('x', 'w')"],
        ["m = 1", "if open('x', 'w'):\n    import math as m"],
        ["import cmath as m", "if open('x', 'w'):\n    import math as m"],
        ["if open('x', 'w'):\n    import math as m\n    m = m.pi"],
        ["if open('x', 'w'):\n    import math as m\n    def m(): pass"],
        ["import math as m", "m = len('a')", "if open('x', 'w'):\n    import math as m"],
        ["class A:\n    pass", "if open('x', 'w'):\n    class B:\n        import math as m"],
    ],
)
def test_import_that_may_not_be_what_a_name_is_stays_held_back(project, cells):
    """Where the branch decides what the name is, only running it tells."""
    module = project.load(*cells)

    assert [row.binds for row in module.__units__.source.rows if row.what == "import" and "m" in row.binds] == [
        ("m",) for cell in cells if cell.startswith("import")
    ]


def test_absent_module_of_a_held_back_import_costs_its_name_only(project):
    """Each name of the import is by itself."""
    held = "if open('x', 'w'):\n    from absent import a, b\n    import math"
    module = project.load(held, "def f():\n    return math.pi + a")

    with pytest.raises(PlaceholderError, match="'a' has no value: its import failed"):
        module.f()


def test_name_of_databricks_that_a_branch_binds_is_the_notebooks(project):
    """`table` is then a value, and what changes it later is not left out."""
    module = project.load(
        "if True:\n    table = {'k': 0}\nelse:\n    table = {}", "table.update(z=1)", "def f():\n    return table"
    )

    assert module.f() == {"k": 0, "z": 1}


@pytest.mark.parametrize("value", ["True", "False", "None"])
def test_match_on_a_singleton_is_read_as_any_other(project, value):
    """``case True:`` at the top level is no node of its own, and ends nothing."""
    module = project.load(f"flag = len('a') == 1\nmatch flag:\n    case {value}:\n        n = 1\n    case _:\n        n = 2")

    with project.test():
        assert module.n == (1 if value == "True" else 2)
