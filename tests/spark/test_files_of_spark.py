"""Spark, ``dbutils.fs`` and Python's own functions on one set of files: what one writes the others read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import DbutilsFileError


def names(found):
    """The names alone."""
    return [info.name for info in found]


@pytest.mark.parametrize("path", ["/tmp/in.csv", "dbfs:/tmp/in.csv", "/mnt/raw/day=1/in.csv", "/FileStore/tables/ü b.csv"])
def test_what_dbutils_writes_spark_reads(spark, dbutils, path):
    """With and without the scheme, as on Databricks."""
    dbutils.fs.put(path, "1\n2\n")

    assert spark.read.csv(path).count() == 2
    assert spark.read.csv("dbfs:" + path.removeprefix("dbfs:")).count() == 2
    assert spark.read.csv(f"file:/dbfs{path.removeprefix('dbfs:')}").count() == 2


@pytest.mark.parametrize("path", ["/tmp/churn/out", "dbfs:/tmp/churn/out", "/mnt/lake/out"])
def test_what_spark_writes_dbutils_lists(spark, dbutils, path):
    """Files of this machine are none of them, and there are no checksum files, as there are none on Databricks."""
    spark.range(3).coalesce(1).write.csv(path)

    marker, part = dbutils.fs.ls(path)
    assert (marker.name, part.name[:5], part.size) == ("_SUCCESS", "part-", 6)
    assert part.path == f"dbfs:{path.removeprefix('dbfs:')}/{part.name}"
    assert spark.read.csv(path).inputFiles() == [part.path]
    assert sorted(os.listdir(f"/dbfs{path.removeprefix('dbfs:')}")) == [marker.name, part.name]
    assert not Path(path).exists()
    assert not Path("/tmp/churn").exists()


def test_delta_by_its_path(spark, dbutils):
    """Written under one name, changed under another, seen by all."""
    spark.range(3).write.format("delta").save("/mnt/lake/t")
    spark.range(3).write.format("delta").mode("append").save("dbfs:/mnt/lake/t")
    spark.sql("DELETE FROM delta.`/mnt/lake/t` WHERE id = 1")
    spark.sql("OPTIMIZE delta.`/mnt/lake/t`")

    assert spark.read.format("delta").load("/mnt/lake/t").count() == 4
    assert spark.sql("DESCRIBE DETAIL delta.`/mnt/lake/t`").first().location == "dbfs:/mnt/lake/t"
    assert names(dbutils.fs.ls("/mnt/lake/t"))[0] == "_delta_log/"
    dbutils.fs.rm("/mnt/lake/t", recurse=True)
    with pytest.raises(Exception, match=r"DELTA|PATH_"):
        spark.read.format("delta").load("/mnt/lake/t").count()


@pytest.mark.parametrize("turn", range(3))
def test_the_same_path_in_the_next_test(spark, dbutils, turn):
    """Nothing that Spark or Delta kept of it is taken for this one's."""
    assert dbutils.fs.ls("/mnt") == []

    spark.range(turn + 1).write.parquet("/mnt/p")
    spark.range(turn + 1).write.format("delta").save("/mnt/d")
    spark.read.parquet("/mnt/p").cache().count()

    assert spark.read.parquet("/mnt/p").count() == turn + 1
    assert spark.read.format("delta").load("/mnt/d").count() == turn + 1


def test_files_of_this_machine_that_a_test_hands_over(spark, tmp_path):
    """A path without a scheme is this machine's where this machine has it: a test's tmp_path, say."""
    (tmp_path / "in.csv").write_text("1\n2\n")

    frame = spark.read.csv(str(tmp_path / "in.csv"))
    frame.write.parquet(str(tmp_path / "new/out"))
    frame.write.format("delta").save(str(tmp_path / "table"))

    assert frame.inputFiles() == [(tmp_path / "in.csv").as_uri()]
    assert spark.read.parquet(f"file:{tmp_path}/new/out").count() == 2
    assert spark.sql(f"SELECT * FROM delta.`{tmp_path}/table`").count() == 2
    assert (tmp_path / "table/_delta_log").is_dir()


def test_what_is_in_neither_place(spark):
    """Is told as on Databricks."""
    with pytest.raises(Exception, match=r"PATH_NOT_FOUND.*dbfs:/mnt/nope/x\.csv"):
        spark.read.csv("/mnt/nope/x.csv").count()


