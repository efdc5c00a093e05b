"""What a notebook that is run whole finds around it: secrets, task values, its context, a Python that begins anew."""

from __future__ import annotations

import json

import pytest
from whole_notebooks import writer


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""
    return writer(tmp_path)


@pytest.mark.nbh_secrets({"app": {"token": "hunter2hunter2", "letter": "a", "lines": "first line\nsecond line\n}"}})
def test_no_output_shows_a_secret(run_notebook, notebook):
    """Neither text, error, table, HTML nor the executed notebook; the value itself works."""
    path = notebook(
        "token = dbutils.secrets.get(scope='app', key='token')\nassert len(token) == 14 and token[:6] == 'hunter'\ntoken",
        "import sys\nprint(f'[{token}]')\nprint(token, file=sys.stderr)\ndisplayHTML(f'<b>{token}</b>')",
        "display(spark.createDataFrame([(token,)], 'value string'))",
        "print(dbutils.secrets.get('app', 'letter'), 'data')",
        "for line in dbutils.secrets.get('app', 'lines').splitlines():\n    print('>', line)",
        "print({'k': dbutils.secrets.getBytes('app', 'token')})",
        "raise KeyError(token)",
    )

    run = run_notebook(path)

    assert (run.outcome, run.error) == ("failed", "KeyError: '[REDACTED]'")
    assert "hunter2hunter2" not in json.dumps(run.executed) + run.summary + repr(run)
    assert run.cells[1].outputs[0]["text"] == "[[REDACTED]]\n"
    assert run.cells[3].text == "[REDACTED] data\n"
    assert run.cells[4].text == "> [REDACTED]\n> [REDACTED]\n> }\n"
    assert "KeyError: '[REDACTED]'" in run.cells[6].outputs[-1]["traceback"][-1]


@pytest.mark.nbh_secrets(app={"token": "hunter2hunter2"})
def test_a_secret_of_a_child(run_notebook, notebook):
    """Is hidden in its parent too. An exit value is a result: it is handed over as it is, and hidden where it is shown."""
    notebook("dbutils.notebook.exit(dbutils.secrets.get('app', 'token'))", name="child.py")

    run = run_notebook(notebook("value = dbutils.notebook.run('./child', 60)\nprint(value)\ndbutils.notebook.exit(value)"))

    assert run.exit_value == run.children[0].exit_value == "hunter2hunter2"
    assert run.cells[0].text == "[REDACTED]\nNotebook exited: [REDACTED]\n"
    assert run.children[0].cells[0].text == "Notebook exited: [REDACTED]\n"


@pytest.mark.nbh_secrets(app={"token": "hunter2hunter2"})
def test_a_secret_that_nobody_read(run_notebook, notebook):
    """Isn't looked for: outputs are as they are."""
    assert run_notebook(notebook("print('hunter2' * 2)")).cells[0].text == "hunter2hunter2\n"


def test_a_missing_secret(run_notebook, notebook, monkeypatch):
    """Is the notebook's error; a variable that the test sets is seen at once."""
    path = notebook("print(len(dbutils.secrets.get('my-scope', 'api.key')))")

    run = run_notebook(path)
    assert run.outcome == "failed"
    assert "IllegalArgumentException: Secret does not exist with scope: my-scope and key: api.key" in run.error
    assert "set the variable NBH_SECRET_MY_SCOPE_API_KEY" in run.error

    monkeypatch.setenv("NBH_SECRET_MY_SCOPE_API_KEY", "abc")
    assert run_notebook(path).cells[0].text == "3\n"


def test_task_values_from_run_to_run(run_notebook, notebook, dbutils):
    """By the notebook's name, or the key that the test gives it; the test reads them too."""
    prepare = notebook("dbutils.jobs.taskValues.set(key='rows', value={'n': [1, None]})", name="01-prepare.py")
    path = notebook(
        """
        get = dbutils.jobs.taskValues.get
        dbutils.jobs.taskValues.set("sum", get("01-prepare", "rows")["n"][0] + get(taskKey="again", key="rows")["n"][0])
        print(get("given", "k"), get("given", "none", default=7, debugValue=8))
        """,
        name="train.py",
    )
    assert run_notebook(prepare).passed
    assert run_notebook(prepare, task_key="again").passed

    run = run_notebook(path, task_values={"given": {"k": "v"}})

    assert run.cells[0].text == "v 7\n", run.summary
    assert dbutils.jobs.taskValues.get("train", "sum") == 2


