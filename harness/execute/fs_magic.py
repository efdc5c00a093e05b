"""``%fs``: one call on ``dbutils.fs``, written as a shell's."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from harness.execute.magics import UnsupportedError
from harness.execute.shown import display

if TYPE_CHECKING:
    from harness.execute.kernel import Runner

_TABLES = frozenset({"ls", "mounts"})
_SHORT = {"-r": "recurse", "-f": "overwrite"}
_WORDS: dict[str, Any] = {"true": True, "false": False}


def run_fs(runner: Runner, text: str) -> None:
    """Make the call and show what it gives: a table of files, or a value."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        raise UnsupportedError(f"a %fs cell is one call, and this one has {len(lines)} lines")
    name, values, named = parse_fs(lines[0])
    found = getattr(runner.dbutils.fs, name)(*(values or (["/"] if name == "ls" else [])), **named)
    if name == "head":
        print(found)  # noqa: T201 -- a cell's output
    elif name in _TABLES:
        display(found)
    elif found is not None:
        display(bool(found))


def parse_fs(line: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Read ``rm -r /x`` or ``head --maxBytes=10 /x`` as a call's name, its values, and those that are named."""
    try:
        name, *words = shlex.split(line)
    except ValueError as error:
        raise UnsupportedError(f"%fs {line.strip()[:60]}: {error}") from None
    values: list[Any] = []
    named: dict[str, Any] = {}
    for word in words:
        if word in _SHORT:
            named[_SHORT[word]] = True
        elif word.startswith("--"):
            key, equals, value = word[2:].partition("=")
            named[key] = _value(value) if equals else True
        else:
            values.append(_WORDS.get(word, word))
    return name, values, named


def _value(text: str) -> Any:
    return int(text) if text.isdigit() else _WORDS.get(text, text)
