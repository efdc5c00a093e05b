"""Whether the identity of a run could change what is protected: read before anything runs, never assumed.

Effective privileges are read on the catalog, on each of its schemas, and in those that the identity may use on each table and
volume, for the identity, its groups and all account users. A workspace has no call that tells them for a whole catalog, so that
of very many tables not all are looked at before each run, which is told; `nbh doctor` looks at all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.remote.errors import MissingError, PrivilegeError, RemoteError, UnknownPrivilegeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.remote.protocol import Facts, Identity, Workspace

READING = frozenset(
    {
        "BROWSE",
        "EXECUTE",
        "READ_FILES",
        "READ_METADATA",
        "READ_VOLUME",
        "SELECT",
        "USAGE",
        "USE_CATALOG",
        "USE_SCHEMA",
    }
)
"""Privileges that change nothing. Whatever else there is, or comes to be, counts as one that does."""

_EVERYBODY = ("account users", "users")
_MOST_SCHEMAS = 500
_MOST_OBJECTS = 100
_AT_ONCE = 8
ALL_OBJECTS = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """What was found on one protected catalog: privileges that write, with where and through whom; why more isn't known.

    ``left`` is how many tables and volumes weren't looked at. One that is ``unseen`` isn't there or is hidden from the
    identity, who then lacks USE CATALOG and with it all that writing takes
    (https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/privileges).
    """

    catalog: str
    writing: tuple[str, ...] = ()
    unknown: str = ""
    unseen: str = ""
    left: int = 0


def look(workspace: Workspace, catalogs: Iterable[str], identity: Identity, *, most: int = _MOST_OBJECTS) -> list[Found]:
    """Read what the identity may do on each catalog; nothing is raised, for not to know is an answer.

    ``most`` is at how many tables and volumes of a catalog it looks.
    """
    return [_look_at(workspace, catalog, identity, most) for catalog in catalogs]


def judge(found: Sequence[Found], identity: Identity, *, unknown: str) -> tuple[str, ...]:
    """Refuse an identity that could write; gives notes on what wasn't seen, and on what isn't known where that is allowed.

    Args:
        found: What `look` found.
        identity: Whose privileges they are.
        unknown: The settings' ``unknown_privileges``: "refuse" or "allow".

    Raises:
        PrivilegeError: It could write to one of them.
        UnknownPrivilegeError: Whether it could isn't known.
    """
    writing = [f"{one.catalog}: {what}" for one in found for what in one.writing]
    if writing:
        raise PrivilegeError(
            f"{identity.name} could change {_listed(one.catalog for one in found if one.writing)}",
            cause="\n".join([*writing[:10], *([f"and {len(writing) - 10} more"] if len(writing) > 10 else [])]),  # noqa: PLR2004
            mend="run tests as an identity that may only read there, or bind the catalog to the workspaces that need it",
        )
    unsure = [f"{one.catalog}: {one.unknown}" for one in found if one.unknown]
    if unsure and unknown != "allow":
        raise UnknownPrivilegeError(
            f"whether {identity.name} could change {_listed(one.catalog for one in found if one.unknown)} isn't known",
            cause="\n".join(unsure),
            mend='let the identity read the grants (as an owner can, or by MANAGE), or set unknown_privileges = "allow"',
        )
    unseen = [f"the protected catalog {one.catalog} was not seen: {one.unseen}" for one in found if one.unseen]
    left = [
        f"{one.left} tables and volumes of {one.catalog} weren't looked at for privileges of their own; nbh doctor looks at all"
        for one in found
        if one.left
    ]
    return (*unseen, *left, *(f"privileges on {one} (not known, and the settings allow that)" for one in unsure))


def missing_to_make_schemas(workspace: Workspace, catalog: str, identity: Identity) -> list[str]:
    """The privileges on a catalog that the identity lacks to make schemas in it, as GRANT names them.

    Raises:
        RemoteError: The catalog can't be looked at, or what is granted on it.
    """
    names = _names(identity)
    if _is_one(workspace.catalog(catalog).get("owner"), names):
        return []
    grants = workspace.effective_privileges("catalog", catalog)
    if _has(grants, names, "ALL_PRIVILEGES"):
        return []
    return [one for one in ("USE CATALOG", "CREATE SCHEMA") if not _has(grants, names, one.replace(" ", "_"))]


def _names(identity: Identity) -> set[str]:
    """Who the identity is, in small letters: an address is one, with whatever capitals a directory or a grant writes it."""
    return {one.casefold() for one in (identity.name, *identity.groups, *_EVERYBODY)}


def _is_one(principal: object, names: set[str]) -> bool:
    return str(principal or "").casefold() in names


def _look_at(workspace: Workspace, catalog: str, identity: Identity, most: int) -> Found:
    names = _names(identity)
    try:
        owner = str(workspace.catalog(catalog).get("owner") or "")
    except MissingError as error:
        return Found(catalog, unseen=f"it isn't there, or hidden from {identity.name}: {error.cause}".rstrip(": "))
    except RemoteError as error:
        return Found(catalog, unknown=f"{error.what}: {error.cause}")
    try:
        grants = list(workspace.effective_privileges("catalog", catalog))
        writing = [*_owned(owner, names, "the catalog"), *_writing(grants, names, "the catalog")]
        is_open = _has(grants, names, "USE_CATALOG")
        usable = []
        schemas = [one for one in workspace.schemas(catalog) if one.get("name") != "information_schema"]
        looked = {str(one.get("full_name") or f"{catalog}.{one['name']}"): one for one in schemas[:_MOST_SCHEMAS]}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            of_schemas = pool.map(partial(workspace.effective_privileges, "schema"), looked)
            for (name, schema), granted in zip(looked.items(), of_schemas, strict=True):
                there = [*_owned(str(schema.get("owner") or ""), names, name), *_writing(granted, names, name)]
                writing.extend(what for what in there if what not in writing)
                if is_open and _has(granted, names, "USE_SCHEMA"):  # else no privilege on a table in it is of any use
                    usable.append(name)
            objects = [] if writing else [one for name in usable for one in _objects(workspace, name)]
            for what in pool.map(partial(_of_object, workspace, names), objects[:most]):
                writing.extend(what)
    except RemoteError as error:
        return Found(catalog, unknown=f"{error.what}: {error.cause}")
    left = len(schemas) - _MOST_SCHEMAS
    unknown = f"{left} of its schemas weren't looked at" if left > 0 and not writing else ""
    return Found(catalog, tuple(writing), unknown, left=max(0, len(objects) - most))


def _objects(workspace: Workspace, schema: str) -> list[tuple[str, Facts]]:
    return [(kind, one) for kind in ("table", "volume") for one in workspace.objects_in(kind, schema)]


def _of_object(workspace: Workspace, names: set[str], of: tuple[str, Facts]) -> list[str]:
    kind, facts = of
    name = str(facts["full_name"])
    try:
        grants = workspace.effective_privileges(kind, name)
    except MissingError:  # dropped since it was listed
        return []
    return [*_owned(str(facts.get("owner") or ""), names, name), *_writing(grants, names, name)]


def _has(grants: Iterable[Facts], names: set[str], privilege: str) -> bool:
    return any(
        str(one.get("privilege") or "").replace(" ", "_") == privilege
        for grant in grants
        if _is_one(grant.get("principal"), names)
        for one in grant.get("privileges") or ()
    )


def _owned(owner: str, names: set[str], where: str) -> list[str]:
    return [f"{owner} owns {where}"] if _is_one(owner, names) else []


def _writing(grants: Iterable[Facts], names: set[str], where: str) -> list[str]:
    found = []
    for grant in grants:
        who = str(grant.get("principal") or "")
        if not _is_one(who, names):
            continue
        for one in grant.get("privileges") or ():
            privilege = str(one.get("privilege") or "").replace(" ", "_")
            inherited = one.get("inherited_from_name")
            if privilege and privilege not in READING:
                found.append(f"{privilege} on {inherited or where}, granted to {who}")
    return list(dict.fromkeys(found))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
