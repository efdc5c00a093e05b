"""Primary, foreign and unique keys: no row is checked by them, but what a statement says of them is, as on Databricks."""

from __future__ import annotations

import pytest


def condition(statement, sql):
    """The condition of the error that this statement gives."""
    with pytest.raises(Exception, match=r".") as caught:
        sql(statement)
    return caught.value.getCondition()


def keys(table, sql):
    """The table's keys, as its statement shows them."""
    lines = (line.strip(" ,)") + ")" for line in sql(f"SHOW CREATE TABLE {table}")[0][0].split("\n"))
    return [line.split(" ", 2)[2].replace("))", ")") for line in lines if line.startswith("CONSTRAINT")]


REFUSED = {
    "CREATE TABLE t (a INT, CONSTRAINT x PRIMARY KEY (nope))": "NBH_KEY_COLUMN_NOT_FOUND",
    "CREATE TABLE t (a INT, CONSTRAINT x FOREIGN KEY (nope) REFERENCES one (k))": "NBH_KEY_COLUMN_NOT_FOUND",
    "CREATE TABLE t (a INT, CONSTRAINT PAR_PK PRIMARY KEY (a))": "NBH_KEY_ALREADY_EXISTS",
    "CREATE TABLE t (a INT REFERENCES nowhere (k))": "TABLE_OR_VIEW_NOT_FOUND",
    "CREATE TABLE t (a INT REFERENCES nowhere)": "TABLE_OR_VIEW_NOT_FOUND",
    "CREATE TABLE t (a INT REFERENCES bare (k))": "NBH_PARENT_KEY_NOT_FOUND",
    "CREATE TABLE t (a INT REFERENCES bare)": "NBH_PARENT_KEY_NOT_FOUND",
    "CREATE TABLE t (a INT REFERENCES one (v))": "NBH_PARENT_KEY_NOT_FOUND",
    "CREATE TABLE t (a INT REFERENCES par (a))": "NBH_PARENT_KEY_NOT_FOUND",
    "CREATE TABLE t (a INT REFERENCES par)": "NBH_PARENT_KEY_NOT_FOUND",
    "CREATE TABLE t (a STRING REFERENCES one)": "NBH_KEY_TYPE_MISMATCH",
    "CREATE OR REPLACE TABLE bare (k INT REFERENCES nowhere)": "TABLE_OR_VIEW_NOT_FOUND",
    "ALTER TABLE bare ADD CONSTRAINT x PRIMARY KEY (k)": "NBH_NULLABLE_PRIMARY_KEY",
    "ALTER TABLE one ADD CONSTRAINT x PRIMARY KEY (k)": "NBH_SECOND_PRIMARY_KEY",
    "ALTER TABLE bare ADD CONSTRAINT x FOREIGN KEY (k) REFERENCES bare": "NBH_PARENT_KEY_NOT_FOUND",
    "ALTER TABLE bare DROP PRIMARY KEY": "NBH_KEY_NOT_FOUND",
    "ALTER TABLE one DROP FOREIGN KEY (k)": "NBH_KEY_NOT_FOUND",
}


@pytest.fixture
def parents(sql):
    """A table with a key of two columns, one with a key of one, and one without."""
    sql("CREATE TABLE par (a INT, b STRING, v INT UNIQUE, CONSTRAINT par_pk PRIMARY KEY (a, b))")
    sql("CREATE TABLE one (k INT NOT NULL PRIMARY KEY, v INT)")
    sql("CREATE TABLE bare (k INT, v INT NOT NULL)")
    return sql


def test_what_databricks_refuses(parents):
    """What a key names has to be there, and fit; the tables are as they were."""
    before = {table: keys(table, parents) for table in ("bare", "one", "par")}

    assert {statement: condition(statement, parents) for statement in REFUSED} == REFUSED

    assert {table: keys(table, parents) for table in before} == before
    assert not parents.spark.catalog.tableExists("t")


def test_a_parents_key_need_not_be_named(parents):
    """It is the primary key then, and kept under the parent's full name."""
    parents("CREATE SCHEMA other")
    parents(
        "CREATE TABLE other.t (x INT, y STRING, z INT REFERENCES main.default.one, FOREIGN KEY (x, y) REFERENCES default.par)"
    )
    parents("ALTER TABLE bare ADD CONSTRAINT fk FOREIGN KEY (k) REFERENCES one")
    parents("USE other")

    assert sorted(keys("t", parents)) == [
        "FOREIGN KEY (x, y) REFERENCES main.default.par (a, b)",
        "FOREIGN KEY (z) REFERENCES main.default.one (k)",
    ]
    assert keys("default.bare", parents) == ["FOREIGN KEY (k) REFERENCES main.default.one (k)"]


