"""A notebook run whole: what it finds around it, how it ends, and that nothing of it is left."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""

    def write(*cells, name="n.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + CELL.join(textwrap.dedent(cell).strip("\n") for cell in cells) + "\n")
        return path

    return write


def magic(text):
    """A cell's text as the source format has it."""
    return "\n".join(f"# MAGIC {line}" for line in text.strip("\n").splitlines())


def test_widgets_and_the_exit_value(run_notebook, notebook):
    """Texts in, a text out; what stands after the exit isn't run."""
    path = notebook(
        'dbutils.widgets.text("n", "1")\ndbutils.widgets.dropdown("mode", "a", ["a", "b"])',
        'dbutils.notebook.exit(dbutils.widgets.get("n") + getArgument("mode"))',
        "raise SystemError",
    )

    run = run_notebook(path, widgets={"n": "4"})

    assert (run.outcome, run.passed, run.exit_value) == ("exited", True, "4a")
    assert [cell.outcome for cell in run.cells] == ["passed", "exited", "not_run"]


def test_an_exit_is_no_exception_to_be_caught(run_notebook, notebook):
    """As in most notebooks' error handling."""
    path = notebook("try:\n    dbutils.notebook.exit('early')\nexcept Exception:\n    pass\nraise ValueError")

    assert run_notebook(path).exit_value == "early"


def test_an_exit_value_is_a_text(run_notebook, notebook):
    """A number is refused, as on Databricks."""
    run = run_notebook(notebook("dbutils.notebook.exit(3)"))

    assert run.outcome == "failed"
    assert "NBH352 the value given to dbutils.notebook.exit is not a text" in run.error


def test_tables_of_the_test(run_notebook, notebook, uc, spark):
    """The notebook sees what the test made, and the test what the notebook made."""
    uc.make_table(name="orders", columns="id int", rows=[(1,), (2,)])
    path = notebook(
        'dbutils.widgets.text("schema", "")',
        magic(
            "%sql\nCREATE TABLE ${schema}.twice AS SELECT id * 2 AS id FROM ${schema}.orders WHERE id >= :least;\n-- the end"
        ),
        'spark.table(dbutils.widgets.get("schema") + ".twice").createOrReplaceTempView("t")',
        'spark.conf.set("spark.sql.ansi.enabled", "false")',
    )

    run = run_notebook(path, widgets={"schema": f"{uc.catalog}.{uc.schema}", "least": "2"})

    assert run.passed, run.error
    assert [row.id for row in uc.table("twice").collect()] == [4]
    assert uc.table("orders").count() == 2
    assert not spark.catalog.tableExists("t")
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_a_cell_of_sql_leaves_its_rows(run_notebook, notebook):
    """They are shown, and the last statement's are ``_sqldf``."""
    path = notebook(magic("%sql\nSELECT 1 AS one; SELECT ';' AS semicolon, 2 AS two"), "print(_sqldf.first().two)")

    run = run_notebook(path)

    assert run.passed, run.error
    assert "semicolon" in run.cells[0].text
    assert run.cells[1].text == "2\n"


def test_run_brings_names_and_takes_parameters(run_notebook, notebook):
    """All in one namespace; a relative path is that of the notebook it stands in."""
    notebook("BASE = 40", name="lib/deep/base.py")
    notebook(
        magic("%run ./deep/base"),
        'dbutils.widgets.text("plus", "0")\nTOTAL = BASE + int(dbutils.widgets.get("plus"))',
        name="lib/all.py",
    )
    path = notebook(magic('%run ./lib/all $plus="2"'), "dbutils.notebook.exit(str(TOTAL))")

    run = run_notebook(path)

    assert run.exit_value == "42", run.error


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ("%run ./n", "NBH105 notebooks %run each other in a circle"),
        ("%run ./nowhere", "NBH104 the %run target './nowhere' isn't there"),
    ],
)
def test_a_run_that_leads_nowhere(run_notebook, notebook, other, error):
    """Is the notebook's error, at its line."""
    run = run_notebook(notebook("x = 1", magic(other)))

    assert run.outcome == "failed"
    assert error in run.error
    assert (run.location.cell, run.location.line) == (2, 6)


