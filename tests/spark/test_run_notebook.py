"""A notebook run whole: what it finds around it, how it ends, and that nothing of it is left."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from harness.errors import CellNotFoundError

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


def test_later_cells_of_sql_read_the_rows_by_their_name(run_notebook, notebook):
    """Each as they were in the cell before, with braces and quotes left alone; Python keeps what it took."""
    path = notebook(
        magic("%sql\nSELECT 1 AS n, '{_sqldf}' AS text"),
        "kept = _sqldf",
        magic("%sql\nSELECT n + 1 AS n, text FROM _sqldf WHERE _sqldf.n = :one AND text = '{_sqldf}'"),
        magic("%sql\nWITH t AS (SELECT * FROM `_sqldf`) SELECT n + 1 AS n, text FROM t"),
        "print(_sqldf.collect(), kept.first().n, spark.table('_sqldf').first().n)",
        magic("%sql\nCREATE TABLE copied AS SELECT n FROM _sqldf"),
        "print(spark.table('copied').first().n)",
    )

    run = run_notebook(path, widgets={"one": "1"})

    assert run.passed, run.error
    assert run.cells[4].text == "[Row(n=3, text='{_sqldf}')] 1 3\n"
    assert run.cells[6].text == "3\n"


def test_parameters_may_be_named_as_variables_are(run_notebook, notebook):
    """IPython would write a variable's value over each ``$name`` and ``{name}``, the name of a parameter or a path too."""
    notebook("got = [dbutils.widgets.get(name) for name in ('env', 'day')]", name="base.py")
    path = notebook("env, day = 'prod', 3", magic('%run ./base $env="dev" $day="{day}"'), "print(got)")

    run = run_notebook(path)

    assert run.passed, run.error
    assert run.cells[2].text == "['dev', '{day}']\n"


def test_a_text_about_getargument_is_no_call_of_it(run_notebook, notebook):
    """What stands in quotes or in a comment is left alone."""
    run = run_notebook(notebook(magic("%sql\nSELECT 'getArgument(\"x\")' AS s -- getArgument('x')"), "print(_sqldf.first().s)"))

    assert run.passed, run.error
    assert run.cells[1].text == 'getArgument("x")\n'


def test_a_long_list_of_rows_is_a_statement_as_any_other(run_notebook, notebook):
    """However many words it has; comments and what stands in quotes are not cut at."""
    rows = ", ".join(f"({number}, 'x;{number}')" for number in range(3000))
    path = notebook(
        magic(f"%sql\n-- rows; many\nCREATE TEMPORARY VIEW v AS VALUES {rows};\nSELECT count(*) AS n FROM v"),
        "print(_sqldf.first().n)",
    )

    run = run_notebook(path)

    assert run.passed, run.error
    assert run.cells[1].text == "3000\n"


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


def test_a_parameter_may_be_a_widget_of_the_caller(run_notebook, notebook):
    """``$reset=$reset`` hands it on; a name that is no widget's is an error, and no text."""
    notebook(
        "dbutils.widgets.dropdown('reset', 'false', ['true', 'false'])\nreset = dbutils.widgets.get('reset')", name="set.py"
    )
    define = "dbutils.widgets.text('reset', 'false')"
    path = notebook(define, magic("%run ./set $reset=$reset"), "dbutils.notebook.exit(reset)")

    assert run_notebook(path, widgets={"reset": "true"}).exit_value == "true"
    assert run_notebook(path).exit_value == "false"

    run = run_notebook(notebook(magic("%run ./set $reset=$other")))
    assert run.outcome == "failed"
    assert 'no widget "other" is defined' in run.error


DEFINES_X = "dbutils.widgets.text('x', '0')\nseen = dbutils.widgets.get('x')"


def test_a_widget_that_a_run_notebook_defines(run_notebook, notebook):
    """It stays, with the value that the notebook itself had; the caller's own has its own value again."""
    notebook(DEFINES_X, name="set.py")
    given_its_default = notebook(magic("%run ./set $x=0"), "print(seen, dbutils.widgets.get('x'), dbutils.widgets.getAll())")
    run = run_notebook(given_its_default)
    assert run.passed, run.summary
    assert run.cells[1].text == "0 0 {'x': '0'}\n"

    of_the_caller = notebook("dbutils.widgets.text('x', 'own')", magic("%run ./set $x=1"), "print(seen, getArgument('x'))")
    assert run_notebook(of_the_caller).cells[2].text == "1 own\n"
    assert run_notebook(of_the_caller, widgets={"x": "given"}).cells[2].text == "1 given\n"