def test_task_values_of_another_test(run_notebook, notebook):
    """Aren't there, and debugValue is no way around a task that isn't."""
    run = run_notebook(notebook("dbutils.jobs.taskValues.get('01-prepare', 'rows', debugValue=1)"))

    assert run.outcome == "failed"
    assert 'NBH357 there is no task "01-prepare"' in run.error


def test_python_begins_anew(run_notebook, notebook, uc, spark):
    """Names, modules and the environment are gone; widgets, Spark's session and what is in it stay, and later cells run."""
    path = notebook(
        """
        import os, json, sys
        json.marked = True
        os.environ["NBH_GONE"] = "1"
        x = 1
        dbutils.widgets.text("w", "default")
        spark.range(3).createOrReplaceTempView("t")
        spark.conf.set("spark.sql.ansi.enabled", "false")
        spark.sql("USE SCHEMA information_schema")
        os.chdir("/")
        """,
        "print('last words')\ndbutils.library.restartPython()\nprint('never')",
        """
        import json, os
        assert not hasattr(json, "marked") and "NBH_GONE" not in os.environ and "x" not in globals()
        assert os.getcwd() != "/"
        assert spark.table("t").count() == 3 and spark.conf.get("spark.sql.ansi.enabled") == "false"
        assert spark.catalog.currentDatabase() == "information_schema"
        print(dbutils.widgets.get("w"), dbutils.widgets.get("given"))
        """,
        "%restart_python",
        "print(spark.table('t').count(), 'json' in globals())",
    )

    run = run_notebook(path, widgets={"given": "g"})

    assert run.passed, run.summary
    assert [cell.text for cell in run.cells] == ["", "last words\n", "default g\n", "", "3 False\n"]
    assert not spark.catalog.tableExists("t")


def test_python_begins_anew_inside_run(run_notebook, notebook):
    """In a notebook that is ``%run`` by one that is ``%run``: what is left of both is run, with its parameters."""
    notebook(
        "print('deep a')\nGONE = 1",
        "dbutils.library.restartPython()",
        "P = dbutils.widgets.get('p')\nprint('deep b')",
        name="lib/deep.py",
    )
    notebook("print('lib a')", "%run ./deep $p=7", "print('lib b', 'GONE' in globals())", name="lib/all.py")

    run = run_notebook(notebook("x = 1", "%run ./lib/all", "print(P, 'x' in globals())"))

    assert run.passed, run.summary
    assert [cell.text for cell in run.cells] == ["", "lib a\ndeep a\ndeep b\nlib b False\n", "7 False\n"]


def test_what_fails_after_python_began_anew(run_notebook, notebook):
    """Is seen, also in what is left of a notebook that is ``%run``."""
    notebook("dbutils.library.restartPython()", "assert False, 'seen'", name="lib.py")

    run = run_notebook(notebook("x = 1", "%run ./lib", "x = 2"))

    assert (run.outcome, run.error) == ("failed", "AssertionError: seen")
    assert (run.location.path.endswith("lib.py"), run.location.line, run.location.cell) == (True, 6, 2)
    assert [cell.outcome for cell in run.cells] == ["passed", "failed", "not_run"]


def test_the_runs_own_names_in_modules(run_notebook, notebook, tmp_path):
    """``databricks.sdk.runtime``, ``DBUtils(spark)`` and IPython's namespace all give them."""
    (tmp_path / "helper_of_run.py").write_text(
        "from databricks.sdk.runtime import *\n\ndef rows():\n    return spark.range(4).count()\n"
    )
    path = notebook(
        """
        import IPython, helper_of_run
        from databricks.sdk.runtime import dbutils as named, display as shown, spark as session, udf as made
        from pyspark.dbutils import DBUtils
        assert named is helper_of_run.dbutils is DBUtils(spark) is IPython.get_ipython().user_ns["dbutils"] is dbutils
        assert session is spark and helper_of_run.rows() == 4 and helper_of_run.sql("SELECT 1").count() == 1
        assert getArgument is helper_of_run.getArgument and sqlContext is helper_of_run.sqlContext
        """
    )

    run = run_notebook(path)

    assert run.passed, run.summary


def test_where_a_run_is(run_notebook, notebook):
    """It is a run of a job, with plainly local answers."""
    path = notebook(
        "context = dbutils.notebook.entry_point.getDbutils().notebook().getContext()",
        "print(context.notebookPath().get(), context.userName().get(), context.currentRunId().isDefined())",
        "dbutils.notebook.exit(context.toJson())",
    )

    run = run_notebook(path)

    assert run.cells[1].text == "/n local.user@nbh.invalid True\n"
    assert run.exit_json()["tags"]["jobId"] == "0"


