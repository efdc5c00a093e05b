"""What a run says of itself, and whether anybody has listened."""

from __future__ import annotations

import pytest

from harness import CellRun, Location, NotebookRun
from harness.model import NOTHING_RUN


@pytest.mark.parametrize("ended", ["failed", "timed_out", "unsupported", "cancelled", "infrastructure_failed"])
def test_only_passed_and_exited_are_green(ended):
    """Whatever else became of it is red."""
    assert NotebookRun("n.py", "passed").passed
    assert NotebookRun("n.py", "exited").passed
    assert not NotebookRun("n.py", ended).passed


def test_a_red_run_is_unread_until_its_outcome_is_asked():
    """Its other facts don't count: they can be read without seeing that it failed."""
    run = NotebookRun("n.py", "failed", error="ZeroDivisionError")
    assert (run.exit_value, run.duration_s) == (None, 0.0)
    assert run.is_unread_red

    assert run.outcome == "failed"

    assert not run.is_unread_red
    assert not NotebookRun("n.py", "passed").is_unread_red


def test_a_green_run_says_what_of_it_was_not_run():
    """In its summary; a red one has other things to say."""
    assert NotebookRun("n.py", "passed").summary == "passed"
    assert NotebookRun("n.py", "passed", left_out=(2,)).summary == "passed (1 cell left out)"
    assert NotebookRun("n.py", "exited", left_out=(2, 4)).summary == "exited (2 cells left out)"
    assert NotebookRun("n.py", "passed", is_empty=True).summary == "passed (there is no code in it)"
    assert NotebookRun("n.py", "failed", left_out=(2,), error="boom").summary == "failed: boom"
    assert NotebookRun("n.py", "unsupported", error=NOTHING_RUN).summary.startswith("was not run: all its cells with code are")


def test_an_exit_value_as_json():
    """Or an error that says what there was instead, and how the run ended."""
    assert NotebookRun("n.py", "exited", exit_value='{"rows": 3}').exit_json() == {"rows": 3}
    with pytest.raises(ValueError, match="exited with what is no JSON: 'OK'"):
        NotebookRun("n.py", "exited", exit_value="OK").exit_json()
    place = Location("n.py", 7, 2, 2)
    with pytest.raises(ValueError, match=r"gave no exit value: it failed at n.py:7 \(cell 2, line 2\): boom"):
        NotebookRun("n.py", "failed", error="boom", location=place).exit_json()


def test_a_cells_text():
    """What was printed and what was displayed, in order."""
    outputs = (
        {"output_type": "stream", "name": "stdout", "text": "one\n"},
        {"output_type": "display_data", "data": {"text/plain": "<table>", "text/html": "<b>"}},
    )

    assert CellRun(1, "python", "passed", outputs).text == "one\n<table>\n"
