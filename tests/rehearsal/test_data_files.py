"""The Files API and the DBFS API, on the files that Spark sees."""

from __future__ import annotations

import base64
import io

import pytest
from data_fixtures import ask, client, rehearsal, sql
from databricks.sdk.errors import DatabricksError, NotFound, ResourceAlreadyExists
from databricks.sdk.service.catalog import VolumeType

__all__ = ["ask", "client", "rehearsal", "sql"]


@pytest.fixture(scope="module")
def volume(client):
    """An empty volume."""
    client.schemas.create("raw", "main")
    made = client.volumes.create("main", "raw", "landing", VolumeType.MANAGED)
    return "/Volumes/" + made.full_name.replace(".", "/")


def test_a_file_that_was_uploaded_is_sparks(client, volume, sql):
    """What the Files API brings, Spark reads; and what Spark writes, the API lists and gives."""
    client.files.upload(f"{volume}/in/a.csv", io.BytesIO(b"x\n1\n2\n"))

    assert sql(f"SELECT count(*) FROM csv.`{volume}/in`") == [(3,)]
    sql("CREATE TABLE main.raw.t AS SELECT 7 AS n", f"INSERT OVERWRITE DIRECTORY '{volume}/out' USING csv SELECT 7")
    written = [one for one in client.files.list_directory_contents(f"{volume}/out") if one.name.endswith(".csv")]
    assert client.files.download(written[0].path).contents.read() == b"7\n"


def test_metadata_and_ranges(client, volume):
    """Size, time, and a part of a file."""
    client.files.upload(f"{volume}/meta.bin", io.BytesIO(b"0123456789"))

    found = client.files.get_metadata(f"{volume}/meta.bin")

    assert found.content_length == 10
    assert found.last_modified.endswith("GMT")
    answer = client.api_client.do("GET", f"/api/2.0/fs/files{volume}/meta.bin", headers={"Range": "bytes=2-4"}, raw=True)
    assert answer["contents"].read() == b"234"


def test_overwriting_is_asked_for(client, volume):
    """A file that is there stays, unless the call says otherwise."""
    path = f"{volume}/once.txt"
    client.files.upload(path, io.BytesIO(b"first"))

    with pytest.raises(DatabricksError) as caught:
        client.files.upload(path, io.BytesIO(b"second"))

    assert caught.value.error_code == "ALREADY_EXISTS"
    assert client.files.download(path).contents.read() == b"first"
    client.files.upload(path, io.BytesIO(b"second"), overwrite=True)
    assert client.files.download(path).contents.read() == b"second"


def test_folders(client, volume):
    """Made, listed in order, seen, and removed when they are empty."""
    client.files.create_directory(f"{volume}/deep/er")
    client.files.upload(f"{volume}/deep/b.txt", io.BytesIO(b"b"))

    listed = [(one.path, one.is_directory, one.file_size) for one in client.files.list_directory_contents(f"{volume}/deep")]

    assert listed == [(f"{volume}/deep/b.txt", False, 1), (f"{volume}/deep/er", True, None)]
    client.files.get_directory_metadata(f"{volume}/deep")
    with pytest.raises(DatabricksError, match="not empty"):
        client.files.delete_directory(f"{volume}/deep")
    client.files.delete(f"{volume}/deep/b.txt")
    client.files.delete_directory(f"{volume}/deep/er")
    client.files.delete_directory(f"{volume}/deep")
    with pytest.raises(NotFound):
        client.files.get_directory_metadata(f"{volume}/deep")


def test_a_large_file(client, volume):
    """The SDK would send more than 50 MB to cloud storage, and goes back to one call where it can't."""
    content = b"n" * (51 * 1024 * 1024)

    client.files.upload(f"{volume}/large.bin", io.BytesIO(content))

    assert client.files.get_metadata(f"{volume}/large.bin").content_length == len(content)
    assert client.files.download(f"{volume}/large.bin").contents.read() == content


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/Volumes/main/raw/nope/a.txt", "NOT_FOUND"),
        ("/Volumes/main/raw/landing/nope.txt", "NOT_FOUND"),
        ("/Volumes/main/raw", "INVALID_PARAMETER_VALUE"),
        ("/tmp/a.txt", "INVALID_PARAMETER_VALUE"),
        ("/Volumes/main/raw/landing/../../../../../etc/hostname", "INVALID_PARAMETER_VALUE"),
        ("/Models/main/raw/m/1/MLmodel", "NOT_FOUND"),
    ],
)
def test_refused_paths(client, volume, path, code):
    """What isn't there, and what leads out of the workspace."""
    with pytest.raises(DatabricksError) as caught:
        client.api_client.do("GET", "/api/2.0/fs/files" + path.replace("..", "%2E%2E"), raw=True)

    assert caught.value.error_code == code


