"""Statements as notebooks on Databricks write them: each does what it does there, or says that it can't."""

from __future__ import annotations

import pytest


def condition(statement, sql, **options):
    """What the error that this statement gives is called."""
    with pytest.raises(Exception, match=r".") as caught:
        sql(statement, **options)
    return caught.value.getCondition()


def test_parameters_in_statements_of_databricks(sql):
    """Named and positional ones, in names and in strings; one that isn't given, is NULL or no string is an error."""
    sql("CREATE SCHEMA IF NOT EXISTS IDENTIFIER(:c || '.s')", args={"c": "main"})
    sql("CREATE VOLUME IDENTIFIER(:v) COMMENT :about", args={"v": "main.s.vol", "about": "it's"})
    sql("CREATE TABLE IDENTIFIER(:t) (a INT)", args={"t": "main.s.t"})
    sql("GRANT SELECT ON TABLE IDENTIFIER(:s).t TO `eng`", args={"s": "main.s"})
    sql("USE CATALOG IDENTIFIER(?)", args=["hive_metastore"])
    assert sql("SELECT current_catalog()") == [("spark_catalog",)]
    sql("USE CATALOG :c", args={"c": "main"})

    assert sql("SHOW VOLUMES IN IDENTIFIER(:c || '.s')", args={"c": "main"}) == [("s", "vol")]
    assert sql("DESCRIBE VOLUME IDENTIFIER(?)", args=["main.s.vol"])[0][-1] == "it's"
    assert sql("SHOW GRANTS ON TABLE IDENTIFIER(?)", args=["main.s.t"]) == [("eng", "SELECT", "TABLE", "main.s.t")]
    assert condition("USE CATALOG IDENTIFIER(:c)", sql, args={"other": "main"}) == "UNBOUND_SQL_PARAMETER"
    assert condition("USE CATALOG IDENTIFIER(:c)", sql) == "UNBOUND_SQL_PARAMETER"
    assert condition("USE CATALOG IDENTIFIER(:c)", sql, args={"c": None}) == "NOT_A_CONSTANT_STRING.NULL"
    assert condition("USE CATALOG IDENTIFIER(:c)", sql, args={"c": 5}) == "NOT_A_CONSTANT_STRING.WRONG_TYPE"


@pytest.mark.parametrize(
    "text",
    [
        "-- at 12:30\nOPTIMIZE t",
        "-- is it there?\nVACUUM t",
        "/* a: b */ RESTORE TABLE t TO VERSION AS OF 0",
        "OPTIMIZE t WHERE '1:2' <> '?'",
    ],
)
def test_a_mark_in_a_comment_is_no_parameter(sql, text):
    """Of Delta's own statements too, which Spark's grammar hasn't; nor is one in a literal."""
    sql("CREATE TABLE t (a INT)")

    sql(text)

    assert sql("SELECT count(*) FROM t") == [(0,)]


def test_variables_and_immediate_statements(sql):
    """Session variables stand for names, and EXECUTE IMMEDIATE runs our statements, in a script too."""
    sql("CREATE TABLE t (a INT)")
    sql("DECLARE VARIABLE where STRING DEFAULT 'main.default'")
    sql("CREATE VOLUME IDENTIFIER(where || '.vol')")
    assert sql("SHOW VOLUMES IN IDENTIFIER(where)") == [("default", "vol")]
    sql("EXECUTE IMMEDIATE 'GRANT SELECT ON TABLE IDENTIFIER(:t) TO a' USING 'main.default.t' AS t")
    sql("EXECUTE IMMEDIATE 'GRANT SELECT ON TABLE IDENTIFIER(?) TO b' USING 'main.default.t'")
    assert sql("BEGIN DECLARE x INT DEFAULT 1; EXECUTE IMMEDIATE 'GRANT SELECT ON t TO c'; SELECT x + 1; END") == [(2,)]
    assert [row[0] for row in sql("SHOW GRANTS ON t")] == ["a", "b", "c"]

    with pytest.raises(Exception, match=r"NBH_IN_SCRIPT.*EXECUTE IMMEDIATE 'GRANT"):
        sql("BEGIN DECLARE x INT DEFAULT 1; IF x = 1 THEN GRANT SELECT ON t TO d; END IF; END")
    for statement, said in (("OPTIMIZE t", "OPTIMIZE"), ("ALTER TABLE t OWNER TO a", "ALTER TABLE ... OWNER TO")):
        sql(f"BEGIN EXECUTE IMMEDIATE '{statement}'; END")
        with pytest.raises(Exception, match=rf"NBH_IN_SCRIPT.*EXECUTE IMMEDIATE '{said}"):
            sql(f"BEGIN SELECT 1; {statement}; END")
    with pytest.raises(Exception, match="PARSE_SYNTAX_ERROR"):
        sql("BEGIN ALTER TABLE t ADD COLUMN; SELECT 1 AS a b; END")


