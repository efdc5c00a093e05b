"""Draw the list of ``nbh list`` as a table."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from harness.commands.list import problems_of, summary
from harness.extract.build import as_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.commands.list import Listing
    from harness.extract.inventory import Listed, Unit

_HEADS = ("cell", "line", "unit", "needs", "tests")
_GAP = 2
# Where a line is too short, columns give way in this order, each down to its width here. --json has all of every name.
_GIVE_WAY = (("tests", 24), ("needs", 18), ("unit", 30), ("tests", 14), ("unit", 12), ("needs", 12))
_UNLIMITED = 10_000
_SETTINGS = "settings of "
_COMPUTED = re.compile(r"computed (\S+) \(cell (\d+)\)")


class Console(RichConsole):
    """rich's console, but a reader that has gone (``nbh list | head``) is left to ``nbh`` itself: rich would end with 1."""

    def on_broken_pipe(self) -> None:
        """Pass the broken pipe on."""
        raise BrokenPipeError


def console() -> Console:
    """Give the console that the list is drawn on; where it is no terminal, lines are as long as they need to be."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return Console(highlight=False)
    return Console(highlight=False, width=_UNLIMITED)


def draw(listing: Listing, console: Console) -> None:
    """Print a table for each notebook, then the problems, then the counts."""
    widths = _widths([unit for listed in listing.notebooks for unit in listed.units], console)
    for listed in listing.notebooks:
        _heading(listed, console)
        if listed.units:
            with console.capture() as captured:
                console.print(_table(listed.units, widths))
            # A pattern would look at a wide column's blanks anew from each of them.
            console.file.write("\n".join(line.rstrip(" ") for line in captured.get().split("\n")))
        console.print()
    alike: dict[str, list[str]] = {}  # what is said of a problem: where it is said; of 150 missing notebooks of one folder once
    for problem in problems_of(listing):
        head, _, said = _clean(str(as_error(problem)), keep="\n").partition("\n")
        alike.setdefault(said, []).append(head)
    if alike:
        console.print(Text("Problems", style="bold"))
        for said, heads in alike.items():
            console.print(Text("\n".join([*heads, said] if said else heads)), soft_wrap=True)
        console.print()
    console.print(Text(summary(listing), style="bold"), soft_wrap=True)


def _heading(listed: Listed, console: Console) -> None:
    kind = f"{listed.language}, {listed.format}, {listed.cells} {'cell' if listed.cells == 1 else 'cells'}"
    console.print(Text.assemble((_clean(listed.path), "bold"), (f"  {kind}", "dim")), soft_wrap=True)
    named = next((unit for unit in listed.units if unit.kind != "cell" and not unit.importable), None)
    if named is not None:
        console.print(Text(f"  not importable: {_clean(named.reason)}", style="yellow"), soft_wrap=True)
    settings = {
        need.removeprefix(_SETTINGS): None for unit in listed.units for need in unit.needs if need.startswith(_SETTINGS)
    }
    if settings:
        console.print(
            Text(f"  a unit test doesn't make the settings of {_clean(', '.join(settings))}", style="dim"), soft_wrap=True
        )
    if not listed.units:
        unread = any(problem.location.path == listed.path for problem in listed.problems) and not listed.cells
        console.print(
            Text("  not read, see below" if unread else "  nothing to test by itself", style="red" if unread else "dim")
        )


def _table(units: Iterable[Unit], widths: dict[str, int]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim", expand=False)
    for head, width in widths.items():
        right = head in {"cell", "line"}
        table.add_column(head, width=width, justify="right" if right else "left", overflow="fold")
    for unit in units:
        tests = _tests(unit, widths["tests"])
        table.add_row(
            str(unit.cell),
            str(unit.line or "-"),
            Text(_name(unit), style="dim" if unit.kind == "cell" else ""),
            Text(_needs(unit), style=_style(unit)),
            Text(tests, style="green" if unit.tests else "dim"),
        )
    return table


def _style(unit: Unit) -> str:
    if any(need.startswith("unresolved") for need in unit.needs):
        return "red"
    return "yellow" if any(need.startswith("computed") for need in unit.needs) else "" if unit.needs else "dim"


def _name(unit: Unit) -> str:
    name = _clean(unit.name)
    if unit.kind == "class":
        return f"class {name}"
    return f"{name}()" if unit.kind == "function" else name if name == f"cell {unit.cell}" else f'cell "{name}"'


def _needs(unit: Unit) -> str:
    """Say in few words what JSON tells in full: where a computed value comes from, but not why it isn't computed.

    Settings stand above the table: most units of a notebook share them.
    """
    needs = [need for need in unit.needs if not need.startswith(_SETTINGS)]
    told = [f"{word[1]} (cell {word[2]})" if (word := _COMPUTED.match(need)) else need for need in needs]
    return _clean(", ".join(told)) or "nothing"


def _tests(unit: Unit, width: int = _UNLIMITED) -> str:
    """Give the first test's name, cut to the width, and how many more there are."""
    if not unit.tests:
        return "-"
    first = Text(_clean(unit.tests[0].partition("::")[2]))
    more = f" +{len(unit.tests) - 1}" if unit.tests[1:] else ""
    first.truncate(width - len(more), overflow="ellipsis")
    return first.plain + more


def _widths(units: list[Unit], console: Console) -> dict[str, int]:
    """Give each column the width it asks for; where a line is too short for all, some give way."""
    texts = {
        "cell": (str(unit.cell) for unit in units),
        "line": (str(unit.line or "-") for unit in units),
        "unit": map(_name, units),
        "needs": map(_needs, units),
        "tests": map(_tests, units),
    }
    widths = {head: max([len(head), *map(cell_len, texts[head])]) for head in _HEADS}
    room = console.width - _GAP * (len(_HEADS) - 1)
    for head, least in _GIVE_WAY:
        widths[head] = max(min(least, widths[head]), widths[head] - max(0, sum(widths.values()) - room))
    return widths


def _clean(text: str, *, keep: str = "") -> str:
    """Show a character that no terminal should get (a title may hold any) as a question mark."""
    return "".join(c if c.isprintable() or c in keep else "?" for c in text)
