"""Importing notebooks in a pytest run: from tests, conftests and doctests, in every import mode."""

from __future__ import annotations

import pytest

TOP = "open('ran_' + 'top_level', 'w').write('x')"


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_every_import_mode(project, workers, mode):
    """Notebooks are claimed whichever way pytest imports the test files."""
    project.write(
        {
            "nbs/etl.py": [TOP, "def f(): return 1"],
            "nbs/model.ipynb": [TOP, "def g(): return 2"],
            "tests/test_it.py": """
                from nbs.etl import f
                from nbs.model import g

                def test_both(): assert f() + g() == 3
                """,
        }
    )

    project.run(f"--import-mode={mode}", *workers).assert_outcomes(passed=1)
    assert not project.exists("ran_*")


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_doctests_of_notebooks(project, mode):
    """--doctest-modules runs the doctests of notebook functions and not the notebook, also where its name is no Python name."""
    project.write(
        {
            "nbs/etl.py": [TOP, 'def f():\n    """\n    >>> f()\n    2\n    """\n    return 1'],
            "nbs/01-load.py": [TOP, 'def g():\n    """\n    >>> g()\n    1\n    """\n    return 1'],
        }
    )

    result = project.run("--doctest-modules", f"--import-mode={mode}")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*nbs?etl.py:8: DocTestFailure"])
    assert not project.exists("ran_*")


def test_a_conftest_may_import_a_notebook(project, workers):
    """Fixtures made of notebook functions: the finder is there before the first conftest."""
    project.write(
        {
            "nbs/etl.py": [TOP, "def scale(x):\n    assert x != 5\n    return 3 * x"],
            "conftest.py": """
                import pytest
                from nbs.etl import scale

                @pytest.fixture
                def six(): return scale(2)

                @pytest.fixture
                def boom(): return scale(5)
                """,
            "tests/test_it.py": "def test_six(six): assert six == 6\ndef test_boom(boom): pass\n",
        }
    )

    result = project.run(*workers)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E*assert 5 != 5", "nbs/etl.py:7 (cell 2, line 2) in scale"])
    assert not project.exists("ran_*")


def test_same_named_notebooks_of_two_projects(project, workers):
    """In a mono repo each project's tests have their own notebook, by import and by path."""
    files = {}
    for name in ("north", "south"):
        files |= {
            f"{name}/pyproject.toml": "",
            f"{name}/nbs/etl.py": [f"WHO = '{name}'", "# MAGIC %run ./who", "def who(): return WHO, helper()"],
            f"{name}/nbs/who.py": [f"def helper(): return '{name}'"],
            f"{name}/tests/test_who_{name}.py": f"""
                from {name}.nbs.etl import who

                def test_who(notebook):
                    assert who() == notebook("../nbs/etl.py").who() == ("{name}", "{name}")
                """,
        }
    project.write(files)

    project.run(*workers).assert_outcomes(passed=2)


def test_run_prefixes_are_those_of_the_nearest_project(project):
    """An absolute %run goes where the notebook's own project maps it."""
    files = {}
    for name in ("north", "south"):
        files |= {
            f"{name}/pyproject.toml": "[tool.nbh]\nrun_prefixes = { '/Shared' = 'lib' }\n",
            f"{name}/lib/who.py": [f"def who(): return '{name}'"],
            f"{name}/nbs/etl.py": ["# MAGIC %run /Shared/who"],
            f"{name}/test_{name}.py": f"def test_who(notebook): assert notebook('nbs/etl.py').who() == '{name}'\n",
        }
    project.write(files)

    project.run().assert_outcomes(passed=2)


def test_a_configuration_elsewhere_gives_the_rootdir(project):
    """With -c the rootdir is that file's folder: notebooks below it are claimed, places are shown from there."""
    project.write(
        {
            "sub/other.ini": "[pytest]\npythonpath = .\n",
            "sub/nbs/etl.py": [TOP, "def f(): assert 0"],
            "sub/test_it.py": "from nbs.etl import f\ndef test_f(): f()\n",
        }
    )

    result = project.run("-c", "sub/other.ini", "sub")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["nbs/etl.py:6 (cell 2, line 1) in f"])
    assert not project.exists("ran_*")


def test_roots_of_the_settings(project):
    """[tool.nbh] roots says where notebooks may be claimed."""
    project.write(
        {
            "pyproject.toml": "[tool.nbh]\nroots = ['nbs']\n[tool.pytest.ini_options]\npythonpath = ['.']\n",
            "tox.ini": "",
            "nbs/etl.py": [TOP, "def f(): return 1"],
            "test_it.py": "from nbs.etl import f\ndef test_f(): assert f() == 1\n",
        }
    )

    project.run().assert_outcomes(passed=1)
    assert not project.exists("ran_*")


def test_a_notebook_outside_the_rootdir_on_pythonpath(project):
    """A folder of ``pythonpath`` is a root too, wherever it lies."""
    project.write(
        {
            "shared/etl.py": [TOP, "def f(): return 1"],
            "app/pytest.ini": "[pytest]\npythonpath = ../shared\n",
            "app/test_it.py": "from etl import f\ndef test_f(): assert f() == 1\n",
        }
    )

    project.run("--rootdir=app", "-c", "app/pytest.ini", "app").assert_outcomes(passed=1)
    assert not project.exists("ran_*")
