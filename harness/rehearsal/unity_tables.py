"""Unity Catalog's REST on tables and views."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.catalog.names import literal, quote
from harness.rehearsal.answers import ApiError, not_found, route
from harness.rehearsal.uc_sql import METASTORE, Uc, only, owner_of, page, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call

_KINDS = {"bigint": "LONG", "smallint": "SHORT", "tinyint": "BYTE", "void": "NULL", "varchar": "STRING", "variant": "VARIANT"}
_VALUE = re.compile(r"\[(.*)\]", re.DOTALL)


def routes(uc: Uc, api: str) -> list[Route]:
    """The calls of this subject."""
    tables = _Tables(uc)
    return [
        route("GET", f"{api}/tables", tables.listed),
        route("GET", f"{api}/table-summaries", tables.summaries),
        route("GET", f"{api}/tables/{{full_name}}/exists", tables.exists),
        route("GET", f"{api}/tables/{{full_name}}", tables.get),
        route("PATCH", f"{api}/tables/{{full_name}}", tables.update),
        route("DELETE", f"{api}/tables/{{full_name}}", tables.delete),
    ]


class _Tables:
    """The calls, each a method."""

    def __init__(self, uc: Uc) -> None:
        self._uc = uc

    def listed(self, call: Call) -> dict[str, Any]:
        catalog, schema = parts_of(f"{call.text('catalog_name')}.{call.text('schema_name')}", "schema")
        self._uc.schema(catalog, schema)
        rows = self._uc.table(catalog, "tables", f"table_schema = {literal(schema)}")
        answer = page(rows, call, "tables")
        has_columns = not call.flag("omit_columns")
        found = [self._facts((catalog, schema, row["table_name"]), row, has_columns=has_columns) for row in answer["tables"]]
        for name in [name for name in ("properties",) if call.flag(f"omit_{name}")]:
            found = [{key: value for key, value in one.items() if key != name} for one in found]
        return {**answer, "tables": found}

    def summaries(self, call: Call) -> dict[str, Any]:
        (catalog,) = parts_of(call.text("catalog_name"), "catalog")
        schemas = call.text("schema_name_pattern", "%").lower().replace("%", "*")
        tables = call.text("table_name_pattern", "%").lower().replace("%", "*")
        rows = [
            {"full_name": f"{catalog}.{row['table_schema']}.{row['table_name']}", "table_type": row["table_type"]}
            for row in self._uc.table(catalog, "tables")
            if fnmatchcase(row["table_schema"], schemas) and fnmatchcase(row["table_name"], tables)
        ]
        return page(rows, call, "tables", most=10_000)

    def exists(self, call: Call) -> dict[str, Any]:
        catalog, schema, name = parts_of(call.path["full_name"], "table")
        self._uc.schema(catalog, schema)
        return {"table_exists": self._row(catalog, schema, name) is not None}

    def get(self, call: Call) -> dict[str, Any]:
        parts, row = self._found(call)
        return self._facts(parts, row)

    def update(self, call: Call) -> dict[str, Any]:
        given = call.json()
        only(given, ("owner",), "tables/update")
        parts, row = self._found(call)
        owner = str(given.get("owner") or "").replace("`", "``")
        if owner:
            self._uc.rows(f"ALTER {'VIEW' if row['table_type'] == 'VIEW' else 'TABLE'} {quote(*parts)} OWNER TO `{owner}`")
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        parts, row = self._found(call)
        self._uc.rows(f"DROP {'VIEW' if row['table_type'] == 'VIEW' else 'TABLE'} {quote(*parts)}")
        self._uc.forget("table", ".".join(parts))
        return {}

    def _found(self, call: Call) -> tuple[tuple[str, ...], dict[str, Any]]:
        parts = parts_of(call.path["full_name"], "table")
        self._uc.schema(*parts[:2])
        row = self._row(*parts)
        if row is None:
            self._uc.unseen("SELECT", "TABLE", *parts)
            raise not_found(f"Table '{'.'.join(parts)}' does not exist.", code="TABLE_DOES_NOT_EXIST")
        return parts, row

    def _row(self, catalog: str, schema: str, name: str) -> dict[str, Any] | None:
        where = f"table_schema = {literal(schema)} AND table_name = {literal(name)}"
        found = self._uc.table(catalog, "tables", where)
        return found[0] if found else None

    def _facts(self, parts: tuple[str, ...], row: Mapping[str, Any], *, has_columns: bool = True) -> dict[str, Any]:
        full_name = ".".join(parts)
        told, partitions = self._told(parts)
        seen = self._uc.seen("table", full_name, at=told.get("Location", ""))
        facts = {
            "name": parts[2],
            "catalog_name": parts[0],
            "schema_name": parts[1],
            "full_name": full_name,
            "table_type": row["table_type"],
            **({"data_source_format": row["data_source_format"]} if row["data_source_format"] else {}),
            **({"storage_location": told["Location"]} if "Location" in told else {}),
            **({"view_definition": told["View Text"]} if "View Text" in told else {}),
            "owner": owner_of(row["table_owner"]),
            **({"comment": row["comment"]} if row["comment"] else {}),
            "properties": _properties(told.get("Table Properties", "")),
            "metastore_id": METASTORE,
            "table_id": seen.id,
            "created_at": seen.at,
            "created_by": owner_of(row["table_owner"]),
            "updated_at": seen.at,
            "updated_by": owner_of(row["table_owner"]),
        }
        return {**facts, **({"columns": self._columns(parts, partitions)} if has_columns else {})}

    def _told(self, parts: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
        """What DESCRIBE says of a table, by name, and the columns that it is partitioned by."""
        rows = [(row["col_name"], row["data_type"]) for row in self._uc.rows(f"DESCRIBE TABLE EXTENDED {quote(*parts)}")]
        heads = [index for index, (name, _) in enumerate(rows) if name.startswith("# Detailed ")]
        partitions: list[str] = []
        for name, kind in rows[: heads[0] if heads else 0]:
            if name.startswith("# Partition"):
                partitions = ["#"]
            elif partitions and name and not name.startswith("#") and kind:
                partitions.append(name)
        return dict(rows[heads[0] + 1 :] if heads else []), partitions[1:]

    def _columns(self, parts: tuple[str, ...], partitions: list[str]) -> list[dict[str, Any]]:
        from pyspark.errors import PySparkException

        try:
            schema = self._uc.spark.table(quote(*parts)).schema
        except PySparkException as exc:  # a view on what is gone
            raise ApiError(400, "INVALID_STATE", str(exc).split("\n\nJVM stacktrace:")[0]) from exc
        return [_column(field, position, partitions) for position, field in enumerate(schema)]


def _column(field: Any, position: int, partitions: list[str]) -> dict[str, Any]:
    kind = field.dataType
    text = field.metadata.get("__CHAR_VARCHAR_TYPE_STRING") or kind.simpleString()
    first = re.split(r"[(<]", text)[0].split(" ")[0]
    facts = {
        "name": field.name,
        "position": position,
        "nullable": field.nullable,
        "type_text": text,
        "type_name": _KINDS.get(first, first.upper()),
        "type_json": json.dumps(field.jsonValue(), separators=(",", ":")),
        "type_precision": getattr(kind, "precision", 0),
        "type_scale": getattr(kind, "scale", 0),
    }
    if field.metadata.get("comment"):
        facts["comment"] = field.metadata["comment"]
    if field.name in partitions:
        facts["partition_index"] = partitions.index(field.name)
    return facts


def _properties(told: str) -> dict[str, str]:
    """Spark shows them as [key=value,key=value]."""
    inner = _VALUE.fullmatch(told.strip())
    pairs = inner[1].split(",") if inner is not None and inner[1] else []
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
