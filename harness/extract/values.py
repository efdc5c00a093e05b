"""Give a notebook's names their values inside a test: run what is safe and needed, and forget it when the test ends."""

from __future__ import annotations

import builtins
import contextlib
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, OutsideTestError, PlaceholderError, UnresolvedNameError
from harness.extract.kinds import DEFERRED, FIXTURE_FIRST, HELD, INJECTED, KEPT, NotNowError
from harness.extract.names import names_read
from harness.extract.need import Outline
from harness.extract.placeholder import Placeholder
from harness.extract.widgets import with_widgets
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from harness.extract.run import Entry
    from harness.extract.units import Units

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_NOTHING = object()


class Values:
    """What a notebook's statements give, each run at most once a test; once for all where no fixture of a test took part."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self.outline = Outline(units.entries)
        self._lasting: dict[int, dict[str, Any]] = {}
        self._passing: dict[int, dict[str, Any]] = {}
        self._computed: set[str] = set()
        self._running: list[int] = []
        self._ordered: set[int] = set()
        self._defining: int | None = None
        self._asked_test = False
        self._lock = threading.RLock()  # a notebook's function may use threads

    def look_up(self, name: str) -> Any:
        """Give the value of a name that loading left open: called by running code.

        Raises:
            PlaceholderError: A statement that is held back computes it.
            OutsideTestError: A test must run to give it.
            UnresolvedNameError: Nothing binds it.
        """
        units = self._units
        with self._lock:
            if units.loading_at is not None:
                return self._value(name, units.loading_at)
            if self._running:
                return self._value(name, len(units.entries) if self._defining is None else self._defining)
            self._asked_test = False
            value = self._value(name, len(units.entries))
            units.namespace[name] = value
            if self._asked_test:
                self._computed.add(name)
                units.loader.touched.add(self)
            return value

    def attribute(self, name: str) -> Any:
        """Give the value of a name asked of the module from outside; without one a placeholder, so that it can be replaced."""
        units = self._units
        if name not in units.lazy and (name not in INJECTED or units.loader.scope is None):
            raise AttributeError(f"notebook {units.loader.show(units.path)} has no unit {name!r}{self._near(name)}")
        try:
            return self.look_up(name)
        except OutsideTestError:
            return Placeholder(self._too_early(name))
        except HarnessError as error:
            return Placeholder(error)

    def of_statement(self, index: int) -> dict[str, Any]:
        """Execute one statement for its names, unless that was done for this test."""
        for known in (self._lasting, self._passing):
            if index in known:
                self._asked_test |= known is self._passing
                return known[index]
        entry = self._units.entries[index]
        self._check(index, entry)
        if entry.row.changes and index not in self._ordered:
            self._read_before(index, entry)
        outer, self._asked_test = self._asked_test, False
        self._running.append(index)
        try:
            found = self._define(index, entry) if _is_definition(entry) else self._evaluate(index, entry)
        except (NotNowError, HarnessError):
            raise
        except Exception as exc:
            raise self._units.failure(entry, ", ".join((*entry.row.binds, *entry.row.changes)) or "a value", exc) from exc
        finally:
            self._running.pop()
            asked, self._asked_test = self._asked_test, outer or self._asked_test
        if asked:
            self._passing[index] = found
            self._units.loader.touched.add(self)
        else:
            self._lasting[index] = found
        return found

    def at(self, name: str, before: int) -> Any:
        """Give the value a name had before a statement."""
        return self._value(name, before)

    def forget(self) -> None:
        """Drop everything that was computed for a test."""
        for name in self._computed:
            self._units.namespace.pop(name, None)
        self._computed.clear()
        self._passing.clear()
        self._ordered.clear()
        self._asked_test = False

    def _value(self, name: str, before: int) -> Any:
        units = self._units
        if name in units.given:
            return units.given[name]
        index = None if name in FIXTURE_FIRST else self.outline.binder(name, before)
        if index is None:
            # A star import has bound it, or nothing has.
            starred = _NOTHING if name in INJECTED else dict.get(units.namespace, name, _NOTHING)
            return self._free(name) if starred is _NOTHING else starred
        if units.entries[index].row.kind == KEPT and index == self.outline.binder(name, len(units.entries)):
            # Nothing binds it later: loading's own object is the one, a class above all must not come twice.
            loaded = dict.get(units.namespace, name, _NOTHING)
            if loaded is not _NOTHING:
                return loaded
        found = self.of_statement(index)
        if name in found:
            return found[name]
        return self._value(name, index)  # the statement left it as it was: an `if` not taken

    def _free(self, name: str) -> Any:
        if name in INJECTED:
            return self._injected(name)
        try:
            return builtins.__dict__[name]
        except KeyError:
            raise self._unresolved(name) from None

    def _injected(self, name: str) -> Any:
        units = self._units
        if name == "udf" and find_spec("pyspark") is not None:
            from pyspark.sql.functions import udf  # it needs no session, and belongs to no test

            return udf
        if units.loading_at is not None:
            raise NotNowError(name)
        scope = units.loader.scope
        if scope is None:
            raise OutsideTestError(
                f"{name!r} is the running test's, and no test runs",
                cause=f"notebook code used {name!r} while tests were being collected, or outside pytest",
                mend=f"use it inside a test or fixture, or give it: load_notebook(…, values={{{name!r}: …}})",
                location=self._user_place(),
            )
        value = scope.get(name)
        self._asked_test = True
        if name in {"dbutils", "getArgument"}:
            dbutils = scope.get("dbutils")
            self._define_widgets(dbutils, before=min(self._running, default=len(units.entries)))
            if units.widgets:
                dbutils = with_widgets(dbutils, units.widgets)
            value = dbutils if name == "dbutils" else dbutils.widgets.getArgument
        return value

    def _define_widgets(self, dbutils: Any, *, before: int) -> None:
        """Run the notebook's widget definitions on the test's ``dbutils``, once a test, so that their defaults are there.

        Only those that stand before a statement that is being worked out; one whose default can't be given is left out, and
        whoever reads that widget is told that it isn't defined.
        """
        self._units.namespace["dbutils"] = dbutils
        self._computed.add("dbutils")
        self._units.loader.touched.add(self)
        for index in self.outline.widget_definitions(before):
            if index not in self._passing and not self.outline.verdict(index).reason:
                with contextlib.suppress(HarnessError):
                    self.of_statement(index)

    def _too_early(self, name: str) -> OutsideTestError:
        index = self.outline.binder(name, len(self._units.entries))
        return OutsideTestError(
            f"{name!r} was taken from the notebook before any test ran, and only a test can give its value",
            cause="it needs the test's spark, dbutils or widgets, and `from … import` takes it once and for all",
            mend=f"import the notebook and read module.{name} inside the test, or use the notebook fixture",
            location=self._units.place(self._units.entries[index]) if index is not None else None,
        )

    def _check(self, index: int, entry: Entry) -> None:
        row = entry.row
        names = [repr(name) for name in (*row.binds, *row.changes)] or ["a value"]
        first = names[0]
        if index in self._running:
            raise PlaceholderError(
                f"{first} needs itself to be computed",
                cause="its statement calls a function that reads it",
                mend=f"give it a value: values={{{first}: …}}",
                location=self._units.place(entry),
            )
        reason = self.outline.verdict(index).reason if row.kind == HELD else ""
        if reason:
            has, it = ("has", "it") if len(names) == 1 else ("have", "them")
            raise PlaceholderError(
                f"{', '.join(names)} {has} no value in a unit test: a held-back statement computes {it}",
                cause=f"the statement {reason}, so it runs only with the whole notebook",
                mend=f"give the value: values={{{first}: …}} to load_notebook or the notebook fixture, "
                f"or monkeypatch.setattr(module, {first}, …)",
                location=self._units.place(entry),
            )

    def _define(self, index: int, entry: Entry) -> dict[str, Any]:
        """Execute a definition in the module's own namespace, then put the stand-in back that tests already hold."""
        namespace = self._units.namespace
        name = entry.row.binds[0]
        self._wake_spark(index)
        before = dict.get(namespace, name, _NOTHING)
        code = self.outline.code(index)
        # Defaults and class attributes are those of where it stands: what the namespace has by now may be another's.
        end = len(self._units.entries)
        moved = {
            read: namespace.pop(read)
            for read in names_read(code)[0]
            if dict.__contains__(namespace, read) and self.outline.binder(read, index) != self.outline.binder(read, end)
        }
        outer, self._defining = self._defining, index
        try:
            exec(code, namespace)
            return {name: dict.__getitem__(namespace, name)}
        finally:
            self._defining = outer
            namespace.update(moved)
            self._change_later(names_read(code)[0], index)
            if before is _NOTHING:
                namespace.pop(name, None)
            else:
                namespace[name] = before

    def _read_before(self, index: int, entry: Entry) -> None:
        """Run what reads an object before the statement changes it in place: afterwards it would read the change."""
        for earlier in self.outline.readers(entry.row.changes, index):
            if earlier not in self._running:
                with contextlib.suppress(HarnessError):  # told when its own names are asked for
                    self.of_statement(earlier)
        self._ordered.add(index)

    def _change_later(self, names: Iterable[str], index: int) -> None:
        """Run what changes in place, after a definition, an object that it keeps."""
        for name in names:
            for later in self.outline.binders.get(name, ()):
                if later > index:
                    row = self._units.entries[later].row
                    if name not in row.changes:
                        break  # another object from here on
                    self.of_statement(later)

    def _evaluate(self, index: int, entry: Entry) -> dict[str, Any]:
        self._wake_spark(index)
        scratch = _Scratch(self, self._units, index, entry)
        exec(self.outline.code(index), scratch)
        scratch.before = len(self._units.entries)  # functions made here see the notebook as it ends
        names = (*entry.row.binds, *entry.row.changes)
        return {name: dict.__getitem__(scratch, name) for name in names if dict.__contains__(scratch, name)}

    def _wake_spark(self, index: int) -> None:
        """Have a session before what failed without one is tried again."""
        if index in (self._units.failures or ()) and self._units.loader.scope is not None and "pyspark" in sys.modules:
            self._value("spark", index)

    def _unresolved(self, name: str) -> UnresolvedNameError:
        units = self._units
        unread = [
            f"{p.what} ({units.loader.shown(p.location)})" for p in units.problems if p.code in {"NBH102", "NBH104", "NBH105"}
        ]
        causes = [*units.missing_stars, *unread]
        return UnresolvedNameError(
            f"the name {name!r} is defined nowhere in the notebook",
            cause="it may come from what could not be read:\n" + "\n".join(causes[:5])
            if causes
            else "no statement of the notebook, or of what it %runs, binds it",
            mend=f"define it, or give it a value: values={{{name!r}: …}}{self._near(name)}",
            location=self._user_place(),
        )

    def _near(self, name: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, [*dict.keys(self._units.namespace), *self._units.lazy], n=1)
        return f"; did you mean {near[0]!r}?" if near else ""

    def _user_place(self) -> Location:
        """The line of notebook code that is running."""
        units = self._units
        sources = {entry.source.path: entry.source for entry in units.entries}
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to the caller's frame
        while frame is not None:
            source = sources.get(frame.f_code.co_filename)
            if source is not None:
                return units.loader.shown(source.locate(frame.f_lineno))
            frame = frame.f_back
        return Location(units.loader.show(units.path))


class _Scratch(dict[str, Any]):
    """The globals of one held-back statement: names are those the notebook had at that statement."""

    __slots__ = ("before", "entry", "source", "units")

    def __init__(self, values: Values, units: Units, before: int, entry: Entry) -> None:
        super().__init__(
            {key: dict.get(units.namespace, key) for key in ("__name__", "__file__", "__builtins__", "__package__", "__spec__")}
        )
        self.source = values
        self.units = units
        self.before = before
        self.entry = entry

    def __missing__(self, name: str) -> Any:
        value = self.source.at(name, self.before)
        if name in {"dbutils", "getArgument"} and self.entry.arguments:
            dbutils = with_widgets(self.source.at("dbutils", self.before), dict(self.entry.arguments))
            value = dbutils if name == "dbutils" else dbutils.widgets.getArgument
        self[name] = value
        return value

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or (
            isinstance(name, str) and self.source.outline.binder(name, self.before) is not None
        )


def _is_definition(entry: Entry) -> bool:
    return entry.row.kind == DEFERRED or (entry.row.what in {"def", "class"} and entry.row.kind == KEPT)
