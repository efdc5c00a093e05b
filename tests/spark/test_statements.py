from __future__ import annotations

import pytest


def refusal(statement, sql):
    """The text of the error that this statement gives."""
    with pytest.raises(Exception, match=r".") as caught:
        sql(statement)
    return caught.value


def test_volumes_are_folders_under_both_names(sql):
    """What is written under /Volumes is read as dbfs:/Volumes, by the API and in SQL, and shows the name that was asked."""
    spark = sql.spark
    sql("CREATE VOLUME vol COMMENT 'files'")
    assert sql("SHOW VOLUMES") == [("default", "vol")]
    spark.range(3).write.parquet("/Volumes/main/default/vol/x")
    spark.range(4).write.format("delta").save("/Volumes/main/default/vol/d")

    assert spark.read.parquet("dbfs:/Volumes/main/default/vol/x").count() == 3
    assert sql("SELECT count(*) FROM delta.`/Volumes/main/default/vol/d`") == [(4,)]
    file = spark.read.parquet("/Volumes/main/default/vol/x").selectExpr("input_file_name()").first()[0]
    assert file.startswith("file:/Volumes/main/default/vol/x/part-")
    folder = sql("DESCRIBE VOLUME vol")[0][4]
    sql("DROP VOLUME vol")
    assert refusal("DESCRIBE VOLUME vol", sql).getCondition() == "NBH_VOLUME_NOT_FOUND"
    with pytest.raises(Exception, match="PATH_NOT_FOUND"):
        spark.read.parquet(folder).count()


def test_a_volume_that_was_not_made_has_no_path(sql):
    """A path below /Volumes without its volume is Spark's own error."""
    with pytest.raises(Exception, match=r"PATH_NOT_FOUND.*/Volumes/main/default/nope/x"):
        sql.spark.read.parquet("/Volumes/main/default/nope/x").count()


def test_an_external_volume_keeps_its_files(sql, tmp_path):
    """It is the folder that was given, and stays when it is dropped."""
    sql(f"CREATE EXTERNAL VOLUME vol LOCATION '{tmp_path}'")
    sql.spark.range(1).write.json("/Volumes/main/default/vol/j")
    sql("DROP VOLUME vol")

    assert list(tmp_path.glob("j/part-*.json"))


def test_two_spaces_have_each_their_own_dbfs(join):
    """dbfs:/tmp of one session isn't another's."""
    one, two = join("one"), join("two")
    for spark, rows in ((one, 1), (two, 2)):
        spark.sql("SELECT 1")
        spark.range(rows).write.parquet("dbfs:/tmp/x")

    assert one.read.parquet("dbfs:/tmp/x").count() == 1
    assert two.read.parquet("dbfs:/tmp/x").count() == 2


def test_what_one_space_knows_of_a_path_no_other_takes_for_its_own(join):
    """Spark's cache, and Delta's, are one for all sessions; two test processes read dbfs:/tmp/x at once."""
    sessions = [join("space-one"), join("space-two")]
    for rows, spark in enumerate(sessions, start=1):
        spark.range(rows).write.parquet("dbfs:/tmp/x")
        spark.range(rows).write.format("delta").save("dbfs:/tmp/d")
        for frame in (spark.read.parquet("dbfs:/tmp/x"), spark.read.format("delta").load("dbfs:/tmp/d")):
            frame.cache().count()

    for rows, spark in enumerate(sessions, start=1):
        assert spark.read.parquet("dbfs:/tmp/x").count() == rows
        assert spark.read.format("delta").load("dbfs:/tmp/d").count() == rows


def test_settings_stand_in_our_statements_too(sql):
    """``${name}`` is a setting's value, as in Spark's own; a notebook that keeps its widgets there has no other way in SQL."""
    sql("SET my.name = landing")
    sql("CREATE VOLUME ${my.name}_files COMMENT 'of ${my.name}'")
    sql("GRANT READ VOLUME ON VOLUME ${my.name}_files TO `ann`")

    assert sql("SHOW VOLUMES LIKE '${my.name}*'") == [("default", "landing_files")]


