"""A closure's notebooks of the workspace's own, compared with the repository's where the settings say which they are."""

# Paths are texts, as the closure has them.
# ruff: noqa: PTH113, PTH118, PTH123

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.notebook import is_notebook
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
                notes.append(f"{one.location}: {one.how} takes the workspace's own {one.target}: not compared, {_why_not(one)}")
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
        path = os.path.join(self._root, local)
        if not os.path.isfile(path):
            return f"the repository has no {local}"
        form = "RAW" if not is_notebook(path) else "JUPYTER" if local.endswith(".ipynb") else "SOURCE"
        with open(path, "rb") as file:
            here = file.read()
        try:
            there = self._workspace.export(target, format="AUTO" if form == "RAW" else form)
        except MissingError:
            return "it isn't there, or the identity of the run can't see it"
        return "" if is_same(here, there, format=form) else f"its content is another than that of {local}"


def _why_not(one: Foreign) -> str:
    if str(one.target).startswith("/"):
        return "no run_prefixes fit"
    return f"the repository has none beside {one.by}" if one.by else "it leads out of what goes up"


def _differs(one: Foreign, why: str) -> ForeignCopyError:
    by = f"{one.by} needs it, which {one.how} names" if one.by else f"{one.how} names it"
    return ForeignCopyError(
        f"the workspace's own {one.target} isn't what the repository has",
        cause=f"{by} by an absolute path, so the workspace's copy runs; {why}",
        mend="bring the workspace's copy up to date, name the notebook by a relative path, or correct run_prefixes, which say\n"
        "that it is the repository's",
        location=one.location,
    )
