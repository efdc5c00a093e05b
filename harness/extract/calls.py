"""Facts about one call, read from its syntax alone."""

from __future__ import annotations

import ast

from harness.extract.purity import PURE_METHODS, WRITING
from harness.extract.quiet import dotted_name


def is_super(node: ast.Call) -> bool:
    """Say whether a call is one of ``super().name()``."""
    match node.func:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super"))):
            return True
    return False


def method_of_class(owner: ast.ClassDef | None, name: str) -> tuple[ast.ClassDef, ast.FunctionDef] | None:
    """Find a method in the body of a class; one of that name that may be put in its place on an object is none."""
    if owner is None or any(
        isinstance(part, ast.Attribute) and part.attr == name and isinstance(part.ctx, ast.Store) for part in ast.walk(owner)
    ):
        return None
    found = [part for part in owner.body if isinstance(part, ast.FunctionDef) and part.name == name]
    return (owner, found[0]) if len(found) == 1 and not found[0].decorator_list else None


def is_chained(node: ast.Call) -> bool:
    """Say whether a method of what another call gives is called."""
    receiver = node.func
    while isinstance(receiver, ast.Attribute | ast.Subscript):
        receiver = receiver.value
    return isinstance(receiver, ast.Call)


def writes(node: ast.Call) -> bool:
    """Say whether what is called is reached through something that acts on the outside, as in ``df.write.save()``."""
    return any(isinstance(part, ast.Attribute) and part.attr in WRITING for part in ast.walk(node.func))


def first_sql(node: ast.Call) -> ast.expr | None:
    """Find the SQL text in ``spark.sql("…")`` or in the first link of ``spark.sql("…").collect()``."""
    call: ast.expr = node
    found: ast.expr | None = None
    while isinstance(call, ast.Call | ast.Attribute):
        if isinstance(call, ast.Call):
            if dotted_name(call.func) in {"spark.sql", "sql", "sqlContext.sql"}:
                found = call.args[0] if call.args else None
            elif isinstance(call.func, ast.Attribute) and call.func.attr not in PURE_METHODS:
                return None
            call = call.func
        else:
            call = call.value
    return found


def is_query(text: ast.expr | None) -> bool:
    """Say whether a text is SQL that only reads."""
    if isinstance(text, ast.JoinedStr):
        text = text.values[0] if text.values else None
    if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
        return False
    words = text.value.split(None, 1)
    return bool(words) and words[0].upper() in {"SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "FROM", "VALUES"}
