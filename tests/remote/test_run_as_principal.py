"""A pytest run on the rehearsal as an identity that has no more than it was granted, by Databricks' own clients."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec

import pytest
from inner_runs import ADDOPTS

pytestmark = pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal")

ENOUGH = 'privileges = ["USE CATALOG", "CREATE SCHEMA"]'
NOTEBOOK = """\
# Databricks notebook source
table = dbutils.widgets.get("table")

# COMMAND ----------

dbutils.notebook.exit(str(spark.table(table).count()))
"""
TESTS = """
    import base64

    import pytest

    MAKE = '''# Databricks notebook source
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.sales")
    spark.sql("CREATE TABLE IF NOT EXISTS main.sales.orders AS SELECT 1 AS id")
    spark.sql("GRANT USE SCHEMA ON SCHEMA main.sales TO `account users`")
    '''

    @pytest.fixture
    def orders(rehearsal):
        "A table of somebody else's."
        from databricks.sdk.service.jobs import NotebookTask, SubmitTask
        from databricks.sdk.service.workspace import ImportFormat, Language

        owner, path = rehearsal.client(), "/Users/rehearsal@example.com/make"
        content = base64.b64encode(MAKE.encode()).decode()
        owner.workspace.import_(path, format=ImportFormat.SOURCE, language=Language.PYTHON, content=content, overwrite=True)
        task = SubmitTask(task_key="make", notebook_task=NotebookTask(notebook_path=path))
        owner.jobs.submit(run_name="make", tasks=[task]).result()
        return "main.sales.orders"

    def test_fixtures(uc, spark, make_schema, make_view, make_volume, make_function):
        uc.make_table(name="t", rows=[{"id": 1}])
        make_view(name="v", query=f"SELECT id FROM {uc.full_name('t')}")
        make_function(name="f", parameters="a INT", returns="INT", body="a + 1")
        volume = make_volume(name="files")
        (volume.folder / "a.txt").write_text("a")
        assert (volume.folder / "a.txt").read_text() == "a"
        assert spark.sql(f"SELECT {uc.name}.f(id) FROM {uc.full_name('v')}").first()[0] == 2
        spark.sql("INSERT INTO " + uc.full_name("t") + " VALUES (2)")
        assert make_schema().name

    def test_catalog(make_catalog):
        make_catalog()

    @pytest.fixture
    def may(rehearsal):
        "Give the run's identity a privilege for one test."
        from databricks.sdk.service.catalog import PermissionsChange, Privilege
        owner, given = rehearsal.client(), []
        metastore = owner.metastores.summary().metastore_id

        def change(privilege, **how):
            on = ("metastore", metastore) if privilege == "CREATE_CATALOG" else ("external_location", "local")
            who = "00000000-0000-4000-9000-000000000102"
            one = PermissionsChange(principal=who, **{way: [Privilege(privilege)] for way in how})
            owner.grants.update(*on, changes=[one])

        def give(*privileges):
            for privilege in privileges:
                given.append(privilege)
                change(privilege, add=True)
        yield give
        for privilege in given:
            change(privilege, remove=True)

    def test_location_without_storage(may, make_catalog, tmp_path):
        may("CREATE_CATALOG")
        make_catalog(managed_location=str(tmp_path))

    def test_location_without_catalog(may, make_catalog, tmp_path):
        may("CREATE_MANAGED_STORAGE")
        make_catalog(managed_location=str(tmp_path))

    def test_location_with_both(may, make_catalog, make_schema, make_table, spark, tmp_path):
        may("CREATE_CATALOG", "CREATE_MANAGED_STORAGE")
        catalog = make_catalog(managed_location=str(tmp_path)).name
        table = make_table(catalog_name=catalog, schema_name=make_schema(catalog_name=catalog).name, rows=[{"id": 1}])
        assert spark.table(table.full_name).count() == 1

    def test_own(uc, run_notebook):
        uc.make_table(name="t", rows=[{"id": 1}, {"id": 2}])
        run = run_notebook("count.py", widgets={"table": uc.full_name("t")})
        assert run.exit_value == "2", run.summary

    def test_others(orders, run_notebook):
        run = run_notebook("count.py", widgets={"table": orders})
        assert run.passed, run.summary

    def test_others_by_spark(orders, spark):
        spark.table(orders).count()
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest in a project whose environment has these lines; gives what it said."""

    def run(settings, *arguments):
        files = {
            "tox.ini": "[pytest]\npythonpath = .\n",
            "pyproject.toml": f"[tool.nbh.env.rehearsal]\n{settings}\n",
            "count.py": NOTEBOOK,
            "test_it.py": textwrap.dedent(TESTS),
        }
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
        command = [sys.executable, "-m", "pytest", "--databricks-env=rehearsal", "-q", *arguments]
        env = {**clean, "PYTEST_ADDOPTS": ADDOPTS}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300)
        return done.stdout + done.stderr

    return run


def test_use_catalog_and_create_schema_are_enough(run):
    """For every fixture that makes something, and for a notebook on what they made."""
    told = run(ENOUGH, "-k", "fixtures or own")

    assert "2 passed" in told, told


def test_without_create_schema_the_fixture_names_the_grant(run):
    """By its code, in the workspace's words, with what would give it; and nothing is left to remove."""
    told = run('privileges = ["USE CATALOG"]', "-k", "own")

    assert "NBH328 the schema main." in told, told
    assert "cause: User does not have CREATE SCHEMA on Catalog 'main'" in told
    assert "GRANT CREATE SCHEMA ON CATALOG main TO the identity that runs the tests" in told
    assert "NBH325" not in told


