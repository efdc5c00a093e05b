"""Coverage of notebook code, by coverage.py and pytest-cov as they are: the exact lines, and what the summary adds."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET

import pytest

# Line by line: what a unit test can run, and what it runs here.
ETL = """\
# Databricks notebook source
import os
RATE = 3

# COMMAND ----------

def scale(x, factor=RATE):
    if x is None:
        return 0
    return x * factor


def unused():
    return 1

# COMMAND ----------

open("ran_etl", "w").write("x")
df = spark.table("main.a.b")
if df:
    print(1)
else:
    print(2)
"""
ETL_COUNTED = {2, 3, 7, 8, 9, 10, 13, 14}
ETL_MISSED = {9, 14}
ETL_HELD = 6  # lines 18 to 23

MODEL = ["open('ran_model', 'w').write('x')", "def double(x):\n    if x < 0:\n        return None\n    return 2 * x"]
# The file's own lines: the JSON text has the second cell's source on 18 to 21.
MODEL_COUNTED = {18, 19, 20, 21}
MODEL_MISSED = {20}

FILES = {
    "nbs/etl.py": ETL,
    "nbs/model.ipynb": MODEL,
    "nbs/body.py": ["df = spark.table('a')\ndisplay(df)"],
    "nbs/never.py": ["def f():\n    return 1", "print(f())"],
    "nbs/plain.py": "def p():\n    return 1\n",
    "test_it.py": """
        from nbs.etl import scale
        from nbs.model import double
        from nbs.plain import p

        def test_scale(): assert scale(2) == 6
        def test_double(): assert double(4) == 8
        def test_p(): assert p() == 1
        """,
}


@pytest.fixture
def shop(project):
    """A project with notebooks of which tests run a part."""
    project.write(FILES)
    return project


@pytest.fixture(scope="module")
def measured(make_folder, workers):
    """The same project after one run with every report; ``said`` is what was printed."""
    folder = make_folder({**FILES, ".coveragerc": "[json]\nshow_contexts = true\n[html]\nshow_contexts = true\n"})
    reports = [f"--cov-report={kind}" for kind in ("html", "xml")]
    folder.files, folder.said = report(folder, "--cov=nbs", "--cov-branch", "--cov-context=test", *reports, *workers)
    return folder


def report(project, *arguments, **environment):
    """Run pytest with a JSON report; give its files by name, and what was printed."""
    done = project.run_apart("pytest", "-q", "--cov-report=term-missing", "--cov-report=json", *arguments, **environment)
    assert "INTERNALERROR" not in done.stdout + done.stderr, done.stdout + done.stderr
    return read_json(project), done.stdout + done.stderr


def read_json(project):
    """Read coverage.json."""
    files = json.loads((project.path / "coverage.json").read_text())["files"]
    return {name.replace("\\", "/"): data for name, data in files.items()}


def missed(data):
    """Give the lines that weren't run."""
    return set(data["missing_lines"])


def counted(data):
    """Give all lines that count."""
    return set(data["missing_lines"]) | set(data["executed_lines"])


def test_lines_branches_and_percentages_are_exactly_right(measured):
    """Kept lines count as in any module, held-back ones are excluded; plain and combined from workers."""
    etl, model = measured.files["nbs/etl.py"], measured.files["nbs/model.ipynb"]

    assert counted(etl) == ETL_COUNTED
    assert missed(etl) == ETL_MISSED
    assert set(etl["excluded_lines"]) == {18, 19, 20, 21, 23}
    assert etl["missing_branches"] == [[8, 9]]
    assert etl["summary"]["num_branches"] == 2
    assert etl["summary"]["percent_covered"] == pytest.approx(100 * 7 / 10)
    assert counted(model) == MODEL_COUNTED
    assert missed(model) == MODEL_MISSED
    assert model["missing_branches"] == [[19, 20]]
    assert model["summary"]["percent_covered"] == pytest.approx(100 * 4 / 6)
    assert measured.files["nbs/plain.py"]["summary"]["percent_covered"] == 100


def test_held_back_lines_are_told_beside_the_percentages(measured):
    """Neither missed nor silently gone: the summary counts them by notebook. A notebook of nothing but a body is missed."""
    assert "held back: 8 lines, 0 run; they are not counted" in measured.said
    assert f"nbs/etl.py {ETL_HELD}, nbs/model.ipynb 1, nbs/never.py 1)" in measured.said
    assert not measured.exists("ran_*")


