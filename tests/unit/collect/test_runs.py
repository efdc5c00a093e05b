"""What a test may ask of a run."""

from __future__ import annotations

import pytest

from harness.collect.runs import check_how


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"timeout_s": "60"}, "timeout_s is '60': it is a number of seconds"),
        ({"timeout_s": True}, "timeout_s is True"),
        ({"timeout_s": 0}, "it is more than 0, or None"),
        ({"timeout_s": float("nan")}, "it is more than 0, or None"),
        ({"timeout_s": 1, "skip_cells": "In Scala"}, r"skip_cells takes several: \['In Scala'\]"),
        ({"timeout_s": 1, "skip_cells": [True]}, "skip_cells has True: a cell is named by its number"),
        ({"timeout_s": 1, "task_key": 3}, "task_key is 3: it is a text"),
        ({"timeout_s": 1, "allow": "pip"}, r"allow takes several: \['pip'\]"),
        ({"timeout_s": 1, "task_values": [1]}, r"task_values is \[1\]: it has values by task and name"),
        ({"timeout_s": 1, "task_values": {"prepare": 3}}, "it has values by task and name"),
    ],
)
def test_what_is_of_another_kind_is_refused(how, told):
    """Before anything is run, with what it has to be."""
    with pytest.raises((TypeError, ValueError), match=told):
        check_how(**how)


@pytest.mark.parametrize("timeout_s", [None, 1, 0.5])
def test_what_may_be_asked(timeout_s):
    """No limit is one, too."""
    check_how(timeout_s=timeout_s, skip_cells=[1, "In Scala"], allow=("pip",), task_values={"prepare": {"rows": 3}})
