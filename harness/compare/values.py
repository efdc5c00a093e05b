"""One value of a table: brought to one form whatever it came from, compared, ordered, and written for people."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from harness.compare.kinds import Kind


@dataclass(frozen=True, slots=True)
class Pairs:
    """A map: its keys may be of any type, and come in any order."""

    items: tuple[tuple[Any, Any], ...]


@dataclass(frozen=True, slots=True)
class VariantNull:
    """The null inside a variant, which is not the column's own."""


@dataclass(frozen=True, slots=True)
class Absent:
    """What the other side has in place of a map's key, or of an array's further elements."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far numbers with a fraction may be from what was expected: ``atol + rtol * |expected|``."""

    rtol: float = 0.0
    atol: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.rtol or self.atol)

    def takes(self, expected: float | Decimal, actual: float | Decimal) -> bool:
        """Whether a number is near enough."""
        if not (math.isfinite(expected) and math.isfinite(actual)):
            return expected == actual or (math.isnan(expected) and math.isnan(actual))
        if isinstance(expected, Decimal) and isinstance(actual, Decimal):
            allowed = Decimal(str(self.atol)) + Decimal(str(self.rtol)) * abs(expected)
            return abs(actual - expected) <= allowed
        return abs(float(actual) - float(expected)) <= self.atol + self.rtol * abs(float(expected))


EXACT = Tolerance()

PLAIN = frozenset({int, str, bytes, date, datetime, time, timedelta, type(None)})
"""Types whose values are equal only to those of their own, exactly; most values are of one, and tables have many."""


def fit(value: Any, kind: Kind) -> Any:
    """Bring a value to the one form that its column's type has here; one that doesn't fit it stays as it is, and so differs.

    Structs become dictionaries, arrays lists, maps `Pairs`; a moment is in UTC, and one without a zone is of this machine's.
    Arrow has values of `AS_ARROW_HAS_THEM` in that form.
    """
    if value is None:
        return None
    if hasattr(value, "__UDT__"):  # a class of the user's own, a vector of MLlib's say: what it is stored as
        value = value.__UDT__.serialize(value)
    held = _HOLDERS.get(kind.name)
    if held is not None:
        return held(value, kind)
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    reader = _READERS.get(kind.name.partition("(")[0])
    if reader is None:
        return value
    try:
        return reader(value)
    except (ValueError, InvalidOperation, OverflowError):
        return value


def _struct(value: Any, kind: Kind) -> Any:
    named = _named(value, [part.name for part in kind.parts])
    return value if named is None else {part.name: fit(named.get(part.name), part.kind) for part in kind.parts}


def _array(value: Any, kind: Kind) -> Any:
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # NumPy's
        value = value.tolist()
    return [fit(one, kind.parts[0].kind) for one in value] if isinstance(value, list | tuple) else value


def _map(value: Any, kind: Kind) -> Any:
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, list | tuple) or not all(isinstance(pair, tuple) and len(pair) == _PAIR for pair in pairs):
        return value
    key, held = (part.kind for part in kind.parts)
    return Pairs(tuple((fit(one, key), fit(other, held)) for one, other in pairs))


def _named(value: Any, names: list[str]) -> Mapping[str, Any] | None:
    """A struct's fields by name; None for what is no struct, or one of other fields."""
    if isinstance(value, Mapping):
        found: Mapping[str, Any] = value
    elif is_dataclass(value) and not isinstance(value, type):
        found = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        found = value._asdict()
    elif isinstance(value, tuple) and (of_spark := getattr(value, "__fields__", None)):
        found = dict(zip(of_spark, value, strict=True))
    elif isinstance(value, tuple | list) and len(value) == len(names):
        return dict(zip(names, value, strict=True))
    else:
        return None
    return found if set(found) <= set(names) else None


def _variant(value: Any, _kind: Kind) -> Any:
    if isinstance(value, Mapping) and set(value) == {"value", "metadata"} and isinstance(value["value"], bytes):
        from pyspark.sql.types import VariantVal  # as Arrow holds it

        value = VariantVal(value["value"], value["metadata"])
    if callable(getattr(value, "toPython", None)):
        value = value.toPython()
        if value is None:
            return VariantNull()
    return _json(value)


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): VariantNull() if one is None else _json(one) for name, one in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [VariantNull() if one is None else _json(one) for one in value]
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo is not None else value


def _int(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, float):  # a whole number in a column with nulls is one for pandas
        return int(value) if value.is_integer() else value
    return int(value) if hasattr(value, "__index__") else value


def _double(value: Any) -> Any:
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


def _float(value: Any) -> Any:
    """A number of 32 bits as the shortest one that means it: 0.1, not 0.10000000149."""
    number = _double(value)
    if not isinstance(number, float) or not math.isfinite(number):
        return number
    packed = struct.pack("f", number)
    for digits in range(6, 10):
        short = float(f"{number:.{digits}g}")
        if struct.pack("f", short) == packed:
            return short
    return number