def test_without_use_catalog_the_fixture_names_that(run):
    """It comes first, as on a workspace."""
    told = run('privileges = ["CREATE SCHEMA"]', "-k", "own")

    assert "cause: User does not have USE CATALOG on Catalog 'main'" in told, told


def test_without_create_catalog_the_fixture_names_the_grant(run):
    """On the metastore, which has no name in a GRANT; nothing is left to remove."""
    told = run(ENOUGH, "-k", "catalog")

    assert "NBH328 the catalog nbh_" in told, told
    assert "cause: User does not have CREATE CATALOG on Metastore 'rehearsal'" in told
    assert "GRANT CREATE CATALOG ON METASTORE TO the identity that runs the tests" in told
    assert "NBH325" not in told


def test_a_catalog_with_a_location_names_what_lacks(run):
    """Storage on the external location, or the catalog on the metastore; with both it is made, and it needs no more."""
    told = run(ENOUGH, "-k", "location")

    assert "1 passed" in told, told
    assert "2 failed" in told, told
    assert told.count("NBH328 the catalog nbh_") >= 2
    assert "cause: User does not have CREATE MANAGED STORAGE on External Location 'local'" in told
    assert "GRANT CREATE MANAGED STORAGE ON EXTERNAL LOCATION local TO the identity that runs the tests" in told
    assert "cause: User does not have CREATE CATALOG on Metastore 'rehearsal'" in told
    assert "NBH325" not in told


def test_reading_what_is_others_is_red(run):
    """In a notebook's run and over Spark Connect, in Databricks' words; to the catalogs' owner it is open."""
    told = run(ENOUGH, "-k", "others")
    as_owner = run("", "-k", "others")

    assert "2 failed" in told, told
    assert told.count("User does not have SELECT on Table 'main.sales.orders'. SQLSTATE: 42501") >= 2
    assert "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:" in told
    assert "2 passed" in as_owner, as_owner


def test_what_cannot_be_granted_is_told(run):
    """Before any test is judged by it."""
    told = run('privileges = ["USE KATALOG"]', "-k", "own")

    assert "NBH402 the privileges on the catalog main can't be granted" in told, told
    assert "Invalid privilege: USE_KATALOG" in told
