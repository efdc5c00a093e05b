"""What a loaded notebook gives is what Python gives that runs the whole of it: told apart by random notebooks."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.extract.load import Loader

WIDGETS = {"a": "1", "b": "22"}
NAMES = st.sampled_from(["x", "y", "z", "cfg"])
NUMBERS = st.integers(0, 5).map(str)
# Values that any statement can work with: lists of numbers, so that + and * and in-place changes all have a meaning.
VALUES = st.one_of(
    st.lists(NUMBERS, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    NAMES.map(lambda name: f"list({name})"),
    NAMES,
    st.sampled_from(sorted(WIDGETS)).map(lambda name: f"[int(dbutils.widgets.get('{name}'))]"),
    st.tuples(NAMES, NUMBERS).map(lambda pair: f"{pair[0]} + [{pair[1]}]"),
    st.tuples(NAMES, NUMBERS).map(lambda pair: f"[i * {pair[1]} for i in {pair[0]}]"),
)
SIMPLE = st.one_of(
    st.tuples(NAMES, VALUES).map(" = ".join),
    st.tuples(NAMES, VALUES).map(" += ".join),
    st.tuples(NAMES, NUMBERS).map(lambda pair: f"{pair[0]}.append({pair[1]})"),
    st.tuples(NAMES, NAMES).map(lambda pair: f"{pair[0]}.extend({pair[1]}[:2])"),
    st.tuples(NAMES, NUMBERS).map(lambda pair: f"{pair[0]}[:1] = [{pair[1]}]"),
    st.tuples(NAMES, NAMES).map(lambda pair: f"put({pair[0]}, len({pair[1]}))"),
    st.tuples(NAMES, VALUES).map(lambda pair: f"print({pair[1]})"),
    NAMES.map(lambda name: f"act({name})"),  # nowhere in the notebook: nothing says that it is safe
)
COMPOUND = st.one_of(
    st.tuples(NAMES, SIMPLE, SIMPLE).map(lambda t: f"if len({t[0]}) > 1:\n    {t[1]}\nelse:\n    {t[2]}"),
    st.tuples(NAMES, SIMPLE).map(lambda t: f"if {t[0]}:\n    {t[1]}"),
    st.tuples(NAMES, SIMPLE).map(lambda t: f"for item in {t[0]}[:2]:\n    {t[1]}"),
    st.tuples(SIMPLE, SIMPLE).map(lambda t: f"try:\n    {t[0]}\nexcept ValueError:\n    {t[1]}"),
)
DEFINITIONS = st.one_of(
    st.tuples(NAMES, NAMES).map(lambda t: "def f{n}(given=%s): return [list(given), list(%s)]" % t),  # noqa: UP031 - braces stay
    NAMES.map(lambda name: "def f{n}(): return [i for i in %s if i in %s]" % (name, name)),  # noqa: UP031 - braces stay
    NAMES.map(lambda name: "class C{n}:\n    kept = %s\ndef f{n}(): return list(C{n}.kept)" % name),  # noqa: UP031 - braces stay
)
HEAD = """x = []
y = [1]
z = [1, 2]
cfg = [3]
def put(into, value): into.append(value)
"""


@settings(max_examples=int(os.environ.get("NBH_EXAMPLES", "300")), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(SIMPLE, SIMPLE, COMPOUND, DEFINITIONS), min_size=1, max_size=9))
def test_functions_and_values_are_those_of_the_whole_run(tmp_path_factory, statements):
    """Never another value than Python's: the same, or an error that says why not."""
    body = HEAD + "\n".join(statement.replace("{n}", str(at)) for at, statement in enumerate(statements)) + "\n"
    dbutils = SimpleNamespace(widgets=SimpleNamespace(get=WIDGETS.__getitem__))
    whole: dict[str, object] = {"dbutils": dbutils, "print": lambda *_: None, "act": lambda *_: None}
    try:
        exec(compile(body, "whole", "exec"), whole)
    except Exception:  # noqa: BLE001 - what fails as a whole has no true value to compare with
        return
    path = Path(tmp_path_factory.mktemp("random")) / "notebook.py"
    path.write_text("# Databricks notebook source\n" + body)
    loader = Loader(str(path.parent))
    module = loader.load(str(path))
    loader.begin(SimpleNamespace(get={"dbutils": dbutils}.__getitem__))

    for name, expected in whole.items():
        try:
            if name in {"x", "y", "z", "cfg"}:
                assert list(getattr(module, name)) == expected, f"{name} in\n{body}"
            elif name.startswith("f") and name[1:].isdigit():
                assert getattr(module, name)() == expected(), f"{name}() in\n{body}"
        except HarnessError:
            continue  # told, not wrong
