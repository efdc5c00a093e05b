from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from harness.errors import DbutilsCallError, DbutilsFileError, ForeignFileError, StorageMissingError
from harness.runtime.files import Files
from harness.runtime.fs import FileInfo, Fs
from harness.runtime.mounts import MountInfo

ADLS = "abfss://raw@account.dfs.core.windows.net/"


@pytest.fixture
def files(tmp_path):
    """Files with a volume ``main.default.landing``, as Spark makes it."""
    made = Files(str(tmp_path / "files"), own=lambda: [str(tmp_path / "own")])
    (tmp_path / "files/volumes/main/default/landing").mkdir(parents=True)
    (tmp_path / "own").mkdir()
    return made


@pytest.fixture
def fs(files):
    """``dbutils.fs`` on them."""
    return Fs(files)


def names(found):
    """The names alone."""
    return [info.name for info in found]


def test_a_new_dbfs_has_the_folders_that_each_workspace_has(fs):
    """So that a notebook's open("/dbfs/tmp/x", "w") needs no mkdirs, as on Databricks."""
    assert names(fs.ls("/")) == ["FileStore/", "mnt/", "tmp/", "user/"]
    assert fs.ls("dbfs:/tmp") == []


def test_ls_tells_files_and_folders_as_databricks_does(fs):
    """Folders end with a slash, have no size, and paths have their scheme; sorted by name."""
    fs.put("/tmp/x/b.csv", "1,2\n")
    fs.mkdirs("/tmp/x/a dir")

    folder, file = fs.ls("/tmp/x")

    assert (file.path, file.name, file.size) == ("dbfs:/tmp/x/b.csv", "b.csv", 4)
    assert (folder.path, folder.name, folder.size) == ("dbfs:/tmp/x/a dir/", "a dir/", 0)
    assert (file.isFile(), file.isDir(), folder.isFile(), folder.isDir()) == (True, False, False, True)
    assert file.modificationTime > 1_600_000_000_000  # milliseconds
    assert repr(file).startswith("FileInfo(path='dbfs:/tmp/x/b.csv', name='b.csv', size=4, modificationTime=")
    path, name, size, _time = file  # notebooks take it apart
    assert (path, name, size) == tuple(file[:3])
    assert pickle.loads(pickle.dumps(file)) == file


def test_ls_of_a_file_is_that_file(fs):
    """As on Databricks."""
    fs.put("/tmp/a.txt", "a")

    assert [info.path for info in fs.ls("/tmp/a.txt")] == ["dbfs:/tmp/a.txt"]


@pytest.mark.parametrize(
    "path", ["/tmp/x", "dbfs:/tmp/x", "dbfs:///tmp/x", "/tmp//x/", "/tmp/./y/../x", "tmp/x", "DBFS:/tmp/x"]
)
def test_ways_to_write_a_path(fs, path):
    """All of them are one folder."""
    fs.put("/tmp/x/a", "")

    assert [info.path for info in fs.ls(path)] == ["dbfs:/tmp/x/a"]


def test_volumes(fs):
    """A volume that is there is read and written; its name doesn't know case. Its catalog and schema can be listed."""
    fs.put("/Volumes/main/default/landing/in/a.csv", "x")

    assert [info.path for info in fs.ls("dbfs:/Volumes/Main/Default/LANDING/in")] == [
        "dbfs:/Volumes/Main/Default/LANDING/in/a.csv"
    ]
    assert names(fs.ls("/Volumes")) == ["main/"]
    assert names(fs.ls("/Volumes/main/default")) == ["landing/"]
    assert fs.rm("/Volumes/main/default/landing/in", True)


@pytest.mark.parametrize("call", ["ls", "head", "mkdirs", "rm"])
def test_a_volume_that_is_not_there(fs, call):
    """The full text, with Databricks' own condition."""
    with pytest.raises(DbutilsFileError) as caught:
        getattr(fs, call)("/Volumes/main/default/landnig/x")

    assert str(caught.value) == (
        f"NBH353 dbutils.fs.{call} can't do this with '/Volumes/main/default/landnig/x'\n"
        "  cause: [UC_VOLUME_NOT_FOUND] Volume `main`.`default`.`landnig` does not exist. "
        "Please use 'SHOW VOLUMES' to list available volumes. SQLSTATE: 42704\n"
        "  mend:  make_volume in the test, or CREATE VOLUME main.default.landnig in the notebook, makes it\n"
        "  more:  docs/errors.md#nbh353"
    )