def test_relative_paths_are_this_machines(spark, tmp_path, monkeypatch):
    """From the test's folder, also for Delta."""
    monkeypatch.chdir(tmp_path)
    spark.range(2).write.csv("a/out")
    spark.range(2).write.format("delta").save("a/table")

    assert (tmp_path / "a/out/_SUCCESS").exists()
    assert (tmp_path / "a/table/_delta_log").is_dir()
    assert spark.read.csv("a/out").count() == spark.read.format("delta").load("a/table").count() == 2


def test_locations_without_a_scheme(spark, dbutils, tmp_path):
    """Of tables and schemas: dbfs, as on Databricks, or a folder that the test has."""
    dbutils.fs.put("/mnt/in/a.csv", "1\n")
    spark.sql("CREATE TABLE main.default.a (id INT) USING csv LOCATION '/mnt/in'")
    spark.sql("CREATE SCHEMA main.lake MANAGED LOCATION '/mnt/lake'")
    spark.sql("CREATE TABLE main.lake.t AS SELECT 1 AS id")
    for name, location in (("old", "dbfs:/mnt/old"), ("older", "/mnt/older")):
        spark.sql(f"CREATE SCHEMA spark_catalog.{name} LOCATION '{location}'")
        spark.sql(f"CREATE TABLE spark_catalog.{name}.t AS SELECT 1 AS id")
    spark.sql(f"CREATE TABLE main.default.b LOCATION '{tmp_path}/b' AS SELECT 1 AS id")

    assert spark.table("main.default.a").count() == 1
    assert spark.read.format("delta").load("/mnt/lake/t").count() == 1
    assert spark.read.format("delta").load("/mnt/old/t").count() == 1
    assert spark.read.format("delta").load("/mnt/older/t").count() == 1
    assert (tmp_path / "b/_delta_log").is_dir()
    assert not any(Path(f"/mnt/{name}").exists() for name in ("in", "lake", "old", "older"))
    told = {row.col_name: row.data_type for row in spark.sql("DESCRIBE EXTENDED main.default.a").collect()}
    assert told["Location"] == "dbfs:/mnt/in"


def test_volumes(spark, dbutils, make_volume):
    """Python's functions, dbutils.fs, Spark and the test's own folder are four ways to one place."""
    volume = make_volume(name="landing")
    (volume.folder / "a.csv").write_text("1\n")
    dbutils.fs.put(f"{volume.path}/b.csv", "2\n")
    with open(f"{volume.path}/c.csv", "w") as file:
        file.write("3\n")
    spark.createDataFrame([(4,)], "n int").write.csv(f"{volume.path}/d")

    assert names(dbutils.fs.ls(volume.path)) == ["a.csv", "b.csv", "c.csv", "d/"]
    assert sorted(os.listdir(volume.path)) == ["a.csv", "b.csv", "c.csv", "d"]
    assert spark.read.csv(f"{volume.path}/*.csv").count() == 3
    assert spark.read.csv(f"{volume.path}/d").first()._c0 == "4"
    assert f"{volume.catalog_name}/" in names(dbutils.fs.ls("/Volumes"))
    assert names(dbutils.fs.ls(f"/Volumes/{volume.catalog_name}/{volume.schema_name}")) == ["landing/"]


def test_a_volume_comes_and_goes_with_its_statement(spark, dbutils, uc, tmp_path):
    """Managed and external; the files of an external one stay."""
    external = f"/Volumes/{uc.catalog}/{uc.schema}/ext"
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/a.csv").write_text("1\n")
    with pytest.raises(DbutilsFileError, match="UC_VOLUME_NOT_FOUND"):
        dbutils.fs.ls(external)

    spark.sql(f"CREATE EXTERNAL VOLUME {uc.name}.ext LOCATION '{tmp_path}/kept'")
    spark.sql(f"CREATE VOLUME {uc.name}.own")
    dbutils.fs.cp(external, f"/Volumes/{uc.catalog}/{uc.schema}/own", recurse=True)

    assert spark.read.csv(external).count() == spark.read.csv(f"/Volumes/{uc.catalog}/{uc.schema}/own").count() == 1
    spark.sql(f"DROP VOLUME {uc.name}.ext")
    spark.sql(f"DROP SCHEMA {uc.name} CASCADE")
    for name in ("ext", "own"):
        with pytest.raises(DbutilsFileError, match="UC_VOLUME_NOT_FOUND"):
            dbutils.fs.ls(f"/Volumes/{uc.catalog}/{uc.schema}/{name}")
        with pytest.raises(FileNotFoundError):
            os.listdir(f"/Volumes/{uc.catalog}/{uc.schema}/{name}")
    assert (tmp_path / "kept/a.csv").exists()
    spark.sql(f"CREATE SCHEMA {uc.name}")  # the fixture drops it


