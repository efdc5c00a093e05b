from __future__ import annotations

import bz2
import errno
import glob
import gzip
import io
import os
import shutil
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from harness.errors import ForeignFileError
from harness.runtime.files import ElsewhereFiles, Files, workspace_of
from harness.runtime.fuse import serving


@pytest.fixture
def files(tmp_path):
    """Files with a volume, a folder to work in, and a project."""
    for name in ("files/volumes/main/default/landing", "work", "project/etl"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "project/etl/limits.json").write_text("{}")
    workspace = workspace_of({"/Shared/churn": "etl"}, str(tmp_path / "project"))
    return Files(str(tmp_path / "files"), driver=str(tmp_path / "work"), workspace=workspace)


@pytest.fixture
def served(files):
    """The same, found by Python's own functions."""
    with serving(files):
        yield files


@pytest.mark.parametrize("root", ["/dbfs/tmp", "/Volumes/main/default/landing", "/databricks/driver"])
def test_files_and_folders(served, root):
    """What notebooks do, in each place; names are told as they were asked."""
    os.makedirs(f"{root}/a/b")
    with open(f"{root}/a/1.csv", "w", encoding="utf-8") as file:
        file.write("1")
    Path(root, "a/b/2.csv").write_text("2")
    shutil.copy(f"{root}/a/1.csv", f"{root}/a/b")
    shutil.copytree(f"{root}/a", f"{root}/c")
    shutil.move(f"{root}/c/1.csv", f"{root}/moved.csv")
    os.replace(f"{root}/moved.csv", f"{root}/a/3.csv")

    assert sorted(os.listdir(f"{root}/a")) == ["1.csv", "3.csv", "b"]
    assert [(top, sorted(names), sorted(found)) for top, names, found in os.walk(f"{root}/a")] == [
        (f"{root}/a", ["b"], ["1.csv", "3.csv"]),
        (f"{root}/a/b", [], ["1.csv", "2.csv"]),
    ]
    assert sorted(glob.glob(f"{root}/a/**/2.*", recursive=True)) == [f"{root}/a/b/2.csv"]
    assert sorted(map(str, Path(root, "a").rglob("1.csv"))) == [f"{root}/a/1.csv", f"{root}/a/b/1.csv"]
    with os.scandir(f"{root}/a/b") as entries:
        assert sorted((entry.path, entry.is_file(), os.fspath(entry)) for entry in entries) == [
            (f"{root}/a/b/1.csv", True, f"{root}/a/b/1.csv"),
            (f"{root}/a/b/2.csv", True, f"{root}/a/b/2.csv"),
        ]
    assert os.path.getsize(f"{root}/a/1.csv") == 1
    assert Path(root, "a/b/2.csv").read_bytes() == b"2"
    shutil.rmtree(f"{root}/a")
    Path(f"{root}/c").rename(f"{root}/d")
    assert (os.path.exists(f"{root}/a"), os.path.isdir(f"{root}/d"), os.path.isfile(f"{root}/d")) == (False, True, False)


def test_it_is_the_tests_folder(served, files):
    """And no folder of this machine."""
    Path("/dbfs/tmp/x").write_text("1")

    assert Path(files.folder, "dbfs/tmp/x").read_text() == "1"
    assert os.listdir(b"/dbfs/tmp") == [b"x"]


def test_the_working_folder_can_be_there(served, tmp_path, monkeypatch):
    """It has its name on Databricks, and relative paths are read from it."""
    monkeypatch.chdir(tmp_path)
    os.makedirs("/dbfs/tmp/x")

    os.chdir("/dbfs/tmp/x")
    Path("a").write_text("1")

    assert os.getcwd() == "/dbfs/tmp/x"
    assert os.listdir("/dbfs/tmp/x") == ["a"]


def test_archives_and_packers(served):
    """They open files by names that they took before."""
    for opening in (gzip.open, bz2.open):
        with opening("/dbfs/tmp/x", "wb") as file:
            file.write(b"1")
        with opening("/dbfs/tmp/x") as file:
            assert file.read() == b"1"
    with tarfile.open("/dbfs/tmp/x.tar", "w") as archive:
        archive.add("/dbfs/tmp/x", "x")
    with tarfile.open("/dbfs/tmp/x.tar") as archive:
        archive.extractall("/dbfs/tmp/out", filter="data")
    with zipfile.ZipFile("/dbfs/tmp/x.zip", "w") as archive:
        archive.write("/dbfs/tmp/x", "x")
    assert os.listdir("/dbfs/tmp/out") == ["x"]


