"""What fails on Spark Connect only says so, in each of the ways that code asks for what Connect lacks."""

from __future__ import annotations

import pyspark
import pytest
from pyspark.sql import functions as F  # noqa: N812 -- as Spark's users write it

from harness.spark.hints import HINT, PATH_HINT, UDF_HINT, add_hint

LACKING = {
    "context": lambda spark: spark.sparkContext,
    "broadcast": lambda spark: spark.sparkContext.broadcast([1]),
    "rdd": lambda spark: spark.range(1).rdd,
    "rdd_of_pandas": lambda spark: pyspark.SparkContext.getOrCreate().parallelize([1]),
    "new_context": lambda _spark: pyspark.SparkContext(),
    "new_session": lambda spark: spark.newSession(),
    "jvm": lambda spark: spark._jvm.java,
    "java_session": lambda spark: spark._jsparkSession,
    "java_context": lambda spark: spark._jsc.hadoopConfiguration(),
    "private_context": lambda spark: spark._sc,
    "wrapped": lambda spark: spark._wrapped,
    "java_frame": lambda spark: spark.range(1)._jdf.queryExecution(),
    "java_column": lambda _spark: F.col("a")._jc,
    "java_conf": lambda spark: spark.conf._jconf,
    "java_catalog": lambda spark: spark.catalog._jcatalog,
    "java_reader": lambda spark: spark.read._jreader,
    "java_writer": lambda spark: spark.range(1).write._jwrite,
    "java_groups": lambda spark: spark.range(1).groupBy()._jgd,
    "active_context": lambda _spark: pyspark.SparkContext._active_spark_context._jvm,
    "files": lambda _spark: pyspark.SparkFiles.getRootDirectory(),
}


def _java_in_foreachbatch(spark):
    def each(batch, _number):
        batch._jdf.count()

    spark.sql("CREATE TABLE main.default.src_of_hints AS SELECT 1 AS id")
    made = spark.readStream.table("main.default.src_of_hints").writeStream.foreachBatch(each)
    made.trigger(availableNow=True).start().awaitTermination()


LACKING["java_in_foreachbatch"] = _java_in_foreachbatch

OTHERS = {
    "no_such_attribute": lambda spark: spark.nothing,
    "no_such_table": lambda spark: spark.table("nothing").count(),
    "none": lambda _spark: None.nothing,
    "assertion": lambda _spark: pytest.fail("no"),
    "bad_arguments": lambda spark: spark.range(1).limit("x").collect(),
}


def noted(spark, way):
    """The notes of what goes wrong."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 -- each is another
        way(spark)
    add_hint(caught.value)
    add_hint(caught.value)
    return getattr(caught.value, "__notes__", [])


@pytest.mark.parametrize("way", LACKING.values(), ids=LACKING.keys())
def test_what_connect_lacks_names_the_mark(spark, way):
    """Once, with the mark to write."""
    assert noted(spark, way) == [HINT]


@pytest.mark.parametrize("way", OTHERS.values(), ids=OTHERS.keys())
def test_other_failures_are_left_alone(spark, way):
    """A hint that is wrong costs more than none."""
    assert noted(spark, way) == []


def test_a_udf_that_is_given_a_value(spark):
    """As a plain function would be; Spark says no more than that something is not so."""
    double = F.udf(lambda x: x * 2, "int")

    assert noted(spark, lambda _spark: double(5)) == [UDF_HINT]
    assert double.func(5) == 10


def test_a_path_into_json_text(spark):
    """Spark has no text for this error; what it means is told, with what to write."""
    assert noted(spark, lambda spark: spark.sql("SELECT raw:a.b FROM VALUES ('{}') AS t(raw)").collect()) == [PATH_HINT]
    assert spark.sql("SELECT parse_json(raw):a::int AS a FROM VALUES ('{\"a\": 1}') AS t(raw)").first().a == 1


def test_it_is_shown_for_fixtures_too(pytester):
    """Where notebooks' tests mostly ask for a context."""
    pytester.makepyfile(
        "import pytest\n@pytest.fixture\ndef sc(spark):\n    return spark.sparkContext\ndef test_a(sc): pass\n"
        "def test_b(spark):\n    spark.range(1).rdd\n"
    )

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")

    result.assert_outcomes(errors=1, failed=1)
    failures = result.stdout.str().partition("short test summary info")[0]  # which repeats messages whole where CI is set
    assert failures.count('mark the test: @pytest.mark.nbh_engine("classic")') == 2