@pytest.mark.parametrize(
    "use",
    [
        "dbutils.widgets.get('x')",
        "try:\n    x = getArgument('x', '5')\nexcept Exception:\n    pass",
        "dbutils.widgets.text('x', '0')\nprint(dbutils.widgets.getAll())",
        magic("%sql\nSELECT ${x}"),
        magic("%sql\nSELECT :x"),
        "dbutils.library.restartPython()",
    ],
)
def test_a_widget_whose_value_nobody_knows(run_notebook, notebook, use):
    """Which of the two values it has after the ``%run`` no documentation says: only who asks for it is told so."""
    notebook(DEFINES_X, name="set.py")
    path = notebook(magic("%run ./set $x=1"), "print(seen)", use, "dbutils.widgets.get('x')")

    run = run_notebook(path)

    assert run.cells[1].text == "1\n"
    assert run.outcome == "unsupported"
    assert 'which value the widget "x" has now isn\'t known here' in run.error
    assert run.location.cell == (4 if "restart" in use else 3)

    removed = notebook(magic("%run ./set $x=1"), "dbutils.widgets.remove('x')\nprint(getArgument('x', 'gone'))")
    assert run_notebook(removed).cells[1].text == "gone\n"


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ("%run ./n", "NBH105 notebooks %run each other in a circle"),
        ("%run ./nowhere", "NBH104 the %run target './nowhere' isn't there"),
        (
            "%run /Repos/me/shop/n",
            'if it is n.py, map its workspace folder in pyproject.toml: [tool.nbh] run_prefixes = { "/Repos/me/shop" = "." }',
        ),
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
        (magic("%sh ls"), "%sh runs a shell, which takes --nbh-allow shell (nbh run: --allow shell)"),
        (magic("%%bash\nls"), "%%bash runs a shell, which takes --nbh-allow shell"),
        (magic("%pip install not-there==1.0"), "not-there==1.0 is not installed"),
        (magic("%pip install not-there==1.0"), "--nbh-allow pip (nbh run: --allow pip)"),
        (magic("%conda install x"), "%conda is in no runtime of Databricks"),
        ("files = !ls", "! runs a shell"),
        ("%cat x", "! runs a shell"),
        ('dbutils.fs.ls("s3://bucket/x")', "dbutils.fs.ls can't reach s3:// from here"),
        ("dbutils.fs.lss('/')", "dbutils.fs.lss is not served here"),
        ("display(spark.readStream.format('rate').load())", "display of a streaming DataFrame starts a query that goes on"),
        ("spark.readStream.format('rate').load().display()", "write it with .writeStream.trigger(availableNow=True)"),
        (magic("%sql\nSELECT getArgument('x')"), "getArgument in SQL isn't served here"),
        (magic('%sql\nSELECT * FROM range(5) LIMIT getargument ("x")'), "isn't documented: write :x"),
        ("dbutils.widgets.text('x', 'y')\nspark.sql('SELECT 1')\n%sql SELECT '$x/z'", "$x in SQL isn't served here"),
        (magic("%fs"), "there is nothing under %fs: write what it is to do, or take the cell out"),
        ("dbutils.credentials.showRoles()", "dbutils.credentials.showRoles is not served here"),
        ("dbutils.widgts", "dbutils.widgts is not served here"),
        ("sc.parallelize([1])", "sc.parallelize: RDDs, SparkContext and the JVM aren't there"),
        ("sc._jvm.java", "sc._jvm: RDDs, SparkContext and the JVM aren't there"),
        ("spark.sql(\"COPY INTO main.default.t FROM '/x' FILEFORMAT = CSV\")", "COPY INTO is Databricks only"),
        (magic("%sql\nCOPY INTO main.default.t FROM '/x' FILEFORMAT = CSV"), "COPY INTO is Databricks only"),
        ("spark.readStream.format('cloudFiles').load('/x').isStreaming", "the data source cloudFiles comes with Databricks"),
        ("spark.read.csv('abfss://c@a.dfs.core.windows.net/x').count()", "cloud storage, which can't be reached from here"),
        ("display(spark.read.csv('s3://bucket/x'))", "cloud storage, which can't be reached from here"),
        ("spark.read.format('snowflake').load()", "the data source snowflake comes with Databricks"),
        ("spark.sparkContext", "RDDs, SparkContext and the JVM aren't there"),
        ("spark.range(1).rdd", "RDDs, SparkContext and the JVM aren't there"),
    ],
)
def test_what_cannot_run_here_is_never_passed_over(run_notebook, notebook, cell, why):
    """Its cell and the reason are told, and no later cell is run."""
    run = run_notebook(notebook("x = 1", cell, "y = 1"))

    assert (run.outcome, run.passed, run.location.cell) == ("unsupported", False, 2)
    assert why in run.error
    assert [found.outcome for found in run.cells] == ["passed", "unsupported", "not_run"]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("%sql\nSELECT * FROM ${nope}", "${nope} was empty, as no widget had that name: give the widget, or -p nope=…"),
        ("%sql\nCREATE WIDGET TEXT c DEFAULT 'main';\nUSE CATALOG ${c}", "made in this very cell: make it in one before"),
        ("%sql\nSELECT * FROM nothing", ""),
    ],
)
def test_a_statement_with_the_place_of_a_value_that_nobody_gave(run_notebook, notebook, cell, why):
    """Spark puts nothing there, and its error speaks of what comes next."""
    run = run_notebook(notebook(magic(cell)))

    assert run.outcome == "failed"
    assert ("${" in run.error) == bool(why)
    assert why in run.error


