"""The page that says what the rehearsal serves."""

from __future__ import annotations

import json
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
    """One compared with a real workspace says when."""
    told = {row.split(" | ")[3] for row in re.findall(r"^\| `/?.+ \|$", text, flags=re.MULTILINE)}

    assert told - set(list_rehearsal_calls.verified().values()) == {"not verified", "none has it"}


@pytest.mark.parametrize(("of", "told"), [("workspace", "verified, recorded on 2026-11-02"), ("rehearsal", "not verified")])
def test_only_a_real_workspaces_answer_verifies_a_call(monkeypatch, tmp_path, of, told):
    """One that the rehearsal gave itself says nothing of a workspace."""
    call = "GET /api/2.1/unity-catalog/catalogs/{}"
    facts = {"step": "catalog", "call": call, "status": 200, "shape": None, "of": of, "on": "2026-11-02", "sdk": "0.156.0"}
    (tmp_path / "catalog.json").write_text(json.dumps(facts))
    monkeypatch.setattr(list_rehearsal_calls, "CONTRACTS", tmp_path)

    page = list_rehearsal_calls.page()

    assert f"| {told} |" in next(
        line for line in page.splitlines() if line.startswith("| `GET /api/2.1/unity-catalog/catalogs/{")
    )
    assert ("No answer was recorded on a real workspace" in page) == (of == "rehearsal")
