"""One test for each row of the list that runs on a workspace touch, on the rehearsal, named by the row's number."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from harness.environments import environment_of
from harness.errors import OnePlaceError
from harness.remote import privileges
from harness.remote.errors import PrivilegeError
from harness.remote.protocol import Identity
from harness.settings import settings_from

pytestmark = [
    pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal"),
    pytest.mark.skipif(find_spec("databricks") is None, reason="needs the extra remote"),
]

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"
COUNTS = f"{HEADER}spark.sql(f\"INSERT INTO {{dbutils.widgets.get('table')}} VALUES (1)\")"
ASKS = """
    import pytest
    from databricks.sdk import WorkspaceClient

    @pytest.fixture
    def ws(databricks_env, spark):
        return WorkspaceClient(host=databricks_env.host)

    @pytest.fixture
    def counted(uc):
        return uc.make_table(name="counted", columns="n int")
"""


def rehearse(folder, files, *arguments):
    """Run pytest there on the rehearsal; gives what it said, and its exit code."""
    folder.write({"conftest.py": ASKS, **files})
    return folder.run("pytest", "--databricks-env=rehearsal", *arguments)


def test_18_a_red_run_is_not_tried_again(folder):
    """The lie: a failing notebook is run until it is green. Here: it runs once, and its failure stays."""
    said, code = rehearse(
        folder,
        {
            "nb.py": f"{COUNTS}{CELL}assert False\n",
            "test_it.py": """
                def test_it(run_notebook, counted, spark):
                    run = run_notebook("nb.py", widgets={"table": counted.full_name})
                    assert (run.outcome, run.retried) == ("failed", ())
                    assert spark.table(counted.full_name).count() == 1
                """,
        },
    )

    assert code == 0, said


def test_18_a_fault_of_the_platform_is_told(folder):
    """The lie: nobody learns that a run was tried again. Here: it is, with the reason."""
    said, code = rehearse(
        folder,
        {
            "nb.py": f"{HEADER}import time; time.sleep(3); dbutils.notebook.exit('done')\n",
            "test_it.py": """
                def test_it(run_notebook, ws):
                    fault = {"kind": "preempted", "path": "*nb", "seconds": 0.5}
                    ws.api_client.do("POST", "/rehearsal/faults", body=fault)
                    run = run_notebook("nb.py")
                    assert (run.outcome, run.exit_value) == ("exited", "done"), run.summary
                    assert len(run.retried) == 1
                    assert "tried again" in run.summary
                """,
        },
    )

    assert code == 0, said


def test_19_a_lost_answer_runs_nothing_twice(folder):
    """The lie: the answer to a submission is lost, so it is submitted once more. Here: one run, known by its token."""
    said, code = rehearse(
        folder,
        {
            "nb.py": f"{COUNTS}{CELL}dbutils.notebook.exit('done')\n",
            "test_it.py": """
                def test_it(run_notebook, counted, spark, ws):
                    fault = {"kind": "lost_answer", "path": "/api/2.2/jobs/runs/submit"}
                    ws.api_client.do("POST", "/rehearsal/faults", body=fault)
                    run = run_notebook("nb.py", widgets={"table": counted.full_name})
                    assert (run.outcome, run.exit_value) == ("exited", "done"), run.summary
                    assert spark.table(counted.full_name).count() == 1
                """,
        },
    )

    assert code == 0, said


PROTECTED = """
    [tool.nbh.env.rehearsal]
    protected_catalogs = ["{catalog}"]
