"""Held-back statements as they run in a test."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import TYPE_CHECKING

from harness.extract.safe import is_session, is_showing

if TYPE_CHECKING:
    from collections.abc import Collection


class _ForTest(ast.NodeTransformer):
    """Leaves out what only shows, and puts the test's session in the place of one that is made."""

    def __init__(self, left_out: Collection[tuple[int, int]]) -> None:
        self.left_out = left_out

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if is_showing(node) or (node.lineno, node.col_offset) in self.left_out:
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if is_session(node):
            return ast.copy_location(ast.Name("spark", ast.Load()), node)
        return self.generic_visit(node)


def fit_for_test(node: ast.stmt, left_out: Collection[tuple[int, int]] = ()) -> ast.stmt:
    """Give a held-back statement as a test runs it: without what only shows, and the calls at these places (line, column)."""
    if left_out or any(map(_is_other_in_a_test, ast.walk(node))):
        fit: ast.stmt = ast.fix_missing_locations(_ForTest(left_out).visit(deepcopy(node)))
        return fit
    return node


def _is_other_in_a_test(node: ast.AST) -> bool:
    return is_session(node) or (isinstance(node, ast.Expr) and is_showing(node))
