"""``spark_catalog``, which notebooks call ``hive_metastore`` too: each space has its own, beside its other catalogs."""

from __future__ import annotations

import pytest


def condition(statement, sql):
    """What Spark calls the error that this statement gives."""
    with pytest.raises(Exception, match=r".") as caught:
        sql(statement)
    return caught.value.getCondition()


def test_two_spaces_have_each_their_own(join):
    """Tables, schemas and functions of one are not there in the other, under either name, and their files are apart."""
    one, two = join("one"), join("two")
    one.sql("CREATE SCHEMA spark_catalog.s")
    one.sql("CREATE FUNCTION spark_catalog.s.f() RETURNS INT RETURN 1")
    for spark, who in ((one, "a"), (two, "b")):
        spark.sql(f"CREATE TABLE spark_catalog.default.t AS SELECT '{who}' AS who")
        spark.sql("CREATE TABLE spark_catalog.default.files (who STRING) USING parquet")
        spark.sql(f"INSERT INTO hive_metastore.default.files VALUES ('{who}')")

    for spark, who in ((one, "a"), (two, "b")):
        for table in ("t", "files"):
            assert spark.table(f"hive_metastore.default.{table}").collect() == [(who,)]
            assert spark.table(f"spark_catalog.default.{table}").collect() == [(who,)]
    assert [row[0] for row in two.sql("SHOW SCHEMAS IN hive_metastore").collect()] == ["default"]
    with pytest.raises(Exception, match="UNRESOLVED_ROUTINE"):
        two.sql("SELECT spark_catalog.s.f()").collect()


def test_both_names_are_one_catalog(sql):
    """In statements, in columns and stars, as the current catalog; a missing table is told by the name that was said."""
    sql("CREATE TABLE hive_metastore.default.t (a INT, b INT)")
    sql("INSERT INTO spark_catalog.default.t VALUES (1, 2)")
    assert sql(
        "SELECT hive_metastore.default.t.a, hive_metastore.default.t.* EXCEPT (a), hive_metastore.default.t.*"
        " FROM hive_metastore.default.t"
    ) == [(1, 2, 1, 2)]
    assert condition("SELECT * FROM hive_metastore.default.nope", sql) == "TABLE_OR_VIEW_NOT_FOUND"
    with pytest.raises(Exception, match=r"`hive_metastore`\.`default`\.`nope`"):
        sql("SELECT * FROM hive_metastore.default.nope")
    sql("USE CATALOG hive_metastore")
    sql("CREATE VIEW v AS SELECT a FROM t")

    assert sql("SELECT * FROM spark_catalog.default.v") == [(1,)]
    sql("USE main.default")
    assert sql("SELECT * FROM hive_metastore.default.v") == [(1,)]


def test_a_table_of_the_same_name_elsewhere_is_another(sql, tmp_path):
    """What is done to main.default.t leaves hive_metastore.default.t as it was, though Delta asks Spark's own catalog too."""
    spark = sql.spark
    for old, form in (("t", "delta"), ("p", "parquet")):
        sql(f"CREATE TABLE hive_metastore.default.{old} (h STRING) USING {form} LOCATION '{tmp_path}/{old}'")
        sql(f"INSERT INTO hive_metastore.default.{old} VALUES ('old')")
    sql("CREATE TABLE t AS SELECT 1 AS a")
    sql("CREATE OR REPLACE TABLE t AS SELECT 2 AS a, 3 AS b")
    sql("CREATE OR REPLACE TABLE p USING delta AS SELECT * FROM hive_metastore.default.p")
    sql("ALTER TABLE t ADD COLUMN c INT")
    sql("ALTER TABLE t SET TBLPROPERTIES ('x' = 'y')")
    sql("MERGE INTO t USING (SELECT 2 AS a) s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = 9")
    sql("RESTORE TABLE t TO VERSION AS OF 0")
    spark.range(1).write.mode("overwrite").option("overwriteSchema", "true").saveAsTable("t")
    sql("DROP TABLE t")
    sql("DROP TABLE p")
    sql(f"CREATE TABLE p (a INT) USING parquet LOCATION '{tmp_path}/mine'")
    sql("INSERT INTO p VALUES (1)")
    sql("CONVERT TO DELTA main.default.p")
    assert sql("DESCRIBE DETAIL p")[0][0] == "delta"
    assert sql("SELECT * FROM p") == [(1,)]
    sql(f"CREATE TABLE t USING delta LOCATION '{tmp_path}/one' AS SELECT 1 AS a")
    spark.range(1).selectExpr("2 AS a").write.format("delta").save(f"{tmp_path}/two")
    sql(f"ALTER TABLE t SET LOCATION '{tmp_path}/two'")
    assert sql("SELECT * FROM t") == [(2,)]
    sql("CREATE TABLE hive_metastore.default.like_t LIKE main.default.t")
    assert sql("DESCRIBE hive_metastore.default.like_t") == [("a", "int", None)]

    for old, form in (("t", "delta"), ("p", "parquet")):
        assert sql(f"SELECT * FROM hive_metastore.default.{old}") == [("old",)]
        assert sql(f"DESCRIBE DETAIL hive_metastore.default.{old}")[0][:5:4] == (form, f"file:{tmp_path}/{old}")


def test_names_without_a_catalog_are_of_the_current_one(sql):
    """spark.catalog, which looks into Spark's own catalog first, tells of the current one, and of the other by its name."""
    catalog = sql.spark.catalog
    sql("CREATE TABLE t (a INT)")
    sql("CREATE TABLE hive_metastore.default.t (a INT)")
    sql("CREATE TABLE hive_metastore.default.old (a INT)")

    assert [(one.name, one.catalog) for one in catalog.listTables()] == [("t", "main")]
    assert [(one.name, one.catalog) for one in catalog.listTables("default")] == [("t", "main")]
    assert [one.name for one in catalog.listTables("hive_metastore.default")] == ["old", "t"]
    assert catalog.getTable("t").catalog == catalog.getDatabase("default").catalog == "main"
    assert catalog.tableExists("hive_metastore.default.old")
    assert not catalog.tableExists("main.default.old")


def test_what_the_old_metastore_has_not(sql):
    """Volumes and functions in Python need another catalog, and the error says so; privileges are kept for it too."""
    for statement in (
        "CREATE VOLUME hive_metastore.default.v",
        "CREATE FUNCTION hive_metastore.default.f(x INT) RETURNS INT LANGUAGE PYTHON AS $$return x$$",
        "DROP CATALOG hive_metastore",
    ):
        assert condition(statement, sql) == "OPERATION_REQUIRES_UNITY_CATALOG"
    assert condition("CREATE CATALOG hive_metastore", sql) == "NBH_CATALOG_ALREADY_EXISTS"
    sql("CREATE TABLE hive_metastore.default.t (a INT)")
    sql("GRANT SELECT ON TABLE hive_metastore.default.t TO eng")

    assert sql("SHOW GRANTS ON TABLE spark_catalog.default.t") == [("eng", "SELECT", "TABLE", "hive_metastore.default.t")]
    assert condition("GRANT SELECT ON TABLE hive_metastore.default.nope TO eng", sql) == "TABLE_OR_VIEW_NOT_FOUND"
