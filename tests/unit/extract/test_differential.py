"""Random notebooks, loaded by extraction and executed by Python: both give the same, or we say that we can't."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.extract.load import Loader

_NUMBERS, _LISTS, _FUNCTIONS = ("a", "b", "c"), ("items", "rows"), ("f", "g", "h")
_WIDGET = 'int(dbutils.widgets.get("w"))'


class _Writer:
    """Writes statements that Python can run in their order; ``names`` are those that are surely bound so far.

    ``calls`` is which function each may call. None calls itself without end: Python 3.13.0 was seen not to stop that, in a
    process in which it had been stopped a thousand times, and to take all memory.
    """

    def __init__(self, random):
        self.random = random
        self.names = set()
        self.calls = {}

    def statement(self, depth=0):
        kinds = [self.number, self.number, self.number, self.addition, self.list, self.alias, self.append, self.item, self.dict]
        kinds += [self.entry, self.pair, self.comprehension]
        if depth < 2:
            kinds += [self.branch, self.loop, self.attempt]
        if depth == 0:
            kinds += [self.function, self.function, self.function, self.lambda_, self.closure, self.klass, self.instance]
            kinds += [self.attribute, self.result, self.call, self.mutator, self.walrus, self.match, self.show, self.holder]
        while True:
            lines = self.random.choice(kinds)(depth)
            if lines:
                return lines

    def block(self, depth):
        return ["    " + line for _ in range(self.random.randint(1, 2)) for line in self.statement(depth + 1)]

    def any_of(self, names):
        return self.random.choice(sorted(self.names.intersection(names)) or [None])

    def value(self):
        options = [str(self.random.randint(0, 8)), _WIDGET]
        for name in sorted(self.names.intersection(_NUMBERS)):
            options += [name, name, f"{name} + {self.random.randint(1, 4)}"]
        options += [f"len({name})" for name in sorted(self.names.intersection(_LISTS))]
        return self.random.choice(options)

    def condition(self):
        return self.random.choice(
            ["True", "False", f"{self.value()} > {self.value()}", f"{self.value()} == 3", 'dbutils.widgets.get("w") == "7"']
        )

    def bind(self, name, text):
        self.names.add(name)
        return [f"{name} = {text}"]

    def number(self, _depth):
        return self.bind(self.random.choice(_NUMBERS), self.value())

    def addition(self, _depth):
        name, value = self.any_of(_NUMBERS), self.value()
        return name and [f"{name} += {value}"]

    def list(self, _depth):
        return self.bind(self.random.choice(_LISTS), f"[{self.value()}, {self.value()}]")

    def alias(self, _depth):
        name = self.any_of(_LISTS)
        return name and self.bind(self.random.choice(_LISTS), name)

    def append(self, _depth):
        name, value = self.any_of(_LISTS), self.value()
        change = self.random.choice([".append({})", " += [{}]", ".insert(0, {})"]).format(value)
        return name and [f"{name}{change}"]

    def item(self, _depth):
        name, value = self.any_of(_LISTS), self.value()
        return name and [f"{name}[0] = {value}"]

    def dict(self, _depth):
        return self.bind("table", f"{{'k': {self.value()}}}")

    def entry(self, _depth):
        value = self.value()
        return "table" in self.names and [self.random.choice([f"table['k'] = {value}", f"table.update(z={value})"])]

    def holder(self, _depth):
        name = self.any_of(_LISTS)
        return name and self.bind("table", self.random.choice([f"dict(k={name})", f"{{'k': {name}}}"]))

    def pair(self, _depth):
        first, second = self.random.choice(_NUMBERS), self.random.choice(_NUMBERS)
        line = f"{first}, {second} = {self.value()}, {self.value()}"
        self.names |= {first, second}
        return [line]

    def comprehension(self, _depth):
        name, value = self.any_of(_LISTS), self.value()
        text = self.random.choice([f"[i for i in {name}] + [{value}]", f"[({value}) for i in {name}]"])
        return name and self.bind(self.random.choice(_LISTS), text)

    def branch(self, depth):
        condition, before = self.condition(), set(self.names)
        body = self.block(depth)
        after, self.names = self.names, set(before)
        if self.random.random() < 0.5:
            self.names = before
            return [f"if {condition}:", *body]
        other = self.block(depth)
        self.names &= after
        return [f"if {condition}:", *body, "else:", *other]

    def loop(self, depth):
        before = set(self.names)
        lines = [f"for {self.random.choice('ia')} in range({self.random.randint(1, 2)}):", *self.block(depth)]
        self.names = before
        return lines

    def attempt(self, depth):
        before = set(self.names)
        body = self.block(depth)
        self.names = set(before)
        failing = [f"    {self.random.choice(_NUMBERS)} = {{}}['none']"] * self.random.randint(0, 1)
        handler = self.block(depth)
        self.names = before
        return ["try:", *body, *failing, "except KeyError:", *handler]

    def function(self, _depth):
        name = self.random.choice(_FUNCTIONS)
        default = self.random.choice([None, self.value(), self.any_of(_LISTS)])
        read = [*(["x"] if default else []), *sorted(self.names.intersection([*_NUMBERS, *_LISTS, "table"]))]
        other = self.any_of(set(_FUNCTIONS) - {name})
        if other and self.random.random() < 0.3 and not self.leads_to(name, other):
            read = [f"{other}()"]
            self.calls.setdefault(name, set()).add(other)
        lines = [f"def {name}({f'x={default}' if default else ''}):", f"    return [{', '.join(['0', *read])}]"]
        if self.random.random() < 0.2:
            number = self.random.choice(_NUMBERS)
            lines[1:1] = [f"    global {number}", f"    {number} = {self.random.randint(0, 8)}"]
        self.names.add(name)
        return lines

    def leads_to(self, name, start):
        """Whether a function may come to call another one: by whatever its name was bound to, for a branch may leave it so."""
        seen, pending = set(), [start]
        while pending:
            one = pending.pop()
            if one == name:
                return True
            if one not in seen:
                seen.add(one)
                pending += self.calls.get(one, ())
        return False

    def lambda_(self, _depth):
        return self.bind(self.random.choice(_FUNCTIONS), f"lambda x={self.value()}: [x, {self.value()}]")

    def closure(self, _depth):
        lines = ["def make(n):", "    def inner():", f"        return [n, {self.value()}]", "    return inner"]
        return [*lines, *self.bind(self.random.choice(_FUNCTIONS), f"make({self.value()})")]

    def klass(self, _depth):
        held = self.any_of(_LISTS) or 0
        lines = ["class Model:", f"    size = {self.value()}", f"    held = {held}"]
        lines += ["    def show(self):", f"        return [self.size, self.held, {self.value()}]"]
        self.names |= {"Model", "f"}
        return [*lines, "def f():", "    return Model().show()"]

    def instance(self, _depth):
        if "Model" not in self.names:
            return None
        self.names |= {"model", "g"}
        return ["model = Model()", "def g():", "    return model.show()"]

    def attribute(self, _depth):
        return "model" in self.names and [f"model.size = {self.value()}"]

    def result(self, _depth):
        name = self.any_of(_FUNCTIONS)
        return name and self.bind(self.random.choice(_LISTS), f"list({name}())")

    def call(self, _depth):
        name = self.any_of(_FUNCTIONS)
        return name and [f"{name}()"]

    def mutator(self, _depth):
        name = self.any_of(_LISTS)
        return name and ["def extend(rows):", f"    rows.append({self.value()})", f"extend({name})"]

    def walrus(self, _depth):
        first, second = self.random.choice(_NUMBERS), self.random.choice(_NUMBERS)
        line = f"{first} = ({second} := {self.value()}) + {self.value()}"
        self.names |= {first, second}
        return [line]

    def match(self, _depth):
        name = self.random.choice(_NUMBERS)
        lines = [f"match {self.value()}:", "    case 3:", f"        {name} = 33", f"    case {name}:", "        pass"]
        self.names.add(name)
        return lines

    def show(self, _depth):
        return [f"print({self.value()})"]


class _Test:
    """A running test with one widget: the scope, its dbutils and the widgets in one."""

    def __init__(self, value):
        self.value = value
        self.dbutils = self.widgets = self

    def get(self, name):
        return self if name == "dbutils" else self.value


def _by_python(source, name, widget):
    namespace = {"__name__": "plain", "dbutils": _Test(widget)}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(source, namespace)
        value = namespace[name]
        return repr(value() if name in _FUNCTIONS else value)


def _by_extraction(module, loader, name, widget):
    loader.begin(_Test(widget))
    try:
        value = getattr(module, name)
        return repr(value() if name in _FUNCTIONS else value)
    finally:
        loader.end()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for this module's notebooks."""
    return tmp_path_factory.mktemp("differential")


_numbers = itertools.count()


@settings(
    max_examples=int(os.environ.get("NBH_EXAMPLES", "250")),
    deadline=None,
    derandomize="NBH_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.randoms(use_true_random=False), st.integers(2, 12))
def test_values_are_those_python_gives(folder, random, length):
    """In each of three tests in a row, every name is what running the whole notebook gives, or an error of ours."""
    writer = _Writer(random)
    cells = ["\n".join(writer.statement()) for _ in range(length)]
    source = "\n".join(cells)
    note(source)
    path = folder / f"notebook_{next(_numbers)}.py"
    path.write_text("# Databricks notebook source\n" + "\n\n# COMMAND ----------\n\n".join(cells))

    for name in sorted(writer.names.intersection([*_NUMBERS, *_LISTS, *_FUNCTIONS, "table"])):
        loader = Loader(str(folder))
        module = loader.load(str(path))
        for widget in ("4", "7", "7"):
            with contextlib.suppress(HarnessError):
                found = _by_extraction(module, loader, name, widget)
                if "<no value" not in found:  # a placeholder tells itself
                    assert (name, found) == (name, _by_python(source, name, widget))
        del sys.modules[module.__name__]
    path.unlink()
