from __future__ import annotations

from harness.errors import DbutilsCallError
from harness.execute.hints import hint_of, hinted, joined
from harness.execute.magics import UnsupportedError
from harness.execute.refusals import why_refused


def test_more_of_an_error_comes_before_its_hint():
    """The hint stays a line of its own, the last one, and says no more than it did."""
    error = joined(hinted("a is not served", 'did you mean "b"?'), "2 cases failed")

    assert error == 'a is not served; and 2 cases failed\nhint: did you mean "b"?'
    assert hint_of(error) == 'did you mean "b"?'
    assert joined("a", "b") == "a; and b"


def test_why_a_call_was_refused():
    """All that the error says, its mend as one line; one that has but a text says that."""
    error = DbutilsCallError("x is not served here", cause="there is none", mend="do this;\nor that")

    assert why_refused(error) == "x is not served here\nthere is none\nhint: do this; or that"
    assert why_refused(UnsupportedError("no R here")) == "no R here"
