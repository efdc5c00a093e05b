"""Read one notebook, write it back, extract and load it under the audit hook, and judge each of its functions and classes."""

from __future__ import annotations

import builtins
import inspect
import os
import sys
import traceback
import warnings
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from benchmarks import loose
from benchmarks.census import census, source_facts
from benchmarks.watch import Watch
from harness.errors import HarnessError, UnresolvedNameError
from harness.extract.importer import NotebookFinder
from harness.extract.inventory import definitions
from harness.extract.kinds import FIXTURE_FIRST, HELD, INJECTED, KEPT
from harness.extract.load import Loader
from harness.extract.need import Needs, Outline
from harness.extract.placeholder import Placeholder, is_stand_in_class
from harness.extract.public import run_prefixes
from harness.notebook import is_notebook, read_archive, read_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.extract.run import Entry
    from harness.extract.units import Units

# What a unit needs at most, from the least to the most.
NEEDS = (
    "imports and siblings",
    "constants",
    "spark, dbutils, display",
    "computed state",
    "names from %run",
    "undefined anywhere",
)

# A definition that failed for this is made again inside a test, where there is a session.
_NO_SESSION = "SESSION_OR_CONTEXT_NOT_EXISTS"
_BUILTIN = frozenset(dir(builtins)) | {"__file__", "__spec__", "__package__", "__name__", "__doc__", "__builtins__"}


def probe(path: Path, root: Path, prefixes: Mapping[str, str]) -> dict[str, Any]:
    """Give all facts about one notebook file as plain data; what fails is told in ``crashes``."""
    facts: dict[str, Any] = {"path": str(path.relative_to(root)), "crashes": [], "effects": [], "units": [], "problems": []}
    sys.dont_write_bytecode = True  # the corpus stays as it is
    warnings.simplefilter("default")
    if path.suffix == ".dbc":
        notebooks = _guarded(facts, "read_archive", lambda: read_archive(path)) or ()
        facts["archive"] = [source_facts(notebook, None) for notebook in notebooks]
        return facts
    known: dict[str, bool] = {}

    def of_corpus(file: str) -> bool:
        if file not in known:
            known[file] = file.startswith(f"{root}{os.sep}") and Path(file).is_file() and is_notebook(file)
        return known[file]

    def prefixes_of(notebook: str) -> tuple[str, Mapping[str, str]]:
        return (str(root), prefixes) if prefixes else run_prefixes(notebook)

    loader = Loader(str(root), run_prefixes=prefixes_of)
    sys.path.insert(0, str(root))
    sys.meta_path.insert(0, NotebookFinder([str(root)], lambda: loader))
    before = _state()
    watch = Watch(of_corpus, str(root))
    with watch:
        notebook = _guarded(facts, "read", lambda: read_notebook(path))
        if notebook is not None:
            facts["same bytes"] = notebook.to_bytes() == path.read_bytes()
        module = _guarded(facts, "load", lambda: loader.load(str(path))) if notebook is not None else None
    facts["state"] = [
        name for name, old, new in zip(("cwd", "sys.path", "environment"), before, _state(), strict=True) if old != new
    ]
    facts["effects"] = watch.effects  # of judging, too
    if notebook is None:
        return facts
    rough = _guarded(facts, "loose reading", lambda: loose.read(path)) or loose.Loose([], [], [])
    facts |= source_facts(notebook, rough)
    if module is not None:
        units: Units = module.__units__
        facts["problems"] = [
            f"{problem.code} {problem.location}: {problem.what}: {problem.cause}" for problem in units.problems
        ]
        facts["census"] = _guarded(facts, "census", lambda: census(units, rough))
        with watch:
            facts["units"] = _guarded(facts, "judge", lambda: list(_Judge(units, rough).all())) or []
    return facts


