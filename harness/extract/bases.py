"""Whether a class that can't be defined yet may hold tests: by what it derives from, and how its methods are named."""

from __future__ import annotations

import ast
import builtins
import unittest
from typing import TYPE_CHECKING, Any

from harness.extract.placeholder import Placeholder, is_stand_in_class
from harness.extract.quiet import dotted_name

if TYPE_CHECKING:
    from harness.extract.units import Units

_FIXTURE = "NutterFixture"
_TESTS = ("test", "assertion_")
_UNKNOWN = object()


def may_hold_tests(units: Units, name: str) -> bool:
    """Say whether it is derived from a class of tests, unittest's or Nutter's; by its methods' names where nobody can know."""
    node = _definition(units, name)
    derived = _is_derived(units, node, frozenset({name}))
    if derived is None and node is not None:
        return any(isinstance(part, ast.FunctionDef) and part.name.startswith(_TESTS) for part in node.body)
    return bool(derived)


def _definition(units: Units, name: str) -> ast.ClassDef | None:
    entry = next((entry for entry in reversed(units.entries) if name in entry.row.binds), None)
    node = units.values.outline.definition(entry, name) if entry is not None else None
    return node if isinstance(node, ast.ClassDef) else None


def _is_derived(units: Units, node: ast.ClassDef | None, seen: frozenset[str]) -> bool | None:
    """Whether a class is derived from one of tests; None where a base isn't known."""
    found: set[bool | None] = {False}
    for base in node.bases if node is not None else ():
        kind = _value(units, base)
        if not isinstance(kind, type):
            found.add(None)
        elif not is_stand_in_class(kind):
            found.add(any(one is unittest.TestCase or one.__name__ == _FIXTURE for one in kind.__mro__))
        elif kind.__name__ not in seen:
            found.add(_is_derived(units, _definition(units, kind.__name__), seen | {kind.__name__}))
    return True if True in found else None if None in found else False


def _value(units: Units, base: ast.expr) -> Any:
    """What a base class's name stands for, as far as loading knows it; nothing is computed."""
    first, *rest = dotted_name(base).split(".")
    value = dict.get(units.namespace, first, getattr(builtins, first, _UNKNOWN))
    for part in rest:
        value = _UNKNOWN if type(value) is Placeholder else getattr(value, part, _UNKNOWN)
    return _UNKNOWN if type(value) is Placeholder else value
