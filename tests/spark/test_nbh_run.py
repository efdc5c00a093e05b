"""``nbh run``: what is shown, what is written, and what the exit code says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"
GOOD = HEADER + CELL.join(
    [
        "# MAGIC %md A title",
        'dbutils.widgets.text("n", "1")\nprint("n is", dbutils.widgets.get("n"))',
        "# MAGIC %sql\n# MAGIC CREATE TABLE main.default.made AS SELECT 41 + 1 AS answer",
        'display(spark.table("main.default.made"))\nopen("notes.txt", "w").write("x")',
        'dbutils.notebook.exit("done")',
    ]
)


@pytest.fixture
def nbh_run(tmp_path):
    """Run ``nbh run`` on a notebook of this text, in a folder of its own."""

    def run(text, *arguments):
        (tmp_path / "n.py").write_text(text)
        command = [sys.executable, "-m", "harness", "run", "n.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_what_cells_show_and_how_it_ended(nbh_run):
    """Each cell's output under its number; then the verdict, the tables and the files."""
    done = nbh_run(GOOD, "-p", "n=7")

    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert "n is 7" in lines
    assert any(line.startswith("cell 4, ") for line in lines)
    assert "0      42" in lines
    assert any(line.startswith("n.py exited at n.py:21 (cell 5, line 1) with 'done', after ") for line in lines)
    assert lines[-3:] == ["  cells:  4 passed, 1 exited", "  tables: main.default.made", "  files:  notes.txt"]


def test_of_many_files_some_are_named(nbh_run):
    """And how many more there are, with the way to all of them."""
    text = "# Databricks notebook source\nfor n in range(12):\n    open(f'f{n:02}', 'w').close()\n"

    lines = nbh_run(text).stdout.splitlines()

    named = ", ".join(f"f{n:02}" for n in range(10))
    assert lines[-1].rstrip() == f"  files:  {named} and 2 more, which --json names"
    assert len(json.loads(nbh_run(text, "--json").stdout)["files"]) == 12


def test_nothing_is_left_for_the_next(nbh_run):
    """Each run has catalogs of its own."""
    assert [nbh_run(GOOD).returncode for _ in range(2)] == [0, 0]


def test_a_module_that_the_project_keeps_off_the_path(nbh_run, tmp_path):
    """Its folder is told with the error, and what is said puts it there."""
    (tmp_path / "src" / "shop_lib").mkdir(parents=True)
    (tmp_path / "src" / "shop_lib" / "rates.py").write_text("RATE = 2\n")
    text = HEADER + "from shop_lib.rates import RATE\nprint(RATE)\n"
    setting = 'pythonpath = ["src"] under [tool.pytest.ini_options]'

    done = nbh_run(text)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["src"]\n')

    assert done.returncode == 1
    assert (
        f"shop_lib is in src, which isn't on the path; on Databricks a wheel of it or sys.path may bring it: {setting}"
        in done.stdout
    )
    assert nbh_run(text).returncode == 0