@pytest.mark.parametrize("path", ["/", "/Volumes", "/Volumes/main", "/Volumes/main/default", "/Volumes/main/default/landing"])
def test_roots_and_volumes_are_no_folders_to_remove(fs, path):
    """Nor to fill: a catalog isn't made by a file call."""
    fs.mkdirs("/tmp/x")
    with pytest.raises(DbutilsFileError, match="itself is no folder to make, fill or remove"):
        fs.rm(path, True)
    if path.startswith("/Volumes") and "landing" not in path:
        with pytest.raises(DbutilsFileError):
            fs.cp("/tmp/x", path, True)
        with pytest.raises(DbutilsFileError):
            fs.put(f"{path}/x", "")


def test_put_says_how_much_it_wrote(fs, capsys):
    """In bytes, not in characters."""
    assert fs.put("/tmp/ü/naïve.txt", "é") is True

    assert capsys.readouterr().out == "Wrote 2 bytes.\n"
    assert fs.head("/tmp/ü/naïve.txt") == "é"


def test_put_overwrites_only_if_told(fs):
    """The full text."""
    fs.put("/tmp/a", "1")
    with pytest.raises(DbutilsFileError) as caught:
        fs.put("/tmp/a", "2")
    assert str(caught.value).splitlines()[1:3] == [
        "  cause: org.apache.hadoop.fs.FileAlreadyExistsException: dbfs:/tmp/a already exists",
        "  mend:  overwrite=True replaces it",
    ]

    fs.put("/tmp/a", "2", overwrite=True)

    assert fs.head("/tmp/a") == "2"


def test_head_of_a_long_file_and_of_one_that_is_no_text(fs, files, capsys):
    """The first bytes, with a line that says so; what is no UTF-8 is replaced, as Java does."""
    fs.put("/tmp/long", "x" * 70_000)
    Path(files.folder, "dbfs/tmp/binary").write_bytes(b"\x00\xffPAR1")
    capsys.readouterr()

    assert (len(fs.head("/tmp/long")), fs.head("/tmp/long", 3), fs.head("/tmp/long", maxBytes=2)) == (65536, "xxx", "xx")
    assert capsys.readouterr().out.splitlines()[0] == "[Truncated to first 65536 bytes]"
    assert fs.head("/tmp/binary") == "\x00\ufffdPAR1"


def test_copies(fs):
    """A file to a name, into a folder, over another file; a folder only with recurse, and into one that is there."""
    fs.put("/tmp/a/1.txt", "1")
    fs.put("/tmp/a/in/2.txt", "2")

    assert fs.cp("/tmp/a/1.txt", "/new/deep/one.txt") is True
    fs.cp("/tmp/a/1.txt", "/tmp")
    fs.cp("/tmp/a/in/2.txt", "/new/deep/one.txt")
    with pytest.raises(DbutilsFileError, match="recurse=True"):
        fs.cp("/tmp/a", "/tmp/b")
    fs.cp("/tmp/a", "/tmp/b", True)
    fs.cp("/tmp/a", "/tmp/b", recurse=True)

    assert (fs.head("/tmp/1.txt"), fs.head("/new/deep/one.txt"), fs.head("/tmp/b/in/2.txt")) == ("1", "2", "2")
    assert names(fs.ls("/tmp/b")) == ["1.txt", "in/"]


@pytest.mark.parametrize(("source", "dest"), [("/tmp/a", "/tmp/a"), ("/tmp/a", "/tmp/a/b"), ("/tmp/a/f", "/tmp/a/f")])
def test_nothing_is_copied_into_itself(fs, source, dest):
    """It would never end, or empty the file."""
    fs.put("/tmp/a/f", "1")

    with pytest.raises(DbutilsFileError):
        fs.mv(source, dest, True)

    assert fs.head("/tmp/a/f") == "1"


def test_moves(fs):
    """The source is gone."""
    fs.put("/tmp/a/f", "1")

    assert fs.mv("/tmp/a", "/Volumes/main/default/landing", True) is True

    assert fs.head("/Volumes/main/default/landing/f") == "1"
    assert fs.rm("/tmp/a") is False