def test_a_dollar_that_names_no_widget_is_text(run_notebook, notebook):
    """As an amount of money, a regular expression's end, or escaped."""
    run = run_notebook(
        notebook(
            "dbutils.widgets.text('x', 'y')",
            magic("%sql\nSELECT '$5' AS a, regexp_replace('ab', 'b$', '') AS b, '\\$x' AS c, '$other' AS d, '${x}' AS e"),
        )
    )

    assert run.passed, run.summary
    assert run.cells[1].outputs[-1]["metadata"]["application/vnd.databricks.v1+output"]["data"] == [
        ["$5", "a", "$x", "$other", "y"]
    ]


def test_java_in_a_function_of_foreachbatch_cannot_run_here(run_notebook, notebook):
    """Spark calls it elsewhere and hands its error on as text; that is no fault of the notebook's either."""
    run = run_notebook(
        notebook(
            "spark.sql('CREATE TABLE main.default.src AS SELECT 1 AS id')",
            "def each(batch, number):\n    batch._jdf.sparkSession().sql('SELECT 1')\n"
            "made = spark.readStream.table('main.default.src').writeStream.foreachBatch(each)\n"
            "made.trigger(availableNow=True).start().awaitTermination()",
        )
    )

    assert (run.outcome, run.location.cell) == ("unsupported", 2)
    assert "Attribute `_jdf` is not supported" in run.error
    assert "RDDs, SparkContext and the JVM aren't there" in run.error
    assert "Logical Plan" not in run.error


@pytest.mark.parametrize(
    ("call", "hint"),
    [("dbutils.fs.lss('/')", 'did you mean "ls"?'), ("dbutils.widget.get('x')", 'did you mean "widgets"?')],
)
@pytest.mark.parametrize("caught", [False, True])
def test_a_refused_call_says_what_to_do(run_notebook, notebook, call, hint, caught):
    """Once, in the run's own error: also where the notebook catches it, and shows nothing."""
    run = run_notebook(notebook(f"try:\n    {call}\nexcept Exception:\n    pass" if caught else call))

    assert run.outcome == "unsupported"
    assert run.error.splitlines()[-1] == f"hint: {hint}"
    assert run.error.count(hint) == run.summary.count(hint) == 1


