"""What a service principal may: what it owns and what was granted to it, by REST, by Spark and in a notebook's run."""

from __future__ import annotations

import base64
import io

import pytest
from data_fixtures import ask, client, connect, ended, rehearsal, sql
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import DatabricksError, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege, VolumeType
from databricks.sdk.service.jobs import NotebookTask, RunResultState, SubmitTask
from databricks.sdk.service.workspace import ImportFormat, Language

__all__ = ["ask", "client", "rehearsal", "sql"]

RUNNER = "00000000-0000-4000-9000-000000000102"
WORDS = "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:\nUser does not have {} on {}. SQLSTATE: 42501"


@pytest.fixture(scope="module")
def runner(client, rehearsal):
    """The service principal's client."""
    given = {"client_id": rehearsal.client_id, "client_secret": rehearsal.client_secret, "retry_timeout_seconds": 5}
    return WorkspaceClient(config=Config(host=rehearsal.host, **given))


@pytest.fixture(scope="module")
def token(runner):
    """A token of its sign-in."""
    return runner.config.authenticate()["Authorization"].removeprefix("Bearer ")


@pytest.fixture(scope="module")
def as_runner(ask, token):
    """Run statements as the principal in one session, and give what each gave: its rows, or the first lines of its error."""
    return lambda *statements: ask(tell, token, statements)


@pytest.fixture(scope="module")
def data(client, sql):
    """What is the user's: a table, a view, a function and a volume, in a schema that the principal may use."""
    sql(
        "CREATE SCHEMA main.sales",
        "CREATE TABLE main.sales.orders AS SELECT 1 AS id",
        "CREATE VIEW main.sales.seen AS SELECT id FROM main.sales.orders",
        "CREATE FUNCTION main.sales.most() RETURNS INT RETURN (SELECT max(id) FROM main.sales.orders)",
        "CREATE VOLUME main.sales.landing",
        f"GRANT USE CATALOG, CREATE SCHEMA ON CATALOG main TO `{RUNNER}`",
        f"GRANT USE SCHEMA ON SCHEMA main.sales TO `{RUNNER}`",
    )
    client.files.upload("/Volumes/main/sales/landing/in.csv", io.BytesIO(b"1\n"))
    return "main.sales.orders"


@pytest.fixture
def granted(data, sql):
    """Grant for one test: ``granted("SELECT", "TABLE main.sales.orders")``."""
    given = []

    def grant(privilege, on, to=RUNNER):
        sql(f"GRANT {privilege} ON {on} TO `{to}`")
        given.append(f"REVOKE {privilege} ON {on} FROM `{to}`")

    yield grant
    sql(*given) if given else None


def words(error):
    """What the workspace said; the SDK tells its own configuration after that."""
    return str(error).split(" Config: ")[0]


def tell(token, statements):
    """In the process of Spark's client."""
    from pyspark.errors import PySparkException

    spark, told = connect(token=token), []
    try:
        for statement in statements:
            try:
                told.append([tuple(row) for row in spark.sql(statement).collect()])
            except PySparkException as exc:
                told.append(str(exc).split("\n\n")[0])
    finally:
        spark.stop()
    return told


def use(token, way):
    """In that process: one way of many in which notebooks write to a table."""
    from delta.tables import DeltaTable
    from pyspark.errors import PySparkException

    spark = connect(token=token)
    rows, name = spark.sql("SELECT 7 AS id"), "main.sales.orders"
    ways = {
        "append": lambda: rows.write.mode("append").saveAsTable(name),
        "insert into": lambda: rows.write.insertInto(name),
        "writeTo": lambda: rows.writeTo(name).append(),
        "update": lambda: DeltaTable.forName(spark, name).update("id = 1", {"id": "2"}),
        "delete": lambda: DeltaTable.forName(spark, name).delete("id = 1"),
        "merge": lambda: (
            DeltaTable.forName(spark, name).alias("t").merge(rows.alias("s"), "t.id = s.id").whenNotMatchedInsertAll().execute()
        ),
        "optimize": lambda: DeltaTable.forName(spark, name).optimize().executeCompaction(),
        "restore": lambda: DeltaTable.forName(spark, name).restoreToVersion(0),
        "stream": lambda: (
            spark.readStream.table(name)
            .writeStream.option("checkpointLocation", "dbfs:/checkpoint")
            .trigger(availableNow=True)
            .toTable(name)
            .awaitTermination()
        ),
    }
    try:
        ways[way]()
    except PySparkException as exc:
        return str(exc).split("\n\n")[0]
    finally:
        spark.stop()
    return "done"


