"""Which tests name which unit, read from the test files' syntax. Nothing is imported or executed.

A test names a unit by an import, by ``notebook(…)`` or ``load_notebook(…)``, by a fixture or a helper function of its file or
of a ``conftest.py`` that does, or, in a test notebook, by ``%run``.
"""

from __future__ import annotations

import ast
import os
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import HarnessError
from harness.extract.run import find_target, parse_run
from harness.extract.scan import parse
from harness.notebook import read_notebook
from harness.notebook.discover import is_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SUFFIXES = (".py", ".ipynb")


class _Ref(NamedTuple):
    """What a name in a test file stands for: a notebook, or one unit of it."""

    path: str
    unit: str | None = None


class _Mention(NamedTuple):
    path: str
    unit: str | int


@dataclass(slots=True)
class _Names:
    """A function's mentions, the names it uses besides, and the notebook that it gives back (a fixture does)."""

    mentions: set[_Mention] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    gives: _Ref | None = None


@dataclass(slots=True)
class _File:
    """A test file or conftest.py: what its names stand for, its functions, its test ids with the functions behind each."""

    path: str
    bound: dict[str, _Ref] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    functions: dict[str, _Names] = field(default_factory=dict)
    tests: dict[str, tuple[str, ...]] = field(default_factory=dict)


