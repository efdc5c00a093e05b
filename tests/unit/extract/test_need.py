"""What a name needs, followed through the statements that bind it."""

from __future__ import annotations

import ast
import re

import pytest

from harness.errors import PlaceholderError


def test_statement_too_deep_to_be_made_fit_for_a_test_says_so(project):
    """What it shows can't be taken out of it, so it isn't run, rather than run without giving anything."""
    deep = "len('a')" + " + 1" * 800
    module = project.load(f"if len('a'):\n    x = {deep}\n    print(x)", "def f():\n    return x")

    with project.test(), pytest.raises(PlaceholderError, match="is nested too deeply"):
        module.f()


@pytest.fixture
def needs(project):
    """Give what the last unit of a notebook of these cells needs."""

    def make(*cells):
        units = project.load(*cells).__units__
        return units.values.outline.needs(units.values.outline.code(len(units.entries) - 1))

    return make


def test_need_is_followed_through_a_definition_that_waits(needs):
    """Its decorator and its body count, each name once."""
    found = needs(
        'w = dbutils.widgets.get("w")',
        "def deco(f):\n    return print(w) or f",
        "@deco\ndef inner(x=open('a')):\n    return w, deco, spark",
        "def f():\n    return inner(), w",
    )

    assert found.given == {"dbutils", "widget", "spark"}
    assert found.unresolved == ()


def test_need_of_a_branch_kept_in_part_starts_before_it(needs):
    """What its held-back part reads is what was there before."""
    found = needs(
        "n = 1",
        "if True:\n    def helper():\n        return 1\n    n = len(dbutils.widgets.get('n'))",
        "def f():\n    return n",
    )

    assert found.given == {"dbutils", "widget"}


def test_run_line_inside_a_function_hides_no_statement(project):
    """Databricks refuses it when the function is called; the others of its cell are found."""
    project.write("other.py", "OTHER = 1")
    module = project.load("A = 1\ndef f():\n    %run ./other\n    return A\ndef g():\n    return n", "n = len('abc')")

    with project.test():
        found = module.g()

    assert found == 3


def test_value_for_a_name_of_a_rewritten_notebook_is_checked(project):
    """The imports that pytest's assert rewriting adds are none of the notebook's names."""

    class Rewriter:
        tag = "fake"

        def __call__(self, tree, source, path):
            tree.body.insert(0, ast.copy_location(ast.Import([ast.alias("builtins", "@py_builtins")]), tree.body[0]))
            ast.fix_missing_locations(tree)

    project.loader.rewriter = Rewriter()
    module = project.load("A = 1\ndef f(x):\n    assert x", "%run ./none")

    assert module.__units__.values.outline.all_names() == {"A", "f"}


def test_definition_nested_in_any_compound_statement_is_found(project):
    """Also in ``except*``, where it waits for a test."""
    module = project.load(
        """
        if len("a"):
            try:
                import json
            except* ValueError:
                def f(x=open("never", "w")): return 1
            finally:
                def g(x=1): return x
        """
    )

    assert module.g(2) == 2
    assert module.f.__name__ == "f"
    assert not (project.folder / "never").exists()


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("return rows.pop()", r"is refused by Python \('return' outside function\)"),
        ("x = await rows.pop()", "uses `await`"),
    ],
)
def test_statement_that_python_refuses_ends_nothing(project, cell, reason):
    """Whoever asks for what it changes is told, in a test and in the list of units."""
    module = project.load("rows = [1]", cell, "def f():\n    return rows")

    outline = module.__units__.values.outline

    ((name, _, why),) = outline.needs(outline.code(2)).computed
    assert name == "rows"
    assert re.match(reason, why)
    with project.test(), pytest.raises(PlaceholderError, match=reason):
        str(module.f())


def test_caught_error_is_no_need_of_who_reads_what_was_made_around_it(needs):
    """A list that a loop fills, and notes its errors in, needs nothing."""
    found = needs(
        "checks = []\nfor path in ['a']:\n    try:\n        checks.append(path)\n"
        "    except ValueError as exc:\n        checks.append(f'{path}: {exc}')",
        "def f():\n    return checks",
    )

    assert found.unresolved == ()


@pytest.mark.parametrize(
    ("flags", "statement", "unresolved"),
    [
        ("test = False", "if test:\n    x = LOCAL\nelse:\n    x = len('a')", ()),
        ("test = True", "if test:\n    x = LOCAL\nelse:\n    x = len('a')", ("LOCAL",)),
        ("test: bool = True", "if not test:\n    x = LOCAL\nelse:\n    x = len('a')", ()),
        ("import os\ntest = 1\ntest = 0\ndef g(): pass", "if test:\n    x = LOCAL\nelse:\n    x = len('a')", ()),
        ("a = b = False", "if a:\n    x = ONE\nelif b:\n    x = TWO\nelse:\n    x = len(THREE)", ("THREE",)),
        ("a = len('')\nb = False", "if a:\n    x = ONE\nelif b:\n    x = TWO\nelse:\n    x = len(str(SIX))", ("ONE", "SIX")),
        ("test = False", "if test:\n    x = LOCAL\nelse:\n    print(SHOWN)\n    x = len('a')", ()),
        ("test = False\nif len('a'):\n    test = bool(1)", "if test:\n    x = LOCAL\nelse:\n    x = len('a')", ("LOCAL",)),
        ("test = False\ndef test(): pass", "if test:\n    x = LOCAL\nelse:\n    x = len('a')", ("LOCAL",)),
        ("test = [0]", "if test:\n    x = LOCAL\nelse:\n    x = len('a')", ("LOCAL",)),
        ("", "if not test:\n    x = LOCAL\nelse:\n    x = len('a')", ("LOCAL", "test")),
    ],
)
def test_branch_that_a_constant_rules_out_needs_nothing(needs, flags, statement, unresolved):
    """`if LOCAL_TEST:` with `LOCAL_TEST = False` above reads only what stands in its other branch."""
    found = needs(flags, statement, "def f():\n    return x")

    assert tuple(sorted(found.unresolved)) == unresolved
