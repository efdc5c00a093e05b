"""Loggers of notebooks: where making one does more than compute, a test has a stand-in that passes log lines on."""

from __future__ import annotations

import ast
import logging
import re
from typing import TYPE_CHECKING, Any

from harness.extract.quiet import dotted_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.errors import HarnessError

# What gives a logger by its name: getLogger, get_logger, get_otel_logger, setup_logging, …
_GIVES_LOGGER = re.compile(
    r"_*(get|set_?up|create|make|init|initiali[sz]e|configure|build|start)_?(\w*_)?logg(er|ing)", re.IGNORECASE
)

# What a standard logger takes beside the text; more of it is structured logging's.
_KNOWN = frozenset({"exc_info", "stack_info", "stacklevel", "extra"})


def logger_name(node: ast.stmt) -> str | None:
    """Give the name of the logger that the statement binds a name to; None where it isn't such a statement."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call):
            pass
        case _:
            return None
    if not _GIVES_LOGGER.fullmatch(dotted_name(call.func).rpartition(".")[2]):
        return None
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in {"name", "logger_name"})]
    return next((part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)), name)


class StandInLogger(logging.Logger):
    """A standard logger of the running test's own: its lines go to the root logger's handlers, as ``caplog`` has it.

    Nothing of it is registered, so a level or handler that a unit sets ends with the test. What a standard logger has not
    fails with the reason why the notebook's own isn't there.
    """

    def __init__(self, name: str, error: HarnessError) -> None:
        super().__init__(name)
        self.parent = logging.root
        self._error = error

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._error.with_traceback(None)

    def __reduce__(self) -> tuple[Any, ...]:
        return logging.getLogger, (self.name,)  # where Spark's workers run, there is no test

    def _log(self, level: int, msg: object, args: Any, *, stacklevel: int = 1, **more: Any) -> None:  # type: ignore[override]  # takes more
        fields: Mapping[str, Any] = {key: value for key, value in more.items() if key not in _KNOWN}
        if fields:  # logger.info("loaded", rows=3), as structured logging has it
            msg, args = " ".join((str(msg), *(f"{key}={value!r}" for key, value in fields.items()))), ()
        known = {key: value for key, value in more.items() if key in _KNOWN}
        super()._log(level, msg, args, stacklevel=stacklevel + 1, **known)