def test_pandas_and_pyarrow(served):
    """The second opens files itself: a file, and a folder of them as Spark writes it."""
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    if pd.__version__ >= "3":
        pytest.skip("pandas 3 opens files by pyarrow's own, and Spark 4.2 can't do with it")
    frame = pd.DataFrame({"a": [1, 2]})

    frame.to_csv("/dbfs/tmp/a.csv", index=False)
    os.mkdir("/dbfs/tmp/parts")
    frame.to_parquet("/dbfs/tmp/parts/1.parquet")
    frame.to_parquet("/dbfs/tmp/parts/2.parquet")

    assert list(pd.read_csv("/dbfs/tmp/a.csv").a) == [1, 2]
    assert (len(pd.read_parquet("/dbfs/tmp/parts/1.parquet")), len(pd.read_parquet("/dbfs/tmp/parts"))) == (2, 4)


@pytest.mark.parametrize(
    ("call", "kind", "told"),
    [
        (lambda: open("/dbfs/nope"), FileNotFoundError, "'/dbfs/nope'"),
        (lambda: os.listdir("/dbfs/nope"), FileNotFoundError, "'/dbfs/nope'"),
        (lambda: os.rename("/dbfs/nope", "/dbfs/n"), FileNotFoundError, "'/dbfs/nope' -> '/dbfs/n'"),
        (lambda: os.mkdir("/dbfs/tmp"), FileExistsError, "'/dbfs/tmp'"),
        (lambda: open("/dbfs/tmp"), IsADirectoryError, "'/dbfs/tmp'"),
        (lambda: open("/Volumes/main/default/nope/x", "w"), FileNotFoundError, "'/Volumes/main/default/nope/x'"),
        (lambda: os.stat("/Volumes/main/default/nope"), FileNotFoundError, "'/Volumes/main/default/nope'"),
        (lambda: os.makedirs("/Volumes/main/default/nope"), FileNotFoundError, "nope"),
        (lambda: os.mkdir("/Volumes/other"), PermissionError, "'/Volumes/other'"),
        (lambda: os.rmdir("/Volumes/main/default/landing"), PermissionError, "landing"),
        (lambda: shutil.rmtree("/dbfs"), PermissionError, "'/dbfs'"),
        (lambda: open("/Workspace/Shared/other/x"), FileNotFoundError, "'/Workspace/Shared/other/x'"),
        (lambda: open("/Workspace/Shared/churn/limits.json", "w"), PermissionError, "limits.json"),
        (lambda: os.remove("/Workspace/Shared/churn/limits.json"), PermissionError, "limits.json"),
        (lambda: os.symlink("/etc", "/dbfs/tmp/x"), OSError, "'/etc' -> '/dbfs/tmp/x'"),
        (lambda: os.link("/dbfs/tmp/a", "/dbfs/tmp/x"), OSError, "Operation not supported"),
        (lambda: open("/dbfs/\0"), ValueError, "null"),
    ],
)
def test_errors_are_pythons_own_with_the_names_that_were_asked(served, call, kind, told):
    """And nothing of the folder behind them."""
    with pytest.raises(kind) as caught:
        call()

    assert told in str(caught.value)
    assert served.folder not in str(caught.value)


@pytest.mark.parametrize("mode", ["a", "r+", "ab", "r+b"])
def test_no_writing_into_a_file_that_is_there(served, mode):
    """As dbfs and volumes: it passes here and fails there else. To begin a new file by appending is fine."""
    with open("/dbfs/tmp/new", "a") as file:
        file.write("1")

    with pytest.raises(OSError, match="not supported") as caught:
        open("/dbfs/tmp/new", mode)

    assert caught.value.errno == errno.EOPNOTSUPP
    with open("/databricks/driver/log", "a") as file:
        file.write("1")
    with open("/databricks/driver/log", "a") as file:  # the cluster's own disk can
        file.write("2")


def test_the_project_is_read_by_its_workspace_path(served):
    """It is the one that run_prefixes maps."""
    assert Path("/Workspace/Shared/churn/limits.json").read_text() == "{}"
    assert os.listdir("/Workspace/Shared/churn") == ["limits.json"]