def test_named_arguments_and_defaults(sql):
    """In functions of SQL, of tables and of Python; what is wrong is told as Spark tells it of its own functions."""
    for catalog in ("main", "spark_catalog"):
        sql(f"CREATE FUNCTION {catalog}.default.f(a INT, b INT DEFAULT 10) RETURNS INT RETURN a - b")
    sql("CREATE FUNCTION pair(n INT DEFAULT 2) RETURNS TABLE (x INT) RETURN SELECT n UNION ALL SELECT n + 1")
    sql("CREATE FUNCTION py(a INT, b STRING DEFAULT 'd') RETURNS STRING LANGUAGE PYTHON AS $$ return f'{a}{b}' $$")

    assert sql("SELECT f(1), f(1, 2), main.default.f(b => 2, a => 1), f(1, b => 3)") == [(-9, -1, -1, -2)]
    assert sql("SELECT * FROM pair()") == [(2,), (3,)]
    assert sql("SELECT * FROM pair(n => 7)") == [(7,), (8,)]
    assert sql("SELECT py(1), py(b => 'z', a => 3)") == [("1d", "3z")]
    for call in ("f()", "f(1, 2, 3)", "f(x => 1)", "f(a => 1, a => 2)", "f(b => 2, 1)"):
        ours = condition(f"SELECT main.default.{call}", sql)
        assert ours == condition(f"SELECT spark_catalog.default.{call}", sql), call


def test_analyze_and_repair_look_at_what_they_name(sql):
    """They have no result and change no answer, but a table, column or partition that isn't there is an error."""
    sql("CREATE TABLE t (a INT, b INT)")
    sql("CREATE TABLE p (a INT, p STRING) USING parquet PARTITIONED BY (p) LOCATION 'dbfs:/tmp/p'")
    sql("CREATE VIEW v AS SELECT 1 AS a")
    for statement in (
        "ANALYZE TABLE t COMPUTE STATISTICS",
        "ANALYZE TABLE main.default.t COMPUTE DELTA STATISTICS",
        "ANALYZE TABLE t COMPUTE STATISTICS FOR COLUMNS a, B",
        "ANALYZE TABLE t COMPUTE STATISTICS FOR ALL COLUMNS",
        "ANALYZE TABLE p PARTITION (p = 'x') COMPUTE STATISTICS NOSCAN",
        "ANALYZE TABLES IN main.default COMPUTE STATISTICS",
        "MSCK REPAIR TABLE p SYNC PARTITIONS",
        "ALTER TABLE p RECOVER PARTITIONS",
        "MSCK REPAIR TABLE t SYNC METADATA",
    ):
        assert sql(statement) == []
    for statement, error in {
        "ANALYZE TABLE nope COMPUTE STATISTICS": "TABLE_OR_VIEW_NOT_FOUND",
        "ANALYZE TABLE nope.x.t COMPUTE STATISTICS": "TABLE_OR_VIEW_NOT_FOUND",
        "ANALYZE TABLE v COMPUTE STATISTICS": "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE",
        "ANALYZE TABLE t COMPUTE STATISTICS FOR COLUMNS nope": "COLUMN_NOT_FOUND",
        "ANALYZE TABLE p PARTITION (a = 1) COMPUTE STATISTICS": "COLUMN_NOT_FOUND",
        "ANALYZE TABLES IN nope COMPUTE STATISTICS": "SCHEMA_NOT_FOUND",
        "MSCK REPAIR TABLE t": "DELTA_OPERATION_NOT_ALLOWED",
        "MSCK REPAIR TABLE nope": "TABLE_OR_VIEW_NOT_FOUND",
    }.items():
        assert condition(statement, sql) == error, statement