def test_what_it_makes_is_its_own(client, runner, data, as_runner):
    """With USE CATALOG and CREATE SCHEMA alone, whether a schema is made by REST or by SQL."""
    runner.schemas.create("mine", "main")
    told = as_runner(
        "CREATE TABLE main.mine.t AS SELECT 1 AS id",
        "INSERT INTO main.mine.t VALUES (2)",
        "CREATE VIEW main.mine.v AS SELECT count(*) AS n FROM main.mine.t",
        "SELECT n FROM main.mine.v",
        "CREATE FUNCTION main.mine.f() RETURNS INT RETURN 5",
        "SELECT main.mine.f()",
        "CREATE OR REPLACE TABLE main.mine.t AS SELECT 3 AS id",
        "SELECT * FROM main.mine.t",
        "CREATE SCHEMA main.also",
        "DROP SCHEMA main.also",
    )

    assert [one for one in told if one] == [[(2,)], [(5,)], [(3,)]]
    assert [runner.schemas.get("main.mine").owner, client.schemas.get("main.mine").owner] == [RUNNER, RUNNER]
    assert runner.tables.get("main.mine.t").owner == RUNNER
    assert runner.volumes.create("main", "mine", "files", VolumeType.MANAGED).owner == RUNNER
    runner.files.upload("/Volumes/main/mine/files/a.txt", io.BytesIO(b"a"))
    assert runner.files.download("/Volumes/main/mine/files/a.txt").contents.read() == b"a"
    runner.schemas.delete("main.mine", force=True)
    assert "mine" not in {one.name for one in client.schemas.list("main")}


@pytest.mark.parametrize(
    ("statement", "privilege", "on"),
    [
        ("SELECT * FROM main.sales.orders", "SELECT", "Table 'main.sales.orders'"),
        ("SELECT * FROM main.sales.orders VERSION AS OF 0", "SELECT", "Table 'main.sales.orders'"),
        ("SELECT 1 WHERE 1 IN (SELECT id FROM main.sales.orders)", "SELECT", "Table 'main.sales.orders'"),
        ("WITH o AS (SELECT * FROM main.sales.orders) SELECT * FROM o", "SELECT", "Table 'main.sales.orders'"),
        ("SELECT * FROM table_changes('main.sales.orders', 0)", "SELECT", "Table 'main.sales.orders'"),
        ("SELECT * FROM main.sales.seen", "SELECT", "Table 'main.sales.seen'"),
        ("DESCRIBE TABLE main.sales.orders", "SELECT", "Table 'main.sales.orders'"),
        ("CREATE TEMPORARY VIEW o AS SELECT * FROM main.sales.orders", "SELECT", "Table 'main.sales.orders'"),
        (
            "CREATE TEMPORARY FUNCTION o() RETURNS INT RETURN (SELECT max(id) FROM main.sales.orders)",
            "SELECT",
            "Table 'main.sales.orders'",
        ),
        ("SELECT main.sales.most()", "EXECUTE", "Routine or Model 'main.sales.most'"),
        ("INSERT INTO main.sales.orders VALUES (2)", "MODIFY", "Table 'main.sales.orders'"),
        ("INSERT OVERWRITE main.sales.orders SELECT 2", "MODIFY", "Table 'main.sales.orders'"),
        ("UPDATE main.sales.orders SET id = 2", "MODIFY", "Table 'main.sales.orders'"),
        ("DELETE FROM main.sales.orders", "MODIFY", "Table 'main.sales.orders'"),
        (
            "MERGE INTO main.sales.orders t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE",
            "MODIFY",
            "Table 'main.sales.orders'",
        ),
        ("TRUNCATE TABLE main.sales.orders", "MODIFY", "Table 'main.sales.orders'"),
        ("OPTIMIZE main.sales.orders", "MODIFY", "Table 'main.sales.orders'"),
        ("VACUUM main.sales.orders", "MODIFY", "Table 'main.sales.orders'"),
        ("RESTORE TABLE main.sales.orders TO VERSION AS OF 0", "MODIFY", "Table 'main.sales.orders'"),
        ("ALTER TABLE main.sales.orders ADD COLUMN more INT", "MODIFY", "Table 'main.sales.orders'"),
        ("DROP TABLE main.sales.orders", "MANAGE", "Table 'main.sales.orders'"),
        ("DROP VIEW main.sales.seen", "MANAGE", "Table 'main.sales.seen'"),
        ("DROP FUNCTION main.sales.most", "MANAGE", "Routine or Model 'main.sales.most'"),
        ("DROP VOLUME main.sales.landing", "MANAGE", "Volume 'main.sales.landing'"),
        ("DROP SCHEMA main.sales CASCADE", "MANAGE", "Schema 'main.sales'"),
        ("DROP CATALOG main CASCADE", "MANAGE", "Catalog 'main'"),
        ("CREATE TABLE main.sales.more (id INT)", "CREATE TABLE", "Schema 'main.sales'"),
        ("CREATE OR REPLACE TABLE main.sales.orders AS SELECT 2 AS id", "CREATE TABLE", "Schema 'main.sales'"),
        ("CREATE VIEW main.sales.more AS SELECT 1 AS id", "CREATE TABLE", "Schema 'main.sales'"),
        ("CREATE FUNCTION main.sales.more() RETURNS INT RETURN 1", "CREATE FUNCTION", "Schema 'main.sales'"),
        ("CREATE VOLUME main.sales.more", "CREATE VOLUME", "Schema 'main.sales'"),
        ("CREATE CATALOG more", "CREATE CATALOG", "Metastore 'rehearsal'"),
        ("CREATE SCHEMA main.more MANAGED LOCATION '/tmp/more'", "CREATE MANAGED STORAGE", "External Location 'local'"),
        ("GRANT CREATE MANAGED STORAGE ON EXTERNAL LOCATION local TO `users`", "MANAGE", "External Location 'local'"),
        ("GRANT SELECT ON TABLE main.sales.orders TO `users`", "MANAGE", "Table 'main.sales.orders'"),
        ("REVOKE SELECT ON TABLE main.sales.orders FROM `users`", "MANAGE", "Table 'main.sales.orders'"),
        (f"ALTER TABLE main.sales.orders OWNER TO `{RUNNER}`", "MANAGE", "Table 'main.sales.orders'"),
        ("SELECT * FROM main.default.nothing", "USE SCHEMA", "Schema 'main.default'"),
        ("USE main.default", "USE SCHEMA", "Schema 'main.default'"),
        ("SHOW TABLES IN main.default", "USE SCHEMA", "Schema 'main.default'"),
    ],
)
def test_statements_are_refused(data, as_runner, statement, privilege, on):
    """In Databricks' words, and nothing is done."""
    (told,) = as_runner(statement)

    assert told == WORDS.format(privilege, on)


