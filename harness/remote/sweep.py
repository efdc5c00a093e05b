"""Find what killed runs left on a workspace, and remove it.

First what their ledgers name, then what carries our mark and is over age.

Nothing is ever removed that neither a ledger names nor carries our mark with an expiry that has passed.
"""

from __future__ import annotations

import shutil
import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness.remote.errors import MissingError, RemoteError
from harness.remote.ledger import Entry, Ledger, read
from harness.remote.marks import expiry_of
from harness.remote.removal import Removed, active_runs, is_ours, remove
from harness.remote.state import holders_of, state_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.remote.protocol import Workspace

_ANOTHER_MACHINE_S = 24 * 3600.0
"""Whether a process of another machine is still there can't be told; after a day its run is over."""
_LONGEST_RUN_S = 7 * 24 * 3600.0
_NEW_S = 3600.0
"""A folder that is younger may be one that a run is just laying out."""
_NOT_OURS = frozenset({"system", "samples", "hive_metastore"})
"""Catalogs that are Databricks' own, whatever their type is told to be."""
_DEAD = frozenset({"TERMINATED", "TERMINATING", "ERROR"})


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What one killed run left, or (without a ledger) what carries our mark and is over age; in the order of making."""

    host: str
    entries: tuple[Entry, ...]
    run_id: str = ""
    environment: str = ""
    folder: Path | None = None


def of_ledgers(
    *, state: Path | None = None, host: str = "", with_kept: bool = False, now: Callable[[], float] = time.time
) -> list[Leftovers]:
    """What the ledgers of runs say whose processes are gone; of one workspace, or of all. Nothing is asked of a workspace.

    What was kept for a look is among it once its time has passed, or ``with_kept``.
    """
    found = []
    for folder in sorted((state or state_folder()).iterdir()):
        ledger = folder / "ledger.jsonl"
        if not folder.is_dir() or not _is_over(folder, now()):
            continue
        about, entries = read(ledger)
        if not entries:
            if folder.stat().st_mtime < now() - _NEW_S:
                shutil.rmtree(folder, ignore_errors=True)  # it was killed before it made anything, or after it removed all
            continue
        its = str(about.get("host", ""))
        if host and its != host:
            continue
        due = tuple(entry for entry in entries if with_kept or entry.kept_until < now())
        if due:
            found.append(Leftovers(its, due, folder.name, str(about.get("environment", "")), folder))
    return found


def over_age(
    workspace: Workspace,
    *,
    workspace_root: str,
    catalogs: Sequence[str] = (),
    spared: Sequence[str] = (),
    now: Callable[[], float] = time.time,
) -> tuple[Leftovers, list[RemoteError]]:
    """What carries our mark on the workspace and is over age, whoever made it; and what couldn't be looked through.

    It looks into ``catalogs``, and into every other one that is seen but the ``spared`` and those that are of no tables here.
    """
    entries: list[Entry] = []
    errors: list[RemoteError] = []
    at = now()

    def look(into: Callable[[], list[Entry]]) -> list[Entry]:
        try:
            found = [entry for entry in into() if _is_expired(entry, at)]
        except RemoteError as error:
            errors.append(error)
            return []
        entries.extend(found)
        return found

    look(lambda: _folders(workspace, workspace_root))
    for catalog in catalogs:
        look(partial(_schemas, workspace, catalog))
    seen: list[Entry] = []
    left_out = _folded((*catalogs, *spared))
    expired = {entry.name for entry in look(lambda: _catalogs(workspace, left_out, seen))}
    for entry in seen:
        if entry.name not in expired:  # what is in one of those goes with it
            look(partial(_schemas_if_there, workspace, entry.name))
    look(lambda: _clusters(workspace))
    look(lambda: _runs(workspace, since_ms=int((at - _LONGEST_RUN_S) * 1000)))
    return Leftovers(workspace.host, tuple(entries)), errors


def _folders(workspace: Workspace, root: str) -> list[Entry]:
    try:
        listed = workspace.list_folder(root)
    except MissingError:
        return []  # no run has come here yet
    names = [str(one["path"]).rpartition("/")[2] for one in listed if one.get("object_type") == "DIRECTORY"]
    return [Entry("", "folder", f"{root}/{name}") for name in names]


def _catalogs(workspace: Workspace, left_out: frozenset[str], seen: list[Entry]) -> list[Entry]:
    """The catalogs whose tables are the workspace's own; all of them go into ``seen`` too."""
    try:
        listed = workspace.catalogs()
    except MissingError:
        return []  # a workspace that has no catalogs
    for one in listed:
        name = str(one["name"])
        if one.get("catalog_type") == "MANAGED_CATALOG" and name.casefold() not in left_out | _NOT_OURS:
            seen.append(Entry("", "catalog", name))
    return seen


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _schemas_if_there(workspace: Workspace, catalog: str) -> list[Entry]:
    try:
        return _schemas(workspace, catalog)
    except MissingError:
        return []  # it has gone since the catalogs were listed


def _schemas(workspace: Workspace, catalog: str) -> list[Entry]:
    return [Entry("", "schema", f"{catalog}.{one['name']}") for one in workspace.schemas(catalog)]


def _clusters(workspace: Workspace) -> list[Entry]:
    return [
        Entry("", "cluster", str(one["cluster_name"]), str(one["cluster_id"]))
        for one in workspace.clusters()
        if is_ours(one) and one.get("state") not in _DEAD
    ]


def _runs(workspace: Workspace, *, since_ms: int) -> list[Entry]:
    runs = active_runs(workspace, since_ms=since_ms)
    return [Entry("", "run", str(one.get("run_name", "")), str(one["run_id"])) for one in runs]


def take_away(left: Leftovers, workspace: Workspace, *, progress: Callable[[str], None] = lambda _: None) -> Removed:
    """Remove leftovers in reverse order; the ledger goes with the last thing that it names."""
    ledger = Ledger(left.folder / "ledger.jsonl", about={}) if left.folder is not None else None
    removed = remove(left.entries, workspace, ledger, progress=progress)
    if ledger is not None and left.folder is not None and not ledger.entries():
        shutil.rmtree(left.folder, ignore_errors=True)
    return removed


def _is_expired(entry: Entry, at: float) -> bool:
    """Of a folder or a schema the last part of the name counts, of a run what stands before the notebook's."""
    match entry.kind:
        case "folder":
            name = entry.name.rpartition("/")[2]
        case "schema":
            name = entry.name.partition(".")[2]
        case "run":
            name = entry.name.partition(" ")[0]
        case _:
            name = entry.name
    expiry = expiry_of(name)
    return expiry is not None and expiry < at


def _is_over(folder: Path, at: float) -> bool:
    about, _ = read(folder / "ledger.jsonl")
    machine = about.get("machine", socket.gethostname())
    if machine == socket.gethostname():
        return not holders_of(folder)
    return (folder / "ledger.jsonl").stat().st_mtime < at - _ANOTHER_MACHINE_S