def test_grants_are_recorded_and_shown(sql):
    """SHOW GRANTS tells what was granted here and above, until it is revoked."""
    sql("CREATE TABLE t (a INT)")
    sql("GRANT SELECT, MODIFY ON TABLE t TO `data eng`")
    sql("GRANT USE CATALOG ON CATALOG main TO `a@b.c`")
    assert sql("SHOW GRANTS ON TABLE t") == [
        ("a@b.c", "USE CATALOG", "CATALOG", "main"),
        ("data eng", "MODIFY", "TABLE", "main.default.t"),
        ("data eng", "SELECT", "TABLE", "main.default.t"),
    ]
    sql("REVOKE MODIFY ON TABLE t FROM `data eng`")
    assert sql("SHOW GRANTS `data eng` ON t") == [("data eng", "SELECT", "TABLE", "main.default.t")]
    assert sql("SELECT grantee, privilege_type FROM information_schema.table_privileges") == [("data eng", "SELECT")]
    sql("DROP TABLE t")
    sql("CREATE TABLE t (a INT)")

    assert sql("SHOW GRANTS `data eng` ON t") == []
    assert refusal("GRANT SELECT ON TABLE nope TO x", sql).getCondition() == "TABLE_OR_VIEW_NOT_FOUND"


def test_owners_are_recorded_and_shown(sql):
    """ALTER … OWNER TO shows in information_schema."""
    sql("CREATE SCHEMA s")
    sql("CREATE TABLE s.t (a INT)")
    sql("ALTER TABLE s.t SET OWNER TO `eng`")
    sql("ALTER SCHEMA s OWNER TO bob")

    assert sql("SELECT table_owner FROM information_schema.tables") == [("eng",)]
    assert sql("SELECT schema_owner FROM information_schema.schemata WHERE schema_name = 's'") == [("bob",)]


def test_information_schema_tells_what_there_is(sql):
    """Tables, columns, views, volumes and functions of this catalog, with Databricks' column names."""
    sql("CREATE TABLE t (a INT COMMENT 'first', b DECIMAL(10, 2))")
    sql("CREATE VIEW v AS SELECT a FROM t")
    sql("CREATE VOLUME vol")
    sql("CREATE FUNCTION f(x INT) RETURNS INT RETURN x")
    schema = "main.information_schema"

    assert sql(f"SELECT table_name, table_type, data_source_format FROM {schema}.tables") == [
        ("t", "MANAGED", "DELTA"),
        ("v", "VIEW", None),
    ]
    assert sql(
        f"SELECT column_name, ordinal_position, full_data_type, comment FROM {schema}.columns WHERE table_name = 't'"
    ) == [
        ("a", 0, "int", "first"),
        ("b", 1, "decimal(10,2)", None),
    ]
    assert sql(f"SELECT table_name, view_definition FROM {schema}.views") == [("v", "SELECT a FROM t")]
    assert sql(f"SELECT volume_name, volume_type FROM {schema}.volumes") == [("vol", "MANAGED")]
    assert sql(f"SELECT routine_name, data_type FROM {schema}.routines") == [("f", "INT")]
    assert sql(f"SELECT catalog_name FROM {schema}.catalogs") == [("main",)]
    assert len(sql("SELECT current_metastore()")) == 1


def test_sql_functions(sql):
    """Scalar and table functions by any name that leads to them, in SQL, in a view and in the DataFrame API."""
    from pyspark.sql.connect.functions import call_function

    sql("CREATE SCHEMA s")
    sql("CREATE FUNCTION s.plus(x INT) RETURNS INT COMMENT 'one more' RETURN x + 1")
    sql("CREATE FUNCTION s.pair(n INT) RETURNS TABLE (a INT, b STRING) RETURN SELECT n, 'x' UNION ALL SELECT n + 1, 'y'")
    sql("CREATE TABLE t AS SELECT 1 AS id")
    assert sql("SELECT main.s.plus(id), s.plus(5) FROM t") == [(2, 6)]
    assert sql("SELECT * FROM s.pair(5)") == [(5, "x"), (6, "y")]
    assert sql.spark.table("t").select(call_function("main.s.plus", "id")).collect() == [(2,)]
    assert sql.spark.table("t").selectExpr("s.plus(id)").collect() == [(2,)]
    sql("USE s")
    sql("CREATE VIEW v AS SELECT plus(id) AS n FROM main.default.t")
    sql("USE default")
    assert sql("SELECT n FROM s.v") == [(2,)]
    assert sql("SHOW USER FUNCTIONS IN s") == [("main.s.pair",), ("main.s.plus",)]
    sql("DROP FUNCTION s.plus")

    assert refusal("SELECT s.plus(1)", sql).getCondition() == "UNRESOLVED_ROUTINE"
    assert refusal("CREATE FUNCTION s.bad(x INT) RETURNS INT RETURN nope(x)", sql).getCondition() == "UNRESOLVED_ROUTINE"