def test_a_cell_that_the_test_leaves_out(run_notebook, notebook):
    """By its number or its title; a name that no cell has is refused."""
    path = notebook("# DBTITLE 1,In Scala\n" + magic("%scala\nval x = 1"), magic("%sh ls"), "print('here')")

    run = run_notebook(path, skip_cells=["In Scala", 2])

    assert run.passed
    assert [cell.outcome for cell in run.cells] == ["skipped", "skipped", "passed"]
    with pytest.raises(CellNotFoundError, match="no cell has the title 'In R'"):
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
        ("exit()", "failed", "SystemExit"),
        ("quit()", "failed", "SystemExit"),
        ("%nosuchmagic", "failed", "UsageError: Line magic function `%nosuchmagic` not found."),
        ("%timeit -n1 -r1 1 / 0", "failed", "ZeroDivisionError: division by zero"),
        ("get_ipython().run_cell('1 / 0')", "failed", "ZeroDivisionError: division by zero"),
        ("raise KeyboardInterrupt", "failed", "KeyboardInterrupt"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "infrastructure_failed", "its process ended"),
        ('dbutils.widgets.get("nope")', "failed", 'NBH351 no widget "nope" is defined'),
        ("import builtins\nbuiltins.print = None\nraise KeyError('k')", "failed", "KeyError: 'k'"),
        ("import builtins\nbuiltins.len = lambda _: 0\n1 / 0", "failed", "ZeroDivisionError"),
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


def test_a_folder_that_it_puts_on_the_path(run_notebook, notebook, tmp_path):
    """Spark's Python workers find it too, also where one has run a function before; they don't find a variable that it sets."""
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "far_away.py").write_text("def twice(x):\n    return 2 * x\n")
    run = "[row[0] for row in spark.range(2).select(udf({}, 'long')('id')).collect()]"
    path = notebook(
        "import os, sys\nfrom pyspark.sql.functions import udf\nassert " + run.format("lambda x: x + 1") + " == [1, 2]",
        f"sys.path.append({str(tmp_path / 'far')!r})\nos.environ['SET_LATER'] = '1'\nfrom far_away import twice",
        "assert " + run.format("twice") + " == [0, 2]",
        "assert " + run.format("lambda x: len(os.environ.get('SET_LATER', ''))") + " == [0, 0]",
    )

    run = run_notebook(path)

    assert run.passed, run.summary


def test_what_a_failed_task_was_caused_by(run_notebook, notebook):
    """Spark's own text says only that rows couldn't be written."""
    rows = "spark.createDataFrame([('',), ('1',)], 'a string').repartition(2).selectExpr('cast(a as float) AS b')"

    run = run_notebook(notebook(f"{rows}.write.format('delta').save('/tmp/x')"))

    assert run.outcome == "failed"
    assert "[TASK_WRITE_FAILED]" in run.error
    assert "[CAST_INVALID_INPUT] The value '' of the type" in run.error
    assert "\tat " not in run.error


def test_pictures_and_html_are_outputs(run_notebook, notebook):
    """As a person sees them in the notebook."""
    path = notebook("displayHTML('<b>done</b>')\ndisplay(spark.range(2))", "spark.range(1).display()")

    run = run_notebook(path)

    assert run.passed, run.error
    html, table = run.cells[0].outputs
    assert html["data"]["text/html"] == "<b>done</b>"
    assert "<table" in table["data"]["text/html"]
    assert "<table" in run.cells[1].outputs[0]["data"]["text/html"]


@pytest.mark.parametrize(
    "refused",
    [
        "dbutils.meta.define('x')",
        "sc.parallelize([1])",
        "%sh ls",
        "!ls",
        "%pip install not-there==1.0",
        "import concurrent.futures as c\n    c.ThreadPoolExecutor(1).submit(lambda: dbutils.meta.define('x')).result()",
        "raise RuntimeError('hidden') from dbutils.meta.define('x')",
    ],
)
def test_what_the_notebook_catches(run_notebook, notebook, refused):
    """It goes on as if it had its answer; what then comes out is no result, and the place of the call is told."""
    path = notebook("x = 1", f"try:\n    {refused}\nexcept Exception as error:\n    print('never mind')", "print('on')")

    run = run_notebook(path)

    assert (run.outcome, run.passed, run.location.cell) == ("unsupported", False, 2)
    assert [cell.outcome for cell in run.cells] == ["passed", "unsupported", "passed"]
    assert run.cells[1].text == "never mind\n"


def test_what_fails_after_a_refusal(run_notebook, notebook):
    """Both cells are told, and the refusal is the reason."""
    run = run_notebook(notebook("try:\n    dbutils.meta.x\nexcept Exception:\n    y = None", "y.strip()", "z = 1"))

    assert (run.outcome, run.location.cell) == ("unsupported", 1)
    assert [cell.outcome for cell in run.cells] == ["unsupported", "failed", "not_run"]


