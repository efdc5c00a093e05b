"""A table's columns and their types, taken from Spark's schema as JSON, and how two tables' columns differ, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Spark's JSON has the names of Java, its SQL those that people write.
_NAMES = {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type. ``parts`` are a struct's fields, an array's elements (``[]``), or a map's keys and values."""

    name: str
    parts: tuple[Column, ...] = ()

    def __str__(self) -> str:
        if self.name == "struct":
            return f"struct<{', '.join(f'{part.name}: {part.kind}' for part in self.parts)}>"
        return f"{self.name}<{', '.join(str(part.kind) for part in self.parts)}>" if self.parts else self.name


@dataclass(frozen=True, slots=True)
class Column:
    """A column, or a part of a type."""

    name: str
    kind: Kind
    nullable: bool = True


def columns_of(schema: Mapping[str, Any]) -> tuple[Column, ...]:
    """The columns of ``StructType.jsonValue()``."""
    return tuple(Column(field["name"], _kind(field["type"]), field["nullable"]) for field in schema["fields"])


def _kind(told: Any) -> Kind:
    if isinstance(told, str):
        return Kind(_NAMES.get(told, told))
    match told["type"]:
        case "struct":
            return Kind("struct", columns_of(told))
        case "array":
            return Kind("array", (Column("[]", _kind(told["elementType"]), told["containsNull"]),))
        case "map":
            key = Column("{key}", _kind(told["keyType"]), nullable=False)
            return Kind("map", (key, Column("{value}", _kind(told["valueType"]), told["valueContainsNull"])))
        case _:  # a class of the user's own: what it is stored as
            return _kind(told["sqlType"])


def leaves(kind: Kind) -> Iterator[str]:
    """The names of the types that hold no others."""
    if not kind.parts:
        yield kind.name
    for part in kind.parts:
        yield from leaves(part.kind)


@dataclass(frozen=True, slots=True)
class SchemaDifferences:
    """What differs: ``lines`` for people, and the columns that both tables have with the same type."""

    lines: tuple[str, ...]
    alike: tuple[str, ...]


def compare_columns(
    actual: Sequence[Column], expected: Sequence[Column], *, nullable: bool = False, order: bool = False
) -> SchemaDifferences:
    """Say which columns are missing, extra or of another type; nullability and order only if asked for."""
    there = {column.name: column for column in actual}
    both = [(there[column.name], column) for column in expected if column.name in there]
    alike = [mine.name for mine, theirs in both if not [*_between("", mine, theirs, nullable=False, order=False)]]
    return SchemaDifferences(tuple(_among("", actual, expected, nullable=nullable, order=order)), tuple(alike))


def _among(path: str, actual: Sequence[Column], expected: Sequence[Column], *, nullable: bool, order: bool) -> Iterator[str]:
    there = {column.name: column for column in actual}
    wanted = {column.name: column for column in expected}
    spelt = {name.lower(): name for name in there if name not in wanted}
    told = set()
    for name, column in wanted.items():
        if name in there:
            yield from _between(path, there[name], column, nullable=nullable, order=order)
        elif name.lower() in spelt:
            told.add(other := spelt[name.lower()])
            yield f"{path}{other}: expected to be spelt {name}"
        else:
            yield f"{path}{name}: missing, expected {column.kind}"
    for name, column in there.items():
        if name not in wanted and name not in told:
            yield f"{path}{name}: not expected, got {column.kind}"
    names = [name for name in there if name in wanted]
    if order and names != (expected_names := [name for name in wanted if name in there]):
        what = f"the fields of {path[:-1]}" if path else "the columns"
        yield f"{what} are in another order: expected {', '.join(expected_names)}; got {', '.join(names)}"


def _between(path: str, actual: Column, expected: Column, *, nullable: bool, order: bool) -> Iterator[str]:
    name = path + expected.name
    if actual.kind.name != expected.kind.name:
        yield f"{name}: expected {expected.kind}, got {actual.kind}"
    elif actual.kind.name == "struct":
        yield from _among(f"{name}.", actual.kind.parts, expected.kind.parts, nullable=nullable, order=order)
    else:
        for mine, theirs in zip(actual.kind.parts, expected.kind.parts, strict=True):
            yield from _between(name, mine, theirs, nullable=nullable, order=order)
    if nullable and actual.nullable != expected.nullable:
        yield f"{name}: expected {_nulls(expected)}, got {_nulls(actual)}"


def _nulls(column: Column) -> str:
    return "nullable" if column.nullable else "not null"
