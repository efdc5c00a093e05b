"""Coverage of notebooks that are run whole: the same lines and branches as a script's, in the report of the tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from inner_runs import ADDOPTS

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"

# Every kind of statement at top level, run and not run, and each way out of one.
BODY = [
    """\
import os
RATE = 3


def scale(x):
    if x is None:
        return 0
    return x * RATE
""",
    """\
class Shop:
    size = 1
    if size > 1:
        big = True

    def grow(self):
        self.size += 1
""",
    """\
n = int(os.environ.get('UNSET', '2'))
if n > 5:
    print('big')
elif n > 1:
    print(scale(n))
else:
    print('small')
""",
    """\
if n:
    n += 1
if not n:
    n = 7
for i in range(2):
    if i == 5:
        break
else:
    n += i
""",
    """\
for i in []:
    print(i)
while n < 5:
    n += 1
    if n == 4:
        continue
    n += 0
""",
    """\
try:
    int('x')
except ValueError:
    n = 1
else:
    n = 2
finally:
    n += 1
""",
    """\
with open(os.devnull) as f:
    if f.read():
        print('never')
if any(x for x in [0]): n = 9
squares = [
    x * x
    for x in range(3)
]
""",
    """\
def late():
    yield 1
    yield 2


next(late())
assert n
if n: print('one line')
n
""",
]


def notebook(*cells):
    """The text of a notebook in source format."""
    return HEADER + CELL.join(cell.strip("\n") for cell in cells) + "\n"


def jupyter(*cells):
    """The text of a notebook in JSON."""
    made = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": cell.strip("\n").splitlines(keepends=True),
        }
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


class Project:
    """A folder of a user's, and what coverage says of it."""

    def __init__(self, folder):
        self.path = folder
        self.write({"pytest.ini": "[pytest]\npythonpath = .\n"})

    def write(self, files):
        """Write files."""
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)

    def run(self, *arguments, **more):
        """Run ``python -m …`` there; gives what it said."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(
            command,
            cwd=self.path,
            env={**clean, "PYTEST_ADDOPTS": ADDOPTS, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done.stdout + done.stderr

    def pytest(self, *arguments, **more):
        """Run pytest with its coverage; gives the files of the report, and what was said."""
        said = self.run("pytest", "-q", "-p", "no:cacheprovider", "--cov-report=json", "--cov-report=term", *arguments, **more)
        return self.files(), said

    def files(self):
        """The files of the last JSON report."""
        return json.loads((self.path / "coverage.json").read_text())["files"]


@pytest.fixture
def project(tmp_path):
    """An empty one."""
    return Project(tmp_path)


def numbers(data):
    """What a report says of a file."""
    return {name: data[name] for name in ("executed_lines", "missing_lines", "missing_branches", "executed_branches")}


@pytest.fixture(scope="module", params=[(), ("-n", "2")], ids=["plain", "workers"])
def shop(request, tmp_path_factory):
    """A project after one run: a body like a script, one in JSON, ends of all kinds, and what a notebook brings along."""
    made = Project(tmp_path_factory.mktemp("shop"))
    ends = {
        "failed": "raise KeyError('x')",
        "exited": "dbutils.notebook.exit('x')",
        "timed_out": "while x:\n    pass",
        "ended": "os._exit(3)",
        "killed": "import time\ntime.sleep(2.5)\nos.kill(os.getpid(), 9)",
    }
    made.write(
        {
            "nbs/script.py": notebook(*BODY),
            "plain.py": notebook(*BODY),
            "nbs/script.ipynb": jupyter(*BODY),
            "nbs/main.py": notebook(
                "# MAGIC %run ./lib", "import helper\nhelper.tell(LIB)", "%%time\nx = 1\nif x > 1:\n    x = 2"
            ),
            "nbs/lib.py": notebook("LIB = 1\nif LIB > 1:\n    print('no')", "def unused():\n    return 1"),
            "nbs/helper.py": "def tell(x):\n    if x:\n        return 1\n    return 2\n",
            "nbs/units.py": notebook("def double(x):\n    return 2 * x", "print(double(1))"),
            "nbs/sql.sql": "-- Databricks notebook source\nSELECT 1\n",
            **{f"nbs/{name}.py": notebook("import os\nx = 1", end, "print('after')") for name, end in ends.items()},
            "test_it.py": """
