from __future__ import annotations

import base64
import json
import pickle
from urllib.parse import quote

import pytest

from harness.model import NOTHING_RUN, NotebookRun
from harness.notebook import read_notebook
from harness.remote.frames import frames_of, place_of
from harness.remote.outcome import RemoteRun, Sent, after, gone, is_fault_of_platform, outcome_of, unknown

FOLDER = "/Workspace/Users/me/.nbh/run"
ETL = """# Databricks notebook source
import setup

# COMMAND ----------

# MAGIC %run ./child

# COMMAND ----------

def ratio(a, b):
    # by hand
    return a / b

# COMMAND ----------

x = 1
ratio(x, 0)

# COMMAND ----------

print("same")
raise ValueError

# COMMAND ----------

print("same")
raise ValueError
"""
CHILD = """# Databricks notebook source
y = 2
"""

TRACE = """\x1b[0;31m---------------------------------------------------------------------------\x1b[0m
\x1b[0;31mZeroDivisionError\x1b[0m                         Traceback (most recent call last)
File \x1b[0;32m<command-3871234567890>, line 2\x1b[0m
\x1b[1;32m      1\x1b[0m x = 1
\x1b[0;32m----> 2\x1b[0m ratio(x, 0)

File \x1b[0;32m<command-3871234567889>, line 3\x1b[0m, in ratio(a, b)
\x1b[1;32m      1\x1b[0m def ratio(a, b):
\x1b[1;32m      2\x1b[0m     # by hand
\x1b[0;32m----> 3\x1b[0m     return a / b

\x1b[0;31mZeroDivisionError\x1b[0m: division by zero"""

# Where a runtime's kernels have their files; put together, for it looks like a path of the machine that tests run on.
KERNELS = f"{'/root'}/.ipykernel"


@pytest.fixture
def sent(tmp_path):
    """What was sent: two notebooks and a module."""
    (tmp_path / "etl.py").write_text(ETL)
    (tmp_path / "child.py").write_text(CHILD)
    notebooks = {f"jobs/{name}.py": read_notebook(tmp_path / f"{name}.py") for name in ("etl", "child")}
    return Sent("jobs/etl.py", notebooks, ("jobs/setup.py",), FOLDER)


def run_of(life="TERMINATED", result="SUCCESS", *, code="", kind="", message="", attempt=0, **more):
    """What runs/get says of a run of one task."""
    state = {"life_cycle_state": life, "state_message": message, **({"result_state": result} if result else {})}
    status = {"status": {"state": "TERMINATED", "termination_details": {"code": code, "type": kind, "message": message}}}
    task = {"run_id": 70, "attempt_number": attempt, "state": state, "execution_duration": 4200, "run_page_url": "https://p/70"}
    both = status if code else {}
    return {"run_id": 7, "state": state, **both, "tasks": [{**task, **both}], **more}


def place(trace, sent):
    """The place of a traceback."""
    return place_of(trace, notebooks=sent.notebooks, files=sent.files, folder=sent.folder)


def test_a_run_that_passed(sent):
    """It is a run as those here, with its page."""
    run = outcome_of(run_of(code="SUCCESS", kind="SUCCESS"), {"notebook_output": {}}, sent)

    assert isinstance(run, NotebookRun)
    assert (run.path, run.ended, run.exit_value, run.error, run.location) == ("jobs/etl.py", "passed", None, "", None)
    assert (run.duration_s, run.link, run.run_id, run.retried, run.notes) == (4.2, "https://p/70", 7, (), ())
    assert run.summary == "passed [https://p/70]"
    assert pickle.loads(pickle.dumps(run)) == run


