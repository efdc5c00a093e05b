"""The workspace's own session on the warm engine: its catalogs and tables last as long as it."""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.rehearsal.identity import USER
from harness.settings import Settings
from harness.spark import connect
from harness.spark.choose import wishes_of
from harness.spark.conf import DBFS, PRINCIPAL, Wishes, whose
from harness.spark.idle import idle_s

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from harness.rehearsal.workspace import Workspace
    from harness.spark.connect import ConnectSession

_log = logging.getLogger(__name__)

_HELD = "spark"
"""Under this name the session stands in what the workspace's parts share."""


def open_space(workspace: Workspace) -> SparkSession:
    """The workspace's own session, opened if it isn't: its catalogs last as long as it.

    Raises:
        EngineError: The engine can't be had; see `harness.spark.server.find_or_start`.
    """
    return session_of(workspace).spark


def session_of(workspace: Workspace) -> ConnectSession:
    """The same, with its engine; one whose engine has ended is opened anew, on another one.

    Raises:
        EngineError: As `open_space`.
    """
    with workspace.shared.setdefault(f"{_HELD} lock", threading.Lock()):
        held: ConnectSession | None = workspace.shared.get(_HELD)
        if held is None:
            wanted = asked(workspace)
            kept_s = idle_s(wanted.settings, os.environ)
            held = workspace.shared[_HELD] = connect.open_session(
                replace(wanted.wishes, conf=whose(USER.name)),
                roots=[],
                progress=_log.info,
                owner=0 if kept_s else wanted.owner or os.getpid(),
                idle_s=kept_s or 24 * 3600,
                space=workspace.space,
                files=str(workspace.files),
                bare=DBFS,
            )
        elif held.is_lost:
            _log.error("the engine has ended, and with it all tables, catalogs and files of this workspace")
            workspace.place.lay_out(workspace.space)
            held.ready()
        return held


def session_as(workspace: Workspace, principal: str) -> SparkSession:
    """The workspace's session as a principal's, to whom nothing is open but what was granted.

    Raises:
        EngineError: As `open_space`.
    """
    own = session_of(workspace)
    with workspace.shared.setdefault(f"{_HELD} lock", threading.Lock()):
        held: dict[tuple[int, str], SparkSession] = workspace.shared.setdefault(f"{_HELD} of principals", {})
        key = own.engine.record.pid, principal
        if key not in held:
            made = own.spark.cloneSession()  # type: ignore[attr-defined]  # Connect's session has it
            made.conf.set(PRINCIPAL, principal)
            held[key] = made
        return held[key]


@dataclass(frozen=True, slots=True)
class Asked:
    """What whoever started the rehearsal wants of its Spark; ``owner`` is the process that it ends with, 0 if none."""

    settings: Settings
    owner: int

    @property
    def wishes(self) -> Wishes:
        """What is wanted of the engine: one that notebook runs share, which have no settings of their own."""
        return replace(wishes_of(self.settings), memory=Wishes().memory)


def asked(workspace: Workspace) -> Asked:
    """What was asked for; the defaults where nothing was."""
    try:
        told = json.loads(workspace.place.asked.read_text(encoding="utf-8"))
    except FileNotFoundError:
        told = {}
    settings = Settings(**told["settings"]) if "settings" in told else Settings(str(workspace.place.folder))
    return Asked(settings, int(told.get("owner") or 0))


def close_space(workspace: Workspace) -> None:
    """End the workspace's session, and with it its catalogs."""
    held: ConnectSession | None = workspace.shared.pop(_HELD, None)
    if held is not None:
        held.stop()