import pytest
from nbs.units import double

@pytest.mark.parametrize("name", ["script.py", "script.ipynb", "main.py", "sql.sql"])
def test_passes(run_notebook, name):
    run = run_notebook(f"nbs/{name}")
    assert run.passed, run.error

@pytest.mark.parametrize("name", ["failed", "exited", "timed_out", "ended", "killed"])
def test_ends(run_notebook, name):
    assert run_notebook(f"nbs/{name}.py", timeout_s=4).outcome

def test_double():
    assert double(2) == 4
""",
        }
    )
    made.report, made.said = made.pytest("--cov=nbs", "--cov-branch", *request.param)
    assert "10 passed" in made.said, made.said
    made.run("coverage", "run", "--branch", "--data-file=plain.data", "plain.py")
    made.run("coverage", "json", "--data-file=plain.data", "-o", "plain.json")
    made.truth = json.loads((made.path / "plain.json").read_text())["files"]["plain.py"]
    return made


def test_a_body_is_measured_as_a_script_would_be(shop):
    """Line for line and branch for branch what coverage.py says of the same text that Python runs."""
    assert numbers(shop.report["nbs/script.py"]) == numbers(shop.truth)
    assert shop.truth["missing_branches"]
    assert shop.report["nbs/script.py"]["excluded_lines"] == []


def test_a_notebook_in_json_has_its_own_lines(shop):
    """The same statements, on the lines of the JSON text."""
    data, text = shop.report["nbs/script.ipynb"], (shop.path / "nbs/script.ipynb").read_text().splitlines()
    plain = (shop.path / "plain.py").read_text().splitlines()

    for name in ("missing_lines", "executed_lines"):
        sources = [json.loads(text[line - 1].strip().rstrip(",")).rstrip("\n") for line in data[name]]
        assert sources == [plain[line - 1] for line in shop.truth[name]]
    assert len(data["missing_branches"]) == len(shop.truth["missing_branches"])


def test_what_a_notebook_brings_along_is_measured(shop):
    """A notebook that it runs by ``%run``, a module that it imports, and what stands under ``%%time``."""
    assert shop.report["nbs/lib.py"]["missing_lines"] == [4, 9]
    assert shop.report["nbs/lib.py"]["missing_branches"] == [[3, 4]]
    assert shop.report["nbs/helper.py"]["missing_lines"] == [4]
    main = (shop.path / "nbs/main.py").read_text().splitlines()
    assert [main[line - 1].strip() for line in shop.report["nbs/main.py"]["missing_lines"]] == ["x = 2"]


@pytest.mark.parametrize("name", ["failed", "exited", "timed_out", "ended", "killed"])
def test_what_ran_before_the_end_counts(shop, name):
    """However the run ended; what it didn't come to is missed."""
    data, text = shop.report[f"nbs/{name}.py"], (shop.path / f"nbs/{name}.py").read_text().splitlines()

    # What a cell does in the last second before it is killed from outside nobody can tell.
    unseen = ["os.kill(os.getpid(), 9)"] if name == "killed" else []
    assert [text[line - 1] for line in data["missing_lines"]] == [*unseen, "print('after')"]


def test_a_notebook_that_was_not_run_whole_is_as_before(shop):
    """Its held-back line is excluded, beside others whose lines count."""
    data = shop.report["nbs/units.py"]

    assert (data["summary"]["percent_covered"], data["excluded_lines"]) == (100, [7])


