"""Unity Catalog's REST on privileges: those that SQL's GRANT and REVOKE keep, so that both tell one truth.

To the workspace's user, as to a session of local tests, all is open; a service principal is held to what was granted to it, by
the engine (io.nbh.spark.Access), of which REST asks for it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.catalog.names import quote
from harness.rehearsal.answers import ApiError, invalid, not_found, route
from harness.rehearsal.identity import PRINCIPAL, USER
from harness.rehearsal.uc_sql import METASTORE, Uc, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

API = "/api/2.1/unity-catalog"

GROUPS = ("account users", "users", "admins")
"""The groups that each workspace has."""

_ON_TABLE = {"ALL_PRIVILEGES", "APPLY_TAG", "MANAGE", "MODIFY", "SELECT"}
_ON_VOLUME = {"ALL_PRIVILEGES", "APPLY_TAG", "MANAGE", "READ_VOLUME", "WRITE_VOLUME"}
_ON_FUNCTION = {"ALL_PRIVILEGES", "APPLY_TAG", "EXECUTE", "MANAGE"}
_ON_SCHEMA = {
    *_ON_TABLE,
    *_ON_VOLUME,
    *_ON_FUNCTION,
    "CREATE_FUNCTION",
    "CREATE_MATERIALIZED_VIEW",
    "CREATE_MODEL",
    "CREATE_TABLE",
    "CREATE_VOLUME",
    "EXTERNAL_USE_SCHEMA",
    "REFRESH",
    "USE_SCHEMA",
}
_ON = {
    "CATALOG": {*_ON_SCHEMA, "BROWSE", "CREATE_SCHEMA", "USE_CATALOG"},
    "SCHEMA": _ON_SCHEMA,
    "TABLE": _ON_TABLE,
    "VOLUME": _ON_VOLUME,
    "FUNCTION": _ON_FUNCTION,
    "EXTERNAL_LOCATION": {"ALL_PRIVILEGES", "BROWSE", "CREATE_MANAGED_STORAGE", "MANAGE"},
    "METASTORE": {
        "CREATE_CATALOG",
        "CREATE_CONNECTION",
        "CREATE_EXTERNAL_LOCATION",
        "CREATE_PROVIDER",
        "CREATE_RECIPIENT",
        "CREATE_SHARE",
        "CREATE_STORAGE_CREDENTIAL",
        "MANAGE_ALLOWLIST",
    },
}
"""Which privileges can be given on what; those on what is inside are inherited."""

_OF_FILES = {
    "CREATE_EXTERNAL_TABLE",
    "CREATE_EXTERNAL_VOLUME",
    "CREATE_FOREIGN_CATALOG",
    "CREATE_FOREIGN_SECURABLE",
    "EXTERNAL_USE_LOCATION",
    "READ_FILES",
    "WRITE_FILES",
}
"""What an external location's other privileges are; files by their path are open to all here."""

_SAME = {"VIEW": "TABLE", "EXTERNAL LOCATION": "EXTERNAL_LOCATION"}
DISK = "local"
"""The one external location: this machine's disk."""


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    grants = _Grants(workspace)
    named = "{securable_type}/{full_name}"
    return [
        route("GET", f"{API}/permissions/{named}", grants.get),
        route("PATCH", f"{API}/permissions/{named}", grants.update),
        route("GET", f"{API}/effective-permissions/{named}", grants.effective),
        route("POST", "/rehearsal/principals", grants.know),
    ]


