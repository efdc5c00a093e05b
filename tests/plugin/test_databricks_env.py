"""``--databricks-env``: which environments there are, and what tests are for."""

from __future__ import annotations

import pytest

PPS = """
    [tool.nbh.env.pps]
    host = "https://adb-1.1.azuredatabricks.net"
    catalog = "pps"
    [tool.nbh.env.prd]
    host = "https://adb-2.2.azuredatabricks.net"
    catalog = "prd"
"""
TEST = "def test_it():\n    pass\n"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("psp", ["NBH387", 'unknown environment "psp"', "known: local, rehearsal, pps, prd", 'did you mean "pps"?']),
        ("zzz", ['unknown environment "zzz"', "add [tool.nbh.env.zzz] with its host and catalog"]),
    ],
)
def test_an_unknown_environment_ends_the_run(project, name, told):
    """Before anything is collected, with the near miss."""
    project.write({"pyproject.toml": PPS, "test_it.py": TEST})

    result = project.run(f"--databricks-env={name}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert all(text in str(result.stderr) for text in told)


def test_a_wrong_value_ends_the_run_with_its_place(project):
    """As a wrong option does."""
    project.write({"pyproject.toml": PPS.replace('"pps"', "7"), "test_it.py": TEST})

    result = project.run("--databricks-env=pps")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pyproject.toml: NBH200 catalog of the environment 'pps' is 7*"])


def test_the_header_names_the_workspace(project):
    """Which environment, where it is, and on what notebooks run there."""
    project.write({"pyproject.toml": PPS, "test_it.py": TEST})

    result = project.run("--databricks-env=pps")

    result.stdout.fnmatch_lines(
        ["databricks notebooks: environment pps, https://adb-1.1.azuredatabricks.net, serverless compute, *"]
    )
    result.assert_outcomes(passed=1)


def test_the_header_names_environments_of_the_same_place(project):
    """Who has two names for one catalog knows that tests in one change the other."""
    again = '    [tool.nbh.env.ci]\n    host = "https://adb-1.1.azuredatabricks.net"\n    catalog = "pps"\n'
    project.write({"pyproject.toml": PPS + again, "test_it.py": TEST})

    result = project.run("--databricks-env=pps")

    result.stdout.fnmatch_lines(["of one place: ci; what tests make in one is in all"])
    result.assert_outcomes(passed=1)


def test_production_must_be_spelled_out(project):
    """An option in a file leads nobody there by surprise."""
    project.write({"pyproject.toml": PPS, "test_it.py": TEST})
    project.pytester.makeini("[pytest]\naddopts = --databricks-env=prd\n")

    refused = project.run()
    spelled_out = project.run("--databricks-env=prd")

    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*--databricks-env=prd: it is protected*"])
    spelled_out.assert_outcomes(passed=1)


MARKED = """
    import pytest

    @pytest.mark.nbh_env("pps", "ppd")
    def test_there():
        pass

    @pytest.mark.nbh_local_only
    def test_here():
        pass
"""


@pytest.mark.parametrize(("name", "passed"), [("local", "test_here"), ("pps", "test_there"), ("prd", "")])
def test_marked_tests_run_where_they_are_for(project, name, passed):
    """Others are skipped, and say for which environment they are."""
    project.write({"pyproject.toml": f"{PPS}[tool.nbh.env.ppd]\n", "test_it.py": MARKED})

    result = project.run(f"--databricks-env={name}", "-rsp")

    told = str(result.stdout)
    assert [test for test in ("test_here", "test_there") if f"PASSED test_it.py::{test}" in told] == [passed] * bool(passed)
    assert f"this run's is {name}" in told


@pytest.mark.parametrize("marker", ['nbh_env("psp")', "nbh_env"])
def test_a_mark_that_can_never_fit_ends_the_run(project, marker):
    """It would skip its test for ever."""
    project.write({"pyproject.toml": PPS, "test_it.py": f"import pytest\n\n@pytest.mark.{marker}\n{TEST}"})

    result = project.run()

    assert result.ret != 0
    assert "nbh_env" in str(result.stdout) + str(result.stderr) or "psp" in str(result.stdout) + str(result.stderr)
    result.assert_outcomes(passed=0, skipped=0, errors=1)


def test_a_missing_variable_skips(project):
    """And a set one is given."""
    project.write(
        {
            "test_it.py": """
                def test_set(env_or_skip, monkeypatch):
                    monkeypatch.setenv("NBH_TEST_SET", "x")
                    assert env_or_skip("NBH_TEST_SET") == "x"

                def test_unset(env_or_skip):
                    env_or_skip("NBH_TEST_UNSET")

                def test_where(databricks_env):
                    assert (databricks_env.name, databricks_env.is_remote) == ("local", False)
                """
        }
    )

    result = project.run("-rs")

    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["*the variable NBH_TEST_UNSET isn't set*"])


