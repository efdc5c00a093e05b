"""Load notebooks from texts, with or without a running test."""

from __future__ import annotations

import sys
import textwrap
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from harness.extract.load import Loader


@pytest.fixture
def write(tmp_path):
    """Write a notebook (or any file) into the project; gives its path."""

    def make(name, text, *, header=True):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(("# Databricks notebook source\n" if header else "") + textwrap.dedent(text).lstrip("\n"))
        return path

    return make


@pytest.fixture
def loader(tmp_path):
    """The loader of a run whose root is the project."""
    return Loader(str(tmp_path), run_prefixes=lambda _path: (str(tmp_path), {"/Shared/project": "."}))


@pytest.fixture
def load(write, loader):
    """Load a notebook of this text."""

    def make(text, *, name="notebook.py", **given):
        return loader.load(str(write(name, text)), **given)

    return make


@pytest.fixture
def in_test(loader):
    """Let a test run that has these fixtures."""

    def begin(**fixtures):
        loader.begin(SimpleNamespace(get=fixtures.__getitem__))

    return begin


_SEPARATOR = "\n\n# COMMAND ----------\n\n"


class FakeWidgets:
    """Widget values, as a test gives them; definitions set what isn't given."""

    def __init__(self, values):
        self.values = dict(values)
        self.read = []

    def get(self, name):
        """Give a value and note that it was asked for."""
        self.read.append(name)
        return self.values[name]

    def text(self, name, default, label=None):
        """Define a widget."""
        self.values.setdefault(name, default)

    def getArgument(self, name, default=""):  # noqa: N802 - Databricks' own name
        """Give a value in the old way."""
        return self.values.get(name, default)

    def getAll(self):  # noqa: N802 - Databricks' own name
        """Give all values."""
        return dict(self.values)


class FakeDbutils:
    """A dbutils with widgets and nothing else."""

    def __init__(self, values):
        self.widgets = FakeWidgets(values)


class FakeScope:
    """The running test: gives what its fixtures would."""

    def __init__(self, **given):
        self.given = given

    def get(self, name):
        """Give a fixture's value."""
        return self.given[name]


class Project:
    """A folder of notebooks with a loader of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.loader = Loader(str(folder))
        self.scope = None

    def write(self, name, *cells):
        """Write a notebook in source format, a cell each, and give its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = _SEPARATOR.join(textwrap.dedent(cell).strip("\n") for cell in cells)
        path.write_text(f"# Databricks notebook source\n{text}\n", encoding="utf-8")
        return path

    def load(self, *cells, name="notebook.py", **options):
        """Write a notebook and load it."""
        return self.loader.load(str(self.write(name, *cells)), **options)

    @contextmanager
    def test(self, widgets=None, **given):
        """Let a test run that has these widget values and fixtures."""
        self.scope = FakeScope(dbutils=FakeDbutils(widgets or {}), **given)
        self.loader.begin(self.scope)
        try:
            yield self.scope
        finally:
            self.loader.end()


@pytest.fixture
def project(tmp_path):
    """An empty project; modules made in it are taken out of ``sys.modules`` at the end."""
    before = set(sys.modules)
    yield Project(tmp_path)
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]
