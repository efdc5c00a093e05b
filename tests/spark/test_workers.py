"""Python UDFs in a project of its own: what reaches Spark's workers, and what must not."""

from __future__ import annotations

import pytest

NOTEBOOK = """\
# Databricks notebook source
import re
from pathlib import Path

import lib.plain

# COMMAND ----------

Path("top_level_ran").write_text("by a worker")

# COMMAND ----------

DIGITS = re.compile(r"[0-9]+")


class Cleaner:
    def clean(self, text):
        return digits(text)


def digits(text):
    return "".join(DIGITS.findall(text))


def twice_plus(n):
    return lib.plain.twice(n) + 1
"""

PLAIN = """\
import threading

LOCK = threading.Lock()  # can't be pickled: this module travels by name


def twice(n):
    with LOCK:
        return 2 * n
"""

CONFTEST = """\
def seven():
    return 7
"""

TESTS = """\
import os

import pytest
from etl import Cleaner, digits, twice_plus
from lib import plain, uses_notebook
from pyspark.sql.functions import pandas_udf, udf

import etl
from conftest import seven


@pytest.fixture
def one(spark):
    return lambda function, text="a1b2", kind="string": (
        spark.createDataFrame([(text,)], "t string").select(udf(function, kind)("t").alias("r")).first().r
    )


def in_test_file(text):
    return digits(text)


def test_notebook_function(one):
    assert one(digits) == "12"


def test_lambda_over_notebook_function(one):
    assert one(lambda text: digits(text) + "!") == "12!"


def test_notebook_as_a_module(one):
    assert one(lambda text: etl.digits(text)) == "12"


def test_notebook_class(one):
    assert one(lambda text: Cleaner().clean(text)) == "12"


def test_notebook_function_that_uses_a_plain_module(one):
    assert one(lambda text: twice_plus(len(text)), kind="int") == 9


def test_function_of_the_test_file(one):
    assert one(in_test_file) == "12"


def test_function_of_conftest(one):
    assert one(lambda text: seven(), kind="int") == 7


def test_plain_module_by_function(one):
    assert one(lambda text: plain.twice(len(text)), kind="int") == 8


def test_plain_module_that_uses_a_notebook(one):
    assert one(uses_notebook.shout) == "12!"


def test_pandas_udf(spark):
    frame = spark.createDataFrame([("a1",), ("b2",)], "t string")

    made = frame.select(pandas_udf(lambda texts: texts.map(digits), "string")("t").alias("r"))

    assert [row.r for row in made.collect()] == ["1", "2"]


@pytest.mark.nbh_engine("classic")
def test_rdd(spark):
    assert spark.sparkContext.parallelize(["a1"]).map(digits).collect() == ["1"]


def test_worker_refuses_the_notebook(one):
    with pytest.raises(Exception, match="NBH307 a Spark worker may not import the notebook"):
        one(lambda text: __import__("etl").__name__)


def test_error_in_a_udf_shows_the_notebook_line(one):
    with pytest.raises(Exception, match=r"etl.py., line 22, in digits"):
        one(digits, None)


def test_top_level_did_not_run(spark):
    assert not os.path.exists("top_level_ran")
"""


@pytest.fixture
def project(pytester, spark):
    """A repository with a notebook, a package, a conftest and tests that use all of them in UDFs."""
    pytester.makepyfile(
        **{
            "etl": NOTEBOOK,
            "lib/__init__": "",
            "lib/plain": PLAIN,
            "lib/uses_notebook": 'from etl import digits\n\n\ndef shout(text):\n    return digits(text) + "!"\n',
            "conftest": CONFTEST,
            "test_udfs": TESTS,
        }
    )
    return pytester


@pytest.mark.parametrize("workers", [0, 2])
def test_udfs_find_what_they_need_and_no_notebook_is_imported(project, workers):
    """Nothing is shipped by the user; the notebook's top level runs nowhere, in one process and in two."""
    options = ["-n", str(workers)] if workers else ["-p", "no:xdist"]

    result = project.runpytest_subprocess("-p", "no:cacheprovider", *options)

    result.assert_outcomes(passed=14)
    assert not (project.path / "top_level_ran").exists()
    if not workers:
        result.stdout.re_match_lines([r"(using the warm Spark|starting Spark) \S+ .*"])


OWN = """\
# Databricks notebook source
import sys

sys.path.append("../src")
import beside
from rates import vat

# COMMAND ----------

def by_function(n):
    return vat(n)


def by_module(n):
    return beside.plus(n)


def later(n):
    import beside
    from rates import vat

    return vat(n) + beside.plus(n)
"""

TESTS_OF_OWN = """\
from pyspark.sql.functions import udf
from {name}.etl import by_function, by_module, later


def test_it(spark):
    row = spark.range(1, 2).select(*(udf(one, "long")("id") for one in (by_function, by_module, later))).first()
    assert tuple(row) == (2, {plus}, 2 + {plus})
"""


@pytest.mark.parametrize("engine", ["connect", "classic"])
def test_udfs_find_modules_of_their_notebooks_folders(pytester, spark, engine):
    """Beside the notebook, and where it has put a folder on the path; of two notebooks each finds its own by one name."""
    pytester.makepyfile(**{"src/rates": "def vat(n):\n    return 2 * n\n"})
    for name, plus in (("north", 11), ("south", 21)):
        pytester.makepyfile(
            **{
                f"{name}/etl": OWN,
                f"{name}/beside": f"def plus(n):\n    return n + {plus - 1}\n",
                f"test_{name}": TESTS_OF_OWN.format(name=name, plus=plus),
            }
        )

    options = ["-p", "no:cacheprovider", "-p", "no:xdist", f"--nbh-engine={engine}"]
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=2)


@pytest.mark.parametrize("engine", ["connect", "classic"])
def test_udfs_use_their_notebooks_module_and_not_the_projects_own(pytester, spark, engine):
    """Where both have one name: what a UDF refers to travels by value, and what it would import on a worker is an error."""
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.makepyfile(
        **{
            "north/etl": "# Databricks notebook source\nimport beside\nfrom beside import plus\n\n\n"
            "def by_module(n):\n    return beside.plus(n)\n\n\ndef by_function(n):\n    return plus(n)\n\n\n"
            "def later(n):\n    import beside\n    return beside.plus(n)\n",
            "north/beside": "def plus(n):\n    return n + 10\n",
            "beside": "def plus(n):\n    return n + 20\n",
            "test_it": """
                import beside
                import pytest
                from north.etl import by_function, by_module, later
                from pyspark.sql.functions import udf


                def test_it(spark):
                    row = spark.range(1, 2).select(*(udf(one, "long")("id") for one in (by_function, by_module))).first()
                    assert (*row, beside.plus(1)) == (11, 11, 21)
                    assert later(1) == 11


                def test_on_a_worker(spark):
                    with pytest.raises(Exception, match='NBH307 a Spark worker can.t tell which module "beside" is meant'):
                        spark.range(1).select(udf(later, "long")("id")).collect()
                """,
            "test_plain": """
                import beside
                from pyspark.sql.functions import udf


                def plus(n):
                    return beside.plus(n)


                def test_it(spark):
                    assert spark.range(1).select(udf(plus, "long")("id")).first()[0] == 20
                """,
        }
    )

    options = ["-p", "no:cacheprovider", "-p", "no:xdist", f"--nbh-engine={engine}"]
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=3)