class _Grants:
    """The calls, each a method."""

    def __init__(self, workspace: Workspace) -> None:
        self._uc = Uc(workspace)
        self._known = {USER.name, PRINCIPAL.name, *GROUPS}

    def know(self, call: Call) -> dict[str, Any]:
        """Have the workspace know more users, groups and service principals: privileges are given to those it knows."""
        names = call.json().get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise invalid("principals are given as a list of names")
        self._known |= set(names)
        return {"names": sorted(self._known)}

    def get(self, call: Call) -> dict[str, Any]:
        kind, parts = _securable(call)
        return self._direct(kind, parts, call.text("principal", ""))

    def update(self, call: Call) -> dict[str, Any]:
        kind, parts = _securable(call)
        self._rows(kind, parts)  # before anything is changed: is it there?
        changes = call.json().get("changes") or []
        for change in changes:
            self._check(kind, parts, change)
        for change in changes:
            who = _quoted(change["principal"])
            for verb, way, privileges in (
                ("GRANT", "TO", change.get("add") or []),
                ("REVOKE", "FROM", change.get("remove") or []),
            ):
                if privileges:
                    told = ", ".join(privilege.replace("_", " ") for privilege in privileges)
                    self._uc.rows(f"{verb} {told} ON {_on(kind, parts)} {way} {who}")
        return self._direct(kind, parts, "")

    def effective(self, call: Call) -> dict[str, Any]:
        kind, parts = _securable(call)
        principal = call.text("principal", "")
        found: dict[str, list[dict[str, Any]]] = {}
        own = ".".join(parts)
        for row in self._rows(kind, parts):
            if row["ObjectKey"] == own and not _is_of(row, kind):
                continue  # a volume may have a table's name
            if principal in {"", row["Principal"]}:
                told: dict[str, Any] = {"privilege": _code(row["ActionType"])}
                if row["ObjectKey"] != own:
                    told |= {"inherited_from_type": row["ObjectType"], "inherited_from_name": row["ObjectKey"]}
                found.setdefault(row["Principal"], []).append(told)
        return {"privilege_assignments": [{"principal": who, "privileges": told} for who, told in sorted(found.items())]}

    def _direct(self, kind: str, parts: tuple[str, ...], principal: str) -> dict[str, Any]:
        found: dict[str, list[str]] = {}
        for row in self._rows(kind, parts):
            is_here = row["ObjectKey"] == ".".join(parts) and _is_of(row, kind)
            if is_here and principal in {"", row["Principal"]}:
                found.setdefault(row["Principal"], []).append(_code(row["ActionType"]))
        return {"privilege_assignments": [{"principal": who, "privileges": told} for who, told in sorted(found.items())]}

    def _rows(self, kind: str, parts: tuple[str, ...]) -> list[dict[str, Any]]:
        return self._uc.rows(f"SHOW GRANTS ON {_on(kind, parts)}")

    def _check(self, kind: str, parts: tuple[str, ...], change: Mapping[str, Any]) -> None:
        who = change.get("principal")
        if not isinstance(who, str) or not who:
            raise invalid("Missing required field: principal")
        asked: Iterable[str] = [*(change.get("add") or []), *(change.get("remove") or [])]
        for privilege in asked:
            if kind == "EXTERNAL_LOCATION" and privilege in _OF_FILES:
                known = ", ".join(sorted(_ON[kind]))
                raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal keeps nobody from files by {privilege}; it has {known}.")
            if privilege not in set().union(*_ON.values()):
                raise invalid(f"Invalid privilege: {privilege}")
            if privilege not in _ON[kind]:
                name = ".".join(parts) or METASTORE
                raise invalid(f"Privilege {privilege.replace('_', ' ')} is not applicable to this entity [{name}:{kind}].")
        if who not in self._known and not any(row["Principal"] == who for row in self._rows(kind, parts)):
            raise not_found(f"Could not find principal with name {who}", code="PRINCIPAL_DOES_NOT_EXIST")


def _securable(call: Call) -> tuple[str, tuple[str, ...]]:
    kind = call.path["securable_type"].upper()
    if kind not in _ON:
        message = f"The rehearsal has no privileges on a {kind.lower()}; it has them on {', '.join(sorted(_ON)).lower()}."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    name = call.path["full_name"]
    if kind == "METASTORE":
        if name != METASTORE:
            raise not_found(f"Metastore '{name}' does not exist.", code="METASTORE_DOES_NOT_EXIST")
        return kind, ()
    if kind == "EXTERNAL_LOCATION":
        if name != DISK:
            raise not_found(f"External Location '{name}' does not exist.", code="EXTERNAL_LOCATION_DOES_NOT_EXIST")
        return kind, (name,)
    return kind, parts_of(name, kind.lower())


def _on(kind: str, parts: tuple[str, ...]) -> str:
    return f"{kind.replace('_', ' ')} {quote(*parts)}" if parts else kind


def _is_of(row: Mapping[str, Any], kind: str) -> bool:
    return bool(_SAME.get(row["ObjectType"], row["ObjectType"]) == kind)


def _code(privilege: str) -> str:
    return privilege.replace(" ", "_")


def _quoted(principal: str) -> str:
    return "`" + principal.replace("`", "``") + "`"
