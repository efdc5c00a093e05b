"""A part of Spark's client that is there and can't be imported."""

from __future__ import annotations

import pytest

from harness.spark.parts import broken

WHY = "ImportError: pyarrow requires NumPy 2.0 or newer, found 1.26.4"


@pytest.fixture
def unfit(pytester, monkeypatch):
    """A project whose pyarrow is for another numpy."""
    pytester.makepyfile(pyarrow=f"raise ImportError({WHY.partition(': ')[2]!r})", test_it="def test_it(spark): pass")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    return pytester


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["plain", "worker"])
def test_it_is_told_with_its_mend(unfit, options):
    """A worker isn't the interpreter that runs doctests, for which pyspark takes it and ends it."""
    result = unfit.runpytest_subprocess(*options)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*NBH304 Spark's client needs pyarrow", f"*cause: it can't be imported: {WHY}", "*mend:*numpy*"]
    )


def test_the_doctor_asks_a_process_of_its_own(unfit):
    """This one goes on as it is."""
    assert broken("pyarrow") == WHY
    assert not broken("json")
