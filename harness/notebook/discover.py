"""Which files below a folder are notebooks, in a stable order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from harness.errors import NotebookReadError
from harness.model import Location, Problem
from harness.notebook.files import MAX_BYTES, read_bytes, read_head, refusal
from harness.notebook.source import DIALECTS, has_header, has_markers

# A BOM and the longest header.
_HEAD_BYTES = 64
_SKIPPED = frozenset(
    {
        ".bundle",
        ".databricks",
        ".git",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".nox",
        ".ruff_cache",
        ".tox",
        ".venv",
        "__pycache__",
        "build",
        "dist",
        "node_modules",
        "venv",
    }
)
_WHOLE = (".ipynb", ".dbc")
_SUFFIXES = frozenset({*DIALECTS, *_WHOLE})


@dataclass(frozen=True, slots=True)
class Discovery:
    """The notebooks below a folder, sorted by path, and what could not be looked at."""

    notebooks: tuple[Path, ...]
    problems: tuple[Problem, ...] = ()


def is_notebook_bytes(head: bytes, suffix: str) -> bool:
    """Tell from a file's first bytes (64 are enough) and its suffix whether it is a notebook."""
    suffix = suffix.lower()
    if suffix in _WHOLE:
        return True
    dialect = DIALECTS.get(suffix)
    return dialect is not None and has_header(head, dialect)


def is_notebook(path: str | os.PathLike[str], *, headerless: bool = False) -> bool:
    """Tell whether the file is a notebook, by its suffix and, for the source formats, its first line.

    A file that can't be read is none; ``read_notebook`` says why.
    """
    try:
        return _is_notebook(os.fspath(path), headerless=headerless)
    except (OSError, ValueError):
        return False


def _is_notebook(path: str, *, headerless: bool) -> bool:
    suffix = _suffix(path)
    if suffix in _WHOLE:
        return True
    dialect = DIALECTS.get(suffix)
    if dialect is None:
        return False
    if has_header(read_head(path, _HEAD_BYTES), dialect):
        return True
    return headerless and has_markers(_read_quietly(path), dialect)


def _read_quietly(path: str) -> bytes:
    try:
        return read_bytes(path, max_bytes=MAX_BYTES)
    except NotebookReadError:
        return b""


def discover(root: str | os.PathLike[str], *, headerless: bool = False) -> Discovery:
    """Find the notebooks at or below a path, sorted by their path.

    Build output, caches and virtual environments are left out, and links to folders aren't followed. What can't be looked
    at is a problem of its own, and the rest is still found.

    Raises:
        NotebookReadError: The path itself isn't there or can't be read.
    """
    start = os.fspath(root)
    found: list[str] = []
    problems: list[Problem] = []
    if Path(start).is_file():
        if is_notebook(start, headerless=headerless):
            found.append(start)
        return Discovery(tuple(map(Path, found)))
    pending = [start]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as scan:
                entries = list(scan)
        except OSError as exc:
            if folder is start:
                raise refusal(start, exc, "the folder can't be searched") from exc
            problems.append(_problem(folder, exc, "the folder can't be searched"))
            continue
        if folder is not start and any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            _visit(entry, pending, found, problems, headerless=headerless)
    found.sort(key=_posix)
    problems.sort(key=lambda problem: problem.location.path)
    return Discovery(tuple(map(Path, found)), tuple(problems))


def _visit(entry: os.DirEntry[str], pending: list[str], found: list[str], problems: list[Problem], *, headerless: bool) -> None:
    name = entry.name
    try:
        if entry.is_dir(follow_symlinks=False):
            if name not in _SKIPPED and not name.endswith(".egg-info"):
                pending.append(entry.path)
        elif _suffix(name) in _SUFFIXES and entry.is_file() and _is_notebook(entry.path, headerless=headerless):
            found.append(entry.path)
    except (OSError, ValueError) as exc:
        problems.append(_problem(entry.path, exc, "the file can't be looked at"))


def _problem(path: str, exc: OSError | ValueError, what: str) -> Problem:
    error = refusal(path, exc, what)
    return Problem(error.code, error.what, Location(_posix(path)), cause=error.cause, mend=error.mend)


def _posix(path: str) -> str:
    return path.replace(os.sep, "/")


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()  # noqa: PTH122  # ten thousand Path objects cost more than the search itself
