from __future__ import annotations

import pytest

from harness.extract.bases import may_hold_tests

LATE = "rows = spark.range(3)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"import unittest\nclass T(unittest.TestCase):\n    {LATE}", True, id="unittest's"),
        pytest.param(f"from unittest import TestCase as C\nclass T(C):\n    {LATE}", True, id="under another name"),
        pytest.param(f"class NutterFixture: pass\nclass T(NutterFixture):\n    {LATE}", True, id="Nutter's"),
        pytest.param(
            f"import unittest\nclass B(unittest.TestCase):\n    {LATE}\nclass T(B):\n    {LATE}", True, id="through a late one"
        ),
        pytest.param(
            f"import gone\nclass T(gone.B):\n    {LATE}\n    def test_it(self): pass", True, id="unknown, with a test"
        ),
        pytest.param(
            f"import gone\nclass B(gone.B):\n    {LATE}\nclass T(B):\n    {LATE}\n    def assertion_x(self): pass",
            True,
            id="unknown through a late one, with a case",
        ),
        pytest.param(f"import gone\nclass T(gone.B):\n    {LATE}\n    def run(self): pass", False, id="unknown, without"),
        pytest.param(f"class T(make()):\n    {LATE}\n    def test_it(self): pass", True, id="what a call gives, with a test"),
        pytest.param(f"class T:\n    {LATE}\n    def test_it(self): pass", False, id="nobody's"),
        pytest.param(f"class T(dict):\n    {LATE}\n    def test_it(self): pass", False, id="another's"),
        pytest.param(f"class T(T):\n    {LATE}", False, id="itself"),
        pytest.param("T = 1", False, id="no class"),
        pytest.param("other = 1", False, id="nothing"),
    ],
)
def test_what_may_hold_tests_is_told_by_what_it_derives_from(load, text, expected):
    """Nothing of the class is run for it."""
    units = load(text).__units__

    assert may_hold_tests(units, "T") is expected
