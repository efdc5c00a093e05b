"""What a user sees of a failure in notebook code: the true line, the cell, and nothing of ours."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from terminal_talk import talk

CHECKS = [
    "import os\nLIMIT = 3",
    """
    def check(rows):
        expected = {"a": 1, "b": [1, 2, 3]}
        assert rows == expected
        return rows


    def widget():
        return dbutils.widgets.get("env")


    def files():
        return dbutils.fs.ls("/x")


    def asks_for_what_is_held_back():
        return frame.count()
    """,
    "frame = spark.table('main.a.b')",
]


@pytest.fixture
def checks(project):
    """A source-format notebook, a Jupyter one, and tests that fail in both."""
    project.write(
        {
            "nbs/checks.py": CHECKS,
            "nbs/model.ipynb": ["import os", "def double(x):\n    assert x != 3, 'three'\n    return 2 * x"],
            "test_it.py": """
                from nbs.checks import asks_for_what_is_held_back, check, files, widget
                from nbs.model import double

                def test_check(): check({"a": 1, "b": [1, 2, 4]})
                def test_three(): double(3)
                def test_widget(): widget()
                def test_files(): files()
                """,
        }
    )
    return project


def test_asserts_in_notebook_code_are_explained(checks, workers):
    """An assert in a notebook shows what differs, as one in a test file does."""
    result = checks.run(*workers)

    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        ["E*assert {'a': 1, 'b': [[]1, 2, 4]} == {'a': 1, 'b': [[]1, 2, 3]}", "E*{'b': [[]1, 2, 4]} != *"]
    )
    result.stdout.fnmatch_lines(["E*three", "E*assert 3 != 3"])


@pytest.mark.parametrize("imported_by", ["test", "conftest"])
def test_plain_asserts_are_left_plain(checks, workers, imported_by):
    """With --assert=plain notebook code is compiled as it is, also for a conftest that comes before all options are read."""
    if imported_by == "conftest":
        checks.write({"conftest.py": "from nbs.checks import check\n"})

    result = checks.run("--assert=plain", "-k", "check", *workers)

    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("E*{'b': *")


def test_a_traceback_has_the_notebooks_own_line_and_cell(checks, workers):
    """Each failure ends at the notebook's path and line, and a section says the cell and its line."""
    result = checks.run(*workers)

    result.stdout.fnmatch_lines(
        [
            ">       assert rows == expected",
            "nbs?checks.py:9: AssertionError",
            "*- notebook -*",
            "nbs/checks.py:9 (cell 2, line 3) in check",
        ]
    )
    source = (checks.path / "nbs" / "model.ipynb").read_text().splitlines()
    line = next(n for n, text in enumerate(source, 1) if "assert" in text)
    result.stdout.fnmatch_lines(
        [
            ">       assert x != 3, 'three'",
            f"nbs?model.ipynb:{line}: AssertionError",
            "*- notebook -*",
            f"nbs/model.ipynb:{line} (cell 2, line 2) in double",
        ]
    )


@pytest.mark.parametrize("style", ["long", "short", "line", "native", "auto"])
def test_no_json_is_shown_as_source(checks, style):
    """A Jupyter notebook's traceback lists its Python, never the JSON it lies in."""
    result = checks.run(f"--tb={style}")

    result.stdout.no_fnmatch_line('*"    assert x*')
    result.stdout.no_fnmatch_line("*\\n*,")


def test_frames_of_ours_are_hidden(project, workers):
    """Whatever of ours lies between the test and the fault, the traceback shows the user's lines only."""
    project.write(
        {
            "nbs/checks.py": CHECKS,
            "nbs/with_cells.py": [
                "# DBTITLE 1,Divide\nx = 1 / zero",
                "def f(x):\n    return 1 / x\nlazy = f(int('0'))\ndef g():\n    return lazy",
            ],
            "test_it.py": """
                import pytest
                from nbs import with_cells
                from nbs.checks import files, widget

                def test_widget(): widget()
                def test_files(): files()
                def test_no_file(notebook): notebook("nbs/nope.py")
                def test_no_cell(notebook): notebook("nbs/with_cells.py").cell("Divid")
                def test_cell(notebook): notebook("nbs/with_cells.py").cell("Divide").execute(zero=0)
                def test_lazy(): with_cells.g()
                @pytest.mark.nbh_widgets("x")
                def test_marker(dbutils): pass
                """,
        }
    )

    result = project.run(*workers)

    result.assert_outcomes(failed=6, errors=1)
    shown = result.stdout.str()
    assert "NBH351" in shown
    assert "NBH353" in shown
    assert "NBH100" in shown
    assert "NBH108" in shown
    assert "NBH352" in shown
    ours = [line for line in shown.splitlines() if re.search(r"(harness|fixtures)/(\w+/)*\w+\.py:\d+", line)]
    assert ours == []
    assert "raise _refusal" not in shown
    assert "raise WidgetValueError" not in shown


SPARK_FAILS = {
    "nbs/etl.py": ["def rows():\n    return spark.range(3).count()"],
    "test_it.py": "from nbs.etl import rows\ndef test_asked(spark): pass\ndef test_used(): rows()\n",
}


