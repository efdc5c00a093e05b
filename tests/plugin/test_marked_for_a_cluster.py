"""Tests that run on a cluster: on a workspace of this machine, in a job that truly runs them."""

from __future__ import annotations

import re
from importlib.util import find_spec
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from wheel_backend import SETTINGS, backend

pytestmark = [
    pytest.mark.skipif(find_spec("starlette") is None, reason="needs the extra rehearsal"),
    pytest.mark.skipif(find_spec("databricks") is None, reason="needs the extra remote"),
    pytest.mark.skipif(find_spec("pyspark") is None, reason="needs pyspark"),
]

TOML = f"""
    {SETTINGS.rstrip().replace(chr(10), chr(10) + "    ")}

    [tool.pytest.ini_options]
    pythonpath = ["."]
    addopts = "-m 'not slow' --junitxml=ignored.xml"
    markers = ["slow"]

    [tool.coverage.run]
    omit = ["*/tests/*"]

    [[tool.nbh.env.rehearsal.environments]]
    environment_key = "default"
    spec = {{ client = "2", dependencies = ["."] }}
"""
THERE = """
    import os
    import warnings

    import kinds
    import lib
    import pytest
    from nbs.features import triple

    pytestmark = pytest.mark.nbh_on_cluster

    @pytest.mark.parametrize("x", [1, "a::b[c] d"])
    def test_passes(x, record_property):
        print("seen", x)
        record_property("where", "there")
        assert lib.double(2) == 4
        assert triple(2) == 6
        assert "nbh-on-cluster" in os.getcwd()

    def test_fails():
        value = 3
        assert lib.double(value) == 7, "no"

    @pytest.mark.skipif(True, reason="not now")
    def test_skipped(): pass

    @pytest.mark.skip(reason="never")
    def test_never(): pass

    @pytest.mark.nbh_local_only
    def test_for_here_alone(): pass

    @pytest.mark.xfail(reason="known")
    def test_known(): assert 0

    @pytest.mark.slow
    def test_left_out(): assert 0

    def test_warns():
        warnings.warn("the old way", DeprecationWarning)
        warnings.warn(kinds.Own("of ours"))

    def test_warns_of_what_this_run_makes_an_error():
        warnings.warn("of bytes", BytesWarning)

    def test_errors(broken): pass

    def test_ends_badly(ends_badly): pass

    class TestObjects:
        @pytest.mark.nbh_env("rehearsal")
        def test_catalog(self, databricks_env, uc):
            assert databricks_env.name == "rehearsal"
            uc.make_table(name="orders", rows=[{"id": 1}])
            assert uc.schema.startswith("nbh_")
            assert uc.table("orders").count() == 1

        def test_files(self, dbutils, spark, uc):
            landing = uc.make_volume(name="landing")
            (landing.folder / "a.csv").write_text("n\\n1\\n")
            assert spark.read.csv(landing.path, header=True).count() == 1
            with open("/dbfs/tmp/of_python", "w") as file:
                file.write("x")
            assert dbutils.fs.head("dbfs:/tmp/of_python") == "x"

        def test_wheel(self):
            import churnwheel
            assert churnwheel.x == 41

    def test_rdd(spark):
        spark.sparkContext.parallelize([1])

    def test_warns_of_what_pythons_own_setting_makes_an_error():
        warnings.warn("of letters", UnicodeWarning)

    def written_out():
        '''
        >>> lib.double(3)
        6
        '''
"""
FILES = {
    "pyproject.toml": TOML,
    "tox.ini": "",
    "backend.py": backend("churnwheel", "x = 41"),
    "kinds.py": "class Own(UserWarning): pass\n",
    "lib.py": "def double(x):\n    if x > 100:\n        return 0\n    return x * 2\n",
    "nbs/features.py": ["def triple(x):\n    return x * 3", "orders = spark.table('prod.orders')"],
    "tests/conftest.py": """
        import pytest

        @pytest.fixture
        def broken():
            raise RuntimeError("no set-up")

        @pytest.fixture
        def ends_badly():
            yield
            raise RuntimeError("no tear-down")
        """,
    "tests/test_there.py": THERE,
    "tests/test_here.py": """
        import os

        def test_here():
            assert "nbh-on-cluster" not in os.getcwd()
        """,
}