def test_nothing_was_done(data, sql):
    """After all those refusals."""
    assert sql("SELECT * FROM main.sales.orders") == [(1,)]


@pytest.mark.parametrize(
    "way", ["append", "insert into", "writeTo", "update", "delete", "merge", "optimize", "restore", "stream"]
)
def test_reading_is_not_writing(data, granted, ask, token, way):
    """DataFrames, Delta's own interface and streams write with MODIFY only, which is none without SELECT."""
    granted("SELECT", "TABLE main.sales.orders")

    assert ask(use, token, way) == WORDS.format("MODIFY", "Table 'main.sales.orders'")


def test_writing_without_reading(granted, as_runner):
    """MODIFY counts where SELECT is there too."""
    granted("MODIFY", "SCHEMA main.sales")

    assert as_runner("INSERT INTO main.sales.orders VALUES (2)") == [WORDS.format("SELECT", "Table 'main.sales.orders'")]


def test_who_asks(as_runner, sql):
    """``current_user()`` is whose the session is."""
    assert as_runner("SELECT current_user()", "SELECT id FROM VALUES (1, current_user()) AS t(id, who) WHERE who = user()") == [
        [(RUNNER,)],
        [(1,)],
    ]
    assert sql("SELECT current_user()") == [("rehearsal@example.com",)]


def test_a_view_reads_for_its_owner(granted, as_runner):
    """And a function: what it stands on needs no privilege of who asks, and gets none by it."""
    granted("SELECT", "TABLE main.sales.seen")
    granted("EXECUTE", "FUNCTION main.sales.most")

    told = as_runner(
        "SELECT * FROM main.sales.seen",
        "SELECT main.sales.most()",
        "SELECT * FROM main.sales.seen JOIN main.sales.orders USING (id)",
        "CREATE SCHEMA IF NOT EXISTS main.mine",
        "CREATE VIEW main.mine.taken AS SELECT * FROM main.sales.orders",
        "CREATE FUNCTION main.mine.taken() RETURNS INT RETURN (SELECT max(id) FROM main.sales.orders)",
        "DROP SCHEMA main.mine CASCADE",
    )

    refused = WORDS.format("SELECT", "Table 'main.sales.orders'")
    assert told == [[(1,)], [(1,)], refused, [], refused, refused, []]