def test_the_summary_tells_the_lines_that_whole_runs_ran(shop):
    """Beside all that are held back, by notebook."""
    assert re.search(r"held back: \d+ lines, \d+ run by whole runs; they count in notebooks that were run whole", shop.said)
    assert "nbs/failed.py 1 of 2" in shop.said
    assert "nbs/units.py 1)" in shop.said
    assert "WARNING" not in shop.said
    assert "nbs/sql.sql" not in shop.report


NOTEBOOK = notebook(
    "def double(x):\n    return 2 * x", "n = double(1)\nif n > 5:\n    print(0)\nprint(n)"
)  # held back: 7 to 10
UNIT = "from nbs.etl import double\ndef test_unit(): assert double(1) == 2\n"
WHOLE = "def test_whole(run_notebook): assert run_notebook('nbs/etl.py').passed\n"


@pytest.fixture
def small(project):
    """One notebook, a test of its unit and one of it whole."""
    project.write({"nbs/etl.py": NOTEBOOK, "test_it.py": UNIT + WHOLE})
    return project


def test_whole_runs_and_units_add_up_over_runs(small):
    """With ``--cov-append`` in either order: the body counts as soon as it has been run, and the summary says so."""
    files, said = small.pytest("--cov=nbs", "-k", "unit")
    assert files["nbs/etl.py"]["excluded_lines"] == [7, 8, 9, 10]
    assert "held back: 4 lines, 0 run; they are not counted" in said

    for last in ("whole", "unit"):
        files, said = small.pytest("--cov=nbs", "--cov-append", "-k", last)
        assert (files["nbs/etl.py"]["missing_lines"], files["nbs/etl.py"]["excluded_lines"]) == ([9], [])
        assert "held back: 4 lines, 3 run by whole runs" in said
        assert "(nbs/etl.py 3 of 4)" in said


SCRIPT = """\
import sys


def told(n):
    if n > 3:
        return "many"
    return "few"


if __name__ == "__main__":
    print(told(len(sys.argv)))
"""


def test_a_jobs_script_is_measured_as_any_script(project):
    """By its own lines, those that start it among them."""
    job = {"tasks": [{"task_key": "a", "spark_python_task": {"python_file": "etl/main.py"}}]}
    test = "def test_it(run_job): assert run_job('j.json').passed\n"
    project.write({"etl/main.py": SCRIPT, "j.json": json.dumps(job), "test_it.py": test})

    files, _ = project.pytest("--cov=etl", "--cov-branch")

    found = numbers(files["etl/main.py"])
    assert (found["executed_lines"], found["missing_lines"]) == ([1, 4, 5, 7, 10, 11], [6])
    assert found["missing_branches"] == [[5, 6], [10, 0]] or found["missing_branches"] == [[5, 6], [10, -1]]


@pytest.mark.parametrize("source", ["--cov", "--cov=.", "--cov=nbs.etl", "--cov=nbs"])
def test_every_way_to_name_what_is_measured(small, source):
    """No path, folders, a module's name: the same lines, and nothing of the environment."""
    files, _ = small.pytest(source, "-k", "whole")

    assert files["nbs/etl.py"]["missing_lines"] == [9]
    assert not [name for name in files if "site-packages" in name]


