from __future__ import annotations

from pathlib import Path

import pytest

from harness.runtime.files import Files, workspace_of
from harness.runtime.fs import Fs
from harness.runtime.kept_files import remove, restore, snapshot


@pytest.fixture
def folder(tmp_path):
    """A folder of files as a run begins with it."""
    Files(str(tmp_path / "files"))
    return tmp_path / "files"


def test_what_has_come_since_goes(folder):
    """Files, folders, links and mounts; what was there before stays, with what it has come to hold."""
    fs = Fs(Files(str(folder)))
    fs.put("/mnt/shared/kept.csv", "1")
    fs.mount("s3://kept", "/mnt/kept")
    before = snapshot(str(folder))

    fs.put("/mnt/shared/new.csv", "1")
    fs.put("/mnt/shared/kept.csv", "2", True)
    fs.mount("s3://new", "/mnt/new")
    (folder / "dbfs/tmp/link").symlink_to(folder.parent)
    (folder / "volumes/main/s/v").mkdir(parents=True)
    restore(str(folder), before)

    assert [info.name for info in fs.ls("/mnt/shared")] == ["kept.csv"]
    assert fs.head("/mnt/shared/kept.csv") == "2"
    assert [mount.mountPoint for mount in fs.mounts()] == ["/mnt/kept", "/Volumes", "/"]
    assert snapshot(str(folder)).keys() == before.keys()
    assert folder.parent.exists()


def test_the_first_folders_are_there_again(folder):
    """A test that removed /tmp leaves the next one a new one."""
    before = snapshot(str(folder))
    Fs(Files(str(folder))).rm("/tmp", True)

    restore(str(folder), before)

    assert Fs(Files(str(folder))).ls("/tmp") == []


def test_a_folder_without_rights_goes_too(folder):
    """A notebook may take away all rights."""
    (folder / "dbfs/tmp/locked/in").mkdir(parents=True)
    (folder / "dbfs/tmp/locked").chmod(0)

    restore(str(folder), {})
    assert not Path(folder, "dbfs/tmp/locked").exists()

    (folder / "dbfs/tmp/locked/in").mkdir(parents=True)
    (folder / "dbfs/tmp/locked").chmod(0)
    remove(str(folder))
    assert not folder.exists()


def test_a_folder_that_is_gone_is_no_matter(folder):
    """The engine removes it with a session that has ended."""
    before = snapshot(str(folder))
    remove(str(folder))

    restore(str(folder), before)

    assert not folder.exists()


@pytest.mark.parametrize("prefix", ["/Shared/churn", "/Workspace/Shared/churn", "/Shared/churn/"])
def test_workspace_folders_are_the_projects(tmp_path, prefix):
    """By run_prefixes; they are read and never changed."""
    (tmp_path / "etl").mkdir()
    (tmp_path / "etl/limits.json").write_text("{}")
    fs = Fs(Files(str(tmp_path / "files"), workspace=workspace_of({prefix: "etl"}, str(tmp_path))))

    assert fs.head("file:/Workspace/Shared/churn/limits.json") == "{}"
    assert [info.path for info in fs.ls("/Workspace/Shared/churn")] == ["file:/Workspace/Shared/churn/limits.json"]
    for call in (fs.rm, lambda path: fs.put(path, "", True)):
        with pytest.raises(Exception, match="NBH372"):
            call("file:/Workspace/Shared/churn/limits.json")
    assert (tmp_path / "etl/limits.json").read_text() == "{}"
