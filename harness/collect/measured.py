"""Coverage of whole runs, on the side of the tests: what kernels are to measure, and how it joins what the tests covered."""

from __future__ import annotations

import contextlib
import glob
import os
import site
import sys
import sysconfig
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# With these coverage.py starts in processes that a notebook starts, where the user wants that (`patch = subprocess`).
_ENVIRONMENT = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
_OPTIONS = ("run:relative_files", "run:core", "run:timid", "run:cover_pylib")


class RunCoverage:
    """Holds what the kernels of this process measured until coverage reports; see `harness.execute.measure.Measure`.

    ``places`` gives the folders and files that a source of coverage's stands for: a folder, or the name of a module.
    """

    def __init__(self, places: Callable[[str], list[str]]) -> None:
        self._places = places
        self._data: Any = None

    def wanted(self) -> dict[str, Any] | None:
        """What a kernel that starts now is to measure; None if nothing is measured here."""
        cov = current()
        if cov is None:
            return None
        from coverage.files import prep_patterns

        include, omit = self._bounds(cov)
        options = {name: value for name in _OPTIONS if (value := _option(cov, name)) is not None}
        threads = [
            kind for kind in _option(cov, "run:concurrency") or () if kind != "multiprocessing"
        ]  # it needs a settings file
        return {
            "branch": bool(cov.get_option("run:branch")),
            "include": include,
            "omit": [*omit, *prep_patterns(cov.get_option("run:omit") or [])],
            # Which test is on, where the user asked for contexts; there is no public way to ask.
            "context": getattr(getattr(cov, "_data", None), "_current_context", None) or "",
            "options": {**options, **({"run:concurrency": threads} if threads else {})},
            "folder": os.getcwd(),
            "environment": {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        }

    def _bounds(self, cov: Any) -> tuple[list[str], list[str]]:
        """The patterns of what is measured, and of what isn't.

        In a kernel a notebook's code is no module of a package, so coverage's sources are told as the places that they are.
        """
        from coverage.files import prep_patterns

        from harness.collect.sources import sources_of

        sources = sources_of(cov)
        if not sources:
            return list(prep_patterns(cov.get_option("run:include") or [])), []
        places = [os.path.realpath(place) for source in sources for place in self._places(source)]
        installed = sorted({os.path.realpath(path) for path in _installed()})
        outside = [path for path in installed if not any(f"{place}{os.sep}".startswith(f"{path}{os.sep}") for place in places)]
        return [_pattern(place) for place in places] or [os.devnull], [_pattern(path) for path in outside]

    def add(self, data: bytes) -> None:
        """Take what a kernel measured; what can't be read of it is shown as missed."""
        from coverage import CoverageData
        from coverage.exceptions import CoverageException

        from harness.extract.coverage import close

        if self._data is None:
            self._data = CoverageData(no_disk=True)
        made = CoverageData(no_disk=True)
        with contextlib.suppress(CoverageException):
            made.loads(data)
            self._data.update(made)
        close(made)

    def drop(self) -> None:
        """Forget all of it: there is no coverage any more that it could join."""
        if self._data is not None:
            from harness.extract.coverage import close

            close(self._data)
            self._data = None

    def hand_over(self, cov: Any, *, is_told: bool) -> None:
        """Add all of it to coverage's data; the lines of notebooks also as those of whole runs, where a plugin reads that.

        What is gone by now (a module that the notebook wrote) is left out.
        """
        runs, self._data = self._data, None
        if runs is None:
            return
        from coverage import CoverageData

        from harness.collect.sources import is_notebook
        from harness.extract.coverage import WHOLE

        with contextlib.closing(runs), contextlib.closing(CoverageData(no_disk=True)) as marks:
            take_out(runs, [path for path in runs.measured_files() if not os.path.isfile(path)])
            data = cov.get_data()
            for path in runs.measured_files():
                if data.file_tracer(path):
                    runs.touch_file(path, data.file_tracer(path))
            data.update(runs)
            marks.set_context(WHOLE)
            for path in runs.measured_files() if is_told else ():
                if is_notebook(path):
                    marks.add_arcs({path: runs.arcs(path)}) if runs.has_arcs() else marks.add_lines({path: runs.lines(path)})
            data.update(marks)


def take_out(data: Any, paths: list[str]) -> None:
    """Take files out of coverage's data, their names too: coverage reports a name without lines as 0 % of its JSON."""
    measured = [path for path in paths if path in data.measured_files()]
    if not measured:
        return
    data.purge_files(measured)
    with data._connect() as connection:  # noqa: SLF001 - purge_files leaves the name, and there is no other way
        for path in measured:
            connection.execute_void("delete from file where path = ?", (path,))
            data._file_map.pop(path, None)  # noqa: SLF001 - as above


def current() -> Any:
    """Give the coverage that measures this process now; None if none does."""
    module = sys.modules.get("coverage")
    return module.Coverage.current() if module is not None else None


def _option(cov: Any, name: str) -> Any:
    """An option of coverage's, None where its version has none of that name."""
    from coverage.exceptions import ConfigError

    with contextlib.suppress(ConfigError):
        return cov.get_option(name)
    return None


def _installed() -> list[str]:
    """The folders of installed packages, which coverage never measures below a source."""
    return [*site.getsitepackages(), site.getusersitepackages(), *(sysconfig.get_path(name) for name in ("purelib", "platlib"))]


def _pattern(place: str) -> str:
    """A place as coverage's patterns have it: no character of it means another."""
    text = glob.escape(place)
    return os.path.join(text, "*") if os.path.isdir(place) else text


RUNS = pytest.StashKey[RunCoverage]()
