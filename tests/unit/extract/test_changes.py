"""Which of a notebook's values a held-back statement changes, seen in what a test gets."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("class Box:\n    def get(self):\n        self.r.append(1)", "box = Box()", "box.r = rows", "box.get()"), [0, 1]),
        (("class Count:\n    def __init__(self):\n        rows.append(1)", "Count()"), [0, 1]),
        (("class Count:\n    size = 1\n    def other(self):\n        pass", "Count()", "rows.append(1)"), [0, 1]),
        (("same = rows if True else None", "same.append(1)"), [0, 1]),
        (("same = rows or None", "same.append(1)"), [0, 1]),
        (("box = [rows]", "other = [*box]", "other[0].append(1)"), [0, 1]),
        (("found = [same := rows]", "same.append(1)"), [0, 1]),
        (("def fill(box):\n    part = box['r']\n    part.append(1)", "table = {'r': rows}", "fill(table)"), [0, 1]),
        (("def fill(part):\n    box = [part]\n    box[0].append(1)", "fill(rows)"), [0, 1]),
        (("def fill(x):\n    y = x\n    x = y\n    y.append(1)", "fill(rows)"), [0, 1]),
    ],
    ids=[
        "own method", "constructor", "no constructor", "if", "or", "star", "walrus", "taken out", "put in", "circle",
    ],
)  # fmt: skip
def test_change_by_another_way_is_seen(project, cells, expected):
    """Whatever stands between the name and what changes its value."""
    module = project.load("rows = [0]", *cells, "def f():\n    return rows")

    with project.test():
        found = module.f()

    assert found == expected


@pytest.mark.parametrize(
    "cells",
    [
        ("def fill(box):\n    box.append(1)", "fill([rows])"),
        ("def fill(part):\n    box = [part]\n    box.append(1)", "fill(rows)"),
    ],
    ids=["passed in a new list", "put into a new list"],
)
def test_change_of_what_holds_a_value_leaves_that_a_constant(project, cells):
    """It can be imported without a test: nothing changes it."""
    module = project.load("rows = [0]", *cells)

    assert module.rows == [0]
