"""Which notebook %runs another: where that one's names may come from."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.extract.kinds import RUN
from harness.extract.run import parse_run

if TYPE_CHECKING:
    from harness.extract.load import Loader

_MOST = 200
"""How many files of a folder are looked at, for the sake of a mend."""


def run_by(path: str, loader: Loader) -> str | None:
    """The first notebook in the folder of this one, or in the one above, that %runs it; None if none does."""
    folder = os.path.dirname(path)
    for place in (folder, os.path.dirname(folder)):
        with suppress(OSError):
            for name in sorted(os.listdir(place))[:_MOST]:
                file = os.path.join(place, name)
                if file != path and name.endswith((".py", ".ipynb")) and _runs(file, path, loader):
                    return file
    return None


def _runs(file: str, path: str, loader: Loader) -> bool:
    try:
        with open(file, "rb") as read:
            if b"%run" not in read.read():
                return False
        rows = loader.extract(file).rows
    except (OSError, HarnessError):
        return False
    return any(row.kind == RUN and loader.find(parse_run(row.what).target, file) == path for row in rows)
