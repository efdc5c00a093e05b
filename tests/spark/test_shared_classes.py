"""Sessions share what Spark generates and compiles; what a session brings along is its own."""

from __future__ import annotations

import build_jvm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

COMPILED = """
def test_compiled(spark, pytestconfig):
    spent = "select java_method('org.apache.spark.sql.catalyst.expressions.codegen.CodeGenerator', 'compileTime')"
    before = spark.sql(spent).first()[0]
    rows = spark.createDataFrame([(k, "ab"[k % 2]) for k in range(9)], "id int, g string")
    assert rows.groupBy("g").count().orderBy("g").collect() == [("a", 5), ("b", 4)]
    print("NEW" if spark.sql(spent).first()[0] != before else "KNOWN")
"""

TWICE = """
package org.example;
public class Twice implements org.apache.spark.sql.api.java.UDF1<Long, Long> {
  public Long call(Long value) { return 2 * value; }
}
"""


def test_generated_code_is_compiled_once_for_all_runs(pytester, monkeypatch):
    """A suite's second run finds its code compiled."""
    monkeypatch.setenv("NBH_SPARK_IDLE_MINUTES", "1")  # in CI too the engine has to outlive the first run
    pytester.makepyfile(COMPILED)
    pytester.runpytest_subprocess("-s")

    again = pytester.runpytest_subprocess("-s")

    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines(["*KNOWN*"])


def test_a_jar_is_its_sessions_own(pytester):
    """Java that a test brings along runs in its tasks, and the next run doesn't know it."""
    source = pytester.mkdir("source")
    (source / "Twice.java").write_text(TWICE)
    build_jvm.compile_classes(source, pytester.mkdir("classes"))
    (pytester.path / "twice.jar").write_bytes(build_jvm.pack(pytester.path / "classes"))
    use = """
        spark.udf.registerJavaFunction("twice", "org.example.Twice", "long")
        assert [row[0] for row in spark.sql("select twice(id) from range(3)").collect()] == [0, 2, 4]
    """
    pytester.makepyfile(
        test_with=f"""
    def test_before_and_after(spark):
        assert spark.range(3).selectExpr("id + 1 as n").collect()[2].n == 3
        spark.addArtifacts("twice.jar")
        {use}
    """,
        test_without=f"""
    def test_it_is_not_there(spark):
        {use}
    """,
    )

    pytester.runpytest_subprocess("test_with.py").assert_outcomes(passed=1)
    without = pytester.runpytest_subprocess("test_without.py")

    without.assert_outcomes(failed=1)
    without.stdout.fnmatch_lines(["*Can not load class org.example.Twice*"])


@pytest.mark.nbh_engine("classic")
def test_code_without_comments_is_as_spark_cuts_it(spark):
    """Our way to take comments and empty lines out of generated code gives what Spark's patterns give."""
    java = spark._jvm
    formatter = java.org.apache.spark.sql.catalyst.expressions.codegen.CodeFormatter
    ours = java.io.nbh.spark.engine.CodeText
    pairs = [(formatter.commentRegexp(), ours.comments, ""), (formatter.extraNewLinesRegexp(), ours.emptyLines, "\n")]

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(st.text(alphabet="/*/*\n\n \t|\r\fa", max_size=30))
    def check(code):
        for sparks, make, replacement in pairs:
            assert make(sparks).replaceAllIn(code, replacement) == sparks.replaceAllIn(code, replacement)

    check()
