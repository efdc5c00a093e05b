"""Read notebooks for the commands: nothing is executed, and nothing is left behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.extract.build import build
from harness.extract.load import Loader
from harness.extract.public import run_prefixes
from harness.notebook import read_notebook
from harness.notebook.files import refusal

if TYPE_CHECKING:
    from harness.extract.build import Extract


class Reader(Loader):
    """A loader that only reads: it leaves no cache files in the folders it looks at."""

    def __init__(self, root: str) -> None:
        super().__init__(root, run_prefixes=run_prefixes)

    def extract(
        self,
        path: str,
        *,
        raw: bytes | None = None,  # noqa: ARG002  # the loader's own signature
        stamp: tuple[int, int] | None = None,
    ) -> Extract:
        """Read a notebook, once.

        Raises:
            NotebookError: The file can't be read as a notebook.
        """
        found = self.known(path)
        if found is None:
            try:
                info = os.stat(path)
            except OSError as exc:
                raise refusal(path, exc) from exc
            found = build(read_notebook(path), stamp or (info.st_mtime_ns, info.st_size))
            self._extracts[path] = found
        return found