def test_notebooks_named_as_modules_of_python(tmp_path):
    """What is read beside the notebook is Python's own, wherever one stands: on Databricks a notebook is no module."""
    for name in ("secrets", "queue", "statistics", "harness"):
        (tmp_path / f"{name}.py").write_text(f"{HEADER}raise RuntimeError('{name} was imported')\n")
    (tmp_path / "n.py").write_text(f"{HEADER}print('ran')\n")
    command = [sys.executable, "-P", "-m", "harness", "run", "n.py"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ran" in done.stdout.splitlines()


def test_what_it_runs_has_its_catalogs_and_its_spark(nbh_run, tmp_path):
    """A child asks for Spark itself, and finds the parent's tables."""
    (tmp_path / "child.py").write_text(
        f"{HEADER}spark.sql('INSERT INTO main.default.made VALUES (2)')\n"
        "dbutils.notebook.exit(str(spark.table('main.default.made').count()))\n"
    )
    parent = (
        "spark.sql('CREATE TABLE main.default.made AS SELECT 1 AS n')\ndbutils.notebook.exit(dbutils.notebook.run('child', 60))"
    )

    done = nbh_run(f"{HEADER}{parent}\n", "--json")

    told = json.loads(done.stdout)
    assert (told["outcome"], told["exit_value"], told["error"]) == ("exited", "2", "")


def test_spark_and_dbutils_see_the_same_files(nbh_run, tmp_path):
    """In what the notebook runs too: what one has written the other reads, and what dbutils removes is gone for Spark."""
    (tmp_path / "child.py").write_text(
        f"{HEADER}dbutils.fs.rm('/mnt/lake/t', True)\ndbutils.notebook.exit(str(spark.read.text('/mnt/in').first().value))\n"
    )
    cells = [
        "spark.range(3).write.format('delta').save('/mnt/lake/t')",
        "assert '_delta_log/' in [one.name for one in dbutils.fs.ls('dbfs:/mnt/lake/t')]",
        "dbutils.fs.put('dbfs:/mnt/in/a.txt', 'hello')",
        "assert dbutils.notebook.run('child', 60) == 'hello'",
        "spark.range(1).selectExpr('id AS other').write.format('delta').save('/mnt/lake/t')",
        "print(spark.read.format('delta').load('/mnt/lake/t').columns)",
    ]

    done = nbh_run(HEADER + CELL.join(cells))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "['other']" in done.stdout


def test_its_files_go_with_it(nbh_run, tmp_path, monkeypatch):
    """Those of dbfs and volumes, whatever became of the run."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    done = nbh_run(f"{HEADER}dbutils.fs.put('/tmp/x', 'x')\n1 / 0\n")

    assert done.returncode == 1
    assert not list((tmp_path / "temporary").glob("nbh-files-*"))


def test_an_error_whose_first_line_says_nothing(nbh_run):
    """Of a statement that can't be parsed the end says what is wrong with it."""
    done = nbh_run(f"{HEADER}# MAGIC %sql\n# MAGIC SELEC 1\n")

    assert done.returncode == 1
    assert "ParseException: [PARSE_SYNTAX_ERROR]" in done.stdout.splitlines()[-2]


def test_an_error_of_a_function_that_sparks_worker_called(nbh_run):
    """In one line it is the function's own, and of the traceback there are the notebook's two lines."""
    text = HEADER + CELL.join(
        [
            "def each(batch, n):\n    raise ValueError('amount is negative')",
            'rows = spark.range(3)\nrows.write.saveAsTable("main.default.src")',
            'made = spark.readStream.table("main.default.src").writeStream.foreachBatch(each).trigger(availableNow=True)',
            'made.option("checkpointLocation", "/tmp/c").start().awaitTermination()',
        ]
    )

    lines = [line.rstrip() for line in nbh_run(text).stdout.splitlines()]

    kind = "pyspark.errors.exceptions.connect.StreamingQueryException"
    assert f"  error:  {kind}: ValueError: amount is negative" in lines
    assert [line.partition("n.py:")[2] for line in lines if line.startswith("File ")] == ["16", "3, in each()"]
    assert not any("JVM stacktrace" in line for line in lines)


def test_what_to_do_about_an_error(nbh_run):
    """Where there is a hint, at the end too."""
    done = nbh_run(f"{HEADER}# MAGIC %sql\n# MAGIC SELECT :nowhere\n")

    assert done.returncode == 1
    assert done.stdout.splitlines()[-2].startswith("  hint:   no widget has the name nowhere")


def test_as_data(nbh_run):
    """For other programs: JSON alone, on one line."""
    done = nbh_run(f"{HEADER}x = 1\n{CELL}1 / 0\n{CELL}x\n", "--json")

    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["outcome"], told["passed"], told["error"]) == ("failed", False, "ZeroDivisionError: division by zero")
    assert told["location"] == {"path": "n.py", "line": 7, "cell": 2, "cell_line": 1}
    assert [cell["outcome"] for cell in told["cells"]] == ["passed", "failed", "not_run"]