def test_what_a_run_learns_of_its_cluster(run_notebook, notebook):
    """The runtime that Spark stands for, and a cluster and workspace that are plainly of this machine."""
    path = notebook(
        """
        import os

        names = ("workspaceUrl", "clusterUsageTags.clusterId", "clusterUsageTags.sparkVersion", "unityCatalog.enabled")
        print(os.environ["DATABRICKS_RUNTIME_VERSION"], *(spark.conf.get("spark.databricks." + name) for name in names))
        """,
        "dbutils.library.restartPython()",
        "import os\nprint(os.environ['DATABRICKS_RUNTIME_VERSION'])",
    )

    run = run_notebook(path)

    assert run.passed, run.error
    assert run.cells[0].text == "17.3 nbh.invalid 0000-000000-nbhlocal 17.3.x-scala2.13 true\n"
    assert run.cells[2].text == "17.3\n"


def test_dbutils_as_code_for_a_cluster_and_the_old_client_gets_it(run_notebook, notebook):
    """By the setting that tells them apart, as Databricks' own snippet does."""
    path = notebook(
        """
        def get_dbutils(spark):
            if spark.conf.get("spark.databricks.service.client.enabled") == "true":
                from pyspark.dbutils import DBUtils
                return DBUtils(spark)
            import IPython
            return IPython.get_ipython().user_ns["dbutils"]

        print(get_dbutils(spark) is dbutils)
        """
    )

    run = run_notebook(path)

    assert run.passed, run.error
    assert run.cells[0].text == "True\n"


def test_a_runtime_that_the_test_has_set(run_notebook, notebook, monkeypatch):
    """It stays."""
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "client.2.5")

    run = run_notebook(notebook("import os\nprint(os.environ['DATABRICKS_RUNTIME_VERSION'])"))

    assert run.cells[0].text == "client.2.5\n"


def test_a_module_that_only_a_pipeline_has(run_notebook, notebook):
    """The notebook isn't wrong: it can't run here. One that does without the module goes on."""
    refused = run_notebook(notebook("import dlt"))
    does_without = run_notebook(notebook("try:\n    import dlt\nexcept ImportError:\n    dlt = None", name="other.py"))

    assert refused.outcome == "unsupported"
    assert refused.error.startswith("the module dlt is Databricks only")
    assert does_without.passed


