from __future__ import annotations

import pickle
import re

import pytest

import harness.jobs.errors
import harness.rehearsal.errors
import harness.remote.errors
from harness import errors
from harness.model import Location

DRAWN = "".join(module.__doc__ for module in (errors, harness.jobs.errors, harness.remote.errors, harness.rehearsal.errors))


def kinds(base=errors.HarnessError):
    """All error classes of ours."""
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_code_has_its_section(root):
    """``docs/errors.md`` has one section for each code, in order, and none for a code that is gone."""
    text = (root / "docs" / "errors.md").read_text(encoding="utf-8")

    sections = re.findall(r"^## (\S+)$", text, flags=re.MULTILINE)

    assert sections == sorted(errors.CODES)


def test_codes_are_used_once():
    """A code names one class."""
    codes = [kind.__dict__["code"] for kind in kinds() if "code" in kind.__dict__]

    assert sorted(codes) == sorted(set(codes))


def test_the_tree_in_the_docstring_is_whole():
    """The drawings at the tops of the modules show each class."""
    drawn = set(re.findall(r"\w+Error\b", DRAWN))

    assert {kind.__name__ for kind in kinds()} <= drawn


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_errors_survive_pickling(kind):
    """Workers of xdist and process pools hand errors over; nothing of them may be lost on the way."""
    error = kind("the cell is odd", cause="it says so", mend="change it", location=Location("etl/a.py", line=7, cell=2))

    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
