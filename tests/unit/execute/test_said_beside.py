from __future__ import annotations

import pytest

from harness.errors import DbutilsCallError
from harness.execute.hints import hint_of, hinted, in_short, joined
from harness.execute.magics import UnsupportedError
from harness.execute.refusals import why_refused


def test_more_of_an_error_comes_before_its_hint():
    """The hint stays a line of its own, the last one, and says no more than it did."""
    error = joined(hinted("a is not served", 'did you mean "b"?'), "2 cases failed")

    assert error == 'a is not served; and 2 cases failed\nhint: did you mean "b"?'
    assert hint_of(error) == 'did you mean "b"?'
    assert joined("a", "b") == "a; and b"


_OF_A_WORKER = """errors.PythonException: An exception was thrown from the Python worker:
Traceback (most recent call last):
  File "worker.py", line 3, in main
KeyError: 'region'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "n.py", line 7, in each
    raise ValueError("amount is negative")
ValueError: amount is negative
 SQLSTATE: 38000
=== Streaming Query ===
hint: look at it"""


@pytest.mark.parametrize(
    ("error", "short"),
    [
        ("", ""),
        ("ValueError: a\nb\nhint: c", "ValueError: a"),
        ("ValueError:\n\nb", "ValueError: b"),
        (_OF_A_WORKER, "errors.PythonException: ValueError: amount is negative"),
        ("ValueError: Traceback (most recent call last):", "ValueError: Traceback (most recent call last):"),
        ("E: Traceback (most recent call last):\n  File 1", "E: Traceback (most recent call last):   File 1"),
    ],
)
def test_an_error_in_one_line(error, short):
    """Its first, with the next where that says nothing; of one that tells another Python's traceback its end."""
    assert in_short(error) == short


def test_why_a_call_was_refused():
    """All that the error says, its mend as one line; one that has but a text says that."""
    error = DbutilsCallError("x is not served here", cause="there is none", mend="do this;\nor that")

    assert why_refused(error) == "x is not served here\nthere is none\nhint: do this; or that"
    assert why_refused(UnsupportedError("no R here")) == "no R here"
