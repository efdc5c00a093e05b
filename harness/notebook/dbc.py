"""Databricks archives (.dbc): a zip of JSON documents, read in memory and never unpacked to disk."""

from __future__ import annotations

import json
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from harness.errors import ArchiveError
from harness.model import Cell, Location, Notebook, Problem
from harness.notebook.files import MAX_BYTES, read_bytes
from harness.notebook.magics import Reading, read_magics, unreadable
from harness.notebook.source import broken_cell, language_problem

if TYPE_CHECKING:
    import os
    from zipfile import ZipFile, ZipInfo

_LANGUAGES = {".python": "python", ".scala": "scala", ".sql": "sql", ".r": "r"}
# Notebook JSON shrinks ten- to twentyfold; a bomb a thousandfold.
_MAX_RATIO = 200
_ALWAYS_ALLOWED = 1_000_000


def read_archive(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> tuple[Notebook, ...]:
    """Read the notebooks of a .dbc archive, sorted by their place in it, as ``archive.dbc/folder/name.python``.

    A document that is no notebook gives a notebook without cells and a problem; the others are still read.

    Raises:
        NotebookReadError: The file can't be read.
        ArchiveError: It is no zip file, would unpack to more than ``max_bytes``, or has members that climb out of it.
    """
    import zipfile  # costs 5 ms, and archives are rare
    from io import BytesIO

    path = Path(path)
    raw = read_bytes(path, max_bytes=max_bytes)
    try:
        archive = zipfile.ZipFile(BytesIO(raw))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as exc:
        raise _archive_error(
            path, "the archive is not a zip file", str(exc).lower(), "export it again as DBC, or leave it out"
        ) from exc
    with archive:
        members = archive.infolist()
        _check(path, members, len(raw), max_bytes)
        wanted = sorted(
            (item for item in members if not item.is_dir() and PurePosixPath(item.filename).suffix.lower() in _LANGUAGES),
            key=lambda item: item.filename,
        )
        return tuple(_read_member(archive, item, path / item.filename) for item in wanted)


def _check(path: Path, members: list[ZipInfo], packed: int, max_bytes: int) -> None:
    for item in members:
        # The name as it stands in the file: zipfile mends backslashes and cuts at NUL in the other.
        name = item.orig_filename.replace("\\", "/")
        if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or "\0" in name:
            raise _archive_error(
                path,
                "the archive has a member outside itself",
                f"the member is named {item.orig_filename!r}",
                "don't trust this file; export the notebooks again",
            )
    total = sum(item.file_size for item in members)
    if total > max_bytes:
        raise _archive_error(
            path,
            "the archive is too large unpacked",
            f"it says {total:,} bytes, and {max_bytes:,} are allowed",
            "export fewer notebooks at once, or raise max_bytes",
        )
    if total > max(_ALWAYS_ALLOWED, packed * _MAX_RATIO):
        raise _archive_error(
            path,
            "the archive is packed too tightly to be one of notebooks",
            f"{packed:,} bytes unpack to {total:,}; {_MAX_RATIO} times are allowed",
            "don't trust this file; export the notebooks again",
        )


def _read_member(archive: ZipFile, item: ZipInfo, path: Path) -> Notebook:
    from zipfile import BadZipFile  # loaded by the caller

    language = _LANGUAGES[PurePosixPath(item.filename).suffix.lower()]
    raw = b""
    try:
        raw = archive.read(item)
        document = json.loads(raw)
        commands = document["commands"] if isinstance(document, dict) else None
        if not isinstance(commands, list):
            raise TypeError("its JSON has no list of commands")  # noqa: TRY301  # one way out for all that's wrong
    except KeyError:
        return _unreadable(path, language, raw, "its JSON has no list of commands")
    except (BadZipFile, zlib.error, EOFError, OSError, RuntimeError, TypeError, ValueError) as exc:
        # RuntimeError: encrypted, an unknown way of packing (NotImplementedError), or nested too deeply (RecursionError).
        return _unreadable(path, language, raw, str(exc))
    named = document.get("language")
    return _build(path, named if named in _LANGUAGES.values() else language, raw, commands)


def _build(path: Path, language: str, raw: bytes, commands: list[Any]) -> Notebook:
    cells: list[Cell] = []
    problems: list[Problem] = []
    line = 1
    for number, command in enumerate(sorted(filter(_is_command, commands), key=_position), start=1):
        source = command["command"].replace("\r\n", "\n").replace("\r", "\n")
        broken = unreadable(source)
        reading = Reading("unknown") if broken else read_magics(source, default=language, first_line=line)
        if broken:
            problems.append(broken_cell(path, number, None, broken))
        elif reading.doubt:
            problems.append(language_problem(path, number, None, reading.doubt))
        title = command.get("commandTitle")
        shown = title.strip() or None if isinstance(title, str) else None
        last = line + source.count("\n")
        cells.append(Cell(number, reading.language, source, line, last, 0, 0, shown, reading.magics, reading.skipped))
        line = last + 1
    return Notebook(path, "dbc", language, tuple(cells), raw, exact_lines=False, problems=tuple(problems))


def _is_command(command: object) -> bool:
    return isinstance(command, dict) and isinstance(command.get("command"), str)


def _position(command: dict[str, Any]) -> float:
    # The list's own order is that of making, not that of the screen.
    position = command.get("position")
    return float(position) if isinstance(position, (int, float)) else 0.0


def _unreadable(path: Path, language: str, raw: bytes, cause: str) -> Notebook:
    problem = Problem(
        ArchiveError.code,
        "a notebook of the archive can't be read",
        Location(path.as_posix()),
        cause=cause[:1].lower() + cause[1:],
        mend="export the archive again",
    )
    return Notebook(path, "dbc", language, (), raw, exact_lines=False, problems=(problem,))


def _archive_error(path: Path, what: str, cause: str, mend: str) -> ArchiveError:
    return ArchiveError(what, cause=cause, mend=mend, location=Location(path.as_posix()))
