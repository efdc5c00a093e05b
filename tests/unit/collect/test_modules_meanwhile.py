"""Looking through the modules while something imports another: a thread, or what runs when Python tidies up."""

from __future__ import annotations

import gc
import sys
from types import ModuleType, SimpleNamespace

import pytest

from harness.collect.session import _reached


@pytest.fixture
def busy():
    """An import at each moment at which Python may turn to other code."""
    made = []

    def imports(*_):
        made.append(f"nbh_meanwhile_{len(made)}")
        sys.modules[made[-1]] = ModuleType(made[-1])

    threshold = gc.get_threshold()
    gc.callbacks.append(imports)
    gc.set_threshold(1)
    yield made
    gc.set_threshold(*threshold)
    gc.callbacks.remove(imports)
    for name in made:
        del sys.modules[name]


def test_the_notebooks_of_a_test_are_found_meanwhile(busy):
    """It ended the run, with an internal error."""
    assert list(_reached(SimpleNamespace())) == []
    assert busy
