"""How two tables differ, as a text that people can read in a terminal; it stays short however much differs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from harness.compare.match import RowDifferences, first_out_of_place, unique_column
from harness.compare.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.compare.match import Row

_WIDE = 110
_LONG = 400
_CELLS = 8
_AROUND = 20
_NEAR = 1e-6
"""So near are numbers that a sum in another order gives."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tables and what was found. ``names`` are the columns that rows were compared in, ``left_out`` the others."""

    names: tuple[str, ...]
    key: tuple[str, ...]
    actual: Sequence[Row]
    expected: Sequence[Row]
    schema: tuple[str, ...]
    rows: RowDifferences
    row_order: bool = False
    left_out: tuple[str, ...] = ()


def explain(found: Comparison, *, most: int) -> str:
    """Write all that differs, ``most`` rows of each sort."""
    lines = [f"tables differ: {_counts(found)}"]
    if found.schema:
        lines += ["", "  columns"] + [f"    {line}" for line in found.schema]
    if found.left_out:
        lines += ["", f"  {_without(found)}"]
    lines += _repeated(found, most)
    lines += _changed(found, most)
    lines += _rows(found, "missing: expected and not there", found.rows.missing, "-", most)
    lines += _rows(found, "extra: there and not expected", found.rows.extra, "+", most)
    if found.row_order:
        lines += _order(found)
    hints = list(_hints(found))
    return "\n".join([*lines, *(["", *(f"  {hint}" for hint in hints)] if hints else [])])


def _without(found: Comparison) -> str:
    for name in found.key:
        if name not in found.names:
            return f"no row is compared, for {name} is the key"
    return f"rows are compared without {', '.join(found.left_out)}" if found.names else "no row is compared"


def _counts(found: Comparison) -> str:
    told = [f"{_many(len(found.schema), 'difference')} in the columns"] if found.schema else []
    rows = found.rows
    counts = [(len(rows.missing), "missing"), (len(rows.extra), "extra"), (len(rows.changed), "changed")]
    parts = ", ".join(f"{_number(count)} {what}" for count, what in counts if count)
    if parts:
        same = len(found.expected) - len(rows.missing) - len(rows.changed)
        expected = (
            f"{_number(same)} of {_many(len(found.expected), 'row')} as expected" if found.expected else "no row is expected"
        )
        told.append(f"{parts}; {expected}")
    return ", ".join(told) or "the rows are in another order"


def _number(count: int) -> str:
    return f"{count:,}".replace(",", " ")


def _many(count: int, what: str) -> str:
    return f"{_number(count)} {what}{'' if count == 1 else 's'}"


def _repeated(found: Comparison, most: int) -> Iterator[str]:
    if not found.rows.repeated:
        return
    yield from ("", f"  not unique: {', '.join(found.key)}")
    for one in found.rows.repeated[:most]:
        yield f"    {_named(found.key, one.key)}: {_many(one.expected, 'row')} expected, {one.actual} there"
    yield from _more(found.rows.repeated, most)


def _changed(found: Comparison, most: int) -> Iterator[str]:
    if not found.rows.changed:
        return
    yield from ("", "  changed")
    for row in found.rows.changed[:most]:
        yield f"    {_named(found.key, row.key)}"
        width = max(len(path) for path, *_ in row.cells[:_CELLS])
        for path, expected, actual in row.cells[:_CELLS]:
            yield from _cell(path, shown(expected), shown(actual), width)
        yield from _more(row.cells, _CELLS, indent=6)
    yield from _more(found.rows.changed, most)
    counts = Counter(name for row in found.rows.changed for name in {_column(path, found.names) for path, *_ in row.cells})
    if len(found.rows.changed) > 1:
        told = ", ".join(f"{name} in {_many(count, 'row')}" for name, count in counts.most_common())
        yield f"    columns that differ: {told}"


def _cell(path: str, expected: str, actual: str, width: int) -> Iterator[str]:
    if len(expected) + len(actual) + width + 30 <= _WIDE:
        yield f"      {path + ':':<{width + 1}} expected {expected}, got {actual}"
        return
    at = next((index for index, (one, other) in enumerate(zip(expected, actual, strict=False)) if one != other), 0)
    yield f"      {path}:" + (f" from character {at} on" if at > _AROUND else "")
    yield f"        - {_around(expected, at)}"
    yield f"        + {_around(actual, at)}"


def _around(text: str, at: int) -> str:
    start = max(0, at - _AROUND) if len(text) > _WIDE else 0
    end = start + _WIDE
    return ("…" if start else "") + text[start:end] + (f"… ({len(text)} characters)" if len(text) > end else "")


def _column(path: str, names: Sequence[str]) -> str:
    """The column that a path leads into; its own name may hold dots."""
    return max((name for name in names if path == name or path.startswith((f"{name}.", f"{name}[", f"{name}{{"))), key=len)


def _rows(found: Comparison, title: str, rows: Sequence[Row], mark: str, most: int) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"  {title}")
    order = [*found.key, *(name for name in found.names if name not in found.key)]
    for row in rows[:most]:
        values = dict(zip(found.names, row, strict=True))
        text = _named(order, [values[name] for name in order])
        yield f"    {mark} {text if len(text) <= _LONG else f'{text[:_LONG]}… ({len(text)} characters)'}"
    yield from _more(rows, most)


def _named(names: Sequence[str], values: Sequence[Any]) -> str:
    return ", ".join(f"{name}={_short(shown(value))}" for name, value in zip(names, values, strict=True))


def _short(text: str) -> str:
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}… ({len(text)} characters)"


def _more(rows: Sequence[Any], most: int, indent: int = 4) -> Iterator[str]:
    if len(rows) > most:
        yield f"{' ' * indent}and {_number(len(rows) - most)} more"


def _order(found: Comparison) -> Iterator[str]:
    at = first_out_of_place(found.actual, found.expected)
    if at is None or found.rows:
        return
    yield from ("", f"  from row {at + 1} on")
    yield f"    - {_named(found.names, found.expected[at])[:_LONG]}"
    yield f"    + {_named(found.names, found.actual[at])[:_LONG]}"


def _hints(found: Comparison) -> Iterator[str]:
    if found.expected and not found.actual:
        yield "the table has no rows"
    if not found.key and found.rows.missing and found.rows.extra:
        name = unique_column(found.names, found.expected, found.actual)
        yield f'give key="{name}" to see which columns differ' if name else "give key=… to see which columns differ"
    cells = [cell for row in found.rows.changed for cell in row.cells]
    if cells and not found.rows.missing and not found.rows.extra and all(_is_near(*pair) for _, *pair in cells):
        yield f"all numbers that differ are near: rtol={_NEAR:g} takes them as equal"


def _is_near(expected: Any, actual: Any) -> bool:
    return (
        type(expected) is type(actual)
        and isinstance(expected, float | Decimal)
        and abs(float(expected) - float(actual)) <= _NEAR * abs(float(expected))
    )
