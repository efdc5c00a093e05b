"""Whether a class that can't be defined yet may hold tests: by what it derives from, and how its methods are named."""

from __future__ import annotations

import ast
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
    """Say whether the class is derived from unittest's or Nutter's, or has methods named like tests and bases nobody knows."""
    return _may_hold_tests(units, name, frozenset())


def _may_hold_tests(units: Units, name: str, seen: frozenset[str]) -> bool:
    entry = next((entry for entry in reversed(units.entries) if name in entry.row.binds), None)
    node = units.values.outline.definition(entry, name) if entry is not None else None
    if not isinstance(node, ast.ClassDef) or name in seen:
        return False
    for base in node.bases:
        kind = _value(units, base)
        if kind is _UNKNOWN:
            if any(isinstance(part, ast.FunctionDef) and part.name.startswith(_TESTS) for part in node.body):
                return True
        elif isinstance(kind, type) and is_stand_in_class(kind):
            if _may_hold_tests(units, kind.__name__, seen | {name}):
                return True
        elif isinstance(kind, type) and any(k is unittest.TestCase or k.__name__ == _FIXTURE for k in kind.__mro__):
            return True
    return False


def _value(units: Units, base: ast.expr) -> Any:
    """What a base class's name stands for, as far as loading knows it; nothing is computed."""
    first, *rest = dotted_name(base).split(".")
    value = dict.get(units.namespace, first, _UNKNOWN)
    for part in rest:
        value = _UNKNOWN if type(value) is Placeholder else getattr(value, part, _UNKNOWN)
    return _UNKNOWN if type(value) is Placeholder else value