def test_what_only_a_pipeline_defines(run_notebook, notebook):
    """Its newer name is Spark's own, which has it in pipelines of its own alone."""
    pytest.importorskip("pyspark.pipelines")
    refused = run_notebook(notebook("from pyspark import pipelines as dp", "@dp.table\ndef t():\n    return spark.range(1)"))

    assert (refused.outcome, refused.location.cell) == ("unsupported", 2)
    assert refused.error.startswith(
        "what pyspark.pipelines defines is Databricks only: a pipeline's notebook runs in a pipeline"
    )


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("from databricks import automl", "the module databricks.automl is Databricks only"),
        ("import databricks.feature_store", "databricks.feature_store comes with Databricks Runtime for Machine Learning"),
        (
            "try:\n    import seaborn\nexcept ModuleNotFoundError:\n    raise ImportError('seaborn is required') from None",
            "the module seaborn comes with Databricks Runtime;",
        ),
        (
            "try:\n    import seaborn\nexcept ImportError:\n    seaborn = None",
            "the module seaborn comes with Databricks Runtime;",
        ),
        (
            "from importlib.util import find_spec\nif find_spec('pyodbc') is not None:\n    import pyodbc",
            "the module pyodbc comes with Databricks Runtime;",
        ),
        ("spark.read.load('/databricks-datasets/x').count()", "/databricks-datasets/x: Databricks' sample data isn't on this"),
        ("open('/dbfs/databricks-datasets/x')", "/dbfs/databricks-datasets/x: Databricks' sample data isn't on this machine"),
        ("try:\n    dbutils.fs.ls('/databricks-datasets/x')\nexcept Exception:\n    pass", "Databricks' sample data isn't on"),
        (
            "try:\n    spark.conf.get('spark.databricks.clusterUsageTags.clusterName')\nexcept Exception:\n    pass",
            "the setting spark.databricks.clusterUsageTags.clusterName has no value here",
        ),
        ("spark.conf.set('spark.sql.shuffle.partitions', 'auto')", 'takes "auto" on Databricks only'),
        (
            "spark.sql('CREATE VIEW v WITH METRICS LANGUAGE YAML AS $$\\nversion: 1.1\\nsource: t\\n$$')",
            "a metric view of this version is made on Databricks only",
        ),
        (
            (
                "spark.sql('CREATE TABLE t (a INT, d DATE)')\n"
                "spark.sql('CREATE VIEW v WITH METRICS LANGUAGE YAML AS $$\\nversion: 0.1\\nsource: t"
                "\\nmeasures:\\n  - name: m\\n    expr: SUM(a)"
                "\\n    window:\\n      - order: d\\n        range: all\\n$$')"
            ),
            "what this metric view says of its columns is known on Databricks only",
        ),
        (
            (
                "try:\n    spark.sql('BEGIN DECLARE CONTINUE HANDLER FOR DIVIDE_BY_ZERO SELECT 0; SELECT 1 / 0; END')\n"
                "except Exception:\n    pass"
            ),
            "a script's CONTINUE handler runs on Databricks only",
        ),
        (
            ("try:\n    spark.sql('BEGIN DECLARE c CURSOR FOR SELECT 1; OPEN c; CLOSE c; END')\nexcept Exception:\n    pass"),
            "a script's cursor runs on Databricks only",
        ),
        (
            "try:\n    spark.sql(\"SELECT c:item[*].price FROM VALUES ('{}') AS t(c)\")\nexcept Exception:\n    pass",
            "a path with [*] into a text of JSON is read on Databricks only",
        ),
        (
            "spark.sql('CREATE TABLE t (a STRING COLLATE UTF8_LCASE)')",
            "a column of another collation is made on Databricks only",
        ),
        (
            (
                "spark.sql('CREATE TABLE t (a STRING)')\n"
                "try:\n    spark.sql('ALTER TABLE t ALTER a TYPE STRING COLLATE UTF8_LCASE')\nexcept Exception:\n    pass"
            ),
            "a column of another collation is made on Databricks only",
        ),
        (
            "spark.sql('CREATE SCHEMA s DEFAULT COLLATION UTF8_LCASE')",
            "a schema's default collation is made on Databricks only",
        ),
        (
            (
                "spark.sql('CREATE TABLE t (a INT)')\n"
                "spark.sql(\"ALTER TABLE t SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', "
                "'delta.enableIcebergCompatV2' = 'true', 'delta.universalFormat.enabledFormats' = 'iceberg')\")"
            ),
            "a table that Iceberg's readers may read is made on Databricks only",
        ),
        (
            "spark.sql('BEGIN GRANT SELECT ON TABLE t TO x; END')",
            "Write EXECUTE IMMEDIATE 'GRANT ...' there.",
        ),
        (
            "spark.sql('CREATE TABLE t (a GEOMETRY(4326))')",
            "a Delta table with a GEOMETRY or GEOGRAPHY is made on Databricks only",
        ),
        ("spark.sql('CREATE TABLE t (a STRING MASK f)')", "MASK of a column is Databricks only"),
        (
            (
                "for name in ('t', 'u'):\n    spark.range(1).write.saveAsTable(name)\n"
                "try:\n    spark.sql('CREATE OR REPLACE TABLE u SHALLOW CLONE t')\nexcept Exception:\n    pass"
            ),
            "a clone takes the place of a table with rows on Databricks only",
        ),
        (
            (
                "spark.sql('CREATE TABLE t (a STRUCT<b: INT>)')\n"
                "try:\n    spark.sql('ALTER TABLE t ALTER COLUMN a.b SET NOT NULL')\nexcept Exception:\n    pass"
            ),
            "SET NOT NULL of a field is Databricks only",
        ),
        (
            "# MAGIC %sql\n# MAGIC SELECT raw:a.b FROM VALUES ('{}') AS t(raw)",
            "column:path on a column of JSON text is Databricks only",
        ),
        (
            "try:\n    spark.sql(\"SELECT raw:a FROM VALUES ('{}') AS t(raw)\").collect()\nexcept Exception:\n    pass",
            "write parse_json(column):path or get_json_object",
        ),
        (
            "from databricks.sdk import WorkspaceClient\ntry:\n    WorkspaceClient()\nexcept Exception:\n    pass",
            "WorkspaceClient() is signed in on Databricks only",
        ),
    ],
)
def test_what_is_there_on_databricks_alone(run_notebook, notebook, code, why):
    """A notebook that asks for it isn't wrong, and one that does without it hasn't done what it does there."""
    run = run_notebook(notebook(code))

    assert run.outcome == "unsupported", run.error
    assert why in run.error


