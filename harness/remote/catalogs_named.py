"""Which catalogs the texts of a closure name: SQL cells and files, and texts in Python. Comments name nothing."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, NamedTuple

from harness.model import Location
from harness.notebook import python_text
from harness.remote.errors import CatalogMentionError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from harness.model import Notebook

# What stands between quotes stays, as a name may; a comment goes, but for its lines.
_SQL_COMMENT = re.compile(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)|--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT_LANGUAGES = frozenset({"sql", "scala", "r"})
_SHOWN = 20
_VOLUME = re.compile(r"(?:^|[\s:])/?(?:dbfs/)?Volumes/([^/\s]+)", re.IGNORECASE)
_MEND = "take the catalog from a widget, or allow it by name: allowed_catalogs in the environment's table"


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
            rf"|\b(?:use\s+catalog|set\s+catalog|catalog)\s+['`\"]?(?P<used>{either})['`\"]?(?![\w.-])",
            re.IGNORECASE,
        )

    def in_text(self, text: str) -> Iterator[tuple[int, str, str]]:
        """The line (from 1), the catalog and the text of each mention."""
        for found in self._pattern.finditer(text):
            name = found["quoted"] or found["plain"] or found["used"]
            start = found.start("quoted" if found["quoted"] else "plain" if found["plain"] else "used")
            yield text.count("\n", 0, start) + 1, self._by_name[name.lower()], " ".join(found[0].split())

    def is_one(self, text: str) -> str | None:
        """The catalog that a text is the name of, and nothing else."""
        return self._by_name.get(text.strip().strip("`").lower())


def mentions(names: Collection[str], *, notebooks: Mapping[str, Notebook], files: Mapping[str, bytes]) -> list[Mention]:
    """All mentions of these catalogs in notebooks, Python files and SQL files, in the order of paths and lines."""
    catalogs = Catalogs(names)
    found: list[Mention] = []
    for path, notebook in sorted(notebooks.items()):
        for cell in notebook.cells:
            if cell.skipped:
                continue
            python = python_text(cell)
            if python is not None:
                lines = _in_python(catalogs, python)
            elif cell.language in _TEXT_LANGUAGES:
                lines = catalogs.in_text(_without_comments(cell.source))
            else:
                continue
            found.extend(
                Mention(Location(path, cell.first_line + line - 1, cell.number, line), catalog, text)
                for line, catalog, text in lines
            )
    for path, raw in sorted(files.items()):
        source = raw.decode("utf-8", "replace")
        if path.endswith(".py"):
            lines = _in_python(catalogs, source)
        elif path.lower().endswith(".sql"):
            lines = catalogs.in_text(_without_comments(source))
        else:
            continue
        found.extend(Mention(Location(path, line), catalog, text) for line, catalog, text in lines)
    return found


def catalog_of_value(names: Collection[str], value: str) -> str | None:
    """The catalog of these that a parameter's value names: alone, in a longer name or SQL, or in the path of a volume."""
    catalogs = Catalogs(names)
    volume = _VOLUME.search(value)
    alone = catalogs.is_one(value) or (catalogs.is_one(volume[1]) if volume is not None else None)
    return alone or next((catalog for _, catalog, _ in catalogs.in_text(value)), None)


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


def _in_python(catalogs: Catalogs, source: str) -> Iterator[tuple[int, str, str]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield from catalogs.in_text(source)  # what can't be read as Python is looked through whole
        return
    # The parts of an f-string are looked at together; a text that stands by itself says nothing to what runs.
    passed_over = set(_parts(tree))
    found: set[tuple[int, str, str]] = set()
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                text = "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in values)
            case ast.Constant(value=str() as whole) if id(node) not in passed_over:
                text = whole
            case ast.Call(func=ast.Attribute(attr="setCurrentCatalog"), args=[ast.Constant(value=str() as name)]):
                catalog = catalogs.is_one(name)
                if catalog is not None:
                    found.add((node.lineno, catalog, f"setCurrentCatalog({name!r})"))
                continue
            case _:
                continue
        for line, catalog, shown in catalogs.in_text(_without_comments(text)):
            found.add((node.lineno + line - 1, catalog, shown))
    yield from sorted(found)


def _parts(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                yield from map(id, values)
            case ast.Expr(value=ast.Constant() as alone):
                yield id(alone)


def _without_comments(text: str) -> str:
    return _SQL_COMMENT.sub(lambda found: found[1] or "\n" * found[0].count("\n"), text)
