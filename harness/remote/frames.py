"""Find the line of the repository that a traceback of Databricks' names.

A cell is told there as ``<command-3871…>``, or by a kernel's path that ends in ``command-3871…-123``: numbers that say nothing
here. What says something is the code that the traceback shows beside its line numbers: a cell in which those lines stand is the
one. Two such cells can't be told apart, and then no line is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import Cell, Notebook

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CHAINED = re.compile(
    r"^(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):\s*$",
    re.MULTILINE,
)
_COMMAND = re.compile(
    r"""
      (?:File[ ]"?)?(?:<command-(?P<id>-?[\d-]+)>|\S*/\.ipykernel/\d+/command-(?P<path_id>-?\d+)-\d+(?:\.py)?)"?
      (?:,[ ]line[ ](?P<line>\d+)|:(?P<other>\d+)|[ ]in[ ])
    """,
    re.VERBOSE,
)
_FILE = re.compile(r'File "?(?P<path>/[^\n"]+?)"?(?:, line (?P<line>\d+)|:(?P<other>\d+))')
_CODE = re.compile(r"^(?P<arrow>-+> ?| +)(?P<number>\d+)(?: (?P<text>.*))?$")


@dataclass(slots=True)
class Frame:
    """One frame: the command's number or the file's path, the line, and the code that is shown beside it, by line."""

    command: str = ""
    path: str = ""
    line: int | None = None
    code: dict[int, str] = field(default_factory=dict)


def frames_of(trace: str) -> list[Frame]:
    """The frames of the error that ended the run, outermost first; of those it came of, none."""
    last = _CHAINED.split(_ANSI.sub("", trace))[-1]
    frames: list[Frame] = []
    for text in last.splitlines():
        command = _COMMAND.match(text.lstrip())
        if command is not None:
            line = command["line"] or command["other"]
            frames.append(Frame(command=command["id"] or command["path_id"], line=int(line) if line else None))
            continue
        file = _FILE.match(text.lstrip())
        if file is not None:
            frames.append(Frame(path=file["path"], line=int(file["line"] or file["other"])))
            continue
        code = _CODE.match(text)
        if code is not None and frames:
            number = int(code["number"])
            frames[-1].code[number] = code["text"] or ""
            if frames[-1].line is None and code["arrow"].startswith("-"):  # an older runtime: only the arrow tells the line
                frames[-1].line = number
    return frames


def place_of(
    trace: str,
    *,
    notebooks: Mapping[str, Notebook],
    files: Sequence[str],
    folder: str,
    failed: tuple[str, int] | None = None,
    installed: Mapping[str, str] | None = None,
) -> Location | None:
    """The innermost place of a traceback that is one of the repository, or None.

    ``notebooks`` are those of the closure by their paths in the repository, ``files`` its other files, ``folder`` is where they
    lie on the workspace, ``failed`` the notebook and the cell that are known to have failed, ``installed`` the files of wheels
    by their paths below whatever folder has them there. A line is told only if it is sure;
    where it can't be, the cell, or the notebook alone.
    """
    frames = frames_of(trace)
    by_target = {f"{folder}/{path}": path for path in files}
    together: dict[str, list[Frame]] = {}
    for frame in frames:
        if frame.command:
            together.setdefault(frame.command, []).append(frame)
    for frame in reversed(frames):
        if frame.path:
            path = by_target.get(frame.path) or by_target.get(f"/Workspace{frame.path}")
            path = path or next((own for inside, own in (installed or {}).items() if frame.path.endswith(f"/{inside}")), None)
            if path is not None:
                return Location(path, frame.line)
            continue
        found = _cells_of(together[frame.command], notebooks)
        if len(found) > 1 and failed is not None:
            found = [one for one in found if (one[0], one[1].number) == failed] or found
        if len(found) == 1:
            return _in_cell(*found[0], frame)
        if found:
            paths = {path for path, _, _ in found}
            return _cell_alone(failed) or (Location(paths.pop()) if len(paths) == 1 else None)
    return _cell_alone(failed)


def _cell_alone(failed: tuple[str, int] | None) -> Location | None:
    return Location(failed[0], cell=failed[1]) if failed is not None else None


def _cells_of(frames: Sequence[Frame], notebooks: Mapping[str, Notebook]) -> list[tuple[str, Cell, int]]:
    """The cells that all these frames of one command fit, each with how many lines before the code aren't counted."""
    code = {number: text for frame in frames for number, text in frame.code.items()}
    lines = [frame.line for frame in frames if frame.line is not None]
    for offset in (0, 1):  # a cell that begins with %python may be counted from the line after it
        found = [
            (path, cell, offset)
            for path, notebook in notebooks.items()
            for cell in notebook.cells
            if cell.language == "python" and _fits(cell, code, lines, offset)
        ]
        if found:
            return found
    return []


def _fits(cell: Cell, code: Mapping[int, str], lines: Sequence[int], offset: int) -> bool:
    if offset and not any(magic.whole_cell for magic in cell.magics):
        return False
    source = cell.source.split("\n")[offset:]
    if any(not 1 <= number <= len(source) for number in (*code, *lines)):
        return False
    # Shown code has lost the indent that its lines have in common, and may be cut at its end.
    return all(source[number - 1].strip() == text.strip() for number, text in code.items())


def _in_cell(path: str, cell: Cell, offset: int, frame: Frame) -> Location:
    if frame.line is None:
        return Location(path, cell=cell.number)
    inside = frame.line + offset
    return Location(path, cell.first_line + inside - 1, cell.number, inside)