def test_a_functions_parameter_may_stand_where_spark_takes_it(sql):
    """In GROUP BY, in what is selected and sorted by, and in a join: as Spark's own CREATE FUNCTION, in its own catalog."""
    sql("CREATE TABLE costs AS SELECT map('team', 'a') AS tags, 2 AS cost UNION ALL SELECT map('env', 'b'), 3")
    by_tag = (
        "SELECT coalesce(tags[k], 'none') AS tag, sum(cost) AS total FROM main.default.costs "
        "GROUP BY 1 ORDER BY if(k = 'env', -1, 1) * total"
    )
    sql(f"CREATE FUNCTION by_tag(k STRING) RETURNS TABLE (tag STRING, total BIGINT) RETURN {by_tag}")
    sql(f"CREATE FUNCTION by_tag_too(k STRING) RETURNS TABLE RETURN WITH found AS ({by_tag}) SELECT *, k AS asked FROM found")

    assert sql("SELECT * FROM by_tag('team')") == [("a", 2), ("none", 3)]
    assert sql("SELECT * FROM by_tag('env')") == [("b", 3), ("none", 2)]
    assert sql("SELECT asked, sum(total) FROM by_tag_too('env') GROUP BY asked") == [("env", 5)]


def test_what_a_function_names_lies_where_it_was_made(sql, tmp_path):
    """Whoever calls it, and whatever the old metastore has of that name: tables, other functions, and what a query holds."""
    sql("CREATE SCHEMA s")
    sql("CREATE SCHEMA other")
    for number, schema in enumerate(["s", "other", "spark_catalog.default"]):
        sql(f"CREATE TABLE {schema}.costs AS SELECT {number} AS cost")
    sql.spark.range(7, 8).write.parquet(f"file:{tmp_path}/rows")
    sql("USE s")
    sql("CREATE FUNCTION one(k INT) RETURNS INT RETURN (SELECT max(cost) FROM costs WHERE cost < k)")
    sql("CREATE FUNCTION other.all_of() RETURNS TABLE RETURN WITH x AS (SELECT cost FROM costs) SELECT cost, one(9) FROM x")
    sql(f"CREATE FUNCTION of_file() RETURNS TABLE (id BIGINT) RETURN SELECT id FROM parquet.`file:{tmp_path}/rows`")

    for schema in ("main.s", "main.other", "spark_catalog.default"):
        sql(f"USE {schema}")
        assert sql("SELECT main.s.one(9)") == [(0,)]
        assert sql("SELECT * FROM main.other.all_of()") == [(0, 0)]
        assert sql("SELECT * FROM main.s.of_file()") == [(7,)]