WRITES = """
    def test_makes(uc):
        uc.make_table(name="t", columns="id int")

    def test_runs(run_notebook):
        run_notebook("nb.py")

    def test_reads():
        pass
"""


def test_tests_only_read_in_a_protected_environment(project):
    """What may write is refused before anybody signs in."""
    project.write({"pyproject.toml": PPS, "test_it.py": WRITES, "nb.py": ["x = 1"]})

    result = project.run("--databricks-env=prd", "-k", "runs or reads")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*NBH385 a notebook that is run whole may write, and tests only read in the environment 'prd'*"]
    )


CALLS = """
import pytest

@pytest.mark.parametrize("call, given", [
    ("put", ["dbfs:/tmp/x", "text", True]), ("mkdirs", ["/tmp/x"]), ("cp", ["/tmp/x", "/tmp/y"]), ("mv", ["/tmp/x", "/tmp/y"]),
    ("rm", ["/Volumes/other/s/v", True]), ("ls", ["/tmp"]), ("head", ["/tmp/x"]),
])
def test_it(dbutils, call, given):
    getattr(dbutils.fs, call)(*given)
"""


def test_no_file_is_written_in_a_protected_environment(project):
    """Before anybody signs in; what reads goes on to that."""
    project.write({"pyproject.toml": PPS, "test_it.py": CALLS})

    said = project.run("--databricks-env=prd").stdout.str()

    for call in ("put", "mkdirs", "cp", "mv", "rm"):
        assert f"NBH385 dbutils.fs.{call} may write, and tests only read in the environment 'prd'" in said
    assert "dbutils.fs.ls may" not in said
    assert "dbutils.fs.head may" not in said


DECLARED = """
import pytest

@pytest.mark.nbh_run("nb.py")
def test_declared(notebook_run):
    pass

@pytest.mark.nbh_env("prd")
@pytest.mark.nbh_run("elsewhere.py")
def test_of_another_environment(notebook_run):
    pass

@pytest.mark.skip
@pytest.mark.nbh_run("skipped.py")
def test_skipped(notebook_run):
    pass

@pytest.mark.skipif(True, reason="no")
@pytest.mark.nbh_run("skipped_if.py")
def test_skipped_if(notebook_run):
    pass
"""

# In place of a workspace: what would have been sent there, and for how long.
SENT = """
import harness.collect.workspace_runs as runs

class Remote:
    def submit(self, path, *, widgets, timeout_s):
        with open("sent", "a") as told:
            told.write(f"{path.rpartition('/')[2]} {timeout_s};")
        return self

runs.remote_of = lambda config: Remote()
"""


def test_a_declared_run_begins_only_where_its_test_is_for(project):
    """Neither that of another environment's test, nor that of one which is left out; as long as the environment says."""
    notebooks = {name: ["x = 1"] for name in ("nb.py", "elsewhere.py", "skipped.py", "skipped_if.py")}
    project.write({"pyproject.toml": PPS, "conftest.py": SENT, "test_it.py": DECLARED, **notebooks})

    project.run("--databricks-env=pps")

    assert (project.path / "sent").read_text() == "nb.py None;"


def test_no_declared_run_begins_in_a_protected_environment(project):
    """It is refused as any other is."""
    notebooks = {name: ["x = 1"] for name in ("nb.py", "elsewhere.py")}
    project.write({"pyproject.toml": PPS, "conftest.py": SENT, "test_it.py": DECLARED, **notebooks})

    result = project.run("--databricks-env=prd", "-k", "declared or another")

    assert not (project.path / "sent").exists()
    result.assert_outcomes(failed=0, errors=2)
    result.stdout.fnmatch_lines(
        ["*NBH385 a notebook that is run whole may write, and tests only read in the environment 'prd'*"]
    )


def test_a_job_is_refused_before_anybody_signs_in(project):
    """In a protected environment whatever it is; elsewhere where no copy of it can be run, or there is none."""
    pytest.importorskip("yaml")
    project.write(
        {
            "pyproject.toml": PPS,
            "databricks.yml": "resources: {jobs: {etl: {tasks: [{task_key: a, sql_task: {query: {query_id: x}}}]}}}",
            "test_it.py": "def test_a(run_job):\n    run_job('etl')\ndef test_b(run_job):\n    run_job('elt')\n",
        }
    )

    protected, other = project.run("--databricks-env=prd"), project.run("--databricks-env=pps")

    protected.assert_outcomes(errors=2)
    protected.stdout.fnmatch_lines(["*NBH385 a job that is run may write, and tests only read in the environment 'prd'*"])
    other.assert_outcomes(failed=2)
    other.stdout.fnmatch_lines(['*databricks.yml: NBH416 the task "a" is a sql_task*'])
    other.stdout.fnmatch_lines(['*databricks.yml: NBH411 there is no job "elt"*', '*did you mean "etl"?*'])


