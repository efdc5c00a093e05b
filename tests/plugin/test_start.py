"""What the plugin does at the start of a run, and what it leaves alone."""

from __future__ import annotations

import json

import pytest

HEAVY = ("pyspark", "coverage", "nbformat", "rich", "pandas", "mlflow", "py4j", "IPython")


def test_nothing_heavy_is_imported_where_there_are_no_notebooks(project):
    """A project without notebooks pays for no module that only notebooks need, not even for coverage.py."""
    project.write(
        {
            "test_a.py": "def test_a(): pass\n",
            "conftest.py": """
                import json, sys

                def pytest_unconfigure():
                    with open("modules.json", "w") as file:
                        json.dump(sorted(sys.modules), file)
                """,
        }
    )

    done = project.run_apart("pytest")

    assert "1 passed" in done.stdout
    loaded = json.loads((project.path / "modules.json").read_text())
    assert "harness.plugin" in loaded
    heavy = [name for name in loaded if name.startswith(HEAVY)]
    assert [name for name in heavy if name != "pyspark.dbutils"] == []  # of these few lines are ours, and load nothing
    ours = {"harness.collect.surroundings", "harness.runtime.dbutils", "harness.runtime.files"}
    assert ours & set(loaded) == set()
    assert [n for n in loaded if n.startswith("harness.extract.")] == ["harness.extract.importer"]


def test_what_is_installed_is_read_once(project):
    """Our fixtures cost a start no further look through all that is installed, which takes longer than they do."""
    project.write(
        {
            "test_a.py": "def test_a(): pass\n",
            "watch/sitecustomize.py": """
                import atexit, collections, json, sys

                read = collections.Counter()

                def watch(event, given):
                    if event == "open" and str(given[0]).endswith("entry_points.txt"):
                        read[str(given[0])] += 1

                sys.addaudithook(watch)
                atexit.register(lambda: json.dump(read, open("read.json", "w")))
                """,
        }
    )
    read = {}
    for how in ((), ("-p", "no:harness.plugin")):
        assert "1 passed" in project.run_apart("pytest", *how, PYTHONPATH="watch", PYTEST_ADDOPTS="").stdout
        read[how] = json.loads((project.path / "read.json").read_text())

    with_ours, without = read.values()
    assert [path for path in without if "databricks_notebook_harness" in path]
    assert with_ours == without


def test_unknown_environment_ends_with_4_and_the_near_miss(project):
    """A misspelt environment is wrong use, and the message offers the right one."""
    result = project.run("--databricks-env", "locla")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(['*unknown environment "locla"', "*known: local, rehearsal", '*did you mean "local"?'])


def test_unknown_setting_ends_with_4(project):
    """A wrong setting is shown in four parts, without a traceback."""
    project.write({"pyproject.toml": "[tool.nbh]\nrots = ['x']\n"})

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unknown setting 'rots'*", "*did you mean 'roots'?*"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_header_shows_environment_and_engine(project, workers):
    """The header says where notebooks' Spark lives."""
    project.write({"test_a.py": "def test_a(): pass\n"})

    result = project.run(*workers)

    result.assert_outcomes(passed=1)
    result.stdout.re_match_lines(
        [r"databricks notebooks: environment local, (engine connect \((pyspark|databricks-connect) |no Spark).*"]
    )


def test_the_plugin_can_be_left_out(project):
    """With -p no:harness.plugin pytest is as it was."""
    project.write({"test_a.py": "def test_a(): pass\n"})

    result = project.run("-p", "no:harness.plugin")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("databricks notebooks:*")


def test_the_plugin_can_be_named_in_a_conftest(project):
    """Where plugins aren't loaded by themselves, a conftest's pytest_plugins brings ours, later than usual."""
    project.write(
        {
            "nb.py": ["def f(): return 1"],
            "conftest.py": 'pytest_plugins = ["harness.plugin"]\n',
            "test_a.py": "from nb import f\ndef test_a(dbutils): assert f() == 1\n",
        }
    )

    done = project.run_apart("pytest", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("without", ["assertion", "cacheprovider", "junitxml", "xdist", "cov", "terminal", "doctest"])
def test_other_plugins_may_be_missing(project, without):
    """None of pytest's own plugins, nor those beside us, is needed to test a notebook."""
    quiet = () if without == "terminal" else ("-q",)  # -q is the terminal's own option
    project.write(
        {
            "nb.py": ["def f():\n    assert 1\n    return 1"],
            "conftest.py": "from nb import f\n",
            "test_a.py": "from nb import f\ndef test_a(): assert f() == 1\n",
        }
    )

    done = project.run_apart("pytest", "-p", f"no:{without}", *quiet)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_conftest_leaves_nothing_behind(project):
    """The import finder is gone after a run that never began, so that a process can start another."""
    project.write({"conftest.py": "raise RuntimeError('conftest')\n"})
    project.write(
        {
            "twice.py": """
                import sys
                import pytest

                before = list(sys.meta_path)
                assert pytest.main(["-q"]) == 4
                assert [f for f in sys.meta_path if f not in before and "harness" in type(f).__module__] == []
                """
        }
    )

    done = project.run_apart("twice")

    assert done.returncode == 0, done.stdout + done.stderr


LABS = {
    "databricks_labs_pytester-0.7.4.dist-info/METADATA": "Name: databricks-labs-pytester\nVersion: 0.7.4\n",
    "databricks_labs_pytester-0.7.4.dist-info/entry_points.txt": (
        "[pytest11]\ndatabricks-labs-pytester = databricks.labs.pytester.fixtures.plugin\n"
    ),
    "databricks/labs/pytester/fixtures/plugin.py": """
        import pytest

        @pytest.fixture
        def spark():
            return "theirs"

        @pytest.fixture
        def make_random():
            return "theirs"
        """,
}


def test_start_says_whose_fixture_wins_beside_databricks_labs_pytester(project):
    """Both plugins have ``spark`` and ``make_random``: the header names the one that tests get, and it is the one they get."""
    project.write(
        {
            **LABS,
            "test_a.py": """
                def test_a(request):
                    print("GOT", request._fixturemanager.getfixturedefs("spark", request.node)[-1].func.__module__)
                """,
        }
    )

    done = project.run_apart("pytest", "-s", "-p", "no:cacheprovider", PYTHONPATH=str(project.path))

    said = next(
        line
        for line in done.stdout.splitlines()
        if line.startswith("databricks-labs-pytester has the fixtures make_random, spark too")
    )
    winner = "databricks-labs-pytester" if "GOT databricks.labs" in done.stdout else "databricks-notebook-harness"
    assert said.endswith(f"{winner} wins, unless you define your own")
    assert "make_schema" not in done.stdout


def test_the_users_own_fixture_wins_over_both_plugins(project):
    """A fixture of the user's conftest is what tests get, whatever is installed."""
    project.write(
        {
            **LABS,
            "conftest.py": "import pytest\n@pytest.fixture\ndef spark(): return 'mine'\n",
            "test_a.py": "def test_a(spark): assert spark == 'mine'\n",
        }
    )

    done = project.run_apart("pytest", PYTHONPATH=str(project.path))

    assert "1 passed" in done.stdout
