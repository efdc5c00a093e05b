"""What notebooks install by ``%pip`` and this environment lacks: all at once, where a whole run ends at the first."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.errors import HarnessError
from harness.execute.pip import PipError, lack, read
from harness.notebook import discover, read_notebook
from harness.spark.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 2000
_SHOWN = 8


def pip_facts(folder: str) -> list[Fact]:
    """Look at the notebooks at or below a folder; nothing is said where none installs anything."""
    asked: dict[str, str] = {}
    for text, place in _asked(folder):
        asked.setdefault(text, place)
    missing = {text: why for text in asked if (why := _lack(text))}
    if not asked:
        return []
    if not missing:
        return [Fact("%pip of notebooks", "all that they install is here", ok=True)]
    told = [f"{why} ({asked[text]})" for text, why in missing.items()]
    more = f"; and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    by_name: dict[str, str] = {}
    for text, why in missing.items():
        if not why.endswith("can't be told"):
            by_name.setdefault(_name(text), text)  # pip takes one version of each
    mend = f"pip install {shlex.join(by_name.values())}" if by_name else ""
    return [Fact("%pip of notebooks", "; ".join(told[:_SHOWN]) + more, ok=None, mend=mend)]


def _asked(folder: str) -> Iterator[tuple[str, str]]:
    """Each requirement that a notebook names, and where it does; what can't be read is told by whoever runs it."""
    try:
        found = discover(folder).notebooks[:_MOST]
    except HarnessError:
        return
    for path in found:
        try:
            notebook = read_notebook(path)
        except HarnessError:
            continue
        for magic in (magic for cell in notebook.cells for magic in cell.magics if magic.name == "pip"):
            place = f"{os.path.relpath(path, folder).replace(os.sep, '/')}:{magic.line}"
            for text in _requirements(magic.argument, os.path.dirname(path)):
                yield text, place


def _requirements(line: str, folder: str) -> list[str]:
    try:
        words = shlex.split(re.sub(r"\s#.*", "", line))
        return read(words[1:], folder=folder).requirements if words[:1] == ["install"] else []
    except (PipError, ValueError):
        return []


def _name(text: str) -> str:
    try:
        return canonicalize_name(Requirement(text).name)
    except InvalidRequirement:
        return text


def _lack(text: str) -> str:
    try:
        return lack(text)
    except PipError:
        return ""
