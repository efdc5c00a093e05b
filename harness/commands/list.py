"""``nbh list``: the notebooks of a project, their units, what each needs, and which tests name it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from harness.commands.project import Project, find_tests, project_of, root_of
from harness.commands.reader import Reader
from harness.errors import HarnessError
from harness.extract.inventory import Listed, list_archive, list_notebook, read_error
from harness.extract.mentions import TestNames
from harness.extract.public import run_prefixes
from harness.notebook import discover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.model import Problem

# So many notebooks share what was read (they may %run the same one); then it is forgotten, or a large project fills the memory.
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list shows: the notebooks in the order of their paths, and ``problems`` of folders that couldn't be searched."""

    root: str
    notebooks: tuple[Listed, ...]
    problems: tuple[Problem, ...]

    @property
    def is_whole(self) -> bool:
        """Say whether every notebook was read; a broken cell costs only itself."""
        unread = {"NBH100", "NBH101", "NBH103"}
        return not self.problems and not any(
            problem.code in unread and problem.location.path.startswith(listed.path)
            for listed in self.notebooks
            for problem in listed.problems
        )


def make_list(paths: Sequence[str], *, current: str, watch: Callable[[Sequence[str]], Iterable[str]] = iter) -> Listing:
    """List the notebooks at or below the paths; ``watch`` is handed the notebooks, and gives them back as the work goes on.

    Raises:
        SettingsError: The pyproject.toml of a project is wrong.
        NotebookReadError: A path isn't there or can't be searched.
    """
    starts = [os.path.normpath(os.path.join(current, path)) for path in paths] or [current]
    root = root_of(starts, current=current)
    notebooks, problems = _find(starts)
    tests = _tests(root, notebooks)
    found: list[Listed] = []
    loader = Reader(root)
    for number, path in enumerate(watch(notebooks)):
        if number % _BATCH == 0:
            loader = Reader(root)
        project = project_of(path, root)
        try:
            if path.lower().endswith(".dbc"):
                found.extend(list_archive(path, loader))
            else:
                found.append(list_notebook(path, loader, tests=tests[project.folder], roots=project.roots_for(path)))
        except HarnessError as error:
            found.append(read_error(path, error, loader))
    shown = [p.__class__(p.code, p.what, loader.shown(p.location), p.cause, p.mend) for p in problems]
    return Listing(root, tuple(found), tuple(shown))


def _find(starts: Iterable[str]) -> tuple[list[str], list[Problem]]:
    notebooks: set[str] = set()
    problems: dict[Problem, None] = {}
    for start in starts:
        if os.path.isfile(start):
            notebooks.add(start)  # named by hand: if it is no notebook, the list says so
            continue
        found = discover(start)
        notebooks.update(map(str, found.notebooks))
        problems.update(dict.fromkeys(found.problems))
    return sorted(notebooks, key=lambda path: path.replace(os.sep, "/")), list(problems)


def _tests(root: str, notebooks: Sequence[str]) -> dict[str, TestNames]:
    """Read the test files of the projects; each project's tests can name its own notebooks only."""
    below: dict[str, list[str]] = {}
    projects: dict[str, Project] = {}
    for path in notebooks:
        project = project_of(path, root)
        projects[project.folder] = project
        below.setdefault(project.folder, []).append(path)
    names = {
        folder: TestNames(folder, paths, projects[folder].roots, shown_from=root, run_prefixes=run_prefixes)
        for folder, paths in below.items()
    }
    for project, path in find_tests(root):
        if project.folder in names:
            names[project.folder].read(path)
    return names


def write_json(listing: Listing, out: IO[str]) -> None:
    """Write the list as JSON, one notebook after the other."""
    out.write('{"notebooks": [')
    for number, listed in enumerate(listing.notebooks):
        out.write(",\n" if number else "\n")
        out.write(json.dumps(listed.as_json(), ensure_ascii=False))
    out.write("\n]}\n")


def summary(listing: Listing) -> str:
    """Count notebooks and units, and say how many a test names."""
    units = [unit for listed in listing.notebooks for unit in listed.units]
    named = sum(1 for unit in units if unit.tests)
    kinds = {kind: sum(1 for unit in units if unit.kind == kind) for kind in ("function", "class", "cell")}
    counted = ", ".join(f"{count} {_plural(kind, count)}" for kind, count in kinds.items() if count)
    notebooks = len(listing.notebooks)
    text = f"{notebooks:,} {_plural('notebook', notebooks)}, {len(units):,} {_plural('unit', len(units))}"
    return f"{text} ({counted}), {named:,} named by a test" if units else text


def _plural(word: str, count: int) -> str:
    if count == 1:
        return word
    return word + ("es" if word.endswith("s") else "s")


def problems_of(listing: Listing) -> Iterator[Problem]:
    """Give each problem once, though several notebooks may ``%run`` the one that has it."""
    yield from dict.fromkeys([*listing.problems, *(problem for listed in listing.notebooks for problem in listed.problems)])
