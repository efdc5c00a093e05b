"""The page that says what the rehearsal serves."""

from __future__ import annotations

import re

import list_rehearsal_calls
import pytest
from starlette.routing import Route

from harness.rehearsal.spark_calls import METHODS, SERVICE


@pytest.fixture(scope="module")
def text():
    """The page."""
    return list_rehearsal_calls.PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_code_gives(text):
    """It is generated, so a call that is new, gone or changed shows here."""
    assert list_rehearsal_calls.page() == text, "python scripts/list_rehearsal_calls.py"


def test_each_call_has_one_line(text):
    """Of REST and of Spark Connect, and no other line is there."""
    served = [list_rehearsal_calls.call_of(route) for route in list_rehearsal_calls.routes()]

    assert sorted(re.findall(r"^\| `(.+?)` \|", text, flags=re.MULTILINE)) == sorted(
        [*served, *(SERVICE + name for name in METHODS)]
    )


def test_a_call_that_nobody_is_known_to_make_is_an_error():
    """A new route gets no empty line."""
    route = Route("/api/2.0/nobody/knows", lambda _request: None, methods=["POST"])

    with pytest.raises(list_rehearsal_calls.UnknownCallError, match=r"POST /api/2.0/nobody/knows"):
        list_rehearsal_calls.lines([route])


def test_a_line_on_a_call_that_is_gone_is_an_error(monkeypatch):
    """What the script knows goes with the call."""
    monkeypatch.setitem(list_rehearsal_calls._OTHERS, "GET /api/2.0/gone", ("tests", "memory"))

    with pytest.raises(list_rehearsal_calls.UnknownCallError, match=r"GET /api/2.0/gone"):
        list_rehearsal_calls.page()


def test_what_nobody_has_verified_says_so(text):
    """One compared with a real workspace says when and where."""
    told = {row.split(" | ")[3] for row in re.findall(r"^\| `/?.+ \|$", text, flags=re.MULTILINE)}

    assert told - set(list_rehearsal_calls._VERIFIED.values()) == {"not verified", "none has it"}