def _decimal(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return Decimal(str(value)) if isinstance(value, int | float | str) else value


def _date(value: Any) -> Any:
    if isinstance(value, str):
        return date.fromisoformat(value)
    return value.date() if isinstance(value, datetime) and value.time() == time() and value.tzinfo is None else value


def _moment(value: Any) -> Any:
    value = datetime.fromisoformat(value) if isinstance(value, str) else value
    return _plain(value).astimezone(UTC) if isinstance(value, datetime) else value


def _local(value: Any) -> Any:
    value = datetime.fromisoformat(value) if isinstance(value, str) else value
    return _plain(value) if isinstance(value, datetime) else value


def _plain(value: datetime) -> datetime:
    """Python's own class, where pandas has one of its own."""
    return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value


_PAIR = 2

_HOLDERS: dict[str, Callable[[Any, Kind], Any]] = {"struct": _struct, "array": _array, "map": _map, "variant": _variant}

_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), _int),
    "float": _float,
    "double": _double,
    "decimal": _decimal,
    "date": _date,
    "timestamp": _moment,
    "timestamp_ntz": _local,
    "binary": lambda value: bytes(value) if isinstance(value, bytearray | memoryview) else value,
}


AS_ARROW_HAS_THEM = frozenset({"tinyint", "smallint", "int", "bigint", "double", "boolean", "string", "binary", "date"})


def differences(expected: Any, actual: Any, tolerance: Tolerance = EXACT, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Give each place in which two fitted values differ: its path, what was expected there, and what is."""
    if type(expected) is not type(actual):
        yield path, expected, actual
    elif isinstance(expected, dict):
        for name in [*expected, *(name for name in actual if name not in expected)]:
            one, other = expected.get(name, Absent()), actual.get(name, Absent())
            yield from differences(one, other, tolerance, f"{path}.{name}")
    elif isinstance(expected, list):
        for index in range(max(len(expected), len(actual))):
            one = expected[index] if index < len(expected) else Absent()
            other = actual[index] if index < len(actual) else Absent()
            yield from differences(one, other, tolerance, f"{path}[{index}]")
    elif isinstance(expected, Pairs):
        mine = {freeze(key): (key, value) for key, value in expected.items}
        theirs = {freeze(key): (key, value) for key, value in actual.items}
        for key in [*mine, *(key for key in theirs if key not in mine)]:
            name = shown(mine.get(key, theirs.get(key))[0])  # type: ignore[index]  # one of them has it
            one, other = mine.get(key, (None, Absent()))[1], theirs.get(key, (None, Absent()))[1]
            yield from differences(one, other, tolerance, f"{path}{{{name}}}")
    elif isinstance(expected, float | Decimal):
        if not tolerance.takes(expected, actual):
            yield path, expected, actual
    elif expected != actual:
        yield path, expected, actual


def freeze(value: Any, *, blurred: bool = False) -> Hashable:
    """Give what two equal values have in common, to count them by; ``blurred`` leaves numbers with a fraction out."""
    if type(value) in PLAIN:
        return value  # type: ignore[no-any-return]  # all of them can be hashed
    if isinstance(value, float | Decimal):
        if blurred:
            return type(value).__name__, math.isfinite(value)
        return type(value).__name__, "NaN" if math.isnan(value) else value + 0  # -0.0 is 0.0
    if isinstance(value, dict):
        return "dict", *((name, freeze(one, blurred=blurred)) for name, one in sorted(value.items()))
    if isinstance(value, list):
        return "list", *(freeze(one, blurred=blurred) for one in value)
    if isinstance(value, Pairs):
        return frozenset((freeze(key), freeze(one, blurred=blurred)) for key, one in value.items)
    try:
        hash(value)
    except TypeError:
        return type(value).__name__, repr(value)
    return type(value).__name__, value


def rank(value: Any) -> tuple[Any, ...]:  # noqa: PLR0911 -- one for each type
    """Give what to sort values by: nulls first, numbers by size, then texts, then all else; the same on each run."""
    match value:
        case None:
            return (0,)
        case bool():
            return 1, value
        case float() if math.isnan(value):
            return (3,)
        case int() | float() | Decimal():
            return 2, value
        case str():
            return 4, value
        case list():
            return 6, tuple(map(rank, value))
        case dict():
            return 7, tuple((name, rank(one)) for name, one in value.items())
        case Pairs():
            return 8, tuple(sorted((rank(key), rank(one)) for key, one in value.items))
        case _:
            return 5, type(value).__name__, shown(value)


def shown(value: Any) -> str:  # noqa: PLR0911 -- one for each type
    """Write a value in one line, so that a null, a text and a number can't be taken for each other."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return "NaN" if math.isnan(value) else repr(float(value))
        case Decimal():
            return f"{value:f}" if value.is_finite() else str(value)
        case bytes():
            return f"X'{value.hex().upper()}'"
        case datetime():
            return f"{value.replace(tzinfo=None)}{' UTC' if value.tzinfo is not None else ''}"
        case date() | time() | timedelta():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{name}: {shown(one)}" for name, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(shown, value)) + "]"
        case Pairs():
            pairs = sorted(value.items, key=lambda pair: rank(pair[0]))
            return "{" + ", ".join(f"{shown(key)} -> {shown(one)}" for key, one in pairs) + "}"
        case VariantNull():
            return "variant null"
        case Absent():
            return "nothing"
        case _:
            return repr(value)
