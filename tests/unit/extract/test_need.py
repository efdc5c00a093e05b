"""What a name needs, followed through the statements that bind it."""

from __future__ import annotations

import pytest

from harness.errors import PlaceholderError


def test_statement_too_deep_to_be_made_fit_for_a_test_says_so(project):
    """What it shows can't be taken out of it, so it isn't run, rather than run without giving anything."""
    deep = "len('a')" + " + 1" * 800
    module = project.load(f"if len('a'):\n    x = {deep}\n    print(x)", "def f():\n    return x")

    with project.test(), pytest.raises(PlaceholderError, match="is nested too deeply"):
        module.f()
