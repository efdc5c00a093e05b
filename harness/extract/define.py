"""Define a function although a part of its definition failed: an annotation, a default or a decorator."""

from __future__ import annotations
import __future__

import ast
import copy
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, PlaceholderError
from harness.extract.kinds import NotNowError
from harness.extract.placeholder import Placeholder
from harness.model import Location

if TYPE_CHECKING:
    from harness.extract.build import Extract

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def define(
    node: Definition, source: Extract, namespace: dict[str, Any], *, decorated: bool = True, defaults: bool = True
) -> Any:
    """Give the function or class with its annotations as text and each default that failed as a placeholder.

    ``decorated`` false leaves a function's decorators out, ``defaults`` false has no default evaluated.
    Returns None where it can't be defined even so: a decorator or base class failed.
    Names are looked up in the namespace, which is left as it was.
    """
    node = copy.deepcopy(node)
    spare: dict[str, Any] = {}
    if not isinstance(node, ast.ClassDef):
        if not decorated:
            node.decorator_list = []
        arguments = node.args
        evaluated = namespace if defaults else None
        arguments.defaults = [_saved(default, source, evaluated, spare) for default in arguments.defaults]
        arguments.kw_defaults = [
            None if default is None else _saved(default, source, evaluated, spare) for default in arguments.kw_defaults
        ]
    nothing = object()
    before = dict.get(namespace, node.name, nothing)
    namespace.update(spare)
    try:
        exec(source.compile(ast.fix_missing_locations(node), flags=__future__.annotations.compiler_flag), namespace)
        return dict.__getitem__(namespace, node.name)
    except (Exception, SystemExit):  # noqa: BLE001 - the caller tells of the first failure, and this one is the same
        return None
    finally:
        for name in spare:
            del namespace[name]
        if before is nothing:
            namespace.pop(node.name, None)
        else:
            namespace[node.name] = before


def _evaluated(default: ast.expr, source: Extract, namespace: dict[str, Any] | None) -> Any:
    if namespace is None:
        raise NotNowError
    code = compile(ast.Expression(default), source.path, "eval", dont_inherit=True)
    return eval(code, namespace)  # noqa: S307 - the notebook's own default


def _saved(default: ast.expr, source: Extract, namespace: dict[str, Any] | None, spare: dict[str, Any]) -> ast.expr:
    """Evaluate a default by itself, in the namespace given; the expression that fetches its value or placeholder."""
    if isinstance(default, ast.Constant):
        return default
    name = f"__nbh_default_{len(spare)}"
    try:
        spare[name] = _evaluated(default, source, namespace)
    except Exception as exc:  # noqa: BLE001 - kept in the placeholder, which tells it when used
        if isinstance(exc, HarnessError):
            error: HarnessError = exc
        else:
            error = PlaceholderError(
                f"a default has no value: {ast.unparse(default)[:60]}",
                cause="it is evaluated inside a test" if isinstance(exc, NotNowError) else f"{type(exc).__name__}: {exc}",
                mend="pass the argument in the test",
                location=Location(source.path, default.lineno),
            )
        spare[name] = Placeholder(error)
    return ast.copy_location(ast.Name(name, ast.Load()), default)
