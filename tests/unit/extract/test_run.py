"""``%run`` lines as users write them, and targets that can't be used."""

from __future__ import annotations

import pytest

from harness.errors import UnresolvedNameError
from harness.extract.run import parse_run


@pytest.mark.parametrize(
    ("argument", "target", "values"),
    [
        ('"./my setup" $catalog=dev $reset=false', "./my setup", {"catalog": "dev", "reset": "false"}),
        ("./my setup $a=1", "./my setup", {"a": "1"}),
        ("./setup $title=two words $b=2", "./setup", {"title": "two words", "b": "2"}),
        ("./today's setup $a=1", "./today's setup", {"a": "1"}),
    ],
    ids=["quoted", "bare blank", "blank in a value", "lone quote"],
)
def test_run_line_is_read_as_databricks_reads_it(argument, target, values):
    """The path, then the widget values."""
    line = parse_run(argument)

    assert (line.target, dict(line.arguments)) == (target, values)


def test_unreadable_run_target_costs_only_its_names(project):
    """Its own error is the cause of the problem, and of each name that is missing for it."""
    (project.folder / "broken.ipynb").write_text("{")
    module = project.load("# MAGIC %run ./broken", "def f():\n    return 1", "def g():\n    return gone")

    (problem,) = module.__units__.problems

    assert module.f() == 1
    assert (problem.code, problem.location.cell) == ("NBH104", 1)
    assert "not valid JSON" in problem.cause
    with pytest.raises(UnresolvedNameError, match=r"the %run target './broken' can't be used"):
        module.g()