@pytest.mark.parametrize("how", ["skip_cells=[1]", "task_key='x'", "task_values={'a': {}}"])
def test_what_a_workspace_has_nothing_for(project, how):
    """Refused, with the mark that keeps such a test here, before anything is sent."""
    project.write(
        {
            "pyproject.toml": PPS,
            "test_it.py": f"def test_it(run_notebook):\n    run_notebook('nb.py', {how})\n",
            "nb.py": ["x = 1"],
        }
    )

    result = project.run("--databricks-env=pps")

    if "task_values" in how:
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*NBH385 task_values= has no meaning in the environment 'pps'*"])
    else:
        result.stdout.fnmatch_lines(["*NBH385 * has no meaning in the environment 'pps'*"])
        result.assert_outcomes(failed=1)


def test_a_misspelt_mark_is_told(project):
    """What it asks for would not be done; one that the project has registered is its own."""
    project.write(
        {
            "test_it.py": """
                import pytest

                @pytest.mark.nbh_widget(day="2026-01-31")
                def test_wrong(dbutils):
                    pass

                @pytest.mark.nbh_widgets(day="2026-01-31")
                @pytest.mark.nbh_mine
                def test_right(dbutils):
                    assert dbutils.widgets.get("day") == "2026-01-31"
                """
        }
    )

    result = project.run("-W", "ignore", "-o", "markers=nbh_mine: of the project")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["test_it.py::test_wrong: there is no mark nbh_widget; did you mean nbh_widgets?*"])
    result.stdout.no_fnmatch_line("*_hookexec*")  # no line of pytest's own would say more


UNASKED = """
import pytest

@pytest.mark.nbh_run("nb.py")
def test_alone():
    pass

@pytest.mark.nbh_run("nb.py")
def test_asked_late(request):
    request.getfixturevalue("notebook_run")

@pytest.mark.nbh_run("nb.py")
class TestSome:
    def test_asks(self, notebook_run):
        pass

    def test_has_no_need(self):
        pass

@pytest.mark.nbh_run("nb.py")
@pytest.mark.nbh_run("other.py")
def test_two(notebook_run):
    pass

@pytest.mark.nbh_run("nb.py", widget={})
def test_misspelt(notebook_run):
    pass

@pytest.mark.nbh_run()
def test_none(notebook_run):
    pass
"""


@pytest.mark.parametrize("environment", ["local", "pps"])
def test_a_declared_run_that_nobody_asks_for(project, environment):
    """Its test fails, for here nothing was run; a mark that is wrong costs its own test alone, there as here."""
    project.write({"pyproject.toml": PPS, "test_it.py": UNASKED, "nb.py": ["x = 1"], "other.py": ["x = 1"]})
    if environment == "pps":
        project.write({"conftest.py": SENT})
    else:
        pytest.importorskip("nbclient", reason="notebooks are run whole by the extra `local`")

    result = project.run("--databricks-env", environment, "-rA")

    result.stdout.fnmatch_lines_random(
        [
            "*NBH360 the test declares a run, and doesn't ask for it",
            "FAILED test_it.py::test_alone - NBH360*",
            "PASSED test_it.py::TestSome::test_has_no_need",
            "ERROR test_it.py::test_two - *",
            "*test_two declares two runs, and notebook_run is one*",
            "ERROR test_it.py::test_misspelt - *",
            "*TypeError: *unexpected *argument 'widget'; did you mean widgets=?",
            "ERROR test_it.py::test_none - *",
        ]
    )
    if environment == "local":
        result.assert_outcomes(passed=3, failed=1, errors=3)
    else:
        assert (project.path / "sent").read_text() == "nb.py None;nb.py None;"  # with the session, and when it is asked for


@pytest.mark.parametrize("marker", ["", "@pytest.mark.nbh_run()", "@pytest.mark.nbh_run('a.py', 'b.py')"])
def test_a_run_that_is_not_declared_as_it_should_be(project, marker):
    """The message shows how."""
    project.write({"test_it.py": f"import pytest\n\n{marker}\ndef test_it(notebook_run):\n    pass\n"})

    result = project.run()

    result.assert_outcomes(errors=1)
    assert 'nbh_run("notebooks/etl.py"' in str(result.stdout)
