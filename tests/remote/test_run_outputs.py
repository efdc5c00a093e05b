"""What a run on a workspace put out: read of its exported page, when somebody looks, and never taken for empty."""

from __future__ import annotations

import base64
import json
import pickle
from copy import deepcopy
from pathlib import Path
from urllib.parse import quote

import pytest
from workspaces import FakeWorkspace

from harness.model import TABLE, CellRun
from harness.notebook import read_notebook
from harness.remote.collecting import end_of
from harness.remote.errors import AnswerError, LeftUnknownError, UnreachableError
from harness.remote.later import Later
from harness.remote.outcome import RemoteRun, Sent
from harness.remote.views import cells_of, failed_cell

MODEL = json.loads((Path(__file__).parents[1] / "data" / "exports" / "orders.json").read_text(encoding="utf-8"))
HTML = "<IPython.core.display.HTML object>"


def page(model):
    """The page that holds a model."""
    packed = base64.b64encode(quote(json.dumps(model), safe="").encode()).decode()
    return f"<html><script>var __DATABRICKS_NOTEBOOK_MODEL = '{packed}'</script></html>"


def text_of(command):
    """A cell as its file has it."""
    text = command["command"]
    return "\n".join(f"# MAGIC {line}" for line in text.splitlines()) if text.startswith("%") else text


@pytest.fixture
def notebook(tmp_path):
    """The notebook that the recorded page is of."""
    cells = "\n\n# COMMAND ----------\n\n".join(map(text_of, MODEL["commands"]))
    (tmp_path / "orders.py").write_text(f"# Databricks notebook source\n{cells}\n")
    return read_notebook(tmp_path / "orders.py")


@pytest.fixture
def cells(notebook):
    """What became of its cells."""
    return cells_of(page(MODEL), notebook)


def changed(number, **fields):
    """The model with another command."""
    model = deepcopy(MODEL)
    model["commands"][number - 1].update(fields)
    return page(model)


# -- the forms of public exports -----------------------------------------------------------------------------------------------


def test_each_cell_is_told(cells):
    """As of a run here: what comes after a failed cell isn't run."""
    assert [cell.outcome for cell in cells] == [*["passed"] * 10, "failed", "not_run"]
    assert [cell.number for cell in cells] == list(range(1, 13))
    assert (cells[0].language, cells[5].language, cells[6].language) == ("markdown", "sql", "scala")
    assert (cells[0].duration_s, cells[1].duration_s) == (0.0, 0.608)


def test_printed_text_is_a_stream(cells):
    """The text as it was printed."""
    assert cells[1].outputs == ({"output_type": "stream", "name": "stdout", "text": "two orders\n"},)
    assert (cells[1].text, cells[4].text, cells[4].outputs) == ("two orders\n", "", ())


def test_text_of_older_runtimes_is_a_stream(cells):
    """It is written as HTML there."""
    assert cells[6].text == "n: Int = 1\n<console>\n"


def test_a_table_has_its_rows(cells):
    """In text as pandas shows them, and as data."""
    table, printed = cells[2].outputs

    assert "id price" in table["data"]["text/plain"]
    assert "<table" in table["data"]["text/html"]
    assert table["metadata"][TABLE]["data"][0] == [1, "9.50", "2026-01-23", "2026-07-15T00:12:37.013591Z", ["a", None]]
    assert [column["name"] for column in table["metadata"][TABLE]["schema"]] == ["id", "price", "day", "at", "tags"]
    assert table["metadata"][TABLE]["overflow"] is False
    assert printed["text"] == "shown\n"
    assert cells[5].outputs[0]["metadata"][TABLE]["overflow"] is True


def test_a_value_html_and_a_picture_are_as_in_jupyter(cells):
    """Each of its own kind."""
    assert cells[3].outputs == (
        {"output_type": "execute_result", "data": {"text/plain": "2"}, "metadata": {}, "execution_count": 3},
    )
    assert cells[7].outputs[0]["data"] == {"text/html": "<b>bold</b>", "text/plain": HTML}
    assert cells[8].outputs[0]["data"]["image/png"].startswith("iVBOR")
    assert cells[9].outputs == ()