def test_a_table_may_refer_to_itself_and_to_a_unique_key(parents):
    """By name, in the statement that makes it too."""
    parents("CREATE TABLE staff (id INT PRIMARY KEY, boss INT, CONSTRAINT boss_fk FOREIGN KEY (boss) REFERENCES staff (id))")
    parents("CREATE TABLE t (v INT REFERENCES par (v))")

    assert "FOREIGN KEY (boss) REFERENCES main.default.staff (id)" in keys("staff", parents)
    assert keys("t", parents) == ["FOREIGN KEY (v) REFERENCES main.default.par (v)"]


def test_what_says_nothing_is_taken(sql):
    """TIMESERIES, as feature tables have it, and options of other dialects; a column may be called so."""
    sql(
        "CREATE TABLE f (id INT, timeseries TIMESTAMP, deferrable INT,"
        " CONSTRAINT f_pk PRIMARY KEY (id, timeseries TIMESERIES) NOT ENFORCED)"
    )
    sql(
        "CREATE TABLE t (id INT, ts TIMESTAMP, CONSTRAINT t_fk FOREIGN KEY (id, ts) REFERENCES f (id, timeseries)"
        " MATCH FULL ON UPDATE NO ACTION ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED)"
    )

    assert keys("f", sql) == ["PRIMARY KEY (id, timeseries)"]
    assert sql("DESCRIBE f")[1:] == [("timeseries", "timestamp", None), ("deferrable", "int", None)]
    assert keys("t", sql) == ["FOREIGN KEY (id, ts) REFERENCES main.default.f (id, timeseries)"]


def test_the_columns_of_a_primary_key_hold_no_null(sql):
    """Whichever way it was made."""
    sql("CREATE OR REPLACE TABLE t (k INT, v INT, CONSTRAINT t_pk PRIMARY KEY (k))")

    assert keys("t", sql) == ["PRIMARY KEY (k)"]
    with pytest.raises(Exception, match="NOT NULL constraint violated for column: k"):
        sql("INSERT INTO t VALUES (NULL, 1)")


def test_who_takes_a_tables_place_doesnt_take_its_keys(parents):
    """With rows or without."""
    parents("CREATE OR REPLACE TABLE one AS SELECT 1 AS k")
    parents("CREATE OR REPLACE TABLE par (a INT)")

    assert (keys("one", parents), keys("par", parents)) == ([], [])


def test_dropping_a_primary_key(parents):
    """One that others refer to stays, unless they are to go too."""
    parents("CREATE TABLE kid (k INT REFERENCES one, j INT REFERENCES one)")
    assert condition("ALTER TABLE one DROP PRIMARY KEY", parents) == "NBH_KEY_IN_USE"
    assert condition("ALTER TABLE one DROP CONSTRAINT one_pk RESTRICT", parents) == "NBH_KEY_IN_USE"
    parents("ALTER TABLE kid DROP FOREIGN KEY (j)")
    assert keys("kid", parents) == ["FOREIGN KEY (k) REFERENCES main.default.one (k)"]

    parents("ALTER TABLE one DROP PRIMARY KEY CASCADE")
    parents("ALTER TABLE one DROP PRIMARY KEY IF EXISTS")

    assert (keys("one", parents), keys("kid", parents)) == ([], [])


def test_set_not_null(sql):
    """Of a column in which no row is null; from then on none may be."""
    sql("CREATE TABLE t AS SELECT 1 AS `a-b`, CAST(NULL AS INT) AS v")

    sql("ALTER TABLE t ALTER COLUMN `A-B` SET NOT NULL")

    assert condition("ALTER TABLE t ALTER COLUMN v SET NOT NULL", sql) == "NBH_COLUMN_HAS_NULLS"
    assert condition("ALTER TABLE t ALTER v SET NOT NULL", sql) == "NBH_COLUMN_HAS_NULLS"
    assert condition("ALTER TABLE nope ALTER v SET NOT NULL", sql) == "TABLE_OR_VIEW_NOT_FOUND"
    assert condition("ALTER TABLE t CHANGE COLUMN w SET NOT NULL", sql) == "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"
    assert [(field.name, field.nullable) for field in sql.spark.table("t").schema] == [("a-b", False), ("v", True)]
    with pytest.raises(Exception, match="NOT NULL constraint violated for column: a-b"):
        sql("INSERT INTO t VALUES (NULL, 1)")
    sql("ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY (`a-b`)")
    assert keys("t", sql) == ["PRIMARY KEY (`a-b`)"]
