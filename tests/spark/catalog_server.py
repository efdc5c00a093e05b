"""One Spark Connect server with Delta and our catalogs, for the tests of the JVM part only; the product's engine is another."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

from harness.spark import archive, jars, places
from harness.spark.gateway import MODULE_OPTIONS, TUNING_OPTIONS
from harness.spark.home import find_spark
from harness.spark.launch import ENGINE_JAR, class_path
from harness.spark.versions import fit_of

CONF = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension,io.nbh.spark.Extensions",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalog.main": "io.nbh.spark.SpaceCatalog",
    "spark.sql.defaultCatalog": "main",
    "spark.sql.sources.default": "delta",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.default.parallelism": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",
    "spark.sql.filesourceTableRelationCacheSize": "0",
    # For speed alone, as the engine has them.
    "spark.buffer.pageSize": "1m",
    "spark.sql.codegen.cache.maxEntries": "1000",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.hadoop.fs.dbfs.impl": "io.nbh.spark.DbfsFiles",
    "spark.hadoop.fs.dbfs.impl.disable.cache": "true",
    "spark.hadoop.fs.AbstractFileSystem.dbfs.impl": "io.nbh.spark.DbfsContext",
    "spark.hadoop.fs.file.impl": "io.nbh.spark.LocalFiles",
    "spark.hadoop.fs.file.impl.disable.cache": "true",
    "spark.hadoop.fs.AbstractFileSystem.file.impl": "io.nbh.spark.LocalContext",
}


class CatalogServer:
    """A running server: its address for a client, its root folder, its log."""

    def __init__(self, folder: Path, **conf: str) -> None:
        self.root = folder / "spaces"
        self.log = folder / "server.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        token = secrets.token_hex(16)
        self.url = f"sc://localhost:{port}/;token={token}"
        settings = {
            **CONF,
            "spark.nbh.root": str(self.root),
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.local.dir": str(folder / "local"),
            "spark.connect.grpc.binding.port": str(port),
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.authenticate.token": token,
            **{name.replace("__", "."): value for name, value in conf.items()},
        }
        conf_folder = folder / "conf"
        conf_folder.mkdir()
        (conf_folder / "spark-defaults.conf").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
        (conf_folder / "log4j2.properties").write_text(
            "rootLogger.level = warn\nrootLogger.appenderRef.stderr.ref = stderr\nappender.stderr.type = Console\n"
            "appender.stderr.name = stderr\nappender.stderr.target = SYSTEM_ERR\nappender.stderr.layout.type = PatternLayout\n"
            "appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex\n"
        )
        home, cache = find_spark(os.environ), places.cache(os.environ).folder
        java = home.find_java(os.environ)
        delta = jars.fetch(cache, fit_of(home.version), java=java, spark_jars=home.folder / "jars", env=os.environ)
        # The engine's own jars, in the same order: so the engine's class archive serves this one too.
        ours = Path(os.environ.get("NBH_TEST_JVM_JAR", ENGINE_JAR))
        path = [ours, *class_path(home.folder, delta=delta)[1:]]
        command = [str(java.executable), "-cp", os.pathsep.join(map(str, path)), "-Xmx1g", f"-Djava.io.tmpdir={folder}"]
        command += [f"-Dderby.system.home={folder}", f"-Dlog4j2.configurationFile={conf_folder / 'log4j2.properties'}"]
        command += [
            *TUNING_OPTIONS,
            *archive.options(archive.file_of(cache, java, path), java, is_written=False),
            *MODULE_OPTIONS,
        ]
        command += ["org.apache.spark.deploy.SparkSubmit"]
        command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"]
        # A session on the warm engine in this process leaves its address among the variables.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SPARK_")}
        env = {
            **kept,
            "SPARK_HOME": str(home.folder),
            "SPARK_CONF_DIR": str(conf_folder),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        until = time.monotonic() + 180  # on a busy machine
        while time.monotonic() < until and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(self.log.read_text()[-4000:])

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
