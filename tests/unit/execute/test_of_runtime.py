from __future__ import annotations

import pytest

from harness.execute.of_runtime import why_missing, why_not_there


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dlt", "the module dlt is Databricks only"),
        ("matplotlib.pyplot", "comes with Databricks Runtime;"),
        ("jmespath", "comes with Databricks Runtime;"),
        ("torch.nn", "comes with Databricks Runtime for Machine Learning;"),
    ],
)
def test_a_module_of_the_runtime_is_no_fault_of_the_notebooks(name, why):
    """With what brings it, and what to do."""
    assert why in why_missing(name)


@pytest.mark.parametrize("name", ["", "nosuch", "torchy", "databricks", "google", "databricks.feature"])
def test_of_any_other_module_nothing_is_known(name):
    """A part of a name is none."""
    assert why_missing(name) == ""


@pytest.mark.parametrize(
    ("name", "is_there"), [("matplotlib.pyplot", True), ("torch", False), ("dlt", False), ("nosuch", False)]
)
def test_what_every_cluster_has(name, is_there):
    """What only some clusters have, a notebook may rightly do without."""
    assert bool(why_not_there(name)) == is_there
