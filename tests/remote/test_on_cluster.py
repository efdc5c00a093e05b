"""What goes to a cluster with tests, and what is taken of that which comes back."""

from __future__ import annotations

import base64
import gzip
import json
import zipfile
from dataclasses import asdict, replace
from io import BytesIO

import pytest
from workspaces import FakeWorkspace

from harness.collect import warned
from harness.collect.journal import Journal
from harness.environments import Compute, Environment
from harness.remote.errors import CatalogMentionError, OnClusterResultError, OutsideError, UnreachableError
from harness.remote.judged import as_data, judge, of_data
from harness.remote.on_cluster import Order, packed, stage
from harness.remote.outcome import RemoteRun
from harness.remote.parts import LIMIT, Part
from harness.remote.pieces import joined
from harness.remote.session import Remote
from harness.remote.travel import Package, packages_along

TEST = "tests/test_a.py::test_it[1]"
ORDER = Order("t" * 32, "pps", "https://pps", "pps", (TEST,), ("tests/test_a.py",))


def report(when="call", outcome="passed", **more):
    """One report as pytest serialises it."""
    return {"$report_type": "TestReport", "nodeid": TEST, "when": when, "outcome": outcome, "sections": [], **more}


WHOLE = [report("setup"), report("call"), report("teardown")]


def judged(reports, *, ended="exited", text=None, order=ORDER, **facts):
    """What is taken of a job's results."""
    told = {"token": ORDER.token, "root": "/tmp/x/tests", "reports": reports, "unread": [], "said": "", "coverage": ""}
    text = packed({**told, **facts}) if text is None else text
    run = RemoteRun("tests", ended, text, error="" if ended == "exited" else "the driver died", link="https://pps/#run/1")
    return judge(order, run)


def test_a_whole_result_is_taken():
    """With all of its reports, in their order."""
    results = judged(WHOLE)

    assert results.tests[TEST].problem == ""
    assert [one["when"] for one in results.tests[TEST].reports] == ["setup", "call", "teardown"]
    assert results.root == "/tmp/x/tests"


@pytest.mark.parametrize(
    ("reports", "facts", "told"),
    [
        ([], {}, "no report of it"),
        ([], {"said": "boom: no such option"}, "boom: no such option"),
        ([], {"unread": [["tests/test_a.py", "ImportError: no module named x"]]}, "no module named x"),
        (WHOLE[:1], {}, "no report of its teardown and call"),
        (WHOLE[:2], {}, "no report of its teardown"),
        ([WHOLE[0], WHOLE[2]], {}, "no report of its call"),
        (WHOLE[1:], {}, "no report of its setup"),
        ([*WHOLE, report("call", "failed")], {}, "its call is reported as passed, and as failed"),
        ([report("call", "failed"), *WHOLE], {}, "its call is reported as failed, and as passed"),
        (WHOLE, {"token": "another"}, "those of another job"),
        ([{**one, "nodeid": "tests/test_a.py::test_it[2]"} for one in WHOLE], {}, "no report of it"),
    ],
)
def test_what_is_not_whole_is_an_error(reports, facts, told):
    """Of a test that is shown as passed all is known."""
    result = judged(reports, **facts).tests[TEST]

    assert told in result.problem
    assert "NBH42" in result.problem
    assert result.reports == ()


@pytest.mark.parametrize("ended", ["failed", "cancelled", "timed_out", "infrastructure_failed"])
def test_a_job_that_died_is_an_error_of_each_test(ended):
    """Whatever it may have said before."""
    result = judged(WHOLE, ended=ended).tests[TEST]

    assert "NBH420" in result.problem
    assert "the driver died" in result.problem
    assert "https://pps/#run/1" in result.problem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "nbh-tests-1:",
        "nbh-tests-1:!!!!",
        packed({"token": ORDER.token, "reports": WHOLE})[:-9],
        "nbh-tests-1:" + base64.b85encode(gzip.compress(b"[]")).decode(),
        "nbh-tests-1:" + base64.b85encode(gzip.compress(b'{"token": 1, "reports": []}')).decode(),
    ],
    ids=[
        "none",
        "of something else",
        "empty",
        "no base 85",
        "cut off",
        "a list",
        "another token",
    ],  # gzip's bytes have the time
)
def test_a_text_that_cannot_be_read_is_an_error(text):
    """Half a text, too."""
    assert "NBH420" in judged([], text=text).tests[TEST].problem