def test_what_of_a_run_was_left_out(tmp_path):
    """By ``%skip``: it is counted, and where nothing else is in the notebook, nothing was run."""
    skip, header = "# MAGIC %skip\n# MAGIC x = 1\n", "# Databricks notebook source\n"
    (tmp_path / "some.py").write_text(f"{header}y = 1\n\n# COMMAND ----------\n\n{skip}")
    (tmp_path / "all.py").write_text(header + skip)
    notebooks = {name: read_notebook(tmp_path / name) for name in ("some.py", "all.py")}

    some, nothing = (
        outcome_of(run_of(code="SUCCESS", kind="SUCCESS"), {"notebook_output": {}}, Sent(name, notebooks, (), FOLDER))
        for name in notebooks
    )

    assert (some.summary, some.left_out) == ("passed (1 cell left out) [https://p/70]", (2,))
    assert (nothing.ended, nothing.error) == ("unsupported", NOTHING_RUN)


@pytest.mark.parametrize("value", ["", "done", '{"status": "trained"}'])
def test_a_run_that_exited(sent, value):
    """With its value, an empty one too."""
    run = outcome_of(run_of(), {"notebook_output": {"result": value, "truncated": False}}, sent)

    assert (run.ended, run.exit_value) == ("exited", value)


def test_a_cut_exit_value_is_no_result(sent):
    """What is left of it is kept."""
    run = outcome_of(run_of(), {"notebook_output": {"result": "abc", "truncated": True}}, sent)

    assert (run.ended, run.exit_value) == ("infrastructure_failed", "abc")
    assert run.error.startswith("NBH391 the workspace gave only the beginning of the exit value\n  cause: it gave 3 bytes")


@pytest.mark.parametrize(
    "run",
    [
        run_of(result="FAILED"),
        run_of(result="FAILED", code="RUN_EXECUTION_ERROR", kind="CLIENT_ERROR"),
        run_of("INTERNAL_ERROR", "FAILED", code="RUN_EXECUTION_ERROR", kind="CLIENT_ERROR"),
        run_of("INTERNAL_ERROR", "FAILED", message="Workload failed, see run output for details"),
    ],
)
def test_a_run_that_failed(sent, run):
    """With the error, and the line of the repository, however the workspace says it."""
    found = outcome_of(run, {"error": "ZeroDivisionError: division by zero", "error_trace": TRACE}, sent)

    assert (found.ended, found.error) == ("failed", "ZeroDivisionError: division by zero")
    assert str(found.location) == "jobs/etl.py:12 (cell 3, line 3)"
    assert found.trace == TRACE
    assert not is_fault_of_platform(run)


@pytest.mark.parametrize(
    ("run", "output", "why"),
    [
        (
            run_of("INTERNAL_ERROR", "FAILED", code="CLUSTER_ERROR", kind="CLOUD_FAILURE", message="spot"),
            {},
            "CLUSTER_ERROR, CLOUD",
        ),
        (run_of(result="FAILED", code="DRIVER_ERROR", message="driver gone"), {"error": "x"}, "DRIVER_ERROR: driver gone"),
        (run_of(result="FAILED", code="LIBRARY_INSTALLATION_ERROR"), {}, "LIBRARY_INSTALLATION_ERROR"),
        (run_of(result="FAILED", code="BRAND_NEW_CODE"), {"error": "x"}, "BRAND_NEW_CODE: x"),
        (run_of("INTERNAL_ERROR", None, message="no capacity"), None, "INTERNAL_ERROR: no capacity"),
        (run_of("SKIPPED", None), None, "SKIPPED"),
        (run_of(result="BRAND_NEW_RESULT"), {"notebook_output": {}}, "BRAND_NEW_RESULT"),
        (run_of(result="EXCLUDED"), {"notebook_output": {}}, "EXCLUDED"),
        (run_of(result="SUCCESS_WITH_FAILURES"), {"notebook_output": {}}, "SUCCESS_WITH_FAILURES"),
        (run_of(result=None), {"notebook_output": {}}, "TERMINATED"),
        (run_of("BRAND_NEW_STATE", "SUCCESS"), {"notebook_output": {}}, "hadn't ended"),
        (run_of("RUNNING", None), None, "hadn't ended"),
        (run_of(), None, "can't be read"),
        (run_of(), {}, "no output of a notebook"),
        (run_of("SKIPPED", "SUCCESS"), {"notebook_output": {}}, "ended as SKIPPED"),
        (run_of(code="CANCELED"), {"notebook_output": {}}, "ended as CANCELED"),
        ({}, None, "no state"),
        ({"run_id": 7, "tasks": [{}]}, {"notebook_output": {}}, "no state"),
        (run_of(result="CANCELED", code="CLUSTER_TERMINATED_BY_USER"), {}, "CLUSTER_TERMINATED_BY_USER"),
    ],
)
def test_what_is_not_known_to_be_good_is_never_green(sent, run, output, why):
    """States of the platform, states nobody knows, and words that contradict each other."""
    found = outcome_of(run, output, sent)

    assert found.ended == "infrastructure_failed"
    assert why in found.error
    assert not found.passed


