"""What a failed notebook shows, as Databricks shows it: its cells by their commands, and no path of this machine."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.notebook import read_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.model import Notebook
    from harness.rehearsal.tree import Item
    from harness.rehearsal.workspace import Workspace

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FRAME = re.compile(r"(?:File|Cell) (?P<path>[^\n]+?)(?::(?P<line>\d+)|, line (?P<other>\d+))(?P<where>, in [^\n]+)?(?:\n|$)")
_CODE = re.compile(r"(?P<arrow>-+> ?| +)(?P<number>\d+)(?P<rest>(?: [^\n]*)?)$")
_TEMPORARY = rf"(?<![\w./-]){re.escape(os.path.realpath(tempfile.gettempdir()))}/nbh-[^/\s'\"]+"
_WORK = re.compile(rf"{_TEMPORARY}/r[^/\s'\"]+/[^/\s'\"]+/workspace(?=/)")
_OTHER = re.compile(_TEMPORARY)
_RED, _GREEN, _BRIGHT, _OFF = "\x1b[0;31m", "\x1b[0;32m", "\x1b[1;32m", "\x1b[0m"
_WIDTH = 7


def command_id(item: Item, cell: int) -> int:
    """The number of a cell, as tracebacks name it; the same as long as the notebook is."""
    return (item.id % 10**9) * 10**5 + cell + 3 * 10**15


@dataclass(frozen=True, slots=True)
class Shown:
    """Tells of places on this machine as a workspace would. ``find`` gives the notebook that lies at a path on disk."""

    folder: Path
    notebooks: Path
    files: Path
    find: Callable[[str], Item | None]

    def text(self, text: str) -> str:
        """A text without paths of this machine."""
        for real, shown in self._prefixes():
            text = text.replace(real, shown)
        return _OTHER.sub("/local_disk0", _WORK.sub("/Workspace", text))

    def _prefixes(self) -> list[tuple[str, str]]:
        pairs = [
            (str(self.folder / "project" / "workspace"), "/Workspace"),
            (str(self.folder), "/local_disk0/run"),
            (str(self.notebooks), "/Workspace"),
            (str(self.files / "dbfs"), "/dbfs"),
            (str(self.files / "volumes"), "/Volumes"),
            (sysconfig.get_path("purelib"), "/databricks/python/lib/python3.12/site-packages"),
            (sysconfig.get_path("stdlib"), "/usr/lib/python3.12"),
            (sys.prefix, "/databricks/python"),
            (sys.base_prefix, "/usr"),
            (str(Path(__file__).parents[1]), "/databricks/python_shell"),
            (str(Path.home()), "/root") if str(Path.home()) != "/" else ("/root", "/root"),
        ]
        return [*pairs, *((os.path.realpath(real), shown) for real, shown in pairs)]

    def trace(self, lines: Sequence[str]) -> str:
        """A traceback of IPython's, as Databricks shows it."""
        return "\n".join(filter(None, (self._part(_ANSI.sub("", part)) for part in lines)))

    def _part(self, part: str) -> str:
        found = _FRAME.match(part)
        if found is None:
            return self._head(part)
        path, line = found["path"], int(found["line"] or found["other"])
        real = os.path.realpath(self.folder / "project" / Path(path).expanduser())
        item = self.find(os.path.relpath(real, os.path.realpath(self.notebooks)))
        code, where = part[found.end() :], found["where"] or ""
        if item is None or item.kind != "NOTEBOOK":
            name = self.text(real)
            return "\n".join([f"File {_GREEN}{name}:{line}{_OFF}{self.text(where)}", *map(_coloured, code.splitlines()), ""])
        return self._of_cell(item, real, line, where, code)

    def _of_cell(self, item: Item, real: str, line: int, where: str, code: str) -> str:
        cell = _cell_at(real, line)
        if cell is None or cell.language == "run":  # what %run runs is run in place, and has no line of its own there
            return ""
        named = f"<command-{command_id(item, cell.number)}>"
        kept = []
        for text in code.splitlines():
            found = _CODE.match(text)
            if found is None:
                continue
            at = int(found["number"]) - cell.first_line + 1
            if 1 <= at <= cell.last_line - cell.first_line + 1:
                arrow = "-" * (_WIDTH - 2 - len(str(at))) + "> " if found["arrow"].startswith("-") else ""
                kept.append(_coloured(f"{arrow}{at}".rjust(_WIDTH) + found["rest"]))
        return "\n".join([f"File {_GREEN}{named}, line {line - cell.first_line + 1}{_OFF}{where}", *kept, ""])

    def _head(self, part: str) -> str:
        """The lines that aren't a frame: the rule, the name of the error, and what it says."""
        if part and not part.strip("-"):
            return f"{_RED}{part}{_OFF}"
        return re.sub(r"^(\w[\w.]*)(?=:|\s+Traceback)", rf"{_RED}\1{_OFF}", self.text(part))


def _coloured(text: str) -> str:
    found = _CODE.match(text)
    if found is None:
        return text
    colour = _GREEN if found["arrow"].startswith("-") else _BRIGHT
    return f"{colour}{found['arrow']}{found['number']}{_OFF}{found['rest']}"


def _cell_at(path: str, line: int) -> Any:
    notebook = _read(path)
    cells = notebook.cells if notebook is not None else ()
    return next((cell for cell in cells if cell.first_line <= line <= cell.last_line), None)


def _read(path: str) -> Notebook | None:
    try:
        return read_notebook(path)
    except HarnessError:
        return None


def shown_in(workspace: Workspace, folder: Path, find: Callable[[str], Item | None]) -> Shown:
    """How the places of a run in this folder are told."""
    return Shown(folder, workspace.place.notebooks, workspace.files, find)


def printed(executed: Mapping[str, Any]) -> str:
    """All that was printed."""
    outputs = [output for cell in executed.get("cells", ()) for output in cell.get("outputs", ())]
    return "".join("".join(output.get("text", "")) for output in outputs if output.get("output_type") == "stream")


def failing(executed: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]] | None:
    """The cell that failed, and its output that tells the error; the last, if several do."""
    found = [
        (number, output)
        for number, cell in enumerate(executed.get("cells", ()), 1)
        for output in cell.get("outputs", ())
        if output.get("output_type") == "error"
    ]
    return found[-1] if found else None