def test_an_error_is_an_output(cells):
    """After what the cell had shown."""
    printed, error = cells[10].outputs

    assert printed["text"] == "begun\n"
    assert (error["ename"], error["evalue"]) == ("ZeroDivisionError", "division by zero & more")
    assert error["traceback"] == ["----", "<command-1> in <module>"]


def test_a_cell_that_was_skipped_is_not_the_one_that_failed(notebook):
    """It is in the state "error", too."""
    assert failed_cell(page(MODEL), notebook) == 11


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"state": "error", "errorSummary": "Cancelled", "results": None}, "failed"),
        ({"state": "error", "errorSummary": "Cancelled", "results": None, "startTime": 0}, "not_run"),
        ({"state": "error", "errorSummary": "Command skipped", "results": None}, "not_run"),
        ({"state": "input", "results": None}, "not_run"),
        ({"state": "finished", "errorSummary": "java.lang.Exception: of the run before"}, "passed"),
    ],
)
def test_the_state_says_what_became_of_a_cell(notebook, fields, outcome):
    """What else it holds may be of an earlier run."""
    assert cells_of(changed(2, **fields), notebook)[1].outcome == outcome


def test_a_cell_that_exited_is_told_by_what_it_shows(notebook):
    """No state says so."""
    shown = {"type": "ansi", "data": "Notebook exited: done", "name": None}
    told = changed(2, results={"type": "listResults", "data": [shown]}, listResultMetadata=None)

    assert cells_of(told, notebook, exit_value="done")[1].outcome == "exited"
    assert cells_of(told, notebook)[1].outcome == "passed"


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        ("AnalysisException: a: b < c", ("AnalysisException", "a: b < c")),
        ("[TABLE_OR_VIEW_NOT_FOUND] no table", ("Error", "[TABLE_OR_VIEW_NOT_FOUND] no table")),
        ("\x1b[0;31mValueError\x1b[0m: no", ("ValueError", "no")),
        (None, ("Error", "")),
    ],
)
def test_an_error_in_any_form_is_told(notebook, summary, told):
    """With a name where it has one."""
    read = cells_of(changed(2, state="error", errorSummary=summary, error="File <command-1>\nx = '<div>'"), notebook)

    error = read[1].outputs[-1]
    assert (error["ename"], error["evalue"], error["traceback"]) == (*told, ["File <command-1>", "x = '<div>'"])


# -- what isn't known ----------------------------------------------------------------------------------------------------------


def one(**result):
    """A command's field that holds one result."""
    return {"results": {"type": "listResults", "data": [result]}, "listResultMetadata": None}


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        (one(type="hologram", data="x"), "of a form that isn't known: hologram of str"),
        (one(type="image", data="/plots/1.png"), "of a form that isn't known: image of str"),
        (one(type="ansi", data=None), "of a form that isn't known: ansi of NoneType"),
        (one(type="mimeBundle", data="x"), "of a form that isn't known: mimeBundle of str"),
        (one(type="table", data=[[1]]), "a table has no columns"),
        (one(type="table", data=[[1, 2]], schema=[{"name": "a"}]), "a table's rows don't fit its columns"),
        ({"results": {"type": "listResults", "data": None}}, "a list of outputs is none"),
        ({"results": "text"}, "an output is a str"),
        ({"results": [1]}, "an output is a list"),
        ({"resultDbfsStatus": "STORED_IN_DBFS"}, "the workspace keeps it elsewhere: STORED_IN_DBFS"),
        ({"resultDbfsErrorMessage": "too large"}, "too large"),
        ({"listResultMetadata": [["ansi", 400]]}, "the workspace gave 11 of 400 rows or characters"),
        ({**one(type="table", data=[], schema=[]), "listResultMetadata": [["table", 3]]}, "gave 0 of 3 rows or characters"),
        ({"state": "running"}, "the workspace says of the cell that it is 'running'"),
        ({"state": None}, "the workspace says of the cell that it is None"),
    ],
)
def test_outputs_that_are_not_known_are_not_empty(notebook, fields, cause):
    """Every look at them says so; the other cells are known."""
    read = cells_of(changed(2, **fields), notebook)

    for look in (
        lambda cell: cell.text,
        lambda cell: len(cell.outputs),
        lambda cell: cell.outputs == (),
        lambda c: bool(c.outputs),
    ):
        with pytest.raises(LeftUnknownError, match="what a cell of the run put out isn't known") as raised:
            look(read[1])
        assert cause in raised.value.cause
    assert read[2].outputs[1]["text"] == "shown\n"


