"""Give a notebook's names their values inside a test: run what is safe and needed, and forget it when the test ends."""

from __future__ import annotations

import builtins
import os
import sys
import threading
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, OutsideTestError, PlaceholderError, UnresolvedNameError
from harness.extract.kinds import DEFERRED, FIXTURE_FIRST, HELD, INJECTED, KEPT, NOTHING, SQLDF, NotNowError
from harness.extract.need import Outline
from harness.extract.placeholder import Placeholder
from harness.extract.widgets import with_widgets
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from harness.extract.run import Entry
    from harness.extract.units import Units

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

# What a module knows of itself.
_ABOUT = ("__name__", "__file__", "__builtins__", "__package__", "__spec__")


class Values:
    """What a notebook's statements give, each run at most once a test; once for all where no fixture of a test took part."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self.outline = Outline(units.entries)
        self._lasting: dict[int, dict[str, Any]] = {}
        self._passing: dict[int, dict[str, Any]] = {}
        self._computed: set[str] = set()
        self._held: tuple[frozenset[int], frozenset[str]] = (frozenset(), frozenset())
        self._running: list[int] = []
        self._changing = 0  # how many of those running may change a value in place
        self._tried: set[int] = set()  # readers that were run, or tried, for what is asked for now
        self._failed: dict[int, Exception] = {}  # statements that failed for it
        self._circle: PlaceholderError | None = None
        self._depth = 0
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
            found = dict.get(units.namespace, name, NOTHING)
            if found is not NOTHING:  # another thread was first
                return found
            if self._running:  # whatever runs then sees the notebook as it was there
                return self._value(name, self.outline.start(self._running[-1]))
            if units.loading_at is not None:
                return self._value(name, units.loading_at)
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
                if self._changing and known is self._lasting:  # it is about to be changed in place: no longer what it was
                    self._passing[index] = self._lasting.pop(index)
                    self._units.loader.touched.add(self)
                    self._asked_test = True
                    return self._passing[index]
                self._asked_test |= known is self._passing
                return known[index]
        if index in self._failed:
            raise self._failed[index].with_traceback(None)
        self._depth += 1
        try:
            return self._run(index)
        except (NotNowError, HarnessError) as error:
            if error is not self._circle:  # whether that comes depends on where one starts
                self._failed[index] = error
            raise
        finally:
            self._depth -= 1
            if not self._depth:
                self._tried.clear()
                self._failed.clear()

    def _run(self, index: int) -> dict[str, Any]:
        entry = self._units.entries[index]
        try:
            self._check(index, entry)
        except PlaceholderError as error:
            if error is not self._circle and self.outline.verdict(index).logger:
                return self._logger(index, entry, error)
            raise
        verdict = self.outline.verdict(index) if entry.row.kind == HELD else None
        reads_file = verdict is not None and verdict.reads_file
        is_this_tests = reads_file or (verdict is not None and verdict.reads_around)
        if reads_file and self._units.loading_at is not None:
            raise NotNowError(entry.row.binds)
        changed_later = self.outline.is_changed_later(index)
        outer, self._asked_test = self._asked_test, self._changing > 0 or changed_later or is_this_tests
        changes = changed_later or (entry.row.kind == HELD and bool(entry.row.changes))
        self._changing += changes
        self._run_readers_before(index, entry)
        self._running.append(index)
        try:
            with self.as_it_was(index), self._opening() if reads_file else nullcontext():
                found = self._define(index, entry) if _is_definition(entry) else self._evaluate(index, entry)
        except (NotNowError, HarnessError):
            self._drop_half_changed(entry)
            raise
        except Exception as exc:
            self._drop_half_changed(entry)
            raise self._units.failure(entry, ", ".join((*entry.row.binds, *entry.row.changes)) or "a value", exc) from exc
        finally:
            self._running.pop()
            self._changing -= changes
            asked, self._asked_test = self._asked_test, outer or self._asked_test
        if asked:
            self._passing[index] = found
            self._units.loader.touched.add(self)
        else:
            self._lasting[index] = found
        return found

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Let relative paths count from the notebook's folder, as on Databricks, and leave the process where it is."""
        namespace, folder = self._units.namespace, os.path.dirname(self._units.path)

        def open_beside(file: Any, *args: Any, **options: Any) -> Any:
            return open(os.path.join(folder, file) if isinstance(file, str | os.PathLike) else file, *args, **options)

        before = dict.get(namespace, "open", NOTHING)
        namespace["open"] = open_beside
        try:
            yield
        finally:
            if before is NOTHING:
                namespace.pop("open", None)
            else:
                namespace["open"] = before

    def _logger(self, index: int, entry: Entry, error: PlaceholderError) -> dict[str, Any]:
        """Give the running test a logger where making the notebook's own isn't safe."""
        from harness.extract.loggers import StandInLogger

        if self._units.loading_at is not None:
            raise NotNowError(entry.row.binds[0])
        self._asked_test = True
        self._units.loader.touched.add(self)
        found = {entry.row.binds[0]: StandInLogger(self.outline.verdict(index).logger, error)}
        self._passing[index] = found
        return found

    def _drop_half_changed(self, entry: Entry) -> None:
        """A statement failed midway: what it may have changed by then, and all that shares it, is computed anew."""
        todo = set(entry.row.changes) if entry.row.kind == HELD else set()
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            seen.add(name)
            for at in self.outline.binders.get(name, ()):
                if self._passing.pop(at, None) is not None:
                    row = self._units.entries[at].row
                    todo |= {*row.binds, *row.changes} - seen

    def _run_readers_before(self, index: int, entry: Entry) -> None:
        """Before a statement changes a value in place, run the safe ones that read it as it was."""
        if entry.row.kind != HELD:
            return
        outer = self._asked_test
        for reader in self.outline.readers_before(index):
            if reader in self._lasting or reader in self._passing or reader in self._running or reader in self._tried:
                continue
            self._tried.add(reader)
            with suppress(HarnessError, NotNowError):  # told to whoever asks for its own names
                self.of_statement(reader)
        self._asked_test = outer

    @contextmanager
    def as_it_was(self, index: int) -> Iterator[None]:
        """Let the namespace be as it was at a statement: what is bound anew later is asked for again, at that place."""
        namespace, start = self._units.namespace, self.outline.start(index)
        changed = {}
        for name in (*self.outline.bound_otherwise(index), *self.outline.reach(index).intersection(self._units.rebound)):
            if dict.__contains__(namespace, name) and not self._is_by_hand(name):
                changed[name] = dict.__getitem__(namespace, name)
                del namespace[name]
        if any(name in self._computed or self._is_by_hand(name) for name in self.outline.reach(index)):
            self._asked_test = True  # functions may read it there without asking
        # The body of a class looks its names up in the dict itself, past __missing__.
        computed: set[str] = set()
        added = [name for name in self.outline.read_by_classes(index) if not dict.__contains__(namespace, name)]
        try:
            for name in added:
                with suppress(UnresolvedNameError):
                    namespace[name] = self._value(name, start)
                    if name not in self._computed:
                        computed.add(name)
                        self._computed.add(name)  # whoever finds it there is to know that it may be this test's
            yield
        finally:
            self._computed -= computed
            for name in added:
                namespace.pop(name, None)
            namespace.update(changed)

    def _is_by_hand(self, name: str) -> bool:
        """Say whether the running test gave the name its value."""
        units = self._units
        return dict.__contains__(units.namespace, name) and (units.path, name) in units.loader.given

    def at(self, name: str, before: int) -> Any:
        """Give the value a name had before a statement."""
        return self._value(name, before)

    def at_end(self, name: str) -> Any:
        """Give the value a name has when the notebook ends, asked for by running code."""
        with self._lock:
            return self._value(name, len(self._units.entries))

    def hold(self) -> None:
        """Keep what is computed by now over the ends of tests, but for what each test has of its own."""
        widgets = self.outline.widget_definitions(len(self._units.entries))
        self._held = frozenset(self._passing).difference(widgets), frozenset(self._computed - INJECTED)

    def release(self) -> None:
        """Keep nothing any longer."""
        self._held = frozenset(), frozenset()
        self.forget()

    def forget(self) -> None:
        """Drop everything that was computed for a test."""
        statements, names = self._held
        for name in self._computed - names:
            self._units.namespace.pop(name, None)
        self._computed &= names
        self._passing = {index: found for index, found in self._passing.items() if index in statements}
        self._asked_test = False

    def _value(self, name: str, before: int) -> Any:
        units = self._units
        if name in units.given:
            return units.given[name]
        if self._is_by_hand(name):
            self._asked_test = True
            return dict.__getitem__(units.namespace, name)
        index = None if name in FIXTURE_FIRST else self.outline.binder(name, before)
        if index is None:
            # A star import has bound it, or nothing has.
            starred = NOTHING if name in INJECTED else dict.get(units.namespace, name, NOTHING)
            return self._free(name) if starred is NOTHING else starred
        if units.entries[index].row.kind == KEPT and index == self.outline.binder(name, len(units.entries)):
            # Nothing binds it later: loading's own object is the one, a class above all must not come twice.
            loaded = units.rebound[name] if name in units.rebound else dict.get(units.namespace, name, NOTHING)
            if loaded is not NOTHING:
                self._asked_test |= name in self._computed
                return loaded
        found = self.of_statement(index)
        if name in found:
            return found[name]
        return self._value(name, self.outline.start(index))  # the statement left it as it was: an `if` not taken

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
                with suppress(HarnessError):
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
            self._circle = PlaceholderError(
                f"{first} needs itself to be computed",
                cause="its statement calls a function that reads it",
                mend=f"give it a value: values={{{first}: …}}",
                location=self._units.place(entry),
            )
            raise self._circle
        reason = self.outline.verdict(index).reason if row.kind == HELD else self.outline.refusal(index)
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
        before = dict.get(namespace, name, NOTHING)
        try:
            exec(self.outline.code(index), namespace)
            return {name: dict.__getitem__(namespace, name)}
        finally:
            if before is NOTHING:
                namespace.pop(name, None)
            else:
                namespace[name] = before

    def _evaluate(self, index: int, entry: Entry) -> dict[str, Any]:
        self._wake_spark(index)
        scratch = _Scratch(self._units, self.outline.start(index), entry)
        for name in self.outline.read_by_classes(index):
            with suppress(UnresolvedNameError):
                scratch[name]  # fetches it into the dict: the body of a class looks no further
        exec(self.outline.running(index), scratch)
        names = (*entry.row.binds, *entry.row.changes)
        found = {name: dict.__getitem__(scratch, name) for name in names if dict.__contains__(scratch, name)}
        scratch.close()
        return found

    def _wake_spark(self, index: int) -> None:
        """Have a session before what failed without one is tried again."""
        if index in (self._units.failures or ()) and self._units.loader.scope is not None and "pyspark" in sys.modules:
            self._value("spark", index)

    def _unresolved(self, name: str) -> UnresolvedNameError:
        units = self._units
        if name == SQLDF:
            return UnresolvedNameError(
                f"the name {name!r} has no value in a unit test",
                cause="it is what the SQL cell before it gives, which only a run of the whole notebook runs",
                mend=f"give it a frame: cell(…).execute({name}=frame), or values={{{name!r}: frame}}",
                location=self._user_place(),
            )
        unread = [
            f"{p.what} ({units.loader.shown(p.location)})" for p in units.problems if p.code in {"NBH102", "NBH104", "NBH105"}
        ]
        causes = [*units.missing_stars, *unread]
        return UnresolvedNameError(
            f"the name {name!r} is defined nowhere in the notebook",
            cause="it may come from what could not be read:\n" + "\n".join(causes[:5])
            if causes
            else "no statement of the notebook, or of what it %runs, binds it",
            mend=f"define it, or give it a value: values={{{name!r}: …}}{self._near(name)}{self._run_by()}",
            location=self._user_place(),
        )

    def _near(self, name: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, [*dict.keys(self._units.namespace), *self._units.lazy], n=1)
        return f"; did you mean {near[0]!r}?" if near else ""

    def _run_by(self) -> str:
        """Another notebook that %runs this one and may bring its names along."""
        from harness.extract.run_by import run_by

        loader = self._units.loader
        found = run_by(self._units.source.path, loader)
        return "" if found is None else f";\n{loader.show(found)} %runs this notebook: test them together by run_notebook"

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
    """The globals of one held-back statement: names are those the notebook had at that statement.

    Once that has run, they are the notebook's own: functions made here see it as every function of it does.
    """

    __slots__ = ("before", "closed", "entry", "units")

    def __init__(self, units: Units, before: int, entry: Entry) -> None:
        super().__init__({key: dict.get(units.namespace, key) for key in _ABOUT})
        self["__annotations__"] = {}
        self.units = units
        self.before = before
        self.entry = entry
        self.closed = False

    def close(self) -> None:
        """The statement has run: remember nothing of it."""
        self.closed = True
        for name in [name for name in self if name not in _ABOUT]:
            del self[name]

    def __missing__(self, name: str) -> Any:
        if self.closed:
            return self.units.namespace[name]
        value = self.units.values.at(name, self.before)
        if name in {"dbutils", "getArgument"} and self.entry.arguments:
            dbutils = with_widgets(self.units.values.at("dbutils", self.before), dict(self.entry.arguments))
            value = dbutils if name == "dbutils" else dbutils.widgets.getArgument
        self[name] = value
        return value

    def __contains__(self, name: object) -> bool:
        if self.closed:
            return name in self.units.namespace
        if dict.__contains__(self, name):
            return True
        return isinstance(name, str) and self.units.values.outline.binder(name, self.before) is not None


def _is_definition(entry: Entry) -> bool:
    return entry.row.kind == DEFERRED or (entry.row.what in {"def", "class"} and entry.row.kind == KEPT)