def test_a_success_with_an_error_is_a_failure(sent):
    """Whichever of the two is wrong."""
    assert outcome_of(run_of(), {"notebook_output": {}, "error": "ValueError: x"}, sent).ended == "failed"
    assert outcome_of(run_of(), {"notebook_output": {}, "error_trace": "x"}, sent).ended == "failed"


def test_time_and_cancellation(sent):
    """By whom it was stopped is told."""
    cancelled = run_of(result="CANCELED", code="USER_CANCELED")

    assert outcome_of(run_of(result="TIMEDOUT", code="CANCELED"), {}, sent).ended == "timed_out"
    assert outcome_of(cancelled, {}, sent, stopped="timed_out").ended == "timed_out"
    assert outcome_of(cancelled, {}, sent, stopped="cancelled").ended == "cancelled"
    by_hand = outcome_of(cancelled, {}, sent)
    assert (by_hand.ended, by_hand.error) == ("cancelled", "it was cancelled on the workspace")
    assert outcome_of(run_of(), {"notebook_output": {}}, sent, stopped="timed_out").ended == "passed"


def test_a_retry_of_the_platforms_is_shown(sent):
    """An attempt above 0, although none was asked for; and the last attempt counts."""
    run = run_of(attempt=1)
    run["tasks"].append(
        {**run["tasks"][0], "attempt_number": 0, "state": {"life_cycle_state": "TERMINATED", "result_state": "FAILED"}}
    )

    found = outcome_of(run, {"notebook_output": {}}, sent)

    assert (found.ended, found.retried) == ("passed", ("the workspace retried it by itself",))
    assert "tried again after: the workspace retried it by itself" in found.summary


def test_attempts_of_ours_are_shown(sent):
    """With why each was lost."""
    lost = outcome_of(run_of("INTERNAL_ERROR", None, code="CLOUD_FAILURE", kind="CLOUD_FAILURE", message="spot"), None, sent)
    last = outcome_of(run_of(), {"notebook_output": {}}, sent)

    assert after([], last) is last
    assert after([lost], last).retried == ("CLOUD_FAILURE, CLOUD_FAILURE: spot",)


@pytest.mark.parametrize(
    ("run", "is_platforms"),
    [
        (run_of("INTERNAL_ERROR", "FAILED", code="CLUSTER_ERROR", kind="CLOUD_FAILURE"), True),
        (run_of("INTERNAL_ERROR", "FAILED", code="CLOUD_FAILURE", kind="CLOUD_FAILURE"), True),
        (run_of("INTERNAL_ERROR", "FAILED", code="INTERNAL_ERROR", kind="INTERNAL_ERROR"), True),
        (run_of("INTERNAL_ERROR", None), True),
        (run_of("INTERNAL_ERROR", "FAILED", code="CLUSTER_ERROR", kind="CLIENT_ERROR"), False),
        (run_of(result="FAILED", code="DRIVER_ERROR", kind="INTERNAL_ERROR"), False),
        (run_of(result="FAILED", code="RUN_EXECUTION_ERROR", kind="CLIENT_ERROR"), False),
        (run_of(result="FAILED", code="LIBRARY_INSTALLATION_ERROR", kind="CLIENT_ERROR"), False),
        (run_of(result="FAILED"), False),
        (run_of("SKIPPED", None), False),
        (run_of(), False),
        ({}, False),
    ],
)
def test_only_the_platforms_faults_are_tried_again(run, is_platforms):
    """Never the notebook's own, never wrong settings, never what isn't known."""
    assert is_fault_of_platform(run) is is_platforms


