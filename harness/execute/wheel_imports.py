"""What of a project a task may import that has wheels of it: what these surely have, and not what lies beside that."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from harness.execute.magics import UnsupportedError
from harness.execute.unsure import NO_MODULE, asking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from harness.execute.unsure import Ready
    from harness.jobs.job import Wheel


def on_path(wheels: Sequence[Wheel]) -> list[str]:
    """The folders of wheels as they stand on ``sys.path``: told by their ends from those that the code puts there itself."""
    return list(dict.fromkeys(os.path.join(folder, "") for wheel in wheels for folder in wheel.folders))


class OnlyOfWheels:
    """Stands before Python's own finders on ``sys.meta_path``, and refuses what they would find in the wheels' folders alone.

    On Databricks only what was built into a wheel is there. What that is nobody can tell without building it, but for the
    modules that it surely has. Where a script is ready for that, it goes on as if there were none.
    """

    def __init__(self, wheels: Sequence[Wheel], root: str, ready: Ready | None = None) -> None:
        self._wheels, self._root, self._ready = wheels, root, ready
        self._ours = on_path(wheels)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 -- importlib's protocol
    ) -> ModuleSpec | None:
        """Find what lies elsewhere than in the wheels' folders (importlib's protocol).

        Raises:
            UnsupportedError: The module lies there alone, and may lie in no wheel.
            ModuleNotFoundError: It does, and the script is ready for either.
        """
        top, _, inner = fullname.partition(".")
        wheel = next((one for one in self._wheels if top in one.modules), None)
        if wheel is None:
            if inner:
                return None
            found = PathFinder.find_spec(fullname, [entry for entry in sys.path if entry not in self._ours])
            if found is None and PathFinder.find_spec(fullname, self._ours) is not None:
                raise self._refused(fullname, "whether its wheel has that isn't known without building it")
            return found
        if self._is_left_out(fullname, wheel):
            raise self._refused(fullname, "the list of its packages doesn't name it")
        if wheel.needs_inits:
            name = fullname.rpartition(".")[2]
            for folder in wheel.folders if path is None else path:
                place = os.path.join(folder, name)
                if folder.startswith(tuple(wheel.folders)) and os.path.isdir(place) and not _is_package(place):
                    raise self._refused(fullname, f"{self._shown(place)} has no __init__.py, and may be left out of the wheel")
        return None

    def _is_left_out(self, fullname: str, wheel: Wheel) -> bool:
        """Whether it is a package of the project that the list of all doesn't name."""
        listed, place = wheel.packages, fullname.replace(".", os.sep)
        if fullname.partition(".")[0] not in {one.partition(".")[0] for one in listed} or fullname in listed:
            return False
        return any(os.path.isdir(os.path.join(folder, place)) for folder in wheel.folders)

    def _refused(self, name: str, why: str) -> Exception:
        if self._ready is not None and self._ready.at(asking(), NO_MODULE):
            return ModuleNotFoundError(f"No module named {name!r}", name=name)
        return UnsupportedError(
            f"the import of {name}: {why}; --databricks-env=rehearsal builds the wheel, and installs it, as a workspace does"
        )

    def _shown(self, place: str) -> str:
        return os.path.relpath(place, self._root).replace(os.sep, "/")


class NoSiblings:
    """Stands there, too, and refuses what a script finds elsewhere if a module of that name lies beside it.

    Whether a script's own folder is on the path isn't documented. Where it is, that module comes before a wheel's.
    """

    def __init__(self, script: str) -> None:
        self._folder = os.path.dirname(script)

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:  # noqa: ARG002
        """Find nothing (importlib's protocol).

        Raises:
            UnsupportedError: There are two modules, and which of them is meant isn't known.
        """
        beside = PathFinder.find_spec(fullname, [self._folder]) if path is None else None
        if beside is None or beside.origin is None:
            return
        found = PathFinder.find_spec(fullname)
        if found is not None and found.origin is not None and not _is_same(found.origin, beside.origin):
            raise UnsupportedError(
                f"the import of {fullname}: another module of that name lies beside the script, and whether a Python script "
                "looks there first isn't documented. Rename that, or say which is meant by sys.path.insert(0, …)"
            )


def _is_same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _is_package(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, "__init__.py"))


def refuse_what_no_wheel_has(wheels: Sequence[Wheel], *, root: str, ready: Ready | None = None) -> None:
    """Have this process import nothing of the project that its wheels may not have."""
    if wheels:
        sys.meta_path.insert(sys.meta_path.index(PathFinder), OnlyOfWheels(wheels, root, ready))


def refuse_what_a_sibling_hides(script: str) -> None:
    """Have this process import nothing that may be another module where a script runs on Databricks."""
    sys.meta_path.insert(sys.meta_path.index(PathFinder), NoSiblings(script))
