"""One loaded notebook: its statements in order, executed as far as loading goes, and a way to all other names."""

from __future__ import annotations

import os
import re
from types import FunctionType
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, PlaceholderError, UnresolvedNameError
from harness.extract.kinds import HELD, KEPT, NOTHING, RUN, NotNowError
from harness.extract.module import Namespace
from harness.extract.quiet import dotted_name
from harness.extract.run import Entry

if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping, Sequence
    from types import CodeType

    from harness.extract.build import Extract, Row
    from harness.extract.load import Loader
    from harness.extract.values import Values
    from harness.model import Location, Problem

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_NONE_GIVEN: Mapping[str, Any] = {}

# What Spark has behind a message: advice for names without a catalog, the plan, Java's stack.
_BEHIND = re.compile(r"\n\nJVM stacktrace:|\nSearch path: \[")


class Units:
    """A notebook's namespace and how it came about; what only asking for values needs is in ``values``."""

    __slots__ = (
        "__weakref__", "_entries", "_values", "beside", "failures", "folders", "given", "lazy", "loader", "loading_at",
        "missing_stars", "namespace", "path", "problems", "rebound", "source", "widgets",
    )  # fmt: skip

    def __init__(
        self,
        loader: Loader,
        source: Extract,
        *,
        widgets: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        self.loader = loader
        self.source = source
        self.path = source.path
        self.namespace = Namespace(self)
        self.lazy: set[str] = set()
        self.given = values or _NONE_GIVEN
        self.widgets = widgets
        self.loading_at: int | None = None
        self.missing_stars: tuple[str, ...] = ()
        self.failures: dict[int, HarnessError] | None = None
        self.folders = [os.path.dirname(source.path)]
        self.beside: dict[str, str] = {}
        self.problems: Sequence[Problem] = source.problems
        self.rebound: dict[str, Any] = dict.fromkeys(source.rebound, NOTHING)
        self._entries: list[Entry] | None = None
        self._values: Values | None = None

    @property
    def entries(self) -> list[Entry]:
        """All statements of the notebook and of what it ``%run``s, in order."""
        if self._entries is None:
            self._entries = [Entry(self.source, row, ()) for row in self.source.rows]
        return self._entries

    @property
    def values(self) -> Values:
        """What gives the names that loading leaves open."""
        if self._values is None:
            from harness.extract.values import Values

            self._values = Values(self)
        return self._values

    def execute(self) -> None:
        """Run the kept statements in order; one that fails costs only the names it binds."""
        rows = self.source.rows
        for row in rows:
            if row.kind == RUN:
                from harness.extract.run import flatten

                self._entries, self.problems = flatten(
                    self.source, read=self.loader.extract, find=self.loader.find, why=self.loader.why_missing
                )
                rows = [entry.row for entry in self._entries]
                self.rebound.update((name, NOTHING) for entry in self._entries for name in entry.source.rebound)
                break
        namespace, lazy = self.namespace, self.lazy
        has_added = self.source.added or any(entry.source.added for entry in self._entries or ())
        try:
            for index, row in enumerate(rows):
                if row.code is not None:
                    self.loading_at = index
                    try:
                        self._exec(row.code, row.imports)
                    except NotNowError:
                        self._wait(index)
                    except (Exception, SystemExit) as exc:  # noqa: BLE001 - kept, and told when its names are used
                        self._fail(index, exc)
                    else:
                        if lazy:
                            lazy.difference_update(
                                [name for name in row.binds + row.changes if dict.__contains__(namespace, name)]
                            )
                elif row.kind == HELD:
                    if has_added:
                        self._add_folders(index)
                    self._hold_back(row)
                else:  # deferred: what is kept has code, and of a %run the target's rows came instead
                    self._stand_in(index, row.binds[0], row.what)
                if self.given:
                    namespace.update(self.given)
                    lazy.difference_update(self.given)
        finally:
            self.loading_at = None
            if self._values is not None:
                self._values.forget()  # what loading computed without a test's values may have run too little

    def remember(self) -> None:
        """Note what the names that functions bind anew (``global``) are now: a test's calls must not show in the next test."""
        for name in self.rebound:
            self.rebound[name] = dict.get(self.namespace, name, NOTHING)

    def restore(self) -> None:
        """Bind such names as they were."""
        for name, value in self.rebound.items():
            if value is NOTHING:
                self.namespace.pop(name, None)
            else:
                self.namespace[name] = value

    def place(self, entry: Entry) -> Location:
        """Give an entry's place, as shown to users."""
        return self.loader.shown(entry.source.locate(entry.row.line))

    def failure(self, entry: Entry, name: str, exc: BaseException) -> HarnessError:
        """Put what a statement raised into our words."""
        if isinstance(exc, PlaceholderError | UnresolvedNameError):
            return PlaceholderError(
                f"{name!r} can't be defined here: {exc.what}", cause=exc.cause, mend=exc.mend, location=self.place(entry)
            )
        cause = _BEHIND.split(f"{type(exc).__name__}: {exc}", maxsplit=1)[0]
        if entry.row.kind == HELD:
            return PlaceholderError(
                f"{name!r} could not be worked out inside the test: its statement raised",
                cause=cause,
                mend="make in the test what the statement reads (a table, a widget, a file), "
                f"or give the name a value: values={{{name!r}: …}}",
                location=self.place(entry),
            )
        return PlaceholderError(
            f"{name!r} can't be defined here: its statement raised",
            cause=cause,
            mend=f"mend the statement, or give the name a value: values={{{name!r}: …}}",
            location=self.place(entry),
        )

    def _wait(self, index: int) -> None:
        """A kept statement needs what only a test gives: definitions get a stand-in, other names are computed on use."""
        entry = self.entries[index]
        for name in (*entry.row.binds, *entry.row.changes):
            definition = self.values.outline.definition(entry, name)
            if definition is not None:
                self._stand_in(index, name, type(definition).__name__)
            else:
                self.namespace.pop(name, None)
                self.lazy.add(name)

    def _hold_back(self, row: Row) -> None:
        for name in row.binds + row.changes:
            before = self.namespace.pop(name, None)
            if isinstance(before, type | FunctionType) and name not in row.binds:
                self._changed_definition(name, before)
            else:
                self.lazy.add(name)

    def _changed_definition(self, name: str, before: type | FunctionType) -> None:
        """A held-back statement changes a function or class, or what it holds: its stand-in gives the changed one when used."""
        from harness.extract.placeholder import stand_in_class, stand_in_function

        def from_test() -> Any:
            return self.values.at_end(name)

        if isinstance(before, type):
            self.namespace[name] = stand_in_class(name, self.namespace["__name__"], from_test)
        else:
            self.namespace[name] = stand_in_function(name, from_test, before)

    def _stand_in(self, index: int, name: str, what: str) -> None:
        from harness.extract.define import define
        from harness.extract.placeholder import stand_in_class, stand_in_function

        values = self.values

        def from_test() -> Any:
            return values.of_statement(index)[name]

        if what in {"class", "ClassDef"}:
            self.namespace[name] = stand_in_class(name, self.namespace["__name__"], from_test)
        else:
            entry = self.entries[index]
            definition = values.outline.definition(entry, name)
            assert definition is not None, "callers have found it"  # noqa: S101 - for the type checker
            plain = define(definition, entry.source, self.namespace, decorated=False, defaults=entry.row.kind == KEPT)
            stand_in = stand_in_function(name, from_test, plain)
            if _makes_udf(definition):
                stand_in.func = plain  # type: ignore[attr-defined]  # where pyspark's own UDFs keep the plain function
            self.namespace[name] = stand_in
        self.lazy.discard(name)

    def _fail(self, index: int, exc: BaseException) -> None:
        """A kept statement raised: save what can be saved of a definition, and leave placeholders for the rest."""
        from harness.extract.define import define

        entry = self.entries[index]
        if entry.row.what == "import":
            self._fail_import(index, exc)
            return
        if isinstance(exc, NameError) and self._load_again(index, entry):
            return
        for name in (*entry.row.binds, *entry.row.changes):
            definition = self.values.outline.definition(entry, name)
            if definition is None:
                self.namespace.pop(name, None)
                self.lazy.add(name)
                self.failures = {**(self.failures or {}), index: self.failure(entry, name, exc)}
                continue
            defined = define(definition, entry.source, self.namespace)
            if defined is not None:
                self.namespace[name] = defined
                self.lazy.discard(name)
                continue
            # Inside a test it may succeed: a type given as text, say, is only understood by a live Spark session.
            self._stand_in(index, name, type(definition).__name__)
            self.failures = {**(self.failures or {}), index: self.failure(entry, name, exc)}

    def _load_again(self, index: int, entry: Entry) -> bool:
        """Execute a kept statement with the names that the bodies of its classes read computed first."""
        if entry.row.code is None or not self.values.outline.read_by_classes(index):
            return False
        namespace = self.namespace
        names = (*entry.row.binds, *entry.row.changes)
        try:
            with self.values.as_it_was(index):
                exec(entry.row.code, namespace)
                made = {name: dict.__getitem__(namespace, name) for name in names if dict.__contains__(namespace, name)}
        except NotNowError:
            self._wait(index)
        except (Exception, SystemExit):  # noqa: BLE001 - the first failure is told
            return False
        else:
            namespace.update(made)
            self.lazy.difference_update(made)
        return True

    def _fail_import(self, index: int, exc: BaseException) -> None:
        """An import failed: try each of its names by itself, and leave placeholders for those that aren't there."""
        entry = self.entries[index]
        from harness.extract.placeholder import Placeholder

        assert entry.row.code is not None, "an import is a kept row"  # noqa: S101 - for the type checker
        if len(entry.row.binds) == 1:
            parts: list[tuple[CodeType, str]] = [(entry.row.code, entry.row.binds[0])]
        else:
            parts = [(entry.source.compile(node), name) for node, name in self.values.outline.imports(entry)]
        for code, name in parts:
            try:
                if len(parts) > 1:
                    self._exec(code, entry.row.imports)
                else:
                    raise exc  # noqa: TRY301 - one way for both
            except (Exception, SystemExit) as own:  # noqa: BLE001 - kept in the placeholder, which tells it when used
                if not isinstance(own, ImportError) and name != "*" and len(parts) == 1:
                    self.lazy.add(name)  # the module is there and raised: inside a test, with a session, it may not
                    self.failures = {**(self.failures or {}), index: self.failure(entry, name, own)}
                    return
                error = self._import_error(entry, name, own)
                if name == "*":
                    self.missing_stars = (*self.missing_stars, f"{error.cause} ({error.location}): {self._import_mend(own)}")
                    continue
                self.namespace[name] = Placeholder(error)
            self.lazy.discard(name)

    def _exec(self, code: CodeType, imports: tuple[str, ...]) -> None:
        """Execute what may import modules of the notebook's own folder, or of one that it has put on the path by then."""
        named = self.loader.beside.named(imports, self.folders) if imports else None
        if not named:
            exec(code, self.namespace)
            return
        self.beside = {**named, **self.beside}
        with self.loader.beside.importing(self.folders):
            exec(code, self.namespace)

    def _add_folders(self, index: int) -> None:
        """Note the folders that a held-back statement puts on ``sys.path``: relative ones count from the first notebook's."""
        entry = self.entries[index]
        for line, path, is_first in entry.source.added:
            if entry.row.line <= line <= entry.row.end_line:
                place = self.loader.place(path, beside=self.path)
                if place is not None and os.path.isdir(place) and (is_first or place not in self.folders):
                    self.folders.insert(0 if is_first else len(self.folders), place)

    def _import_error(self, entry: Entry, name: str, exc: BaseException) -> PlaceholderError:
        return PlaceholderError(
            f"{name!r} has no value: its import failed",
            cause=f"{type(exc).__name__}: {exc}",
            mend=f"{self._import_mend(exc)}, or give it a value: values={{{name!r}: …}}",
            location=self.place(entry),
        )

    def _import_mend(self, exc: BaseException) -> str:
        if not isinstance(exc, ModuleNotFoundError) or not exc.name:
            return "mend the import"
        from harness.extract.off_path import at_root, off_path, on_path

        if at_root(exc.name, self.loader.root):
            # https://docs.databricks.com/files/workspace-modules.html
            return f"it is in the project's folder, which is on the path where that is a Git folder: {on_path('.')}"
        folder = off_path(exc.name, self.loader.root)
        if folder is not None:
            return f"it is in {folder}, which isn't on the path: {on_path(folder)}"
        return f"install what brings {exc.name}" if "." in exc.name else f"install {exc.name}"


def _makes_udf(definition: ast.AST) -> bool:
    decorators = [dotted_name(decorator).rpartition(".")[2] for decorator in getattr(definition, "decorator_list", ())]
    return any(name in {"udf", "pandas_udf", "arrow_udf"} for name in decorators)