def test_a_notebook_without_an_exit_is_an_error():
    """It passed, and told nothing."""
    assert "NBH420" in judge(ORDER, RemoteRun("tests", "passed")).tests[TEST].problem


def test_the_same_report_twice_is_one():
    """And reports of runs before the last one, as of pytest-rerunfailures, contradict nothing."""
    again = judged([WHOLE[0], report("call", "rerun"), *WHOLE[1:], WHOLE[2]]).tests[TEST]

    assert again.problem == ""
    assert [one["outcome"] for one in again.reports] == ["passed", "rerun", "passed", "passed"]


def test_a_failed_setup_needs_no_call():
    """As pytest has it."""
    result = judged([report("setup", "failed"), report("teardown")]).tests[TEST]

    assert (result.problem, len(result.reports)) == ("", 2)


def test_results_pass_through_files():
    """Processes of one run hand them to each other."""
    results = judged([*WHOLE[:2]])
    whole = judged(WHOLE)

    assert of_data(json.loads(json.dumps(as_data(results)))) == results
    assert of_data(json.loads(json.dumps(as_data(whole)))) == whole


def test_warnings_come_back():
    """Also to the other processes of a run."""
    told = {"nodeid": TEST, "when": "runtest", "text": "old", "category": "builtins.UserWarning", "filename": "a", "lineno": 1}

    assert of_data(as_data(judged(WHOLE, warnings=[told]))).warnings == (told,)


@pytest.mark.parametrize(
    ("category", "kind", "text"),
    [
        ("builtins.DeprecationWarning", DeprecationWarning, "old"),
        ("nobody.Here", UserWarning, "nobody.Here: old"),
        ("builtins.dict", UserWarning, "builtins.dict: old"),
        ("builtins.UnicodeWarning", UnicodeWarning, "old"),
    ],
)
def test_a_warning_has_its_class_where_that_is_known(category, kind, text):
    """And names it where it isn't."""
    made = warned.of_data({"text": "old", "category": category, "filename": "a.py", "lineno": 3})

    assert (made.category, str(made.message), made.filename, made.lineno) == (kind, text, "a.py", 3)


def test_too_much_output_is_left_out_and_told():
    """Outcomes and errors never are."""
    noise = base64.b85encode(bytes(range(256)) * 8).decode()
    loud = [{**one, "sections": [["Captured stdout call", noise]]} for one in WHOLE]
    facts = {"token": ORDER.token, "root": "", "reports": loud, "unread": [], "said": "", "coverage": ""}

    short = packed(facts, most_bytes=600)
    results = judge(ORDER, RemoteRun("tests", "exited", short))

    assert len(short) <= 600
    assert results.notes == ("output of tests that passed didn't fit into what a workspace gives back",)
    assert results.tests[TEST].problem == ""
    with pytest.raises(OnClusterResultError):
        packed(facts, most_bytes=100)


# -- what a job writes as it goes on -------------------------------------------------------------------------------------------


def wrote(folder, *reports, token=ORDER.token, running=TEST):
    """What a journal writes that is asked for each report."""
    journal = Journal(str(folder), token, "/tmp/x/tests")
    journal._running = running
    for one in reports:
        journal.add(one)
        journal.write()
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def test_of_a_job_that_died_whole_results_are_taken(tmp_path):
    """What it wrote before; the test that was on is named."""
    order = replace(ORDER, tests=(TEST, "tests/test_a.py::test_other"))
    pieces = joined(wrote(tmp_path, *WHOLE, running="tests/test_a.py::test_other"), ORDER.token)
    results = judge(order, RemoteRun("tests", "failed", error="the driver died"), lambda: pieces)

    assert results.tests[TEST].problem == ""
    assert len(results.tests[TEST].reports) == 3
    assert "died (when it last wrote, this test was on)" in results.tests["tests/test_a.py::test_other"].problem
    assert results.root == "/tmp/x/tests"


