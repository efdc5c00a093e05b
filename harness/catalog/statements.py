"""The SQL that makes and removes objects; every name is quoted where it needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.catalog.names import literal, quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.catalog.ledger import Entry


def create_catalog(name: str, *, comment: str, location: str = "") -> str:
    """CREATE CATALOG."""
    at = f" MANAGED LOCATION {literal(location)}" if location else ""
    return f"CREATE CATALOG {quote(name)}{at}{_comment(comment)}"


def create_schema(parts: tuple[str, ...], *, comment: str) -> str:
    """CREATE SCHEMA."""
    return f"CREATE SCHEMA {quote(*parts)}{_comment(comment)}"


def create_table(
    parts: tuple[str, ...],
    *,
    columns: str,
    using: str,
    partitioned_by: Iterable[str] = (),
    properties: Mapping[str, str] | None = None,
    comment: str = "",
    query: str = "",
) -> str:
    """CREATE TABLE, of columns or of a query."""
    told = f"CREATE TABLE {quote(*parts)}" + (f" ({columns})" if columns else "") + f" USING {quote(using)}"
    by = ", ".join(map(quote, partitioned_by))
    said = ", ".join(f"{literal(key)} = {literal(value)}" for key, value in (properties or {}).items())
    told += (f" PARTITIONED BY ({by})" if by else "") + _comment(comment) + (f" TBLPROPERTIES ({said})" if said else "")
    return told + (f" AS {query}" if query else "")


def create_table_like(parts: tuple[str, ...], other: tuple[str, ...]) -> str:
    """CREATE TABLE … LIKE."""
    return f"CREATE TABLE {quote(*parts)} LIKE {quote(*other)}"


def create_view(parts: tuple[str, ...], query: str, *, comment: str) -> str:
    """CREATE VIEW."""
    return f"CREATE VIEW {quote(*parts)}{_comment(comment)} AS {query}"


def create_volume(parts: tuple[str, ...], *, location: str, comment: str) -> str:
    """CREATE VOLUME, EXTERNAL where it has a location of its own."""
    where = f" LOCATION {literal(location)}" if location else ""
    return f"CREATE {'EXTERNAL ' if location else ''}VOLUME {quote(*parts)}{where}{_comment(comment)}"


def create_function(parts: tuple[str, ...], *, parameters: str, returns: str, body: str, language: str, comment: str) -> str:
    """CREATE FUNCTION, written in SQL or in Python."""
    told = f"CREATE FUNCTION {quote(*parts)}({parameters})" + (f" RETURNS {returns}" if returns else "")
    if language.lower() == "python":
        return f"{told} LANGUAGE PYTHON{_comment(comment)} AS $$\n{body}\n$$"
    return f"{told}{_comment(comment)} RETURN {body}"


def drop(entry: Entry) -> str:
    """The statement that removes an object, and minds neither that it is gone nor what is in it."""
    cascade = " CASCADE" if entry.kind in {"catalog", "schema"} else ""
    return f"DROP {entry.kind.upper()} IF EXISTS {quote(*entry.parts)}{cascade}"


def _comment(text: str) -> str:
    return f" COMMENT {literal(text)}" if text else ""
