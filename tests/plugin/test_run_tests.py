"""``run_tests`` in a Python that is no notebook's: what is green, what is red, and what it leaves."""

from __future__ import annotations

import sys

import pytest

CALL = "import harness; print(repr(harness.run_tests({})))"


@pytest.fixture
def cell(project):
    """Write files and run code as a cell would; gives what it printed, and its error."""

    def run(code, files=None):
        project.write(files or {})
        (project.path / "cell.py").write_text(code)
        return project.run_apart("cell")

    return run


def test_green(cell):
    """The numbers come back; nothing is coloured."""
    done = cell(CALL.format("'tests'"), {"tests/test_a.py": "def test_a(): pass\ndef test_b(): pass\n"})

    assert done.returncode == 0, done.stderr
    assert "<tests: 2 passed in " in done.stdout
    assert "\x1b" not in done.stdout


def test_where_the_project_turns_xdist_off(cell):
    """Its option isn't there then, and none of it is needed."""
    files = {"tests/test_a.py": "def test_a(): pass\n", "pytest.ini": "[pytest]\naddopts = -p no:xdist\n"}

    done = cell(CALL.format("'tests'"), files)

    assert "<tests: 1 passed in " in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("test", "arguments", "told"),
    [
        ("import pytest\n@pytest.mark.skip\ndef test_a(): pass\n", "'tests'", "of those that were found: 1 skipped"),
        ("def test_a(): pass\n", "'tests', '-k', 'nothing'", "of those that were found: 1 deselected"),
        ("def check_a(): pass\n", "'tests'", "pytest found no test there"),
    ],
)
def test_nothing_tested(cell, test, arguments, told):
    """No test is no success: pytest's own exit code is 0 where all are skipped."""
    done = cell(CALL.format(arguments), {"tests/test_a.py": test})

    assert done.returncode == 1
    assert "NothingTestedError: NBH381 no test was run" in done.stderr
    assert told in done.stderr


PASSES = "def test_a(): pass\n"


@pytest.mark.parametrize(
    ("test", "conftest", "told"),
    [
        (
            "def test_a():\n    assert 1 == 2\n",
            "",
            ["NBH380 the tests are red: 1 failed", "tests/test_a.py::test_a: assert 1 == 2"],
        ),
        ("def test_a(:\n", "", ["NBH380 the tests are red: 1 error", "tests/test_a.py: SyntaxError"]),
        ("def test_a(nothing): pass\n", "", ["1 error", "fixture 'nothing' not found"]),
        (PASSES, "import not_there\n", ["pytest couldn't run the tests", "No module named 'not_there'"]),
        (
            f"import pytest\n{PASSES}def test_b(): pytest.exit('enough', 0)\ndef test_c(): pass\n",
            "",
            ["1 passed, 2 not run", "enough"],
        ),
        (f"{PASSES}def test_b(): raise KeyboardInterrupt\n", "", ["1 passed, 1 not run", "KeyboardInterrupt"]),
        ("def test_a(): raise SystemExit(0)\n", "", ["1 failed", "SystemExit: 0"]),
        (
            PASSES,
            "def pytest_sessionfinish(session): session.exitstatus = 1\n",
            ["NBH380 the tests are red: 1 passed", "pytest ended with 1"],
        ),
        ("\n".join(f"def test_{n}(): assert not {n}" for n in range(1, 30)), "", ["29 failed", "and 19 more"]),
    ],
)
def test_red(cell, test, conftest, told):
    """The error's text says what failed: a job's page shows nothing else."""
    done = cell(CALL.format("'tests'"), {"tests/conftest.py": conftest, "tests/test_a.py": test})

    assert done.returncode == 1
    assert "<tests" not in done.stdout
    error = done.stderr.partition("RedTestsError: ")[2]
    assert [text for text in told if text not in error] == []


def test_the_error_has_the_numbers(cell):
    """For a notebook that wants to hand them on before it fails."""
    code = """
        import harness

        try:
            harness.run_tests("tests")
        except harness.HarnessError as error:
            print(error.run.counts, error.run.passed, error.run.failures)
        """.replace("\n        ", "\n")

    done = cell(code, {"tests/test_a.py": "def test_a(): assert 0\ndef test_b(): pass\n"})

    assert "{'failed': 1, 'passed': 1} False (('tests/test_a.py::test_a', 'assert 0'),)" in done.stdout, done.stderr


def test_all_is_as_before(cell, project):
    """Directory, path, environment, modules; nothing is written beside the tests, whatever the settings ask for."""
    code = """
        import os, sys
        import harness
        import helper

        def state():
            return os.getcwd(), list(sys.path), dict(os.environ), sys.dont_write_bytecode, sorted(sys.modules.keys() & MINE)

        MINE = {"helper", "test_a", "conftest", "notebook", "tests"}
        sys.dont_write_bytecode = False
        before, mine = state(), helper
        harness.run_tests("tests")
        assert state() == before, (state(), before)
        assert sys.modules["helper"] is mine
        harness.run_tests("tests")
        """.replace("\n        ", "\n")
    project.write(
        {
            "tox.ini": """
                [pytest]
                pythonpath = .
                addopts = -n 2 --dist loadscope --ff --strict-config --cov=helper
                filterwarnings = error
                """,
            "helper.py": "def f(): return 1\n",
            "notebook.py": ["def g():\n    return 2", "raise SystemError"],
            "tests/conftest.py": "import os\nos.environ['SET_BY_TESTS'] = '1'\n",
            "tests/test_a.py": "from helper import f\nfrom notebook import g\ndef test_a(cache): cache.set('a/b', f() + g())\n",
        }
    )
    before = {path.relative_to(project.path) for path in project.path.rglob("*")}

    done = cell(code)

    assert done.returncode == 0, done.stderr + done.stdout
    made = {path.relative_to(project.path).as_posix() for path in project.path.rglob("*")} - {str(path) for path in before}
    # What the cell itself had imported before, unless this Python keeps no compiled files at all.
    compiled = {f"__pycache__/{name}.{sys.implementation.cache_tag}.pyc" for name in ("cell", "helper")}
    assert made <= {"cell.py", "__pycache__", *compiled}


def test_an_edited_file_is_tested_as_it_is_now(cell):
    """Two runs in one process: the second sees what was written in between, in tests, modules and packages."""
    code = """
        import pathlib
        import harness

        def write(number):
            pathlib.Path("pkg/part.py").write_text(f"def f(): return {number}")
            pathlib.Path("tests/test_a.py").write_text(f"from pkg import part\\ndef test_a(): assert part.f() == {number}")

        for number in (1, 2):
            write(number)
            print(harness.run_tests("tests"))
        """.replace("\n        ", "\n")

    done = cell(code, {"tests/conftest.py": "", "pkg/other.py": ""})

    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.count("<tests: 1 passed") == 2


def test_without_settings_the_folder_is_the_project(cell, project):
    """A notebook beside the tests is found, and only its definitions are loaded."""
    (project.path / "tox.ini").unlink()

    done = cell(
        CALL.format("'tests'"),
        {
            "steps.py": ["def step():\n    return 1", "raise SystemError"],
            "tests/test_a.py": "from steps import step\ndef test_a(): assert step() == 1\n",
        },
    )

    assert done.returncode == 0, done.stderr + done.stdout
