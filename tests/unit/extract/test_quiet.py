"""What counts as a constant, and which definitions only define."""

from __future__ import annotations

import sys

import pytest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("os.sep", "/"),
        ("f'{A}-{A:>{WIDTH}}'", "1-  1"),
        ("f'{A}'", "1"),
        ("-A", -1),
        ("A or B", 1),
        ("A < B < 3", True),
        ("B if A else A", 2),
        ("PARTS[1:]", (2, 3)),
        ("[*PARTS, 4]", [1, 2, 3, 4]),
        ("{**{'a': A}}", {"a": 1}),
        ("3 << 2", 12),
        ("A + B", 3),
    ],
)
def test_constant_is_there_without_a_test(project, text, expected):
    """Literals, names and operators are computed when the notebook is loaded."""
    module = project.load("import os\nA, B, WIDTH = 1, 2, 3\nPARTS = (1, 2, 3)", f"x = {text}")

    assert module.__units__.source.rows[-1].kind == "kept"
    assert module.x == expected


@pytest.mark.parametrize(
    "definition",
    [
        "class Thing(Base, tag='t'):\n    pass",
        "class Thing:\n    if Base:\n        x = 1\n    else:\n        x = 2",
        "class Thing:\n    size: int\n    sizes: list = field()",
        "class Thing:\n    import json\n    def f(self, x=1):\n        return x\n    pass",
        "@plain\ndef thing():\n    pass",
        "@Marker\ndef thing():\n    pass",
        "@options(flag=1)\ndef thing():\n    pass",
        "@nested\ndef thing():\n    pass",
        "def thing(when=os.environ.get('NBH_NEVER')):\n    pass",
    ],
)
def test_quiet_definition_is_defined_at_loading(project, definition):
    """Its decorators, defaults and class body only define, those of the notebook's own too."""
    module = project.load(
        """
        import os
        from dataclasses import field
        class Base:
            def __init_subclass__(cls, **options): cls.options = options
        def plain(f):
            f.registered = dict(name=str(f))
            return f
        class Marker:
            def __init__(self, f): self.f = f
            def run(self): open("never")
        def options(**given):
            return lambda f: f
        def nested(f):
            def wrapped(*args, mode=None):
                open("never")
            return wrapped
        """,
        definition,
    )

    assert module.__units__.source.rows[-1].kind == "kept"
    assert module.__units__.source.rows[-1].binds in {("Thing",), ("thing",)}
    assert module.__units__.failures is None


@pytest.mark.parametrize(
    "definition",
    [
        "@loud\ndef thing():\n    pass",
        "@loud()\ndef thing():\n    pass",
        "@Loud\ndef thing():\n    pass",
        "@raises\ndef thing():\n    pass",
        "@opens\ndef thing():\n    pass",
        "def thing(x=[(yield)]):\n    pass",
        "def thing(x=open('never', 'w')):\n    pass",
        "class thing(tag=open('never', 'w')):\n    pass",
        "class thing:\n    for x in range(2):\n        pass",
        "class thing:\n    print(1)",
        "class thing:\n    if open('never', 'w'):\n        pass",
        "class thing:\n    class Inner:\n        print(1)",
    ],
)
def test_loud_definition_waits_for_a_test(project, definition):
    """It acts on the outside when it is defined, so loading doesn't define it."""
    module = project.load(
        """
        def loud(f=None):
            open("never", "w")
            return f
        class Loud:
            def __init__(self, f): open("never", "w")
        def raises(f):
            raise ValueError
        def opens(f):
            with f:
                return f
        """,
        definition,
    )

    assert module.__units__.source.rows[-1].kind == "deferred"
    assert not (project.folder / "never").exists()


@pytest.mark.parametrize(
    ("cell", "binds", "changes"),
    [
        ("with len('a'):\n    x = 1", (), ("x",)),
        ("with len('a') as (x, y):\n    pass", (), ("x", "y")),
        ("[].append(len('a'))", (), ()),
        ("[1].pop().x = len('a')", (), ()),
        ("(a or b)[0] = len('a')", (), ()),
        ("for x in range(2):\n    y: int\n    a.append(x)", (), ("a", "x")),
        ("for x in range(2):\n    [].append(x)", (), ("x",)),
    ],
)
def test_names_that_a_held_back_statement_binds_and_changes(project, cell, binds, changes):
    """Those it surely binds, and those it may bind or change; a value without a name is nobody's."""
    module = project.load("a = [1]\nb = [2]", cell)

    row = module.__units__.source.rows[-1]

    assert (row.kind, row.binds, row.changes) == ("held", binds, changes)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="`type` statements are from Python 3.12 on")
def test_type_statement_binds_its_name(project):
    """It is there without a test."""
    module = project.load("type Rows = list[int]")

    assert module.Rows.__value__ == list[int]