@pytest.mark.parametrize("may", [False, True])
def test_the_project_is_written_by_its_workspace_path_where_it_may_be(tmp_path, may):
    """Elsewhere not even a new file, and nothing beside it in any case."""
    project = tmp_path / "project"
    (project / "etl").mkdir(parents=True)
    workspace = workspace_of({"/Shared/churn": "etl"}, str(project))
    own = [str(project / "etl")] if may else []
    with serving(Files(str(tmp_path / "files"), own=lambda: own, workspace=workspace)):
        if may:
            Path("/Workspace/Shared/churn/out.json").write_text("{}")
        else:
            with pytest.raises(PermissionError):
                Path("/Workspace/Shared/churn/out.json").write_text("{}")
        with pytest.raises(OSError, match=r"out\.json"):
            Path("/Workspace/Shared/out.json").write_text("{}")

    assert (project / "etl" / "out.json").exists() is may


@pytest.mark.parametrize(
    "path", ["/dbfs/../etc/hostname", "/dbfs/tmp/../../etc/hostname", "/etc/hostname", "relative", "/dbfsx"]
)
def test_other_paths_are_left_alone(served, path):
    """Dots are taken as the system takes them."""
    assert served.as_file(path) is None


@pytest.mark.parametrize("path", ["//dbfs/tmp/x", "/tmp/../dbfs/tmp/x", "/dbfs/./tmp//x"])
def test_the_long_way_round(served, path):
    """Leads to the same file."""
    Path("/dbfs/tmp/x").write_text("1")

    with open(path) as file:
        assert file.read() == "1"


def test_links_do_not_lead_out(served, files, tmp_path):
    """A link that C code laid is no way to a file outside; it can be looked at and removed itself."""
    (tmp_path / "key").write_text("key")
    Path(files.folder, "dbfs/tmp/out").symlink_to(tmp_path / "key")

    for call in (lambda: open("/dbfs/tmp/out"), lambda: open("/dbfs/tmp/out", "w"), lambda: os.stat("/dbfs/tmp/out")):
        with pytest.raises(PermissionError):
            call()
    assert os.path.islink("/dbfs/tmp/out")
    os.remove("/dbfs/tmp/out")
    assert (tmp_path / "key").read_text() == "key"


def test_nothing_is_left_of_it(files):
    """Python's functions are its own again; one that somebody kept does no harm."""
    before = (open, os.stat, os.listdir, os.open, os.scandir, len(os.supports_follow_symlinks), tarfile.bltn_open)
    with serving(files):
        kept = os.listdir
        assert kept is not before[2]
    after = (open, os.stat, os.listdir, os.open, os.scandir, len(os.supports_follow_symlinks), tarfile.bltn_open)

    assert after == before
    with pytest.raises(FileNotFoundError):
        os.listdir("/dbfs")
    with pytest.raises(FileNotFoundError):
        kept("/dbfs")


def test_a_function_that_was_put_aside_and_back(files, monkeypatch):
    """As monkeypatch does over a test's end: the next test finds one layer, not two."""
    with serving(files):
        monkeypatch.setattr("builtins.open", lambda *_: None)
    monkeypatch.undo()
    first = open
    with serving(files):
        assert open is first
        Path("/dbfs/tmp/x").write_text("1")
    assert open is io.open
    assert open is not first


def test_threads_see_it_too(served):
    """A notebook copies with several."""
    Path("/dbfs/tmp/x").write_text("1")
    found = []
    thread = threading.Thread(target=lambda: found.append(Path("/dbfs/tmp/x").read_text()))
    thread.start()
    thread.join()

    assert found == ["1"]


@pytest.mark.parametrize(
    "path", ["/dbfs/tmp/x", "//dbfs/tmp/x", "/Volumes/main/default/landing/x", "/Volumes/main/default/none/x"]
)
def test_of_a_run_on_a_workspace_nothing_is_found_here(tmp_path, path):
    """No folder of this machine stands for what is there, not even to be asked whether it is; all other paths are as ever."""
    (tmp_path / "files/volumes/main/default/landing").mkdir(parents=True)
    with serving(ElsewhereFiles(str(tmp_path / "files"))):
        for call in (os.path.exists, os.makedirs, lambda one: open(one, "w", encoding="utf-8")):
            with pytest.raises(ForeignFileError, match="on the workspace"):
                call(path)
        (tmp_path / "own").write_text("1")
        assert sorted(os.listdir(tmp_path)) == ["files", "own"]