def _guarded(facts: dict[str, Any], what: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except HarnessError as error:
        facts["problems"].append(f"{error.code} {what}: {error}")
    except BaseException as exc:  # noqa: BLE001 - a crash is what we look for
        last = traceback.extract_tb(exc.__traceback__)[-1]
        facts["crashes"].append(f"{what}: {type(exc).__name__}: {exc} ({last.filename}:{last.lineno})")
    return None


def _state() -> tuple[str, list[str], dict[str, str]]:
    return str(Path.cwd()), list(sys.path), dict(os.environ)


class _Recording(Outline):
    """Remembers which names a unit reads, through siblings and computed values, and the entry that binds each."""

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__(entries)
        self.asked: dict[str, int | None] = {}

    def binder(self, name: str, before: int) -> int | None:
        at = super().binder(name, before)
        self.asked[name] = at
        return at

    def needs_of(self, index: int, name: str) -> Needs:
        """Work out the needs of one definition, and fill ``asked``."""
        self.asked = {}
        code = self.code(index)
        if self.entries[index].row.what in {"group", "other"}:
            code = next(part for part in code.co_consts if isinstance(part, CodeType) and part.co_name == name)
        return self.needs(code)


class _Judge:
    """Says of each function and class of one loaded notebook what it is, and what calling it would take."""

    def __init__(self, units: Units, rough: loose.Loose) -> None:
        self.units = units
        self.namespace = units.namespace
        self.outline = _Recording(units.entries)
        self.failures: Mapping[int, HarnessError] = units.failures or {}
        self.expected = {found.name: found for found in rough.defined}
        self.ours = {name: (kind, line, at) for name, kind, _cell, line, at in definitions(units.source)}

    def all(self) -> Iterator[dict[str, Any]]:
        """Give the facts about each unit."""
        indexes = {id(entry.row): index for index, entry in enumerate(self.units.entries) if entry.source is self.units.source}
        for name in sorted({*self.ours, *self.expected}):
            found = self.expected.get(name)
            unit: dict[str, Any] = {
                "name": name,
                "is_class": found.is_class if found is not None else self.ours[name][0] == "class",
                "line": self.ours[name][1] if name in self.ours else found.line if found is not None else 0,
                "decorated": found is not None and bool(found.node.decorator_list),
                "only loose": name not in self.ours,
                "only ours": found is None,
            }
            if name not in self.ours:
                yield {
                    **unit,
                    "loads": False,
                    "as": "not found by the harness",
                    "error": "",
                    "callable": False,
                    "needs": NEEDS[-1],
                }
                continue
            index = indexes[id(self.units.source.rows[self.ours[name][2]])]
            unit |= self._loaded(unit, index)
            yield {**unit, **self._callable(unit, index)}

    def _loaded(self, unit: dict[str, Any], index: int) -> dict[str, Any]:
        """Say what the name is after loading; a stand-in counts only if it is a function or class itself."""
        value = dict.get(self.namespace, unit["name"])
        if value is None:
            return {"loads": False, "as": "left to a test" if unit["name"] in self.units.lazy else "absent", "error": ""}
        if type(value) is Placeholder:
            return {"loads": False, "as": "placeholder", "error": _short(_error(value))}
        right = inspect.isclass(value) if unit["is_class"] else inspect.isfunction(value)
        error = self.failures.get(index)
        if error is not None and _is_stand_in(value) and _NO_SESSION not in error.cause:
            return {"loads": right, "as": "stand-in whose definition failed", "error": _short(error)}
        if _is_stand_in(value):
            return {"loads": right, "as": "stand-in that a test fills", "error": ""}
        if right:
            return {"loads": True, "as": "class" if unit["is_class"] else "function", "error": ""}
        # A decorator may give anything: a UDF object, a tool. It is then what it is on Databricks.
        return {"loads": unit["decorated"], "as": f"object of {type(value).__module__}", "error": ""}

    def _callable(self, unit: dict[str, Any], index: int) -> dict[str, Any]:
        """Say whether a test can call the unit with no value given by hand, and if not, why."""
        needs = self.outline.needs_of(index, unit["name"])
        asked = self.outline.asked
        found = [
            f"computed: the statement {why} | {name} at {self.units.place(self.units.entries[at])}"
            for name, at, why in needs.computed
        ]
        if unit["error"]:
            found.append(f"not defined: {unit['error'][:160]}")
        if "file" in needs.given:
            found.append("a file, which may be there or not")
        found += [cause for name, at in sorted(asked.items()) if (cause := self._lacks(name, at))]
        value = dict.get(self.namespace, unit["name"])
        if inspect.isfunction(value):
            for default in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()):
                if type(default) is Placeholder:
                    found.append(f"default: {_short(_error(default))}")
        missing = sorted({cause for cause in found if "ModuleNotFoundError" in cause})
        causes = sorted(set(found) - set(missing))
        return {
            "callable": bool(unit["loads"]) and not found,
            "causes": causes,
            "missing": missing,
            "given": sorted(needs.given),
            "needs": NEEDS[max([2 * bool({*needs.given} - {"file"}), *(self._level(name, at) for name, at in asked.items())])],
            "bare": self._bare(asked),
        }

    def _lacks(self, name: str, at: int | None) -> str:
        """Say why a name that the unit reads has no value; "" if it has one."""
        value = dict.get(self.namespace, name)
        if type(value) is Placeholder:
            error = _error(value)
            return f"import: {error.cause} | {name} at {error.location}"
        if at is None and value is None and not self._is_known(name):
            return f"unresolved: {name}" + (f" | {self.units.missing_stars[0][:120]}" if self.units.missing_stars else "")
        error_of = self.failures.get(at) if at is not None else None
        if error_of is not None and _NO_SESSION not in error_of.cause:
            return f"not defined: {_short(error_of)[:160]}"
        return ""

    def _is_known(self, name: str) -> bool:
        return (
            name in _BUILTIN
            or name in INJECTED
            or name in self.units.lazy
            or name in FIXTURE_FIRST
            or dict.__contains__(self.namespace, name)
        )

    def _level(self, name: str, at: int | None) -> int:
        """Give the place in ``NEEDS`` of one name."""
        if name in FIXTURE_FIRST or (at is None and name in INJECTED):
            return 2
        if at is None:
            return 0 if self._is_known(name) else 5
        entry = self.outline.entries[at]
        if entry.source is not self.units.source:
            return 4
        if entry.row.kind == HELD:
            return 3
        if entry.row.what == "group" and entry.row.code is not None:
            return int(not any(isinstance(part, CodeType) and part.co_name == name for part in entry.row.code.co_consts))
        return int(entry.row.kind == KEPT and entry.row.what in {"constant", "other"})

    def _bare(self, asked: Mapping[str, int | None]) -> list[str]:
        """Read every name as the function would; anything but a value or an error of ours is a fault of ours."""
        wrong = []
        for name in sorted(asked):
            if dict.__contains__(self.namespace, name):
                continue
            try:
                eval(compile(name, self.units.path, "eval"), self.namespace)  # noqa: S307 - a name of the notebook
            except UnresolvedNameError as error:
                claimed = error.what.split("'")[1] if "'" in error.what else ""
                if dict.__contains__(self.namespace, claimed):
                    wrong.append(f"{name}: says {error.what!r}, but it is there")
            except HarnessError:
                pass
            except BaseException as exc:  # noqa: BLE001 - a crash is what we look for
                wrong.append(f"{name}: {type(exc).__name__}: {exc}")
        return wrong


def _error(value: Placeholder) -> HarnessError:
    error: HarnessError = object.__getattribute__(value, "_error")
    return error


def _is_stand_in(value: object) -> bool:
    if inspect.isclass(value):
        return is_stand_in_class(value)
    return inspect.isfunction(value) and value.__code__.co_name == "stand_in"


def _short(error: HarnessError) -> str:
    cause = error.cause.partition("\n")[0]  # what follows names places on this machine
    return f"{error.code} {error.what}: {cause}"
