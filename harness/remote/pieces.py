"""What a job that runs tests writes beside its notebook as it goes on: reports in pieces, each a file that is written once.

They tell what became of tests whose job died, which test was on then, and hold what is too long for an exit value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.remote.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.remote.protocol import Workspace


@dataclass(frozen=True, slots=True)
class Pieces:
    """All pieces of one attempt at a job, put together; ``running`` is the test that was on, "" if that isn't known."""

    count: int = 0
    reports: tuple[Mapping[str, Any], ...] = ()
    running: str = ""
    root: str = ""


def piece(facts: Mapping[str, Any]) -> bytes:
    """One piece's content."""
    return json.dumps(facts).encode()


def name_of(token: str, attempt: str, number: int) -> str:
    """One piece's name."""
    return f"progress-{token[:8]}-{attempt}-{number:05d}.json"


def reader(workspace: Workspace, folder: str, token: str) -> Callable[[], Pieces]:
    """A function that reads a job's pieces; it asks the workspace, and raises a `RemoteError` where that can't be asked."""

    def read() -> Pieces:
        start = f"progress-{token[:8]}-"
        try:
            names = sorted(str(one["path"]).rpartition("/")[2] for one in workspace.list_folder(folder))
        except MissingError:
            names = []
        return joined((workspace.export(f"{folder}/{one}", format="AUTO") for one in names if one.startswith(start)), token)

    return read


def joined(contents: Iterable[bytes], token: str) -> Pieces:
    """Pieces put together: those of the last attempt, from the first on as far as none is missing or half written."""
    found: dict[tuple[float, str], dict[int, Mapping[str, Any]]] = {}
    for content in contents:
        try:
            facts = json.loads(content)
            if facts["token"] == token:
                found.setdefault((float(facts["begun"]), str(facts["attempt"])), {})[int(facts["number"])] = facts
        except (ValueError, KeyError, TypeError):
            continue
    if not found:
        return Pieces()
    last = found[max(found)]
    whole: list[Mapping[str, Any]] = []
    while len(whole) in last:
        whole.append(last[len(whole)])
    if not whole:
        return Pieces()
    reports = tuple(report for one in whole for report in one["reports"])
    return Pieces(len(whole), reports, str(whole[-1]["running"]), str(whole[-1]["root"]))