@pytest.mark.parametrize(
    ("privilege", "on", "to"),
    [
        ("SELECT", "TABLE main.sales.orders", RUNNER),
        ("SELECT", "SCHEMA main.sales", RUNNER),
        ("SELECT", "CATALOG main", RUNNER),
        ("ALL PRIVILEGES", "TABLE main.sales.orders", RUNNER),
        ("SELECT", "TABLE main.sales.orders", "account users"),
    ],
)
def test_a_grant_opens(granted, as_runner, privilege, on, to):
    """On the table or on what holds it, to the principal or to everybody."""
    granted(privilege, on, to)

    assert as_runner("SELECT * FROM main.sales.orders") == [[(1,)]]


def test_all_privileges_are_not_manage(granted, as_runner):
    """Who may do everything with a table may still not drop it."""
    granted("ALL PRIVILEGES", "TABLE main.sales.orders")

    assert as_runner("DROP TABLE main.sales.orders") == [WORDS.format("MANAGE", "Table 'main.sales.orders'")]


def test_a_schemas_owner_and_what_others_made_there(data, sql, as_runner):
    """It may be dropped by the schema's owner, and not read."""
    as_runner("CREATE SCHEMA main.mine")
    sql("CREATE TABLE main.mine.others AS SELECT 1 AS id")

    told = as_runner("SELECT * FROM main.mine.others", "DROP TABLE main.mine.others", "DROP SCHEMA main.mine")

    assert told == [WORDS.format("SELECT", "Table 'main.mine.others'"), [], []]


def test_lists_show_what_may_be_seen(runner, client, data, as_runner, granted):
    """By SQL, in information_schema and by REST."""
    queries = ("SHOW TABLES IN main.sales", "SELECT table_name FROM main.information_schema.tables", "SHOW SCHEMAS IN main")
    before = as_runner(*queries)
    granted("SELECT", "TABLE main.sales.seen")

    after = as_runner(*queries)

    assert [len(rows) for rows in before[:2]] == [0, 0]
    assert [rows[0][-2 if len(rows[0]) > 1 else 0] for rows in after[:2]] == ["seen", "seen"]
    assert {row[0] for row in after[2]} == {"sales", "information_schema"}
    assert [one.name for one in runner.tables.list("main", "sales")] == ["seen"]
    assert {one.name for one in runner.schemas.list("main")} == {"sales", "information_schema"}
    client.catalogs.create("closed")
    assert [one.name for one in runner.catalogs.list()] == ["main"]
    client.catalogs.delete("closed", force=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: w.schemas.create("x", "closed"), "User does not have USE CATALOG on Catalog 'closed'."),
        (lambda w: w.catalogs.get("closed"), "User does not have USE CATALOG on Catalog 'closed'."),
        (lambda w: w.catalogs.create("new"), "User does not have CREATE CATALOG on Metastore 'rehearsal'."),
        (lambda w: w.catalogs.delete("main", force=True), "User does not have MANAGE on Catalog 'main'."),
        (lambda w: w.schemas.get("main.default"), "User does not have USE SCHEMA on Schema 'main.default'."),
        (lambda w: w.schemas.delete("main.sales", force=True), "User does not have MANAGE on Schema 'main.sales'."),
        (lambda w: w.schemas.update("main.sales", comment="x"), "User does not have MANAGE on Schema 'main.sales'."),
        (lambda w: w.tables.get("main.sales.orders"), "User does not have SELECT on Table 'main.sales.orders'."),
        (lambda w: w.tables.delete("main.sales.orders"), "User does not have SELECT on Table 'main.sales.orders'."),
        (lambda w: w.functions.get("main.sales.most"), "User does not have EXECUTE on Routine or Model 'main.sales.most'."),
        (
            lambda w: w.volumes.create("main", "sales", "v", VolumeType.MANAGED),
            "User does not have CREATE VOLUME on Schema 'main.sales'.",
        ),
        (lambda w: w.volumes.read("main.sales.landing"), "User does not have READ VOLUME on Volume 'main.sales.landing'."),
        (
            lambda w: w.files.download("/Volumes/main/sales/landing/in.csv"),
            "User does not have READ VOLUME on Volume 'main.sales.landing'.",
        ),
        (
            lambda w: w.files.upload("/Volumes/main/sales/landing/x", io.BytesIO(b"x")),
            "User does not have WRITE VOLUME on Volume 'main.sales.landing'.",
        ),
        (
            lambda w: w.registered_models.create(catalog_name="main", schema_name="sales", name="m"),
            "User does not have CREATE MODEL on Schema 'main.sales'.",
        ),
        (
            lambda w: w.grants.update(
                "table", "main.sales.orders", changes=[PermissionsChange(principal="users", add=[Privilege.SELECT])]
            ),
            "User does not have MANAGE on Table 'main.sales.orders'.",
        ),
    ],
)
def test_rest_refuses(client, runner, data, call, message):
    """As 403 and PERMISSION_DENIED, in Databricks' words."""
    if "closed" not in {one.name for one in client.catalogs.list()}:
        client.catalogs.create("closed")

    with pytest.raises(PermissionDenied) as caught:
        call(runner)

    assert (caught.value.error_code, words(caught.value)) == ("PERMISSION_DENIED", message)


