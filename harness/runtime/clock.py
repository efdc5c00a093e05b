"""The time zone of Python's clock. On a cluster it is UTC, wherever one's own machine stands."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARIABLE = "TZ"


def set_time_zone(name: str | None) -> None:
    """Have this process, and those that it starts, show time as in this zone; None is the machine's own."""
    if name is None:
        os.environ.pop(_VARIABLE, None)
    else:
        os.environ[_VARIABLE] = name
    if hasattr(time, "tzset"):  # Windows hasn't
        time.tzset()


@contextlib.contextmanager
def time_zone(name: str) -> Iterator[None]:
    """Have it for a while."""
    before = os.environ.get(_VARIABLE)
    set_time_zone(name)
    try:
        yield
    finally:
        set_time_zone(before)
