"""Rows as a test writes them, made into tuples that Spark takes with the types that were meant."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from harness.catalog.names import literal, near_miss, quote
from harness.errors import TableDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclasses.dataclass(frozen=True, slots=True)
class Rows:
    """Tuples and the names of their columns."""

    names: tuple[str, ...]
    values: list[tuple[Any, ...]]


def read_rows(rows: Iterable[Any], *, names: Sequence[str] = (), optional: bool = False) -> Rows:
    """Make tuples of dicts, Spark rows, named tuples, dataclasses, or tuples with ``names``.

    Of a dict a missing key is a null; with ``optional``, a name that no row has is left out.

    Raises:
        TableDataError: Rows of several kinds, an unknown key, too many or too few values.
    """
    given = list(rows)
    mappings = [found for row in given if (found := as_mapping(row)) is not None]
    if not mappings:
        return Rows(tuple(names), [tuple(map(_plain, _tuple(row, number, names))) for number, row in enumerate(given, 1)])
    if len(mappings) != len(given):
        raise TableDataError(
            "the rows are of several kinds", cause="some have names for their values, others not", mend="write all as dicts"
        )
    used = dict.fromkeys(str(key) for row in mappings for key in row)
    if names:
        known = {name.lower(): name for name in names}
        for key in used:
            if key.lower() not in known:
                raise TableDataError(f"the table has no column {key!r}", cause="a row has that key", mend=near_miss(key, names))
        mappings = [{known[str(key).lower()]: value for key, value in row.items()} for row in mappings]
        used = dict.fromkeys(known[key.lower()] for key in used)
    wanted = tuple(name for name in names if name in used or not optional) if names else tuple(used)
    return Rows(wanted, [tuple(_plain(row.get(name)) for name in wanted) for row in mappings])


def _plain(value: Any) -> Any:
    """Python's own value for one of NumPy's or pandas', of which Spark knows no type or another one."""
    match type(value).__module__.partition(".")[0]:
        case "numpy" if hasattr(value, "dtype"):
            # Nanoseconds, which Spark doesn't have, would come out as a number.
            exact = value.astype(f"{value.dtype.name.partition('[')[0]}[us]") if value.dtype.kind in "mM" else value
            return exact.tolist()
        case "pandas":
            if type(value).__name__ in {"NaTType", "NAType"}:
                return None
            return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    return value


def as_mapping(row: Any) -> Mapping[str, Any] | None:
    """A row's values by name, where it has names for them: a dict, a dataclass, a named tuple, a Row of Spark's."""
    if isinstance(row, Mapping):
        return row
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    if isinstance(row, tuple):
        if hasattr(row, "_asdict"):
            return dict(row._asdict())
        fields = getattr(row, "__fields__", None)  # a Row of Spark's
        if fields:
            return dict(zip(fields, row, strict=True))
    return None


def _tuple(row: Any, number: int, names: Sequence[str]) -> tuple[Any, ...]:
    if not isinstance(row, Sequence) or isinstance(row, str | bytes):
        raise TableDataError(
            f"row {number} is no row",
            cause=f"it is {row!r}, of type {type(row).__name__}",
            mend='write a dict ({"id": 1}), or a tuple with columns="id int"',
        )
    if not names:
        raise TableDataError(
            "the rows have no names for their values",
            cause=f"row {number} is {row!r}",
            mend='name the columns: columns="id int, name string", or write the rows as dicts',
        )
    if len(row) != len(names):
        raise TableDataError(
            f"row {number} has {len(row)} values",
            cause=f"there are {len(names)} columns: {', '.join(names)}",
            mend="give one value for each column, None for a null",
        )
    return tuple(row)


