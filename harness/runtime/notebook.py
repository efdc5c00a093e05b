"""``dbutils.notebook``: how a notebook ends with a value, runs another one, and learns where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from harness.errors import DbutilsArgumentError, WidgetValueError
from harness.runtime.context import Context, EntryPoint
from harness.runtime.part import Part, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

EXIT_LIMIT = 5 << 20
"""How many bytes of an exit value come back: a workspace cuts it there too, without an error."""


class NotebookExit(BaseException):
    """Raised by ``dbutils.notebook.exit``; no ``except Exception`` of the notebook's keeps it from ending."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class NotebookPart(Part):
    """How a notebook ends with a value, and runs another one."""

    _path = "dbutils.notebook"

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    def exit(self, value: str) -> NoReturn:
        """End the notebook with a text as its value, of which the first 5 MB are kept, as on Databricks.

        Raises:
            WidgetValueError: The value is no text.
            NotebookExit: Always else.
        """
        if not isinstance(value, str):
            raise WidgetValueError(
                "the value given to dbutils.notebook.exit is not a text",
                cause=f"it is {value!r}, of type {type(value).__name__}; Databricks takes texts only",
                mend="give str(…), or json.dumps(…), which the test reads by run.exit_json()",
            )
        if len(value) > EXIT_LIMIT // 4:  # what is shorter fits in any case
            value = value.encode(errors="surrogatepass")[:EXIT_LIMIT].decode(errors="ignore")
        raise NotebookExit(value)

    def run(self, path: str, timeout_seconds: int, arguments: Mapping[str, str] | None = None) -> str | None:
        """Run another notebook in a process of its own, and give its exit value; None if it doesn't exit with one.

        Raises:
            ChildRunError: It failed, took longer than ``timeout_seconds`` (0: no limit of its own), or isn't there.
            DbutilsArgumentError: The path is no text, or the time no whole number.
            WidgetValueError: An argument is no text.
        """
        if type(timeout_seconds) is not int or timeout_seconds < 0:
            raise DbutilsArgumentError(
                "the timeout given to dbutils.notebook.run is no number of seconds",
                cause=f"it is {timeout_seconds!r}, of type {type(timeout_seconds).__name__}",
                mend="give a whole number of seconds; 0 is no limit",
            )
        given = _arguments(arguments)
        value: str | None = self._ask(
            "run", path=text(path, "the path of a notebook"), timeout_s=timeout_seconds, arguments=given
        )
        return value

    @property
    def entry_point(self) -> EntryPoint:
        """The way to the context: ``entry_point.getDbutils().notebook().getContext()``."""
        return EntryPoint(self.getContext)

    def getContext(self) -> Context:  # noqa: N802 -- Databricks' own name
        """Give what the notebook learns of its place."""
        return Context(self._ask("context"))


def _arguments(arguments: Any) -> dict[str, str]:
    if arguments is None:
        return {}
    if not hasattr(arguments, "items"):
        raise DbutilsArgumentError(
            "the arguments given to dbutils.notebook.run are no dictionary",
            cause=f"they are of type {type(arguments).__name__}",
            mend='give {"name": "value"}',
        )
    given = dict(arguments.items())
    for name, value in given.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise WidgetValueError(
                f"the argument {name!r} given to dbutils.notebook.run is not a text",
                cause=f"it is {value!r}, of type {type(value).__name__}; Databricks takes texts only",
                mend=f'write "{value}"' if isinstance(value, int | float) else "give str(…) or json.dumps(…)",
            )
    return given
