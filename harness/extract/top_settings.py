"""Settings that a notebook makes at its top level, of Spark or of a module: a unit test makes none of them."""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.kinds import HELD
from harness.extract.quiet import dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.extract.build import Extract
    from harness.extract.need import Outline

SPARK = "spark"
# What functions are called that set something for all that comes: pd.set_option, random.seed, logging.basicConfig, …
_SETS = re.compile(r"set|seed|use\Z|update\Z|filterwarnings|simplefilter|basicConfig|enable|disable|autolog")
_SET_STATEMENT = re.compile(r"\s*SET\s", re.IGNORECASE)
_FOLDERS = "sys.path"  # these are kept in mind, see `harness.extract.search_path`


class TopSetting(NamedTuple):
    """One of them: the index of its entry, whose it is (``spark``, or a module by its name in the notebook), and where."""

    at: int
    whose: str
    place: str


def top_settings(outline: Outline, own: Extract) -> list[TopSetting]:
    """Find them by the text, in the notebook and in what it ``%run``s."""
    found = []
    for index, entry in enumerate(outline.entries):
        if entry.row.kind != HELD or entry.row.what != "other":
            continue
        for whose in sorted(set(_set_by(entry.source.node(entry.row)))):
            at = outline.binder(whose, index)
            if whose == SPARK or (at is not None and outline.entries[at].row.what == "import"):
                beside = "" if entry.source is own else f"{os.path.basename(entry.source.path)}, "
                found.append(TopSetting(index, whose, f"{beside}cell {entry.row.cell}"))
    return found


def _set_by(node: ast.stmt) -> Iterator[str]:
    """Whose settings a statement makes, also inside of an ``if``: the first of the dotted name that it calls or assigns to."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            name = dotted_name(part.func)
            whose, _, called = name.partition(".")
            if whose == SPARK:
                if called == "conf.set" or (called == "sql" and _is_set_statement(part)):
                    yield SPARK
            elif called and _SETS.match(called.rpartition(".")[2]):
                yield whose
        elif isinstance(part, ast.Attribute | ast.Subscript) and isinstance(part.ctx, ast.Store):
            name = dotted_name(part)
            if not name.startswith(_FOLDERS):
                yield name.partition(".")[0]


def _is_set_statement(call: ast.Call) -> bool:
    match call.args:
        case [ast.Constant(value=str(text)), *_]:
            return _SET_STATEMENT.match(text) is not None
    return False