@pytest.fixture(scope="module")
def folder(make_folder):
    """A project with tests for the cluster, and for here."""
    return make_folder(FILES)


@pytest.fixture(scope="module")
def whole(folder):
    """One run of all tests, with coverage and JUnit."""
    arguments = [
        "--doctest-modules",
        "--junitxml=junit.xml",
        "--cov=lib",
        "--cov=nbs",
        "--cov-branch",
        "--cov-report=term-missing",
        "-W",
        "error::BytesWarning",
    ]
    done = folder.run_apart(
        "pytest", "--databricks-env=rehearsal", "-v", "-rA", *arguments, PYTHONWARNINGS="error::UnicodeWarning"
    )
    cases = {case.get("name"): case for case in ET.parse(folder.path / "junit.xml").iter("testcase")}
    return SimpleNamespace(said=done.stdout, code=done.returncode, cases=cases, errors=done.stderr)


def test_each_test_ends_as_it_ended_there(whole):
    """Passed, failed, skipped, expected to fail, or with an error in what is around it."""
    assert whole.code == 1, whole.said + whole.errors
    assert "= 4 failed, 9 passed, 3 skipped, 1 deselected, 1 xfailed, 4 warnings, 2 errors in" in whole.said
    as_they_end = whole.said.partition("= ERRORS =")[0]
    outcomes = dict(re.findall(r"^tests/[^:]+::(?:\w+::)?(\w+)(?:\[.*\])? (\w+)", as_they_end, flags=re.MULTILINE))
    assert outcomes == {
        "test_passes": "PASSED",
        "test_fails": "FAILED",
        "test_skipped": "SKIPPED",
        "test_never": "SKIPPED",
        "test_for_here_alone": "SKIPPED",
        "test_known": "XFAIL",
        "test_warns": "PASSED",
        "test_warns_of_what_this_run_makes_an_error": "FAILED",
        "test_warns_of_what_pythons_own_setting_makes_an_error": "FAILED",
        "test_errors": "ERROR",
        "test_ends_badly": "ERROR",
        "test_catalog": "PASSED",
        "test_files": "PASSED",
        "test_wheel": "PASSED",
        "test_rdd": "FAILED",
        "test_here": "PASSED",
    }
    assert "15 tests ran on the cluster, in one job" in whole.said


def test_each_test_is_told_as_here(whole):
    """With its lines, its output and its reason; paths are the project's."""
    assert "tests/test_there.py:21: AssertionError" in whole.said
    assert "E        +  where 6 = <function double" in whole.said
    assert re.search(r"^seen a::b\[c\] d$", whole.said, flags=re.MULTILINE)
    assert "SKIPPED [1] tests/test_there.py:23: not now" in whole.said
    assert "RuntimeError: no set-up" in whole.said
    assert "RuntimeError: no tear-down" in whole.said
    assert "RDDs, SparkContext and the JVM are on dedicated clusters" in whole.said


def test_what_they_warn_of_is_told(whole):
    """As if they had run here, with the project's paths and classes."""
    told = whole.said.partition("= warnings summary =")[2]

    assert "tests/test_there.py::test_warns\n" in told
    assert re.search(r"/tests/test_there\.py:\d+: DeprecationWarning: the old way", told)
    assert re.search(r"/tests/test_there\.py:\d+: Own: of ours", told)
    assert "PytestWarning: record_property is incompatible" in told
    assert "nbh-on-cluster" not in told


def test_junit_has_them(whole):
    """With properties, and failures apart from errors."""
    kinds = {name: [child.tag for child in case] for name, case in whole.cases.items()}

    assert kinds["test_passes[1]"] == ["properties"]
    assert kinds["test_fails"] == ["failure"]
    assert kinds["test_errors"] == ["error"]
    assert kinds["test_skipped"] == ["skipped"]


