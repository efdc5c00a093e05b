"""The files of notebooks that are run whole: what they find, what is seen of them afterwards, and how much they may write."""

from __future__ import annotations

import os
import tempfile
import textwrap
from pathlib import Path

import pytest

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""

    def write(*cells, name="n.py"):
        path = tmp_path / name
        path.write_text(HEADER + CELL.join(textwrap.dedent(cell).strip("\n") for cell in cells) + "\n")
        return path

    return write


def magic(text):
    """A cell's text as the source format has it."""
    return "\n".join(f"# MAGIC {line}" for line in text.strip("\n").splitlines())


def names(found):
    """The names alone."""
    return [info.name for info in found]


def test_without_spark(run_notebook, dbutils, notebook, monkeypatch):
    """A run that needs none has the same files: the test's, and the test has the run's."""
    monkeypatch.setattr("harness.collect.surroundings.session_of", lambda _request: pytest.fail("it asked for Spark"))
    dbutils.fs.put("/mnt/raw/in.csv", "a\n1\n")
    path = notebook(
        "import os\nimport pandas as pd\npd.read_csv('/dbfs/mnt/raw/in.csv').to_parquet('/dbfs/mnt/raw/out.parquet')",
        "dbutils.fs.cp('/mnt/raw/in.csv', '/FileStore/copy.csv')\nprint(len(dbutils.fs.ls('/mnt/raw')))",
        "os.chdir('/dbfs/FileStore')\nprint(os.getcwd(), os.listdir('.'))",
    )

    run = run_notebook(path)

    assert run.passed, run.error
    assert [cell.text for cell in run.cells[1:]] == ["2\n", "/dbfs/FileStore ['copy.csv']\n"]
    assert names(dbutils.fs.ls("/mnt/raw")) == ["in.csv", "out.parquet"]
    assert Path("/dbfs/FileStore/copy.csv").read_text() == "a\n1\n"


def test_with_spark(run_notebook, dbutils, spark, make_volume, notebook):
    """Spark's paths without a scheme are dbfs, as on Databricks; a volume that the run made is there for the test."""
    volume = make_volume(name="landing")
    (volume.folder / "in.csv").write_text("1\n2\n")
    path = notebook(
        f"spark.read.csv('{volume.path}').write.format('delta').save('/mnt/lake/t')",
        "spark.range(3).write.parquet('/tmp/nbh-run-files')\nimport pandas as pd\n"
        "print(len(pd.read_parquet('/dbfs/tmp/nbh-run-files')))",
        "spark.sql('CREATE VOLUME main.default.made')\nopen('/Volumes/main/default/made/x.csv', 'w').write('1')",
        "spark.sql(\"CREATE SCHEMA main.lake MANAGED LOCATION '/mnt/nbh-run-schema'\")\n"
        "spark.range(2).write.saveAsTable('main.lake.t')",
        "display(spark.createDataFrame(dbutils.fs.ls('/mnt/lake/t')).select('name'))",
    )

    run = run_notebook(path)

    assert run.passed, run.error
    assert run.cells[1].text == "3\n"
    assert "_delta_log/" in run.cells[4].text
    assert spark.read.format("delta").load("/mnt/lake/t").count() == 2
    assert spark.table("main.lake.t").count() == 2
    assert names(dbutils.fs.ls("/mnt/nbh-run-schema")) == ["t/"]
    assert names(dbutils.fs.ls("/Volumes/main/default/made")) == ["x.csv"]
    assert not Path("/tmp/nbh-run-files").exists()
    assert not Path("/mnt/nbh-run-schema").exists()


def test_nothing_is_left_of_that(dbutils, spark):
    """In the test that comes next."""
    assert (dbutils.fs.ls("/mnt"), dbutils.fs.ls("/tmp")) == ([], [])
    with pytest.raises(Exception, match="UC_VOLUME_NOT_FOUND"):
        dbutils.fs.ls("/Volumes/main/default/made")
    with pytest.raises(Exception, match="PATH_NOT_FOUND"):
        spark.read.parquet("/tmp/nbh-run-files").count()


