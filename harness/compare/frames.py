"""Tables taken from where they are: Spark's frames, pandas', and rows as a test writes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from harness.catalog.names import near_miss, quote
from harness.catalog.rows import as_mapping
from harness.compare.kinds import Column, Kind, columns_of, leaves
from harness.compare.values import AS_ARROW_HAS_THEM, fit
from harness.errors import CompareUseError, TooManyRowsError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import tzinfo

    from harness.compare.match import Row

# Python has no value for them: what Spark writes for them is compared.
_NOT_IN_PYTHON = re.compile(r"interval( year.*| month)?|time\(.*|geo(graphy|metry).*")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows whose values are fitted to their types."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def take(self, names: Sequence[str]) -> list[Row]:
        """The rows with these columns only, in this order."""
        places = {name: index for index, name in enumerate(self.names)}
        at = [places[name] for name in names]
        return [tuple(row[index] for index in at) for row in self.rows]


def names_of(given: str | Iterable[str]) -> tuple[str, ...]:
    """Names of columns, of which one may stand alone."""
    return (given,) if isinstance(given, str) else tuple(given)


def check_left_out(left_out: Sequence[str], known: Iterable[Any]) -> None:
    """Refuse to leave out a column that isn't there: a slip would change what is compared.

    Raises:
        CompareUseError: There is no such column.
    """
    names = list(dict.fromkeys(map(str, known)))
    for name in left_out:
        if name not in names:
            raise CompareUseError(
                f"ignore names {name!r}, and there is no such column",
                cause=f"the columns are {', '.join(names)}",
                mend=near_miss(name, names),
            )


def is_frame(value: Any) -> bool:
    """Whether it is a frame of Spark's, of either kind."""
    kind = type(value)  # to ask the frame itself would ask Spark
    return hasattr(kind, "toPandas") and hasattr(kind, "schema") and hasattr(kind, "isStreaming")


def is_pandas(value: Any) -> bool:
    """Whether it is a frame of pandas'."""
    return hasattr(value, "iloc") and hasattr(value, "columns") and hasattr(value, "itertuples")


