"""The same statements in Spark's own session catalog and in a catalog of ours: the same answers and the same conditions."""

from __future__ import annotations

import re

import pytest

# {c} is the catalog. Each group runs in a schema of its own, in this order; lines may build on those before.
GROUPS = {
    "delta": """
        CREATE TABLE {c}.f.t (id BIGINT, who STRING COMMENT 'name') USING delta
        INSERT INTO {c}.f.t VALUES (1, 'a'), (2, 'b')
        INSERT INTO {c}.f.t (id) VALUES (3)
        SELECT * FROM {c}.f.t ORDER BY id
        SELECT t.id, {c}.f.t.who FROM {c}.f.t ORDER BY id
        INSERT INTO {c}.f.t VALUES (1)
        INSERT INTO {c}.f.t VALUES ('x', 'y')
        UPDATE {c}.f.t SET who = 'z' WHERE id = 3
        DELETE FROM {c}.f.t WHERE id = 1
        MERGE INTO {c}.f.t t USING (SELECT 2L AS id, 'm' AS who) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET *
        UPDATE {c}.f.t SET nope = 1
        DELETE FROM {c}.f.nope
        SELECT count(*) FROM {c}.f.t VERSION AS OF 1
        SELECT count(*) FROM {c}.f.t VERSION AS OF 99
        SELECT nope FROM {c}.f.t
        SELECT * FROM {c}.f.nope
        DESCRIBE {c}.f.t
        SHOW COLUMNS IN {c}.f.t
        SHOW TABLES IN {c}.f
        CREATE TABLE {c}.f.t (a INT) USING delta
        CREATE TABLE IF NOT EXISTS {c}.f.t (a INT) USING delta
        CREATE TABLE {c}.f.u USING delta AS SELECT 1 AS a, 'x' AS b
        CREATE OR REPLACE TABLE {c}.f.u USING delta AS SELECT 2 AS a
        SELECT * FROM {c}.f.u
        REPLACE TABLE {c}.f.missing USING delta AS SELECT 2 AS a
        INSERT OVERWRITE {c}.f.u SELECT 7
        TRUNCATE TABLE {c}.f.u
        SELECT count(*) FROM {c}.f.u
        ALTER TABLE {c}.f.u ADD COLUMNS (b STRING)
        ALTER TABLE {c}.f.u ADD COLUMNS (b STRING)
        ALTER TABLE {c}.f.u DROP COLUMN b
        ALTER TABLE {c}.f.u ALTER COLUMN a TYPE STRING
        ALTER TABLE {c}.f.u SET TBLPROPERTIES ('k' = 'v')
        SHOW TBLPROPERTIES {c}.f.u
        ALTER TABLE {c}.f.u UNSET TBLPROPERTIES ('k')
        COMMENT ON TABLE {c}.f.u IS 'about'
        ALTER TABLE {c}.f.nope ADD COLUMNS (b STRING)
        CREATE TABLE {c}.f.p USING delta PARTITIONED BY (k) AS SELECT id, id % 2 AS k FROM range(4)
        SELECT * FROM {c}.f.p WHERE k = 1 ORDER BY id
        SHOW PARTITIONS {c}.f.p
        RESTORE TABLE {c}.f.t TO VERSION AS OF 1
        SELECT count(*) FROM {c}.f.t
        CREATE TABLE {c}.f.clone SHALLOW CLONE {c}.f.t
        SELECT count(*) FROM {c}.f.clone
        DROP TABLE {c}.f.t
        DROP TABLE {c}.f.t
        DROP TABLE IF EXISTS {c}.f.t
        DROP SCHEMA {c}.f
    """,
    "files": """
        CREATE TABLE {c}.f.p USING parquet PARTITIONED BY (k) LOCATION 'dbfs:/tmp/{c}/p' AS SELECT 1L AS id, 'x' AS k
        INSERT INTO {c}.f.p VALUES (2, 'y')
        INSERT OVERWRITE {c}.f.p PARTITION (k = 'x') VALUES (9)
        SELECT * FROM {c}.f.p ORDER BY id
        SELECT {c}.f.p.id FROM {c}.f.p ORDER BY id
        INSERT INTO {c}.f.p VALUES (1)
        CREATE TABLE {c}.f.j (a INT, b STRUCT<x: INT>) USING json LOCATION 'dbfs:/tmp/{c}/j'
        INSERT INTO {c}.f.j VALUES (1, named_struct('x', 2))
        SELECT a, b.x FROM {c}.f.j
        ALTER TABLE {c}.f.j ADD COLUMNS (d STRING)
        SELECT d FROM {c}.f.j
        DESCRIBE {c}.f.j
        CREATE TABLE {c}.f.csv (a INT, b STRING) USING csv OPTIONS (header 'true') LOCATION 'dbfs:/tmp/{c}/csv'
        INSERT INTO {c}.f.csv VALUES (1, 'q')
        SELECT * FROM {c}.f.csv
        CREATE TABLE {c}.f.nope USING nonsense AS SELECT 1
        CREATE TABLE {c}.f.nope (a INT) USING nonsense
        SELECT * FROM {c}.f.nope
        ALTER TABLE {c}.f.csv RENAME TO {c}.f.csv2
        SELECT * FROM {c}.f.csv2
        DROP TABLE {c}.f.csv2
    """,
    "views": """
        CREATE TABLE {c}.f.t USING delta AS SELECT 1 AS a
        CREATE VIEW {c}.f.v AS SELECT a + 1 AS b FROM {c}.f.t
        CREATE VIEW {c}.f.v AS SELECT 1
        CREATE VIEW IF NOT EXISTS {c}.f.v AS SELECT 1
        SELECT b FROM {c}.f.v
        CREATE OR REPLACE VIEW {c}.f.v (n COMMENT 'c') COMMENT 'about' AS SELECT a FROM {c}.f.t
        SELECT n FROM {c}.f.v
        DESCRIBE {c}.f.v
        SHOW VIEWS IN {c}.f
        ALTER VIEW {c}.f.v AS SELECT a * 5 AS n FROM {c}.f.t
        SELECT n FROM {c}.f.v
        INSERT INTO {c}.f.v VALUES (1)
        DROP TABLE {c}.f.v
        DROP VIEW {c}.f.t
        CREATE VIEW {c}.f.w AS SELECT * FROM {c}.f.nope
        DROP VIEW {c}.f.v
        DROP VIEW {c}.f.v
        DROP VIEW IF EXISTS {c}.f.v
    """,
    "schemas": """
        CREATE SCHEMA {c}.f
        CREATE SCHEMA IF NOT EXISTS {c}.f
        SHOW TABLES IN {c}.nope
        DROP SCHEMA {c}.nope
        DROP SCHEMA IF EXISTS {c}.nope
        USE {c}.nope
        CREATE TABLE {c}.nope.t (a INT) USING delta
        CREATE TABLE {c}.nope.t USING parquet AS SELECT 1 AS a
        CREATE VIEW {c}.nope.v AS SELECT 1 AS a
        COMMENT ON SCHEMA {c}.f IS 'about'
        DROP SCHEMA {c}.f
    """,
}

