"""A displayed table as plain data, in the form in which Databricks keeps it in notebooks: columns with types, and rows."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTES = 2_048_000
"""How much of a table is kept, as on Databricks."""

MONTHS = frozenset(["interval", "yearmonthinterval"])
"""Spark's names of the intervals that hold months; as data they have a form that nobody tells."""

_EXACT = 2**53
"""Beyond it pandas, which has floats where an integer may be missing, doesn't hold each integer."""


class UnclearError(ValueError):
    """What the table's value was can't be told any more."""


def table(columns: Iterable[tuple[str, Any]], rows: Iterable[Iterable[Any]], *, overflow: bool, zone: str) -> dict[str, Any]:
    """Give a table as data.

    Args:
        columns: Their names and Spark's types.
        rows: As pandas has them: a missing number is a NaN, and a moment is in the session's ``zone``.
        overflow: Whether the table has more rows than these.
        zone: The session's time zone.
    """
    named = list(columns)
    if any(kind.typeName() in MONTHS for _, kind in named):
        raise UnclearError("an interval of months")
    kept: list[list[Any]] = []
    left = BYTES
    for row in rows:
        values = [_plain(value, kind, zone) for value, (_, kind) in zip(row, named, strict=True)]
        left -= len(json.dumps(values))
        if left < 0:
            overflow = True
            break
        kept.append(values)
    schema = [
        {"name": name, "type": json.dumps(kind.jsonValue(), separators=(",", ":")), "metadata": "{}"} for name, kind in named
    ]
    return {"type": "table", "schema": schema, "data": kept, "overflow": overflow}


def _plain(value: Any, kind: Any, zone: str) -> Any:
    """A value as it stands in JSON."""
    value = value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0 else value
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return _number(value, kind)
        case Decimal():
            return f"{value:f}"
        case dt.datetime():
            return _moment(value, kind, zone)
        case dt.date():
            return value.isoformat()
        case bytes() | bytearray():
            return base64.b64encode(value).decode()
    return _nested(value, kind, zone)


def _number(value: float, kind: Any) -> int | float | str | None:
    if math.isnan(value):
        return None
    if kind.typeName() in {"byte", "short", "integer", "long"}:
        if abs(value) > _EXACT:
            raise UnclearError(f"{value!r} may be another integer")
        return int(value)
    return str(value) if math.isinf(value) else value


def _nested(value: Any, kind: Any, zone: str) -> Any:
    match kind.typeName():
        case "array":
            return [_plain(one, kind.elementType, zone) for one in value]
        case "struct":
            held = value.asDict() if hasattr(value, "asDict") else value
            return [_plain(held[field.name], field.dataType, zone) for field in kind.fields]
        case "map":
            pairs = value.items() if hasattr(value, "items") else value
            return {str(_plain(key, kind.keyType, zone)): _plain(one, kind.valueType, zone) for key, one in pairs}
    return str(value)


def _moment(value: Any, kind: Any, zone: str) -> str | None:
    from pandas import NaT, Timestamp

    if value is NaT:
        return None
    if kind.typeName() != "timestamp":
        return str(value.isoformat())
    moment = Timestamp(value)
    if moment.tzinfo is None:
        moment = moment.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    text = moment.tz_convert("UTC").tz_localize(None).isoformat(timespec="microseconds")
    head, _, fraction = text.partition(".")
    fraction = fraction.removesuffix("000").removesuffix("000")
    return f"{head}.{fraction}Z" if fraction else f"{head}Z"