@pytest.mark.parametrize("harm", ["lost", "half", "another job's", "half a test"])
def test_of_pieces_that_are_not_whole_none_after_is_taken(tmp_path, harm):
    """Nor is one of another job."""
    written = wrote(tmp_path, *WHOLE)
    match harm:
        case "lost":
            del written[1]
        case "half":
            written[1] = written[1][:40]
        case "another job's":
            (tmp_path / "other").mkdir()
            written = wrote(tmp_path / "other", *WHOLE, token="x" * 32)
        case _:
            del written[2]
    result = judge(ORDER, RemoteRun("tests", "failed", error="gone"), lambda: joined(written, ORDER.token)).tests[TEST]

    assert "NBH420" in result.problem
    assert result.reports == ()


def test_of_two_attempts_the_last_one_counts(tmp_path):
    """The platform lost the first."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = wrote(tmp_path / "a", *WHOLE)
    second = wrote(tmp_path / "b", report("setup", "failed"), report("teardown"))

    assert [one["outcome"] for one in joined([*second, *first], ORDER.token).reports] == ["failed", "passed"]


def test_what_is_too_long_for_an_exit_value_is_read_from_pieces(tmp_path):
    """All of it, or none."""
    loud = [{**one, "sections": [["Captured stdout call", str(list(range(3000)))]]} for one in WHOLE]
    written = wrote(tmp_path, *loud)
    facts = {"token": ORDER.token, "root": "", "reports": loud, "unread": [], "said": "", "coverage": ""}
    run = RemoteRun("tests", "exited", packed(facts, pieces=len(written), most_bytes=800))

    assert judge(ORDER, run, lambda: joined(written, ORDER.token)).tests[TEST].reports == tuple(loud)
    assert "2 of 3 pieces" in judge(ORDER, run, lambda: joined(written[:2], ORDER.token)).tests[TEST].problem
    assert "0 of 3 pieces" in judge(ORDER, run, _lost).tests[TEST].problem


def _lost():
    raise UnreachableError("https://pps can't be reached", cause="reset", mend="wait")


def test_a_journal_that_cannot_be_written_stops(tmp_path):
    """The results go back all the same, by the exit value."""
    journal = Journal(str(tmp_path / "not there"), ORDER.token, "")
    journal.begins(TEST)

    assert journal.failed
    assert journal.count == 0


def test_a_journal_costs_little(tmp_path):
    """Where a write takes a tenth of a second, it is one in two."""
    times = iter([0.0, 0.0, 0.1, 0.5, 2.0, 2.2, 2.2, 2.3])
    journal = Journal(str(tmp_path), ORDER.token, "", now=lambda: next(times))
    for _ in range(4):  # at 0.0, 0.5, 2.0 and 2.2
        journal.begins(TEST)

    assert len(list(tmp_path.iterdir())) == 2


# -- what goes there -----------------------------------------------------------------------------------------------------------


def test_what_goes_there_is_cut_into_files_that_a_workspace_takes(tmp_path, monkeypatch):
    """And the same is the same the second time, but for the job's own notebook."""
    monkeypatch.setattr("harness.remote.on_cluster.PIECE_BYTES", 100)
    (tmp_path / "a.py").write_text("x = 1\n")
    package = Package("p", "1", is_first=True, files={"p/__init__.py": str(tmp_path / "a.py")})
    parts = [Part("a.py", "file", "RAW", "d", 6)]
    closures = []
    for name, token in (("one", "1" * 32), ("two", "2" * 32)):
        (tmp_path / name).mkdir()
        order = replace(ORDER, token=token)
        closures.append(
            stage(tmp_path / name, order, root=str(tmp_path), parts=parts, packages=[package], there="/Workspace/f")
        )

    zips = [[part for part in closure.parts if part.kind == "file"] for closure in closures]
    assert zips[0] == zips[1]
    assert max(part.size for part in zips[0]) <= 100
    content = b"".join((tmp_path / "one" / part.path).read_bytes() for part in zips[0] if part.path.startswith("packages"))
    assert zipfile.ZipFile(BytesIO(content)).namelist() == ["first/p/__init__.py"]
    assert closures[0].first != closures[1].first
    text = (tmp_path / "one" / closures[0].path).read_text()
    compile(text, "notebook", "exec")
    assert text.startswith("# Databricks notebook source\n")


