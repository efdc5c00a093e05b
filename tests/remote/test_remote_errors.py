from __future__ import annotations

import inspect
import pickle

import pytest

from harness.errors import CODES
from harness.remote import errors
from harness.remote.errors import RemoteError

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, RemoteError) and "code" in kind.__dict__
]


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_has_a_code_of_its_own_and_survives_pickling(kind):
    """A worker of xdist sends them to its controller."""
    error = kind("what is wrong", cause="the fact", mend="do this")

    again = pickle.loads(pickle.dumps(error))

    assert type(again) is kind
    assert str(again) == (
        f"{kind.code} what is wrong\n  cause: the fact\n  mend:  do this\n  more:  docs/errors.md#{kind.code.lower()}"
    )
    assert CODES[kind.code] == kind.about
    assert [one.code for one in KINDS].count(kind.code) == 1
    assert kind.code in errors.__doc__