@pytest.mark.parametrize(
    ("body", "condition"),
    [
        ("SELECT nothing FROM costs", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        ("SELECT cost FROM nothing", "TABLE_OR_VIEW_NOT_FOUND"),
        ("SELECT cost FROM costs GROUP BY k", "MISSING_AGGREGATION"),
        ("SELECT cost FROM costs LIMIT k", "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE"),
        (
            "SELECT max(if(cost > k, 1, 0)) FROM costs",
            "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.AGGREGATE_FUNCTION_MIXED_OUTER_LOCAL_REFERENCES",
        ),
        ("SELECT (cost FROM costs", "PARSE_SYNTAX_ERROR"),
    ],
)
def test_a_functions_body_is_checked_when_it_is_made(sql, body, condition):
    """As Spark's own CREATE FUNCTION checks it: with the same conditions, and nothing is made."""
    sql("CREATE TABLE costs AS SELECT 2 AS cost")

    error = refusal(f"CREATE FUNCTION f(k INT) RETURNS TABLE (cost INT) RETURN {body}", sql)

    assert error.getCondition() == condition
    assert sql("SHOW USER FUNCTIONS") == []


def test_python_functions(sql):
    """The body runs in a real Python worker, with arguments of the declared types."""
    sql(
        "CREATE FUNCTION label(n INT, s STRING) RETURNS STRING LANGUAGE PYTHON AS $$\n"
        'def twice(x):\n    return x * 2\n\nreturn f"{s}\'{twice(n)}"\n$$'
    )

    assert sql("SELECT label(id, 'ü') FROM range(2)") == [("ü'0",), ("ü'2",)]
    assert refusal("SELECT label(1)", sql).getCondition() == "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"


@pytest.mark.parametrize("name", ["net-price", "class"])
def test_a_python_function_may_have_a_name_that_is_none_of_pythons(sql, name):
    """As on Databricks, where only Unity Catalog's rules are names' own."""
    sql(f"CREATE FUNCTION `{name}`(n INT) RETURNS INT LANGUAGE PYTHON AS 'return n + 1'")

    assert sql(f"SELECT `{name}`(1)") == [(2,)]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("COPY INTO t FROM '/x' FILEFORMAT = CSV", "COPY INTO"),
        ("-- a comment\ncreate or refresh streaming table t as select 1;", "CREATE OR REFRESH STREAMING TABLE"),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", "CREATE MATERIALIZED VIEW"),
        ("CREATE CONNECTION c TYPE mysql", "CREATE CONNECTION"),
        ("CREATE SHARE s", "CREATE SHARE"),
        ("CREATE OR REPLACE POLICY p ON SCHEMA s COLUMN MASK f", "CREATE OR REPLACE POLICY"),
        ("CREATE EXTERNAL LOCATION l URL 's3://x'", "CREATE EXTERNAL LOCATION"),
        ("CREATE STORAGE CREDENTIAL c", "CREATE STORAGE CREDENTIAL"),
        ("ALTER TABLE t SET TAGS ('a' = 'b')", "ALTER TABLE ... SET TAGS"),
        ("ALTER TABLE t SET ROW FILTER f ON (a)", "ALTER TABLE ... SET ROW FILTER"),
        ("ALTER TABLE t ALTER COLUMN a SET MASK f", "ALTER TABLE ... SET MASK"),
        ("UNDROP TABLE t", "UNDROP"),
        ("DENY SELECT ON TABLE t TO x", "DENY"),
        ("SHOW SHARES", "SHOW SHARES"),
        ("LIST '/Volumes/main/default/vol'", "LIST"),
    ],
)
def test_what_only_databricks_can_do_is_refused_by_name(sql, statement, kind):
    """The error names the statement and says that it is Databricks only."""
    error = refusal(statement, sql)

    assert error.getCondition() == "NBH_DATABRICKS_ONLY"
    assert f"The statement {kind} is Databricks only" in str(error)


def test_a_mistake_in_one_of_our_statements_is_told(sql):
    """The error says what was expected and what was found."""
    error = refusal("CREATE VOLUME vol LOCATION '/x' OOPS", sql)

    assert error.getCondition() == "NBH_SYNTAX"
    assert "CREATE VOLUME: expected the end of the statement, found 'OOPS'" in str(error)


def test_words_of_ours_in_other_statements_are_sparks(sql):
    """Statements that only hold such words go to Spark as they are."""
    sql("CREATE TABLE grant AS SELECT 1 AS volume, 'USE CATALOG x' AS list")

    assert sql("SELECT volume, list FROM grant WHERE list LIKE 'USE%'") == [(1, "USE CATALOG x")]