def test_what_was_never_loaded_is_missed(measured):
    """A notebook that no test imports has all its units missed, and one of nothing but a body all its lines."""
    assert missed(measured.files["nbs/never.py"]) == {2, 3}
    assert missed(measured.files["nbs/body.py"]) == {2, 3}
    assert measured.files["nbs/body.py"]["summary"]["percent_covered"] == 0


def test_contexts_name_the_test_of_each_line(measured):
    """--cov-context=test credits a notebook's lines to the tests that ran them."""
    assert measured.files["nbs/etl.py"]["contexts"]["10"] == ["test_it.py::test_scale|run"]
    assert measured.files["nbs/model.ipynb"]["contexts"]["21"] == ["test_it.py::test_double|run"]


def test_html_shows_source_and_excluded_lines(measured):
    """The HTML page has the notebook's Python on the file's own lines; held-back ones are marked as excluded."""
    etl = next((measured.path / "htmlcov").glob("*etl_py.html")).read_text()
    model = next((measured.path / "htmlcov").glob("*model_ipynb.html")).read_text()

    assert re.search(r'<p class="exc show_exc">.*id="t18"', etl)
    assert re.search(r'<p class="mis show_mis">.*id="t9"', etl)
    assert re.search(r'<p class="mis show_mis">.*id="t20"', model)
    assert "cell_type" not in model
    assert "test_double|run" in model


def test_xml_is_cobertura_on_the_notebooks_own_lines(measured):
    """The Cobertura report has both notebooks with the file's lines and hits."""
    classes = {node.get("filename"): node for node in ET.parse(measured.path / "coverage.xml").iter("class")}

    hits = {int(line.get("number")): line.get("hits") for line in classes["model.ipynb"].iter("line")}
    assert hits == {18: "1", 19: "1", 20: "0", 21: "1"}
    assert {int(line.get("number")) for line in classes["etl.py"].iter("line")} == ETL_COUNTED


def test_a_later_coverage_report_does_not_crash_on_the_data(measured):
    """A ``coverage report`` without our plugin reads what pytest-cov left: no traceback, no .ipynb as if covered."""
    later = measured.run_apart("coverage", "report")

    assert later.returncode == 0, later.stderr
    assert ".ipynb" not in later.stdout
    assert "nbs/etl.py" in later.stdout.replace("\\", "/")
    assert "a later `coverage report` would see no .ipynb" in measured.said


def test_percentages_without_branches(shop):
    """Without branches it is lines over lines."""
    files, _ = report(shop, "--cov=nbs")

    assert files["nbs/etl.py"]["summary"]["percent_covered"] == 75
    assert files["nbs/model.ipynb"]["summary"]["percent_covered"] == 75


@pytest.mark.parametrize(
    ("arguments", "others"),
    [
        (("--cov",), {"test_it.py", "nbs/plain.py"}),
        (("--cov", "-n", "2"), {"test_it.py", "nbs/plain.py"}),
        (("--cov=.",), {"test_it.py", "nbs/plain.py", "nbs/never.py", "nbs/body.py"}),
        (("--cov=nbs.etl", "--cov=nbs.model"), set()),
        (("--cov=nbs.etl", "--cov=nbs.model", "-n", "2"), set()),
    ],
)
def test_every_way_to_name_what_is_measured(shop, arguments, others):
    """No path, a folder, modules by their names: the same lines, and only the files that were named."""
    files, said = report(shop, *arguments)

    assert counted(files["nbs/etl.py"]) == ETL_COUNTED
    assert missed(files["nbs/etl.py"]) == ETL_MISSED
    assert counted(files["nbs/model.ipynb"]) == MODEL_COUNTED
    assert missed(files["nbs/model.ipynb"]) == MODEL_MISSED
    assert {name for name in files if "harness" not in name and "fixtures/" not in name} - {
        "nbs/etl.py",
        "nbs/model.ipynb",
    } == others
    assert "nbs/etl.py 6" in said


def test_no_cov_measures_nothing(shop):
    """--no-cov does what it says, and the summary says nothing of coverage."""
    done = shop.run_apart("pytest", "-q", "--cov=nbs", "--no-cov")

    assert "3 passed" in done.stdout
    assert "held back" not in done.stdout
    assert not (shop.path / ".coverage").exists()


