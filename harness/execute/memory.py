"""How much memory a notebook's process may have: one that eats all there is must not take pytest and Spark along."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

_SHARE = 0.75
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_PERIOD_S = 0.25


def memory_limit(setting: str) -> int:
    """What the setting says, in bytes; where it says nothing, three quarters of what the machine or the container has."""
    import psutil

    if setting:
        return int(setting[:-1]) << {"m": 20, "g": 30}[setting[-1]]
    found = [int(psutil.virtual_memory().total)]
    for file in _LIMITS:
        with contextlib.suppress(OSError, ValueError), open(file, encoding="ascii") as limit:
            found.append(int(limit.read()))  # "max" where there is none
    return int(min(found) * _SHARE)


async def outgrown(process: Callable[[], psutil.Process | None], limit: int) -> None:
    """Wait until the process has more memory than that."""
    import psutil

    while True:
        with contextlib.suppress(psutil.Error):
            now = process()
            if now is not None and now.memory_info().rss > limit:
                return
        await asyncio.sleep(_PERIOD_S)
