"""A closure's notebooks of the workspace's own, compared with the repository's where the settings say which they are."""

# Paths are texts, as the closure has them.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.remote.content import is_same
from harness.remote.errors import ForeignCopyError, MissingError
from harness.remote.parts import NotCompared

if TYPE_CHECKING:
    from harness.remote.parts import Closure, Foreign
    from harness.remote.protocol import Workspace


class ForeignCopies:
    """Looks at the workspace's own notebooks, each once a session."""

    def __init__(self, workspace: Workspace, root: str) -> None:
        self._workspace = workspace
        self._root = root
        self._seen: dict[tuple[str, str], str] = {}

    def check(self, closure: Closure) -> tuple[NotCompared, ...]:
        """Refuse copies that differ; gives a note for each that couldn't be compared.

        Raises:
            ForeignCopyError: The workspace's copy isn't there, or isn't what the repository has.
        """
        notes = []
        for one in closure.foreign:
            if one.target is None:
                notes.append(f"{one.location}: which notebook {one.how} starts is computed: not compared with the repository's")
            elif not one.local:
                notes.append(
                    f"{one.location}: {one.how} takes the workspace's own {one.target}: not compared, no run_prefixes fit"
                )
            else:
                why = self._difference(one)
                if why:
                    raise _differs(one, why)
        return tuple(map(NotCompared, dict.fromkeys(notes)))

    def _difference(self, one: Foreign) -> str:
        target = str(one.target)
        key = target, one.local
        if key not in self._seen:
            self._seen[key] = self._look(target, one.local)
        return self._seen[key]

    def _look(self, target: str, local: str) -> str:
        form = "JUPYTER" if local.endswith(".ipynb") else "SOURCE"
        with open(os.path.join(self._root, local), "rb") as file:
            here = file.read()
        try:
            there = self._workspace.export(target, format=form)
        except MissingError:
            return "it isn't there, or the identity of the run can't see it"
        return "" if is_same(here, there, format=form) else f"its content is another than that of {local}"


def _differs(one: Foreign, why: str) -> ForeignCopyError:
    return ForeignCopyError(
        f"the workspace's own {one.target} isn't what the repository has",
        cause=f"{one.how} names it by an absolute path, so the workspace's copy runs; {why}",
        mend="bring the workspace's copy up to date, or name the notebook by a relative path",
        location=one.location,
    )