def test_append_adds_up(shop):
    """--cov-append keeps what an earlier run covered, in notebooks of both formats."""
    report(shop, "--cov=nbs", "-k", "scale", "-n", "2")
    files, _ = report(shop, "--cov=nbs", "--cov-append", "-k", "double", "-n", "2")

    assert missed(files["nbs/etl.py"]) == ETL_MISSED
    assert missed(files["nbs/model.ipynb"]) == MODEL_MISSED


def test_append_to_what_coverage_run_left(shop):
    """Data of a ``coverage run`` without our plugin can be appended to."""
    shop.run_apart("coverage", "run", "--source=nbs", "-m", "pytest", "-q", "-k", "scale")
    files, said = report(shop, "--cov=nbs", "--cov-append", "-k", "double")

    assert missed(files["nbs/etl.py"]) == ETL_MISSED
    assert missed(files["nbs/model.ipynb"]) == MODEL_MISSED
    assert "WARNING" not in said


def test_a_later_coverage_report_with_the_plugin_has_everything(shop):
    """With the plugin in the user's configuration, a later report is as pytest-cov's own, and there is nothing to warn of."""
    shop.write({".coveragerc": "[run]\nplugins = harness.extract.coverage\n"})
    _, said = report(shop, "--cov=nbs")
    (shop.path / "coverage.json").unlink()

    later = shop.run_apart("coverage", "json")

    assert later.returncode == 0, later.stderr
    assert missed(read_json(shop)["nbs/model.ipynb"]) == MODEL_MISSED
    assert missed(read_json(shop)["nbs/etl.py"]) == ETL_MISSED
    assert "a later `coverage report`" not in said


def test_coverage_run_without_settings_says_what_it_cannot_tell(shop):
    """``coverage run -m pytest`` has no plugin of ours: the .ipynb is left out, and the summary is loud about it."""
    done = shop.run_apart("coverage", "run", "--source=nbs", "-m", "pytest", "-q")
    later = shop.run_apart("coverage", "report", "-m")

    assert "notebooks that coverage can't be told of" in done.stdout
    assert "  nbs/model.ipynb: left out" in done.stdout
    assert "  nbs/etl.py: lines held back and called missed: 6" in done.stdout
    assert later.returncode == 0, later.stderr
    assert ".ipynb" not in later.stdout
    assert "9, 14-23" in later.stdout


def test_coverage_run_with_the_plugin_is_exact(shop):
    """``coverage run`` with the plugin configured gives the same lines as pytest-cov."""
    shop.write(
        {"pyproject.toml": "[tool.coverage.run]\nplugins = ['harness.extract.coverage']\nbranch = true\nsource = ['nbs']\n"}
    )
    done = shop.run_apart("coverage", "run", "-m", "pytest", "-q")
    later = shop.run_apart("coverage", "json")

    assert later.returncode == 0, later.stderr
    assert missed(read_json(shop)["nbs/etl.py"]) == ETL_MISSED
    assert missed(read_json(shop)["nbs/model.ipynb"]) == MODEL_MISSED
    assert "held back: 8 lines" in done.stdout


def test_the_users_own_settings_hold(shop):
    """Plugins, omit, exclude_also and relative_files of the user's apply to notebooks too."""
    shop.write(
        {
            "pyproject.toml": """
                [tool.coverage.run]
                plugins = ["users_plugin"]
                omit = ["*/never.py", "*/body.py"]
                relative_files = true
                [tool.coverage.report]
                exclude_also = ["def unused"]
                """,
            "users_plugin.py": """
                import coverage, pathlib

                class Plugin(coverage.CoveragePlugin):
                    def configure(self, config):
                        pathlib.Path("users_plugin_was_here").touch()

                def coverage_init(reg, options):
                    reg.add_configurer(Plugin())
                """,
        }
    )

    files, _ = report(shop, "--cov=nbs", "-n", "2", PYTHONPATH=str(shop.path))

    assert set(files) == {"nbs/etl.py", "nbs/model.ipynb", "nbs/plain.py"}
    assert missed(files["nbs/etl.py"]) == {9}
    assert missed(files["nbs/model.ipynb"]) == MODEL_MISSED
    assert (shop.path / "users_plugin_was_here").exists()