"""


@pytest.mark.parametrize(
    "cell",
    [
        "spark.range(3).write.mode('overwrite').saveAsTable('prod.sales.orders')",
        "CATALOG = 'prod'; spark.range(3).write.mode('overwrite').saveAsTable(f'{CATALOG}.sales.orders')",
    ],
    ids=["whole", "by a name"],
)
def test_28_a_hard_coded_catalog_is_refused_before_it_is_sent(folder, cell):
    """The lie: what is isolated on a laptop writes to the real table. Here: refused, with file and line."""
    said, code = rehearse(
        folder,
        {
            "pyproject.toml": PROTECTED.format(catalog="prod"),
            "nb.py": f"{HEADER}x = 1{CELL}{cell}\n",
            "test_it.py": "def test_it(run_notebook):\n    run_notebook('nb.py')\n",
        },
    )

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "NBH346" in said
    assert "nb.py:6" in said


def test_28_who_could_write_there_runs_nothing(folder):
    """The lie: the identity of the run may change production. Here: it is asked what it may do first."""
    said, code = rehearse(
        folder,
        {
            "pyproject.toml": f'{PROTECTED.format(catalog="main")}    catalog = "elsewhere"\n',
            "nb.py": f"{HEADER}x = 1\n",
            "test_it.py": "def test_it(run_notebook):\n    assert run_notebook('nb.py').passed\n",
        },
    )

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "NBH344" in said


class Grants:
    """A catalog of the admins', on which one principal has one privilege."""

    def __init__(self, who):
        self.who = who

    def catalog(self, name):
        """It is the admins'."""
        return {"name": name, "owner": "admins"}

    def schemas(self, catalog):
        """None is needed."""
        return []

    def effective_privileges(self, kind, name):
        """The one that there is."""
        return [{"principal": self.who, "privileges": [{"privilege": "MODIFY"}]}]


@pytest.mark.parametrize("who", ["jan.vos@firm.com", "JAN.VOS@firm.com", "writers"])
def test_125_an_identity_is_one_however_it_is_written(who):
    """The lie: the grant names it in small letters, so it is somebody else's. Here: it is the identity's own."""
    identity = Identity("Jan.Vos@Firm.com", ("Writers",))

    found = privileges.look(Grants(who), ["prod"], identity)

    with pytest.raises(PrivilegeError, match="could change prod"):
        privileges.judge(found, identity, unknown="refuse")


class Production:
    """The workspace to which a sign-in leads."""

    host = "https://prd.example.com"

    def __getattr__(self, name):
        pytest.fail(f"it was asked for {name}")


def test_126_production_under_another_name(tmp_path):
    """The lie: no file says that these tests run on production. Here: the sign-in says it, before anything is done there."""
    from harness.remote.session import Remote  # it needs the extra remote

    settings = settings_from({"env": {"pps": {}, "prd": {"host": Production.host, "catalog": "prd"}}}, str(tmp_path))
    remote = Remote(environment_of("pps", settings, variables={}), tmp_path, workspace=Production())

    with pytest.raises(OnePlaceError, match="'pps' and 'prd' are one place"):
        remote.check()


def test_31_a_rehearsal_says_that_it_is_one(folder):
    """The lie: a rehearsal is taken for a workspace. Here: the head of the run says so, and so does its number."""
    said, code = rehearse(
        folder, {"test_it.py": "def test_it(ws):\n    assert str(ws.get_workspace_id()).startswith('9000')\n"}
    )

    assert code == 0, said
    assert "environment rehearsal, a workspace on this machine, no proof about a real one" in said


def test_127_a_rehearsal_under_a_workspaces_name(folder):
    """The lie: what passes in `pps` has passed on PPS, where the sign-in leads to a rehearsal. Here: the run says so."""
    said, code = rehearse(
        folder,
        {
            "pyproject.toml": '[tool.nbh.env.pps]\ncatalog = "main"\n',
            "nb.py": f"{HEADER}x = 1\n",
            "inner.py": "def test_inner(run_notebook):\n    assert run_notebook('nb.py').passed\n",
            "test_it.py": """
                import os, subprocess, sys

                def test_it(databricks_env, ws):
                    told = [sys.executable, "-m", "pytest", "-q", "--databricks-env=pps", "inner.py"]
                    env = {**os.environ, "DATABRICKS_HOST": databricks_env.host}
                    done = subprocess.run(told, env=env, capture_output=True, text=True)
                    assert "1 passed" in done.stdout, done.stdout + done.stderr
                    assert "pps is a workspace on this machine" in done.stdout
                    assert "no proof about a real one" in done.stdout
                """,
        },
    )

    assert code == 0, said


