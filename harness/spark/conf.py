"""All settings of local Spark, each with its reason; nothing here may change a result but to be as on Databricks."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.spark.versions import Runtime

WORKER_MODULE = "nbh_spark_worker"

BARE, DBFS = "dbfs-or-file", "dbfs"
"""What a path without a scheme is: in a test's own session this machine's where this machine has it, else one of dbfs; in that
of a whole notebook one of dbfs, as on Databricks."""

PRINCIPAL = "spark.nbh.principal"
"""The setting that says whose a session is, where nothing is open to it but what was granted; see io.nbh.spark.Access."""

USER = "spark.nbh.user"
"""The setting that says whose a session is, where all is open to it; see io.nbh.spark.UserRule."""

DEFAULT_CATALOG = "main"
"""The catalog of names that say none; as on Databricks it is there from the start, with a schema ``default``."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a project wants of its engine; two projects that want the same share one."""

    partitions: int = 1
    runtime: Runtime | None = None
    memory: str = "1g"
    delta: bool = True
    conf: Mapping[str, str] = field(default_factory=dict)


def whose(user: str, *, principal: str = "") -> dict[str, str]:
    """The setting that makes a session a user's, or a principal's, to whom only what was granted is open."""
    return {PRINCIPAL: principal} if principal else {USER: user}


def session_conf(wishes: Wishes, *, space: str = "", files: str = "", bare: str = BARE) -> dict[str, str]:
    """The settings of one test process's session: they can differ between processes that share an engine.

    ``space`` is the set of catalogs that the session sees; sessions of one name share it. ``files`` is the process's folder for
    dbfs and volumes, ``bare`` the scheme of a path that has none.
    """
    paths = {"spark.nbh.space": space, "fs.defaultFS": f"{bare}:///", **({"spark.nbh.files": files} if files else {})}
    return {
        **(paths if space else {}),
        "spark.sql.shuffle.partitions": str(wishes.partitions),
        "spark.sql.leafNodeDefaultParallelism": str(wishes.partitions),
        **(wishes.runtime.conf if wishes.runtime else {}),
        **wishes.conf,
    }


def common_conf(folder: Path, *, delta: bool) -> dict[str, str]:
    """The settings of every local Spark, warm or classic; Delta and the catalogs, which need it, where its jars are there."""
    conf = {
        "spark.app.name": "databricks-notebook-harness",
        # The number of threads is the same on every machine. What decides how data is cut is the partitions.
        "spark.master": "local[4]",
        # As on Databricks, and the same answers on a laptop in any country.
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": (folder / "warehouse").as_uri(),
        "spark.sql.catalogImplementation": "in-memory",
        # Relative paths are the test process's own, and its folder may change; Hadoop would keep one folder for all.
        "spark.hadoop.fs.file.impl": "io.nbh.spark.LocalFiles",
        "spark.hadoop.fs.file.impl.disable.cache": "true",
        "spark.python.daemon.module": WORKER_MODULE,
        # It would merge small partitions into one again, and so hide from a run with several what they are to show: that a
        # result depends on the order of rows. Without it small queries also take a third less memory.
        # Whole-stage code generation and broadcast joins stay as they are: turning them off brought nothing.
        "spark.sql.adaptive.enabled": "false",
        # Each aggregation, sort and join takes a page of memory before its first row; Spark's choice of 32 MB for a few rows
        # of a test fills the heap every few tests. With this a full collection in each second of a suite is gone, and 190 MB.
        "spark.buffer.pageSize": "1m",
        # Of generated code Spark keeps the last hundred classes, which a suite of a hundred tests has thrown out by the time
        # it is run again; compiling them anew was a tenth of the engine's work.
        "spark.sql.codegen.cache.maxEntries": "1000",
        # Where the clock on the wall is set, or a laptop slept, Spark would take its own executor for lost.
        "spark.storage.blockManagerHeartbeatTimeoutMs": "36500d",
        # With it, as is its default, a Python UDF on what is read from a file never ends in Spark 4.2.0, whoever started it.
        "spark.sql.execution.arrow.pythonUDF.columnarInput.enabled": "false",
        # A stream that won't stop must not keep the next test waiting for ever.
        "spark.sql.streaming.stopTimeout": "20s",
        # A scan of a folder as a job of its own, with a task for each file, is for object stores with thousands.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
    }
    if delta:
        conf |= {
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            # A table of no named format is a Delta table on Databricks.
            "spark.sql.sources.default": "delta",
            # Delta spreads its log's state over 50 tasks, for tables with millions of files.
            "spark.databricks.delta.snapshotPartitions": "1",
            # To put the list of all files into each commit's checksum Delta runs a query of its own; nothing here reads it.
            "spark.databricks.delta.allFilesInCrc.enabled": "false",
            # What it knows of a table it keeps for an hour, two megabytes each, also of tables in folders of tests long done.
            "spark.databricks.delta.delta.log.cacheSize": "64",
            **catalog_conf(folder),
        }
    return conf


