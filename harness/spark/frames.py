"""What of a failed query's traceback and text says why, and what is only Spark's own way to it."""

from __future__ import annotations

import functools
import os
import re
from types import TracebackType
from typing import Any

_CAUSED_BY = re.compile(r"\ACaused by: [\w.$]+(: )?")
_SPARKS = tuple(f"{os.sep}{package}{os.sep}" for package in ("pyspark", "py4j", "grpc", "delta"))


def is_sparks_error(exc: BaseException) -> bool:
    """Whether Spark's client raised it for a query."""
    return type(exc).__module__.startswith("pyspark.errors")


def is_sparks(step: TracebackType) -> bool:
    """Whether a frame is of Spark's client."""
    file = step.tb_frame.f_code.co_filename
    return "site-packages" in file and any(package in file for package in _SPARKS)


def shorten(exc: Any) -> None:
    """Leave of the engine's own stack what says why: a hundred frames of Java would bury it, and the message too."""
    stack = getattr(exc, "_stacktrace", None)
    if isinstance(stack, str) and getattr(exc, "_display_stacktrace", False):
        # It is shown more than once, and what is left of it the first time begins with the cause.
        _, mark, causes = f"\n{stack}".partition("\nCaused by: ")
        causes = f"{mark.lstrip()}{causes}"
        lines = [line for line in causes.split("\n") if not line.startswith("\t")]
        said = getattr(exc, "_message", None) or ""
        exc._stacktrace = "\n".join(lines)  # noqa: SLF001 -- pyspark has no public way
        exc._display_stacktrace = not all(_CAUSED_BY.sub("", line).strip() in said for line in lines)  # noqa: SLF001 -- as above


def chained(steps: list[TracebackType]) -> TracebackType | None:
    """A traceback of these frames alone."""
    rest: TracebackType | None = None
    for step in reversed(steps):
        rest = TracebackType(rest, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return rest


def without_sparks(steps: list[TracebackType]) -> list[TracebackType]:
    """The frames that aren't of Spark's client, nor of what it calls itself through; all, if all are.

    Behind a notebook's line there may be Spark's way to a worker, and there a function of the notebook's again.
    """
    return [step for step in steps if not is_sparks(step) and step.tb_frame.f_code.co_filename != functools.__file__] or steps
