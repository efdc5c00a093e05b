"""What the methods of a Nutter fixture are: its cases, and what looks like a part of a case and can't be one."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import FunctionType
from typing import TYPE_CHECKING

from harness.errors import NutterCaseError
from harness.model import Location
from harness.runtime.nutter_names import ROLES, code_of, is_base, is_used, meant_by, method_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TWICE = "__nbh_twice__"
"""Where our base class notes which methods the body of a fixture defines twice, and the line of the first."""

_ALL = ("before_all", "after_all")


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a fixture; ``methods`` are the names of its methods by their role."""

    name: str
    methods: Mapping[str, str]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What can't be run as it stands; ``name`` is the case's, or that of a method which belongs to none."""

    name: str
    error: NutterCaseError


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fixture holds, by name as Nutter orders it; ``around`` are those of before_all and after_all that it has."""

    cases: tuple[Case, ...] = ()
    faults: tuple[Fault, ...] = ()
    around: frozenset[str] = frozenset()


def is_fixture(value: object) -> bool:
    """Say whether it is a class derived from Nutter's base class: ours, or that of an installed nutter."""
    return isinstance(value, type) and not is_base(value) and any(map(is_base, value.__mro__))


def read_fixture(kind: type) -> Plan:
    """Sort a fixture's methods into cases and faults; nothing of it is called."""
    return _Reader(kind).plan()


def check_object(fixture: object) -> None:
    """Check what only an object shows: Nutter looks for methods in it once it is made.

    Raises:
        NutterCaseError: The constructor of the base class didn't run, or the class's own set what Nutter takes for a method.
    """
    kind = type(fixture)
    if not hasattr(fixture, "data_loader"):
        raise NutterCaseError(
            f"{kind.__name__}.__init__ doesn't call that of NutterFixture",
            cause="Nutter refuses such a fixture",
            mend="add super().__init__()",
            location=place_of(kind, "__init__"),
        )
    for name in vars(fixture):
        if role_of(name) and not hasattr(kind, name):
            raise NutterCaseError(
                f"{kind.__name__}.__init__ sets {name}, which Nutter takes for a method of a case",
                cause=f"it looks for names with {_or(f'{role}_' for role in ROLES)} in the object that was made",
                mend="give it another name, or define it as a method of the class",
                location=place_of(kind, "__init__"),
            )


def _no_case(kind: type) -> NutterCaseError:
    """The error of a fixture that holds nothing to run."""
    return NutterCaseError(
        f"the fixture {kind.__name__} holds no case",
        cause="none of its methods is named assertion_…",
        mend="add one, or derive from NutterFixture only what holds cases",
    )


def role_of(name: str) -> str:
    """The role that a name's prefix gives it; "" where it has none, or is one of the two around all cases."""
    return next((role for role in ROLES if name.startswith(f"{role}_") and name not in _ALL), "")


def place_of(kind: type, name: str) -> Location | None:
    """The place of a method's definition: file and line."""
    code = code_of(method_of(kind, name))
    return Location(code.co_filename, code.co_firstlineno) if code is not None else None


def _case_name(method: str) -> str:
    """As Nutter has it: each prefix is taken off once, in their order, so that ``run_after_load`` belongs to ``load``."""
    for role in ROLES:
        method = method.removeprefix(f"{role}_")
    return method