def test_128_a_session_that_ended_is_no_expected_error(folder):
    """The lie: the query fails since its cluster is gone, and the test expects a failure. Here: the test is told of it."""
    said, code = rehearse(
        folder,
        {
            "pyproject.toml": """
                [tool.nbh.env.rehearsal.compute]
                spark_version = "17.3.x-scala2.13"
                node_type_id = "Standard_D4ds_v5"
                num_workers = 1
            """,
            "test_it.py": """
                import pytest

                def test_refuses_no_rows(spark, ws):
                    (cluster,) = [one for one in ws.clusters.list() if one.cluster_name.startswith("nbh-")]
                    ws.clusters.permanent_delete(cluster.cluster_id)
                    with pytest.raises(Exception):
                        spark.range(3).count()
            """,
        },
    )

    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert "NBH309" in said


def test_32_no_task_tries_again_by_itself(folder):
    """The lie: a serverless job runs a failed task once more, and the second try is green. Here: it is told not to."""
    said, code = rehearse(
        folder,
        {
            "nb.py": f"{HEADER}x = 1\n",
            "test_it.py": """
                def test_it(run_notebook, ws):
                    run = run_notebook("nb.py")
                    assert run.passed
                    asked = ws.api_client.do("GET", "/api/2.2/jobs/runs/get", query={"run_id": run.run_id})
                    (task,) = asked["tasks"]
                    assert (task.get("max_retries", 0), task["attempt_number"]) == (0, 0)
                    assert task["disable_auto_optimization"] is True
                """,
        },
    )

    assert code == 0, said


def test_33_a_line_is_told_only_where_it_is_sure(folder):
    """The lie: a line is guessed. Here: it is the repository's own where the trace says it, and the cell where it doesn't."""
    said, code = rehearse(
        folder,
        {
            "nb.py": f"{HEADER}def f(x):\n    return 1 / x{CELL}y = 0{CELL}f(y)\n",
            "test_it.py": """
                def test_it(run_notebook):
                    run = run_notebook("nb.py")
                    assert run.outcome == "failed"
                    assert (run.location.path, run.location.line, run.location.cell) == ("nb.py", 3, 1), run.summary
                    assert "<command-" in run.trace
                """,
        },
    )

    assert code == 0, said


LOSES = """
    import os

    def pytest_collection_modifyitems(items):
        if "nbh-on-cluster" in os.getcwd():
            items[:] = [item for item in items if "lost" not in item.name]
    """
LOST = """
    import pytest

    pytestmark = pytest.mark.nbh_on_cluster

    @pytest.mark.parametrize("x", range(6))
    def test_found(x): pass

    def test_lost(): pass
    """
UNREAD = """
    import os

    import pytest

    if "nbh-on-cluster" in os.getcwd():
        import not_on_the_cluster

    @pytest.mark.nbh_on_cluster
    def test_unread(): pass
    """


def test_70_a_test_on_the_cluster_without_a_result_is_an_error(folder):
    """The lie: what didn't come back isn't counted, and the rest is green. Here: an error, whichever worker it falls to."""
    files = {"conftest.py": LOSES, "test_it.py": LOST, "test_unread.py": UNREAD}
    said, code = rehearse(folder, files, "-n", "2", "--dist=load", "-rA")

    assert "= 6 passed, 2 errors in" in said, said
    assert "what became of test_it.py::test_lost on the cluster isn't known" in said
    assert "No module named 'not_on_the_cluster'" in said
    assert "6 tests ran on the cluster, in one job" in said
    assert code == 1


REACHES = {
    "worker.py": f"{HEADER}dbutils.notebook.exit('done')\n",
    "lib/__init__.py": "",
    "lib/rates.py": "VAT = 0.2\n",
    "uses.py": f"{HEADER}import lib.rates\n",
    "starts.py": f"{HEADER}name = '/'.join(['.', 'worker']){CELL}dbutils.notebook.run(name, 60)\n",
    "imports.py": f"{HEADER}import importlib{CELL}importlib.import_module('.'.join(['lib', 'rates']))\n",
    "test_it.py": """
        import pytest

        @pytest.mark.parametrize("name", ["worker", "uses"])
        def test_brings(run_notebook, name):
            assert run_notebook(f"{name}.py").passed

        @pytest.mark.parametrize("name", ["starts", "imports"])
        def test_reaches(run_notebook, name):
            run = run_notebook(f"{name}.py")
            assert run.passed, run.summary
        """,
}