def test_rm(fs):
    """False where nothing is; a folder with something in it only with recurse."""
    fs.put("/tmp/a/f", "1")

    assert fs.rm("/tmp/nope", True) is False
    with pytest.raises(DbutilsFileError, match="dbfs:/tmp/a is not empty"):
        fs.rm("/tmp/a")
    assert fs.rm("/tmp/a", recurse=True) is True
    assert names(fs.ls("/tmp")) == []


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (lambda fs: fs.ls("/nope"), "java.io.FileNotFoundException: No such file or directory: /nope"),
        (lambda fs: fs.head("/nope"), "java.io.FileNotFoundException"),
        (lambda fs: fs.cp("/nope", "/tmp/x"), "java.io.FileNotFoundException"),
        (lambda fs: fs.mv("/nope", "/tmp/x"), "java.io.FileNotFoundException"),
        (lambda fs: fs.ls("/tmp/f/below"), "java.io.FileNotFoundException"),
        (lambda fs: fs.ls("/dbfs/tmp"), "dbutils.fs takes dbfs:/tmp; /dbfs/… is for Python's own file functions"),
        (lambda fs: fs.ls("/Workspace/Shared/x"), "run_prefixes"),
        (lambda fs: fs.ls("/tmpp"), 'did you mean "/tmp"?'),
        (lambda fs: fs.ls(""), "Can not create a Path from an empty string"),
        (lambda fs: fs.ls(None), "Databricks takes a text"),
        (lambda fs: fs.ls(Path("/tmp")), "Databricks takes a text"),
        (lambda fs: fs.ls("dbfs:tmp"), "Relative path in absolute URI: dbfs:tmp"),
        (lambda fs: fs.ls("dbfs://mnt/raw"), "write dbfs:/mnt/raw"),
        (lambda fs: fs.ls("dbf:/mnt/raw"), 'did you mean "dbfs:"?'),
        (lambda fs: fs.ls("/tmp/\0"), "null"),
        (lambda fs: fs.ls("/tmp/\ud800"), "surrogates"),
        (lambda fs: fs.ls("/tmp/" + "x" * 300), "name too long"),
        (lambda fs: fs.put("/tmp/" + "x" * 300, ""), "name too long"),
        (lambda fs: fs.put("/tmp", "x", True), "dbfs:/tmp is a folder"),
        (lambda fs: fs.put("/tmp/new/", "x"), "is a folder"),
        (lambda fs: fs.put("/tmp/f/x", "x"), "a file stands where a folder above dbfs:/tmp/f/x is to be"),
        (lambda fs: fs.put("/tmp/b", b"x"), "of type bytes"),
        (lambda fs: fs.mkdirs("/tmp/f"), "dbfs:/tmp/f is a file"),
        (lambda fs: fs.mkdirs("/tmp/f/x"), "a file stands"),
        (lambda fs: fs.head("/tmp"), "dbfs:/tmp is a folder"),
        (lambda fs: fs.head("/tmp/f", -1), "max_bytes is -1"),
        (lambda fs: fs.head("/tmp/f", "10"), "max_bytes is '10'"),
        (lambda fs: fs.cp("/tmp", "/tmp/f", True), "is a file"),
    ],
)
def test_what_cannot_be_done_says_why(fs, call, cause):
    """With Databricks' own words where they are known, for notebooks look for them."""
    fs.put("/tmp/f", "1")

    with pytest.raises(DbutilsFileError) as caught:
        call(fs)

    assert cause in str(caught.value)
    assert caught.value.mend


@pytest.mark.parametrize("scheme", ["s3", "s3a", "abfss", "wasbs", "gs"])
def test_cloud_storage_is_out_of_reach(fs, scheme):
    """The full text."""
    with pytest.raises(StorageMissingError) as caught:
        fs.ls(f"{scheme}://bucket/x")

    assert str(caught.value) == (
        f"NBH354 dbutils.fs.ls can't reach {scheme}:// from here\n"
        f'  cause: "{scheme}://bucket/x" is cloud storage, and no test of this machine talks to a cloud\n'
        "  mend:  let the notebook take the folder as a widget, and give it a volume or dbfs:/… here\n"
        "  more:  docs/errors.md#nbh354"
    )