def test_one_run_after_another(run_notebook, dbutils, notebook):
    """In one test they share their files, as the tasks of a job do."""
    first = notebook("dbutils.fs.mount('s3://bucket', '/mnt/b')\ndbutils.fs.put('/mnt/b/x', '1')", name="first.py")
    second = notebook(
        "print(any(m.mountPoint == '/mnt/b' for m in dbutils.fs.mounts()), open('/dbfs/mnt/b/x').read())", name="second.py"
    )

    assert run_notebook(first).passed
    assert run_notebook(second).cells[0].text == "True 1\n"
    assert dbutils.fs.mounts()[0].source == "s3://bucket"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("%fs ls /mnt/raw", ["<table", "dbfs:/mnt/raw/a.csv", "modificationTime"]),
        ("%fs\nls", ["<table", "dbfs:/mnt/"]),
        ("%fs head /mnt/raw/a.csv", ["one,two"]),
        ("%fs head --maxBytes=3 /mnt/raw/a.csv", ["[Truncated to first 3 bytes]\none\n"]),
        ("%fs rm -r /mnt/raw", ["True"]),
        ("%fs cp -r /mnt/raw /tmp/copy", ["True"]),
        ("%fs mkdirs /tmp/new", ["True"]),
        ("%fs mounts", ["<table", "DatabricksRoot"]),
        ("%fs help cp", ["cp(source, dest, recurse)"]),
    ],
)
def test_the_magic(run_notebook, dbutils, notebook, cell, shown):
    """Each call, with what it gives as an output."""
    dbutils.fs.put("/mnt/raw/a.csv", "one,two")

    run = run_notebook(notebook(magic(cell)))

    assert run.passed, run.error
    output = str(run.cells[0].outputs) + run.cells[0].text
    assert [part for part in shown if part not in output] == []


@pytest.mark.parametrize(
    ("cell", "outcome", "error"),
    [
        (magic("%fs ls /nope"), "failed", "NBH353 dbutils.fs.ls finds nothing at dbfs:/nope"),
        (magic("%fs list /"), "unsupported", "dbutils.fs.list is not served here"),
        (magic("%fs ls /\nls /tmp"), "unsupported", "a %fs cell is one call, and this one has 2 lines"),
        (magic("%fs ls 's3://b'"), "unsupported", "can't reach s3://"),
        ("dbutils.fs.ls('abfss://c@a.dfs.core.windows.net/')", "unsupported", "can't reach abfss://"),
        (
            "dbutils.fs.cp('https://example.com/a.csv', '/tmp/a.csv')",
            "unsupported",
            '"https://example.com/a.csv" is on the network',
        ),
        ("dbutils.fs.rm('file:/etc/hostname')", "unsupported", "may not change file:/etc/hostname on this machine"),
        ("open('/dbfs/nope')", "failed", "FileNotFoundError: [Errno 2] No such file or directory: '/dbfs/nope'"),
        ("open('/Volumes/main/default/nope/x', 'w')", "failed", "FileNotFoundError"),
        ("open('/dbfs/tmp/x', 'w').close()\nopen('/dbfs/tmp/x', 'a')", "passed", ""),
        ("import shutil\nshutil.rmtree('/dbfs')", "failed", "PermissionError"),
    ],
)
def test_what_fails_and_what_cannot_run(run_notebook, notebook, cell, outcome, error):
    """Told apart: the notebook's own fault, and what this machine hasn't."""
    run = run_notebook(notebook(cell))

    assert run.outcome == outcome, run.error
    assert error in run.error
    if outcome != "passed":
        assert run.location.cell == 1


def test_the_working_folder(run_notebook, dbutils, notebook):
    """It is /databricks/driver too; what the run wrote there or newly in the temporary folder can be moved, nothing else."""
    made = f"nbh-run-files-{os.getpid()}.txt"
    path = notebook(
        "open('out.csv', 'w').write('1')\ndbutils.fs.mv('file:/databricks/driver/out.csv', '/FileStore/out.csv')",
        "import os\nopen('b.csv', 'w').write('1')\ndbutils.fs.cp(f'file:{os.getcwd()}/b.csv', '/FileStore/b.csv')",
        f"open('{tempfile.gettempdir()}/{made}', 'w').write('1')\n"
        f"dbutils.fs.mv('file:{tempfile.gettempdir()}/{made}', '/FileStore/c.csv')",
        "dbutils.fs.rm('file:' + os.path.realpath('n.py'))",
    )

    run = run_notebook(path)

    assert (run.outcome, run.location.cell) == ("unsupported", 4)
    assert path.exists()
    assert names(dbutils.fs.ls("/FileStore")) == ["b.csv", "c.csv", "out.csv"]
    assert not Path(tempfile.gettempdir(), made).exists()


