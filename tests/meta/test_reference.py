from __future__ import annotations

import dataclasses
import re

import pytest

import harness
from harness.settings import Settings


@pytest.fixture(scope="module")
def reference(root):
    """The reference page."""
    return (root / "docs" / "reference.md").read_text(encoding="utf-8")


def rows(text, section):
    """The names in code type in the first column of a section's table."""
    part = text.split(f"## {section}\n")[1].split("\n## ")[0]
    return {
        name for row in re.findall(r"^\|([^|]*)\|", part, flags=re.MULTILINE) for name in re.findall(r"`(--[\w-]+|[\w-]+)", row)
    }


def test_every_public_name_is_described(reference):
    """A name in ``harness.__all__`` is a promise, and readers find it."""
    assert rows(reference, "Public names") == set(harness.__all__)


def test_every_setting_is_described(reference):
    """The page has each key of ``[tool.nbh]`` and none that is gone."""
    assert rows(reference, "Settings") == {field.name for field in dataclasses.fields(Settings)} - {"folder"}


def test_every_fixture_is_described(reference, pytester):
    """The page has each fixture that the plugin brings, with its scope."""
    shown = pytester.runpytest("--fixtures").stdout.str()
    ours = re.findall(r"^(\w+)(?: \[(\w+) scope\])? -- \S*fixtures/\w+\.py:\d+$", shown, flags=re.MULTILINE)

    assert {name for name, _ in ours} == rows(reference, "Fixtures")
    for name, scope in ours:
        assert re.search(rf"^\| `{name}` \|.*\| {scope or 'function'} \|$", reference, flags=re.MULTILINE)


def test_every_option_is_described(reference, pytestconfig):
    """The page has each option of the group that ``pytest --help`` shows, with help and a default one can see."""
    group = pytestconfig._parser.getgroup("databricks notebooks")
    options = {name for option in group.options for name in option.names()}

    assert options == rows(reference, "Options of pytest")
    assert [option for option in group.options if not option.attrs().get("help")] == []


def test_every_mark_is_described(reference, pytestconfig):
    """Each mark of ours that the plugin registers has its line."""
    marks = {line.split(":")[0].split("(")[0] for line in pytestconfig.getini("markers")}

    assert [mark for mark in marks if mark.startswith("nbh_") and mark not in reference] == []