def test_a_library_that_looks_around(run_notebook, notebook, tmp_path, monkeypatch):
    """MLflow and its like ask where they are and go on; what they find is that this is no workspace."""
    pytest.importorskip("mlflow")
    path = notebook(
        "import mlflow",
        "mlflow.set_tracking_uri('sqlite:///m.db')\nwith mlflow.start_run() as run:\n    mlflow.log_metric('a', 1)",
    )

    run = run_notebook(path)

    assert run.passed, run.summary


def test_what_takes_long_is_imported_once(run_notebook, notebook, tmp_path):
    """A notebook finds imported what an earlier one imported of it; not where it has something of that name itself."""
    pytest.importorskip("mlflow")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mlflow.py").write_text("MINE = 7")
    cells = (
        "import sys\nfound = 'mlflow' in sys.modules",
        "import mlflow",
        "dbutils.notebook.exit(str((found, mlflow.__name__)))",
    )

    run_notebook(notebook("import mlflow"))
    again = run_notebook(notebook(*cells, name="again.py"))
    other = run_notebook(notebook(*cells, "# %pip", name="other.py"))
    own = run_notebook(notebook("import mlflow\ndbutils.notebook.exit(str(mlflow.MINE))", name="own/n.py"))

    assert [run.exit_value for run in (again, other, own)] == ["(True, 'mlflow')", "(False, 'mlflow')", "7"]


@pytest.mark.parametrize("is_imported", [False, True])
def test_mlflow_signs_in_nowhere(run_notebook, notebook, monkeypatch, is_imported):
    """In a notebook it asks the notebook how to, whether it was imported before it or by it."""
    pytest.importorskip("mlflow.utils.databricks_utils")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", "/nonexistent")
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_HOST", "DATABRICKS_TOKEN", "ARM_"))]:
        monkeypatch.delenv(name)
    asks = "from mlflow.utils.databricks_utils import get_databricks_host_creds\nprint(get_databricks_host_creds().host)"

    run = run_notebook(notebook(asks if is_imported else f"# not by %pip\n{asks}"))

    assert run.outcome == "unsupported", run.cells[0].text
    assert "clients sign in to the workspace by it, and there is no workspace here" in run.error


def test_a_models_short_name(run_notebook, notebook):
    """It is one of the session's catalog and schema, as MLflow takes it on Databricks."""
    pytest.importorskip("mlflow")
    path = notebook(
        "from mlflow import MlflowClient\nclient = MlflowClient()\nclient.create_registered_model('churn')",
        "client.set_registered_model_tag('default.churn', 'owner', 'ann')",
        "print(client.get_registered_model('main.default.churn').tags)",
        "spark.sql('CREATE SCHEMA other')\nspark.sql('USE other')",
        "print(client.create_registered_model('churn').name)",
        "client.create_registered_model('none.churn')",
    )

    run = run_notebook(path)

    assert (run.outcome, run.location.cell) == ("failed", 6)
    assert "there is no schema main.none for the model main.none.churn" in run.error
    assert run.cells[2].text == "{'owner': 'ann'}\n"
    assert run.cells[4].text == "main.other.churn\n"


@pytest.mark.parametrize(
    "asked", ["client.get_latest_versions('churn')", "mlflow.artifacts.list_artifacts('models:/churn/latest')"]
)
def test_a_models_latest_version(run_notebook, notebook, asked):
    """Unity Catalog has none, so neither has a whole run: it would be green here, and fail there."""
    pytest.importorskip("mlflow")
    made = "client = mlflow.MlflowClient()\nclient.create_registered_model('churn')"

    run = run_notebook(notebook(f"import mlflow\n{made}", asked))

    assert (run.outcome, run.location.cell) == ("failed", 2)
    assert "have no stages and no latest version: load churn by an alias" in run.error


def test_a_model_that_was_asked_for_tells_no_latest_versions(run_notebook, notebook):
    """As Unity Catalog's own, whatever versions it has."""
    pytest.importorskip("mlflow")
    made = "import mlflow\nclient = mlflow.MlflowClient()\nclient.create_registered_model('churn')"

    run = run_notebook(notebook(made, "print(client.get_registered_model('churn').latest_versions)"))

    assert run.passed, run.error
    assert run.cells[1].text == "None\n"


