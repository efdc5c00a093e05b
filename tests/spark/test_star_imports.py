"""What a star import of Spark's functions gives on Databricks, and not with open Spark."""

from __future__ import annotations

import sys

import pytest
from whole_notebooks import writer

from harness import load_notebook
from harness.spark.star_import import StarImport, complete

# Types and the old names of functions: Databricks' own list of `*` has both, open Spark's none of them.
HELPERS = """\
from pyspark.sql.functions import *

WORDS = StringType()


def customers(orders: DataFrame) -> Column:
    return orders.agg(countDistinct("customer").alias("n")).first().n
"""


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells."""
    return writer(tmp_path)


def test_in_units(spark, notebook):
    """In the notebook's own text, and in what its top level computes."""
    unit = load_notebook(notebook(HELPERS, "most = expr('1').alias('one')\nwords = countDistinct('customer').alias('words')"))
    orders = spark.createDataFrame([("a",), ("a",), ("b",)], "customer string")

    assert unit.customers(orders) == 2
    assert unit.WORDS.simpleString() == "string"
    assert orders.agg(unit.words).columns == ["words"]


def test_in_a_whole_run(run_notebook, notebook, tmp_path):
    """In the notebook, in a module beside it, and in one that a UDF imports on a worker."""
    (tmp_path / "helpers.py").write_text(HELPERS, encoding="utf-8")
    path = notebook(
        HELPERS,
        "from helpers import WORDS as beside\n\n\ndef shown(text):\n"
        "    import helpers\n    return text + helpers.WORDS.simpleString()",
        "rows = spark.createDataFrame([('a',), ('a',), ('b',)], 'customer string')\n"
        "assert customers(rows) == 2 and beside == WORDS\n"
        "assert rows.select(udf(shown, WORDS)('customer')).first()[0] == 'astring'",
    )

    run = run_notebook(path)

    assert run.passed, run.error


def test_what_is_listed_already_stays():
    """Whoever completed it first undoes it; a second one, of a pytest inside pytest, leaves nothing and takes nothing away."""
    from pyspark.sql import functions

    before = list(functions.__all__)
    assert "countDistinct" in before

    complete(functions)()
    finders = list(sys.meta_path)
    second = StarImport()
    second.install()
    second.uninstall()

    assert functions.__all__ == before
    assert sys.meta_path == finders
