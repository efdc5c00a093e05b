"""Unity Catalog as the workspace's own Spark session knows it: what REST asks is asked by SQL, so that both tell one truth."""

from __future__ import annotations

import base64
import binascii
import getpass
import re
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.catalog.names import quote
from harness.errors import HarnessError
from harness.rehearsal.answers import ApiError, invalid, not_found
from harness.rehearsal.identity import USER
from harness.rehearsal.space import session_as, session_of
from harness.rehearsal.workspace import PRINCIPAL, caller_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyspark.sql import SparkSession

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

METASTORE = "00000000-0000-4000-9000-000000000301"
"""The id of each rehearsal's metastore."""

OLD = frozenset({"hive_metastore", "spark_catalog"})
"""Catalogs of Spark that are none of Unity Catalog's."""

PAGE = 50
"""How many objects an answer has at most, where the caller leaves it to the server."""

_FORBIDDEN = 403
_FAR = ("abfss://", "s3://", "gs://", "abfs://", "wasbs://")
_PARTS = {"catalog": 1, "schema": 2}

_CONDITIONS = {
    "INSUFFICIENT_PERMISSIONS": (403, "PERMISSION_DENIED"),
    "NO_SUCH_CATALOG_EXCEPTION": (404, "CATALOG_DOES_NOT_EXIST"),
    "SCHEMA_NOT_FOUND": (404, "SCHEMA_DOES_NOT_EXIST"),
    "TABLE_OR_VIEW_NOT_FOUND": (404, "TABLE_DOES_NOT_EXIST"),
    "ROUTINE_NOT_FOUND": (404, "FUNCTION_DOES_NOT_EXIST"),
    "NBH_FUNCTION_NOT_FOUND": (404, "FUNCTION_DOES_NOT_EXIST"),
    "NBH_VOLUME_NOT_FOUND": (404, "VOLUME_DOES_NOT_EXIST"),
    "NBH_CATALOG_ALREADY_EXISTS": (400, "CATALOG_ALREADY_EXISTS"),
    "SCHEMA_ALREADY_EXISTS": (400, "SCHEMA_ALREADY_EXISTS"),
    "TABLE_OR_VIEW_ALREADY_EXISTS": (400, "TABLE_ALREADY_EXISTS"),
    "ROUTINE_ALREADY_EXISTS": (400, "FUNCTION_ALREADY_EXISTS"),
    "NBH_FUNCTION_ALREADY_EXISTS": (400, "FUNCTION_ALREADY_EXISTS"),
    "NBH_VOLUME_ALREADY_EXISTS": (400, "VOLUME_ALREADY_EXISTS"),
    "NBH_CATALOG_NOT_EMPTY": (400, "CATALOG_NOT_EMPTY"),
    "SCHEMA_NOT_EMPTY": (400, "SCHEMA_NOT_EMPTY"),
}
"""Spark's conditions, and what Unity Catalog's API has for them; others are a value that it refuses."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What REST tells of an object and Spark has no place for: an id, and when it was seen first."""

    id: str
    at: int


@dataclass(slots=True)
class _Kept:
    seen: dict[tuple[str, str, str], Seen] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Uc:
    """The catalogs of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._kept: _Kept = workspace.shared.setdefault("unity", _Kept())

    @property
    def spark(self) -> SparkSession:
        """The workspace's own session; as the principal's, where one calls.

        Raises:
            ApiError: There is no Spark here; the message says why.
        """
        try:
            principal = PRINCIPAL.get()
            return session_as(self.workspace, principal) if principal else session_of(self.workspace).spark
        except HarnessError as exc:
            raise ApiError(500, "INTERNAL_ERROR", f"the rehearsal has no Spark: {exc}") from exc

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a statement gives.

        Raises:
            ApiError: Spark refuses it.
        """
        from pyspark.errors import PySparkException

        try:
            return [row.asDict() for row in self.spark.sql(query).collect()]
        except PySparkException as exc:
            raise _refusal(exc) from exc

    def catalogs(self) -> list[str]:
        """The names of all catalogs."""
        return [row["catalog"] for row in self.rows("SHOW CATALOGS") if row["catalog"] not in OLD]

    def require(self, privilege: str, kind: str, *parts: str) -> None:
        """See that whoever calls has a privilege.

        Raises:
            ApiError: It hasn't, or the object isn't there.
        """
        if PRINCIPAL.get():
            self.rows(f"NBH REQUIRE {privilege} ON {kind} {quote(*parts)}")

    def may(self, privilege: str, kind: str, *parts: str) -> bool:
        """Whether whoever calls has a privilege."""
        try:
            self.require(privilege, kind, *parts)
        except ApiError as exc:
            if exc.status == _FORBIDDEN:
                return False
            raise
        return True

    def unseen(self, privilege: str, kind: str, *parts: str) -> None:
        """Tell of an object that isn't shown whether that is for want of a privilege.

        Raises:
            ApiError: It is.
        """
        try:
            self.require(privilege, kind, *parts)
        except ApiError as exc:
            if exc.status == _FORBIDDEN:
                raise

    def table(self, catalog: str, name: str, where: str = "true") -> list[dict[str, Any]]:
        """The rows of a table of the catalog's information_schema.

        Raises:
            ApiError: There is no such catalog.
        """
        if catalog.lower() not in self.catalogs():
            raise not_found(f"Catalog '{catalog}' does not exist.", code="CATALOG_DOES_NOT_EXIST")
        return self.rows(f"SELECT * FROM {quote(catalog, 'information_schema', name)} WHERE {where}")  # noqa: S608 -- names are quoted

    def schema(self, catalog: str, name: str) -> dict[str, Any]:
        """What is known of a schema.

        Raises:
            ApiError: It, or its catalog, isn't there.
        """
        if PRINCIPAL.get() and name.lower() != "information_schema" and catalog.lower() in self.catalogs():
            self.unseen("USE SCHEMA", "SCHEMA", catalog, name)
        found = [row for row in self.table(catalog, "schemata") if row["schema_name"] == name.lower()]
        if not found:
            raise not_found(f"Schema '{catalog}.{name}' does not exist.", code="SCHEMA_DOES_NOT_EXIST")
        return found[0]

    def seen(self, kind: str, full_name: str, *, at: str = "") -> Seen:
        """The id of an object; ``at`` tells one from another that had its name before."""
        with self._kept.lock:
            key = (kind, full_name, at)
            if key not in self._kept.seen:
                self._kept.seen[key] = Seen(str(uuid.uuid4()), self.workspace.clock.now_ms())
            return self._kept.seen[key]

    def forget(self, kind: str, full_name: str) -> None:
        """An object is gone; one that is made later under its name is another."""
        with self._kept.lock:
            for key in [key for key in self._kept.seen if key[0] == kind and key[1] == full_name]:
                del self._kept.seen[key]

    def own(self, schema: Sequence[str], call: Call) -> None:
        """Give a schema that a call has made to its caller; Spark gives it to whoever its process runs as."""
        self.rows(f"ALTER SCHEMA {quote(*schema)} OWNER TO `{caller_of(call.request).name}`")