def test_a_path_of_this_machine_as_a_widget(run_notebook, notebook, tmp_path):
    """Spark takes it for one of dbfs, as on Databricks; it is said what to do."""
    (tmp_path / "in.csv").write_text("1\n")
    path = notebook("spark.read.csv(dbutils.widgets.get('path')).count()")

    run = run_notebook(path, widgets={"path": f"{tmp_path}/in.csv"})

    assert run.outcome == "failed"
    assert f"PATH_NOT_FOUND] Path does not exist: dbfs:{tmp_path}/in.csv" in run.error
    assert f"name it file:{tmp_path}/in.csv" in run.error
    assert run_notebook(path, widgets={"path": f"file:{tmp_path}/in.csv"}).passed


FILL_DBFS = """
with open('/dbfs/tmp/big', 'wb') as file:
    while True:
        file.write(b'x' * 1_000_000)
        file.flush()
"""
FILL_THE_FOLDER = """
for n in range(10**9):
    with open(f'{n}.bin', 'wb') as file:
        file.write(b'x' * 1_000_000)
"""
FILL_TABLES = """
rows = spark.range(1_000_000).selectExpr('uuid() AS u')
while True:
    rows.write.mode('append').saveAsTable('main.default.big')
"""


@pytest.mark.parametrize("write", [FILL_DBFS, FILL_THE_FOLDER, FILL_TABLES], ids=["dbfs", "folder", "tables"])
def test_a_notebook_that_fills_the_disk(run_notebook, dbutils, notebook, tmp_path, write):
    """Ends, says why, and the next one is untouched."""
    (tmp_path / "pyproject.toml").write_text("[tool.nbh]\nrun_disk_gb = 0.05\n")

    run = run_notebook(notebook("x = 1", write, "print('never')"), timeout_s=100)

    assert (run.outcome, run.passed, run.location.cell) == ("failed", False, 2)
    assert "it wrote more than the 0.05 GB that run_disk_gb allows" in run.error
    assert [cell.outcome for cell in run.cells] == ["passed", "failed", "not_run"]
    assert run_notebook(notebook("dbutils.fs.put('/tmp/x', '1')", name="next.py")).passed


def test_runs_of_two_workers_at_once(pytester):
    """Each has its own dbfs under the same names, with Spark and without."""
    (pytester.path / "n.py").write_text(
        f"{HEADER}import time\nn = int(dbutils.widgets.get('n'))\nassert dbutils.fs.ls('/mnt') == []\n"
        "dbutils.fs.put('/mnt/x', str(n))\nspark.range(n).write.format('delta').save('/mnt/t')\n"
        "assert spark.read.format('delta').load('/mnt/t').count() == n\n"
        "dbutils.notebook.exit(open('/dbfs/mnt/x').read())\n"
    )
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(1, 7))\n"
        "def test_n(run_notebook, spark, n):\n"
        "    assert run_notebook('n.py', widgets={'n': str(n)}).exit_value == str(n)\n"
        "    assert spark.read.format('delta').load('/mnt/t').count() == n\n"
    )

    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2").assert_outcomes(passed=6)


def test_the_files_that_a_run_wrote_are_told(run_notebook, dbutils, notebook):
    """By the paths that a notebook has for them; what was there before and wasn't changed isn't one of them."""
    dbutils.fs.put("/tmp/there.txt", "before")
    dbutils.fs.put("/tmp/changed.txt", "before")
    path = notebook(
        "dbutils.fs.put('/tmp/changed.txt', 'after', True)\nopen('/dbfs/tmp/new.txt', 'w').write('x')\n"
        "open('here.txt', 'w').write('x')\nopen('/dbfs/tmp/there.txt').read()"
    )

    assert run_notebook(path).files == ("here.txt", "dbfs:/tmp/changed.txt", "dbfs:/tmp/new.txt")


HERE = """\
import os
import sys
told = dbutils.notebook.entry_point.getDbutils().notebook().getContext().notebookPath().get()
here = "/Workspace" + os.path.dirname(told)
"""


