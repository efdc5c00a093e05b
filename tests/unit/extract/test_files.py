"""Held-back statements that read a file of the project."""

from __future__ import annotations

import os

import pytest

from harness.errors import PlaceholderError

UNIT = "def f():\n    return config"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["with open('a') as f:\n    x = json.load(f)"], ""),
        (["with open('a', 'r', encoding='utf-8') as f:\n    x = f.read().strip()"], ""),
        (["with open('a', mode='rb') as f:\n    x = f.readlines()"], ""),
        (["with open('a') as f, open('b') as g:\n    x = yaml.safe_load(f), csv.reader(g)"], ""),
        (["with open('a') as f:\n    x = yaml.load(f, Loader=yaml.FullLoader)"], ""),
        (["with open('a') as f:\n    x = [line for line in f]"], ""),
        (["x = json.load(open('a'))"], ""),
        (["x = open('a').read()"], ""),
        (["def load(path):\n    with open(path) as f:\n        return json.load(f)", "x = load('a')"], ""),
        (["with open('a') as f:\n    x = yaml.load(f)"], "calls yaml.load()"),
        (["with open('a') as f:\n    x = yaml.load(f, Loader=yaml.Loader)"], "calls yaml.load()"),
        (["with open('a') as f:\n    x = pickle.load(f)"], "calls pickle.load()"),
        (["with open('a') as f:\n    x = requests.post('u', f)"], "calls requests.post()"),
        (["with open('a', 'w') as f:\n    x = f.write('b')"], "enters `with open`"),
        (["with open('a', mode) as f:\n    x = f.read()"], "enters `with open`"),
        (["with open('a', mode='r+') as f:\n    x = f.read()"], "enters `with open`"),
        (["with open('a', opener=own) as f:\n    x = f.read()"], "enters `with open`"),
        (["with open(*where) as f:\n    x = f.read()"], "enters `with open`"),
        (["with open('a', 'r', -1) as f:\n    x = f.read()"], "enters `with open`"),
        (["with open() as f:\n    x = f.read()"], "enters `with open`"),
        (["with open(requests.get('u')) as f:\n    x = f.read()"], "calls requests.get()"),
        (["with open('a') as f, other:\n    x = f.read()"], "enters `with open`"),
        (["with open('a') as f:\n    x = f.write('b')"], "calls .write()"),
        (["x = other.read()"], "calls .read()"),
        (["x = json.load(other)"], "calls json.load()"),
        (["from smart_open import open", "with open('a') as f:\n    x = f.read()"], "enters `with open`"),
        (["def open(a):\n    return a", "with open('a') as f:\n    x = f.read()"], "enters `with open`"),
        # Without the file these go on to another value than they have where it is.
        (["try:\n    x = json.load(open('a'))\nexcept OSError:\n    x = {}"], "reads a file, or goes on without it"),
        (["x = json.load(open('a')) if os.path.exists('a') else {}"], "reads a file only if it is there"),
        (["try:\n    x = json.load(open('a'))\nfinally:\n    y = 1"], ""),
        (
            [
                "def load():\n    return open('a').read()",
                "if len('a'):\n    x = load()\n    try:\n        y = load()\n    except OSError:\n        y = {}",
            ],
            "calls load(), which reads a file, or goes on without it",
        ),
    ],
)
def test_reading_is_told_from_all_else(project, cells, reason):
    """A file that is opened to be read, in the open, is data like a table; what else is done with it is judged as ever."""
    outline = project.load("import csv, json, os, pickle, requests, yaml", *cells).__units__.values.outline

    assert outline.verdict(len(outline.entries) - 1).reason == reason


def test_file_is_looked_for_beside_the_notebook(project, monkeypatch, tmp_path_factory):
    """As on Databricks; the test's own folder is what it was."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    (project.folder / "etl").mkdir()
    (project.folder / "etl" / "config.json").write_text('{"table": "t"}')
    module = project.load("import json", "with open('config.json') as f:\n    config = json.load(f)", UNIT, name="etl/n.py")

    with project.test():
        result = module.f()

    assert result == {"table": "t"}
    assert os.getcwd() == str(elsewhere)  # noqa: PTH109 - what the notebook would see


def test_file_is_read_anew_in_each_test(project):
    """A test may have made it."""
    module = project.load("with open('a.txt') as f:\n    config = f.read()", UNIT)
    found = []

    for text in ("one", "two"):
        (project.folder / "a.txt").write_text(text)
        with project.test():
            found.append(module.f())

    assert found == ["one", "two"]


def test_no_file_is_read_while_a_notebook_loads(project):
    """A constant made of it waits for a test too."""
    module = project.load("with open('a.txt') as f:\n    config = f.read()", "FIRST = config[0]", "def f():\n    return FIRST")
    (project.folder / "a.txt").write_text("3")

    with project.test():
        assert module.f() == "3"


def test_file_that_is_not_there_is_told(project):
    """The unit fails with the name of the file."""
    module = project.load("with open('absent.json') as f:\n    config = f.read()", UNIT)

    with project.test(), pytest.raises(PlaceholderError) as caught:
        module.f()

    assert "absent.json" in caught.value.cause
    assert "(a table, a widget, a file)" in caught.value.mend
