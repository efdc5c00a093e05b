"""Count what a notebook is made of: formats, cells that parse, top-level statements, functions, ``%run`` lines, decorators."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from harness.extract.quiet import dotted_name
from harness.extract.run import find_target, parse_run
from harness.notebook import python_text

if TYPE_CHECKING:
    from benchmarks.loose import Loose
    from harness.extract.units import Units
    from harness.model import Notebook

_Function = ast.FunctionDef | ast.AsyncFunctionDef
# Roots of calls that are counted by themselves.
_ROOTS = {
    "spark": "spark",
    "sqlContext": "spark",
    "sc": "spark",
    "dbutils": "dbutils",
    "mlflow": "mlflow",
    "display": "display",
    "displayHTML": "display",
}


def source_facts(notebook: Notebook, rough: Loose | None) -> dict[str, Any]:
    """Give format, cells, and how many of the Python cells parse."""
    suffix = notebook.path.suffix.lower()
    kind = suffix if notebook.format != "ipynb" else _ipynb_kind(notebook)
    if notebook.format == "dbc":
        kind = "inside .dbc"
    texts = [
        (cell.first_line, cell.source, text)
        for cell in notebook.cells
        if (text := python_text(cell)) is not None and text.strip()
    ]
    parse = Counter[str]()
    broken = []
    for line, source, text in texts:
        if _parses(source):
            parse["as is"] += 1
        elif _parses(text):
            parse["after magics"] += 1
        else:
            parse[_why_not(source)] += 1
            broken.append(line)
    return {
        "kind": kind,
        "language": notebook.language,
        "cells": len(notebook.cells),
        "unknown cells": sum(cell.language == "unknown" for cell in notebook.cells),
        "magics": Counter(magic.name for cell in notebook.cells for magic in cell.magics),
        "parse": parse,
        "broken": broken,
        "loose cells": len(rough.cells) if rough is not None else None,
        "loose parse": sum(body is not None for body in rough.parsed) if rough is not None else None,
    }


def _ipynb_kind(notebook: Notebook) -> str:
    return ".ipynb of Databricks" if b"application/vnd.databricks.v1+notebook" in notebook.raw else ".ipynb"


def _parses(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _why_not(source: str) -> str:
    if "<FILL" in source or "FILL_IN" in source or "FILL IN" in source:
        return "placeholder <FILL IN>"
    if "{{" in source and "}}" in source:
        return "template"
    try:
        ast.parse(source)
    except SyntaxError as exc:
        if "print" in str(exc) or "exec" in str(exc) or "multiple exception types" in str(exc) or "leading zeros" in str(exc):
            return "Python 2"
        return f"other: {exc.msg}"
    except (ValueError, RecursionError, MemoryError) as exc:
        return f"other: {type(exc).__name__}"
    return "other: only with its magics"


def census(units: Units, rough: Loose) -> dict[str, Any]:
    """Give top-level statements, functions, ``%run`` lines and decorators of one loaded notebook."""
    kinds = Counter[str]()
    mixed = defining = 0
    for body in rough.parsed:
        if body is None:
            continue
        own = [_kind(node) for node in body]
        kinds.update(own)
        if "definition" in own:
            defining += 1
            mixed += any(kind not in {"definition", "import", "constant", "docstring"} for kind in own)
    functions = [found.node for found in rough.defined if isinstance(found.node, _Function)]
    return {
        "kinds": kinds,
        "defining cells": defining,
        "defining cells with more": mixed,
        "nested": sum(found.nested for found in rough.defined),
        "functions": len(functions),
        "classes": len(rough.defined) - len(functions),
        "traits": Counter(trait for node in functions for trait in _traits(node)),
        "redefined": len(rough.defined) - len({found.name for found in rough.defined}),
        "decorators": Counter(dotted_name(d) or "other" for found in rough.defined for d in found.node.decorator_list),
        "runs": [_run(units, row.what) for row in units.source.rows if row.kind == "run"],
    }


def _kind(node: ast.stmt) -> str:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return "definition"
        case ast.Import() | ast.ImportFrom():
            return "import"
        case ast.Expr(value=ast.Constant()) | ast.Pass():
            return "docstring"
        case ast.Assign(value=value) | ast.AnnAssign(value=value) if value is not None:
            return _kind_of_value(value)
        case ast.Expr(value=ast.Call(func=func)):
            name = dotted_name(func)
            if name in {"print", "display", "displayHTML"}:
                return name.removesuffix("HTML")
            root = _ROOTS.get(name.partition(".")[0])
            return f"{root} call" if root else "other call"
        case ast.Expr():
            return "bare expression"
    return type(node).__name__.lower()


def _kind_of_value(value: ast.expr) -> str:
    if not any(
        isinstance(part, ast.Call | ast.ListComp | ast.DictComp | ast.SetComp | ast.GeneratorExp) for part in ast.walk(value)
    ):
        return "constant"
    name = dotted_name(value) if isinstance(value, ast.Call | ast.Attribute | ast.Subscript) else ""
    if name.startswith("dbutils.widgets"):
        return "assign from widget"
    root = _ROOTS.get(name.partition(".")[0])
    return f"assign from {root}" if root in {"spark", "dbutils"} else "assign from call"


def _traits(node: _Function) -> list[str]:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *filter(None, (arguments.vararg, arguments.kwarg))]
    inside = [part for statement in node.body for part in ast.walk(statement)]
    traits = {
        "returns a value": any(isinstance(part, ast.Return) and part.value is not None for part in inside),
        "annotated": node.returns is not None or any(arg.annotation is not None for arg in every),
        "no arguments": not every,
        "decorated": bool(node.decorator_list),
        "defaults": bool(arguments.defaults or any(arguments.kw_defaults)),
        "generator": any(isinstance(part, ast.Yield | ast.YieldFrom) for part in inside),
        "async": isinstance(node, ast.AsyncFunctionDef),
        "writes a global": any(isinstance(part, ast.Global) for part in inside),
        "takes spark": any(arg.arg == "spark" for arg in every),
    }
    return [name for name, holds in traits.items() if holds]


def _run(units: Units, argument: str) -> list[str]:
    line = parse_run(argument)
    form = (
        "absolute"
        if line.target.startswith("/")
        else "../"
        if line.target.startswith("../")
        else "./"
        if line.target.startswith("./")
        else "bare"
    )
    target = units.loader.find(line.target, units.path)
    if target is None and form != "absolute":
        target = find_target(line.target, beside=units.path, prefixes={}, root=units.loader.root)
    return [form, target.rpartition(".")[2] if target else "missing", "with parameters" if line.arguments else "plain"]