def settle_types(rows: Rows) -> Rows:
    """Let Spark infer what is meant, where no types are given: whole and broken numbers in one column are all broken ones.

    Raises:
        TableDataError: A column's type can't be told: it has nothing but nulls, or values of kinds that don't mix.
    """
    if not rows.names:
        raise TableDataError(
            "the table's columns can't be told", cause="there are no rows", mend='say them: columns="id int, name string"'
        )
    made = []
    for name, column in zip(
        rows.names, zip(*rows.values, strict=True) if rows.values else ((),) * len(rows.names), strict=True
    ):
        kinds = {type(value) for value in column if value is not None}
        if not kinds:
            raise TableDataError(
                f"the type of the column {name!r} can't be told",
                cause="it has no value but nulls" if rows.values else "there are no rows",
                mend=f'say it: columns="…, {quote(name)} string"',
            )
        if kinds == {int, float}:
            made.append(tuple(None if value is None else float(value) for value in column))
        elif len(kinds) > 1 and not all(issubclass(kind, list | tuple | dict | str) for kind in kinds):
            told = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise TableDataError(
                f"the type of the column {name!r} can't be told",
                cause=f"its values are of several types: {told}",
                mend=f'give values of one type, or say it: columns="…, {quote(name)} …"',
            )
        else:
            made.append(tuple(column))
    return Rows(rows.names, list(zip(*made, strict=True)))


def fit_types(rows: Rows, kinds: Mapping[str, str]) -> Rows:
    """Make values of what a test is likely to write for a column: ``"9.90"`` or 9.9 for a decimal, ``"2026-01-31"`` for a date.

    ``kinds`` gives each column's Spark type by its short name (``decimal``, ``date``, …).

    Raises:
        TableDataError: A value is none of the column's type.
    """
    readers = [(name, _READERS.get(kinds[name])) for name in rows.names]
    if not any(reader for _, reader in readers):
        return rows
    return Rows(rows.names, [tuple(map(_read, row, readers)) for row in rows.values])


def _read(value: Any, column: tuple[str, Callable[[Any], Any] | None]) -> Any:
    name, reader = column
    if value is None or reader is None:
        return value
    try:
        return reader(value)
    except (ValueError, InvalidOperation) as exc:
        raise TableDataError(
            f"{value!r} doesn't fit the column {name!r}", cause=str(exc), mend="give a value of the column's type"
        ) from exc


_READERS: dict[str, Callable[[Any], Any]] = {
    "decimal": lambda value: Decimal(str(value)) if isinstance(value, int | float | str) else value,
    "double": lambda value: float(value) if isinstance(value, int | Decimal) else value,
    "float": lambda value: float(value) if isinstance(value, int | Decimal) else value,
    "date": lambda value: date.fromisoformat(value) if isinstance(value, str) else value,
    "timestamp": lambda value: datetime.fromisoformat(value) if isinstance(value, str) else value,
    "timestamp_ntz": lambda value: datetime.fromisoformat(value) if isinstance(value, str) else value,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
    """Columns as they were given: ``ddl`` for SQL, or only ``names`` where no types were said."""

    names: tuple[str, ...] = ()
    ddl: str = ""


def read_columns(columns: Any) -> Columns:
    """Take columns in each form that people write: DDL, a Spark schema, a mapping, pairs, or only names.

    Raises:
        TableDataError: It is none of these.
    """
    if isinstance(columns, str):
        return Columns(ddl=columns.strip().rstrip(","))
    fields = getattr(columns, "fields", None)
    if fields is not None:  # a StructType
        return Columns(ddl=", ".join(_field(field) for field in fields))
    pairs: list[Any] = list(columns.items()) if isinstance(columns, Mapping) else list(columns)
    if pairs and all(isinstance(pair, str) for pair in pairs):
        # A name may be "id int" as well: then it is DDL in pieces.
        if all(re.match(r"\s*(`[^`]+`|\w+)\s+\S", pair) for pair in pairs):
            return Columns(ddl=", ".join(pairs))
        return Columns(names=tuple(pairs))
    if pairs and all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):  # noqa: PLR2004 -- name and type
        return Columns(ddl=", ".join(f"{quote(name)} {_type(kind)}" for name, kind in pairs))
    raise TableDataError(
        "these are no columns", cause=f"got {columns!r}", mend='write columns="id int, name string", or give a StructType'
    )


def _field(field: Any) -> str:
    comment = field.metadata.get("comment")
    told = f"{quote(field.name)} {_type(field.dataType)}" + ("" if field.nullable else " NOT NULL")
    return told + (f" COMMENT {literal(comment)}" if comment else "")


def _type(kind: Any) -> str:
    return kind if isinstance(kind, str) else str(kind.simpleString())
