"""Coverage of tests on the cluster: what is to be measured there, and how it joins what is covered here."""

from __future__ import annotations

import os
from typing import Any

from harness.collect.measured import current, take_out


def measure(root: str) -> dict[str, Any] | None:
    """What coverage measures here, for the coverage there; None where nothing is measured."""
    cov = current()
    if cov is None:
        return None
    from harness.extract.coverage import PLUGIN

    config = cov.config
    sources = [one for name in ("source", "source_dirs", "source_pkgs") for one in getattr(config, name, None) or ()]
    return {
        "branch": bool(cov.get_option("run:branch")),
        "source": list(dict.fromkeys(_inside(one, root) for one in sources)),
        "include": [_inside(one, root) for one in cov.get_option("run:include") or ()],
        "omit": [_inside(one, root) for one in cov.get_option("run:omit") or ()],
        "plugin": PLUGIN if PLUGIN in cov.get_option("run:plugins") else "",
    }


def _inside(text: str, root: str) -> str:
    """A path or pattern below the project, from there; a name or another path as it is."""
    if text == root:
        return "."
    return text.removeprefix(root + os.sep)


def combine(cov: Any, content: bytes, there: str, here: str) -> str:
    """Add what was covered in the job to what is covered here; gives why it can't be, "" if it was."""
    from coverage import CoverageData
    from coverage.exceptions import CoverageException

    is_relative = bool(cov.get_option("run:relative_files"))

    def place(path: str) -> str:
        mapped = os.path.join(here, os.path.relpath(path, there))
        return os.path.relpath(mapped) if is_relative else mapped

    data, made = cov.get_data(), CoverageData(no_disk=True)
    try:
        made.loads(content)
        take_out(
            made,
            [path for path in made.measured_files() if not os.path.isfile(os.path.join(here, os.path.relpath(path, there)))],
        )
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