def test_magics_of_ipythons_own(run_notebook, notebook):
    """They work as in any kernel, in the run's folder."""
    path = notebook(
        "import os\nos.mkdir('d')\n%cd -q d\nassert os.path.basename(os.getcwd()) == 'd'",
        "here = %pwd\nassert here == os.getcwd()",
        "%env NBH_A=b\nassert os.environ['NBH_A'] == 'b'",
        "%load_ext autoreload\n%autoreload 2",
        "%timeit -n1 -r1 pass",
        "%config InlineBackend.figure_format = 'retina'",
        "open('a.txt', 'w').close()\n%ls",
    )

    run = run_notebook(path)

    assert run.passed, run.summary
    assert run.cells[6].text == "a.txt\n"


def test_what_is_written_beside_the_notebook(run_notebook, notebook, tmp_path):
    """``%%writefile`` makes files of the run's own: a module among them can be imported, though one of its name lies there."""
    (tmp_path / "old.py").write_text("V = 1\n")
    path = notebook(
        "%%writefile fresh.py\nV = 2",
        "import fresh\nassert fresh.V == 2",
        "%%writefile old.py\nV = 3",
        "import old\nassert old.V == 3",
        "%%writefile -a fresh.py\nW = 4",
        "print(open('fresh.py').read())",
    )

    run = run_notebook(path)

    assert run.passed, run.summary
    assert run.cells[5].text == "V = 2\nW = 4\n\n"
    assert not (tmp_path / "fresh.py").exists()


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


SHORTENED = """
def test_notebook(run_notebook):
    assert run_notebook("bad.py").passed

def test_summary(run_notebook):
    run = run_notebook("bad.py")
    assert run.passed, run.summary

def test_job(run_job):
    assert run_job("job.json").passed

def test_unread(run_job):
    run_job("job.json")
"""


def test_the_cause_of_a_red_run_is_shown_whole(pytester):
    """Pytest shortens what an assert is about; where the test names the summary, that is enough."""
    pytester.makepyfile(test_shortened=SHORTENED)
    (pytester.path / "bad.py").write_text(f"{HEADER}raise ValueError('why ' + 'x' * 300 + ' because')\n")
    tasks = [{"task_key": "one", "notebook_task": {"notebook_path": "bad.py"}}]
    (pytester.path / "job.json").write_text(json.dumps({"name": "nightly", "tasks": tasks}))

    said = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rN").stdout.str()

    assert "4 failed" in said
    _, notebook, summary, job, unread = re.split(r"_{5,} test_\w+ _{5,}\n", said)
    told = "- red runs of this test -"
    assert [told in part for part in (notebook, summary, job, unread)] == [True, False, True, False]
    why = f"ValueError: why {'x' * 300} because"
    assert [why in part.partition(told)[2] for part in (notebook, job)] == [True, True]
    assert "NBH360 nightly failed, and the test doesn't look at it\n  cause: one failed at bad.py:2 (cell 1, line 1)" in unread


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


LEFT = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_the_same_names_again(run_notebook, number):
    run = run_notebook("n.py")
    assert run.passed
    assert run.tables == ("hive_metastore.default.there", "main.default.here", "main.default.seen")
    assert run.files == ("out.txt",)
    assert run_notebook("reads.py").exit_value == "3"

def test_afterwards(spark):
    assert not spark.catalog.tableExists("main.default.here")
    assert not spark.catalog.tableExists("hive_metastore.default.there")
"""


def test_what_a_run_made_is_told_and_goes_with_its_test(pytester):
    """Though the test itself asked Spark for nothing: in every catalog, and until then it stays."""
    (pytester.path / "n.py").write_text(
        f"{HEADER}spark.range(3).write.saveAsTable('main.default.here')\n"
        "spark.sql('CREATE VIEW main.default.seen AS SELECT 1 AS a')\n"
        "spark.sql('CREATE TABLE hive_metastore.default.there AS SELECT 1 AS a')\n"
        "open('out.txt', 'w').write('x')\n"
    )
    (pytester.path / "reads.py").write_text(
        f"{HEADER}spark.table('hive_metastore.default.there').collect()\n"
        "dbutils.notebook.exit(str(spark.table('main.default.here').count()))\n"
    )
    pytester.makepyfile(LEFT)

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)


def test_a_table_that_was_there_is_told_where_it_changed(run_notebook, notebook, uc, spark):
    """And not where it was only read."""
    for name in ("read", "written"):
        uc.make_table(name=name, rows=[{"a": 1}])
    path = notebook(f"spark.table('{uc.name}.read').write.mode('append').saveAsTable('{uc.name}.written')")

    assert run_notebook(path).tables == (f"{uc.name}.written",)


WATCHED = """
import sys, pexpect
child = pexpect.spawn(sys.executable, ["-m", "pytest", "-p", "no:cacheprovider", *sys.argv[2:]], timeout=60)
shown = child.expect([r"\\.\\S*\\s*\\r\\n\\rslow.py: cell 2 of 2, \\d+ s", "2 passed", pexpect.EOF])
if shown == 0:
    child.expect(["2 passed", pexpect.EOF])