def test_dbfs_round_trip(client, sql):
    """What is put in dbfs, Spark reads; in blocks too."""
    client.dbfs.put("/tmp/in/a.csv", contents=base64.b64encode(b"1\n2\n").decode())
    with client.dbfs.open("/tmp/in/b.csv", write=True) as file:
        file.write(b"3\n" * 700_000)

    assert sql("SELECT count(*) FROM csv.`dbfs:/tmp/in`") == [(700_002,)]
    with client.dbfs.open("/tmp/in/b.csv", read=True) as file:
        assert file.read() == b"3\n" * 700_000
    assert [(one.path, one.file_size) for one in client.dbfs.list("/tmp/in")] == [
        ("/tmp/in/a.csv", 4),
        ("/tmp/in/b.csv", 1_400_000),
    ]
    assert client.dbfs.get_status("dbfs:/tmp/in").is_dir


def test_dbfs_moves_and_deletes(client):
    """Folders go with what is in them, if that is asked for."""
    client.dbfs.mkdirs("/tmp/old/inner")
    client.dbfs.put("/tmp/old/inner/x", contents=base64.b64encode(b"x").decode())

    client.dbfs.move("/tmp/old", "/tmp/new")

    assert client.dbfs.read("/tmp/new/inner/x").data == base64.b64encode(b"x").decode()
    with pytest.raises(DatabricksError, match="recursive is not set") as caught:
        client.api_client.do("POST", "/api/2.0/dbfs/delete", body={"path": "/tmp/new"})
    assert caught.value.error_code == "IO_ERROR"
    client.dbfs.delete("/tmp/new", recursive=True)
    assert not client.dbfs.exists("/tmp/new")
    client.api_client.do("POST", "/api/2.0/dbfs/delete", body={"path": "/tmp/new"})  # of what isn't there


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda w: w.dbfs.get_status("/tmp/nope"), "RESOURCE_DOES_NOT_EXIST"),
        (lambda w: w.dbfs.read("/tmp/nope"), "RESOURCE_DOES_NOT_EXIST"),
        (lambda w: w.dbfs.read("/tmp", length=2 * 1024 * 1024), "INVALID_PARAMETER_VALUE"),
        (lambda w: w.dbfs.put("relative", contents=""), "INVALID_PARAMETER_VALUE"),
        (lambda w: w.dbfs.add_block(1, ""), "RESOURCE_DOES_NOT_EXIST"),
        (
            lambda w: w.dbfs.put("/tmp/big", contents=base64.b64encode(b"x" * (1024 * 1024 + 1)).decode()),
            "MAX_BLOCK_SIZE_EXCEEDED",
        ),
        (lambda w: w.dbfs.put("/tmp", contents=""), "RESOURCE_ALREADY_EXISTS"),
    ],
)
def test_refused_calls_on_dbfs(client, call, code):
    """With Databricks' codes."""
    with pytest.raises(DatabricksError) as caught:
        call(client)

    assert caught.value.error_code == code


def test_an_upload_that_breaks_off(client, rehearsal, volume):
    """A fault on request: half of the file is there, and the client is told nothing good."""
    path = f"{volume}/broken.bin"
    client.api_client.do("POST", "/rehearsal/faults", body={"kind": "half_written", "path": path})
    client.files.upload(path, io.BytesIO(b"0123456789"), overwrite=True)  # the SDK tries again

    assert client.files.get_metadata(path).content_length == 10
    assert client.api_client.do("GET", "/rehearsal/faults")["faults"][0]["met"] == 1
    client.api_client.do("DELETE", "/rehearsal/faults")


def test_files_api_dbutils(client, volume):
    """The SDK's dbutils, on volumes and on dbfs."""
    client.dbutils.fs.put(f"{volume}/by_dbutils.txt", "hi", overwrite=True)

    assert client.dbutils.fs.head(f"{volume}/by_dbutils.txt") == "hi"
    assert "by_dbutils.txt" in [one.name for one in client.dbutils.fs.ls(volume)]


def test_already_there_is_the_sdks_own_class(client):
    """So that clients can catch it."""
    client.dbfs.put("/tmp/there", contents="")

    with pytest.raises((ResourceAlreadyExists, DatabricksError), match="already exists"):
        client.dbfs.put("/tmp/there", contents="")