@pytest.mark.parametrize("order", [("brings", "reaches"), ("reaches", "brings")], ids=" then ".join)
def test_85_a_notebook_finds_nothing_that_another_test_has_brought(folder, order):
    """The lie: what it names at run time alone is there, for a test before it has brought that. Here: it fails in any order."""
    said, code = rehearse(folder, REACHES, *(f"test_it.py::test_{one}" for one in order), "-rfp")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "= 2 failed, 2 passed in" in said, said
    assert all(f"PASSED test_it.py::test_brings[{name}]" in said for name in ("worker", "uses"))


TAKES_ANOTHERS = {
    "there.py": f"{HEADER}dbutils.notebook.exit('of the workspace')\n",
    "nb.py": f"{HEADER}name = '/Shared/' + 'there'{CELL}dbutils.notebook.exit(dbutils.notebook.run(name, 60))\n",
    "conftest.py": """
        import base64

        import pytest
        from databricks.sdk import WorkspaceClient

        @pytest.fixture
        def there(databricks_env, spark):
            ws = WorkspaceClient(host=databricks_env.host)
            content = base64.b64encode(b"# Databricks notebook source\\ndbutils.notebook.exit('stale')").decode()
            body = {"path": "/Shared/there", "format": "SOURCE", "language": "PYTHON", "content": content, "overwrite": True}
            ws.api_client.do("POST", "/api/2.0/workspace/mkdirs", body={"path": "/Shared"})
            ws.api_client.do("POST", "/api/2.0/workspace/import", body=body)
        """,
    "test_it.py": """
        import pytest

        @pytest.mark.parametrize("x", range(3))
        def test_it(run_notebook, there, x):
            assert run_notebook("nb.py").exit_value == "stale"

        def test_red(run_notebook, there):
            assert run_notebook("nb.py").exit_value == "of the workspace"
        """,
}


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["plain", "workers"])
def test_86_a_notebook_that_nobody_compared_is_told(folder, more):
    """The lie: the workspace's own copy ran, and green is the repository's. Here: the run says so, test by test."""
    folder.write({"conftest.py": "", **TAKES_ANOTHERS})
    said, code = folder.run("pytest", "--databricks-env=rehearsal", "-q", "--junitxml=j.xml", *more)

    note = "nb.py:6 (cell 2, line 1): which notebook dbutils.notebook.run starts is computed"
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 3 passed in" in said, said
    assert "- runs on the workspace -" in said
    assert said.count(note) == 2
    told = said.partition("= not known of the runs on the workspace =")[2]
    tests = ", ".join(f"test_it.py::test_it[{x}]" for x in range(3))
    assert (
        f"\n{note}: not compared with the repository's\n  passed with it: {tests}\n  not passed: test_it.py::test_red\n" in told
    ), said
    assert (folder.path / "j.xml").read_text().count('<property name="nbh_not_compared"') == 4


@pytest.mark.parametrize(("target", "code"), [("/Shared/there", 1), ("/Workspace/Shared/there", 1), ("./there", 0)])
def test_86_a_copy_of_the_workspaces_own_that_differs_ends_the_test(folder, target, code):
    """The lie: a stale copy on the workspace is green for the repository's. Here: it is compared, and refused."""
    folder.write(
        {
            **TAKES_ANOTHERS,
            "pyproject.toml": "[tool.nbh]\nrun_prefixes = { '/Shared' = '.' }\n",
            "nb.py": f"{HEADER}dbutils.notebook.exit(dbutils.notebook.run('{target}', 60))\n",
            "test_it.py": """
                def test_it(run_notebook, there):
                    assert run_notebook("nb.py").exit_value == "of the workspace"
                """,
        }
    )
    said, ended = folder.run("pytest", "--databricks-env=rehearsal")

    assert ended == code, said
    assert ("NBH341" in said) is ("its content is another than that of there.py" in said) is bool(code)