def test_files_of_this_machine_are_read(fs, tmp_path):
    """A notebook has downloaded one, and takes it to dbfs."""
    (tmp_path / "here.csv").write_text("1")

    fs.cp(f"file:{tmp_path}/here.csv", "/FileStore/tables/here.csv")

    assert fs.ls(f"file:{tmp_path}/here.csv")[0].path == f"file:{tmp_path}/here.csv"
    assert fs.head("dbfs:/FileStore/tables/here.csv") == "1"


def test_files_of_this_machine_are_changed_only_where_they_are_ours(fs, tmp_path, monkeypatch):
    """Below the folders that the test owns, and what is new in the temporary folder. The full text of a refusal."""
    (tmp_path / "theirs.txt").write_text("1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp/theirs.txt").write_text("1")
    fs = Fs(Files(str(tmp_path / "others"), own=lambda: [str(tmp_path / "own")]))

    fs.put(f"file:{tmp_path}/own/x/a.txt", "1")
    fs.put(f"file:{tmp_path}/tmp/new/a.txt", "1")
    fs.put(f"file:{tmp_path}/tmp/new/a.txt", "2", True)
    fs.rm(f"file:{tmp_path}/tmp/new", True)
    for path in ("theirs.txt", "tmp/theirs.txt"):
        for call in (fs.rm, lambda path: fs.put(path, "", True), lambda path: fs.mv(path, "/tmp/x")):
            with pytest.raises(ForeignFileError) as caught:
                call(f"file:{tmp_path}/{path}")
            assert (tmp_path / path).read_text() == "1"

    assert str(caught.value) == (
        f"NBH349 dbutils.fs.mv may not change file:{tmp_path}/tmp/theirs.txt on this machine\n"
        f"  cause: {tmp_path}/tmp/theirs.txt is neither below the folder that the notebook works in, "
        "nor new in the temporary folder\n"
        "  mend:  write to dbfs:/…, a volume, or a relative path; on Databricks the file would be the cluster's\n"
        "  more:  docs/errors.md#nbh349"
    )
    assert not (tmp_path / "tmp/new").exists()


def test_nothing_leads_out(fs, files, tmp_path):
    """Neither dots nor links: not to read, to copy, to write through, or to list."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("key")
    fs.mkdirs("/tmp/d")
    for name, aim in (("dir", tmp_path / "secret"), ("file", tmp_path / "secret/key"), ("d/deep", tmp_path / "secret/key")):
        Path(files.folder, "dbfs/tmp", name).symlink_to(aim)
    Path(files.folder, "volumes/main/default/landing/dir").symlink_to(tmp_path / "secret")

    for call in (
        lambda: fs.ls("/../secret"),
        lambda: fs.ls("/Volumes/main/default/landing/../../../../x"),
        lambda: fs.ls("/tmp/dir"),
        lambda: fs.head("/tmp/file"),
        lambda: fs.head("/Volumes/main/default/landing/dir/key"),
        lambda: fs.put("/tmp/file", "", True),
        lambda: fs.put("/tmp/dir/new", ""),
        lambda: fs.cp("/tmp/d", "/tmp/e", True),
        lambda: fs.rm("/tmp/dir/key"),
    ):
        with pytest.raises((ForeignFileError, DbutilsFileError)):
            call()
    assert [info.isFile() for info in fs.ls("/tmp") if info.name.startswith("dir")] == [True]
    assert fs.rm("/tmp/dir", True)
    assert fs.rm("/tmp/file")
    assert [path.name for path in (tmp_path / "secret").iterdir()] == ["key"]


def test_an_external_volume_is_its_folder(fs, files, tmp_path):
    """Spark lays a link to it; its files are read, written and removed."""
    (tmp_path / "outside").mkdir()
    Path(files.folder, "volumes/main/default/ext").symlink_to(tmp_path / "outside")

    fs.put("/Volumes/main/default/ext/a", "1")
    fs.cp("/Volumes/main/default/ext", "/tmp/copy", True)
    fs.cp("/tmp/copy", "/Volumes/main/default/ext", True)

    assert (tmp_path / "outside/a").read_text() == "1"
    assert names(fs.ls("/tmp/copy")) == ["a"]
    assert fs.rm("/Volumes/main/default/ext/a")


def test_mounts(fs, capsys):
    """They are told as Databricks does; what was written is there again when the storage is mounted elsewhere."""
    assert fs.mount(source=ADLS, mount_point="/mnt/raw", extra_configs={"fs.azure.account.key": "k"}) is True
    fs.put("/mnt/raw/a.csv", "1")

    assert any(mount.mountPoint == "/mnt/raw" for mount in fs.mounts())
    assert fs.mounts()[0] == MountInfo("/mnt/raw", ADLS, "")
    assert [mount.mountPoint for mount in fs.mounts()[1:]] == ["/Volumes", "/"]
    assert fs.refreshMounts() is True
    capsys.readouterr()
    assert fs.unmount("/mnt/raw") is True
    assert capsys.readouterr().out == "/mnt/raw has been unmounted.\n"
    with pytest.raises(DbutilsFileError):
        fs.ls("/mnt/raw/a.csv")
    assert fs.updateMount(ADLS, "/mnt/other") is True
    assert fs.head("/mnt/other/a.csv") == "1"


def test_a_folder_that_a_test_has_filled_is_what_a_mount_shows(fs):
    """So a test gives a notebook that mounts its storage the files that it reads."""
    fs.put("/mnt/raw/a.csv", "1")

    fs.mount(ADLS, "/mnt/raw")

    assert names(fs.ls("/mnt/raw")) == ["a.csv"]


@pytest.mark.parametrize(
    ("call", "cause"),
    [
        (lambda fs: fs.mount(ADLS, "/mnt/raw"), "requirement failed: Directory already mounted: /mnt/raw"),
        (lambda fs: fs.unmount("/mnt/rwa"), "requirement failed: Directory not mounted: /mnt/rwa"),
        (lambda fs: fs.unmount("/"), "a mount point is a folder of dbfs"),
        (lambda fs: fs.mount(ADLS, "/Volumes/x"), "a mount point is a folder of dbfs"),
        (lambda fs: fs.mount(ADLS, ""), "empty string"),
        (lambda fs: fs.mount("file:/etc", "/mnt/etc"), "the source is no cloud storage"),
        (lambda fs: fs.mount(None, "/mnt/etc"), "the source is no cloud storage"),
    ],
)
def test_mounts_that_cannot_be(fs, call, cause):
    """In Databricks' own words where they are known."""
    fs.mount(ADLS, "/mnt/raw")

    with pytest.raises(DbutilsFileError) as caught:
        call(fs)

    assert cause in str(caught.value)