sys.exit(shown != int(sys.argv[1]))
"""


@pytest.mark.parametrize(("options", "end"), [((), 0), (("-q",), 0), (("-qq",), 2), (("-n", "1"), 0)])
def test_a_long_run_is_watched_on_a_terminal(pytester, options, end):
    """The cell that is on, and the time, below what stands there, also where xdist's workers run it; not with ``-qq``."""
    pytest.importorskip("pexpect")
    (pytester.path / "slow.py").write_text(f"{HEADER}x = 1{CELL}import time\ntime.sleep(4)\n")
    pytester.makepyfile("def test_a(): pass\ndef test_slow(run_notebook):\n    assert run_notebook('slow.py').passed\n")

    # In a process of its own: pexpect forks, and this one may have Spark's threads.
    command = [sys.executable, "-c", WATCHED, str(end), *options]
    done = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_environment_is_the_tests_own(run_notebook, notebook, monkeypatch):
    """As it is when the notebook is run, and not as it was when pytest began."""
    monkeypatch.setenv("STAGE", "test")

    assert run_notebook(notebook("import os\ndbutils.notebook.exit(os.environ['STAGE'])")).exit_value == "test"


def test_a_stream_that_takes_what_is_there(run_notebook, notebook, uc, spark):
    """With ``availableNow``: it ends by itself, and the test reads what it wrote."""
    uc.make_table(name="events", columns="n int", rows=[(1,), (2,)])
    path = notebook(
        f"stream = spark.readStream.table('{uc.name}.events').writeStream.trigger(availableNow=True)\n"
        f"query = stream.option('checkpointLocation', 'dbfs:/tmp/checkpoint').toTable('{uc.name}.copied')\n"
        "query.awaitTermination()",
    )

    run = run_notebook(path)

    assert run.passed, run.error
    assert run.tables == (f"{uc.name}.copied",)
    assert uc.table("copied").count() == 2


@pytest.mark.parametrize(
    "call", ["spark.sql(\"COPY INTO main.default.t FROM '/x' FILEFORMAT = CSV\")", "spark.read.format('kafka').load().count()"]
)
def test_a_query_that_only_databricks_answers_is_told_though_it_is_swallowed(run_notebook, notebook, call):
    """What the notebook does instead is no result; a query that fails there too may be swallowed."""
    swallowed = "try:\n    {}\nexcept Exception:\n    pass"

    run = run_notebook(notebook("x = 1", swallowed.format(call)))
    assert (run.outcome, run.location.cell, run.location.cell_line) == ("unsupported", 2, 2)
    assert run_notebook(notebook(swallowed.format("spark.table('nowhere').count()"))).passed


def test_a_value_that_cannot_be_shown(run_notebook, notebook):
    """The code didn't fail, but the cell did: with the error that was shown."""
    run = run_notebook(notebook("spark.read.format('parqet').load()"))

    assert run.outcome == "failed"
    assert "DATA_SOURCE_NOT_FOUND" in run.error


CHILD = """\
def doubled(x: int) -> float:
    return x * 2


assert doubled.__annotations__ == {"x": int, "return": float}, doubled.__annotations__
"""


def test_annotations_in_what_a_notebook_runs_are_values(run_notebook, tmp_path):
    """As in the notebook itself: nothing that this package imports from ``__future__`` is theirs."""
    (tmp_path / "child.py").write_text(HEADER + CHILD)
    (tmp_path / "main.py").write_text(f"{HEADER}# MAGIC %run ./child\n")

    run = run_notebook(tmp_path / "main.py")

    assert run.passed, run.summary
