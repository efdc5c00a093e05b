"""Remove what was made on a workspace: last made, first removed; one failure doesn't stop the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.remote.errors import AnswerError, LeftoverError, MissingError, RemoteError
from harness.remote.marks import TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.remote.ledger import Entry, Ledger
    from harness.remote.protocol import Facts, Workspace

ENDED = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal did: the entries that are gone, and those that are left with the error that says why.

    ``absent`` are those of ``gone`` that weren't there to begin with.
    """

    gone: tuple[Entry, ...] = ()
    left: tuple[tuple[Entry, RemoteError], ...] = ()
    absent: tuple[Entry, ...] = ()

    @property
    def taken(self) -> tuple[Entry, ...]:
        """What was there, and was removed."""
        return tuple(entry for entry in self.gone if entry not in self.absent)

    def error(self) -> LeftoverError | None:
        """One error for all that is left, or None."""
        if not self.left:
            return None
        lines = [f"{entry.kind} {entry.name}{f' ({entry.id})' if entry.id else ''}: {error.what}" for entry, error in self.left]
        return LeftoverError(
            f"{len(self.left)} of the things made on the workspace couldn't be removed",
            cause="\n".join([*lines, *(error.cause for _, error in self.left[:1] if error.cause)]),
            mend="mend the cause and run `nbh sweep`; the ledger still names them",
        )


@dataclass(slots=True)
class _Removal:
    gone: list[Entry] = field(default_factory=list)
    left: list[tuple[Entry, RemoteError]] = field(default_factory=list)
    absent: list[Entry] = field(default_factory=list)


def remove(
    entries: Sequence[Entry], workspace: Workspace, ledger: Ledger | None, *, progress: Callable[[str], None] = lambda _: None
) -> Removed:
    """Remove these things in reverse order, and strike out each that is gone; what isn't there any more is gone."""
    done = _Removal()
    for entry in reversed(entries):
        progress(f"removing {entry.kind} {entry.name}")
        try:
            remove_one(entry, workspace)
        except MissingError:
            done.absent.append(entry)
        except RemoteError as error:
            done.left.append((entry, error))
            continue
        done.gone.append(entry)
        if ledger is not None:
            ledger.strike(entry)
    return Removed(tuple(done.gone), tuple(done.left), tuple(done.absent))


def remove_one(entry: Entry, workspace: Workspace) -> None:
    """Remove one thing, by its id or by our name of it where its id was never learnt.

    Raises:
        MissingError: It isn't there. A run that has ended, or was never begun, is no error: it is ended.
        RemoteError: It can't be removed.
    """
    match entry.kind:
        case "folder":
            workspace.delete_folder(entry.name)
        case "schema":
            workspace.delete_schema(entry.name)
        case "catalog":
            workspace.delete_catalog(entry.name)
        case "table" | "view" | "volume" | "function":
            workspace.delete_object(entry.kind, entry.name)
        case "cluster":
            found = clusters_named(workspace, entry.name) | ({entry.id} if entry.id else set())
            if not [one for one in found if _deleted(workspace, one)]:
                raise _no_cluster(entry)
        case "run":
            for run_id in [int(entry.id)] if entry.id else runs_named(workspace, entry.name, since_ms=int(entry.at * 1000)):
                _end_run(workspace, run_id)
        case _:
            raise AnswerError(
                f"what a {entry.kind} is isn't known",
                cause="a newer version of the harness wrote the ledger",
                mend="sweep with that version",
            )


def clusters_named(workspace: Workspace, name: str) -> set[str]:
    """The clusters of ours that have a name; two where an answer was lost and the call was made again."""
    return {str(one["cluster_id"]) for one in workspace.clusters() if is_ours(one) and one.get("cluster_name") == name}


def is_ours(cluster: Facts) -> bool:
    """Whether a cluster carries our tag, which names it."""
    name = cluster.get("cluster_name")
    return name is not None and (cluster.get("custom_tags") or {}).get(TAG) == name


def runs_named(workspace: Workspace, name: str, *, since_ms: int) -> list[int]:
    """The runs of a name that are still on; the clocks may differ, so it looks back an hour more."""
    runs = active_runs(workspace, since_ms=max(since_ms - 3_600_000, 0))
    return [int(one["run_id"]) for one in runs if one.get("run_name") == name]


def active_runs(workspace: Workspace, *, since_ms: int) -> Iterator[Facts]:
    """The one-time runs that are on, as far as this identity sees them."""
    token = ""
    while True:
        page, token = workspace.runs_page(since_ms=since_ms, page_token=token, active_only=True)
        yield from page
        if not token:
            return


def has_ended(run: Facts) -> bool:
    """Whether what is known of a run says that it is over, in the older or the newer way of saying so."""
    state = run.get("state") or {}
    status = run.get("status") or {}
    return state.get("life_cycle_state") in ENDED or status.get("state") == "TERMINATED"


def _end_run(workspace: Workspace, run_id: int) -> None:
    if not has_ended(workspace.run(run_id)):
        workspace.cancel(run_id)


def _deleted(workspace: Workspace, cluster_id: str) -> bool:
    try:
        workspace.delete_cluster(cluster_id)
    except MissingError:
        return False
    return True


def _no_cluster(entry: Entry) -> MissingError:
    return MissingError(f"there is no cluster {entry.name}", cause="none of ours has this name", mend="nothing is to be done")


def is_absent(entry: Entry, workspace: Workspace) -> bool:
    """Whether the workspace says that it isn't there; false where it can't be asked, and of runs."""
    try:
        match entry.kind:
            case "folder":
                workspace.list_folder(entry.name)
            case "catalog":
                workspace.catalog(entry.name)
            case "schema":
                catalog, _, name = entry.name.partition(".")
                return all(str(one.get("name")).casefold() != name.casefold() for one in workspace.schemas(catalog))
            case "table" | "view" | "volume" | "function":
                workspace.object(entry.kind, entry.name)
            case "cluster":
                if not clusters_named(workspace, entry.name):
                    return not entry.id or not workspace.cluster(entry.id)
    except MissingError:
        return True
    except RemoteError:
        return False
    return False
