"""What is looked at before anything runs on a workspace: nothing that is protected may come to harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.remote import privileges
from harness.remote.catalogs_named import Mention, mentions, refuse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from harness.environments import Environment
    from harness.model import Notebook
    from harness.remote.protocol import Identity, Workspace


def check_identity(workspace: Workspace, environment: Environment, identity: Identity) -> tuple[str, ...]:
    """Refuse an identity that could write to a protected catalog; gives notes on what isn't known.

    Raises:
        PrivilegeError: It could.
        UnknownPrivilegeError: Whether it could isn't known, and the settings take that for a refusal.
    """
    protected = [one for one in environment.protected_catalogs if one != environment.catalog]
    found = privileges.look(workspace, protected, identity)
    return privileges.judge(found, identity, unknown=environment.unknown_privileges)


def foreign_catalogs(environment: Environment) -> tuple[str, ...]:
    """The catalogs that nothing which runs in an environment may name."""
    return tuple(
        dict.fromkeys(
            one for one in (*environment.protected_catalogs, *environment.other_catalogs) if one != environment.catalog
        )
    )


def check_texts(
    environment: Environment,
    *,
    notebooks: Mapping[str, Notebook],
    files: Mapping[str, bytes],
    allowed: Collection[str] = (),
) -> tuple[Mention, ...]:
    """Refuse a closure that names a protected catalog or one of another environment; gives the mentions that are allowed.

    Raises:
        CatalogMentionError: It names one; all places are listed.
    """
    names = foreign_catalogs(environment)
    if not names:
        return ()
    found = mentions(names, notebooks=notebooks, files=files)
    refuse(found, allowed=allowed, protected=environment.protected_catalogs)
    return tuple(found)
