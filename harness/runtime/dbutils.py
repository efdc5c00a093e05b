"""``dbutils`` as a notebook finds it: its parts, widgets among them, and a clear refusal of what isn't served."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from harness.errors import DbutilsCallError, WidgetNotDefinedError, WidgetValueError
from harness.runtime.data import Data
from harness.runtime.display import Display
from harness.runtime.jobs import Jobs
from harness.runtime.library import Absent, Credentials, Library
from harness.runtime.notebook import NotebookPart
from harness.runtime.part import Part, refusal
from harness.runtime.secrets import Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.runtime.context import EntryPoint
    from harness.runtime.fs import Fs

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_NEAR = 0.75  # "dev" is no "env"

# What Databricks' own dbutils has and this one hasn't.
_UNSERVED = ("api", "fs", "import_notebook", "meta", "preview")


class Dbutils(Part):
    """``dbutils`` for one test or one run.

    ``widgets`` are values from outside, as a job's parameters are: they win over the defaults that the notebook defines, and
    can be read without being defined. ``ask`` is how the parts ask who started the notebook, ``show`` how they show a table,
    ``restart`` how Python begins anew. What isn't served refuses and says how to give it: ``dbutils.credentials = mine``.
    """

    def __init__(
        self,
        *,
        widgets: Mapping[str, str] | None = None,
        fs: Fs | Part | None = None,
        ask: Callable[..., Any] | None = None,
        show: Callable[[Any], None] | None = None,
        restart: Callable[[], NoReturn] | None = None,
    ) -> None:
        asked = ask or _nobody
        self.widgets = Widgets(widgets)
        if fs is not None:
            self.fs = fs
        self.secrets = Secrets(asked)
        self.notebook = NotebookPart(asked)
        self.jobs = Jobs(asked)
        self.library = Library(restart)
        self.data = Data(show or Display())
        self.credentials = Credentials()

    @property
    def entry_point(self) -> EntryPoint:
        """The way to the context, as ``dbutils.notebook.entry_point``."""
        return self.notebook.entry_point

    def __getattr__(self, name: str) -> Any:
        if name in _UNSERVED:
            return Absent(f"dbutils.{name}")
        return super().__getattr__(name)

    def help(self, name: str = "") -> None:
        """Print what there is."""
        parts = {known: part for known, part in vars(self).items() if callable(getattr(type(part), "help", None))}
        if name and name not in parts:
            getattr(self, name)
        for known, part in parts.items():
            if name in ("", known):
                part.help()
        if not name:
            sys.stdout.write(f"not served here: {', '.join(known for known in _UNSERVED if known not in vars(self))}\n")

    def _served(self) -> list[tuple[str, Any]]:
        return [(name, self.help) for name in (*vars(self), "entry_point", "help", *_UNSERVED)]


def _nobody(what: str, **_facts: Any) -> NoReturn:
    raise refusal(
        f"dbutils ({what})", cause="no test and no run stands behind this dbutils", mend="ask for the fixture dbutils"
    )


class Widgets(Part):
    """Widgets: each has a name, a kind and a text as its value."""

    _path = "dbutils.widgets"
    _ours = frozenset({"check_meant", "find", "give", "take_any", "take_back", "state", "resume"})

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self._given: dict[str, str] = {}
        for name, value in (given or {}).items():
            self._given[_text(name, "a widget's name")] = _text(value, f'the value given for the widget "{name}"')
        self._values: dict[str, str] = dict(self._given)
        self._defaults: dict[str, str] = {}
        self._unclear: set[str] = set()
        self._asked: set[str] = set()
        self._takes_any = False

    def take_any(self, takes: bool) -> None:  # noqa: FBT001 -- its only word
        """Have values from outside be taken that are no choice, as those of a job's task: it isn't the test that misspelt them.

        Databricks' own MLOps Stacks run so, in its CI too: with the target "dev" for a dropdown of "staging" and "prod".
        """
        self._takes_any = takes

    # The arguments have Databricks' own names, for notebooks pass them by name too.

    def text(self, name: str, defaultValue: str, label: str | None = None) -> None:  # noqa: N803 -- see above
        """Define a widget that takes any text."""
        self._define("text", name, defaultValue, label)

    def dropdown(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:  # noqa: N803 -- see above
        """Define a widget that takes one of the choices.

        Raises:
            WidgetValueError: The default, or the value that the test gives, is none of them.
        """
        known = _choices("dropdown", name, choices)
        for what, value in self._candidates(name, defaultValue):
            if value not in known:
                raise _not_a_choice("dropdown", name, what, value, known)
        self._define("dropdown", name, defaultValue, label)

    def combobox(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:  # noqa: N803 -- see above
        """Define a widget that takes one of the choices or any other text."""
        _choices("combobox", name, choices)
        self._define("combobox", name, defaultValue, label)

    def multiselect(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:  # noqa: N803 -- see above
        """Define a widget that takes some of the choices; its value is one text with commas between them.

        Raises:
            WidgetValueError: The default, or the value that the test gives, holds something else.
        """
        known = _choices("multiselect", name, choices)
        for what, value in self._candidates(name, defaultValue):
            # A choice may itself hold a comma, so the whole text is looked for first.
            for part in [value] if value in known else value.split(","):
                if value and part not in known:
                    raise _not_a_choice("multiselect", name, what, part, known)
        self._define("multiselect", name, defaultValue, label)

    def get(self, name: str) -> str:
        """Give the widget's value.

        Raises:
            WidgetNotDefinedError: Neither the notebook nor the test defined it.
        """
        self._asked.add(name)
        if name not in self._values:
            raise self._missing(name)
        return self._values[name]

    def find(self, name: str) -> str | None:
        """Give the widget's value, None if there is no such widget."""
        self._asked.add(name)
        return self.get(name) if name in self._values or name in self._unclear else None

    def getArgument(self, name: str, *optional: str) -> str:  # noqa: N802 -- Databricks' own name
        """Give the widget's value, or the second argument if there is no such widget.

        Raises:
            WidgetNotDefinedError: There is no such widget and no second argument.
        """
        found = self.find(name)
        if found is None:
            return optional[0] if optional else self.get(name)
        return found

    def getAll(self) -> dict[str, str]:  # noqa: N802 -- Databricks' own name
        """Give all names and values."""
        for name in sorted(self._unclear - set(self._values)):
            raise self._missing(name)
        self._asked.update(self._values)
        return dict(self._values)

    def remove(self, name: str) -> None:
        """Remove a widget; the value that the test gave is there again when the widget is defined again.

        Raises:
            WidgetNotDefinedError: There is no such widget.
        """
        if name not in self._values and name not in self._unclear:
            raise self._missing(name)
        self._values.pop(name, None)
        self._defaults.pop(name, None)
        self._unclear.discard(name)

    def removeAll(self) -> None:  # noqa: N802 -- Databricks' own name
        """Remove all widgets."""
        for held in (self._values, self._defaults, self._unclear):
            held.clear()

    def give(self, values: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
        """Give values from outside until they are taken back, as ``%run`` does for the notebook that it runs."""
        before = {name: (self._given.get(name), self._values.get(name)) for name in values}
        self._given.update(values)
        self._values.update(values)
        return before

    def take_back(self, before: Mapping[str, tuple[str | None, str | None]]) -> None:
        """Undo ``give``; a widget that was defined meanwhile stays, though which value it has then nobody knows."""
        for name, (given, value) in before.items():
            passed = self._values.pop(name, None)
            if value is not None:
                self._values[name] = value
            elif passed is not None and passed == self._defaults.get(name) and name not in self._unclear:
                self._values[name] = passed
            elif name in self._defaults:
                self._unclear.add(name)
            self._given.pop(name, None)
            if given is not None:
                self._given[name] = given

    def check_meant(self, names: Iterable[str]) -> None:
        """See that none of these, which a test gives and nothing has asked for, was meant for one that took its default.

        Raises:
            WidgetNotDefinedError: One was.
        """
        by_default = sorted(self._asked & set(self._defaults) - set(self._given))
        for name in sorted(set(names) - self._asked - set(self._defaults)):
            near = get_close_matches(name, by_default, n=1, cutoff=_NEAR)
            if near:
                raise WidgetNotDefinedError(
                    f'no widget "{name}" was asked for',
                    cause=f'the test gives it a value, and "{near[0]}" took its default',
                    mend=f'did you mean "{near[0]}"?',
                )

    def state(self) -> dict[str, Any]:
        """What stays when Python begins anew."""
        return {"values": self._values, "unclear": sorted(self._unclear)}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Have what there was before Python began anew."""
        self._values.update(state.get("values", {}))
        self._unclear.update(state.get("unclear", ()))

    def _define(self, kind: str, name: str, default: object, label: object) -> None:
        _text(name, "a widget's name")
        _text(default, f'the default of the {kind} "{name}"')
        if label is not None:
            _text(label, f'the label of the {kind} "{name}"')
        # As on Databricks, defining a widget again leaves its value alone.
        if name in self._values or name not in self._unclear:
            self._defaults.setdefault(name, str(default))
            self._values.setdefault(name, self._given.get(name, str(default)))

    def _candidates(self, name: str, default: object) -> list[tuple[str, str]]:
        found = [("its default", _text(default, f'the default of the widget "{name}"'))]
        if name in self._given and not self._takes_any:
            found.append(("the value that it is given", self._given[name]))
        return found

    def _missing(self, name: str) -> Exception:
        if name in self._unclear:
            return DbutilsCallError(
                f'which value the widget "{name}" has now isn\'t known here',
                cause="a notebook that was %run defined it, with another default than the value that this %run gave it",
                mend=f'read it in that notebook, or define "{name}" here before the %run',
            )
        known = sorted(self._values)
        near = get_close_matches(str(name), known, n=1)
        marker = (
            f"@pytest.mark.nbh_widgets({name}=…)"
            if str(name).isidentifier()
            else f'@pytest.mark.nbh_widgets(**{{"{name}": …}})'
        )
        mend = f'give it in the test, by widgets={{"{name}": …}} or {marker},\nor define it in the notebook'
        return WidgetNotDefinedError(
            f'no widget "{name}" is defined',
            cause=f"com.databricks.dbutils_v1.InputWidgetNotDefined: No input widget named {name} is defined\n"
            f"defined here: {', '.join(known) or 'none'}",
            mend=f'did you mean "{near[0]}"? if not, {mend}' if near else mend,
        )


def check_widgets(widgets: object) -> None:
    """See that names and values which a test gives for widgets are texts, as on Databricks.

    Raises:
        WidgetValueError: One isn't.
    """
    if not isinstance(widgets, Mapping):
        raise WidgetValueError(
            "widgets are no names with values",
            cause=f"they are {widgets!r}, of type {type(widgets).__name__}",
            mend='write widgets={"catalog": "dev"}',
        )
    for name, value in widgets.items():
        if not isinstance(name, str) or not name:
            raise WidgetValueError(
                "a value is given for a widget without a name" if name == "" else "the name of a widget is not a text",
                cause=f"it is {name!r}, of type {type(name).__name__}; Databricks takes texts only",
                mend='write widgets={"catalog": "dev"}',
            )
        if not isinstance(value, str):
            raise WidgetValueError(
                f'the value given for the widget "{name}" is not a text',
                cause=f"it is {value!r}, of type {type(value).__name__}; Databricks takes texts only",
                mend=f'write widgets={{"{name}": "{value}"}}',
            )


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise WidgetValueError(
            f"{what} is not a text",
            cause=f"it is {value!r}, of type {type(value).__name__}; Databricks takes texts only",
            mend=f'write "{value}"' if isinstance(value, (int, float)) else "give a text",
        )
    return value


def _choices(kind: str, name: str, choices: object) -> list[str]:
    if isinstance(choices, str) or not hasattr(choices, "__iter__"):
        raise WidgetValueError(
            f'the choices of the {kind} "{name}" are not a list', cause=f"they are {choices!r}", mend="give a list of texts"
        )
    return [_text(choice, f'a choice of the {kind} "{name}"') for choice in choices]


def _not_a_choice(kind: str, name: str, what: str, value: str, known: list[str]) -> WidgetValueError:
    near = get_close_matches(value, known, n=1)
    return WidgetValueError(
        f'"{value}" is no choice of the {kind} "{name}"',
        cause=f"{what} is none of: {', '.join(known) or '(no choices)'}",
        mend=f'did you mean "{near[0]}"?' if near else f'use one of the choices, or add "{value}" to them in the notebook',
    )
