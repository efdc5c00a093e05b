from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from harness.collect import apart


@pytest.mark.parametrize(
    ("nodeid", "marks"),
    [
        ("test_a.py::test_a[x@y]", []),
        ("test_a.py::test_a[x@y]@b", [SimpleNamespace(args=("b",), kwargs={})]),
        ("test_a.py::test_a[x@y]@default", [SimpleNamespace(args=(), kwargs={})]),
        (
            "test_a.py::test_a[x@y]@a_b",
            [SimpleNamespace(args=("b",), kwargs={}), SimpleNamespace(args=(), kwargs={"name": "a"})],
        ),
        ("test_a.py::test_a[x@y]", [SimpleNamespace(args=("b",), kwargs={})]),
    ],
)
def test_a_test_is_asked_for_by_its_own_name(nodeid, marks):
    """In its workers xdist writes a test's groups behind its name (``--dist loadgroup``), which no other process does."""
    item = SimpleNamespace(nodeid=nodeid, iter_markers={"xdist_group": marks}.get)

    assert apart.own_id(item) == "test_a.py::test_a[x@y]"


def test_the_place_of_a_skip_is_a_tuple(request):
    """JSON makes it a list, and pytest's terminal ends at one with ``-v``."""
    report = pytest.TestReport("other", ("a.py", 1, "x"), {}, "skipped", ("a.py", 2, "Skipped: no"), "setup")
    config = request.config
    data = json.loads(json.dumps(config.hook.pytest_report_to_serializable(config=config, report=report)))

    found = apart.report_of(request.node, data)

    assert found.longrepr == ("a.py", 2, "Skipped: no")
    assert found.nodeid == request.node.nodeid
