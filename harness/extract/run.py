"""Follow ``%run``: read its argument, find the notebook it names, and lay the statements of all of them in one line."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import HarnessError
from harness.extract.kinds import RUN
from harness.model import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.extract.build import Extract, Row

# The formats a target is looked for in, in Databricks' own order of likelihood.
_SUFFIXES = (".py", ".ipynb", ".sql", ".scala", ".r", ".R")


class RunLine(NamedTuple):
    """A ``%run`` line: the notebook it names as written, and the widget values it passes on."""

    target: str
    arguments: tuple[tuple[str, str], ...]


class Entry(NamedTuple):
    """A row in the flattened line of a notebook and all it ``%run``s, with the ``%run`` arguments it was reached by."""

    source: Extract
    row: Row
    arguments: tuple[tuple[str, str], ...]


def parse_run(argument: str) -> RunLine:
    """Read ``"./my setup" $catalog=dev $reset=false`` into its parts."""
    import shlex  # few notebooks %run another

    try:
        words = shlex.split(argument, comments=False)
    except ValueError:  # a lone quote
        words = argument.split()
    # An unquoted path may hold blanks: everything up to the first $name=value belongs to it.
    path: list[str] = []
    values: list[tuple[str, str]] = []
    for word in words:
        if word.startswith("$") and "=" in word:
            name, _, value = word[1:].partition("=")
            values.append((name, value))
        elif values:
            values[-1] = (values[-1][0], f"{values[-1][1]} {word}".strip())
        else:
            path.append(word)
    return RunLine(" ".join(path), tuple(values))


def find_target(target: str, *, beside: str, prefixes: Mapping[str, str], root: str) -> str | None:
    """Find the file that a ``%run`` target names, or None.

    Relative targets are looked for beside the notebook; absolute ones through ``prefixes`` (workspace folder -> folder of the
    repository, the longest that fits), relative to ``root``.
    """
    if target.startswith("/"):
        place = mapped(target, prefixes=prefixes, root=root)
        if place is None:
            return None
        base = place
    else:
        base = os.path.normpath(os.path.join(os.path.dirname(beside), target))
    for candidate in (base, *(base + suffix for suffix in _SUFFIXES)):
        if candidate.endswith(_SUFFIXES) and os.path.isfile(candidate):
            return candidate
    return None


def mapped(target: str, *, prefixes: Mapping[str, str], root: str) -> str | None:
    """The place in the repository that an absolute workspace path has by ``prefixes``, whatever is there; None without one."""
    target = _plain(target)
    folders = {_plain(prefix): folder for prefix, folder in prefixes.items()}
    fitting = [prefix for prefix in folders if target == prefix or target.startswith(prefix + "/")]
    if not fitting:
        return None
    prefix = max(fitting, key=len)
    return os.path.normpath(os.path.join(root, folders[prefix], target[len(prefix) :].lstrip("/")))


def _plain(path: str) -> str:
    """A workspace path without what doesn't count: ``/Workspace/Shared/x/`` and ``/Shared/x`` are one."""
    path = posixpath.normpath(path).rstrip("/")
    return path.removeprefix("/Workspace") if path == "/Workspace" or path.startswith("/Workspace/") else path


def flatten(
    first: Extract,
    *,
    read: Callable[[str], Extract],
    find: Callable[[str, str], str | None],
    why: Callable[[str, str], tuple[str, str]],
) -> tuple[list[Entry], list[Problem]]:
    """Lay out a notebook's rows with those of its ``%run`` targets in their places.

    ``read`` gives a notebook's rows, ``find(target, beside)`` the file of a target, and ``why(target, beside)`` cause and mend
    where there is none. A missing target, a circle and an unreadable notebook are problems that cost only the names they
    would have given.
    """
    layout = _Layout(read, find, why, list(first.problems))
    layout.add(first, (), (first.path,))
    return layout.entries, layout.problems


