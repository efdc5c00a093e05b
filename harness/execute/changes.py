"""What a run has changed outside of its process: tables and views, and files, as far as that can be seen from here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.execute.folder import written
from harness.runtime.kept_files import stamps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.execute.folder import Work
    from harness.spark.connect import ConnectSession


class Changes:
    """Looks before and after; ``spark`` is None for a run without, ``files`` is the folder of dbfs and volumes."""

    def __init__(self, spark: ConnectSession | None, files: str) -> None:
        self._spark, self._files = spark, files
        self._tables, self._stored = self._relations(), stamps(files)

    def _relations(self) -> dict[str, str]:
        return self._spark.relations() if self._spark is not None else {}

    def tables(self) -> tuple[str, ...]:
        """The full names of tables and views that are new or another since."""
        return tuple(_changed(self._tables, self._relations()))

    def files(self, work: Work) -> tuple[str, ...]:
        """The files written since: in the run's copy of the project, then in dbfs and volumes."""
        here = () if work.is_untouched() else written(Path(work.path))
        tables = tuple(map(_home, self._relations()))  # what lies there is told as tables
        return (*here, *(path for path in _changed(self._stored, stamps(self._files)) if not path.startswith(tables)))


def _home(relation: str) -> str:
    """Where the files of a managed table lie in dbfs, which those of ``hive_metastore`` alone do."""
    catalog, _, inside = relation.partition(".")
    folder = inside[len("default.") :] if inside.startswith("default.") else inside.replace(".", ".db/", 1)
    return f"dbfs:/user/hive/warehouse/{folder}/" if catalog == "hive_metastore" else "\0"


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return sorted(name for name, stamp in after.items() if before.get(name) != stamp)
