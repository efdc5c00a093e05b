"""What a notebook's text says of the tables that it needs."""

from __future__ import annotations

import pytest

from harness.execute.hints import with_hint
from harness.execute.tables_named import tables_named
from harness.notebook import parse_source

MISSING = "[TABLE_OR_VIEW_NOT_FOUND] The table or view `main`.`sales`.`orders` cannot be found. Verify the spelling"


def named(cell):
    """What is told of a notebook with one cell."""
    return str(tables_named(parse_source(f"# Databricks notebook source\n{cell}\n".encode(), "n.py")))


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        (
            "# MAGIC %sql\n# MAGIC SELECT * FROM main.a.x JOIN `main`.`a`.y USING (id) -- FROM main.b.z",
            "reads main.a.x, main.a.y",
        ),
        ('df = spark.table("main.a.x")', "reads main.a.x"),
        ('spark.sql("SELECT * FROM a.x")', "reads a.x"),
        ('spark.sql(f"SELECT * FROM {catalog}.a.x JOIN main.b.y")', "reads main.b.y"),
        ('df.write.mode("append").saveAsTable("main.b.y")', "writes to the schema main.b"),
        (
            "# MAGIC %sql\n# MAGIC CREATE OR REPLACE TABLE main.b.y AS SELECT * FROM main.a.x;\n# MAGIC SELECT * FROM main.b.y",
            "reads main.a.x and writes to the schema main.b",
        ),
        ('spark.sql("INSERT INTO main.b.y SELECT 1")\ndf.writeTo("main.c.z")', "writes to the schemas main.b, main.c"),
    ],
)
def test_names_that_stand_there_in_full(cell, told):
    """In SQL and in Python; a table that the notebook writes itself needs no more than its schema."""
    assert named(cell) == f"by its text the notebook {told}"


@pytest.mark.parametrize(
    "cell",
    [
        "from pyspark.sql import functions",
        '"""Reads from a.b."""',
        'spark.sql("SELECT * FROM range(3)")',
        'spark.sql("SELECT * FROM delta.`/mnt/x`")',
        'spark.sql("SELECT * FROM x")',
        "spark.table(name)",
        'spark.sql(f"SELECT * FROM main.a.{name}")',
        "# MAGIC %skip\n# MAGIC %sql SELECT * FROM main.a.x",
        "spark.sql('SELECT",
    ],
)
def test_what_names_no_table(cell):
    """None is guessed."""
    assert named(cell) == ""


def test_many_are_counted():
    """A hint is no list."""
    cell = "\n".join(f'spark.table("main.a.t{number}")' for number in range(9))

    assert named(cell).endswith("main.a.t5 and 3 more")


def test_it_is_told_where_a_table_is_missing():
    """So that all can be made at once; and nowhere else."""
    told = with_hint(MISSING, tables=lambda: "by its text the notebook reads main.a.x")

    assert told.endswith("first, by uc, make_schema or make_table; by its text the notebook reads main.a.x")
    assert with_hint("ValueError: no", tables=lambda: "never") == "ValueError: no"