def test_a_text_is_whole_as_java_counts_it(notebook):
    """What is beyond the first 65,536 characters is two to it."""
    told = {**one(type="ansi", data="ok \U0001f600\n"), "listResultMetadata": [["ansi", 6]]}

    assert cells_of(changed(2, **told), notebook)[1].text == "ok \U0001f600\n"


def test_a_state_that_is_not_known_is_no_outcome_of_ours(notebook):
    """A new one, say."""
    assert cells_of(changed(2, state="running"), notebook)[1].outcome == "unknown"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "the workspace gave no page of it"),
        ("<html></html>", "a page that holds no notebook"),
        ("__DATABRICKS_NOTEBOOK_MODEL = 'YWJj'", "a page that holds no notebook"),
        (page({"commands": [{"position": "x"}]}), "a page that holds no notebook"),
        (page({"commands": MODEL["commands"][:-1]}), "its page shows 11 cells, and not the 12 of orders.py"),
        (changed(2, command='print("another")'), "its page shows 12 cells, and not the 12 of orders.py"),
    ],
)
def test_cells_of_a_page_that_is_not_sure_are_not_known(notebook, text, cause):
    """A broken page, or one of another notebook."""
    with pytest.raises(LeftUnknownError, match="the cells of the run aren't known") as raised:
        cells_of(text, notebook)

    assert cause in raised.value.cause


def test_blank_cells_and_scripts_may_be_missing(notebook):
    """A page may have fewer of those without a text, and has those that %run brings along."""
    script = {"position": 2.5, "command": "val x = 1", "state": "finished", "subtype": "script"}
    blank = {"position": 3.5, "command": " \n", "state": "finished", "subtype": "command"}

    read = cells_of(page({"commands": [*MODEL["commands"], script, blank]}), notebook)

    assert [cell.outcome for cell in read] == [*["passed"] * 10, "failed", "not_run"]


