"""What Spark's classes have in Databricks' Python, and open Spark's haven't."""

from __future__ import annotations

import pytest
from whole_notebooks import writer


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells."""
    return writer(tmp_path)


def test_a_frame_displays_itself(spark, display):
    """In functions and cells that a test calls: what it shows, the test's ``display`` remembers."""
    frame = spark.range(3)

    frame.display()

    assert display.shown == [frame]


@pytest.mark.parametrize("how", ["display(frame)", "frame.display()"])
def test_a_frame_that_cannot_be_computed_is_not_shown(spark, display, how):
    """Where the notebook shows it, as on Databricks; a streaming one starts no query."""
    frame = spark.range(3).selectExpr("raise_error('boom') AS v")

    with pytest.raises(Exception, match="boom"):
        exec(how, {"display": display, "frame": frame})
    display(stream := spark.readStream.format("rate").load())

    assert display.shown == [stream]
    assert spark.streams.active == []


def test_a_stream_starts_by_table(spark, uc, tmp_path):
    """Databricks' own name of ``toTable``, which its older examples have."""
    uc.make_table(name="orders", rows=[(1,), (2,)], columns="id int")
    stream = spark.readStream.table(f"{uc.name}.orders").writeStream.option("checkpointLocation", str(tmp_path / "kept"))

    stream.trigger(availableNow=True).table(f"{uc.name}.copied").awaitTermination()

    assert uc.table("copied").count() == 2


def test_both_in_a_whole_run(run_notebook, notebook, uc):
    """The run waits for the query, as for any other."""
    uc.make_table(name="orders", rows=[(1,), (2,)], columns="id int")
    path = notebook(
        f"stream = spark.readStream.table('{uc.name}.orders').writeStream.option('checkpointLocation', '/tmp/kept')",
        f"stream.trigger(availableNow=True).table('{uc.name}.copied')",
        "spark.range(3).display()",
    )

    run = run_notebook(path)

    assert run.passed, run.error
    assert uc.table("copied").count() == 2
    assert "<table" in run.cells[2].outputs[0]["data"]["text/html"]
