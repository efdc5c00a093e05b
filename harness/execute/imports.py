"""What a whole run can't import, as on Databricks: notebooks. There they are no files that Python could read as modules."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

from harness.extract.importer import has_header
from harness.runtime.fuse_imports import real_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


class NotebookImportException(Exception):  # noqa: N818 -- Databricks' own name
    """A notebook was imported as a module.

    The words are those of Databricks' runtime. Whether it is an ``ImportError`` there nobody says; that it isn't one here keeps
    a notebook from passing by an ``except ImportError`` that may not hold there.
    """

    __module__ = "builtins"  # or errors would be told with a module of ours before the name

    def __init__(self, name: str, path: str) -> None:
        super().__init__(
            f"Unable to import module `{name}`. The following file appears to be a notebook:\n\n{path}\n\n"
            f'Importing notebooks directly is not supported. Use dbutils.import_notebook("{name}") instead.'
        )
        self.add_note(f"mend: %run it, or take the first line out of {path}, which makes it a plain module")


class NoNotebooks:
    """Stands before Python's own finders on ``sys.meta_path``, and refuses what they would find if it is a notebook.

    A package that is installed may hold what looks like one: it isn't read from the workspace.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 -- importlib's protocol
    ) -> None:
        """Find nothing (importlib's protocol).

        Raises:
            NotebookImportException: It is a notebook.
        """
        name = fullname.rpartition(".")[2] + ".py"
        for entry in sys.path if path is None else path:
            file = os.path.join(real_folder(entry), name)
            if not entry.startswith((sys.prefix, sys.base_prefix)) and has_header(file):
                spec = PathFinder.find_spec(fullname, path)
                if spec is not None and spec.origin == file and not _is_installed(fullname):
                    raise NotebookImportException(fullname, file)


def _is_installed(name: str) -> bool:
    return name.partition(".")[0] in packages_distributions()


def refuse_notebooks() -> None:
    """Have this process import no notebook."""
    sys.meta_path.insert(sys.meta_path.index(PathFinder), NoNotebooks())