def owner_of(told: str | None) -> str:
    """An owner; what belongs to this machine's user, as a schema that SQL made, is the workspace's user's."""
    return USER.name if told == getpass.getuser() else told or ""


def _refusal(exc: Any) -> ApiError:
    condition = exc.getCondition() or ""
    told = str(exc.getMessage() if hasattr(exc, "getMessage") else exc) or str(exc)
    text = re.sub(r"^\[[\w.]+\] (Insufficient privileges:\n)?", "", told.split("\n\nJVM stacktrace:")[0]).strip()
    if condition == "INSUFFICIENT_PERMISSIONS":
        text = text.removesuffix(" SQLSTATE: 42501")
    status, code = _CONDITIONS.get(condition, (400, "INVALID_PARAMETER_VALUE"))
    return ApiError(status, code, text)


def parts_of(full_name: str, kind: str) -> tuple[str, ...]:
    """The parts of a full name as the API has them: lower case, without backticks.

    Raises:
        ApiError: It is no such name.
    """
    parts = tuple(full_name.split("."))
    wanted = _PARTS.get(kind, 3)
    if len(parts) != wanted or not all(parts):
        shape = ".".join(["<catalog>", "<schema>", f"<{kind}>"][:wanted]) if wanted > 1 else "<catalog>"
        raise invalid(f"'{full_name}' is not a valid name of a {kind}: it must have the form {shape}.")
    return tuple(part.lower() for part in parts)


def only(given: Mapping[str, Any], known: Iterable[str], call: str) -> None:
    """See that a call asks for nothing that would have no effect here.

    Raises:
        ApiError: It does.
    """
    for name, value in given.items():
        if name not in known and value not in (None, {}, []):
            raise ApiError(
                501, "NOT_IMPLEMENTED", f"The rehearsal's {call} does nothing with {name}; it takes {', '.join(known)}."
            )


def near(root: str) -> str:
    """A folder that this machine has.

    Raises:
        ApiError: It is one of a cloud's, and no external location of this workspace leads there.
    """
    if root.startswith(_FAR):
        raise not_found(
            f"No parent external location was found for path '{root}'. Please create an external location on one of the "
            "parent paths and then retry the query or command again.",
            code="EXTERNAL_LOCATION_DOES_NOT_EXIST",
        )
    return root


def page(items: Sequence[Any], call: Call, name: str, *, most: int = PAGE) -> dict[str, Any]:
    """One page of a list, and the token for the next one.

    Raises:
        ApiError: The token or the size is none.
    """
    size = call.number("max_results", 0)
    if size < 0:
        raise invalid(f"max_results must be 0 or more, and not {size}")
    size = min(size, most) or most
    begin = _begin(call.text("page_token", ""))
    answer: dict[str, Any] = {name: list(items[begin : begin + size])}
    if begin + size < len(items):
        answer["next_page_token"] = base64.urlsafe_b64encode(f"nbh:{begin + size}".encode()).decode()
    return answer


def _begin(token: str) -> int:
    if not token:
        return 0
    try:
        told = base64.urlsafe_b64decode(token).decode()
        return int(told.removeprefix("nbh:"))
    except (binascii.Error, ValueError) as exc:
        raise invalid("Invalid page token.") from exc