def test_subqueries_in_delete_and_update(sql):
    """One that doesn't look at the row is run first, and keeps its meaning with NULLs; others say what to write."""
    sql("CREATE TABLE t AS SELECT id, 'n' || id AS name FROM range(5)")
    sql("DELETE FROM t WHERE id = (SELECT max(id) FROM t)")
    sql("UPDATE t SET name = (SELECT min(name) FROM t) WHERE id IN (SELECT 1 UNION ALL SELECT 2)")
    assert sorted(sql("SELECT * FROM t")) == [(0, "n0"), (1, "n0"), (2, "n0"), (3, "n3")]
    sql("DELETE FROM t WHERE id NOT IN (SELECT 1 UNION ALL SELECT NULL)")
    assert sql("SELECT count(*) FROM t") == [(4,)]
    sql("DELETE FROM t WHERE id NOT IN (SELECT id FROM t WHERE id > 1) OR NOT EXISTS (SELECT 1)")

    assert sorted(sql("SELECT id FROM t")) == [(2,), (3,)]
    assert condition("DELETE FROM t WHERE id = (SELECT id FROM t)", sql) == "SCALAR_SUBQUERY_TOO_MANY_ROWS"
    correlated = "DELETE FROM t AS a WHERE EXISTS (SELECT 1 FROM t AS b WHERE b.id = a.id + 1)"
    assert condition(correlated, sql) == "NBH_DATABRICKS_ONLY"


@pytest.mark.parametrize("mode", ["error", "append", "overwrite"])
def test_cluster_by_of_the_dataframe_api(sql, mode):
    """Both writers make what CLUSTER BY does, anew and in a table's place: https://docs.databricks.com/delta/clustering."""
    frame = sql.spark.createDataFrame([(1, "a")], "id int, name string")
    frame.write.mode(mode).clusterBy("id").saveAsTable("t")
    frame.write.mode("overwrite").clusterBy("name", "id").saveAsTable("t")
    frame.writeTo("u").using("delta").clusterBy("id").create()
    frame.writeTo("v").using("delta").clusterBy("id").createOrReplace()
    sql("ALTER TABLE v CLUSTER BY (name)")

    told = [sql.spark.sql(f"DESCRIBE DETAIL {name}").first().clusteringColumns for name in ("t", "u", "v")]
    assert told == [["name", "id"], ["id"], ["name"]]
    assert sql("SELECT * FROM t UNION SELECT * FROM u UNION SELECT * FROM v") == [(1, "a")]


