"""The folders of a run on a workspace: one for all closures of the same files, and nothing else in it.

Were it all one folder, a notebook could reach (by a computed target, an import, a path) what only another test has brought,
and would pass or fail by which tests ran before. And a file that changes while a run of what it was is on goes elsewhere: a run
is told with the digest of what was sent for it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.remote.upload import Uploader

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from harness.remote.parts import Closure
    from harness.remote.protocol import Workspace
    from harness.remote.runs import Handle


@dataclass(slots=True)
class _Folder:
    """A folder, what was last brought there, and its runs."""

    uploader: Uploader
    digest: str = ""
    runs: list[Handle] = field(default_factory=list)


def mounted(path: str) -> str:
    """A workspace's path as the files of a cluster have it, which begins with /Workspace."""
    return path if path.startswith("/Workspace/") else f"/Workspace{path}"


class Folders:
    """One process's folders below the run's; processes that bring the same files share them."""

    def __init__(
        self,
        workspace: Workspace,
        folder: str,
        root: str,
        *,
        locked: Callable[[], AbstractContextManager[Any]],
        progress: Callable[[str], None],
    ) -> None:
        self._workspace, self._folder, self._root = workspace, folder, root
        self._locked, self._progress = locked, progress
        self._made: dict[str, _Folder] = {}

    def uploader(self, closure: Closure, *, inner: str = "") -> Uploader:
        """What brings a closure's files into a folder that holds no others, and where no run needs them as they were.

        ``inner`` is a folder's name in that one for them to lie in.
        """
        names = (f"{closure.place}-{number}" if number > 1 else closure.place for number in itertools.count(1))
        while True:
            folder = "/".join(filter(None, (self._folder, next(names), inner)))
            if folder not in self._made:
                made = Uploader(self._workspace, folder, self._root, locked=self._locked, progress=self._progress)
                self._made[folder] = _Folder(made)
            found = self._made[folder]
            found.runs = [run for run in found.runs if not run.is_done]
            if found.digest == closure.digest or not found.runs:
                found.digest = closure.digest
                return found.uploader

    def holds(self, folder: str, run: Handle) -> None:
        """Note a run of what lies in a folder."""
        self._made[folder].runs.append(run)
