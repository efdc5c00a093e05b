"""The session of the notebook whose cell runs the tests: used as it is, for nobody but the notebook may end or clear it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from harness.spark.classic import UsersSession

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class NotebooksSession(UsersSession):
    """Restores nothing after a test, for what is there may be the notebook's, or somebody else's in real catalogs.

    After the run the notebook is in the catalog and schema that it was in.
    """

    kind = "notebook"

    def __init__(self, spark: SparkSession) -> None:
        super().__init__(spark)
        self._at = self._place()

    def _place(self) -> tuple[str, str]:
        return self.spark.catalog.currentCatalog(), self.spark.catalog.currentDatabase()

    def interrupt(self) -> None:
        """Nothing: Spark can end all that a session does, and that would be the notebook's streams too."""

    def stop(self) -> None:
        """Put the notebook back where it was; its session goes on."""
        with contextlib.suppress(Exception):  # a test may have ended it
            if self._place() != self._at:
                self.spark.catalog.setCurrentCatalog(self._at[0])
                self.spark.catalog.setCurrentDatabase(self._at[1])