def test_what_they_cover_is_counted(whole):
    """Of modules and of notebooks, with branches: the one line that nothing runs is missed."""
    rows = {row[0]: row[1:] for row in (line.split() for line in whole.said.splitlines()) if row and row[0].endswith(".py")}

    assert rows["lib.py"] == ["4", "1", "2", "1", "67%", "3"]
    assert rows["nbs/features.py"][:2] == ["2", "0"]


@pytest.mark.parametrize("option", ["--collect-only", "--setup-plan"])
def test_nothing_is_asked_where_no_test_is_run(folder, option):
    """Nor is the workspace started, nor a test shown as passed."""
    done = folder.run_apart("pytest", "--databricks-env=rehearsal", option, "-q", "tests/test_there.py")

    assert done.returncode == 0, done.stdout
    assert "signing in" not in done.stdout
    assert "rehearsal at" not in done.stdout
    assert "passed" not in done.stdout


WHERE = """
    import json

    from harness.collect.remote import remote_of

    def pytest_collection_finish(session):
        if session.config.getoption("--databricks-env") != "local":
            remote = remote_of(session.config)
            config = remote.workspace.client.config
            told = [config.host, config.token, f"{remote.folder}/nbh-on-cluster"]
            (session.config.rootpath / "where.json").write_text(json.dumps(told))
"""
CANCELLED = """
    import json
    import os
    import threading

    import pytest
    import requests

    pytestmark = pytest.mark.nbh_on_cluster

    def content(folder, name):
        with open(f"{folder}/{name}", "rb") as file:
            return file.read()

    def test_before(): pass

    def test_ends_the_job():
        with open("where.json") as file:
            host, token, folder = json.load(file)
        while not any(b'"running": "test_it.py::test_ends' in content(folder, name) for name in os.listdir(folder)):
            pass
        headers = {"Authorization": f"Bearer {token}"}
        runs = f"{host}/api/2.2/jobs/runs"
        on = requests.get(f"{runs}/list?active_only=true&run_type=SUBMIT_RUN", headers=headers, verify=False)
        requests.post(f"{runs}/cancel", json={"run_id": on.json()["runs"][0]["run_id"]}, headers=headers, verify=False)
        threading.Event().wait()

    def test_after(): pass
"""


def test_of_a_job_that_ends_early_the_tests_before_are_known(make_folder):
    """The one that was on then is named, and none after it is taken for passed."""
    toml = '[tool.pytest.ini_options]\n[tool.nbh.env.rehearsal]\ndata_files = ["where.json"]\n'
    folder = make_folder({"pyproject.toml": toml, "conftest.py": WHERE, "test_it.py": CANCELLED})
    (folder.path / "tox.ini").unlink()
    done = folder.run_apart("pytest", "--databricks-env=rehearsal", "-rA")

    assert "= 1 passed, 2 errors in" in done.stdout, done.stdout + done.stderr
    assert "PASSED test_it.py::test_before" in done.stdout
    assert re.search(
        r"NBH420 the job .* died .when it last wrote, this test was on.: cancelled(.|\n)*ERROR at setup of test_after",
        done.stdout,
    )


def test_on_this_machine_the_mark_changes_nothing(project):
    """The same body runs everywhere."""
    project.write({"test_it.py": "import pytest\n@pytest.mark.nbh_on_cluster\ndef test_it(): pass\n"})

    project.run("--strict-markers").assert_outcomes(passed=1)


def test_in_production_it_is_refused(project):
    """What a test does there can't be seen from here."""
    project.write(
        {
            "pyproject.toml": '[tool.nbh.env.prd]\nhost = "https://adb-2.2.azuredatabricks.net"\n',
            "test_it.py": "import pytest\n@pytest.mark.nbh_on_cluster\ndef test_it(): pass\n",
        }
    )

    result = project.run("--databricks-env=prd")

    result.assert_outcomes(errors=1)
    assert "NBH385" in str(result.stdout)