def test_a_failure_shows_the_notebooks_own_lines(nbh_run):
    """Not those of Spark's client, and no frame of Java."""
    done = nbh_run(f"{HEADER}def load():\n    return spark.table('nowhere').count()\n\nload()\n")

    assert done.returncode == 1
    assert "----> 3     return spark.table('nowhere').count()" in done.stdout
    assert "TABLE_OR_VIEW_NOT_FOUND" in done.stdout
    assert "site-packages" not in done.stdout
    assert "JVM stacktrace" not in done.stdout


def test_written_for_an_editor_and_for_a_browser(nbh_run, tmp_path):
    """The HTML needs no network, and has cells' titles, which Jupyter's pages don't show by themselves."""
    text = GOOD.replace("dbutils.widgets.text", "# DBTITLE 1,Widgets <a & *b*\ndbutils.widgets.text")

    done = nbh_run(text, "--output", "run.ipynb", "--output", "run.html")

    assert done.returncode == 0, done.stderr
    node = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    assert [cell.cell_type for cell in node.cells] == ["markdown", "code", "code", "code", "code"]
    assert node.cells[1].outputs[0].text == "n is 1\n"
    assert node.cells[1].execution_count == 2
    assert node.cells[1].metadata == {"application/vnd.databricks.v1+cell": {"title": "Widgets <a & *b*"}}
    page = (tmp_path / "run.html").read_text()
    assert "exited at n.py:22 (cell 5, line 1) with 'done'" in page
    assert "<strong>Widgets &lt;a &amp; *b*</strong>" in page
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1", 0),
        ("raise ValueError", 1),
        ("while True: pass", 1),
        ("# MAGIC %scala\n# MAGIC val x = 1", 3),
        ("import os; os._exit(0)", 3),
    ],
)
def test_exit_codes(nbh_run, text, code):
    """0 green, 1 the notebook's own fault, 3 where it couldn't be found out."""
    assert nbh_run(HEADER + text, "--timeout", "8" if "while" in text else "60").returncode == code


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-p", "n"], "-p n gives no value"),
        (["-p", "n=1", "-p", "n=2"], '"n" is given twice'),
        (["--output", "run.pdf"], "ends in neither .ipynb nor .html"),
        (["--output", "no/run.html"], "there is no such folder"),
        (["--timeout", "-1"], "--timeout is negative"),
    ],
)
def test_wrong_use_is_told_before_anything_runs(nbh_run, tmp_path, arguments, told):
    """With exit code 2."""
    done = nbh_run(f"{HEADER}open({str(tmp_path / 'ran')!r}, 'w')", *arguments)

    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "ran").exists()


def test_a_cell_to_skip_that_is_not_there(nbh_run):
    """It is an error with the titles that there are, not a run of everything."""
    done = nbh_run(f"{HEADER}# DBTITLE 1,Load\nx = 1\n", "--skip-cell", "Loads")

    assert done.returncode == 2
    assert "did you mean 'Load'?" in done.stderr


def test_a_long_exit_value(nbh_run):
    """Its beginning is shown, with how long it is."""
    done = nbh_run(f"{HEADER}dbutils.notebook.exit('x' * 1_000_000)\n")

    (told,) = [line for line in done.stdout.splitlines() if " exited " in line and "with '" in line]
    assert "xx… (1,000,002 characters), after" in told
    assert len(told) < 3_000