def test_what_databricks_spells_otherwise(sql):
    """Time travel by @, CLUSTER BY AUTO, MANAGED LOCATION, FOREIGN KEY on a column, settings by Databricks' names."""
    sql("CREATE TABLE t AS SELECT 1 AS id")
    sql("INSERT INTO t VALUES (2)")
    assert sql("SELECT count(*), 'x@v0' FROM t@v0 AS a WHERE a.id = :i", args={"i": 1}) == [(1, "x@v0")]
    assert condition("SELECT * FROM t@v9", sql) == "DELTA_VERSION_NOT_FOUND"
    with pytest.raises(Exception, match="versionAsOf"):
        sql.spark.table("t@v0").collect()
    sql("CREATE OR REPLACE TABLE c CLUSTER BY AUTO AS SELECT 1 AS id")
    sql("ALTER TABLE c CLUSTER BY AUTO")
    assert condition("ALTER TABLE nope CLUSTER BY AUTO", sql) == "TABLE_OR_VIEW_NOT_FOUND"
    sql("CREATE TABLE k (id INT NOT NULL PRIMARY KEY)")
    sql("CREATE TABLE f (id INT FOREIGN KEY REFERENCES k (id))")
    assert "FOREIGN KEY (id) REFERENCES main.default.k (id)" in sql("SHOW CREATE TABLE f")[0][0]
    sql("COMMENT ON COLUMN k.id IS 'the key'")
    assert sql("DESCRIBE k") == [("id", "int", "the key")]
    sql("SET ANSI_MODE = false")
    sql("SET timezone = 'Asia/Tokyo'")

    assert sql("SELECT current_timezone(), 1 / 0") == [("Asia/Tokyo", None)]


def test_reset_leaves_the_tables(sql):
    """It puts back the settings that the session began with; those by which the harness knows the session stay."""
    sql("CREATE TABLE t AS SELECT 1 AS a")
    sql("CREATE CATALOG prod")
    sql("SET my.own = 1")
    sql("SET spark.sql.ansi.enabled = false")

    sql("RESET")

    assert sql("SELECT * FROM t") == [(1,)]
    assert sql("SHOW CATALOGS LIKE 'prod'") == [("prod",)]
    assert sql("SET my.own")[0][1] == "<undefined>"
    assert sql("SET spark.sql.ansi.enabled")[0][1] == "true"


