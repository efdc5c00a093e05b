from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import NotebookReadError
from harness.notebook import discover, is_notebook, is_notebook_bytes

HEADER = "# Databricks notebook source\n"


def write(path: Path, text: str = HEADER) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def names(root: Path, **options) -> list[str]:
    """Give the notebooks found below a folder, relative to it."""
    return [path.relative_to(root).as_posix() for path in discover(root, **options).notebooks]


def test_notebooks_are_found_in_order_of_path(tmp_path):
    """Notebooks of all formats are found, sorted by path; other files aren't."""
    for name in ("b.py", "a/z.ipynb", "a/x.dbc", "B.R", "a.b/c.py"):
        write(tmp_path / name)
    write(tmp_path / "q.sql", "-- Databricks notebook source")
    write(tmp_path / "s.scala", "\ufeff// Databricks notebook source exported at Sat")
    for name in ("plain.py", "late.py", "n.py.tmpl", "n.txt", "wrong.sql"):
        write(tmp_path / name, "\n" + HEADER if name == "late.py" else "x = 1\n" if name == "plain.py" else HEADER)

    assert names(tmp_path) == ["B.R", "a.b/c.py", "a/x.dbc", "a/z.ipynb", "b.py", "q.sql", "s.scala"]


@pytest.mark.parametrize(
    "folder",
    [
        ".git", ".venv", "venv", "__pycache__", ".ipynb_checkpoints", "node_modules", ".tox", ".nox", "build", "dist",
        "x.egg-info", ".databricks", ".bundle", ".mypy_cache", ".ruff_cache",
    ],
)  # fmt: skip
def test_made_folders_are_left_out(tmp_path, folder):
    """Folders that tools make are not searched, at any depth."""
    write(tmp_path / "a" / folder / "n.py")

    assert names(tmp_path) == []


def test_virtual_environment_of_any_name_is_left_out(tmp_path):
    """A folder that holds pyvenv.cfg is a virtual environment."""
    write(tmp_path / "env" / "pyvenv.cfg", "")
    write(tmp_path / "env" / "lib" / "n.py")

    assert names(tmp_path) == []


def test_made_folder_can_be_the_root(tmp_path):
    """A folder that is asked for by name is searched, whatever its name."""
    write(tmp_path / "build" / "n.py")

    assert names(tmp_path / "build") == ["n.py"]


def test_links_to_folders_are_not_followed(tmp_path):
    """A link to a folder can lead in a circle; a link to a file is followed."""
    target = write(tmp_path / "a" / "n.py")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "link.py").symlink_to(target)
    (tmp_path / "a" / "gone.py").symlink_to(tmp_path / "nowhere.py")

    assert names(tmp_path) == ["a/link.py", "a/n.py"]


def test_headerless_files_are_found_on_request(tmp_path):
    """Files with separators and no header are found only when asked for."""
    write(tmp_path / "a.py", "x = 1\n# COMMAND ----------\n")
    write(tmp_path / "b.py", "# MAGIC %md\n")
    write(tmp_path / "c.py", "x = 1\n")

    assert (names(tmp_path), names(tmp_path, headerless=True)) == ([], ["a.py", "b.py"])


def test_one_file_is_found_by_itself(tmp_path):
    """A file given as the root is found if it is a notebook."""
    notebook, module = write(tmp_path / "n.py"), write(tmp_path / "m.py", "x = 1\n")

    assert [discover(path).notebooks for path in (notebook, module)] == [(notebook,), ()]


def test_missing_root_is_refused(tmp_path):
    """A root that isn't there is refused in our words."""
    path = tmp_path / "nowhere"

    with pytest.raises(NotebookReadError) as caught:
        discover(path)

    assert str(caught.value) == (
        f"{path.as_posix()}: NBH100 the folder can't be searched\n"
        "  cause: no such file or directory\n"
        "  mend:  check the path; it counts from the folder where the command runs\n"
        "  more:  docs/errors.md#nbh100"
    )


def test_unreadable_places_are_problems(tmp_path, monkeypatch):
    """A folder or file that may not be looked at is a problem, and the rest is found."""
    write(tmp_path / "good.py")
    bad_file, bad_folder = write(tmp_path / "bad.py"), tmp_path / "locked"
    bad_folder.mkdir()
    real_open, real_scandir = os.open, os.scandir

    def refuse(path):
        if Path(path) in (bad_file, bad_folder):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", lambda path, *rest: refuse(path) or real_open(path, *rest))
    monkeypatch.setattr(os, "scandir", lambda path: refuse(path) or real_scandir(path))

    found = discover(tmp_path)

    assert found.notebooks == (tmp_path / "good.py",)
    assert [(problem.code, problem.what, problem.location.path, problem.cause) for problem in found.problems] == [
        ("NBH100", "the file can't be looked at", bad_file.as_posix(), "permission denied"),
        ("NBH100", "the folder can't be searched", bad_folder.as_posix(), "permission denied"),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_are_passed_by(tmp_path):
    """A named pipe is no notebook and holds nothing up."""
    os.mkfifo(tmp_path / "n.py")

    assert names(tmp_path) == []
    assert not is_notebook(tmp_path / "n.py")


@pytest.mark.parametrize(
    ("head", "suffix", "expected"),
    [
        (b"# Databricks notebook source\n", ".py", True),
        (b"# Databricks notebook source exported at", ".PY", True),
        (b"\xef\xbb\xbf# Databricks notebook source\r\n", ".py", True),
        (b"\n# Databricks notebook source", ".py", False),
        (b"# Databricks notebook source", ".sql", False),
        (b"", ".py", False),
        (b"", ".ipynb", True),
        (b"# Databricks notebook source", ".txt", False),
    ],
)
def test_head_tells_a_notebook(head, suffix, expected):
    """The first bytes and the suffix tell whether a file is a notebook."""
    assert is_notebook_bytes(head, suffix) is expected


def test_unreadable_file_is_no_notebook(tmp_path):
    """A file that can't be read is no notebook."""
    assert not is_notebook(tmp_path / "nowhere.py")
    assert not is_notebook("a\0b.py")