@dataclass(slots=True)
class _Reader:
    kind: type
    methods: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: dict[str, NutterCaseError] = field(default_factory=dict)

    def plan(self) -> Plan:
        base = next(kind for kind in self.kind.__mro__ if is_base(kind))
        names = [name for name in dir(self.kind) if not name.startswith("_") and name not in dir(base)]
        around = {name for name in _ALL if name in names and self._is_callable(name)}
        for name in names:
            if role_of(name) and self._is_callable(name):
                self._take(name)
        lookalikes = {name: meant for name in names if (meant := self._meant(name))}
        cases = [case for name in sorted(self.methods) if (case := self._case(name, lookalikes)) is not None]
        for name, meant in lookalikes.items():
            self._fault(
                name,
                name,
                f"{self.kind.__name__}.{name} matches no role, and nothing calls it",
                cause=f"Nutter calls before_all, after_all, and what begins with {_or(f'{role}_' for role in ROLES)}",
                mend=f"did you mean {meant}? A helper may have any name if a method of the fixture uses it",
            )
        for name, line in {k: v for kind in self.kind.__mro__ for k, v in vars(kind).get(TWICE, {}).items()}.items():
            if role_of(name) or name in _ALL:
                self._fault(
                    f"{name}_is_defined_twice",
                    name,
                    f"{self.kind.__name__}.{name} is defined twice",
                    cause=f"the first one, on line {line}, is lost: it is never run",
                    mend="give one of them another name",
                )
        if not cases and not self.faults:
            self.faults["no_case"] = _no_case(self.kind)
        faults = (Fault(name, self.faults[name]) for name in sorted(self.faults))
        return Plan(tuple(cases), tuple(faults), frozenset(around))

    def _fault(self, name: str, method: str, what: str, *, cause: str, mend: str) -> None:
        self.faults.setdefault(name, NutterCaseError(what, cause=cause, mend=mend, location=place_of(self.kind, method)))

    def _is_callable(self, name: str) -> bool:
        """Whether calling it runs it; what isn't so is a fault."""
        value = method_of(self.kind, name)
        kind = self.kind.__name__
        if not callable(value):
            self._fault(
                name,
                name,
                f"{kind}.{name} is no method, and Nutter takes it for one",
                cause=f"it is a {type(value).__name__}",
                mend="give it another name",
            )
            return False
        for is_other, what in (
            (inspect.iscoroutinefunction, "async"),
            (inspect.isasyncgenfunction, "an async generator"),
            (inspect.isgeneratorfunction, "a generator"),
        ):
            if is_other(value):
                self._fault(
                    name,
                    name,
                    f"{kind}.{name} is {what}, so that calling it runs nothing",
                    cause="Nutter calls it as it is, and would pass it",
                    mend="make it a plain method" + ("; asyncio.run(…) runs a coroutine" if what == "async" else ""),
                )
                return False
        return True

    def _take(self, name: str) -> None:
        role, case = role_of(name), _case_name(name)
        if not case:
            self._fault(
                name,
                name,
                f"{self.kind.__name__}.{name} names no case",
                cause=f"nothing follows {role}_",
                mend=f"name the case: {role}_…",
            )
            return
        known = self.methods.setdefault(case, {})
        if role in known:
            self._fault(
                case,
                name,
                f"two methods of {self.kind.__name__} are the {role} of the case {case!r}",
                cause=f"{known[role]} and {name}: Nutter runs one of them only",
                mend="rename one",
            )
        known[role] = name

    def _case(self, name: str, lookalikes: dict[str, str]) -> Case | None:
        methods = self.methods[name]
        if name in self.faults:
            return None
        if "assertion" in methods:
            run = getattr(self.kind, methods["run"]) if "run" in methods else None
            tag = getattr(run, "tag", ())
            return Case(name, methods, (tag,) if isinstance(tag, str) else tuple(map(str, tag)))
        first = next(iter(methods.values()))
        meant = [method for method, right in lookalikes.items() if right in (f"assertion_{name}", *methods.values())]
        for method in meant:
            del lookalikes[method]  # told here
        self._fault(
            name,
            first,
            f"the case {name!r} of {self.kind.__name__} has no assertion",
            cause=f"there is {' and '.join(methods.values())}, and no assertion_{name}: nothing would be checked",
            mend=f"did you mean assertion_{name} by {meant[0]}?" if meant else self._near(name, methods),
        )
        return None

    def _near(self, name: str, methods: dict[str, str]) -> str:
        """What may be meant by a case without an assertion: another case, all of them, or this one."""
        complete = [other for other, parts in self.methods.items() if "assertion" in parts]
        if "run" in methods:  # its assertion may have the misspelt name
            complete = [other for other in complete if "run" not in self.methods[other]]
            near = get_close_matches(name, complete, n=1, cutoff=0.7)
            return f"did you mean assertion_{name} by assertion_{near[0]}?" if near else f"add assertion_{name}"
        if name in {"each", "every", "test", "case"}:
            return f"Nutter has no {next(iter(methods.values()))}: call it from the cases' own before_… or after_…"
        near = get_close_matches(name, [*complete, "all"], n=1, cutoff=0.6)
        wanted = [f"{role}_{near[0]}" for role in methods] if near else []
        return f"did you mean {' and '.join(wanted)}?" if wanted else f"add assertion_{name}"

    def _meant(self, name: str) -> str:
        """The role's name that a method without a role seems to mean; "" for one that is used, or looks like none."""
        if role_of(name) or name in _ALL or not isinstance(method_of(self.kind, name), FunctionType):
            return ""
        meant = meant_by(name)
        return "" if meant and is_used(self.kind, name) else meant


def _or(words: Iterator[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}"