# Where ours differs, and why that is right.
DIFFERENT = {
    "ALTER TABLE {c}.f.csv RENAME TO {c}.f.csv2": "Databricks takes a catalog after RENAME TO, the session catalog doesn't",
    "SELECT * FROM {c}.f.csv2": "as the line before",
    "DROP TABLE {c}.f.csv2": "as the line before",
    "DROP TABLE {c}.f.v": "Databricks refuses it for a view, the session catalog drops the view",
    "DROP VIEW {c}.f.v": "as the line before, and the condition of Spark's statement for V2 catalogs is VIEW_NOT_FOUND",
}


def answer(spark, statement):
    """The rows of a statement, or the condition of its error."""
    try:
        return [tuple(row) for row in spark.sql(statement).collect()]
    except Exception as error:  # noqa: BLE001 -- whatever the engine throws is the answer here
        return getattr(error, "getCondition", lambda: None)() or type(error).__name__


@pytest.mark.parametrize("group", GROUPS)
def test_answers_are_those_of_the_session_catalog(join, group):
    """Every statement gives the same rows or the same condition in both."""
    spark = join("fidelity")
    statements = [line.strip() for line in GROUPS[group].strip().splitlines()]
    answers = {}
    for catalog in ("spark_catalog", "main"):
        spark.sql(f"DROP SCHEMA IF EXISTS {catalog}.f CASCADE")
        spark.sql(f"CREATE SCHEMA {catalog}.f")
        answers[catalog] = [
            re.sub(rf"\b{catalog}\b", "{c}", repr(answer(spark, statement.replace("{c}", catalog)))) for statement in statements
        ]
        spark.sql(f"DROP SCHEMA IF EXISTS {catalog}.f CASCADE")

    different = [
        f"{statement}\n    session: {theirs}\n    ours:    {ours}"
        for statement, theirs, ours in zip(statements, answers["spark_catalog"], answers["main"], strict=True)
        if theirs != ours and statement not in DIFFERENT
    ]
    assert not different, "\n".join(different)
