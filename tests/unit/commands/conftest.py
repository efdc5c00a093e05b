"""What the tests of the commands share."""

from __future__ import annotations

import textwrap

import pytest

HEADER = "# Databricks notebook source\n"
SEPARATOR = "\n\n# COMMAND ----------\n\n"


@pytest.fixture
def make_project(tmp_path):
    """Make a project of files: a list of cells becomes a notebook, a text is dedented."""

    def make(files, *, folder="."):
        root = tmp_path / folder
        for name, content in {"pyproject.toml": "", **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, list):
                text = HEADER + SEPARATOR.join(textwrap.dedent(cell).strip("\n") for cell in content) + "\n"
            else:
                text = textwrap.dedent(content).lstrip("\n")
            path.write_text(text, encoding="utf-8")
        return root

    return make
