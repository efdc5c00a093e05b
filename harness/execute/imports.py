"""What a whole run can't import, as on Databricks: notebooks. There they are no files that Python could read as modules."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

from harness.execute.magics import UnsupportedError
from harness.execute.of_runtime import why_not_there
from harness.execute.refusals import is_of_library
from harness.extract.importer import has_header
from harness.runtime.fuse_imports import real_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType


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
    """Stands before Python's own finders on ``sys.meta_path``, and passes over what they would find if it is a notebook.

    A package that is installed may hold what looks like one: it isn't read from the workspace.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 -- importlib's protocol
    ) -> ModuleSpec | None:
        """Find the module that a notebook of its name stands before; nothing where there is no such notebook (importlib's).

        Raises:
            NotebookImportException: There is the notebook alone.
        """
        name = fullname.rpartition(".")[2] + ".py"
        files = {entry: os.path.join(real_folder(entry), name) for entry in (sys.path if path is None else path)}
        prefixes = (sys.prefix, sys.base_prefix)
        notebooks = {file for entry, file in files.items() if not entry.startswith(prefixes) and has_header(file)}
        spec = PathFinder.find_spec(fullname, path) if notebooks else None
        if spec is None or spec.origin not in notebooks:
            return None
        other = PathFinder.find_spec(fullname, [entry for entry, file in files.items() if file not in notebooks])
        if (other is None or other.origin is None) and not _is_installed(fullname):
            raise NotebookImportException(fullname, spec.origin)
        return other


class OfEveryCluster:
    """The last finder on ``sys.meta_path``: what comes to it isn't here. That a cluster has it is told at once.

    A notebook may be ready to do without it, and what it then does is another thing than there.
    """

    def find_spec(self, fullname: str, *_: object) -> None:
        """Find nothing (importlib's protocol)."""
        if (why := why_not_there(fullname)) and not is_of_library(_asking()):
            UnsupportedError(why)  # made, it is told; Python raises its own


def _asking() -> str:
    """The file of the code that imports."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 -- the caller's caller
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "importlib":
        frame = frame.f_back
    return frame.f_code.co_filename if frame is not None else ""


def _is_installed(name: str) -> bool:
    return name.partition(".")[0] in packages_distributions()


def refuse_notebooks() -> None:
    """Have this process import no notebook."""
    sys.meta_path.insert(sys.meta_path.index(PathFinder), NoNotebooks())


def tell_of_what_is_missing() -> None:
    """Have the run told of what its notebook asks for, and only a cluster has."""
    sys.meta_path.append(OfEveryCluster())