class TestNames:
    """Notes which tests of one project name which unit.

    ``root`` is the project's folder, ``notebooks`` those its tests can name, ``roots`` the folders imports count from. Test ids
    are relative to ``shown_from``, by default the root.
    """

    __test__ = False  # not a test class, whatever its name

    def __init__(
        self,
        root: str,
        notebooks: Iterable[str],
        roots: Iterable[str],
        *,
        shown_from: str | None = None,
        run_prefixes: Callable[[str], tuple[str, Mapping[str, str]]] | None = None,
    ) -> None:
        self._root = root
        self._shown_from = shown_from or root
        self._roots = tuple(roots)
        self._files = {os.path.normpath(path): path for path in notebooks}
        self._run_prefixes = run_prefixes
        self._tests: dict[_Mention, dict[str, None]] = {}
        self._conftests: dict[str, _File | None] = {}
        self._by_end: dict[str, list[str]] = {}
        for path in self._files.values():
            self._by_end.setdefault(os.path.basename(path), []).append(path)

    def read(self, test_file: str) -> None:
        """Note what a test file's tests name; a file that can't be read as Python names nothing."""
        conftests = self._above(test_file)
        file = self._read(test_file, conftests)
        if file is None:
            return
        relative = os.path.relpath(test_file, self._shown_from).replace(os.sep, "/")
        for test, functions in file.tests.items():
            mentioned = self._mentioned(functions, [file, *conftests])
            if test_file in self._files:
                mentioned.add(_Mention(test_file, test.partition("::")[0]))  # a test notebook's tests name themselves
            for mention in mentioned:
                self._tests.setdefault(mention, {})[f"{relative}::{test}"] = None

    def of(self, path: str, *units: str | int) -> tuple[str, ...]:
        """Give the ids of the tests that name a unit, by any of its names."""
        found: dict[str, None] = {}
        for unit in units:
            found.update(self._tests.get(_Mention(path, unit), {}))
        return tuple(found)

    def mentions(self, path: str) -> bool:
        """Say whether a test names any unit of a notebook."""
        return any(mention[0] == path for mention in self._tests)

    # -- one file --------------------------------------------------------------------------------------------------------------

    def _above(self, test_file: str) -> list[_File]:
        """Give the conftest.py files that hold for a test file, the closest first."""
        found = []
        folder = os.path.dirname(test_file)
        while True:
            path = os.path.join(folder, "conftest.py")
            if path not in self._conftests:
                self._conftests[path] = self._read(path, []) if os.path.isfile(path) else None
            file = self._conftests[path]
            if file is not None:
                found.append(file)
            above = os.path.dirname(folder)
            if folder in {self._root, above}:
                return found
            folder = above

    def _read(self, path: str, conftests: list[_File]) -> _File | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                body = self._body(path)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError, HarnessError):
            return None
        file = _File(path)
        for node in body:
            if isinstance(node, str):
                file.stars.extend(self._run_targets(node, path))
        statements = [node for node in body if isinstance(node, ast.stmt)]
        if path in self._files:  # a test notebook: its tests may name its own units
            for node in statements:
                if isinstance(node, _Function | ast.ClassDef):
                    file.bound[node.name] = _Ref(path, node.name)
        self._bind(statements, file, file.bound, file.texts)
        fixtures = {name: names.gives for one in conftests[::-1] for name, names in one.functions.items()}
        functions = [node for node in statements if isinstance(node, _Function)]
        for node in functions:
            if _is_fixture(node):
                fixtures[_fixture_name(node)] = self._function(file, node, fixtures, {}).gives
        for node in functions:
            file.functions[_fixture_name(node)] = self._function(file, node, fixtures, {})
            if node.name.startswith("test"):
                file.tests[node.name] = (_fixture_name(node),)
        for node in statements:
            if isinstance(node, ast.ClassDef):
                self._class(file, node, fixtures)
        return file

    @staticmethod
    def _body(path: str) -> list[ast.stmt | str]:
        if is_notebook(path):
            return [part.node for part in parse(read_notebook(path))[0]]
        with open(path, "rb") as source:
            return list(ast.parse(source.read()).body)

    def _class(self, file: _File, node: ast.ClassDef, fixtures: dict[str, _Ref | None]) -> None:
        own: dict[str, _Ref] = {}  # self.name
        methods = [part for part in node.body if isinstance(part, _Function)]
        shared = []
        for method in methods:
            file.functions[f"{node.name}.{method.name}"] = names = self._function(file, method, fixtures, own)
            if _is_fixture(method):
                fixtures = {**fixtures, _fixture_name(method): names.gives}
            if method.name.lower().startswith("setup"):
                shared.append(f"{node.name}.{method.name}")
        for method in methods:  # again: now the class's fixtures and what setup keeps on self are known
            file.functions[f"{node.name}.{method.name}"] = self._function(file, method, fixtures, own)
            if _is_fixture(method):
                file.functions.setdefault(_fixture_name(method), file.functions[f"{node.name}.{method.name}"])
            if _is_test_class(node) and method.name.startswith("test"):
                file.tests[f"{node.name}::{method.name}"] = (f"{node.name}.{method.name}", *shared)
            if method.name.startswith("assertion_") and _is_derived_from(node, "NutterFixture"):
                case = method.name.removeprefix("assertion_")
                named = {"__init__", "before_all", *(f"{role}_{case}" for role in ("before", "run", "assertion", "after"))}
                file.tests[f"{node.name}::{case}"] = tuple(f"{node.name}.{one.name}" for one in methods if one.name in named)

    # -- names -----------------------------------------------------------------------------------------------------------------

    def _function(self, file: _File, node: _Function, fixtures: Mapping[str, _Ref | None], own: dict[str, _Ref]) -> _Names:
        arguments = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        bound = {name: ref for name, ref in file.bound.items() if name not in arguments}
        bound.update((name, ref) for name in arguments if (ref := fixtures.get(name)) is not None)
        bound.update((f"self.{name}", ref) for name, ref in own.items())
        self._bind([node], file, bound, dict(file.texts), inside=True)
        own.update((name.removeprefix("self."), ref) for name, ref in bound.items() if name.startswith("self."))
        names = _Names(uses=set(arguments))
        for part in ast.walk(node):
            match part:
                case ast.Name(id=name, ctx=ast.Load()):
                    ref = bound.get(name)
                    if ref is None:
                        names.uses.add(name)
                        names.mentions.update(_Mention(path, name) for path in file.stars)
                    elif ref.unit is not None:
                        names.mentions.add(_Mention(ref.path, ref.unit))
                        names.uses.add(name)
                case ast.Attribute(value=value, attr=attr):
                    ref = self._stands_for(value, file, bound)
                    if ref is not None and ref.unit is None:
                        names.mentions.add(_Mention(ref.path, attr))
                    if isinstance(value, ast.Name) and value.id in {"self", "cls"}:
                        names.uses.add(f".{attr}")
                case ast.Call(
                    func=ast.Attribute(value=value, attr="cell"), args=[ast.Constant(value=str() | int() as key), *_]
                ):
                    ref = self._stands_for(value, file, bound)
                    if ref is not None and ref.unit is None:
                        names.mentions.add(_Mention(ref.path, key))
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="request"), attr="getfixturevalue"),
                    args=[ast.Constant(value=str() as name)],
                ):
                    names.uses.add(name)
                case ast.Return(value=ast.expr() as value) | ast.Yield(value=ast.expr() as value):
                    names.gives = names.gives or self._stands_for(value, file, bound)
        for decorator in node.decorator_list:
            names.uses.update(c.value for c in ast.walk(decorator) if isinstance(c, ast.Constant) and isinstance(c.value, str))
        return names

    def _bind(
        self, nodes: Iterable[ast.stmt], file: _File, bound: dict[str, _Ref], texts: dict[str, str], *, inside: bool = False
    ) -> None:
        """Note which names these statements make stand for a notebook or a unit; ``inside`` looks into functions too."""
        for node in nodes:
            for part in ast.walk(node) if inside else _outside_functions(node):
                match part:
                    case ast.ImportFrom():
                        self._bind_from(part, file, bound)
                    case ast.Import():
                        for alias in part.names:
                            path = self._module(alias.name, file.path)
                            if path is not None:
                                bound[alias.asname or alias.name] = _Ref(path)
                    case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                        name = ast.unparse(target) if isinstance(target, ast.Name | ast.Attribute) else ""
                        text = _last_text(value, texts)
                        if text is not None and isinstance(target, ast.Name):
                            texts[name] = text
                        ref = self._stands_for(value, file, bound, texts)
                        if ref is not None and name:
                            bound[name] = ref

    def _bind_from(self, node: ast.ImportFrom, file: _File, bound: dict[str, _Ref]) -> None:
        module = "." * node.level + (node.module or "")
        notebook = self._module(module, file.path)
        for alias in node.names:
            if alias.name == "*":
                if notebook is not None:
                    file.stars.append(notebook)
                continue
            inner = self._module(f"{module}{'' if module.endswith('.') else '.'}{alias.name}", file.path)
            if notebook is not None:
                bound[alias.asname or alias.name] = _Ref(notebook, alias.name)
            elif inner is not None:
                bound[alias.asname or alias.name] = _Ref(inner)

    def _stands_for(
        self, value: ast.expr, file: _File, bound: Mapping[str, _Ref], texts: Mapping[str, str] | None = None
    ) -> _Ref | None:
        """Give the notebook or unit that an expression stands for."""
        match value:
            case ast.Name(id=name):
                return bound.get(name)
            case ast.Attribute(value=inner, attr=attr):
                dotted = ast.unparse(value)
                if dotted in bound:
                    return bound[dotted]
                ref = self._stands_for(inner, file, bound, texts)
                return _Ref(ref.path, attr) if ref is not None and ref.unit is None else None
            case ast.Call(
                func=ast.Name(id="notebook" | "load_notebook") | ast.Attribute(attr="load_notebook"), args=[path, *_]
            ):
                text = _last_text(path, file.texts if texts is None else texts)
                found = self._file(text, file.path) if text else None
                return _Ref(found) if found is not None else None
        return None

    def _module(self, name: str, test_file: str) -> str | None:
        """Give the notebook that a module name reaches from a test file."""
        bare = name.lstrip(".")
        level = len(name) - len(bare)
        if level:
            folder = os.path.dirname(test_file)
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            folders: tuple[str, ...] = (folder,)
        else:
            folders = (_base(test_file), *self._roots)
        for folder in folders:
            for suffix in _SUFFIXES:
                found = self._files.get(os.path.normpath(os.path.join(folder, *bare.split(".")) + suffix)) if bare else None
                if found is not None:
                    return found
        return None

    def _file(self, text: str, test_file: str) -> str | None:
        """Give the notebook that a path in a test names: from beside the test, from the root, or the only one it can mean."""
        for folder in (os.path.dirname(test_file), self._root):
            path = self._files.get(os.path.normpath(os.path.join(folder, text)))
            if path is not None:
                return path
        end = os.path.normpath(text)
        while end.startswith(".." + os.sep):
            end = end[3:]
        ends = [path for path in self._by_end.get(os.path.basename(end), ()) if path.endswith(os.sep + end)]
        return ends[0] if len(ends) == 1 else None

    def _run_targets(self, argument: str, beside: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        root, prefixes = self._run_prefixes(beside) if self._run_prefixes is not None else (self._root, {})
        target = find_target(parse_run(argument).target, beside=beside, prefixes=prefixes, root=root)
        if target is None or target in seen:
            return
        yield target
        try:
            cells = read_notebook(target).cells
        except HarnessError:
            return
        for magic in (magic for cell in cells if not cell.skipped for magic in cell.magics if magic.name == "run"):
            yield from self._run_targets(magic.argument, target, seen | {target})

    @staticmethod
    def _mentioned(functions: Iterable[str], files: list[_File]) -> set[_Mention]:
        """Give what functions mention, with the helpers and fixtures that they use."""
        found: set[_Mention] = set()
        todo = list(functions)
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            names = next((file.functions[name] for file in files if name in file.functions), None)
            if names is not None:
                found |= names.mentions
                owner = name.rpartition(".")[0]
                todo.extend(f"{owner}{use}" if use.startswith(".") else use for use in names.uses)
        return found


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, _Function | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _is_fixture(node: _Function) -> bool:
    return any(
        "fixture" in ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
        for decorator in node.decorator_list
    )


def _fixture_name(node: _Function) -> str:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and _is_fixture(node):
            for keyword in decorator.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value)
    return node.name


