"""A workspace's session in a test process: opened once, and put back after each test as far as a client can."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from harness.spark.classic import UsersSession

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class WorkspaceSession(UsersSession):
    """Puts back the current catalog and schema, settings and temporary views; tables are real, and go with who made them.

    That is three calls after a test that had the session; a workspace knows nothing of tests, and can't do it in one.
    """

    kind = "workspace"

    def __init__(self, spark: SparkSession) -> None:
        super().__init__(spark)
        self._place = self._where()
        self._settings = self._set()
        self._views = self._temporary()

    def _where(self) -> tuple[str, str]:
        row = self.spark.sql("SELECT current_catalog(), current_schema()").collect()[0]
        return str(row[0]), str(row[1])

    def _set(self) -> dict[str, str]:
        return {row[0]: row[1] for row in self.spark.sql("SET").collect()}

    def _temporary(self) -> set[str]:
        return {row["viewName"] for row in self.spark.sql("SHOW VIEWS").collect() if row["isTemporary"]}

    def restore(self) -> None:
        """Put back what the test changed in the session."""
        if self._where() != self._place:
            self.spark.catalog.setCurrentCatalog(self._place[0])
            self.spark.catalog.setCurrentDatabase(self._place[1])
        for view in self._temporary() - self._views:
            self.spark.catalog.dropTempView(view)
        now = self._set()
        for name in now.keys() | self._settings.keys():
            if now.get(name) == self._settings.get(name):
                continue
            with contextlib.suppress(Exception):  # what can't be set was set by the workspace itself
                if name in self._settings:
                    self.spark.conf.set(name, self._settings[name])
                else:
                    self.spark.conf.unset(name)

    def interrupt(self) -> None:
        """End whatever this session's queries still do."""
        with contextlib.suppress(Exception):
            self.spark.interruptAll()

    def stop(self) -> None:
        """End the session on the workspace."""
        with contextlib.suppress(Exception):
            self.spark.stop()