def catalog_conf(folder: Path) -> dict[str, str]:
    """The settings that give Unity Catalog's names, volumes and statements; they need Delta."""
    ours = "io.nbh.spark"
    return {
        "spark.sql.extensions": f"io.delta.sql.DeltaSparkSessionExtension,{ours}.Extensions",
        f"spark.sql.catalog.{DEFAULT_CATALOG}": f"{ours}.SpaceCatalog",
        "spark.sql.defaultCatalog": DEFAULT_CATALOG,
        "spark.nbh.catalogs": DEFAULT_CATALOG,
        "spark.nbh.root": str(folder / "spaces"),
        # SHOW TABLES, SHOW SCHEMAS and DESCRIBE SCHEMA name their columns as on Databricks: database, databaseName, …; see
        # https://docs.databricks.com/sql/language-manual/sql-ref-syntax-aux-show-schemas
        "spark.sql.legacy.keepCommandOutputSchema": "true",
        # With it Spark gives a file table's rows as they were, after a TRUNCATE or a write of another session.
        "spark.sql.filesourceTableRelationCacheSize": "0",
        # /Volumes and dbfs:/ are folders of the space; a file system that is kept would be another space's.
        "spark.hadoop.fs.dbfs.impl": f"{ours}.DbfsFiles",
        "spark.hadoop.fs.dbfs.impl.disable.cache": "true",
        "spark.hadoop.fs.AbstractFileSystem.dbfs.impl": f"{ours}.DbfsContext",
        "spark.hadoop.fs.AbstractFileSystem.file.impl": f"{ours}.LocalContext",
        f"spark.hadoop.fs.{BARE}.impl": f"{ours}.BareFiles",
        f"spark.hadoop.fs.{BARE}.impl.disable.cache": "true",
        f"spark.hadoop.fs.AbstractFileSystem.{BARE}.impl": f"{ours}.BareContext",
    }


def engine_conf(folder: Path, *, token: str, delta: bool) -> dict[str, str]:
    """The settings that the server starts with; sessions inherit those of ``spark.sql``."""
    return {
        **common_conf(folder, delta=delta),
        # Of some paths, as of a schema's location, Spark asks what they are without asking the session.
        **({"spark.hadoop.fs.defaultFS": f"{BARE}:///"} if delta else {}),
        "spark.default.parallelism": "1",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.leafNodeDefaultParallelism": "1",
        # Any free port, on this machine only, and only for who knows the token.
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
        "spark.connect.authenticate.token": token,
        # How a test process asks for a restore, in one call; and what delta.tables.DeltaTable asks for, over Connect.
        "spark.connect.extensions.command.classes": "io.nbh.spark.engine.Control"
        + (",io.nbh.spark.delta.DeltaCommands" if delta else ""),
        **({"spark.connect.extensions.relation.classes": "io.nbh.spark.delta.DeltaRelations"} if delta else {}),
        # The engine ends sessions of processes that are gone; one that waits in a debugger over lunch stays, and one on a
        # laptop that slept: Spark goes by the clock on the wall.
        "spark.connect.session.manager.defaultSessionTimeout": "-1",
        # With each query Spark writes down its plan for a page that we don't serve; so at least the short way.
        "spark.sql.ui.explainMode": "simple",
    }


def classic_conf(folder: Path, wishes: Wishes, *, space: str, class_path: str, files: str = "") -> dict[str, str]:
    """The settings of a Spark inside a test process, its session's too; ``space`` is empty where there is no Delta."""
    conf = {
        **common_conf(folder, delta=bool(space)),
        "spark.default.parallelism": str(wishes.partitions),
        "spark.driver.memory": wishes.memory,
        **session_conf(wishes, space=space, files=files),
    }
    # RDDs read /Volumes and dbfs:/ without a session.
    for name in ("spark.nbh.space", "fs.defaultFS"):
        if name in conf:
            conf[f"spark.hadoop.{name}"] = conf[name]
    conf.pop("fs.defaultFS", None)  # Spark is started with names that begin with its own only
    own = conf.get("spark.driver.extraClassPath", "")
    return {**conf, "spark.driver.extraClassPath": f"{class_path}{os.pathsep}{own}" if own else class_path}