def test_lines_are_credited_to_their_test(small):
    """With ``--cov-context=test``, in a whole run too."""
    small.write({".coveragerc": "[json]\nshow_contexts = true\n"})

    files, _ = small.pytest("--cov=nbs", "--cov-context=test")

    assert set(files["nbs/etl.py"]["contexts"]["10"]) == {"nbh whole run", "test_it.py::test_whole|run"}
    assert "test_it.py::test_unit|run" in files["nbs/etl.py"]["contexts"]["3"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is there from Python 3.12 on")
def test_sysmon_measures_the_same_lines(small):
    """In a kernel too."""
    files, said = small.pytest("--cov=nbs", "-k", "whole", COVERAGE_CORE="sysmon")

    assert files["nbs/etl.py"]["missing_lines"] == [9]
    assert "no-sysmon" not in said


def test_coverage_run_and_combined_files(small):
    """``coverage run -m pytest`` with the plugin configured; a unit run's data and a whole run's, combined afterwards."""
    small.write(
        {".coveragerc": "[run]\nplugins = harness.extract.coverage\nsource = nbs\nbranch = true\nrelative_files = true\n"}
    )
    small.run("coverage", "run", "--data-file=.coverage.unit", "-m", "pytest", "-q", "-k", "unit")
    said = small.run("coverage", "run", "--data-file=.coverage.whole", "-m", "pytest", "-q", "-k", "whole")
    assert "held back: 4 lines, 3 run by whole runs" in said

    told = {}
    for part in ("unit", "whole"):
        small.run("coverage", "json", f"--data-file=.coverage.{part}")
        told[part] = small.files()["nbs/etl.py"]
    small.run("coverage", "combine")
    small.run("coverage", "json")
    both = small.files()["nbs/etl.py"]

    assert (told["unit"]["excluded_lines"], told["unit"]["missing_lines"]) == ([7, 8, 9, 10], [])
    assert (both["excluded_lines"], both["missing_lines"], both["missing_branches"]) == ([], [9], [[8, 9]])
    assert numbers(told["whole"]) == numbers(both)


def test_coverage_run_without_the_plugin_counts_what_ran(small):
    """There held-back lines are called missed, but for those that a whole run ran; the .ipynb is left out, and named."""
    small.write({"nbs/model.ipynb": jupyter("x = 1\nprint(x)"), "test_more.py": WHOLE.replace("etl.py", "model.ipynb")})

    said = small.run("coverage", "run", "--source=nbs", "-m", "pytest", "-q")
    small.run("coverage", "json")

    assert "  nbs/etl.py: lines held back and called missed: 1" in said
    assert "  nbs/model.ipynb: left out" in said
    assert set(small.files()) == {"nbs/etl.py"}
    assert small.files()["nbs/etl.py"]["missing_lines"] == [9]


def test_the_users_own_bounds_hold(small):
    """Patterns of what is left out, relative ones too, and ``no cover`` in a body."""
    small.write(
        {
            "nbs/etl.py": NOTEBOOK.replace("if n > 5:", "if n > 5:  # pragma: no cover"),
            "nbs/out.py": notebook("x = 1\nprint(x)"),
            "test_more.py": WHOLE.replace("etl.py", "out.py"),
            ".coveragerc": "[run]\nomit = nbs/out.py\n",
        }
    )

    files, _ = small.pytest("--cov=nbs")

    assert set(files) == {"nbs/etl.py"}
    assert (files["nbs/etl.py"]["missing_lines"], files["nbs/etl.py"]["excluded_lines"]) == ([], [8, 9])


def test_a_module_that_a_notebook_writes_is_no_part_of_the_report(small):
    """It is gone when the report is made."""
    made = "open('made.py', 'w').write('x = 1')\nimport sys\nsys.path.insert(0, '')\nimport made\nprint(made.x)"
    small.write({"nbs/etl.py": notebook(made), "test_it.py": WHOLE})

    files, said = small.pytest("--cov")

    assert files["nbs/etl.py"]["summary"]["percent_covered"] == 100
    assert not [name for name in files if name.endswith("made.py")]
    assert "1 passed" in said


def test_without_coverage_nothing_is_measured(run_notebook, tmp_path, monkeypatch):
    """A kernel has no trace function then, and no thread of ours."""
    monkeypatch.setattr("harness.collect.measured.current", lambda: None)
    path = tmp_path / "n.py"
    path.write_text(notebook("import sys, threading\nprint(sys.gettrace(), 'nbh-coverage' in str(threading.enumerate()))"))

    assert run_notebook(path).cells[0].text == "None False\n"
