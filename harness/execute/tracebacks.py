"""What a kernel shows of an error: the lines that a notebook's author can act on."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any

from harness.spark.frames import chained, is_sparks_error, shorten, without_sparks
from harness.spark.hints import add_hint

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep


def in_words(error: BaseException) -> str:
    """What an error says of itself: of a text that can't be parsed, not the text first."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception_only(error)).strip()


def trim_tracebacks(shell: Any, note: Callable[[BaseException], None]) -> None:
    """Have IPython leave out frames of ours and the kernel's, of Spark's client behind the notebook's line, and Java's stack.

    ``note`` is told of each error that is shown.
    """
    import ipykernel
    import IPython

    around = (_OURS, os.path.dirname(ipykernel.__file__) + os.sep)
    whole = shell.InteractiveTB.structured_traceback
    below = (_OURS, os.path.dirname(IPython.__file__) + os.sep)

    def trimmed(kind: Any, error: Any, trace: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(error, BaseException):
            return whole(kind, error, trace, *args, **kwargs)
        note(error)
        steps: list[TracebackType] = []
        step: TracebackType | None = trace
        while step is not None:
            if not step.tb_frame.f_code.co_filename.startswith(around):
                steps.append(step)
            step = step.tb_next
        if is_sparks_error(error):
            add_hint(error)
            shorten(error)
            steps = without_sparks(steps)
        return whole(kind, error, chained(steps), *args, **kwargs)

    shell.InteractiveTB.structured_traceback = trimmed
    of_syntax = shell.SyntaxTB.structured_traceback

    def trimmed_syntax(kind: Any, error: Any, steps: Any = None, *args: Any, **kwargs: Any) -> Any:
        if isinstance(steps, list):  # of code that was compiled while other code ran, by %run for one
            steps = [one for one in steps if not one.filename.startswith(below)]
        return of_syntax(kind, error, steps, *args, **kwargs)

    shell.SyntaxTB.structured_traceback = trimmed_syntax