def test_what_the_notebook_or_the_test_may_lack(run_notebook, notebook):
    """A package of nobody's fails the run; a default answers for a setting, and the test's own files for sample data."""
    failed = run_notebook(notebook("from databricks import nosuch"))
    path = notebook(
        "print(spark.conf.get('spark.databricks.clusterUsageTags.clusterName', 'none'))",
        "dbutils.fs.put('/databricks-datasets/x', 'one')\nprint(spark.read.text('/databricks-datasets/x').first().value)",
        name="other.py",
    )

    run = run_notebook(path)

    assert failed.outcome == "failed"
    assert run.passed, run.error
    assert [cell.text for cell in run.cells] == ["none\n", "Wrote 3 bytes.\none\n"]


def test_a_table_summarized(run_notebook, notebook):
    """An output with one row a column; of what can't be ordered only what can be counted."""
    path = notebook(
        """
        rows = [(1, "a", 1.5, True, [1]), (2, "b", None, False, [1]), (2, None, 2.5, None, None), (0, "a", 0.0, True, [])]
        df = spark.createDataFrame(rows, "n int, `s.t` string, f double, b boolean, l array<int>")
        """,
        "dbutils.data.summarize(df, precise=True)",
        "dbutils.data.summarize(df.limit(0))",
        "import pandas\ndbutils.data.summarize(pandas.DataFrame({'x': [1, None]}))",
        "dbutils.data.summarize([1])",
    )

    run = run_notebook(path)

    assert (run.outcome, run.location.cell) == ("failed", 5)
    assert "NBH358 dbutils.data.summarize can't summarize this" in run.error
    html = run.cells[1].outputs[0]["data"]["text/html"]
    cells = [row.split("</td>")[:-1] for row in html.split("<tbody>")[1].split("</tr>")[:-1]]
    table = {row[0].rpartition(">")[2]: [cell.rpartition(">")[2] for cell in row[1:]] for row in cells}
    assert table["n"] == ["int", "4", "0", "3", "1.25", "0.957427", "1", "0", "0.75", "1.5", "2.0", "2"]
    assert table["s.t"][:4] == ["string", "3", "1", "2"]
    assert table["f"][:4] == ["double", "3", "1", "3"]
    assert table["l"][:3] == ["array&lt;int&gt;", "3", "1"]
    assert "int" in run.cells[2].text


def test_units_summarize_too(dbutils, display, spark):
    """What is shown, the test's ``display`` remembers."""
    dbutils.data.summarize(spark.createDataFrame([(1,), (3,)], "n int"))

    [shown] = display.shown
    assert shown.loc[0, ["column", "count", "mean", "min", "max"]].tolist() == ["n", 2, 2.0, 1, 3]


def test_who_runs(run_notebook, notebook, uc):
    """SQL and the notebook's context name the same user, by an address as on Databricks; and what is made is that one's."""
    run = run_notebook(
        notebook(
            "context = dbutils.notebook.entry_point.getDbutils().notebook().getContext()",
            f"spark.sql('CREATE VIEW {uc.name}.mine AS SELECT current_user() AS who')",
            "row = spark.sql('SELECT current_user(), session_user() AS s, user() AS u').first()",
            f"found = [*row, spark.table('{uc.name}.mine').first().who, context.userName().get()]",
            "assert list(row.asDict()) == ['current_user()', 's', 'u']",
            "dbutils.notebook.exit(' '.join(sorted(set(found))))",
        )
    )

    assert run.exit_value == "local.user@nbh.invalid", run.summary


def test_a_request_to_the_workspace(run_notebook, notebook):
    """Isn't the notebook's to catch: there is no workspace here, and what it makes of that is no result."""
    run = run_notebook(
        notebook(
            "import urllib.request",
            "url = dbutils.notebook.entry_point.getDbutils().notebook().getContext().apiUrl().get()",
            "try:\n    urllib.request.urlopen(url + '/api/2.1/jobs/list')\nexcept OSError:\n    jobs = []",
        )
    )

    assert (run.outcome, run.location.cell) == ("unsupported", 3)
    assert "a request to the workspace's API (https://nbh.invalid)" in run.error


def test_a_client_that_tries_again_for_minutes_is_told_at_once(run_notebook, notebook):
    """Databricks' own does, for a fault of the network as it thinks; such a run ended by its time limit, without a reason."""
    pytest.importorskip("databricks.sdk")
    path = notebook(
        """
        from databricks.sdk import WorkspaceClient

        here = dbutils.notebook.entry_point.getDbutils().notebook().getContext()
        client = WorkspaceClient(host=here.apiUrl().get(), token=here.apiToken().get())
        """,
        "client.current_user.me()",
    )

    run = run_notebook(path, timeout_s=60)

    assert run.outcome == "unsupported", run.summary
    assert "a request to the workspace's API (https://nbh.invalid)" in run.error