def test_an_environment_without_the_harness_is_left_alone(shop):
    """A coverage that a test starts by itself, where the harness may not be installed, isn't made to load our plugin."""
    shop.write({"test_env.py": "import os\ndef test_env(): assert not os.environ.get('COVERAGE_FORCE_CONFIG')\n"})

    _, said = report(shop, "--cov=nbs")

    assert "4 passed" in said


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is there from Python 3.12 on")
def test_sysmon_measures_the_same_lines(shop):
    """The sys.monitoring core sees what the tracer sees, and isn't switched off because of us."""
    files, said = report(shop, "--cov=nbs", COVERAGE_CORE="sysmon")

    assert missed(files["nbs/etl.py"]) == ETL_MISSED
    assert missed(files["nbs/model.ipynb"]) == MODEL_MISSED
    assert "no-sysmon" not in said


def test_a_notebook_that_is_no_python_as_a_whole_is_counted(project):
    """``return``, ``raise``, ``await`` and a late ``from __future__`` are fine in a notebook, and cost no line of the rest."""
    project.write(
        {
            "nbs/late.py": [
                "import os",
                "from __future__ import annotations\ndef f(x: Foo = 1):\n    return 1\ndef g():\n    return 2",
            ],
            "nbs/ends.py": ["def f():\n    return 1\ndef g():\n    return 2\nreturn f()"],
            "nbs/waits.py": ["def f():\n    return 1", "await f()"],
            "nbs/stops.py": ["def f():\n    return 1", "raise ValueError(\n    'enough'\n)", "def g():\n    return 2"],
            "test_it.py": """
                import pytest
                from nbs import ends, late, stops, waits

                @pytest.mark.parametrize("notebook", [late, ends, stops, waits])
                def test_f(notebook): assert notebook.f() == 1
                """,
        }
    )

    files, said = report(project, "--cov=nbs", "--cov-branch")

    assert counted(files["nbs/late.py"]) == {2, 7, 8, 9, 10}
    assert missed(files["nbs/late.py"]) == {10}
    assert missed(files["nbs/ends.py"]) == {5}
    assert missed(files["nbs/waits.py"]) == set()
    assert counted(files["nbs/stops.py"]) == {2, 3, 13, 14}
    assert missed(files["nbs/stops.py"]) == {14}
    assert "Failed to generate report" not in said


def test_cells_that_can_not_be_read_are_named(project):
    """A broken cell, a broken file: the rest is counted, in HTML too, and the summary names what isn't."""
    project.write(
        {
            "nbs/broken.py": ["def f():\n    return 1", "def g(:"],
            "nbs/magic.py": ["%pip install x", "def f():\n    return 1\ndef g():\n    return 2", "x = !ls"],
            "nbs/torn.ipynb": '{"cells": [',
            "nbs/loader.sql": """
                -- Databricks notebook source
                SELECT 1

                -- COMMAND ----------

                -- MAGIC %python
                -- MAGIC def h(x):
                -- MAGIC     if x:
                -- MAGIC         return 1
                -- MAGIC     return 2
                """,
            "test_it.py": """
                from harness import load_notebook
                from nbs import broken, magic

                def test_f(): assert broken.f() == magic.f() == 1
                def test_h(): assert load_notebook("nbs/loader.sql").h(1) == 1
                """,
        }
    )

    files, said = report(project, "--cov=nbs", "--cov-report=html")

    assert "2 passed" in said
    assert counted(files["nbs/broken.py"]) == {2, 3}
    assert missed(files["nbs/magic.py"]) == {9}
    assert counted(files["nbs/loader.sql"]) == {7, 8, 9, 10}
    assert missed(files["nbs/loader.sql"]) == {10}
    assert "not counted: nbs/broken.py (not valid Python: cell 2)" in said
    assert "not counted: nbs/torn.ipynb" in said
    assert next((project.path / "htmlcov").glob("*broken_py.html")).exists()


def test_a_rootdir_behind_a_link_is_the_same_file(project):
    """coverage.py knows files by their real paths: a project reached by a link has its notebooks told too."""
    project.write({f"real/{name}": content for name, content in FILES.items()})
    project.write({"real/pytest.ini": "[pytest]\npythonpath = .\n"})
    (project.path / "link").symlink_to(project.path / "real", target_is_directory=True)

    done = project.run_apart(
        "pytest", "-q", "--rootdir=link", "-c", "link/pytest.ini", "link", "--cov=link/nbs", "--cov-report=json"
    )

    files = {name.rpartition("/")[2]: data for name, data in read_json(project).items()}
    assert missed(files["etl.py"]) == ETL_MISSED, done.stdout
    assert missed(files["model.ipynb"]) == MODEL_MISSED
    assert "nbs/etl.py 6" in done.stdout