@pytest.mark.parametrize("scheme", ["", "dbfs:", "file:"])
def test_nothing_is_written_into_a_volume_that_is_not_there(spark, uc, scheme):
    """Neither files nor a table by its path, and nothing of it is read afterwards; once it is made, they are."""
    path = f"{scheme}/Volumes/{uc.catalog}/{uc.schema}/gone/out"
    for form in ("csv", "delta"):
        with pytest.raises(Exception, match=rf"UC_VOLUME_NOT_FOUND.*CREATE VOLUME {uc.name}\.gone makes it"):
            spark.range(3).write.format(form).mode("overwrite").save(path)
    with pytest.raises(Exception, match=r"PATH_NOT_FOUND"):
        spark.read.csv(path).count()

    spark.sql(f"CREATE VOLUME {uc.name}.gone")
    spark.range(3).write.csv(path)
    assert spark.read.csv(path).count() == 3


def test_a_stream_has_no_checkpoint_in_a_volume_that_is_not_there(spark, uc):
    """It would begin anew in each run there, and not start at all on Databricks."""
    spark.range(3).write.saveAsTable(f"{uc.name}.t")
    stream = spark.readStream.table(f"{uc.name}.t").writeStream.trigger(availableNow=True)

    with pytest.raises(Exception, match="UC_VOLUME_NOT_FOUND"):
        stream.option("checkpointLocation", f"/Volumes/{uc.catalog}/{uc.schema}/gone/c").toTable(
            f"{uc.name}.u"
        ).awaitTermination()


def test_a_volume_on_cloud_storage_is_refused(spark, uc):
    """A folder named s3: would be made, and the notebook take it for the bucket."""
    with pytest.raises(Exception, match="location s3://bucket/x"):
        spark.sql(f"CREATE EXTERNAL VOLUME {uc.name}.v LOCATION 's3://bucket/x'")


def test_streams(spark, dbutils):
    """Source, sink and checkpoint in dbfs."""
    dbutils.fs.put("/mnt/in/a.csv", "1\n2\n")

    for _ in range(2):
        stream = spark.readStream.schema("n int").csv("/mnt/in").writeStream.option("checkpointLocation", "/mnt/checkpoint")
        stream.trigger(availableNow=True).format("csv").option("path", "/mnt/out").start().awaitTermination()

    assert spark.read.csv("/mnt/out").count() == 2
    assert "offsets/" in names(dbutils.fs.ls("/mnt/checkpoint"))


def test_a_listing_is_a_frame(spark, dbutils):
    """As notebooks make it."""
    dbutils.fs.put("/mnt/in/a.csv", "1")

    frame = spark.createDataFrame(dbutils.fs.ls("/mnt/in"))

    assert (frame.columns, frame.first().name) == (["path", "name", "size", "modificationTime"], "a.csv")


def test_reset_leaves_paths_as_they_are(spark, dbutils):
    """It takes back what the notebook set, and not what the session is."""
    dbutils.fs.put("/mnt/in/a.csv", "1")
    spark.sql("RESET")

    assert spark.read.csv("/mnt/in/a.csv").count() == 1


@pytest.mark.nbh_engine("classic")
def test_the_classic_engine_too(spark, dbutils, make_volume, tmp_path):
    """RDDs with it."""
    volume = make_volume(name="landing")
    dbutils.fs.put("/mnt/in/a.csv", "1\n2\n")
    dbutils.fs.put(f"{volume.path}/a.csv", "1\n")
    (tmp_path / "a.csv").write_text("1\n2\n3\n")
    spark.read.csv("/mnt/in").write.format("delta").save("/mnt/out")

    assert "_delta_log/" in names(dbutils.fs.ls("/mnt/out"))
    assert spark.read.csv(volume.path).count() == 1
    assert spark.sparkContext.textFile("/mnt/in/a.csv").count() == 2
    assert spark.sparkContext.textFile(str(tmp_path / "a.csv")).count() == 3
    assert spark.read.csv(str(tmp_path / "a.csv")).count() == 3
