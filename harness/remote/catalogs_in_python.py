"""Which catalogs Python names, in what runs: texts with a catalog in them, and whole texts that are used as one.

``mode = "prod"`` may mean anything, so a text that is a catalog's name and no more counts where it is called one
(``CATALOG = "prod"``, ``f(catalog="prod")``, ``widgets.text("catalog", "prod")``), is given to what takes one, or becomes the
head of a longer text (``f"{env}.sales.orders"``), also by a name that another file of the closure binds at its top. A choice
among several (a dictionary by environment, the choices of a widget) names none: nobody says that it is the one.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from harness.remote.python_texts import Bound, Texts, bound, leaves, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from harness.remote.catalogs_named import Catalogs

_CALLED_ONE = re.compile("catalog", re.IGNORECASE)
_TAKES_ONE = frozenset({"setCurrentCatalog"})
_SUBJECTS = frozenset({"name", "key"})
_DEFAULTS = frozenset({"default", "defaultValue", "value"})
_FILE = re.compile(r"[\w-]+\.(?:json|ya?ml|toml|csv|tsv|txt|py|sql|log|parquet|ini|cfg|conf|env|xml|zip|md|html|png)")


class CatalogsInPython:
    """Finds mentions in the Python of one closure.

    Args:
        catalogs: The catalogs that are looked for.
        trees: The Python of each file, by path; a notebook has one for each cell.
        given: Gives the widgets that a file is given, by its path, so that their defaults don't count.
    """

    def __init__(
        self, catalogs: Catalogs, trees: Mapping[str, Sequence[ast.Module]], given: Callable[[str], Container[str]]
    ) -> None:
        self._catalogs = catalogs
        self._given = {path: given(path) for path in trees}
        self._everywhere: dict[str, str] = {}
        self._by_path: dict[str, dict[str, str]] = {path: {} for path in trees}
        self._widgets: dict[str, str] = {}
        self._parameters: dict[str, list[str]] = {}
        self._known = {path: self._texts(path) for path in trees}
        # Walked once: a closure may have thousands of files.
        self._nodes = {tree: list(ast.walk(tree)) for some in trees.values() for tree in some}
        bindings: list[tuple[str, Bound, bool]] = []
        for path, tree in ((path, tree) for path, some in trees.items() for tree in some):
            top = set(tree.body)
            bindings.extend((path, one, True) for one in bound(tree.body))
            bindings.extend((path, one, False) for one in bound(node for node in self._nodes[tree] if node not in top))
            self._learn(path, tree)
        while self._bind(bindings):  # one name may stand for another
            pass

    def of(self, path: str, tree: ast.Module) -> Iterator[tuple[int, str, str]]:
        """The line, the catalog and the text of each mention in a file, by line."""
        yield from sorted({*self._called(path, tree), *self._in_texts(path, tree)})

    def _learn(self, path: str, tree: ast.Module) -> None:
        given = self._given[path]
        for node in self._nodes[tree]:
            match node:
                case ast.FunctionDef(name=name, args=arguments) | ast.AsyncFunctionDef(name=name, args=arguments):
                    named = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
                    self._parameters[name] = named[1:] if named[:1] in (["self"], ["cls"]) else named
                case ast.Call() if _is_of_widgets(node) and _subject_of(node) not in given:
                    for value in _default_of(node):
                        text = value.value if isinstance(value, ast.Constant) else None
                        catalog = self._catalogs.is_one(text) if isinstance(text, str) else None
                        if catalog is not None:
                            self._widgets[_subject_of(node)] = catalog

    def _bind(self, bindings: Iterable[tuple[str, Bound, bool]]) -> bool:
        """Note which names stand for a catalog; whether there are more than before."""
        has_more = False
        for path, one, is_top in bindings:
            if one.name in self._by_path[path]:
                continue
            catalog = next(filter(None, (self._whole(path, leaf) for leaf in leaves(one.value))), None)
            if catalog is not None:
                self._by_path[path][one.name] = catalog
                has_more = True
                if is_top:
                    self._everywhere.setdefault(one.name, catalog)
        return has_more

    def _texts(self, path: str) -> Texts:
        def known(name: str) -> str | None:
            found = self._by_path[path].get(name) or self._everywhere.get(name)
            # Config.ENV may be what a class or another file binds as ENV, where table.name is nobody's name.
            return known(name[1:]) if found is None and name.startswith(".") and name.isupper() else found

        return Texts(known, self._widgets.get)

    def _whole(self, path: str, node: ast.expr) -> str | None:
        """The catalog that an expression is the name of, and nothing else."""
        text = self._known[path].of(node)
        return None if text is None else self._catalogs.is_one(text)

    # -- texts with a catalog in them ------------------------------------------------------------------------------------------

    def _in_texts(self, path: str, tree: ast.Module) -> Iterator[tuple[int, str, str]]:
        texts = self._texts(path)
        for node in self._nodes[tree]:  # a whole comes before its parts
            match node:
                case ast.Expr(value=ast.Constant() as alone):
                    texts.used.add(alone)  # it says nothing to what runs
                case ast.Call() if _is_of_widgets(node) and _subject_of(node) in self._given[path]:
                    texts.used.update(part for value in _default_of(node) for part in ast.walk(value))
                case ast.Constant() | ast.JoinedStr() | ast.BinOp() | ast.Call() if node not in texts.used:
                    text = texts.of(node)
                    if text is not None and not _FILE.fullmatch(text):
                        for line, catalog, shown in self._catalogs.in_code(text):
                            yield node.lineno + line - 1, catalog, shown

    # -- whole texts that are called one ---------------------------------------------------------------------------------------

    def _called(self, path: str, tree: ast.Module) -> Iterator[tuple[int, str, str]]:
        for value, shown in self._values(path, tree):
            for leaf in leaves(value):
                catalog = self._whole(path, leaf)
                if catalog is not None:
                    yield leaf.lineno, catalog, shown.replace("…", ast.unparse(leaf))

    def _values(self, path: str, tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
        """The values that are called a catalog, and how that is to be shown."""
        for one in bound(self._nodes[tree]):
            if _CALLED_ONE.search(one.name):
                yield one.value, f"{one.name.strip('.[]')} = …"
        for node in self._nodes[tree]:
            match node:
                case ast.Call():
                    yield from self._arguments(path, node)
                case ast.Dict(keys=keys, values=values):
                    for key, value in zip(keys, values, strict=True):
                        if isinstance(key, ast.Constant) and _CALLED_ONE.search(str(key.value)):
                            yield value, f"{key.value!r}: …"

    def _arguments(self, path: str, call: ast.Call) -> Iterator[tuple[ast.expr, str]]:
        name = name_of(call.func)
        for one in call.keywords:
            if one.arg is not None and (_CALLED_ONE.search(one.arg) or name in _TAKES_ONE):
                yield one.value, f"{name}({one.arg}=…)"
        parameters = ["catalog"] if name in _TAKES_ONE else self._parameters.get(name, ())
        for parameter, value in zip(parameters, call.args, strict=False):
            if _CALLED_ONE.search(parameter):
                yield value, f"{name}(…)"
        subject = _subject_of(call)
        if _CALLED_ONE.search(subject) and not (_is_of_widgets(call) and subject in self._given[path]):
            yield from ((value, f"{name}({subject!r}, …)") for value in _default_of(call))


def _is_of_widgets(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Attribute(attr="widgets")) | ast.Name(id="getArgument"):
            return True
    return False


def _subject_of(call: ast.Call) -> str:
    """The name of the widget, the setting, the key that a call is about."""
    for value in (*call.args[:1], *(one.value for one in call.keywords if one.arg in _SUBJECTS)):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return ""


def _default_of(call: ast.Call) -> list[ast.expr]:
    """What that is, unless something else is given."""
    return [*call.args[1:2], *(one.value for one in call.keywords if one.arg in _DEFAULTS)]
