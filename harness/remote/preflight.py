"""What is looked at before anything runs on a workspace: nothing that is protected may come to harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.remote import privileges
from harness.remote.catalogs_named import Mention, catalog_of_value, mentions, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Mapping

    from harness.environments import Environment
    from harness.model import Location, Notebook
    from harness.remote.protocol import Identity, Workspace


def check_identity(
    workspace: Workspace, environment: Environment, identity: Identity, *, is_thorough: bool = False
) -> tuple[str, ...]:
    """Refuse an identity that could write to a protected catalog; gives notes on what isn't known.

    A protected environment's own catalog is one of them: tests only read there, whatever they ask for. One that ``is_thorough``
    looks at each table, however long that takes.

    Raises:
        PrivilegeError: It could.
        UnknownPrivilegeError: Whether it could isn't known, and the settings take that for a refusal.
    """
    own = [environment.catalog] if environment.protected and environment.catalog else []
    protected = list(dict.fromkeys([*own, *(one for one in environment.protected_catalogs if one != environment.catalog)]))
    how = {"most": privileges.ALL_OBJECTS} if is_thorough else {}
    found = privileges.look(workspace, protected, identity, **how)
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
    given: Callable[[str], Container[str]] = lambda _: (),
) -> tuple[Mention, ...]:
    """Refuse a closure that names a protected catalog or one of another environment; gives the mentions that are allowed.

    ``given`` gives the widgets that a file is given, by its path; what with is for `check_values`.

    Raises:
        CatalogMentionError: It names one; all places are listed.
    """
    names = foreign_catalogs(environment)
    if not names:
        return ()
    found = mentions(names, notebooks=notebooks, files=files, given=given)
    refuse(found, allowed=allowed, protected=environment.protected_catalogs)
    return tuple(found)


def check_values(
    environment: Environment,
    values: Iterable[tuple[Location, str, str]],
    *,
    allowed: Collection[str] = (),
    mend: str = "give the parameter by run_job(…, parameters={…})",
) -> tuple[Mention, ...]:
    """Refuse values (each with its place and name) that name a protected catalog or one of another environment.

    Notebooks take their catalog from a parameter, so that it, or a job's own default for it, says where they write. ``mend`` is
    what can be done beside allowing it.

    Raises:
        CatalogMentionError: One does; all are listed.
    """
    names = foreign_catalogs(environment)
    if not names:
        return ()
    found = [
        Mention(location, catalog, f"{name} = {value}")
        for location, name, value in values
        if (catalog := catalog_of_value(names, value)) is not None
    ]
    refuse(
        found,
        allowed=allowed,
        protected=environment.protected_catalogs,
        mend=f"{mend}, or allow the catalog by name: allowed_catalogs in the environment's table",
    )
    return tuple(found)
