"""Which catalogs the texts of a closure name: cells and files in SQL and Python, other cells. Comments name nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from harness.model import Location
from harness.notebook import python_text
from harness.remote.catalogs_in_python import CatalogsInPython
from harness.remote.errors import CatalogMentionError
from harness.remote.python_texts import tree_of

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping

    from harness.model import Notebook

# What stands between quotes stays, as a name may; a comment goes, but for its lines.
_SQL_COMMENT = re.compile(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)|--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED = r"(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
_SQL_WIDGET = re.compile(rf"\bcreate\s+widget\s+\w+\s+(?P<widget>\w+)\s+default\s+{_QUOTED}", re.IGNORECASE)
_NONE = re.compile(r"(?!)()")
_COMMENTS = {
    "sql": _SQL_COMMENT,
    "scala": re.compile(rf"{_QUOTED}|//[^\n]*|/\*.*?\*/", re.DOTALL),
    "r": re.compile(rf"{_QUOTED}|#[^\n]*"),
    "shell": re.compile(rf"{_QUOTED}|(?<!\S)#[^\n]*"),
}
_COMMENTS |= {"fs": _NONE, "pip": _COMMENTS["shell"]}
_LINES = {"sql": "sql", "sh": "shell", "!": "shell", "!!": "shell", "pip": "pip"}
_SHOWN = 20
_MEND = (
    "take the catalog from a widget and give that its value, or allow it by name: allowed_catalogs in the environment's table"
)


class Mention(NamedTuple):
    """One place that names a catalog, with the name as it stands there."""

    location: Location
    catalog: str
    text: str


class Catalogs:
    """Finds the names of some catalogs in texts."""

    def __init__(self, names: Collection[str]) -> None:
        self._by_name = {name.lower(): name for name in names}
        either = "|".join(sorted(map(re.escape, self._by_name), key=len, reverse=True)) or "(?!)"
        # prod.sales…, `prod`.`sales`, USE CATALOG prod; a part of another name, or of a longer path, is none.
        self._pattern = re.compile(
            rf"(?<![\w.`$/\\:@-])(?:`(?P<quoted>{either})`|(?P<plain>{either}))\s*\.\s*(?:`[^`\n]+`|\w+|\{{)"
            rf"|\b(?:(?:use|set)\s+)?catalog\s+(?:if\s+(?:not\s+)?exists\s+)?['`\"]?(?P<used>{either})['`\"]?(?![\w.-])"
            rf"|\bshow\s+(?:schemas|databases)\s+(?:in|from)\s+['`\"]?(?P<shown>{either})['`\"]?(?![\w.-])"
            rf"|(?<![\w./-])/?(?:dbfs/)?Volumes/(?P<volume>{either})(?![\w.-])",
            re.IGNORECASE,
        )
        # val catalog = "prod", --catalog=prod, "catalog": "prod", $catalog=prod
        self._assigned = re.compile(
            rf"\w*catalog\w*['\"]?\s*(?::\s*\w+\s*)?(?:=|<-|:)\s*['\"`]?(?P<assigned>{either})['\"`]?(?![\w.-])", re.IGNORECASE
        )
        self._widget = re.compile(
            rf"\bcreate\s+widget\s+\w+\s+\w*catalog\w*\s+default\s+['\"](?P<default>{either})['\"]", re.IGNORECASE
        )

    def in_text(self, text: str) -> Iterator[tuple[int, str, str]]:
        """The line (from 1), the catalog and the text of each mention."""
        yield from self._found(self._pattern, text)

    def in_code(self, text: str) -> Iterator[tuple[int, str, str]]:
        """The same in a text that may be SQL."""
        yield from self.in_text(_without_comments(text))

    def in_cell(self, text: str, language: str, given: Container[str] = ()) -> Iterator[tuple[int, str, str]]:
        """The same in a cell that isn't Python; what is given counts in place of a widget's default."""
        text = _without_comments(text, language)
        if language == "sql":
            text = _SQL_WIDGET.sub(lambda found: "\n" * found[0].count("\n") if found["widget"] in given else found[0], text)
        yield from self.in_text(text)
        if language == "sql":
            yield from self._found(self._widget, text)
        else:
            yield from self._found(self._assigned, text)

    def in_value(self, text: str) -> Iterator[tuple[int, str, str]]:
        """The same in what a notebook, a script or a command is given."""
        yield from self.in_text(text)
        yield from self._found(self._assigned, text)

    def _found(self, pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str, str]]:
        for found in pattern.finditer(text):
            named = found.groupdict()
            group = next(one for one, name in named.items() if name)
            line = text.count("\n", 0, found.start(group)) + 1
            yield line, self._by_name[named[group].lower()], " ".join(found[0].split())

    def is_one(self, text: str) -> str | None:
        """The catalog that a text is the name of, and nothing else."""
        return self._by_name.get(text.strip().strip("`").lower())


def mentions(
    names: Collection[str],
    *,
    notebooks: Mapping[str, Notebook],
    files: Mapping[str, bytes],
    given: Callable[[str], Container[str]] = lambda _: (),
) -> list[Mention]:
    """All mentions of these catalogs in notebooks, Python files and SQL files, in the order of paths and lines.

    ``given`` gives the widgets that a file is given, by its path: their defaults name nothing.
    """
    catalogs = Catalogs(names)
    pieces = [*_of_notebooks(notebooks), *_of_files(files)]
    if not any(name.lower() in piece.text.lower() for piece in pieces for name in names):
        return []
    trees: dict[str, list[ast.Module]] = {}
    read = [(piece, tree_of(piece.text) if piece.language == "python" else None) for piece in pieces]
    for piece, tree in read:
        if tree is not None:
            trees.setdefault(piece.path, []).append(tree)
    known = CatalogsInPython(catalogs, trees, given)
    found: list[Mention] = []
    for piece, tree in read:
        lines = (
            known.of(piece.path, tree) if tree is not None else catalogs.in_cell(piece.text, piece.language, given(piece.path))
        )
        found.extend(Mention(piece.at(line), catalog, text) for line, catalog, text in lines)
    return sorted(found, key=lambda one: (one.location.path, one.location.line or 0))


class _Piece(NamedTuple):
    """A text in one language, and where it begins."""

    path: str
    language: str
    text: str
    first_line: int = 1
    cell: int | None = None
    cell_line: int = 1

    def at(self, line: int) -> Location:
        in_cell = self.cell_line + line - 1 if self.cell is not None else None
        return Location(self.path, self.first_line + line - 1, self.cell, in_cell)


def _of_notebooks(notebooks: Mapping[str, Notebook]) -> Iterator[_Piece]:
    for path, notebook in notebooks.items():
        for cell in notebook.cells:
            if cell.skipped:
                continue
            python = python_text(cell)
            if python is not None:
                yield _Piece(path, "python", python, cell.first_line, cell.number)
            elif cell.language in _COMMENTS:
                yield _Piece(path, cell.language, cell.source, cell.first_line, cell.number)
                continue
            for magic in cell.magics:  # lines of another language, and what %run gives
                language = _LINES.get(magic.name.lower(), "fs")
                if not magic.whole_cell:
                    at = magic.line - cell.first_line + 1
                    yield _Piece(path, language, magic.argument, magic.line, cell.number, at)


def _of_files(files: Mapping[str, bytes]) -> Iterator[_Piece]:
    for path, raw in files.items():
        if path.lower().endswith((".py", ".sql")):
            yield _Piece(path, "python" if path.endswith(".py") else "sql", raw.decode("utf-8", "replace"))


def catalog_of_value(names: Collection[str], value: str) -> str | None:
    """The catalog of these that a parameter's value names: alone, in a longer name or SQL, or in the path of a volume."""
    catalogs = Catalogs(names)
    return catalogs.is_one(value) or next((catalog for _, catalog, _ in catalogs.in_value(value)), None)


def refuse(
    found: Iterable[Mention], *, allowed: Collection[str] = (), protected: Collection[str] = (), mend: str = _MEND
) -> None:
    """Refuse mentions of catalogs that aren't allowed by name.

    Raises:
        CatalogMentionError: There is one; the error lists all with file and line.
    """
    left = [one for one in found if one.catalog not in allowed]
    if not left:
        return
    names = ", ".join(sorted({one.catalog for one in left}))
    lines = [f"{one.location}: {one.text}" for one in left[:_SHOWN]]
    more = [f"and {len(left) - _SHOWN} more"] if len(left) > _SHOWN else []
    kind = "a protected catalog" if any(one.catalog in protected for one in left) else "a catalog of another environment"
    raise CatalogMentionError(
        f"what would run names {kind}: {names}",
        cause="\n".join([*lines, *more]),
        mend=mend,
        location=left[0].location,
    )


def _without_comments(text: str, language: str = "sql") -> str:
    return _COMMENTS.get(language, _NONE).sub(lambda found: found[1] or "\n" * found[0].count("\n"), text)