def read_frame(frame: Any, *, leave_out: Collection[str] = (), most: int, whose: str) -> Table:
    """Collect a frame of Spark's.

    Raises:
        CompareUseError: It is a stream, or has two columns of one name.
        TooManyRowsError: It has more rows than ``most``.
    """
    if frame.isStreaming:
        raise CompareUseError(
            f"{whose} table is a stream",
            cause="a stream has no end, so its rows can't be compared",
            mend="let it write to a table (trigger availableNow), and compare that",
        )
    columns = tuple(column for column in columns_of(frame.schema.jsonValue()) if column.name not in leave_out)
    names = [column.name for column in columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise CompareUseError(
            f"{whose} table has two columns named {twice[0]!r}",
            cause="rows are compared by the names of their columns",
            mend="give one of them another name, by withColumnRenamed or alias",
        )
    foreign = [_is_foreign(column) for column in columns]
    if any(foreign) or len(columns) < len(frame.columns):
        picked = (
            frame[quote(name)].cast("string").alias(name) if strange else frame[quote(name)]
            for name, strange in zip(names, foreign, strict=True)
        )
        frame = frame.select(*picked)
    values = _values(frame.limit(most + 1), names)
    if values and len(values[0]) > most:
        raise TooManyRowsError(
            f"{whose} table has more than {most:,} rows".replace(",", " "),
            cause="to be compared they are all brought into this process",
            mend="compare a part of it, or sums over it; or allow it: max_rows=…",
        )
    fitted = [
        told if strange or column.kind.name in AS_ARROW_HAS_THEM else [fit(value, column.kind) for value in told]
        for told, column, strange in zip(values, columns, foreign, strict=True)
    ]
    return Table(columns, tuple(zip(*fitted, strict=True)))


def _is_foreign(column: Column) -> bool:
    return any(_NOT_IN_PYTHON.fullmatch(name) for name in leaves(column.kind))


def _values(frame: Any, names: Sequence[str]) -> list[list[Any]]:
    """All values by column. By Arrow where the client can: else two hours that a clock shows twice can't be told apart.

    Raises:
        CompareUseError: Python has no such value.
    """
    try:
        if hasattr(frame, "toArrow"):
            return [column.to_pylist() for column in frame.toArrow().columns]
        rows = frame.collect()
        return [[bytes(row[at]) if isinstance(row[at], bytearray) else row[at] for row in rows] for at in range(len(names))]
    except (OverflowError, ValueError) as exc:
        raise CompareUseError(
            "Python has no value for one that the table holds",
            cause=f"{exc}; its calendar ends with the year 9999",
            mend="compare such a column as text: withColumn(name, col(name).cast('string'))",
        ) from exc


def read_expected(given: Any, like: Table, *, all_names: Sequence[str], leave_out: Collection[str], zone: str) -> Table:
    """Take rows as a test writes them, or a frame of pandas', with the types of the table that they are compared with.

    ``all_names`` are that table's columns with those that are left out; a tuple may have values for them or not.

    Raises:
        CompareUseError: They are neither, or a row has too many values or too few.
    """
    rows = _of_pandas(given, like, zone) if is_pandas(given) else _named_rows(given, like.names, all_names)
    used = dict.fromkeys(name for row in rows for name in row)
    if not rows:
        used = dict.fromkeys(map(str, given.columns) if is_pandas(given) else like.names)
    known = {column.name: column for column in like.columns}
    names = [*(name for name in known if name in used), *(name for name in used if name not in {*known, *leave_out})]
    columns = tuple(known.get(name) or _unknown(name, rows) for name in names)
    values = (tuple(fit(row.get(column.name), column.kind) for column in columns) for row in rows)
    return Table(columns, tuple(values))


def _unknown(name: str, rows: Sequence[Mapping[str, Any]]) -> Column:
    example = next((row[name] for row in rows if row.get(name) is not None), None)
    return Column(name, Kind("a column of nulls" if example is None else f"a column of {type(example).__name__}"))


def _named_rows(given: Any, names: Sequence[str], all_names: Sequence[str]) -> list[Mapping[str, Any]]:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable) or as_mapping(given) is not None:
        raise CompareUseError(
            "what was expected is no table",
            cause=f"it is {str(given)[:80]!r}, of type {type(given).__name__}",
            mend="give a DataFrame, or a list of rows: dicts, tuples, Row(…)",
        )
    made = []
    for number, row in enumerate(given, 1):
        named = as_mapping(row)
        if named is None:
            named = _by_place(row, number, names, all_names)
        made.append(named)
    return made


def _by_place(row: Any, number: int, names: Sequence[str], all_names: Sequence[str]) -> Mapping[str, Any]:
    if isinstance(row, Sequence) and not isinstance(row, str | bytes):
        for known in (names, all_names):
            if len(row) == len(known):
                return dict(zip(known, row, strict=True))
        cause = f"it has {len(row)} values, and there are {len(names)} columns: {', '.join(names)}"
    else:
        cause = f"it is {str(row)[:80]!r}, of type {type(row).__name__}"
    raise CompareUseError(
        f"row {number} of those expected is no row of this table", cause=cause, mend="write it as a dict, or as a tuple of all"
    )


def _of_pandas(frame: Any, like: Table, zone: str) -> list[Mapping[str, Any]]:
    """A missing value is a null, whichever of its many ways pandas has it; a moment without a zone is of the session's."""
    import pandas as pd

    names = [str(name) for name in frame.columns]
    moments = {column.name for column in like.columns if column.kind.name == "timestamp"}

    def plain(name: str, value: Any) -> Any:
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return None
        if name in moments and isinstance(value, datetime) and value.tzinfo is None:
            return value.replace(tzinfo=_zone(zone))
        return value

    return [
        {name: plain(name, value) for name, value in zip(names, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise CompareUseError(
            "a moment of pandas' has no time zone",
            cause=f"it is meant in that of the session, which Python doesn't know: {name!r}",
            mend="give it one: frame[column].dt.tz_localize(…)",
        ) from exc
