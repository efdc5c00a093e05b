"""Unity Catalog's REST on functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.catalog.names import literal, quote
from harness.catalog.statements import create_function
from harness.rehearsal.answers import ApiError, not_found, route
from harness.rehearsal.uc_sql import METASTORE, Uc, only, owner_of, page, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call

_TAKEN = (
    "name",
    "catalog_name",
    "schema_name",
    "input_params",
    "data_type",
    "full_data_type",
    "routine_body",
    "routine_definition",
    "external_language",
    "comment",
    # What every function here is.
    "parameter_style",
    "is_deterministic",
    "sql_data_access",
    "is_null_call",
    "security_type",
    "specific_name",
)


def routes(uc: Uc, api: str) -> list[Route]:
    """The calls of this subject."""
    functions = _Functions(uc)
    return [
        route("POST", f"{api}/functions", functions.create),
        route("GET", f"{api}/functions", functions.listed),
        route("GET", f"{api}/functions/{{full_name}}", functions.get),
        route("PATCH", f"{api}/functions/{{full_name}}", functions.update),
        route("DELETE", f"{api}/functions/{{full_name}}", functions.delete),
    ]


class _Functions:
    """The calls, each a method."""

    def __init__(self, uc: Uc) -> None:
        self._uc = uc

    def create(self, call: Call) -> dict[str, Any]:
        given = dict(call.json().get("function_info") or {})
        only(given, _TAKEN, "functions/create")
        parts = parts_of(".".join(str(given.get(name) or "") for name in ("catalog_name", "schema_name", "name")), "function")
        self._uc.schema(*parts[:2])
        if self._row(*parts) is not None:
            raise ApiError(400, "FUNCTION_ALREADY_EXISTS", f"Routine or Model '{parts[2]}' already exists in that schema")
        taken = (given.get("input_params") or {}).get("parameters") or []
        language = str(given.get("external_language") or "sql") if given.get("routine_body") == "EXTERNAL" else "sql"
        self._uc.rows(
            create_function(
                parts,
                parameters=", ".join(f"{quote(one['name'])} {one['type_text']}" for one in taken),
                returns=str(given.get("full_data_type") or given.get("data_type") or ""),
                body=str(given.get("routine_definition") or ""),
                language=language,
                comment=str(given.get("comment") or ""),
            )
        )
        self._uc.forget("function", ".".join(parts))
        return self._facts(parts)

    def listed(self, call: Call) -> dict[str, Any]:
        catalog, schema = parts_of(f"{call.text('catalog_name')}.{call.text('schema_name')}", "schema")
        self._uc.schema(catalog, schema)
        answer = page(self._uc.table(catalog, "routines", f"routine_schema = {literal(schema)}"), call, "functions")
        found = [self._facts((catalog, schema, row["routine_name"]), row) for row in answer["functions"]]
        return {**answer, "functions": found}

    def get(self, call: Call) -> dict[str, Any]:
        return self._facts(parts_of(call.path["full_name"], "function"))

    def update(self, call: Call) -> dict[str, Any]:
        given = call.json()
        only(given, ("owner",), "functions/update")
        parts = parts_of(call.path["full_name"], "function")
        self._facts(parts)
        owner = str(given.get("owner") or "").replace("`", "``")
        if owner:
            self._uc.rows(f"ALTER FUNCTION {quote(*parts)} OWNER TO `{owner}`")
        return self._facts(parts)

    def delete(self, call: Call) -> dict[str, Any]:
        parts = parts_of(call.path["full_name"], "function")
        self._facts(parts)
        self._uc.rows(f"DROP FUNCTION {quote(*parts)}")
        self._uc.forget("function", ".".join(parts))
        return {}

    def _row(self, catalog: str, schema: str, name: str) -> dict[str, Any] | None:
        where = f"routine_schema = {literal(schema)} AND routine_name = {literal(name)}"
        found = self._uc.table(catalog, "routines", where)
        return found[0] if found else None

    def _facts(self, parts: tuple[str, ...], row: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if row is None:
            self._uc.schema(*parts[:2])
            row = self._row(*parts)
        full_name = ".".join(parts)
        if row is None:
            self._uc.unseen("EXECUTE", "FUNCTION", *parts)
            message = f"Routine or Model '{full_name}' does not exist."
            raise not_found(message, code="ROUTINE_OR_MODEL_DOES_NOT_EXIST")
        told = self._uc.rows(f"DESCRIBE FUNCTION EXTENDED {quote(*parts)}")
        facts = dict(line["function_desc"].split(":", 1) for line in told if ":" in line["function_desc"])
        told_of = {name: value.strip() for name, value in facts.items()}
        seen = self._uc.seen("function", full_name)
        is_external = row["routine_body"] == "EXTERNAL"
        return {
            "name": parts[2],
            "catalog_name": parts[0],
            "schema_name": parts[1],
            "full_name": full_name,
            "data_type": "TABLE_TYPE" if row["data_type"] == "TABLE" else _kind(row["data_type"]),
            "full_data_type": row["data_type"],
            "input_params": {"parameters": _parameters(told_of.get("Input", ""))},
            "routine_body": row["routine_body"],
            "routine_definition": row["routine_definition"],
            **({"external_language": told_of.get("Language", "PYTHON")} if is_external else {}),
            "is_deterministic": told_of.get("Deterministic") == "true",
            "parameter_style": "S",
            "security_type": "DEFINER",
            "sql_data_access": "NO_SQL" if is_external else "CONTAINS_SQL",
            "specific_name": parts[2],
            "owner": owner_of(told_of.get("Owner", "")),
            **({"comment": row["comment"]} if row["comment"] else {}),
            "function_id": seen.id,
            "metastore_id": METASTORE,
            "created_at": seen.at,
            "created_by": owner_of(told_of.get("Owner", "")),
            "updated_at": seen.at,
            "updated_by": owner_of(told_of.get("Owner", "")),
        }


def _kind(told: str | None) -> str:
    first = (told or "string").split("(")[0].split("<")[0].strip().upper()
    return {"BIGINT": "LONG", "SMALLINT": "SHORT", "TINYINT": "BYTE", "INTEGER": "INT"}.get(first, first)


def _parameters(told: str) -> list[dict[str, Any]]:
    """Spark shows them as ``a INT, b DECIMAL(6,2)``."""
    parts: list[str] = []
    depth = 0
    for piece in told.split(","):
        if depth:
            parts[-1] += "," + piece
        elif piece.strip():
            parts.append(piece.strip())
        depth += sum(piece.count(sign) for sign in "(<") - sum(piece.count(sign) for sign in ")>")
    found = []
    for position, part in enumerate(parts):
        name, _, kind = part.partition(" ")
        found.append({"name": name, "type_text": kind.lower(), "type_name": _kind(kind), "position": position})
    return found
