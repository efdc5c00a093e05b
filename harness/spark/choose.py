"""Which engine a test process gets, from the settings and the environment."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.spark import classic, connect, server
from harness.spark.conf import Wishes
from harness.spark.home import version_here
from harness.spark.idle import idle_s
from harness.spark.versions import runtime_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from harness.settings import Settings

Session = connect.ConnectSession | classic.ClassicSession | classic.UsersSession
"""What a test process may have its Spark by."""


def wishes_of(settings: Settings) -> Wishes:
    """What a project wants of its Spark."""
    return Wishes(
        partitions=settings.spark_partitions,
        runtime=runtime_of(settings.runtime, version_here()) if settings.runtime else None,
        memory=settings.spark_memory,
    )


def open_session(
    engine: str,
    settings: Settings,
    *,
    roots: Sequence[Path],
    progress: Callable[[str], None],
    run_pid: int,
    files: str = "",
    space: str = "",
    whose: Mapping[str, str] = MappingProxyType({}),
) -> Session:
    """Open the session of this test process, or take the one that the user's own code has active here.

    ``files`` is the process's folder for dbfs and volumes, ``space`` the name of catalogs that another process holds, and
    ``whose`` the settings that say whose the session is (`harness.spark.conf.whose`).

    Raises:
        EngineError: Spark can't be had; the kinds are those of `harness.spark.connect` and `harness.spark.classic`.
    """
    wishes = wishes_of(settings)
    if engine == "classic" or classic.has_active_session():
        return classic.open_session(wishes, roots=roots, progress=progress, files=files)
    kept_s = idle_s(settings, os.environ)
    return connect.open_session(
        wishes,
        roots=roots,
        progress=progress,
        owner=0 if kept_s else run_pid,
        idle_s=kept_s or 24 * 3600,
        files=files,
        space=space,
        whose=whose,
    )


def end_own_engine(settings: Settings, *, run_pid: int) -> None:
    """End the engine if it was started for this very run."""
    engine = server.find(server.place_of(wishes_of(settings), os.environ).folder)
    if engine is not None and engine.record.owner == run_pid:
        server.stop(engine)
