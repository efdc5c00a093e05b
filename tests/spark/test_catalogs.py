from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pyspark.errors import AnalysisException


def condition(statement, sql):
    """What Spark calls the error that this statement gives."""
    with pytest.raises(Exception, match=r".") as caught:
        sql(statement)
    return caught.value.getCondition()


def test_a_new_space_has_one_catalog_with_a_default_schema(sql):
    """A fresh session starts in main.default, and sees no catalog of another."""
    assert sql("SELECT current_catalog(), current_schema()") == [("main", "default")]
    assert sql("SHOW CATALOGS") == [("hive_metastore",), ("main",), ("spark_catalog",)]
    assert sql("SHOW SCHEMAS IN main") == [("default",), ("information_schema",)]


def test_two_spaces_have_each_their_own_table_of_one_name(join):
    """A name that a notebook hard-codes means another table in another space."""
    one, two = join("one"), join("two")
    for spark, who in ((one, "a"), (two, "b")):
        spark.sql("CREATE CATALOG prod")
        spark.sql("CREATE SCHEMA prod.sales")
        spark.sql(f"CREATE TABLE prod.sales.orders AS SELECT '{who}' AS who")

    assert one.table("prod.sales.orders").collect() == [("a",)]
    assert two.table("prod.sales.orders").collect() == [("b",)]


def test_two_sessions_of_one_space_see_the_same(join):
    """A catalog that one session makes is there in the other at once, in listCatalogs() too."""
    one, two = join("same"), join("same")
    two.sql("SELECT 1").collect()
    one.sql("CREATE CATALOG prod")
    one.sql("CREATE TABLE prod.default.t AS SELECT 1 AS a")
    one.sql("CREATE VIEW prod.default.v AS SELECT a + 1 AS b FROM prod.default.t")

    assert "prod" in [catalog.name for catalog in two.catalog.listCatalogs()]
    assert two.table("prod.default.t").collect() == [(1,)]
    one.sql("DROP CATALOG prod CASCADE")
    assert "prod" not in [catalog.name for catalog in two.catalog.listCatalogs()]


def test_dropping_a_space_leaves_no_file(server, join):
    """One statement removes all that a session made, whoever says it."""
    one, two = join("gone"), join("other")
    one.sql("CREATE TABLE t AS SELECT 1 AS a")
    one.sql("CREATE VOLUME vol")
    one.range(2).write.parquet("/Volumes/main/default/vol/x")
    folder = next(row.folder for row in two.sql("NBH SHOW SPACES").collect() if row.space == "gone")
    assert folder.startswith(str(server.root))

    two.sql("NBH DROP SPACE 'gone'")

    from pathlib import Path

    assert not Path(folder).exists()
    assert "gone" not in [row.space for row in two.sql("NBH SHOW SPACES").collect()]


def test_using_and_dropping_catalogs(sql):
    """USE CATALOG sets where names without a catalog lead; the session doesn't stay in one that is dropped."""
    sql("CREATE CATALOG IF NOT EXISTS prod COMMENT 'live'")
    sql("/* live */ use catalog `prod`;")
    assert sql("SELECT current_catalog(), current_schema()") == [("prod", "default")]
    assert sql("DESCRIBE CATALOG prod")[:2] == [("Catalog Name", "prod"), ("Comment", "live")]
    sql("CREATE TABLE t AS SELECT 1 AS a")

    assert condition("CREATE CATALOG prod", sql) == "NBH_CATALOG_ALREADY_EXISTS"
    assert condition("DROP CATALOG prod", sql) == "NBH_CATALOG_NOT_EMPTY"
    sql("DROP CATALOG prod CASCADE")
    assert sql("SELECT current_catalog()") == [("main",)]
    assert condition("USE CATALOG prod", sql) == "NO_SUCH_CATALOG_EXCEPTION"
    assert condition("SELECT * FROM prod.default.t", sql) == "TABLE_OR_VIEW_NOT_FOUND"