def test_pytest_and_the_harness_go_along():
    """As they are here, so that reports mean the same there; what a runtime has of its own doesn't."""
    packages = {one.name: one for one in packages_along(["pytest_cov", "not-installed"])}

    assert {"pytest", "pluggy", "iniconfig", "databricks-notebook-harness"} == {
        name for name, one in packages.items() if one.is_first
    }
    assert packages["pytest"].version == pytest.__version__
    ours = packages["databricks-notebook-harness"].files
    assert {"harness/plugin.py", "harness/collect/in_job.py", "harness/fixtures/spark.py"} <= ours.keys()
    assert [name for name in ours if name.endswith("dist-info/entry_points.txt")]
    assert "pytest_cov/plugin.py" in packages["pytest-cov"].files
    assert not {"pyspark", "numpy", "pandas"} & packages.keys()


@pytest.fixture
def project(tmp_path):
    """A project whose test needs a module, a conftest file and a data file."""
    folder = tmp_path / "churn"
    for path, text in {
        "pyproject.toml": "",
        "lib/__init__.py": "",
        "lib/clean.py": "import lib.more\n",
        "lib/more.py": "x = 1\n",
        "lib/other.py": "",
        "tests/conftest.py": "from lib import clean\n",
        "tests/test_a.py": "def test_it(): pass\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


FILES = ["tests/test_a.py", "tests/conftest.py", "pyproject.toml"]


def sent(project, environment=None, files=FILES):
    """Send the test to a workspace in memory; gives what it was asked to run, and the files of the project that went there."""
    ws = FakeWorkspace()
    environment = environment or Environment("pps", compute=Compute("existing", "c1"))
    ws.clusters_made["c1"] = {"cluster_id": "c1", "state": "RUNNING"}
    remote = Remote(environment, project, workspace=ws, calls_per_s=200.0)
    try:
        remote.submit_tests(ORDER, [], files).cancel()
        names = sorted(path for path in ws.objects if "/nbh-on-cluster/tests-" in path and path.endswith(".zip"))
        content = b"".join(ws.objects[path][1] for path in names)
        assert all(len(ws.objects[path][1]) <= LIMIT for path in names)
        notebooks = [path for path, entry in ws.objects.items() if entry[0] == "NOTEBOOK"]
        return ws, notebooks, sorted(zipfile.ZipFile(BytesIO(content)).namelist())
    finally:
        remote.close()


def test_tests_go_up_with_what_they_need(project):
    """What is imported, and no more; and nothing of it is left."""
    ws, notebooks, files = sent(project)

    assert files == sorted([*FILES, "lib/__init__.py", "lib/clean.py", "lib/more.py"])
    assert len(notebooks) == 1
    assert ws.count("delete_folder") == 1
    assert not [path for path in ws.objects if "nbh-on-cluster" in path]


def test_data_files_go_along(project):
    """As with notebooks."""
    environment = Environment("pps", compute=Compute("existing", "c1"), data_files=("lib/other.py",))

    assert "lib/other.py" in sent(project, environment)[2]


def test_another_environments_catalog_is_refused(project):
    """In a test or a module as in a notebook."""
    (project / "lib" / "more.py").write_text('x = spark.table("prd.sales.orders")\n')
    environment = Environment("pps", catalog="pps", other_catalogs=("prd",), compute=Compute("existing", "c1"))

    with pytest.raises(CatalogMentionError):
        sent(project, environment)


def test_a_test_outside_of_the_project_is_refused(project, tmp_path):
    """It has no place there."""
    (tmp_path / "test_b.py").write_text("")

    with pytest.raises(OutsideError):
        sent(project, files=["../test_b.py"])


def test_an_order_is_plain_data():
    """The notebook carries it as JSON."""
    assert json.loads(json.dumps(asdict(ORDER)))["tests"] == [TEST]