def test_an_error_of_ours_in_a_fixture_is_shown_alone(project):
    """Spark that can't start: the four parts below the user's own line, or alone; no line of ours nor of pytest's."""
    project.write(SPARK_FAILS)

    done = project.run_apart("pytest", JAVA_HOME="/nowhere")

    assert "1 failed, 1 error" in done.stdout
    assert "/_pytest/" not in done.stdout
    assert re.search(r"^>.*spark.range\(3\)", done.stdout, re.MULTILINE)
    assert re.findall(r"\w+\.py:\d+", done.stdout.partition("short test summary")[0]) == [
        "test_it.py:3",
        "etl.py:3",
        "etl.py:3",
    ]
    errors = done.stdout.partition("ERROR at setup of test_asked")[2].partition("= FAILURES =")[0]
    assert re.match(r" _+\nNBH\d+ .*\n  cause: ", errors)


def test_a_fixture_of_the_users_that_fails_shows_its_own_lines(project):
    """A ``spark`` of the user's that notebook code asks for: the notebook's line, then the fixture's, and nothing between."""
    project.write({**SPARK_FAILS, "conftest.py": "import pytest\n@pytest.fixture\ndef spark():\n    raise OSError('no net')\n"})

    result = project.run("-k", "used")

    result.assert_outcomes(failed=1)
    assert re.findall(r"^(\S+\.py):(\d+)", result.stdout.str(), re.MULTILINE)[:3] == [
        ("test_it.py", "3"),
        ("nbs/etl.py", "3"),
        ("conftest.py", "4"),
    ]


def test_full_trace_shows_all(project):
    """--full-trace leaves nothing out."""
    project.write({**SPARK_FAILS, "conftest.py": "import pytest\n@pytest.fixture\ndef spark():\n    raise OSError('no net')\n"})

    project.run("-k", "used", "--full-trace").stdout.fnmatch_lines(["*harness/collect/session.py:*"])


def test_a_skip_in_a_fixture_of_ours_is_a_skip(project):
    """What skips isn't a failure to be cut."""
    project.write({**SPARK_FAILS, "conftest.py": "import pytest\n@pytest.fixture\ndef spark():\n    pytest.skip('no net')\n"})

    project.run().assert_outcomes(skipped=2)


def test_junit_is_clean_and_complete(checks, workers):
    """The XML file is well-formed, names each test's class, and has no escape codes, even if the terminal has colours."""
    checks.write(
        {
            "test_in.ipynb": ["def test_inside(): assert {1: 2} == {1: 3}", "class TestC:\n    def test_ok(self): pass"],
            "test_given.py": """
                def test_given(monkeypatch):
                    import nbs.checks
                    monkeypatch.setattr(nbs.checks, "LIMIT", 5)
                """,
        }
    )

    checks.run("--junitxml=results.xml", "--color=yes", *workers)

    text = (checks.path / "results.xml").read_text(encoding="utf-8")
    cases = {case.get("name"): case for case in ET.fromstring(text).iter("testcase")}
    assert "\x1b" not in text
    assert "#x1B" not in text
    assert {name: case.get("classname") for name, case in cases.items()} == {
        "test_check": "test_it",
        "test_three": "test_it",
        "test_widget": "test_it",
        "test_files": "test_it",
        "test_given": "test_given",
        "test_inside": "test_in.ipynb",
        "test_ok": "test_in.ipynb.TestC",
    }
    assert "nbs/checks.py:9" in cases["test_check"].find("failure").text
    given = [(p.get("name"), p.get("value")) for p in cases["test_given"].iter("property")]
    assert given == [("nbh_values_given", "nbs/checks.py: LIMIT")]


def test_source_is_there_for_inspect_and_pdb(project):
    """``inspect`` and ``linecache``, which pdb lists by, give a notebook's Python in both formats."""
    project.write(
        {
            "nbs/a.py": ["import os", "def f(x):\n    return x + 1"],
            "nbs/b.ipynb": ["import os", "def f(x):\n    return x + 1"],
            "test_it.py": """
                import inspect
                import linecache
                import nbs.a, nbs.b
                import pytest

                @pytest.mark.parametrize("module", [nbs.a, nbs.b])
                def test_source(module):
                    linecache.checkcache()
                    assert inspect.getsource(module.f) == "def f(x):\\n    return x + 1\\n"
                    line = module.f.__code__.co_firstlineno
                    assert linecache.getline(module.f.__code__.co_filename, line + 1) == "    return x + 1\\n"
                """,
        }
    )

    project.run().assert_outcomes(passed=2)


def test_pdb_stops_in_the_notebook_and_lists_it(project):
    """--pdb enters at the failing notebook line; ``list`` shows the cell's Python."""
    pytest.importorskip("pexpect")
    project.write(
        {
            "nbs/b.ipynb": ["import os", "def f(x):\n    y = x + 1\n    assert y != 3\n    return y"],
            "test_it.py": "from nbs.b import f\ndef test_f(): f(2)\n",
        }
    )

    steps = [
        ("", r"b\.ipynb\("),
        ("", r"\(Pdb\)"),
        ("list", r"->\s+assert y != 3"),
        ("", r"\(Pdb\)"),
        ("p y", "3"),
        ("q", "1 failed"),
    ]
    talk(project.path, "--pdb", steps=steps)
