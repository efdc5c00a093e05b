"""Which notebooks coverage measures, and which files its sources stand for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.collect.session import NotebookSession
    from harness.extract.build import Extract


def measured_notebooks(session: NotebookSession, cov: Any, unread: dict[str, str]) -> Iterator[tuple[str, Extract]]:
    """Give the notebooks with Python that coverage measures: those it saw, and those below its sources.

    What can't be read, or not as a whole, goes into ``unread`` with the reason.
    """
    omitted = cov.get_option("run:omit") or []
    measured = {path for path in cov.get_data().measured_files() if is_notebook(path)}
    for file in sorted(measured | set(_in_sources(session, cov))):
        if _matches(file, omitted):
            continue
        try:
            source = session.loader.extract(file)
        except HarnessError as error:
            unread[show(session, file)] = error.what
            continue
        except Exception as exc:  # noqa: BLE001 - at this edge an error of ours would end the run without its verdict; it is told
            unread[show(session, file)] = repr(exc)
            continue
        broken = sorted({problem.location.cell or 0 for problem in source.problems if problem.code == "NBH102"})
        if broken:
            unread[show(session, file)] = "not valid Python: cell " + ", ".join(map(str, broken))
        if source.rows:
            yield file, source


def _in_sources(session: NotebookSession, cov: Any) -> Iterator[str]:
    """Give the notebooks below coverage's sources, which are folders or names of packages and modules."""
    from harness.notebook import discover

    for source in sources_of(cov):
        for place in places_of(source, session):
            found = discover(place).notebooks if os.path.isdir(place) else [place]
            yield from (os.path.realpath(path) for path in found if is_notebook(str(path)))


def sources_of(cov: Any) -> list[str]:
    """What coverage measures: folders, and names of packages and modules."""
    return [one for name in ("source", "source_dirs", "source_pkgs") for one in getattr(cov.config, name, None) or ()]


def places_of(source: str, session: NotebookSession) -> list[str]:
    """Give the folder or notebook that a source stands for: a folder itself, or a module's name as Python would find it."""
    if os.path.isdir(source):
        return [source]
    for folder in [*session.finder.roots, *sys.path]:
        base = os.path.join(folder, *source.split("."))
        for place in (base, base + ".py", base + ".ipynb"):
            if os.path.isdir(place) or os.path.isfile(place):
                return [place]
    return []


def is_notebook(path: str) -> bool:
    """Say whether a file is a notebook, by its name and its first line."""
    from harness.extract.importer import has_header

    suffix = os.path.splitext(path)[1].lower()
    return has_header(path) if suffix == ".py" else suffix in {".ipynb", ".sql", ".scala", ".r"} and os.path.isfile(path)


def show(session: NotebookSession, path: str) -> str:
    """Give a notebook's path as users see it; coverage knows files by their real paths, the session by the root as given."""
    real = os.path.realpath(session.root) + os.sep
    return session.loader.show(os.path.join(session.root, path.removeprefix(real)))


def is_left_out(cov: Any, file: str) -> bool:
    """Say whether coverage's patterns leave a file out that lies below its sources."""
    include = [] if sources_of(cov) else cov.get_option("run:include") or []  # coverage itself passes over it then
    return (bool(include) and not _matches(file, include)) or _matches(file, cov.get_option("run:omit") or [])


def _matches(file: str, patterns: list[str]) -> bool:
    from coverage.files import GlobMatcher, prep_patterns

    return bool(patterns) and bool(GlobMatcher(prep_patterns(patterns), "pattern").match(file))