def test_catalogs_are_found_in_any_case(sql):
    """As in Unity Catalog, in SQL and by the DataFrame API; a catalog that isn't there stays so."""
    sql("CREATE TABLE MAIN.Default.Orders (Id INT)")
    sql("INSERT INTO Main.DEFAULT.ORDERS VALUES (1)")
    sql.spark.range(2).withColumnRenamed("id", "n").write.saveAsTable("MAIN.default.numbers")

    assert sql("SELECT MAIN.default.orders.id FROM main.default.orders") == [(1,)]
    assert sql("SELECT count(*) FROM mAIN.default.numbers") == [(2,)]
    assert sql.spark.catalog.tableExists("MAIN.default.ORDERS")
    sql.spark.catalog.setCurrentCatalog("MAIN")
    assert sql.spark.catalog.currentCatalog() == "main"
    assert [name for (name,) in sql("SHOW CATALOGS")] == ["hive_metastore", "main", "spark_catalog"]
    sql("CREATE CATALOG Other")
    assert ("default",) in sql("SHOW SCHEMAS IN OTHER")
    sql("DROP CATALOG OTHER CASCADE")
    assert condition("SELECT * FROM OTHER.default.t", sql) == "TABLE_OR_VIEW_NOT_FOUND"


def test_no_inner_name_is_shown(sql):
    """Wherever Spark and Delta tell a table's name it is the user's."""
    sql("CREATE SCHEMA sales")
    sql("CREATE TABLE sales.orders AS SELECT 1 AS a")
    sql("CREATE TABLE sales.files USING parquet LOCATION 'dbfs:/tmp/files' AS SELECT 1 AS a")

    assert sql("DESCRIBE DETAIL sales.orders")[0][2] == "main.sales.orders"
    for table in ("orders", "files"):
        plan = sql(f"EXPLAIN EXTENDED SELECT main.sales.{table}.a FROM main.sales.{table}")[0][0]
        assert f"main.sales.{table}" in plan
        assert "spark_catalog" not in plan


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "orc", "delta"])
def test_every_format_can_be_written_in_every_way(sql, form):
    """CREATE AS, INSERT, OVERWRITE of a partition, saveAsTable and insertInto, in Delta and in plain files."""
    spark = sql.spark
    sql(f"CREATE TABLE t USING {form} PARTITIONED BY (p) LOCATION 'dbfs:/tmp/t' AS SELECT 1L AS id, 'x' AS p")
    sql("INSERT INTO t VALUES (2, 'x'), (3, 'y')")
    assert sorted(sql("SELECT * FROM t")) == [(1, "x"), (2, "x"), (3, "y")]
    if form != "delta":
        sql("INSERT OVERWRITE t PARTITION (p = 'x') VALUES (9)")
        assert sorted(sql("SELECT * FROM t")) == [(3, "y"), (9, "x")]

    spark.range(3).write.format(form).option("path", "dbfs:/tmp/s").saveAsTable("s")
    spark.range(3).write.format(form).mode("append").saveAsTable("s")
    spark.range(3).write.insertInto("s")
    assert spark.table("s").count() == 9
    spark.range(2).write.insertInto("s", overwrite=True)
    assert spark.table("s").count() == 2
    spark.range(4).write.format(form).mode("overwrite").option("path", "dbfs:/tmp/s").saveAsTable("s")
    assert spark.table("s").count() == 4
    if form == "delta":
        sql("TRUNCATE TABLE s")
        assert spark.table("s").count() == 0


def test_a_table_may_be_replaced_by_one_of_another_format_that_reads_it(sql):
    """CREATE OR REPLACE runs its query before the old table goes."""
    sql("CREATE TABLE t USING parquet LOCATION 'dbfs:/tmp/0' AS SELECT 1 AS a")
    for form in ("parquet LOCATION 'dbfs:/tmp/1'", "delta", "parquet LOCATION 'dbfs:/tmp/2'"):
        sql(f"CREATE OR REPLACE TABLE t USING {form} AS SELECT a + 1 AS a FROM t")

    assert sql("SELECT a FROM t") == [(4,)]


