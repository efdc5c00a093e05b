"""What of a project a wheel's task may import: what the wheels that it asks for surely have, and not what lies beside it."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from harness.execute.magics import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from harness.jobs.job import Entry


class OnlyOfWheels:
    """Stands before Python's own finders on ``sys.meta_path``, and refuses what they would find in the project.

    On Databricks only what was built into a wheel is there. What that is nobody can tell without building it, but for the
    package that the entry point is in.
    """

    def __init__(self, entry: Entry, root: str) -> None:
        self._entry, self._root = entry, root

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 -- importlib's protocol
    ) -> ModuleSpec | None:
        """Find what lies elsewhere than in the project (importlib's protocol).

        Raises:
            UnsupportedError: The module lies in the project alone, and may lie in no wheel.
        """
        top, _, inner = fullname.partition(".")
        if top not in self._entry.modules:
            if inner:
                return None
            found = PathFinder.find_spec(fullname, [entry for entry in sys.path if entry not in self._entry.folders])
            if found is None and PathFinder.find_spec(fullname, self._entry.folders) is not None:
                raise self._refused(fullname, "whether its wheel has that isn't known without building it")
            return found
        if self._is_left_out(fullname):
            raise self._refused(fullname, "setup.py doesn't name it among its packages")
        if self._entry.needs_inits:
            name = fullname.rpartition(".")[2]
            for folder in self._entry.folders if path is None else path:
                place = os.path.join(folder, name)
                if folder.startswith(tuple(self._entry.folders)) and os.path.isdir(place) and not _is_package(place):
                    raise self._refused(fullname, f"{self._shown(place)} has no __init__.py, and may be left out of the wheel")
        return None

    def _is_left_out(self, fullname: str) -> bool:
        """Whether it is a package of the project that the list of all doesn't name."""
        listed, place = self._entry.packages, fullname.replace(".", os.sep)
        if fullname.partition(".")[0] not in {one.partition(".")[0] for one in listed} or fullname in listed:
            return False
        return any(os.path.isdir(os.path.join(folder, place)) for folder in self._entry.folders)

    def _refused(self, name: str, why: str) -> UnsupportedError:
        return UnsupportedError(
            f"the import of {name}: {why}; --databricks-env=rehearsal builds the wheel, and installs it, as a workspace does"
        )

    def _shown(self, place: str) -> str:
        return os.path.relpath(place, self._root).replace(os.sep, "/")


def _is_package(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, "__init__.py"))


def refuse_what_no_wheel_has(entry: Entry, *, root: str) -> None:
    """Have this process import nothing of the project that its wheels may not have."""
    if entry.folders:
        sys.meta_path.insert(sys.meta_path.index(PathFinder), OnlyOfWheels(entry, root))