def test_a_parameter_that_no_widget_has(nbh_run):
    """Is wrong use, too, where it is one of the notebook's, misspelt."""
    done = nbh_run(f"{HEADER}dbutils.widgets.text('day', 'today')\n", "-p", "dya=tomorrow")

    assert done.returncode == 2
    assert "day" in done.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path, sent):
    """By Ctrl-C, or by a CI's end of a job: it says so, and its process is gone."""
    (tmp_path / "n.py").write_text(
        f"{HEADER}import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\nwhile True: pass\n"
    )
    run = subprocess.Popen([sys.executable, "-m", "harness", "run", "n.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)

    run.send_signal(sent)
    told, _ = run.communicate(timeout=30)

    assert run.returncode == 130
    assert "n.py cancelled at n.py:4 (cell 1, line 3)" in told
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_jupyter_is_not_there(tmp_path):
    """It is said what to install."""
    (tmp_path / "n.py").write_text(f"{HEADER}x = 1\n")
    code = "import sys; sys.modules['nbclient'] = None; from harness.cli import main; sys.exit(main(['run', 'n.py']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert "NBH362 notebooks can't be run whole here" in done.stderr
    assert "databricks-notebook-harness[local]" in done.stderr


def test_in_catalogs_and_files_that_another_process_holds(nbh_run, spark, tmp_path):
    """What a run makes there stays when the run has ended, for the next one and for who holds them."""
    space = spark.conf.get("spark.nbh.space")
    files = tmp_path / "files"
    files.mkdir()
    makes = "spark.sql('CREATE TABLE main.default.lent AS SELECT 7 AS n')\ndbutils.fs.put('dbfs:/lent.txt', 'seven')\n"
    reads = (
        "n = spark.table('main.default.lent').first().n\ndbutils.notebook.exit(f\"{n} {dbutils.fs.head('dbfs:/lent.txt')}\")\n"
    )

    first, second = (nbh_run(HEADER + text, "--json", "--space", space, "--files", str(files)) for text in (makes, reads))

    assert first.returncode == 0, first.stdout + first.stderr
    assert json.loads(second.stdout)["exit_value"] == "7 seven"
    assert spark.table("main.default.lent").count() == 1


def test_a_task_of_a_job(nbh_run, tmp_path):
    """It finds the values of other tasks, and JSON tells those that it set."""
    (tmp_path / "values.json").write_text('{"load": {"rows": 3}}')
    text = "dbutils.jobs.taskValues.set('more', dbutils.jobs.taskValues.get('load', 'rows') + 1)"

    done = nbh_run(f"{HEADER}{text}\n", "--json", "--task-key", "train", "--task-values", "values.json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["task_values"] == {"more": 4}


@pytest.mark.parametrize(("text", "told"), [("[1]", "has another shape"), ("{", "can't be read"), (None, "can't be read")])
def test_task_values_of_another_shape(nbh_run, tmp_path, text, told):
    """Wrong use, before anything is run."""
    if text is not None:
        (tmp_path / "values.json").write_text(text)

    done = nbh_run(GOOD, "--task-values", "values.json")

    assert done.returncode == 2
    assert f"--task-values values.json {told}" in done.stderr


def test_a_script(nbh_run):
    """A plain file as a task of a job runs it: with its arguments, and failing by any ``SystemExit``."""
    text = "import sys\n\nprint(sys.argv[1:], __name__)\nif sys.argv[1:]:\n    sys.exit(0)\n"

    done = nbh_run(text, "--script")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[] __main__" in done.stdout
    assert "n.py passed, after" in done.stdout

    done = nbh_run(text, "--script", "--argument=--day", "--argument=x")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "['--day', 'x'] __main__" in done.stdout
    assert "n.py failed at n.py:5, after" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--argument=x"], "--argument is given to a notebook"),
        (["--script", "-p", "a=b"], "-p is given to a script"),
        (["--script", "--skip-cell", "1"], "--skip-cell is given to a script"),
        (["--entry-point", "main", "-p", "a=b"], "-p is given to an entry point"),
        (["--entry-point", "main", "--script"], "--script and --entry-point are given"),
    ],
)
def test_what_scripts_and_notebooks_are_not_given(nbh_run, arguments, told):
    """It is refused before anything is run."""
    done = nbh_run("raise ValueError\n", *arguments)

    assert done.returncode == 2, done.stdout + done.stderr
    assert told in done.stderr
