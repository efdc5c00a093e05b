"""What a workspace says of a privilege that whoever runs the tests hasn't, and what would give it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.catalog.names import quote
from harness.errors import MissingPrivilegeError

if TYPE_CHECKING:
    from collections.abc import Sequence

_LACKS = re.compile(r"User does not have (?P<privilege>[A-Z ]+) on (?P<kind>[A-Za-z][A-Za-z ]*) '(?P<name>[^']+)'")
_CONDITIONS = ("INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED")


def missing_privilege(told: str, kind: str, parts: Sequence[str]) -> MissingPrivilegeError | None:
    """The error of an object that can't be made for want of a privilege; None if what was told is something else.

    >>> missing_privilege("PERMISSION_DENIED: User does not have USE CATALOG on Catalog 'pps'.", "schema", ("pps", "s")).cause
    "User does not have USE CATALOG on Catalog 'pps'"
    """
    if not any(condition in told for condition in _CONDITIONS):
        return None
    lacks = _LACKS.search(told)
    mend = "grant it to the identity that runs the tests"
    if lacks is not None:
        on = _securable(lacks["kind"].upper(), lacks["name"])
        mend = f"have who owns it say: GRANT {lacks['privilege']} ON {on} TO the identity that runs the tests"
    return MissingPrivilegeError(
        f"the {kind} {'.'.join(parts)} can't be made for want of a privilege",
        cause=lacks[0] if lacks is not None else told.split("\n\n", maxsplit=1)[0],
        mend=f"{mend}, or name another catalog in the environment's table" if kind == "schema" else mend,
    )


def _securable(kind: str, name: str) -> str:
    """What a GRANT names: the one metastore has no name there, and the name of an external location has no parts."""
    if kind == "METASTORE":
        return kind
    return f"{kind} {quote(name) if kind == 'EXTERNAL LOCATION' else quote(*name.split('.'))}"