@pytest.mark.parametrize(
    ("statement", "condition"),
    [
        ("CREATE TABLE f (a INT) USING parquet", "UC_DATASOURCE_NOT_SUPPORTED"),
        ("CREATE OR REPLACE TABLE f USING json AS SELECT 1 AS a", "UC_DATASOURCE_NOT_SUPPORTED"),
        ("CREATE TABLE f (a INT) USING binaryFile LOCATION 'dbfs:/tmp/f'", "UC_DATASOURCE_NOT_SUPPORTED"),
        ("CREATE TABLE f (a INT) STORED AS ORC", "UC_DATASOURCE_NOT_SUPPORTED"),
        ("CREATE TABLE f (a INT) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','", "UC_DATASOURCE_NOT_SUPPORTED"),
        ("CREATE TABLE f (a INT) LOCATION '/Volumes/main/default/vol/f'", "NBH_LOCATION_IN_VOLUME"),
        ("CREATE TABLE f USING csv LOCATION 'dbfs:/Volumes/main/default/vol/f' AS SELECT 1 AS a", "NBH_LOCATION_IN_VOLUME"),
        ("CREATE SCHEMA more LOCATION 'dbfs:/tmp/more'", "UC_COMMAND_NOT_SUPPORTED"),
        ("CREATE SCHEMA IF NOT EXISTS main.more COMMENT 'x' LOCATION '/tmp/more'", "UC_COMMAND_NOT_SUPPORTED"),
        ("ALTER SCHEMA default SET LOCATION '/tmp/more'", "UC_COMMAND_NOT_SUPPORTED"),
        ("GRANT SELECTS ON TABLE t TO x", "NBH_INVALID_PRIVILEGE"),
        ("GRANT USAGE ON SCHEMA default TO x", "NBH_INVALID_PRIVILEGE"),
        ("GRANT SELECT, CREATE TABLE ON TABLE t TO x", "NBH_INVALID_PRIVILEGE"),
        ("GRANT USE CATALOG ON SCHEMA default TO x", "NBH_INVALID_PRIVILEGE"),
        ("REVOKE READ VOLUME ON TABLE t FROM x", "NBH_INVALID_PRIVILEGE"),
    ],
)
def test_what_unity_catalog_does_not_take(sql, statement, condition):
    """Its pages exclude it, and open-source Spark doesn't: nothing is made, and nothing written."""
    sql("CREATE TABLE t (a INT)")
    sql("CREATE VOLUME vol")

    assert refusal(statement, sql).getCondition() == condition
    assert sql("SHOW TABLES") == [("default", "t", False)]
    assert sql("SHOW SCHEMAS LIKE 'more'") == []
    assert sql("SHOW GRANTS ON TABLE t") == []


def test_what_the_old_metastore_takes(sql):
    """Other formats, locations and privileges."""
    sql("CREATE SCHEMA hive_metastore.more LOCATION 'dbfs:/tmp/more'")
    sql("CREATE TABLE hive_metastore.more.files (a INT) USING parquet")
    sql("GRANT READ_METADATA ON TABLE hive_metastore.more.files TO x")

    assert sql("SHOW GRANTS ON TABLE hive_metastore.more.files") == [
        ("x", "READ METADATA", "TABLE", "hive_metastore.more.files")
    ]


@pytest.mark.parametrize("place", ["dbfs:/tmp/it's", "/tmp/plain", "file:/tmp/nbh-managed"])
def test_a_managed_location(sql, place):
    """The schema's tables lie there; of the statement's own word nothing is left."""
    quoted = place.replace("'", "\\'")
    sql(f"CREATE SCHEMA more MANAGED LOCATION '{quoted}' COMMENT 'x'")

    told = dict(row[:2] for row in sql("DESCRIBE SCHEMA EXTENDED more"))
    assert told["Location"].endswith(place)
    assert "nbh" not in str(told).replace("nbh-managed", "", 1)


@pytest.mark.parametrize(
    "call", ["kll_sketch_agg_bigint(id)", "theta_sketch_agg(id)", "tuple_sketch_agg_integer(id, 1)", "vector_norm(array(1.0F))"]
)
def test_functions_of_a_newer_runtime(sql, call):
    """The local Spark has them, and the runtimes that it stands for don't: in SQL and by the DataFrame API."""
    assert refusal(f"SELECT {call} FROM range(3)", sql).getCondition() == "NBH_NEWER_RUNTIME"
    with pytest.raises(Exception, match="from Databricks' runtime 18 on"):
        sql.spark.range(3).selectExpr(call).collect()


def test_a_function_of_ones_own_may_have_such_a_name(sql):
    """A schema's is another."""
    sql("CREATE FUNCTION theta_of(x INT) RETURNS INT RETURN x + 1")
    sql("CREATE TEMPORARY FUNCTION vector_of(x INT) RETURNS INT RETURN x + 1")

    assert sql("SELECT theta_of(1), vector_of(2)") == [(2, 3)]
