"""Load notebooks from texts, with or without a running test."""

from __future__ import annotations

import textwrap
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