@pytest.mark.parametrize("address", ["", "sc://localhost:1/"])
def test_107_spark_of_this_machine(folder, monkeypatch, address):
    """The lie: the project's own fixture opens another Spark, in a run that is on a workspace. Here: none is opened."""
    if address:
        monkeypatch.setenv("SPARK_REMOTE", address)
    own = (
        "import pytest\nfrom pyspark.sql import SparkSession\n\n@pytest.fixture\ndef spark():\n    return SparkSession.builder"
    )
    folder.write(
        {
            "conftest.py": f"{own}.master('local[1]').getOrCreate()\n",
            "test_it.py": """
                from pyspark.sql import SparkSession

                def test_fixture(spark):
                    assert spark.range(3).count() == 3

                def test_builder():
                    assert SparkSession.builder.getOrCreate().range(3).count() == 3
                """,
        }
    )

    said, code = folder.run("pytest", "--databricks-env=rehearsal")

    assert code == 1
    assert "1 failed, 1 error in" in said
    assert said.count("\nE       this run's Spark is a workspace's, and none is opened on this machine: take") == 2, said


def test_134_a_warning_that_is_an_error_is_one_on_the_cluster(folder, monkeypatch):
    """The lie: Python's own setting, by which a warning is an error, stays here. Here: it holds there, below pytest's own."""
    monkeypatch.setenv("PYTHONWARNINGS", "error::UnicodeWarning,error::ImportWarning")
    test = """
        import warnings
        import pytest

        pytestmark = pytest.mark.nbh_on_cluster

        def test_warns(): warnings.warn("of letters", UnicodeWarning)
        def test_warns_of_what_the_settings_pass_over(): warnings.warn("of modules", ImportWarning)
        """
    said, code = rehearse(
        folder, {"pytest.ini": "[pytest]\nfilterwarnings = ignore::ImportWarning\n", "test_it.py": test}, "-rA"
    )

    assert "= 1 failed, 1 passed in" in said, said
    assert "FAILED test_it.py::test_warns - UnicodeWarning: of letters" in said
    assert code == 1


def test_140_python_finds_no_folder_of_this_machine_in_the_place_of_dbfs(folder):
    """The lie: what Python writes to /dbfs lands beside the test. Here: that is refused; on the cluster it is its own."""
    test = """
        import pytest

        def keep_and_look(dbutils):
            with open("/dbfs/tmp/of_140", "w") as file:
                file.write("kept")
            assert open("/dbfs/tmp/of_140").read() == "kept"
            return dbutils.fs.head("dbfs:/tmp/of_140")

        def test_here(dbutils):
            keep_and_look(dbutils)

        @pytest.mark.nbh_on_cluster
        def test_there(dbutils, uc):
            assert keep_and_look(dbutils) == "kept"
        """
    said, code = rehearse(folder, {"test_it.py": test}, "-rA")

    assert "= 1 failed, 1 passed in" in said, said
    assert "NBH349 /dbfs/tmp/of_140 is on the workspace" in said
    assert "PASSED test_it.py::test_there" in said
    assert code == 1


def test_141_what_a_test_registers_goes_with_it(folder):
    """The lie: the second test is green after the first one alone. Here: it never is."""
    test = """
        def test_makes(spark):
            spark.udf.register("doubled", lambda x: x * 2, "long")
            spark.sql("DECLARE VARIABLE days INT DEFAULT 7")
            spark.range(3).createOrReplaceGlobalTempView("three")
            assert spark.sql("SELECT doubled(id) + days AS n FROM global_temp.three").count() == 3

        def test_function(spark): spark.sql("SELECT doubled(1L)").collect()
        def test_variable(spark): spark.sql("SELECT days").collect()
        def test_view(spark): spark.table("global_temp.three").collect()
        """
    said, code = rehearse(folder, {"test_it.py": test}, "-rA")

    assert "= 3 failed, 1 passed in" in said, said
    assert "PASSED test_it.py::test_makes" in said
    assert code == 1


def test_142_no_test_of_a_workspace_is_told_as_one_of_the_classic_engine(folder):
    """The lie: the run says that a test ran on the classic engine, and it was the workspace's Spark. Here: it doesn't."""
    test = """
        import pytest

        @pytest.mark.nbh_engine("classic")
        def test_it(spark): assert spark.range(2).count() == 2
        """
    said, code = rehearse(folder, {"test_it.py": test}, "-rA")

    assert code == 0, said
    assert "classic engine" not in said