def test_modules_by_a_path_that_the_notebook_made_of_its_own(run_notebook, notebook, tmp_path):
    """As projects put their folders on the path, whatever the workspace calls them; Spark's workers find them there too."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/doubling.py").write_text("def twice(x):\n    return 2 * x\n")
    path = notebook(
        HERE
        + "sys.path.insert(0, f'{here}/lib')\nimport doubling\nprint(doubling.twice(2), os.path.isfile(doubling.__file__))",
        """
        from pyspark.sql.functions import udf

        @udf("int")
        def later(x):
            from doubling import twice
            return twice(x)

        print(spark.range(3).select(later("id").alias("d")).collect()[2].d)
        """,
    )

    run = run_notebook(path)

    assert run.passed, run.summary
    assert [cell.text for cell in run.cells] == ["4 True\n", "4\n"]
    assert run.files == ()


def test_files_by_a_path_that_the_notebook_made_of_its_own(run_notebook, notebook, tmp_path):
    """What is new there goes with the run; the project's own files are read alone, and others' folders aren't there."""
    (tmp_path / "limits.json").write_text("{}")
    path = notebook(
        HERE,
        """
        open(f"{here}/new.txt", "w").write("1")
        print(open("new.txt").read(), open(f"{here}/limits.json").read(), os.path.exists("/Workspace/Users/me/x"))
        try:
            open(f"{here}/limits.json", "w")
        except PermissionError:
            print("refused")
        """,
    )

    run = run_notebook(path)

    assert run.passed, run.summary
    assert run.cells[1].text == "1 {} False\nrefused\n"
    assert run.files == ("new.txt",)
    assert sorted(found.name for found in tmp_path.iterdir() if found.is_file()) == ["limits.json", "n.py"]


def test_modules_in_a_volume_and_in_dbfs(run_notebook, notebook, dbutils, make_volume):
    """Their folders may be on the path, as on Databricks; one of a volume that isn't there finds nothing."""
    volume = make_volume(name="libs")
    (volume.folder / "of_volume.py").write_text("x = 1\n")
    dbutils.fs.put("/FileStore/libs/of_dbfs.py", "y = 2\n")

    run = run_notebook(
        notebook(
            f"import sys\nsys.path += ['/Volumes/main/default/gone', '{volume.path}', '/dbfs/FileStore/libs']",
            "import of_volume, of_dbfs\nprint(of_volume.x, of_dbfs.y)",
            "import of_nothing",
        )
    )

    assert (run.outcome, run.cells[1].text) == ("failed", "1 2\n")
    assert "No module named 'of_nothing'" in run.error


def test_a_notebook_by_such_a_path_is_no_module(run_notebook, notebook, tmp_path):
    """As everywhere else."""
    (tmp_path / "lib").mkdir()
    notebook("x = 1", name="lib/other.py")

    run = run_notebook(notebook(HERE + "sys.path.insert(0, f'{here}/lib')", "import other"))

    assert run.outcome == "failed"
    assert "NotebookImportException" in run.error


def test_managed_tables_of_hive_metastore_lie_in_dbfs(run_notebook, notebook, dbutils, spark):
    """As on Databricks: a notebook that makes one finds its files, and what the test's fixture made is there before."""
    path = notebook(
        magic("%sql\nUSE CATALOG hive_metastore;\nCREATE TABLE staff (id INT);\nINSERT INTO staff VALUES (7)"),
        magic("%sql\nCREATE SCHEMA shop;\nCREATE TABLE shop.sales USING parquet AS SELECT 1 AS id"),
        """
        print([found.name for found in dbutils.fs.ls("dbfs:/user/hive/warehouse/")])
        print(open("/dbfs/user/hive/warehouse/staff/_delta_log/00000000000000000001.json").read().count('"add"'))
        print(spark.read.load("/user/hive/warehouse/staff").first().id, spark.sql("DESCRIBE DETAIL staff").first().location)
        print(spark.read.parquet("dbfs:/user/hive/warehouse/shop.db/sales").count())
        """,
        magic("%sql\nDROP TABLE staff"),
        "print([found.name for found in dbutils.fs.ls('/user/hive/warehouse')])",
    )

    run = run_notebook(path)

    assert run.passed, run.summary
    assert run.cells[2].text.splitlines() == ["['shop.db/', 'staff/']", "1", "7 dbfs:/user/hive/warehouse/staff", "1"]
    assert run.cells[4].text == "['shop.db/']\n"
    assert (run.tables, run.files) == (("hive_metastore.shop.sales",), ())
    assert spark.table("hive_metastore.shop.sales").count() == 1


@pytest.mark.parametrize(
    "cell", ["dbutils.fs.ls('dbfs:/user/hive/warehouse/t')", "spark.read.json('/user/hive/warehouse/t/x.json')"]
)
def test_managed_tables_of_unity_catalog_do_not(run_notebook, notebook, cell):
    """There as here; who looks for one is told where it would."""
    run = run_notebook(notebook(magic("%sql\nCREATE TABLE t (id INT)"), cell))

    assert run.outcome == "failed"
    assert "managed tables of hive_metastore lie there (USE CATALOG hive_metastore)" in run.error
