"""Coverage of tests on the cluster: what is to be measured there, and how it joins what is covered here."""

from __future__ import annotations

import os
from typing import Any

from harness.collect.measured import current, take_out
from harness.collect.sources import is_left_out, sources_of


def measure(root: str) -> dict[str, Any] | None:
    """What coverage measures here, for the coverage there; None where nothing is measured.

    Patterns stay here: there `*/tests/*` and its like would be asked of other folders.
    """
    cov = current()
    if cov is None:
        return None
    from harness.extract.coverage import PLUGIN

    return {
        "branch": bool(cov.get_option("run:branch")),
        "source": list(dict.fromkeys(_inside(one, root) for one in sources_of(cov))),
        "plugin": PLUGIN if PLUGIN in cov.get_option("run:plugins") else "",
    }


def _inside(text: str, root: str) -> str:
    """A folder, from the project's; a name as it is."""
    return os.path.relpath(os.path.realpath(text), os.path.realpath(root)) if os.path.isdir(text) else text


def combine(cov: Any, content: bytes, there: str, here: str) -> str:
    """Add what was covered in the job to what is covered here; gives why it can't be, "" if it was."""
    from coverage import CoverageData
    from coverage.exceptions import CoverageException

    is_relative = bool(cov.get_option("run:relative_files"))

    def at(path: str) -> str:
        return os.path.join(os.path.realpath(here), os.path.relpath(path, there))

    def place(path: str) -> str:
        return os.path.relpath(at(path)) if is_relative else at(path)

    data, made = cov.get_data(), CoverageData(no_disk=True)
    try:
        made.loads(content)
        take_out(made, [path for path in made.measured_files() if not os.path.isfile(at(path)) or is_left_out(cov, at(path))])
        for path in made.measured_files():  # the two must say alike which plugin reads a file
            tracer = made.file_tracer(path)
            if tracer and data.file_tracer(place(path)) == "":
                data.touch_file(place(path), tracer)
            elif not tracer and data.file_tracer(place(path)):
                made.touch_file(path, data.file_tracer(place(path)))
        data.update(made, map_path=place)
    except CoverageException as exc:
        return str(exc)
    finally:
        made.close()
    return ""