def test_where_it_failed(run_notebook, notebook):
    """The notebook's own line, also where a cell begins with blank lines, and in a function called from another cell."""
    path = notebook("import json\n\n\ndef half(x):\n    return 1 / x", "# a comment\n\n%time y = 1\nhalf(0)")

    run = run_notebook(path)

    assert (run.outcome, run.error) == ("failed", "ZeroDivisionError: division by zero")
    assert (run.location.line, run.location.cell, run.location.cell_line) == (6, 1, 5)
    assert path.read_text().splitlines()[run.location.line - 1] == "    return 1 / x"
    assert [cell.outcome for cell in run.cells] == ["passed", "failed"]


def test_where_a_notebook_in_json_failed(run_notebook, tmp_path):
    """The line of the file, with the place in the cell beside it."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]},
        {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": ["x = 1\n", "\n", "x / 0"]},
    ]
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, indent=1))

    run = run_notebook(path)

    assert (run.outcome, run.location.cell, run.location.cell_line) == ("failed", 2, 3)
    assert path.read_text().splitlines()[run.location.line - 1].strip() == '"x / 0"'
    assert "x / 0\n" in "\n".join(run.cells[1].outputs[-1]["traceback"])


@pytest.mark.parametrize("magic_line", ["%%capture out", "%%time", "%%capture --no-stderr"])
def test_an_error_under_a_magic(run_notebook, notebook, magic_line):
    """``%%capture`` shows it and goes on; the run is red all the same, and no later cell is run."""
    run = run_notebook(notebook("x = 1", f"{magic_line}\nx / 0", "print('on')"))

    assert (run.outcome, run.error) == ("failed", "ZeroDivisionError: division by zero")
    assert [cell.outcome for cell in run.cells] == ["passed", "failed", "not_run"]


def test_an_exit_under_a_magic(run_notebook, notebook):
    """It ends the notebook from there too."""
    assert run_notebook(notebook("%%capture\ndbutils.notebook.exit('early')", "1 / 0")).exit_value == "early"


def test_a_cell_that_is_no_python(run_notebook, notebook):
    """Costs the run, at its line."""
    run = run_notebook(notebook("x = 1", "y = 1\nif y\n    pass"))

    assert run.outcome == "failed"
    assert "SyntaxError" in run.error
    assert (run.location.cell, run.location.line) == (2, 7)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (magic("%scala\nval x = 1"), "Scala can't run here"),
        (magic("%sh ls"), "%sh isn't served here yet"),
        (magic("%pip install x"), "%pip isn't served here yet"),
        ("files = !ls", "! runs a shell"),
        ('dbutils.fs.ls("s3://bucket/x")', "dbutils.fs.ls can't reach s3:// from here"),
        ("dbutils.fs.lss('/')", "dbutils.fs.lss is not served here"),
        ("display(spark.readStream.format('rate').load())", "display of a streaming DataFrame isn't served here yet"),
        ('dbutils.secrets.get("a", "b")', "dbutils.secrets.get is not served here"),
    ],
)
def test_what_cannot_run_here_is_never_passed_over(run_notebook, notebook, cell, why):
    """Its cell and the reason are told, and no later cell is run."""
    run = run_notebook(notebook("x = 1", cell, "y = 1"))

    assert (run.outcome, run.passed, run.location.cell) == ("unsupported", False, 2)
    assert why in run.error
    assert [found.outcome for found in run.cells] == ["passed", "unsupported", "not_run"]


def test_a_cell_that_the_test_leaves_out(run_notebook, notebook):
    """By its number or its title; a name that no cell has is refused."""
    path = notebook("# DBTITLE 1,In Scala\n" + magic("%scala\nval x = 1"), magic("%sh ls"), "print('here')")

    run = run_notebook(path, skip_cells=["In Scala", 2])

    assert run.passed
    assert [cell.outcome for cell in run.cells] == ["skipped", "skipped", "passed"]
    with pytest.raises(ValueError, match="has no cell 'In R'"):
        run_notebook(path, skip_cells=["In R"])


@pytest.mark.parametrize(
    ("cell", "outcome", "error"),
    [
        ("while True:\n    pass", "timed_out", "it was still at it after 2 s"),
        (
            "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass",
            "timed_out",
            "still at it",
        ),
        ("import os\nos._exit(3)", "infrastructure_failed", "its process ended"),
        ("import sys\nsys.exit(0)", "failed", "SystemExit: 0"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "infrastructure_failed", "its process ended"),
        ('dbutils.widgets.get("nope")', "failed", 'NBH351 no widget "nope" is defined'),
        ("import builtins\nbuiltins.print = None\nraise KeyError('k')", "failed", "KeyError: 'k'"),
        ("import builtins\nbuiltins.len = lambda _: 0", "timed_out", "still at it"),  # not even its kernel can go on
    ],
)
def test_however_it_ends(run_notebook, notebook, cell, outcome, error):
    """Each way has its own outcome, within its time, and the next run is untouched."""
    run = run_notebook(notebook("x = 1", cell), timeout_s=2)

    assert (run.outcome, run.passed) == (outcome, False)
    assert error in run.error
    assert run.location.cell == 2
    assert run_notebook(notebook("import os\nprint(len('abc'))", name="next.py")).cells[0].text == "3\n"


def test_a_notebook_without_cells(run_notebook, notebook):
    """Nothing was wrong with it."""
    assert run_notebook(notebook("")).passed


def test_files_beside_it_and_files_that_it_writes(run_notebook, notebook, tmp_path):
    """It reads what lies beside it by relative paths; what it writes there goes with the run."""
    (tmp_path / "limits.json").write_text('{"least": 5}')
    path = notebook(
        "import json, os\nleast = json.load(open('limits.json'))['least']",
        "open('out.txt', 'w').write('x')\nos.mkdir('more')\nos.chdir('more')\nprint(least)",
    )

    run = run_notebook(path)

    assert run.passed, run.error
    assert run.cells[1].text.endswith("5\n")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["limits.json", "n.py"]
    assert Path.cwd() != tmp_path


def test_pictures_and_html_are_outputs(run_notebook, notebook):
    """As a person sees them in the notebook."""
    path = notebook("displayHTML('<b>done</b>')\ndisplay(spark.range(2))")

    run = run_notebook(path)

    assert run.passed, run.error
    html, table = run.cells[0].outputs
    assert html["data"]["text/html"] == "<b>done</b>"
    assert "<table" in table["data"]["text/html"]


UNREAD = """
def test_red(run_notebook):
    run_notebook("bad.py")