def test_a_run_that_is_gone_or_unknown_is_no_result(sent):
    """Each with its code."""
    assert gone(sent, run_id=7).error.startswith("NBH390 the run isn't on the workspace any more")
    assert unknown(sent, why="reset", run_id=7).error.startswith("NBH392 what became of the run isn't known\n  cause: reset")
    assert {gone(sent, run_id=7).ended, unknown(sent, why="x").ended} == {"infrastructure_failed"}


def test_output_that_was_cut_is_told(sent):
    """It costs no result."""
    run = outcome_of(run_of(), {"notebook_output": {}, "logs_truncated": True}, sent)

    assert (run.ended, run.notes) == ("passed", ("the workspace cut the run's output; its page has more",))


# -- lines ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trace", "shown"),
    [
        ("File <command-9>, line 2\n      1 x = 1\n----> 2 ratio(x, 0)\n", "jobs/etl.py:17 (cell 4, line 2)"),
        ("File <command-9>:2\n      1 x = 1\n----> 2 ratio(x, 0)\n", "jobs/etl.py:17 (cell 4, line 2)"),
        ("<command-9> in <module>\n      1 x = 1\n----> 2 ratio(x, 0)\n", "jobs/etl.py:17 (cell 4, line 2)"),
        ("File ~/.ipykernel/37/command-9-2525:2\n      1 x = 1\n----> 2 ratio(x, 0)\n", "jobs/etl.py:17 (cell 4, line 2)"),
        (f'File "{KERNELS}/9/command-9-41", line 2, in f\n----> 2 ratio(x, 0)\n', "jobs/etl.py:17 (cell 4, line 2)"),
        ("File <command-9>, line 3, in ratio(a, b)\n----> 3 return a / b\n", "jobs/etl.py:12 (cell 3, line 3)"),
        ("File <command-9>, line 1\n----> 1 y = 2\n", "jobs/child.py:2 (cell 1, line 1)"),
        (f"File {FOLDER}/jobs/setup.py:8, in f()\n      7 a\n----> 8 b\n", "jobs/setup.py:8"),
        ("File /Users/me/.nbh/run/jobs/setup.py, line 8, in f\n", "jobs/setup.py:8"),
        (
            "File <command-9>, line 2\n----> 2 ratio(x, 0)\nFile /databricks/spark/python/a.py:9, in f\n----> 9 x\n",
            "jobs/etl.py:17 (cell 4, line 2)",
        ),
        ('File <command-9>, line 2\n      1 print("same")\n----> 2 raise ValueError\n', "jobs/etl.py"),
        ("File <command-9>, line 2\n      1 nothing\n----> 2 like this\n", "None"),
        ("File <command-9>, line 90\n", "None"),
        ("File <command-9>, line 1\n", "None"),
        ("File /databricks/spark/python/a.py:9, in f\n----> 9 x\n", "None"),
        ("no trace at all", "None"),
        ("", "None"),
    ],
)
def test_a_line_is_told_only_if_it_is_sure(sent, trace, shown):
    """By the code that the traceback shows; the same code in two cells tells no line."""
    assert str(place(trace, sent)) == shown


def test_frames_of_one_cell_help_each_other(sent):
    """A frame without code is in the cell that another frame of the same number is in."""
    trace = "File <command-9>, line 1\n----> 1 def ratio(a, b):\nFile <command-9>, line 3, in ratio(a, b)\n"

    assert str(place(trace, sent)) == "jobs/etl.py:12 (cell 3, line 3)"


def test_the_error_that_ended_the_run_counts(sent):
    """Not the one that it came of."""
    first = "File <command-1>, line 1\n----> 1 y = 2\n"
    last = "File <command-9>, line 2\n----> 2 ratio(x, 0)\n"
    for words in (
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
    ):
        assert str(place(f"{first}\nE: x\n\n{words}\n\n{last}", sent)) == "jobs/etl.py:17 (cell 4, line 2)"