def test_markdown_of_jupyter_has_no_magic_line(notebook, tmp_path):
    """The page has it as a cell of its language."""
    source = {"cell_type": "markdown", "metadata": {}, "source": ["# Orders"]}
    (tmp_path / "b.ipynb").write_text(json.dumps({"cells": [source], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))

    read = cells_of(page({"commands": MODEL["commands"][:1]}), read_notebook(tmp_path / "b.ipynb"))

    assert [cell.outcome for cell in read] == ["passed"]


# -- when they are asked for ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ended(notebook):
    """A workspace, and what end_of makes of a run there that passed."""
    workspace = FakeWorkspace()
    workspace.outputs[10] = {"notebook_output": {}}
    workspace.pages[10] = [{"content": page(MODEL), "type": "NOTEBOOK"}]
    state = {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"}
    facts = {"run_id": 1, "state": state, "tasks": [{"run_id": 10, "state": state}]}
    sent = Sent("orders.py", {"orders.py": notebook}, (), "/x")
    asked = []
    export = workspace.export_run
    workspace.export_run = lambda run_id: asked.append(run_id) or export(run_id)
    return workspace, asked, lambda sent=sent: end_of(facts, sent, workspace)


def test_cells_are_asked_for_once_and_at_the_first_look(ended):
    """Nobody who doesn't look pays a call: not who shows a run, compares it or looks at its end."""
    _, asked, end = ended
    run = end()

    assert run.passed
    assert (repr(run), run == end(), repr(run.cells)) == ("<orders.py passed>", True, "<not looked at yet>")
    assert asked == []

    assert run.cells[1].text == "two orders\n"
    assert (len(run.cells), len(list(run.cells)), run.cells[-1].number, run.cells[:1][0].number) == (12, 12, 12, 1)
    assert asked == [10]


@pytest.mark.parametrize(
    "error",
    [
        AnswerError("it failed", cause="Size exceeds 10485760 bytes", mend="see"),
        UnreachableError("it failed", cause="nothing answers", mend="see"),
    ],
)
def test_a_page_that_can_not_be_had_is_told_at_each_look(ended, error):
    """Too large, gone or out of reach; one that can be had later is."""
    workspace, _, end = ended
    export, run = workspace.export_run, end()

    def refuse(_run_id):
        raise error

    workspace.export_run = refuse
    for _ in range(2):
        with pytest.raises(LeftUnknownError, match="the cells of the run aren't known") as raised:
            len(run.cells)
        assert error.cause in raised.value.cause
    workspace.export_run = export

    assert len(run.cells) == 12


def test_what_a_script_printed_is_its_one_cell(ended):
    """The Jobs API gives it with the task's output, the end of it where it is long; where it gives none nothing is known."""
    workspace, asked, end = ended
    script = Sent("load.py", {}, ("load.py",), "/x")

    workspace.outputs[10] = {"metadata": {}, "logs": "3 rows\n", "logs_truncated": False}
    (cell,) = end(script).cells
    assert (cell.number, cell.outcome, cell.text) == (1, "passed", "3 rows\n")

    workspace.outputs[10] = {"metadata": {}, "logs": "3 rows\n", "logs_truncated": True}
    (cell,) = end(script).cells
    with pytest.raises(LeftUnknownError, match="what the script printed isn't known whole"):
        cell.text  # noqa: B018 -- a look

    workspace.outputs[10] = {"metadata": {}}
    with pytest.raises(LeftUnknownError, match="what the cells of this run put out isn't known"):
        len(end(script).cells)
    assert asked == []


def test_what_is_pickled_is_asked_for_first(ended):
    """Nobody is signed in where it goes; what isn't known stays so."""
    workspace, asked, end = ended

    copy = pickle.loads(pickle.dumps(end()))
    workspace.pages.clear()
    lost = pickle.loads(pickle.dumps(end()))

    assert asked == [10, 10]
    assert [cell.outcome for cell in copy.cells][-2:] == ["failed", "not_run"]
    assert copy.cells[1].text == "two orders\n"
    with pytest.raises(LeftUnknownError, match="no page of it"):
        len(lost.cells)
    with pytest.raises(LeftUnknownError, match="which tables a run there made isn't known"):
        bool(copy.tables)


@pytest.mark.parametrize("name", ["cells", "tables", "files", "children"])
def test_what_no_call_tells_is_not_empty(name):
    """Of any run on a workspace."""
    run = RemoteRun("a.py", "passed")

    for look in (bool, len, list, lambda held: held == (), lambda held: "x" in held):
        with pytest.raises(LeftUnknownError, match="isn't known"):
            look(getattr(run, name))


def test_an_error_of_ours_alone_is_kept_for_later():
    """A fault of the harness itself is no answer: it comes through."""
    with pytest.raises(ZeroDivisionError):
        len(Later(lambda: 1 / 0))


def test_unknown_outputs_survive_pickling(notebook):
    """A cell may be handed over by itself."""
    cell = cells_of(changed(2, state="running"), notebook)[1]

    copy = pickle.loads(pickle.dumps(cell))

    assert isinstance(copy, CellRun)
    with pytest.raises(LeftUnknownError, match="'running'"):
        copy.text  # noqa: B018 - the look is what counts


def test_markdown_after_the_end_was_not_come_to(notebook):
    """The page says the same of it as of any other."""
    model = deepcopy(MODEL)
    model["commands"][0].update(state="error", errorSummary="ValueError: no", command="1")
    title = {"position": 1.5, "command": "%md\n# Orders", "state": "finished"}
    (notebook.path.parent / "c.py").write_text(
        "# Databricks notebook source\n1\n\n# COMMAND ----------\n\n# MAGIC %md\n# MAGIC # Orders\n"
    )

    read = cells_of(page({"commands": [model["commands"][0], title]}), read_notebook(notebook.path.parent / "c.py"))

    assert [cell.outcome for cell in read] == ["failed", "not_run"]