def test_a_table_that_could_not_be_written_is_not_there(sql):
    """A failed CREATE TABLE AS leaves no name behind."""
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        sql("CREATE TABLE t USING parquet LOCATION 'dbfs:/tmp/t' AS SELECT 1/0 AS a")

    assert sql("SHOW TABLES") == []


def test_delta_statements(sql):
    """Change, look back, restore and tidy up a Delta table."""
    sql("CREATE TABLE t AS SELECT id, 'a' AS who FROM range(3)")
    sql(
        "MERGE INTO t USING (SELECT 2L AS id, 'm' AS who UNION ALL SELECT 9L, 'n') s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    sql("UPDATE t SET who = 'u' WHERE id = 1")
    sql("DELETE FROM t WHERE id = 0")
    assert sorted(sql("SELECT * FROM t")) == [(1, "u"), (2, "m"), (9, "n")]
    assert [row[4] for row in sql("DESCRIBE HISTORY t")] == ["DELETE", "UPDATE", "MERGE", "CREATE TABLE AS SELECT"]
    assert sql("SELECT count(*) FROM t VERSION AS OF 0") == [(3,)]
    sql("RESTORE TABLE t TO VERSION AS OF 0")
    sql("OPTIMIZE t ZORDER BY (id)")
    sql("VACUUM t")
    sql("CREATE TABLE c SHALLOW CLONE t")

    assert sql("SELECT count(*) FROM c") == [(3,)]


def test_altering_a_table(sql):
    """Columns, properties, comments and names can be changed."""
    sql("CREATE SCHEMA s")
    sql("CREATE TABLE s.t (a INT) TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    sql("ALTER TABLE s.t ADD COLUMN b STRING")
    sql("ALTER TABLE s.t RENAME COLUMN b TO c")
    sql("COMMENT ON TABLE s.t IS 'about t'")
    sql("ALTER TABLE s.t RENAME TO main.s.u")
    assert [row[:2] for row in sql("DESCRIBE s.u")] == [("a", "int"), ("c", "string")]
    sql("ALTER TABLE s.u DROP COLUMN c")
    sql("CREATE TABLE s.like_u LIKE s.u")

    assert sql("SHOW TABLES IN s") == [("s", "like_u", False), ("s", "u", False)]
    assert "COMMENT 'about t'" in sql("SHOW CREATE TABLE s.u")[0][0]
    assert condition("DROP SCHEMA s", sql) == "SCHEMA_NOT_EMPTY"


def test_external_tables_outlive_their_name(sql, tmp_path):
    """DROP TABLE leaves the files of an external table, and a table can be made of them again."""
    sql(f"CREATE TABLE t USING delta LOCATION '{tmp_path}/t' AS SELECT 1 AS a")
    sql("DROP TABLE t")
    sql(f"CREATE TABLE again LOCATION '{tmp_path}/t'")

    assert sql("SELECT * FROM again") == [(1,)]


@pytest.mark.parametrize(
    "replace",
    [
        lambda sql, place: sql(f"CREATE OR REPLACE TABLE t USING delta LOCATION '{place}' AS SELECT 2 AS b"),
        lambda sql, place: (
            sql(f"CREATE OR REPLACE TABLE t (b INT) USING delta LOCATION '{place}'"),
            sql("INSERT INTO t VALUES (2)"),
        ),
        lambda sql, place: sql("CREATE OR REPLACE TABLE t USING delta AS SELECT 2 AS b"),
        lambda sql, place: (
            sql.spark.sql("SELECT 2 AS b").write.mode("overwrite").option("overwriteSchema", "true").saveAsTable("t")
        ),
        lambda sql, place: (
            sql.spark.table("t")
            .selectExpr("a + 1 AS b")
            .write.option("path", place)
            .mode("overwrite")
            .option("overwriteSchema", "true")
            .saveAsTable("t")
        ),
        lambda sql, place: sql.spark.sql("SELECT 2 AS b").writeTo("t").createOrReplace(),
    ],
    ids=["query", "columns", "without location", "saveAsTable", "saveAsTable of itself", "writeTo"],
)
def test_an_external_table_is_replaced_where_it_lies(sql, tmp_path, replace):
    """It has the new columns and stays external: its files outlive it."""
    place = f"{tmp_path}/t"
    sql(f"CREATE TABLE t USING delta LOCATION '{place}' AS SELECT 1 AS a")
    replace(sql, place)

    assert sql("SELECT b FROM t") == [(2,)]
    told = {row[0]: row[1] for row in sql("DESCRIBE EXTENDED t")}
    assert told["Type"] == "EXTERNAL"
    sql("DROP TABLE t")
    assert sql(f"SELECT * FROM delta.`{place}`") == [(2,)]


def test_an_external_table_is_not_replaced_elsewhere(sql, tmp_path):
    """Delta's own error: a name stays with its files."""
    sql(f"CREATE TABLE t USING delta LOCATION '{tmp_path}/t' AS SELECT 1 AS a")
    statement = f"CREATE OR REPLACE TABLE t USING delta LOCATION '{tmp_path}/u' AS SELECT 2 AS b"

    assert condition(statement, sql) == "DELTA_TABLE_LOCATION_MISMATCH"
    assert sql("SELECT * FROM t") == [(1,)]


def test_a_delta_table_is_made_by_its_path_alone(sql, tmp_path):
    """It has no name in any schema, and is there for all statements that take a path."""
    path = f"delta.`{tmp_path}/t`"
    sql(f"CREATE TABLE {path} (a INT) USING delta")
    sql(f"INSERT INTO {path} VALUES (1)")
    sql(f"CREATE TABLE IF NOT EXISTS {path} (a INT)")
    assert sql(f"SELECT * FROM {path}") == [(1,)]
    assert condition(f"CREATE TABLE {path} (a INT)", sql) == "TABLE_OR_VIEW_ALREADY_EXISTS"

    sql(f"CREATE OR REPLACE TABLE {path} AS SELECT 2 AS b")
    assert sql(f"SELECT b FROM {path}") == [(2,)]
    sql.spark.sql("SELECT 3 AS c").writeTo(path).createOrReplace()
    assert sql(f"SELECT c FROM {path}") == [(3,)]
    assert sql("SHOW TABLES") == []
    assert condition("CREATE TABLE delta.t (a INT)", sql) == "SCHEMA_NOT_FOUND"


def test_views_keep_where_they_were_made(sql):
    """A view's own names mean the catalog and schema in which it was made."""
    sql("CREATE CATALOG prod")
    sql("CREATE SCHEMA prod.s")
    sql("USE prod.s")
    sql("CREATE TABLE t AS SELECT 1 AS a")
    sql("CREATE VIEW v (b COMMENT 'of a') AS SELECT a FROM t")
    sql("USE CATALOG main")

    assert sql("SELECT b FROM prod.s.v") == [(1,)]
    assert sql("SHOW VIEWS IN prod.s") == [("s", "v", False)]
    sql("ALTER VIEW prod.s.v RENAME TO prod.s.w")
    sql("DROP VIEW prod.s.w")
    assert sql("SHOW VIEWS IN prod.s") == []


def test_show_views_lists_temporary_ones(sql):
    """As in any catalog: a temporary view is shown with each schema's own, once, and only where its name fits."""
    sql("CREATE SCHEMA shown")
    sql("CREATE VIEW shown.lasting AS SELECT 1 AS a")
    sql("CREATE TEMPORARY VIEW passing AS SELECT 2 AS a")

    assert sql("SHOW VIEWS IN shown") == [("shown", "lasting", False), ("", "passing", True)]
    assert sql("SHOW VIEWS IN shown LIKE 'pass*'") == [("", "passing", True)]
    assert sql("SHOW VIEWS IN shown LIKE 'last*'") == [("shown", "lasting", False)]
    assert sql("SHOW VIEWS LIKE 'p*|x'") == [("", "passing", True)]
    with pytest.raises(Exception, match="SCHEMA_NOT_FOUND"):
        sql("SHOW VIEWS IN nope")


def test_writing_with_the_dataframe_api(sql):
    """replaceWhere, mergeSchema, writeTo and partitions work on three-level names."""
    spark = sql.spark
    spark.range(4).selectExpr("id", "id % 2 AS p").write.partitionBy("p").saveAsTable("main.default.t")
    new = spark.range(2).selectExpr("id + 10 AS id", "0L AS p")
    new.write.mode("overwrite").option("replaceWhere", "p = 0").saveAsTable("main.default.t")
    assert sorted(sql("SELECT id FROM t")) == [(1,), (3,), (10,), (11,)]
    more = spark.range(1).selectExpr("id", "1L AS p", "5 AS extra")
    more.write.mode("append").option("mergeSchema", "true").saveAsTable("t")
    assert spark.table("t").columns == ["id", "p", "extra"]
    spark.range(1).writeTo("main.default.w").createOrReplace()
    spark.range(1).writeTo("main.default.w").append()

    assert spark.table("main.default.w").count() == 2
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_ALREADY_EXISTS"):
        spark.range(1).write.saveAsTable("w")


def test_streams_read_and_write_tables(sql):
    """A stream from one table into another, once over what is there."""
    spark = sql.spark
    sql("CREATE VOLUME vol")
    sql("CREATE TABLE t AS SELECT 1L AS id")
    stream = spark.readStream.table("t").writeStream.trigger(availableNow=True)
    stream.option("checkpointLocation", "/Volumes/main/default/vol/c").toTable("main.default.u").awaitTermination()

    assert sql("SELECT * FROM u") == [(1,)]


def test_the_catalog_api(sql):
    """spark.catalog tells of catalogs, schemas and tables as the statements do."""
    catalog = sql.spark.catalog
    sql("CREATE CATALOG prod")
    sql("CREATE TABLE t (a INT)")
    assert [one.name for one in catalog.listCatalogs()] == ["hive_metastore", "main", "prod", "spark_catalog"]
    assert [(one.name, one.catalog) for one in catalog.listTables()] == [("t", "main")]
    assert catalog.tableExists("t")
    assert catalog.tableExists("main.default.t")
    assert not catalog.tableExists("prod.default.t")
    catalog.setCurrentCatalog("prod")

    assert catalog.currentCatalog() == "prod"
    assert catalog.listTables() == []


def test_temporary_views_are_listed_with_the_tables(sql):
    """By SHOW TABLES, whose columns have Databricks' names, and by spark.catalog; a pattern holds for them too."""
    catalog = sql.spark.catalog
    sql("CREATE TABLE sales (a INT)")
    sql("CREATE TEMPORARY VIEW sales_now AS SELECT 1 AS a")
    sql("CREATE TEMPORARY VIEW `odd name` AS SELECT 1 AS a")

    assert sql("SHOW TABLES LIKE 'sal*'") == [("default", "sales", False), ("", "sales_now", True)]
    assert sql("SHOW TABLES IN main.default")[-1] == ("", "sales_now", True)
    assert [(one.name, one.catalog, one.isTemporary) for one in catalog.listTables()] == [
        ("sales", "main", False),
        ("odd name", None, True),
        ("sales_now", None, True),
    ]
    assert [one.name for one in catalog.listTables("default", "sal*")] == ["sales", "sales_now"]
    assert [one.name for one in catalog.listTables("hive_metastore.default")] == ["odd name", "sales_now"]


@pytest.mark.parametrize("form", ["delta", "parquet"])
def test_of_two_sessions_that_make_one_table_at_once_one_gets_it(join, form):
    """The other is told that it is there already, and the table holds what the first put into it."""
    sessions = {"a": join("race"), "b": join("race")}
    for spark in sessions.values():
        spark.sql("SELECT 1").collect()
    together = threading.Barrier(2)

    def make(who):
        together.wait()
        try:
            place = "" if form == "delta" else f"LOCATION 'dbfs:/tmp/{who}'"
            sessions[who].sql(f"CREATE TABLE t USING {form} {place} AS SELECT '{who}' AS who")
        except AnalysisException as error:
            return error.getCondition()
        return "made"

    with ThreadPoolExecutor(2) as threads:
        told = dict(zip(sessions, threads.map(make, sessions), strict=True))

    assert min(told.values(), key=len) == "made"
    assert max(told.values(), key=len).endswith("ALREADY_EXISTS")
    assert sessions["a"].table("t").collect() == [(next(who for who, what in told.items() if what == "made"),)]


def test_a_table_that_is_dropped_and_made_again_is_new(sql):
    """Its rows and its history begin anew, whatever format it was."""
    for form in ("delta", "parquet LOCATION 'dbfs:/tmp/t'", "delta"):
        sql(f"CREATE TABLE t USING {form} AS SELECT 1 AS made")
        assert sql("SELECT * FROM t") == [(1,)]
        sql("DROP TABLE t")
    sql("CREATE TABLE t (b INT)")

    assert sql("SELECT * FROM t") == []
    assert len(sql("DESCRIBE HISTORY t")) == 1


@pytest.mark.parametrize("name", ["größe", "it's", 'a"b', "a-b", "x" * 255])
def test_names_that_unity_catalog_takes(sql, name):
    """Names with umlauts, quotes, dashes and of 255 characters are names."""
    sql(f"CREATE SCHEMA `{name}`")
    sql(f"CREATE TABLE `{name}`.`{name}` AS SELECT 1 AS a")

    assert sql(f"SELECT * FROM main.`{name}`.`{name}`") == [(1,)]
    assert [row[1] for row in sql(f"SHOW TABLES IN `{name}`")] == [name]


@pytest.mark.parametrize("name", ["a.b", "a b", "a/b", "x" * 256])
def test_names_that_unity_catalog_refuses(sql, name):
    """Periods, spaces, slashes and 256 characters are refused, in schemas, tables and views alike."""
    assert condition(f"CREATE SCHEMA `{name}`", sql) == "NBH_INVALID_NAME"
    assert condition(f"CREATE TABLE `{name}` (a INT)", sql) == "NBH_INVALID_NAME"
    assert condition(f"CREATE VIEW `{name}` AS SELECT 1 AS a", sql) == "NBH_INVALID_NAME"


def test_parameters_reach_a_statement(sql):
    """Args of spark.sql are bound, which Delta's parser alone doesn't do."""
    sql("CREATE TABLE t AS SELECT 1 AS a")

    assert sql("SELECT a FROM IDENTIFIER(:t) WHERE a = :a", args={"t": "main.default.t", "a": 1}) == [(1,)]
    assert sql("SELECT 1 + ?", args=[5]) == [(6,)]


def test_keys_are_kept_and_not_enforced(sql):
    """Primary keys show in information_schema; checks are Delta's and are enforced."""
    sql("CREATE TABLE t (a INT NOT NULL, CONSTRAINT key PRIMARY KEY (a))")
    sql("INSERT INTO t VALUES (1), (1)")
    keys = "SELECT constraint_name, constraint_type, enforced FROM information_schema.table_constraints"
    assert sql(keys) == [("key", "PRIMARY KEY", "NO")]
    sql("ALTER TABLE t DROP CONSTRAINT key")
    assert sql(keys) == []
    sql("ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)")

    assert condition("INSERT INTO t VALUES (-1)", sql) == "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES"