def test_known_to_be_red(run_notebook):
    assert not run_notebook("bad.py").passed

def test_green(run_notebook):
    run_notebook("good.py")
"""


def test_a_red_run_that_nobody_looks_at(pytester):
    """Fails its test; on workers too."""
    pytester.makepyfile(test_unread=UNREAD)
    (pytester.path / "bad.py").write_text(f"{HEADER}x = 1 / 0\n")
    (pytester.path / "good.py").write_text(f"{HEADER}x = 1\n")

    for workers in ("0", "2"):
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", workers)

        result.assert_outcomes(passed=2, failed=1)
        result.stdout.fnmatch_lines(
            [
                "bad.py:2 (cell 1, line 1): NBH360 bad.py failed at bad.py:2 (cell 1, line 1), and the test doesn't look at it",
                "  cause: ZeroDivisionError: division by zero",
                "  mend:  assert run.passed, or compare run.outcome with what you expect",
            ]
        )


def test_nothing_is_left_of_a_killed_pytest(pytester):
    """Neither the kernel nor its parent."""
    (pytester.path / "long.py").write_text(
        f"{HEADER}import os\nopen({str(pytester.path / 'pid')!r}, 'w').write(str(os.getpid()))\nwhile True: pass\n"
    )
    pytester.makepyfile("def test_long(run_notebook):\n    run_notebook('long.py')\n")
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], cwd=pytester.path, stdout=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not (pytester.path / "pid").exists() or not (pytester.path / "pid").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)
    family = [psutil.Process(int((pytester.path / "pid").read_text())), *psutil.Process(run.pid).children(recursive=True)]

    run.kill()
    run.wait()

    _, alive = psutil.wait_procs(family, timeout=10)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.nbh_engine("connect")
def test_the_classic_engine_is_out_of_reach(pytester):
    """It is said, with what to do."""
    (pytester.path / "n.py").write_text(f"{HEADER}spark.range(1).count()\n")
    pytester.makepyfile(
        "import pytest\n@pytest.mark.nbh_engine('classic')\ndef test_n(run_notebook):\n    run_notebook('n.py')\n"
    )

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NBH361 a notebook can't be run whole beside this Spark*"])
