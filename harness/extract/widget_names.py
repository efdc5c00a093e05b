"""Which widgets a unit reads, and whether it asks anything else of ``dbutils``. Nothing is executed."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.names import all_names
from harness.extract.purity import WIDGET_DEFINITIONS
from harness.extract.quiet import dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.extract.build import Extract
    from harness.extract.need import Outline

_READS = frozenset({"dbutils.widgets.get", "dbutils.widgets.getArgument", "getArgument"})


class DbutilsUse(NamedTuple):
    """What is asked of ``dbutils``: ``widgets`` read by name, whether widgets are used at all, and whether ``more`` is."""

    widgets: tuple[str, ...]
    uses_widgets: bool
    more: bool


def dbutils_use(outline: Outline, starts: Iterable[tuple[Extract, ast.stmt]]) -> DbutilsUse:
    """Follow the names that these statements read through the whole notebook, and see what each asks of ``dbutils``.

    It follows every statement that may bind a name, so it may find a widget more than one run would read.
    """
    widgets: set[str] = set()
    uses_widgets = more = False
    todo = list(starts)
    seen: set[str] = set()
    while todo:
        names, use = _asked(*todo.pop())
        widgets.update(use.widgets)
        uses_widgets |= use.uses_widgets
        more |= use.more
        for name in sorted(names - seen):
            seen.add(name)
            todo.extend(_binding(outline, name))
    return DbutilsUse(tuple(sorted(widgets)), uses_widgets, more)


@lru_cache(maxsize=16384)  # each unit of a notebook goes over nearly the same statements
def _asked(source: Extract, node: ast.stmt) -> tuple[frozenset[str], DbutilsUse]:
    """Give the names that a statement reads, and what it asks of ``dbutils`` itself."""
    widgets: set[str] = set()
    uses_widgets = more = False
    try:
        names = all_names(source.compile(node))
    except (SyntaxError, ValueError, RecursionError):
        return frozenset(), DbutilsUse((), uses_widgets=False, more=False)
    if names & {"dbutils", "getArgument"}:
        for part in ast.walk(node):
            match part:
                case ast.Call(func=func, args=[ast.Constant(value=str() as name), *_]) if dotted_name(func) in _READS:
                    widgets.add(name)
                    uses_widgets = True
                case ast.Attribute(value=ast.Name(id="dbutils"), attr=attr):
                    uses_widgets |= attr == "widgets"
                    more |= attr != "widgets"
    return names, DbutilsUse(tuple(widgets), uses_widgets, more)


def widget_defaults(outline: Outline) -> dict[str, str]:
    """Give the widgets that a notebook and what it ``%run``s define, with their defaults where those are plain texts."""
    found: dict[str, str] = {}
    for index in outline.widget_definitions(len(outline.entries)):
        entry = outline.entries[index]
        for call in ast.walk(entry.source.node(entry.row)):
            if isinstance(call, ast.Call) and dotted_name(call.func) in WIDGET_DEFINITIONS:
                given = dict(zip(("name", "defaultValue"), call.args, strict=False))
                given.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None})
                match given.get("name"), given.get("defaultValue"):
                    case ast.Constant(value=str() as name), ast.Constant(value=str() as default):
                        found[name] = default
                    case ast.Constant(value=str() as name), _:
                        found[name] = ""
    return found


@lru_cache(maxsize=16384)
def _binding(outline: Outline, name: str) -> tuple[tuple[Extract, ast.stmt], ...]:
    entries = [outline.entries[index] for index in outline.binders.get(name, ())]
    return tuple(
        (entry.source, outline.definition(entry, name) or entry.source.node(entry.row))
        for entry in entries
        if entry.row.number >= 0 and entry.row.what != "import"
    )