@pytest.mark.parametrize(
    ("name", "mend"),
    [("lss", 'did you mean "ls"?'), ("cacheTable", "leave it out"), ("Put", 'did you mean "put"?'), ("zzz", "cp")],
)
def test_a_call_that_there_is_not(fs, name, mend):
    """Is an error with the nearest name."""
    with pytest.raises(DbutilsCallError, match=f"dbutils.fs.{name} is not served here") as caught:
        getattr(fs, name)("/tmp")

    assert mend in caught.value.mend


def test_help_names_all_calls(fs, capsys):
    """And one of them alone."""
    fs.help()
    told = capsys.readouterr().out
    fs.help("cp")

    calls = ["cp", "head", "ls", "mkdirs", "mount", "mounts", "mv", "put", "refreshMounts", "rm", "unmount", "updateMount"]
    assert [line.partition("(")[0] for line in told.splitlines() if "(" in line and line.partition("(")[0] != "help"] == calls
    assert capsys.readouterr().out.startswith("cp(source, dest, recurse) -> ")
    with pytest.raises(DbutilsCallError):
        fs.help("cpp")


def test_a_huge_listing(fs, files):
    """Ten thousand files are told, each once."""
    folder = Path(files.folder, "dbfs/tmp/many")
    folder.mkdir()
    for number in range(10_000):
        os.close(os.open(folder / f"{number:05}", os.O_CREAT))

    found = fs.ls("/tmp/many")

    assert (len(found), found[-1].name, isinstance(found[0], FileInfo)) == (10_000, "09999", True)


@pytest.mark.parametrize("path", ["/databricks-datasets", "dbfs:/databricks-datasets/x.csv"])
def test_sample_data_is_no_path_of_the_notebooks(fs, path):
    """Databricks has it, so its lack is none of the notebook's; what a test put there is there, and a like name is another."""
    with pytest.raises(StorageMissingError, match="Databricks' sample data isn't on this machine"):
        fs.ls(path)
    fs.put("/databricks-datasets/x.csv", "a")

    assert fs.ls(path)
    with pytest.raises(DbutilsFileError):
        fs.ls("/databricks-datasets-of-ours")