def test_creating_a_schema_takes_its_privilege(client, runner, sql):
    """By SQL's REVOKE, and by REST; and what was granted again works."""
    sql(f"REVOKE CREATE SCHEMA ON CATALOG main FROM `{RUNNER}`", f"GRANT USE CATALOG ON CATALOG main TO `{RUNNER}`")
    with pytest.raises(PermissionDenied) as caught:
        runner.schemas.create("nope", "main")
    client.grants.update("catalog", "main", changes=[PermissionsChange(principal=RUNNER, add=[Privilege.CREATE_SCHEMA])])

    runner.schemas.create("works", "main")

    runner.schemas.delete("main.works")
    assert words(caught.value) == "User does not have CREATE SCHEMA on Catalog 'main'."


def test_what_isnt_there_is_told_as_such(runner, data, as_runner):
    """No privilege is asked for on what nobody has made."""
    with pytest.raises(DatabricksError) as caught:
        runner.tables.get("main.sales.nothing")

    assert caught.value.error_code == "TABLE_DOES_NOT_EXIST"
    assert as_runner("SELECT * FROM main.sales.nothing")[0].startswith("[TABLE_OR_VIEW_NOT_FOUND]")


def test_volumes_by_spark(data, granted, as_runner):
    """Spark reads with READ VOLUME and writes with WRITE VOLUME."""
    read, write = "SELECT * FROM csv.`/Volumes/main/sales/landing/in.csv`", "INSERT OVERWRITE DIRECTORY {} USING csv SELECT 1"
    write = write.format("'/Volumes/main/sales/landing/out'")
    before = as_runner(read)
    granted("READ VOLUME", "VOLUME main.sales.landing")

    after = as_runner(read, write)

    assert before == [WORDS.format("READ VOLUME", "Volume 'main.sales.landing'")]
    assert after == [[("1",)], WORDS.format("WRITE VOLUME", "Volume 'main.sales.landing'")]


NOTEBOOK = "# Databricks notebook source\nn = spark.table('main.sales.orders').count()\n\n# COMMAND ----------\n\nprint(n)\n"


def test_a_run_has_its_submitters_privileges(client, runner, granted):
    """A notebook of the principal's fails at what it may not read, in Databricks' words, and passes where it may."""
    path = f"/Users/{RUNNER}/read"
    content = base64.b64encode(NOTEBOOK.encode()).decode()
    runner.workspace.import_(path, format=ImportFormat.SOURCE, language=Language.PYTHON, content=content)
    task = SubmitTask(task_key="read", notebook_task=NotebookTask(notebook_path=path))

    refused = ended(runner, runner.jobs.submit(run_name="r", tasks=[task]).run_id)
    why = runner.jobs.get_run_output(refused.tasks[0].run_id)
    granted("SELECT", "TABLE main.sales.orders")
    passed = ended(runner, runner.jobs.submit(run_name="r", tasks=[task]).run_id)

    assert refused.state.result_state is RunResultState.FAILED
    assert "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:" in why.error
    assert "User does not have SELECT on Table 'main.sales.orders'. SQLSTATE: 42501" in why.error
    assert passed.state.result_state is RunResultState.SUCCESS


def test_to_the_user_all_is_open(client, sql, data):
    """As to a workspace's admin whose catalogs these are."""
    assert sql("SELECT * FROM main.sales.orders") == [(1,)]
    assert client.tables.get("main.sales.orders").owner == "rehearsal@example.com"