class _Layout:
    """Entries and problems as they are found, notebook by notebook."""

    def __init__(
        self,
        read: Callable[[str], Extract],
        find: Callable[[str, str], str | None],
        why: Callable[[str, str], tuple[str, str]],
        problems: list[Problem],
    ) -> None:
        self.read = read
        self.find = find
        self.why = why
        self.entries: list[Entry] = []
        self.problems = problems

    def add(self, source: Extract, arguments: tuple[tuple[str, str], ...], chain: tuple[str, ...]) -> None:
        """Lay out one notebook; ``chain`` are the notebooks that led to it, itself last."""
        for row in source.rows:
            if row.kind != RUN:
                self.entries.append(Entry(source, row, arguments))
                continue
            line = parse_run(row.what)
            here = Location(source.path, row.line if source.exact_lines else None, row.cell)
            target = self.find(line.target, source.path)
            if target is None:
                cause, mend = self.why(line.target, source.path)
                self.problems.append(
                    Problem("NBH104", f"the %run target {line.target!r} isn't there", here, cause=cause, mend=mend)
                )
            elif target in chain:
                circle = " -> ".join(os.path.basename(path) for path in (*chain[chain.index(target) :], target))
                what, mend = "notebooks %run each other in a circle", "break the circle: Databricks fails on it too"
                self.problems.append(Problem("NBH105", what, here, cause=circle, mend=mend))
            else:
                try:
                    inner = self.read(target)
                except HarnessError as error:
                    what, mend = f"the %run target {line.target!r} can't be used", "mend the target notebook"
                    self.problems.append(Problem("NBH104", what, here, cause=str(error), mend=mend))
                    continue
                self.problems.extend(inner.problems)
                self.add(inner, tuple({**dict(arguments), **dict(line.arguments)}.items()), (*chain, target))


def why_missing(target: str, *, beside: str, prefixes: Mapping[str, str], root: str) -> tuple[str, str]:
    """Say why `find_target` finds nothing, and what to do: cause and mend."""
    if not target.startswith("/"):
        meant, name = os.path.normpath(os.path.join(os.path.dirname(beside), target)), os.path.basename(beside)
        cause = f"no notebook of that name lies beside {name}"
        if os.path.dirname(meant) != os.path.dirname(beside):
            shown = os.path.relpath(meant, root).replace(os.sep, "/")
            cause = (
                f"seen from {name} that is {meant if shown.startswith('..') else shown}, and no notebook of that name is there"
            )
        return cause, "correct the path, or add the notebook to the repository"
    place = mapped(target, prefixes=prefixes, root=root)
    if place is not None:
        shown = os.path.relpath(place, root).replace(os.sep, "/")
        return f"run_prefixes makes {shown} of it, and no notebook of that name is there", "correct the path, or that entry"
    cause = "it is a workspace path, and no run_prefixes entry fits it"
    found = _of_project(target, beside=beside, root=root)
    if found is None:
        setting = f'[tool.nbh] run_prefixes = {{ "{posixpath.dirname(target)}" = "its folder" }}'
        return cause, f"add the notebook to the repository, and map its workspace folder in pyproject.toml: {setting}"
    file, prefix, folder = found
    setting = f'[tool.nbh] run_prefixes = {{ "{prefix}" = "{folder}" }}'
    return cause, f"if it is {file}, map its workspace folder in pyproject.toml: {setting}"


def _of_project(target: str, *, beside: str, root: str) -> tuple[str, str, str] | None:
    """The file of the project whose path ends as a workspace path does, with the prefix and folder that lead there.

    Looked for below the root and the folders between it and the notebook: the more of the path fits, the better.
    """
    parts = [part for part in target.split("/") if part]
    bases = [""]
    inside = os.path.relpath(os.path.dirname(beside), root)
    if inside != "." and not inside.startswith(".."):
        names = inside.split(os.sep)
        bases += ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]
    for outside in range(len(parts)):
        count = max(outside, 1)  # "/" itself is no folder to map
        prefix = "/" + "/".join(parts[:count])
        for base in bases:
            folder = posixpath.join(base, *parts[outside:count]) or "."
            file = find_target(target, beside=beside, prefixes={prefix: folder}, root=root) if count < len(parts) else None
            if file is not None:
                return os.path.relpath(file, root).replace(os.sep, "/"), prefix, folder
    return None