def _is_test_class(node: ast.ClassDef) -> bool:
    return node.name.startswith("Test") or _is_derived_from(node, "TestCase")


def _is_derived_from(node: ast.ClassDef, name: str) -> bool:
    return any(ast.unparse(base).endswith(name) for base in node.bases)


def _last_text(node: ast.AST, texts: Mapping[str, str]) -> str | None:
    """Give the text that ends a path expression: ``"a.py"``, ``FOLDER / "a.py"``, ``str(NAME)``."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return texts.get(name)
        case ast.BinOp(op=ast.Div(), left=left, right=right):
            return _joined([left, right], texts)
        case ast.Call(func=ast.Name(id="join") | ast.Attribute(attr="join" | "joinpath"), args=parts):
            return _joined(parts, texts)
        case ast.Call(args=[*_, last]):
            return _last_text(last, texts)
        case ast.JoinedStr(values=[*_, ast.Constant(value=str() as text)]):
            return text.lstrip("/")
    return None


def _joined(parts: list[ast.expr], texts: Mapping[str, str]) -> str | None:
    """Join what is known of a path, from the end on up to what isn't."""
    known: list[str] = []
    for part in parts[::-1]:
        text = _last_text(part, texts)
        if text is None:
            break
        known.insert(0, text)
    return os.path.join(*known) if known else None


def _base(test_file: str) -> str:
    """Give the folder that pytest puts on the path for a test file: the first one upward that is no package."""
    folder = os.path.dirname(test_file)
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return folder