def test_an_older_runtimes_frames_tell_the_line_by_the_arrow():
    """There the head names none."""
    [frame] = frames_of("<command-12> in f(x)\n      3 a\n----> 4 b\n      5 c\n")

    assert (frame.command, frame.line, frame.code) == ("12", 4, {3: "a", 4: "b", 5: "c"})


def test_a_cell_with_its_language_named_may_be_counted_from_the_next_line(tmp_path):
    """%python on line 1 is or isn't counted; the code tells."""
    (tmp_path / "a.sql").write_text(
        "-- Databricks notebook source\nSELECT 1\n\n"
        "-- COMMAND ----------\n\n-- MAGIC %python\n-- MAGIC a = 1\n-- MAGIC b = 1 / 0\n"
    )
    notebooks = {"a.sql": read_notebook(tmp_path / "a.sql")}

    for number in (2, 3):
        found = place_of(
            f"File <command-1>, line {number}\n----> {number} b = 1 / 0\n", notebooks=notebooks, files=(), folder="/x"
        )
        assert str(found) == "a.sql:8 (cell 2, line 3)"


def test_summary_of_a_plain_run_is_unchanged():
    """The subclass only adds to it."""
    assert RemoteRun("a.py", "failed", error="x").summary == NotebookRun("a.py", "failed", error="x").summary


# -- exported pages ------------------------------------------------------------------------------------------------------------


def page(*commands):
    """A page as runs/export gives it; each command is its text and its state."""
    told = [{"position": float(number), "command": text, "state": state} for number, (text, state) in enumerate(commands, 1)]
    packed = base64.b64encode(quote(json.dumps({"commands": told[::-1]}), safe="").encode()).decode()
    return f"<html><script>var __DATABRICKS_NOTEBOOK_MODEL = '{packed}'</script></html>"


def pages_of(sent, failed):
    """The page of a run whose cell of that number failed."""
    cells = sent.notebooks["jobs/etl.py"].cells
    return page(*((cell.source, "error" if cell.number == failed else "finished") for cell in cells))


def test_a_page_tells_the_cell_where_no_traceback_does(sent):
    """As with SQL; the cell is sure, no line is."""
    run = run_of(result="FAILED")

    found = outcome_of(run, {"error": "[TABLE_OR_VIEW_NOT_FOUND]"}, sent, page=pages_of(sent, 4))

    assert str(found.location) == "jobs/etl.py (cell 4)"
    assert outcome_of(run, {"error": "x"}, sent).location is None


def test_a_page_tells_two_same_cells_apart(sent):
    """Then the line is sure, too."""
    trace = 'File <command-9>, line 2\n      1 print("same")\n----> 2 raise ValueError\n'

    found = outcome_of(run_of(result="FAILED"), {"error": "x", "error_trace": trace}, sent, page=pages_of(sent, 6))

    assert str(found.location) == "jobs/etl.py:27 (cell 6, line 2)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html></html>",
        "__DATABRICKS_NOTEBOOK_MODEL = '####'",
        "__DATABRICKS_NOTEBOOK_MODEL = 'YWJj'",
        page(("x = 1\nratio(x, 0)", "finished")),
        page(("something else", "error")),
        page(('print("same")\nraise ValueError', "error")),
    ],
)
def test_a_page_that_is_not_sure_tells_nothing(sent, text):
    """A page of another notebook, a broken one, one whose failed cell could be two of ours."""
    assert outcome_of(run_of(result="FAILED"), {"error": "x"}, sent, page=text).location is None


def test_a_page_with_other_cells_tells_one_that_is_the_only_one(sent):
    """The text decides."""
    found = outcome_of(run_of(result="FAILED"), {"error": "x"}, sent, page=page(("x = 1\nratio(x, 0) ", "error")))

    assert str(found.location) == "jobs/etl.py (cell 4)"