def test_show_create_table_can_be_run_again(sql):
    """Generated, identity and default columns, keys, checks, clustering and odd names are in it; LIKE copies clustering."""
    sql(
        "CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 9 INCREMENT BY 5), d DATE NOT NULL COMMENT 'it''s',"
        " y INT GENERATED ALWAYS AS (year(d)), n INT DEFAULT 7, `a b` INT, CONSTRAINT pk PRIMARY KEY (d)) CLUSTER BY (d, n)"
        " TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported', 'delta.columnMapping.mode' = 'name')"
    )
    sql("ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0)")
    told = sql("SHOW CREATE TABLE t")[0][0]
    sql("DROP TABLE t")

    sql(told)

    assert sql("SHOW CREATE TABLE t") == [(told,)]
    assert "CLUSTER BY (d, n)" in told
    sql("INSERT INTO t (d) VALUES (DATE '2026-03-01')")
    assert sql("SELECT id, y, n FROM t") == [(9, 2026, 7)]
    sql("CREATE TABLE u LIKE t TBLPROPERTIES ('who' = 'me', delta.appendOnly = true)")
    like = sql("SHOW CREATE TABLE u")[0][0]
    for part in ("CLUSTER BY (d, n)", "'who' = 'me'", "'delta.appendOnly' = 'true'", "`a b` INT"):
        assert part in like


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("CREATE TABLE u DEEP CLONE t", "CREATE TABLE ... DEEP CLONE"),
        ("CREATE OR REPLACE TABLE main.default.u CLONE t VERSION AS OF 0", "CREATE TABLE ... DEEP CLONE"),
        ("INSERT INTO t REPLACE USING (a) SELECT 1", "INSERT INTO ... REPLACE USING"),
        ("DESCRIBE EXTENDED t AS JSON", "DESCRIBE TABLE ... AS JSON"),
        ("SHOW TABLES DROPPED", "SHOW TABLES DROPPED"),
        ("FSCK REPAIR TABLE t", "FSCK"),
        ("ALTER TABLE t SET MANAGED", "ALTER TABLE ... SET MANAGED"),
        ("CREATE PROCEDURE p() LANGUAGE SQL AS BEGIN SELECT 1; END", "CREATE PROCEDURE"),
        ("CALL main.default.p(1)", "CALL"),
        ("BEGIN IF 1 > 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'x'; END IF; END", "SIGNAL"),
        ("BEGIN DECLARE EXIT HANDLER FOR DIVIDE_BY_ZERO BEGIN RESIGNAL; END; SELECT 1 / 0; END", "RESIGNAL"),
        (
            "BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN GET DIAGNOSTICS CONDITION 1 m = MESSAGE_TEXT; END; END",
            "GET DIAGNOSTICS",
        ),
        ("BEGIN COPY INTO t FROM '/x' FILEFORMAT = CSV; END", "COPY INTO"),
        ("BEGIN SELECT 1; ALTER TABLE t SET TAGS ('a' = 'b'); END", "ALTER TABLE ... SET TAGS"),
        ("GRANT SELECT ON ANY FILE TO x", "ANY FILE"),
        ("CREATE TABLE u (a INT) USING iceberg", "iceberg"),
        ("CREATE SCHEMA s MANAGED LOCATION 'abfss://c@a/x'", "abfss://c@a/x"),
        ("SELECT * FROM read_files('/Volumes/x')", "read_files"),
        ("SELECT * FROM cloud_files('/Volumes/x', 'json')", "cloud_files"),
        ("CREATE OR REPLACE TABLE u (a STRING COMMENT 'x' MASK f USING COLUMNS (b), b INT)", "MASK of a column"),
        ("ALTER TABLE t ADD COLUMN c STRING MASK main.default.f", "MASK of a column"),
        ("BEGIN ATOMIC INSERT INTO t VALUES (1); END", "BEGIN ATOMIC"),
        ("BEGIN TRANSACTION", "BEGIN TRANSACTION"),
        ("COMMIT", "COMMIT"),
        ("ROLLBACK WORK", "ROLLBACK"),
        ("SET QUERY_TAGS['team'] = 'x'", "SET QUERY_TAGS"),
        ("SHOW ALL IN SHARE s", "SHOW ALL IN SHARE"),
        ("SELECT is_member('x')", "is_member"),
        ("SELECT current_version().dbr_version", "current_version"),
        ("SELECT charindex('a', 'ba')", "charindex"),
        ("SELECT getdate()", "getdate"),
        ("SELECT iff(true, 1, 2)", "iff"),
        ("SELECT * FROM samples.nyctaxi.trips", "samples"),
        ("SELECT ai_query('m', 'x')", "ai_query"),
        ("SELECT * FROM system.information_schema.tables", "system"),
    ],
)
def test_what_only_databricks_has_says_so(sql, statement, what):
    """None is a syntax error, an inner name or nothing at all."""
    sql("CREATE TABLE t (a INT)")

    with pytest.raises(Exception, match="NBH_DATABRICKS_ONLY") as caught:
        sql(statement)

    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("CREATE SCHEMA nope.x", "NO_SUCH_CATALOG_EXCEPTION"),
        ("CREATE TABLE nope.x.y (a INT)", "NO_SUCH_CATALOG_EXCEPTION"),
        ("CREATE TABLE nope.y (a INT)", "SCHEMA_NOT_FOUND"),
        ("CREATE VIEW nope.y AS SELECT 1 AS a", "SCHEMA_NOT_FOUND"),
        ("CREATE VOLUME nope.y", "SCHEMA_NOT_FOUND"),
        ("USE nope.x", "SCHEMA_NOT_FOUND"),
        ("DROP SCHEMA nope", "SCHEMA_NOT_FOUND"),
        ("INSERT INTO nope.y VALUES (1)", "TABLE_OR_VIEW_NOT_FOUND"),
        ("DROP TABLE nope.y", "TABLE_OR_VIEW_NOT_FOUND"),
        ("CREATE TABLE t (a INT) USING nonsense", "DATA_SOURCE_NOT_FOUND"),
        ("CREATE EXTERNAL TABLE t (a INT)", "NBH_SYNTAX"),
    ],
)
def test_what_was_not_there_is_told(sql, statement, error):
    """A catalog, schema, table or format that isn't there, and a location that is missing."""
    assert condition(statement, sql) == error
