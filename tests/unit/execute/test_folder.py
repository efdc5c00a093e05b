from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from harness.execute import folder
from harness.execute.folder import lay_out, written


@pytest.fixture
def project(tmp_path):
    """A project with data beside and above the notebook."""
    root = tmp_path / "project"
    for name in ("nbs/n.py", "nbs/data/in.csv", "conf/a.yml", ".git/config", ".venv/bin/python", "nbs/__pycache__/n.pyc"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    work = tmp_path / "work"
    work.mkdir()
    return root, work


def test_all_that_lies_around_the_notebook_is_there(project):
    """Beside it and above it; a repository's history and caches aren't."""
    root, work = project

    own = Path(lay_out(str(work), str(root / "nbs" / "n.py"), str(root)).folder)

    assert own == work / "nbs"
    assert (own / "data" / "in.csv").read_text() == "nbs/data/in.csv"
    assert (own / ".." / "conf" / "a.yml").read_text() == "conf/a.yml"
    assert (work / ".venv").is_symlink()
    assert not (work / ".git").exists()
    assert not (own / "__pycache__").exists()
    assert written(work) == ()


def test_a_notebook_outside_the_root_has_its_own_folder(project):
    """And nothing of the root's."""
    root, work = project

    own = Path(lay_out(str(work), str(root / "nbs" / "n.py"), str(root / "conf")).folder)

    assert own == work
    assert sorted(path.name for path in own.iterdir()) == ["data", "n.py"]


def test_a_large_project_is_linked_by_its_folders(project, monkeypatch):
    """To lay out ten thousand files for each run would take longer than the run."""
    root, work = project
    monkeypatch.setattr(folder, "LIMIT", 0)

    own = Path(lay_out(str(work), str(root / "nbs" / "n.py"), str(root)).folder)

    assert not own.is_symlink()
    assert (own / "data").is_symlink()
    assert (own / "data" / "in.csv").exists()


WRITES = """
import os, pathlib, shutil, sqlite3
pathlib.Path("data/new.csv").write_text("new")
open("data/in.csv", "a").write(" and more")
open("n.py", "w").close()
with open("../conf/a.yml", "r+") as file: file.write("CONF")
os.close(os.open("data/fd.txt", os.O_CREAT | os.O_WRONLY))
os.chmod("../conf/b.yml", 0o600)
os.remove("../conf/gone.yml")
sqlite3.connect("data/db.sqlite").execute("create table t (a int)")
"""


def test_what_is_written_stays_in_it(project):
    """By whatever way of Python's, and whether the file was there or not."""
    root, work = project
    for name in ("b.yml", "gone.yml"):
        (root / "conf" / name).write_text(name)
    (root / "conf" / "b.yml").chmod(0o644)
    (root / "nbs" / "data" / "db.sqlite").touch()
    before = {path: (path.read_bytes(), path.stat().st_mode) for path in root.rglob("*") if path.is_file()}
    own = Path(lay_out(str(work), str(root / "nbs" / "n.py"), str(root)).folder)
    hook = f"from harness.execute.folder import copy_before_writing\ncopy_before_writing({str(work)!r})\n"

    subprocess.run([sys.executable, "-c", hook + textwrap.dedent(WRITES)], cwd=own, check=True)

    assert {path: (path.read_bytes(), path.stat().st_mode) for path in root.rglob("*") if path.is_file()} == before
    assert (own / "data" / "in.csv").read_text() == "nbs/data/in.csv and more"
    assert (work / "conf" / "a.yml").read_text() == "CONF/a.yml"
    assert written(work) == (
        "conf/a.yml", "conf/b.yml", "nbs/data/db.sqlite", "nbs/data/fd.txt", "nbs/data/in.csv", "nbs/data/new.csv", "nbs/n.py",
    )  # fmt: skip
